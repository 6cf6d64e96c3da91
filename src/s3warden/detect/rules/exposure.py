"""Who can reach the bucket from outside in the end: ACL, policy, access points and every layer above them, together.

The verdict and its proof are the exposure engine's; one bucket that is open gives one finding with the whole proof.
"""

from s3warden.detect import powers, proofs
from s3warden.detect.advice import (
    BLOCK_RESOURCE,
    BLOCK_STEPS,
    NO_ACLS_RESOURCE,
    SHOWS_BLOCK,
    SHOWS_CLOSED,
    policy_resource,
    policy_steps,
)
from s3warden.detect.effective import ENFORCED, LAYERS_OF_ACL, acl_neutralised_by, ownership
from s3warden.detect.exposed import HINTS, NEEDS, analysed, inputs_of, without_layers
from s3warden.detect.exposure.inputs import ExposureInputs
from s3warden.detect.exposure.verdict import Exposure
from s3warden.detect.mappings import PUBLIC as STANDARDS
from s3warden.detect.powers import Power
from s3warden.detect.rule import Example, Judgement, Kind, Rule, RuleOptions, fails, passes, undecided
from s3warden.detect.samples import DENIED, allow, bucket, by_policy, flags, granting, unguarded
from s3warden.model.bucket import ABSENT, Aspect, Present, State, Unreadable
from s3warden.model.configuration import ALL_USERS, AUTHENTICATED_USERS, Ownership, PublicAccessBlock, RequestPayment
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.rule import Category, RuleInfo

_GUIDES = (
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html",
)
_CLOSE = """\
# Close it now; this also cuts what a public policy grants to other accounts:
aws s3api put-public-access-block --bucket {bucket} --region {region} --expected-bucket-owner {account} \\
  --public-access-block-configuration \\
  BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true
# What a smaller change would do: s3warden explain bucket {bucket} --what-if"""
_EDIT = """\
aws s3api get-bucket-policy --bucket {bucket} --region {region} --query Policy --output text > {bucket}.json
# In {bucket}.json, remove the public statement or name its principals, then:
aws s3api put-bucket-policy --bucket {bucket} --region {region} --expected-bucket-owner {account} \\
  --policy file://{bucket}.json"""
_PRIVATE_ACL = """\
# If it is the ACL:
#   aws s3api put-bucket-acl --bucket {bucket} --region {region} --expected-bucket-owner {account} --acl private"""
_TERRAFORM_CLOSE = """\
resource "aws_s3_bucket_public_access_block" "this" {
  bucket                  = "{bucket}"
  block_public_acls       = true
  ignore_public_acls      = true
  block_public_policy     = true
  restrict_public_buckets = true
}"""
_TERRAFORM_EDIT = """\
# In the policy of aws_s3_bucket_policy for {bucket}: remove the public statement,
# or give it principals instead of "*"; in aws_s3_bucket_acl: acl = "private"."""
_STEPS = policy_steps("if the policy grants it, remove the public statement or name its principals")
_CONSOLE_CLOSE = f"{BLOCK_STEPS}\nOr mend what grants it:\n{_STEPS}"
_MENDED = f"{NO_ACLS_RESOURCE}\n{policy_resource(note='With principals instead of everyone')}"
_MAPS = maps(
    {
        **STANDARDS,
        Framework.SECURITY_HUB: "S3.2, S3.3",
        Framework.CONFIG: "s3-bucket-public-read-prohibited, s3-bucket-public-write-prohibited",
        Framework.PROWLER: "s3_bucket_public_access",
    }
)
# The kind of exposure that each power stands for, in the words of the metrics; the worst first.
_EXPOSURE = {
    powers.ADMIN: "public_admin",
    "write_acp": "public_admin",
    "write": "public_write",
    "delete": "public_write",
    "read": "public_read",
    "list": "public_list",
}
_UNDECIDED = "It cannot be decided whether the bucket is public."


def _public(state: State, options: RuleOptions) -> Judgement:
    inputs = inputs_of(state, options)
    found = analysed(inputs)
    if found.public is None:
        return undecided(_UNDECIDED, proofs.doubts(found))
    open_to_all = powers.unsigned(inputs) if found.public else ()
    if not open_to_all:
        return passes(_signed_only(found) if found.public else proofs.why_private(found))
    facts = _facts(inputs, found, open_to_all)
    more = [power for power in powers.signed(inputs) if power.name not in {known.name for known in open_to_all}]
    if more:
        facts["any_account_also"] = f"{powers.words(more)}: {proofs.request(more[0].witness)}"
    if isinstance(state.reading(Aspect.REQUEST_PAYMENT), Unreadable):
        facts["request_payment"] = "could not be read; if the requester pays, callers have to sign"
    facts["exposure"] = _EXPOSURE.get(open_to_all[0].name, "public_acl")
    return _open("Anyone on the internet", open_to_all, facts, grave=powers.grave((*open_to_all, *more)))


def _authenticated(state: State, options: RuleOptions) -> Judgement:
    inputs = inputs_of(state, options)
    found = analysed(inputs)
    if found.public is None:
        return undecided(_UNDECIDED, proofs.doubts(found))
    if not found.public:
        return passes(proofs.why_private(found))
    if not found.authenticated_only:
        return passes("The bucket is open to unsigned requests, too: another rule tells.")
    reached = powers.signed(inputs)
    facts = _facts(inputs, found, reached)
    facts["exposure"] = "any_account"
    return _open("Anyone with an AWS account, a VPC or a login", reached, facts, grave=powers.grave(reached))


def _open(who: str, reached: tuple[Power, ...], facts: dict[str, str], *, grave: bool) -> Judgement:
    summary = f"{who} can {powers.words(reached)}, by {facts['granted_by']}."
    return fails(summary, facts, severity=None if grave else Severity.HIGH, live=True)


def _facts(inputs: ExposureInputs, found: Exposure, reached: tuple[Power, ...]) -> dict[str, str]:
    """What an evidence of an open bucket says, whoever it is open to."""
    first = reached[0].witness
    sources = list(dict.fromkeys(proofs.source(power.witness) for power in reached))
    facts = {
        "actions": ", ".join(power.name for power in reached),
        "via": ", ".join(found.via),
        **proofs.proof(inputs, first),
        "granted_by": proofs.some(sources),
        "public_access_block": _blocks(inputs),
    }
    stopped = proofs.held_back(found.reasons)
    if stopped:
        facts["held_back"] = proofs.some(stopped)
    if inputs.policy_status is not None and found.policy_status_is_public not in (None, inputs.policy_status):
        facts["policy_status"] = proofs.status_words(found.policy_status_is_public, inputs.policy_status)
    return facts


def _blocks(inputs: ExposureInputs) -> str:
    """The flags that are on, by scope; those of a public bucket do not stop what the proof shows."""
    scopes = {"account": inputs.account_block, "bucket": inputs.bucket_block}
    told = []
    for scope, block in scopes.items():
        if isinstance(block, Unreadable):
            told.append(f"{scope}: could not be read")
        elif block is None or not (on := _on(block)):
            told.append(f"{scope}: all off")
        else:
            told.append(f"{scope}: {', '.join(on)} on")
    return "; ".join(told)


def _on(block: PublicAccessBlock) -> list[str]:
    flags_ = {
        "BlockPublicAcls": block.block_public_acls,
        "IgnorePublicAcls": block.ignore_public_acls,
        "BlockPublicPolicy": block.block_public_policy,
        "RestrictPublicBuckets": block.restrict_public_buckets,
    }
    return [name for name, on in flags_.items() if on]


def _signed_only(found: Exposure) -> str:
    return f"Unsigned requests get nothing; others do, via {', '.join(found.via)}: another rule tells."


def _latent(state: State, options: RuleOptions) -> Judgement:
    inputs = inputs_of(state, options)
    found = analysed(inputs)
    if found.public is None:
        return undecided(_UNDECIDED, proofs.doubts(found))
    if found.public:
        return passes("The bucket is public: other rules tell.")
    bare = analysed(without_layers(inputs))
    layers = [layer for layer in found.blocked_by if layer in {"account_bpa", "bucket_bpa", "ownership"}]
    if bare.public is None:
        return undecided("It cannot be decided what a change of its settings would open.", proofs.doubts(bare))
    if not bare.public or not layers:
        return passes("No grant that can be seen would open the bucket if a setting changed.")
    witness = bare.witnesses[0]
    by = proofs.layer_names(layers)
    facts = {
        "stopped_by": "; ".join(by),
        "would_open": ", ".join(bare.public_actions) or "to anyone who signs",
        **proofs.proof(inputs, witness),
    }
    one = len(layers) == 1
    summary = (
        f"One setting from public: only {by[0]} stops" if one else f"Public but for {' and '.join(by)}, which stop"
    )
    return fails(f"{summary} {facts['granted_by']}.", facts, severity=None if one else Severity.LOW)


def _objects(state: State, _options: RuleOptions) -> Judgement:
    layers = acl_neutralised_by(state)
    if layers:
        return passes(f"No object is public by an ACL of its own: {' and '.join(layers)}.")
    return fails(
        "Any object may be public by an ACL of its own: ACLs are enabled, and IgnorePublicAcls is off.",
        {"ownership": ownership(state), "IgnorePublicAcls": "off (account), off (bucket)"},
    )


_READ = unguarded(by_policy(allow()))
_VPC = unguarded(by_policy(allow(Condition={"StringLike": {"aws:SourceVpc": "vpc-*"}})))
_STRANGE = unguarded(by_policy(allow(Condition={"StringResembles": {"aws:SourceVpc": "x"}})))
_REQUESTER = Present(RequestPayment("Requester"))

PUBLIC = Rule(
    RuleInfo(
        id="bucket-public-effective",
        title="Anyone on the internet can reach the bucket",
        severity=Severity.CRITICAL,
        category=Category.EXPOSURE,
        needs=NEEDS,
        hints=HINTS,
        why=(
            "All layers together let an unsigned request through, which needs nothing but an internet connection. "
            "Scanners find such buckets within hours; the request in the evidence works right now."
        ),
        cli=f"{_CLOSE}\n# Or mend what grants it. If it is the policy:\n{_EDIT}\n{_PRIVATE_ACL}",
        terraform=f"{_TERRAFORM_CLOSE}\n{_TERRAFORM_EDIT}",
        console=_CONSOLE_CLOSE,
        cloudformation=_MENDED,
        verify=SHOWS_CLOSED,
        maps=_MAPS,
        default=True,
        references=_GUIDES,
    ),
    Kind.BUCKET,
    _public,
    (
        Example("a sound bucket", bucket(), Verdict.PASS),
        Example("nothing blocks, nothing grants", unguarded(), Verdict.PASS),
        Example("the policy lets everyone read", _READ, Verdict.FAIL, live=True),
        Example(
            "the ACL lets everyone list",
            unguarded({Aspect.ACL: granting((ALL_USERS, "READ"))}),
            Verdict.FAIL,
            live=True,
        ),
        Example(
            "the ACL shows who holds which grant, no more",
            unguarded({Aspect.ACL: granting((ALL_USERS, "READ_ACP"))}),
            Verdict.FAIL,
            severity=Severity.HIGH,
            live=True,
        ),
        Example(
            "an explicit Deny takes the ACL's grant back",
            unguarded(
                {
                    Aspect.ACL: granting((ALL_USERS, "READ")),
                    **by_policy({**allow(actions="s3:*", resource="*"), "Effect": "Deny"}),
                }
            ),
            Verdict.PASS,
        ),
        Example(
            "blocking new policies does not close an old one",
            unguarded({**by_policy(allow()), Aspect.PUBLIC_ACCESS_BLOCK: flags(acls=True, policy=True)}),
            Verdict.FAIL,
            live=True,
        ),
        Example(
            "the account restricts public buckets",
            unguarded({**by_policy(allow()), Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: flags(restrict=True)}),
            Verdict.PASS,
        ),
        Example("only from a VPC: another rule tells", _VPC, Verdict.PASS),
        Example(
            "the requester pays, and so must sign",
            unguarded({**by_policy(allow()), Aspect.REQUEST_PAYMENT: _REQUESTER}),
            Verdict.PASS,
        ),
        Example(
            "who pays is unreadable: taken for the owner",
            unguarded({**by_policy(allow()), Aspect.REQUEST_PAYMENT: DENIED}),
            Verdict.FAIL,
            live=True,
        ),
        Example("an operator nobody knows", _STRANGE, Verdict.UNKNOWN),
        Example("the policy is unreadable", unguarded({Aspect.POLICY: DENIED}), Verdict.UNKNOWN),
        Example(
            "the ACL proves it, whatever the policy allows",
            unguarded({Aspect.ACL: granting((ALL_USERS, "READ")), Aspect.POLICY_STATUS: DENIED}),
            Verdict.FAIL,
            live=True,
        ),
    ),
)
AUTHENTICATED = Rule(
    RuleInfo(
        id="bucket-public-authenticated",
        title="Anyone with an AWS account, a VPC or a social login can reach the bucket",
        severity=Severity.CRITICAL,
        category=Category.EXPOSURE,
        needs=NEEDS,
        hints=HINTS,
        why=(
            "Unsigned requests are refused, but an account, a VPC or a login that anyone can obtain is enough. "
            "That is as public as the internet, with one more step."
        ),
        cli=f"{_CLOSE}\n# Or mend what grants it. If it is the policy:\n{_EDIT}\n{_PRIVATE_ACL}",
        terraform=f"{_TERRAFORM_CLOSE}\n{_TERRAFORM_EDIT}",
        console=_CONSOLE_CLOSE,
        cloudformation=_MENDED,
        verify="""\
aws s3api get-bucket-policy-status --bucket {bucket} --region {region} --expected-bucket-owner {account}
# Expect: IsPublic false, or NoSuchBucketPolicy. And with credentials of an account that has nothing to do with it:
AWS_PROFILE="${STRANGER:?}" aws s3api list-objects-v2 --bucket {bucket} --region {region} --max-keys 1
# Expect: AccessDenied.""",
        maps=_MAPS,
        default=True,
        references=_GUIDES,
    ),
    Kind.BUCKET,
    _authenticated,
    (
        Example("a sound bucket", bucket(), Verdict.PASS),
        Example("any VPC will do", _VPC, Verdict.FAIL, live=True),
        Example(
            "any AWS account, by ACL",
            unguarded({Aspect.ACL: granting((AUTHENTICATED_USERS, "WRITE"))}),
            Verdict.FAIL,
            live=True,
        ),
        Example(
            "the requester pays, and so must sign",
            unguarded({**by_policy(allow()), Aspect.REQUEST_PAYMENT: _REQUESTER}),
            Verdict.FAIL,
            live=True,
        ),
        Example("open to the unsigned: another rule tells", _READ, Verdict.PASS),
        Example(
            "one VPC is not any VPC",
            unguarded(by_policy(allow(Condition={"StringEquals": {"aws:SourceVpc": "vpc-1a2b3c4d"}}), public=False)),
            Verdict.PASS,
        ),
        Example("the policy is unreadable", unguarded({Aspect.POLICY: DENIED}), Verdict.UNKNOWN),
    ),
)
LATENT = Rule(
    RuleInfo(
        id="bucket-public-latent",
        title="The bucket becomes public as soon as a setting changes",
        severity=Severity.MEDIUM,
        category=Category.EXPOSURE,
        needs=NEEDS,
        hints=HINTS,
        why=(
            "Its policy or ACL grants something to everyone; only block public access or object ownership stops it. "
            "Removing the grant costs nothing today and takes away the one wrong click."
        ),
        cli=f"{_EDIT}\n{_PRIVATE_ACL}",
        terraform=_TERRAFORM_EDIT,
        console=f"""\
{_STEPS}
If the ACL grants it, open Permissions, Access control list (ACL): Edit, and clear every box but the owner's.""",
        cloudformation=_MENDED,
        verify="""\
aws s3api get-bucket-policy-status --bucket {bucket} --region {region} --expected-bucket-owner {account}
# Expect: IsPublic false, or NoSuchBucketPolicy.
aws s3api get-bucket-acl --bucket {bucket} --region {region} --expected-bucket-owner {account} --query Grants
# Expect: no Grantee with a URI of /groups/global/.""",
        maps=(),
        default=True,
        references=_GUIDES,
    ),
    Kind.BUCKET,
    _latent,
    (
        Example("a sound bucket", bucket(), Verdict.PASS),
        Example("open already: other rules tell", _READ, Verdict.PASS),
        Example(
            "only the account stops it",
            unguarded({**by_policy(allow()), Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: flags(restrict=True)}),
            Verdict.FAIL,
        ),
        Example(
            "only disabled ACLs stop it",
            unguarded({Aspect.ACL: granting((ALL_USERS, "WRITE")), Aspect.OWNERSHIP: Present(Ownership(ENFORCED))}),
            Verdict.FAIL,
        ),
        Example("account and bucket stop it", bucket(by_policy(allow())), Verdict.FAIL, severity=Severity.LOW),
        Example("the account is unreadable", unguarded({Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: DENIED}), Verdict.UNKNOWN),
        Example("the ACL is unreadable", unguarded({Aspect.ACL: DENIED}), Verdict.UNKNOWN),
    ),
)
OBJECTS = Rule(
    RuleInfo(
        id="bucket-objects-may-be-public",
        title="Objects may be public by ACLs of their own",
        severity=Severity.MEDIUM,
        category=Category.EXPOSURE,
        needs=LAYERS_OF_ACL,
        why=(
            "Who may put an object may also make it public, and neither the bucket's policy nor its ACL shows that. "
            "IgnorePublicAcls ends it at once; disabled ACLs end it for good."
        ),
        cli="""\
aws s3api put-public-access-block --bucket {bucket} --region {region} --expected-bucket-owner {account} \\
  --public-access-block-configuration \\
  BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true""",
        terraform=_TERRAFORM_CLOSE,
        console=BLOCK_STEPS,
        cloudformation=BLOCK_RESOURCE,
        verify=SHOWS_BLOCK,
        maps=maps({Framework.PROWLER: "s3_bucket_object_public"}),
        default=True,
        references=_GUIDES,
    ),
    Kind.BUCKET,
    _objects,
    (
        Example("a sound bucket", bucket(), Verdict.PASS),
        Example("ACLs work and nothing ignores them", unguarded(), Verdict.FAIL),
        Example(
            "the account ignores public ACLs",
            unguarded({Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: flags(ignore=True)}),
            Verdict.PASS,
        ),
        Example(
            "ownership is unreadable",
            bucket(
                {
                    Aspect.OWNERSHIP: DENIED,
                    Aspect.PUBLIC_ACCESS_BLOCK: ABSENT,
                    Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: ABSENT,
                }
            ),
            Verdict.UNKNOWN,
        ),
    ),
)

RULES = (PUBLIC, AUTHENTICATED, LATENT, OBJECTS)
