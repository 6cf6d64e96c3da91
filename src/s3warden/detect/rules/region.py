"""Where the data lives: only in the regions that the operator allows."""

from s3warden.detect.advice import bucket_resource
from s3warden.detect.rule import Example, Judgement, Kind, Rule, RuleOptions, fails, not_applicable, passes
from s3warden.detect.samples import bucket
from s3warden.model.bucket import BucketRef, State
from s3warden.model.finding import Severity, Verdict
from s3warden.model.rule import Category, RuleInfo


def _check(state: State, options: RuleOptions) -> Judgement:
    if not options.allowed_regions:
        return not_applicable("The settings allow every region.")
    region = state.ref.region if isinstance(state.ref, BucketRef) else ""
    if region in options.allowed_regions:
        return passes(f"The bucket is in {region}, which is allowed.")
    return fails(f"The bucket is in {region}, which is not allowed.", {"region": region})


REGION = Rule(
    RuleInfo(
        id="bucket-region-allowed",
        title="The bucket is in a region that is not allowed",
        severity=Severity.MEDIUM,
        category=Category.GOVERNANCE,
        needs=frozenset(),
        why=(
            "Data in a region that nobody chose may break a law or a contract, and is watched by nobody. "
            "An account that was broken into is often used in a region that its owner never looks at."
        ),
        cli="""\
# A bucket cannot be moved. Set NEW_BUCKET and NEW_REGION, copy the objects, and delete the old bucket by hand:
aws s3 mb "s3://${NEW_BUCKET:?}" --region "${NEW_REGION:?}"
aws s3 sync s3://{bucket} "s3://${NEW_BUCKET:?}" --source-region {region} --region "${NEW_REGION:?}\"""",
        terraform="""\
# A bucket cannot be moved; with another provider it is made anew. Copy the objects before the old one goes.
resource "aws_s3_bucket" "moved" {
  provider = aws.allowed_region
  bucket   = var.new_name
}""",
        console="""\
A bucket cannot be moved: create another one in an allowed region.
Open Amazon S3, Buckets, {bucket}, choose all objects, then Actions, Copy, and browse to the new bucket.""",
        cloudformation=bucket_resource(
            "OwnershipControls:\n  Rules:\n    - ObjectOwnership: BucketOwnerEnforced",
            "In a stack of an allowed region",
        ),
        verify="""\
aws s3api head-bucket --bucket {bucket} --region {region} --expected-bucket-owner {account} --query BucketRegion
# Expect: an allowed region.""",
        maps=(),
        default=False,
        references=("https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#Regions",),
    ),
    Kind.BUCKET,
    _check,
    (
        Example("allowed", bucket(), Verdict.PASS, options=RuleOptions(allowed_regions=("eu-west-1",))),
        Example("not allowed", bucket(), Verdict.FAIL, options=RuleOptions(allowed_regions=("eu-central-1",))),
        Example("no region chosen", bucket(), Verdict.NOT_APPLICABLE),
    ),
)

RULES = (REGION,)
