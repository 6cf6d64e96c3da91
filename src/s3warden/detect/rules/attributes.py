"""Tags that give access: who may tag a bucket by its policy, and may not change that policy.

With attribute-based access control on, policies anywhere may ask for the bucket's tags, so that whoever sets them
chooses who gets in. Only TagResource and UntagResource set them then. Which policies ask for tags is not read here, nor
whom the account's own policies let tag. A grant that is limited by aws:TagKeys or aws:RequestTag is taken for meant.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from s3warden.detect.advice import OWN, policy_steps, shows_policy
from s3warden.detect.exposure.concrete import Decision, Request, decide
from s3warden.detect.exposure.normal import Document, Statement
from s3warden.detect.outsiders import STRANGER, Resource, account_of, callers_of, favourable
from s3warden.detect.proofs import some
from s3warden.detect.questions import document
from s3warden.detect.rule import (
    Example,
    Judgement,
    Kind,
    Rule,
    RuleOptions,
    configured,
    fails,
    not_applicable,
    passes,
    undecided,
)
from s3warden.detect.samples import ACCOUNT, ARN, DENIED, allow, bucket, policy
from s3warden.detect.surroundings import OURS
from s3warden.model.bucket import ABSENT, Aspect, BucketState, Present, Reading, State
from s3warden.model.configuration import Abac, Policy
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import maps
from s3warden.model.rule import Category, RuleInfo

_GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/buckets-tagging-enable-abac.html"
_TAG = ("s3:TagResource", "s3:UntagResource")
_CHANGE = ("s3:PutBucketPolicy",)
# Every request that sets or takes away tags says which.
_SOME_TAG = {"aws:tagkeys": ("some-tag",)}
_LIMITS = ("aws:tagkeys", "aws:requesttag/")


@dataclass(frozen=True, slots=True, order=True)
class _Caller:
    """Somebody whom a policy names. `account` is None for the own: naming its root gives nobody in it anything yet."""

    name: str
    account: str | None
    principals: tuple[str, ...] = ()


def _check(state: State, _options: RuleOptions) -> Judgement:
    abac = configured(state, Aspect.ABAC, Abac)
    if abac is None or not abac.enabled:
        return not_applicable("No tag of the bucket gives access: attribute-based access control is off.")
    given = configured(state, Aspect.POLICY, Policy)
    if given is None:
        return passes("There is no policy that lets anybody tag the bucket.")
    arn = state.ref.arn if isinstance(state, BucketState) else ""
    return _judged(document(given.text), Resource(arn, state.ref.account, state.ref.partition, _TAG))


def _judged(found: Document, resource: Resource) -> Judgement:
    free = replace(found, statements=tuple(each for each in found.statements if not _is_limited(each)))
    decisions = {each: _may(each, _TAG, free, resource) for each in sorted(_callers(found, resource))}
    taggers = [
        each.name
        for each, decision in decisions.items()
        if decision is Decision.ALLOWED and _may(each, _CHANGE, found, resource) is not Decision.ALLOWED
    ]
    if taggers:
        facts = {"principals": some(taggers)}
        return fails(f"Who may not change the policy may set tags that give access: {facts['principals']}.", facts)
    unclear = next(iter(found.unknown), None)
    if Decision.UNDECIDED in decisions.values() or unclear is not None:
        return undecided("Who may tag the bucket cannot be decided.", {"because": unclear or "a part of the policy"})
    return passes("Nobody may tag the bucket by its policy who may not change that policy as well.")


def _is_limited(statement: Statement) -> bool:
    positive = (
        each
        for each in statement.conditions
        if not each.operator.negated and each.operator.base != "Null" and "*" not in each.values
    )
    return statement.effect == "Allow" and any(each.key.startswith(_LIMITS) for each in positive)


def _callers(found: Document, resource: Resource) -> Iterator[_Caller]:
    """Everybody, as a stranger, and all whom an Allow names; the own account as a whole is let in by nobody else."""
    yield _Caller("everyone", STRANGER)
    granting = [each for each in found.statements if each.effect != "Deny"]
    for name in {name for each in granting for name in (*each.principals.aws, *callers_of(each.conditions))}:
        account = account_of(name)
        if account != resource.account:
            yield _Caller(name, account or None, (name,))
        elif name != account and not name.endswith(":root"):
            yield _Caller(name, None, (name,))


def _may(caller: _Caller, actions: tuple[str, ...], found: Document, resource: Resource) -> Decision:
    """Whether the caller may do one of the actions, with all that he may choose himself chosen in his favour."""
    decisions = set()
    for statement in found.statements:
        account = caller.account or resource.account
        context = {**_SOME_TAG, **favourable(statement.conditions, resource, account, caller.principals)}
        for action in actions:
            request = Request(action, resource.arn, True, caller.account, caller.principals, False, context)
            decisions.add(decide(request, found))
    if Decision.ALLOWED in decisions:
        return Decision.ALLOWED
    return Decision.UNDECIDED if Decision.UNDECIDED in decisions else Decision.NOT_GRANTED


_PARTNER = "444455556666"
_ROLE = f"arn:{ACCOUNT.partition}:iam::{ACCOUNT.account}:role/tagger"


def _tagged(reading: Reading[Policy], abac: Reading[Abac] | None = None) -> BucketState:
    return bucket({Aspect.ABAC: Present(Abac(enabled=True)) if abac is None else abac, Aspect.POLICY: reading})


def _granted(principal: object, *actions: str, **more: object) -> BucketState:
    """With ABAC on, and a policy that lets the principal do the actions on the bucket."""
    return _tagged(policy(allow(principal, list(actions), ARN, **more)))


_MEND = "take out s3:TagResource and s3:UntagResource, or limit them to keys by aws:TagKeys"
_KEYS = {"ForAllValues:StringEquals": {"aws:TagKeys": ["cost-center"]}}
_DENY = {"Effect": "Deny", "Principal": "*", "Action": "s3:*TagResource", "Resource": ARN}
ESCALATION = Rule(
    RuleInfo(
        id="bucket-abac-tag-escalation",
        title="Who may not change the policy may set tags that give access",
        severity=Severity.MEDIUM,
        category=Category.ACCESS,
        needs=frozenset({Aspect.ABAC, Aspect.POLICY}),
        why=(
            "With attribute-based access control on, a tag of the bucket may be what a policy asks for before it lets "
            "somebody in. Who may set tags then decides about access without touching any policy."
        ),
        cli=f"""\
aws s3api get-bucket-policy {OWN} \\
  --query Policy --output text > {{bucket}}.json
# In {{bucket}}.json, {_MEND}, then:
aws s3api put-bucket-policy {OWN} \\
  --policy file://{{bucket}}.json""",
        terraform=f"# In the policy of aws_s3_bucket_policy for {{bucket}}:\n# {_MEND}.",
        console=policy_steps(_MEND),
        cloudformation=f"# In the AWS::S3::BucketPolicy of {{bucket}}:\n# {_MEND}.",
        verify=shows_policy("no Allow of s3:TagResource or s3:UntagResource without a condition on aws:TagKeys"),
        maps=maps({}),
        default=False,
        references=(_GUIDE,),
    ),
    Kind.BUCKET,
    _check,
    (
        Example("no policy", _tagged(ABSENT), Verdict.PASS),
        Example("a policy about other things", _granted({"AWS": _ROLE}, "s3:ListBucket"), Verdict.PASS),
        Example("who may change the policy", _granted({"AWS": _ROLE}, "s3:*"), Verdict.PASS),
        Example("the own account as a whole", _granted({"AWS": OURS}, "s3:TagResource"), Verdict.PASS),
        Example("limited to keys", _granted({"AWS": _ROLE}, "s3:TagResource", Condition=_KEYS), Verdict.PASS),
        Example("denied again", _tagged(policy(allow({"AWS": _ROLE}, "s3:TagResource", ARN), _DENY)), Verdict.PASS),
        Example("by an action that tags no more", _granted({"AWS": _ROLE}, "s3:PutBucketTagging"), Verdict.PASS),
        Example("an own role", _granted({"AWS": _ROLE}, "s3:TagResource"), Verdict.FAIL),
        Example("an own role may take tags away", _granted({"AWS": _ROLE}, "s3:Untag*"), Verdict.FAIL),
        Example("another account", _granted({"AWS": _PARTNER}, "s3:TagResource"), Verdict.FAIL),
        Example("everyone", _granted("*", "s3:TagResource"), Verdict.FAIL),
        Example(
            "switched off",
            _tagged(policy(allow({"AWS": _ROLE}, "s3:TagResource", ARN)), Present(Abac(enabled=False))),
            Verdict.NOT_APPLICABLE,
        ),
        Example("a policy that is none", _tagged(Present(Policy("{"))), Verdict.UNKNOWN),
        Example("the policy is unreadable", _tagged(DENIED), Verdict.UNKNOWN),
        Example("whether it is on is unreadable", _tagged(ABSENT, DENIED), Verdict.UNKNOWN),
    ),
)

RULES = (ESCALATION,)
