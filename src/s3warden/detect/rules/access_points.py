"""Access points, of one region and of many: ways into a bucket that its own page does not show.

What strangers reach through them is in the verdict on effective exposure; here is what stands open beside it: a block
that was left off, which cannot be mended later, other accounts in their policies, buckets that are not ours.
"""

from collections.abc import Iterable, Sequence

from s3warden.detect import proofs
from s3warden.detect.exposed import HINTS, NEEDS, analysed, inputs_of
from s3warden.detect.mappings import POINT_BLOCK
from s3warden.detect.rule import (
    Example,
    Judgement,
    Kind,
    Rule,
    RuleOptions,
    configured,
    fails,
    passes,
    undecided,
)
from s3warden.detect.samples import (
    ACCOUNT,
    ALL_ON,
    ARN,
    DENIED,
    account,
    allow,
    bucket,
    by_policy,
    multi_region,
    point,
    points,
)
from s3warden.model.bucket import ABSENT, Aspect, BucketRef, Present, Reading, State, Unreadable
from s3warden.model.configuration import (
    AccessPoints,
    MultiRegionAccessPoint,
    MultiRegionAccessPoints,
    PublicAccessBlock,
)
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.rule import Category, RuleInfo

_GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-bpa-settings.html"
_MULTI_GUIDE = (
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/multi-region-access-point-block-public-access.html"
)
_POINT_GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-policies.html"
_READY = frozenset({"READY", "CREATING", "DELETING"})


def _lacking(blocks: Iterable[tuple[str, Reading[PublicAccessBlock]]]) -> list[str]:
    """The names of the points that are known to lack a flag; one that could not be read is known of nothing."""
    return [
        name
        for name, block in blocks
        if not isinstance(block, Unreadable) and not (isinstance(block, Present) and block.value.all_on)
    ]


def _check_block(state: State, _options: RuleOptions) -> Judgement:
    found = configured(state, Aspect.ACCESS_POINTS, AccessPoints)
    own = found.points if found is not None else ()
    return _blocked(_lacking((each.name, each.block) for each in own if each.network_origin != "VPC"), "access point")


def _check_multi_region_block(state: State, _options: RuleOptions) -> Judgement:
    found = _leading(state)
    return _blocked(_lacking((each.name, each.block) for each in found), "multi-region access point")


def _blocked(lacking: Sequence[str], kind: str) -> Judgement:
    if not lacking:
        return passes(f"Every {kind} from the internet has its own block in full, or there is none.")
    names = proofs.some(sorted(lacking))
    return fails(f"Not all flags of block public access are on for {kind} {names}.", {"access_points": names})


def _leading(state: State) -> tuple[MultiRegionAccessPoint, ...]:
    found = configured(state, Aspect.MULTI_REGION_ACCESS_POINTS, MultiRegionAccessPoints)
    return found.leading_to(state.ref) if found is not None and isinstance(state.ref, BucketRef) else ()


def _check_accounts(state: State, options: RuleOptions) -> Judgement:
    inputs = inputs_of(state, options)
    found = analysed(inputs)
    reached = [w for w in found.witnesses if w.account in found.cross_account and w.via.startswith("access point")]
    foreign = [w for w in reached if w.account not in options.trusted_accounts]
    if foreign:
        accounts = proofs.some([str(w.account) for w in foreign])
        facts = {"accounts": accounts, "access_points": proofs.some(sorted({w.via for w in foreign}))}
        return fails(
            f"Other accounts have access through an access point: {accounts}.",
            {**facts, **proofs.proof(inputs, foreign[0])},
        )
    unclear = [text for text in found.unknown_because if found.public is None or text.startswith("account ")]
    if unclear:
        return undecided("It cannot be decided who has access through access points.", {"because": unclear[0]})
    return passes("No account that is not trusted has access through an access point alone.")


def _multi(state: State) -> tuple[MultiRegionAccessPoint, ...]:
    found = configured(state, Aspect.MULTI_REGION_ACCESS_POINTS, MultiRegionAccessPoints)
    return found.points if found is not None else ()


def _check_foreign(state: State, options: RuleOptions) -> Judgement:
    known = {None, state.ref.account, *options.trusted_accounts}
    foreign = [
        f"{each.name} to {behind.name} of {behind.account}"
        for each in _multi(state)
        for behind in each.buckets
        if behind.account not in known
    ]
    if not foreign:
        return passes("Every multi-region access point leads to buckets of accounts that are trusted.")
    return fails(
        "A multi-region access point sends requests to a bucket of another account.", {"leads": proofs.some(foreign)}
    )


def _check_degraded(state: State, _options: RuleOptions) -> Judgement:
    degraded = [f"{each.name}: {each.status}" for each in _multi(state) if each.status not in _READY]
    if not degraded:
        return passes("Every multi-region access point is the same in all its regions.")
    return fails("A multi-region access point is not the same in all its regions.", {"status": proofs.some(degraded)})


_RECREATE = """\
# The block of an access point cannot be changed: make it anew, with all flags on.
aws s3control get-access-point-policy --account-id {account} --region {region} --name "${ACCESS_POINT:?name}" \\
  --query Policy --output text > policy.json || rm -f policy.json
aws s3control delete-access-point --account-id {account} --region {region} --name "$ACCESS_POINT"
aws s3control create-access-point --account-id {account} --region {region} --name "$ACCESS_POINT" \\
  --bucket {bucket} --public-access-block-configuration \\
  BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true
if [ -s policy.json ]; then
  aws s3control put-access-point-policy --account-id {account} --region {region} --name "$ACCESS_POINT" \\
    --policy file://policy.json
fi"""
_TERRAFORM = """\
resource "aws_s3_access_point" "this" {
  bucket = "{bucket}"
  name   = "its name"
  public_access_block_configuration {
    block_public_acls       = true
    ignore_public_acls      = true
    block_public_policy     = true
    restrict_public_buckets = true
  }
}"""
_MULTI_CLI = """\
# The block of a multi-region access point cannot be changed, nor can its buckets: make it anew under another name,
# move the clients, then delete the old one.
aws s3control get-multi-region-access-point --account-id {account} --region us-west-2 --name "${ACCESS_POINT:?name}"
aws s3control delete-multi-region-access-point --account-id {account} --region us-west-2 \\
  --details Name="$ACCESS_POINT\""""
_MULTI_TERRAFORM = """\
# aws_s3control_multi_region_access_point: replace it by one whose details have a public_access_block with all four
# flags on and name buckets of account {account} only."""
_FLAGS = """\
    PublicAccessBlockConfiguration:
      BlockPublicAcls: true
      IgnorePublicAcls: true
      BlockPublicPolicy: true
      RestrictPublicBuckets: true"""
_RESOURCE = f"""\
AccessPoint:
  Type: AWS::S3::AccessPoint
  Properties:
    Bucket: "{{bucket}}"
{_FLAGS}"""
_MULTI_RESOURCE = f"""\
# Every change of these properties replaces the access point.
MultiRegionAccessPoint:
  Type: AWS::S3::MultiRegionAccessPoint
  Properties:
    Regions:
      - Bucket: own-bucket
{_FLAGS}"""
_MULTI_STEPS = """\
Open Amazon S3, Multi-Region Access Points: Create Multi-Region Access Point.
Add the buckets of account {account} that it is to lead to, and leave Block all public access ticked.
Move the clients to it, then delete the old one."""
_SHOWS_MULTI = """\
aws s3control list-multi-region-access-points --account-id {account} --region us-west-2
# Expect: %s."""
_ALL = Present(ALL_ON)
_PART = Present(
    PublicAccessBlock(
        block_public_acls=True, ignore_public_acls=True, block_public_policy=False, restrict_public_buckets=False
    )
)
_PARTNER = "444455556666"
_DELEGATED = allow(
    "*",
    "s3:*",
    [ARN, f"{ARN}/*"],
    Condition={"StringEquals": {"s3:DataAccessPointAccount": ACCOUNT.account}},
)
_THROUGH = f"arn:{ACCOUNT.partition}:s3:eu-west-1:{ACCOUNT.account}:accesspoint/data/object/*"
_TO_PARTNER = allow({"AWS": f"arn:{ACCOUNT.partition}:iam::{_PARTNER}:root"}, "s3:GetObject", _THROUGH)
_SHARED = bucket({**by_policy(_DELEGATED, public=False), Aspect.ACCESS_POINTS: points(point(_TO_PARTNER, block=_ALL))})

BLOCK = Rule(
    RuleInfo(
        id="bucket-access-point-public-block",
        title="An access point has no full block of public access",
        severity=Severity.HIGH,
        category=Category.ACCESS,
        needs=frozenset({Aspect.ACCESS_POINTS}),
        why=(
            "One wrong statement in the policy of the access point makes the bucket public through it. "
            "The block of an access point is set when it is made and never again."
        ),
        cli=_RECREATE,
        terraform=_TERRAFORM,
        console="""\
The block of an access point cannot be changed. Open Amazon S3, Access Points, and note its policy.
Delete it, then Create access point of the same name for {bucket}, and leave Block all public access ticked.
Put the policy back under Permissions.""",
        cloudformation=_RESOURCE,
        verify="""\
aws s3control get-access-point --account-id {account} --region {region} --name "${ACCESS_POINT:?name}" \\
  --query PublicAccessBlockConfiguration
# Expect: true four times.""",
        maps=maps(
            {
                **POINT_BLOCK,
                Framework.SECURITY_HUB: "S3.19",
                Framework.CONFIG: "s3-access-point-public-access-blocks",
                Framework.PROWLER: "s3_access_point_public_access_block",
            }
        ),
        default=True,
        references=(_GUIDE,),
    ),
    Kind.BUCKET,
    _check_block,
    (
        Example("no access points", bucket(), Verdict.PASS),
        Example("all flags on", bucket({Aspect.ACCESS_POINTS: points(point(block=_ALL))}), Verdict.PASS),
        Example("two flags off", bucket({Aspect.ACCESS_POINTS: points(point(block=_PART))}), Verdict.FAIL),
        Example("from a VPC only", bucket({Aspect.ACCESS_POINTS: points(point(origin="VPC"))}), Verdict.PASS),
        Example(
            "the block is unreadable", bucket({Aspect.ACCESS_POINTS: points(point(block=DENIED))}), Verdict.UNKNOWN
        ),
        Example("the list is unreadable", bucket({Aspect.ACCESS_POINTS: DENIED}), Verdict.UNKNOWN),
    ),
)
MULTI_REGION_BLOCK = Rule(
    RuleInfo(
        id="bucket-mrap-public-block",
        title="A multi-region access point has no full block of public access",
        severity=Severity.HIGH,
        category=Category.ACCESS,
        needs=frozenset({Aspect.MULTI_REGION_ACCESS_POINTS}),
        why=(
            "One wrong statement in its policy lets strangers into the bucket from every region. "
            "The block of a multi-region access point is set when it is made and never again."
        ),
        cli=_MULTI_CLI,
        terraform=_MULTI_TERRAFORM,
        console=_MULTI_STEPS,
        cloudformation=_MULTI_RESOURCE,
        verify=_SHOWS_MULTI % "PublicAccessBlock with true four times",
        maps=maps(
            {
                Framework.SECURITY_HUB: "S3.24",
                Framework.PROWLER: "s3_multi_region_access_point_public_access_block",
            }
        ),
        default=True,
        references=(_MULTI_GUIDE,),
    ),
    Kind.BUCKET,
    _check_multi_region_block,
    (
        Example("no such access points", bucket(), Verdict.PASS),
        Example("all flags on", bucket({Aspect.MULTI_REGION_ACCESS_POINTS: multi_region(block=_ALL)}), Verdict.PASS),
        Example("no block", bucket({Aspect.MULTI_REGION_ACCESS_POINTS: multi_region()}), Verdict.FAIL),
        Example(
            "of other buckets",
            bucket({Aspect.MULTI_REGION_ACCESS_POINTS: multi_region(bucket_name="other")}),
            Verdict.PASS,
        ),
        Example("unreadable", bucket({Aspect.MULTI_REGION_ACCESS_POINTS: DENIED}), Verdict.UNKNOWN),
    ),
)
ACCOUNTS = Rule(
    RuleInfo(
        id="bucket-access-point-cross-account",
        title="Another account has access through an access point",
        severity=Severity.HIGH,
        category=Category.ACCESS,
        needs=NEEDS,
        hints=HINTS,
        why=(
            "The bucket policy leaves the decision to access points, and one of their policies names another account. "
            "Who reads the bucket policy alone never sees it."
        ),
        cli="""\
aws s3control get-access-point-policy --account-id {account} --region {region} --name "${ACCESS_POINT:?name}" \\
  --query Policy --output text > policy.json
# In policy.json, take out the account that needs no access, then:
aws s3control put-access-point-policy --account-id {account} --region {region} --name "$ACCESS_POINT" \\
  --policy file://policy.json
# If the access is wanted: add the account to rules.trusted_accounts.""",
        terraform="# In aws_s3control_access_point_policy for {bucket}: take out the principal that needs no access.",
        console="""\
Open Amazon S3, Access Points, its name, Permissions, Access point policy: Edit.
Take out the account that needs no access.
Choose Save changes.""",
        cloudformation="""\
# With the principals alone that need access:
AccessPointPolicy:
  Type: AWS::S3::AccessPoint
  Properties:
    Bucket: "{bucket}"
    Name: data
    Policy:
      Version: "2012-10-17"
      Statement:
        - Effect: Allow
          Principal:
            AWS: arn:{partition}:iam::{account}:role/reader
          Action: s3:GetObject
          Resource: arn:{partition}:s3:{region}:{account}:accesspoint/data/object/*""",
        verify="""\
aws s3control get-access-point-policy --account-id {account} --region {region} --name "${ACCESS_POINT:?name}" \\
  --query Policy --output text
# Expect: no Allow to an account that is not yours or trusted.""",
        maps=maps({Framework.CUSTODIAN: "s3-access-point.cross-account"}),
        default=True,
        references=(_POINT_GUIDE,),
    ),
    Kind.BUCKET,
    _check_accounts,
    (
        Example("no access points", bucket(), Verdict.PASS),
        Example("delegated, and shared by the access point", _SHARED, Verdict.FAIL),
        Example("the account is trusted", _SHARED, Verdict.PASS, RuleOptions(trusted_accounts=(_PARTNER,))),
        Example(
            "the bucket does not delegate",
            bucket({Aspect.ACCESS_POINTS: points(point(_TO_PARTNER, block=_ALL))}),
            Verdict.PASS,
        ),
        Example("the list is unreadable", bucket({Aspect.ACCESS_POINTS: DENIED}), Verdict.UNKNOWN),
    ),
)
FOREIGN = Rule(
    RuleInfo(
        id="account-mrap-foreign-bucket",
        title="A multi-region access point leads to a bucket of another account",
        severity=Severity.HIGH,
        category=Category.ACCESS,
        needs=frozenset({Aspect.MULTI_REGION_ACCESS_POINTS}),
        why=(
            "What clients write through it may land in a bucket that is not yours, and reads may come from there. "
            "A name that was given up and taken by someone else looks the same."
        ),
        cli=_MULTI_CLI,
        terraform=_MULTI_TERRAFORM,
        console=_MULTI_STEPS,
        cloudformation=_MULTI_RESOURCE,
        verify=_SHOWS_MULTI % "Regions with buckets of account {account} alone",
        maps=(),
        default=True,
        references=("https://docs.aws.amazon.com/AmazonS3/latest/userguide/MultiRegionAccessPointBuckets.html",),
    ),
    Kind.ACCOUNT,
    _check_foreign,
    (
        Example("none", account(ABSENT), Verdict.PASS),
        Example("own buckets", account(ABSENT, multi_region()), Verdict.PASS),
        Example("another account's", account(ABSENT, multi_region(bucket_account=_PARTNER)), Verdict.FAIL),
        Example(
            "a trusted one's",
            account(ABSENT, multi_region(bucket_account=_PARTNER)),
            Verdict.PASS,
            RuleOptions(trusted_accounts=(_PARTNER,)),
        ),
        Example("unreadable", account(ABSENT, DENIED), Verdict.UNKNOWN),
    ),
)
DEGRADED = Rule(
    RuleInfo(
        id="account-mrap-degraded",
        title="A multi-region access point is not the same in all regions",
        severity=Severity.MEDIUM,
        category=Category.RESILIENCE,
        needs=frozenset({Aspect.MULTI_REGION_ACCESS_POINTS}),
        why=(
            "AWS calls it inconsistent or only partly made or deleted, so that requests may be answered differently. "
            "It neither fails over as planned nor enforces one policy."
        ),
        cli=_MULTI_CLI,
        terraform=_MULTI_TERRAFORM,
        console=_MULTI_STEPS,
        cloudformation=_MULTI_RESOURCE,
        verify=_SHOWS_MULTI % 'Status "READY"',
        maps=(),
        default=True,
        references=("https://docs.aws.amazon.com/AmazonS3/latest/userguide/MultiRegionAccessPointStatuses.html",),
    ),
    Kind.ACCOUNT,
    _check_degraded,
    (
        Example("none", account(ABSENT), Verdict.PASS),
        Example("ready", account(ABSENT, multi_region()), Verdict.PASS),
        Example("inconsistent", account(ABSENT, multi_region(status="INCONSISTENT_ACROSS_REGIONS")), Verdict.FAIL),
        Example("unreadable", account(ABSENT, DENIED), Verdict.UNKNOWN),
    ),
)

RULES = (BLOCK, MULTI_REGION_BLOCK, ACCOUNTS, FOREIGN, DEGRADED)
