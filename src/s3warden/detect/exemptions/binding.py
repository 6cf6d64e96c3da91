"""Whether a finding is still what an exemption was approved for. Pure.

Takes a bucket's state and what was approved, takes the approved access away from the state, and lets the rule judge
what is left: where it still fails, that is new, and the rule's own words say what. Taking away is done with Deny
statements and the removal of ACL grants, so that it can never hide more than what was approved. Never guesses: where
the policy cannot be understood, or the rule cannot decide, the finding is not bound.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from s3warden.detect.exemptions.scope import matches
from s3warden.detect.exposed import analysed, inputs_of, without_layers
from s3warden.detect.exposure import actions
from s3warden.detect.exposure.parse import MODERN
from s3warden.detect.proofs import some
from s3warden.detect.questions import raw_statements, status_of, understood
from s3warden.detect.rule import Judgement, Rule, RuleOptions, UnreadableError
from s3warden.detect.rules.exposure import AUTHENTICATED, PUBLIC
from s3warden.model.bucket import Aspect, BucketState, Present, Reading, State, Unreadable
from s3warden.model.configuration import Acl, Grant, GranteeKind, Policy, PolicyStatus
from s3warden.model.exemption import Allowance, Approved
from s3warden.model.finding import RuleResult, Verdict
from s3warden.model.rule import Category, RuleInfo

SHARING = frozenset(
    {
        "bucket-access-point-cross-account",
        "bucket-acl-external-grantee",
        "bucket-cross-account-access",
        "bucket-cross-account-admin-actions",
        "bucket-cross-account-outside-org",
    }
)
"""The rules about access by name: who gets in there is approved by name, too."""
BY_FACTS = frozenset(
    {
        "account-directory-bucket-external",
        "account-lake-formation-foreign-bucket",
        "account-object-lambda-exposed",
        "account-s3-files-policy",
        "account-table-bucket-external",
        "account-table-bucket-replication",
        "account-vector-bucket-external",
        "bucket-replication-external",
    }
)
"""The rules about others who get data in ways that the exposure engine does not follow: their facts are approved."""

_SOUND = (Verdict.PASS, Verdict.NOT_APPLICABLE)
# Who gets in answers these rules in full, so that no facts need to be approved beside it.
_ANSWERED = SHARING | {PUBLIC.info.id, AUTHENTICATED.info.id}
_NOBODY: Mapping[str, object] = MappingProxyType({})


def is_bound(rule: RuleInfo) -> bool:
    """Whether an exemption from this rule must say what was approved: the rules about who gets in from outside."""
    return rule.category is Category.EXPOSURE or rule.id in SHARING or rule.id in BY_FACTS


@dataclass(frozen=True, slots=True)
class Beyond:
    """What of a finding goes beyond what was approved, in words; `undecided` where that cannot be told."""

    text: str
    undecided: bool = False


def beyond(approved: Approved, rule: Rule, state: State, options: RuleOptions, result: RuleResult) -> Beyond | None:
    """What of the finding was not approved; None if all of it was.

    Facts stand for what is no access, such as a setting; who gets in is always held against what was approved.
    """
    as_told = bool(approved.facts) and dict(approved.facts) == dict(result.evidence.details)
    if not isinstance(state, BucketState) or rule.info.id in BY_FACTS:
        return None if as_told else _other_facts(approved, result)
    if isinstance(state.reading(Aspect.POLICY), Unreadable) or understood(inputs_of(state, options)) is not None:
        return Beyond("the policy could not be read and understood", undecided=True)
    try:
        judged = next((j for j in _access(approved, rule, state, options) if j.verdict not in _SOUND), None)
        if judged is not None:
            return Beyond(judged.evidence.summary, undecided=judged.verdict is Verdict.UNKNOWN)
        if rule.info.id in _ANSWERED or as_told or (own := _own(approved, rule, state, options)).verdict in _SOUND:
            return None
    except UnreadableError as error:
        return Beyond(f"{error.aspect.replace('_', ' ')} could not be read", undecided=True)
    if approved.facts:
        return _other_facts(approved, result)
    return Beyond(own.evidence.summary, undecided=own.verdict is Verdict.UNKNOWN)


def _access(approved: Approved, rule: Rule, state: BucketState, options: RuleOptions) -> Iterator[Judgement]:
    """What is said of the bucket without all that was approved; for an exposure, of every way to be public."""
    rest = without(approved, state, options)
    if rule.info.category is not Category.EXPOSURE:
        yield rule.check(rest, options)
        return
    # Each of the two leaves the telling to the other where both would fail.
    yield PUBLIC.check(rest, options)
    yield AUTHENTICATED.check(without(approved, state, options, signed_only=True), options)


def _own(approved: Approved, rule: Rule, state: BucketState, options: RuleOptions) -> Judgement:
    rest = without(approved, state, options)
    judged = rule.check(rest, options)
    return judged if judged.verdict in _SOUND else rule.check(_called_private(rest, options), options)


def _other_facts(approved: Approved, result: RuleResult) -> Beyond:
    known, found = dict(approved.facts), dict(result.evidence.details)
    other = [f"{key} is {value}" for key, value in found.items() if known.get(key) != value]
    gone = [f"{key} is not told any more" for key in known if key not in found]
    return Beyond(f"the facts are not those approved: {some([*other, *gone])}")


def without(approved: Approved, state: BucketState, options: RuleOptions, *, signed_only: bool = False) -> BucketState:
    """The bucket with all that was approved taken away. Only for a policy that is understood.

    `signed_only`: the question is about callers who sign, or come from a VPC, and no others.
    """
    inputs = inputs_of(state, options)
    readings: dict[Aspect, Reading[object]] = dict(state.readings)
    denies = list(_denies(approved, state, signed_only=signed_only))
    policy = state.reading(Aspect.POLICY)
    match policy:
        case Present(value=Policy(text=text)):
            whole = {**json.loads(text), "Statement": [*raw_statements(text), *denies]}
        case _:
            whole = {"Version": MODERN, "Statement": denies}
    readings[Aspect.POLICY] = Present(Policy(json.dumps(whole)))
    status = status_of(inputs)
    if status is not None and inputs.policy is not None:
        # RestrictPublicBuckets goes by the real policy.
        readings[Aspect.POLICY_STATUS] = Present(PolicyStatus(status))
    match state.reading(Aspect.ACL):
        case Present(value=Acl() as acl):
            kept = tuple(grant for grant in acl.grants if not _granted(approved, grant))
            readings[Aspect.ACL] = Present(replace(acl, grants=kept))
    return replace(state, readings=readings)


def _called_private(state: BucketState, options: RuleOptions) -> BucketState:
    """The same bucket, its policy no longer called public if no stranger would get in by it with every layer off."""
    if analysed(without_layers(inputs_of(state, options))).public is not False:
        return state
    status: Reading[object] = Present(PolicyStatus(is_public=False))
    return replace(state, readings={**state.readings, Aspect.POLICY_STATUS: status})


def _denies(approved: Approved, state: BucketState, *, signed_only: bool) -> Iterable[dict[str, object]]:
    arn = state.ref.arn
    signed = _NOBODY if signed_only else {"StringNotEquals": {"aws:PrincipalType": "Anonymous"}}
    yield from (_deny("*", allowance, arn) for allowance in approved.public)
    yield from (_deny("*", allowance, arn, signed) for allowance in approved.authenticated)
    for name, allowances in approved.accounts:
        kind = "CanonicalUser" if len(name) == _CANONICAL else "AWS"
        yield from (_deny({kind: name}, allowance, arn) for allowance in allowances)
    for name, allowances in approved.organizations:
        member = {"StringEquals": {"aws:PrincipalOrgID": name}}
        yield from (_deny("*", allowance, arn, member) for allowance in allowances)


_CANONICAL = 64


def _deny(
    principal: object, allowance: Allowance, arn: str, condition: Mapping[str, object] = _NOBODY
) -> dict[str, object]:
    resources = [arn, f"{arn}/*"] if allowance.keys is None else [f"{arn}/{allowance.keys}"]
    statement = {"Effect": "Deny", "Principal": principal, "Action": allowance.action, "Resource": resources}
    return {**statement, "Condition": dict(condition)} if condition else statement


def _granted(approved: Approved, grant: Grant) -> bool:
    """Whether all that an ACL grants to a group of strangers, or to another account, was approved for them."""
    group = grant.grantee.rpartition("/global/")[2] if "/global/" in grant.grantee else ""
    named = dict(approved.accounts).get(grant.grantee, ()) if grant.kind is GranteeKind.CANONICAL_USER else ()
    allowances = {"AllUsers": approved.public, "AuthenticatedUsers": (*approved.public, *approved.authenticated)}.get(
        group, named
    )
    wanted = actions.ACL_ACTIONS.get(grant.permission.upper(), ())
    return bool(wanted) and all(any(_covers(allowance, name) for allowance in allowances) for name in wanted)


def _covers(allowance: Allowance, action: str) -> bool:
    return allowance.keys is None and matches(allowance.action.lower(), action)
