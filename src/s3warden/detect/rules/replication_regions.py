"""Where the copies of a bucket are: in another region, and only in regions that are allowed."""

from s3warden.detect.advice import OWN, bucket_resource, shows_setting
from s3warden.detect.proofs import some
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
from s3warden.detect.samples import ACCOUNT, DENIED, bucket
from s3warden.detect.surroundings import destinations, named, reference
from s3warden.model.bucket import ABSENT, Aspect, BucketRef, BucketState, Present, Reading, State
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.references import Destination, Destinations, Standing, Use
from s3warden.model.rule import Category, RuleInfo

_GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication.html"
_NEEDS = frozenset({Aspect.REPLICATION_DESTINATIONS})
_CLI = f"""\
aws s3api get-bucket-replication {OWN} \\
  --query ReplicationConfiguration > replication.json
# In replication.json, name a bucket of %s as Destination, then:
aws s3api put-bucket-replication {OWN} \\
  --replication-configuration file://replication.json"""
_TERRAFORM = """\
# In the aws_s3_bucket_replication_configuration of {bucket}:
destination {
  bucket = aws_s3_bucket.replica.arn # of %s
}"""
_STEPS = """\
Open Amazon S3, Buckets, {bucket}, Management, Replication rules: Create replication rule, or edit the one there.
Choose a destination bucket of %s.
Choose Save."""
_RESOURCE = bucket_resource(
    """\
VersioningConfiguration:
  Status: Enabled
ReplicationConfiguration:
  Role: arn:{partition}:iam::{account}:role/replication
  Rules:
    - Status: Enabled
      Destination:
        Bucket: arn:{partition}:s3:::replica-of-another-region""",
)
_SHOWS = shows_setting("get-bucket-replication", "a Destination of %s")


def _region(destination: Destination) -> str | None:
    standing = destination.standing
    return standing.value.region if isinstance(standing, Present) else None


def _elsewhere(state: State, _options: RuleOptions) -> Judgement:
    found = configured(state, Aspect.REPLICATION_DESTINATIONS, Destinations)
    if found is None:
        return fails("The bucket is not replicated.", {"replication": "none"})
    own = state.ref.region if isinstance(state.ref, BucketRef) else ""
    regions = {each.name: _region(each) for each in found}
    others = [name for name, region in regions.items() if region not in (None, own)]
    if others:
        return passes(f"The bucket has a copy in another region: {some(others)}.")
    open_ = [name for name, region in regions.items() if region is None]
    if open_:
        return undecided("In which region the copy is, is not known.", {"destinations": some(open_)})
    return fails(f"Every copy is in {own}, as the bucket is.", {"destinations": some(list(regions)), "region": own})


def _allowed(state: State, options: RuleOptions) -> Judgement:
    found = configured(state, Aspect.REPLICATION_DESTINATIONS, Destinations)
    if not options.allowed_regions:
        return not_applicable("The settings allow every region.")
    if found is None:
        return not_applicable("The bucket is not replicated.")
    regions = {each.name: _region(each) for each in found}
    wrong = [
        f"{name} in {region}" for name, region in regions.items() if region not in (None, *options.allowed_regions)
    ]
    if wrong:
        return fails(f"Objects are copied to a region that is not allowed: {some(wrong)}.", {"copies": some(wrong)})
    open_ = [name for name, region in regions.items() if region is None]
    if open_:
        return undecided("In which region the copy is, is not known.", {"destinations": some(open_)})
    return passes("Every copy is in a region that is allowed.")


def _copied(standing: Reading[Standing]) -> BucketState:
    replica = reference(Use.REPLICATION, "example-replica", owner=ACCOUNT.account)
    return bucket({Aspect.REPLICATION_DESTINATIONS: destinations((replica, standing))})


_FAR = _copied(named("example-replica", region="eu-central-1"))
_NEAR = _copied(named("example-replica"))
_SOMEWHERE = _copied(Present(Standing("example-replica", exists=True, owner=ACCOUNT.account)))
_NOT_AT_ALL = bucket({Aspect.REPLICATION_DESTINATIONS: ABSENT})
_UNREAD = bucket({Aspect.REPLICATION_DESTINATIONS: DENIED})
_EUROPE = RuleOptions(allowed_regions=("eu-west-1", "eu-central-1"))
_IRELAND = RuleOptions(allowed_regions=("eu-west-1",))


def _info(rule_id: str, title: str, severity: Severity, category: Category, why: str, where: str) -> RuleInfo:
    elsewhere = category is Category.RESILIENCE
    return RuleInfo(
        id=rule_id,
        title=title,
        severity=severity,
        category=category,
        needs=_NEEDS,
        why=why,
        cli=_CLI % where,
        terraform=_TERRAFORM % where,
        console=_STEPS % where,
        cloudformation=_RESOURCE,
        verify=_SHOWS % where,
        maps=_REGION_MAPS if elsewhere else (),
        default=False,
        references=(_GUIDE,),
    )


_REGION_MAPS = maps(
    {
        Framework.SECURITY_HUB: "S3.7",
        Framework.CONFIG: "s3-bucket-cross-region-replication-enabled",
        Framework.PROWLER: "s3_bucket_cross_region_replication",
        Framework.PCI_3_2_1: "2.2, 3.1, 10.5, 10.5.3",
        Framework.ISO_27001: "A.8.14",
    }
)
CROSS_REGION = Rule(
    _info(
        "bucket-replication-cross-region",
        "The bucket has no copy in another region",
        Severity.LOW,
        Category.RESILIENCE,
        "A region that fails takes the bucket and every copy in the same region with it. "
        "What cannot be made again needs a copy elsewhere.",
        "another region",
    ),
    Kind.BUCKET,
    _elsewhere,
    (
        Example("a copy in another region", _FAR, Verdict.PASS),
        Example("a copy in the same region", _NEAR, Verdict.FAIL),
        Example("no copy", _NOT_AT_ALL, Verdict.FAIL),
        Example("where the copy is, is not known", _SOMEWHERE, Verdict.UNKNOWN),
        Example("the destinations are unreadable", _UNREAD, Verdict.UNKNOWN),
    ),
)
ALLOWED_REGION = Rule(
    _info(
        "bucket-replication-forbidden-region",
        "Objects are copied to a region that is not allowed",
        Severity.MEDIUM,
        Category.GOVERNANCE,
        "Replication takes the data out of the regions where it may be, object by object and without a trace here. "
        "Which regions are allowed is rules.allowed_regions.",
        "an allowed region",
    ),
    Kind.BUCKET,
    _allowed,
    (
        Example("an allowed region", _FAR, Verdict.PASS, _EUROPE),
        Example("another region", _FAR, Verdict.FAIL, _IRELAND),
        Example("no copy", _NOT_AT_ALL, Verdict.NOT_APPLICABLE, _IRELAND),
        Example("no region chosen", _FAR, Verdict.NOT_APPLICABLE),
        Example("where the copy is, is not known", _SOMEWHERE, Verdict.UNKNOWN, _IRELAND),
        Example("the destinations are unreadable", _UNREAD, Verdict.UNKNOWN, _IRELAND),
    ),
)

RULES = (CROSS_REGION, ALLOWED_REGION)
