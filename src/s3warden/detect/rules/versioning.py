"""Versioning: whether what is overwritten or deleted can be had back."""

from s3warden.detect.advice import bucket_resource
from s3warden.detect.mappings import VERSIONING as STANDARDS
from s3warden.detect.rule import Example, Judgement, Kind, Rule, RuleOptions, configured, fails, passes
from s3warden.detect.samples import DENIED, bucket
from s3warden.model.bucket import ABSENT, Aspect, Present, State
from s3warden.model.configuration import Versioning
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.rule import Category, RuleInfo

_ENABLED = passes("Versioning is enabled.")


def _check(state: State, _options: RuleOptions) -> Judgement:
    versioning = configured(state, Aspect.VERSIONING, Versioning)
    if versioning is None:
        return fails("The bucket never had versioning.", {"versioning": "never enabled"})
    if versioning.status == "Enabled":
        return _ENABLED
    return fails(
        f"Versioning is {versioning.status.lower()}: old versions are kept, new ones are not made.",
        {"versioning": versioning.status},
        # Somebody wanted versions here, and somebody ended that.
        severity=Severity.MEDIUM,
    )


VERSIONING = Rule(
    RuleInfo(
        id="bucket-versioning",
        title="Versioning is not enabled",
        severity=Severity.LOW,
        category=Category.RESILIENCE,
        needs=frozenset({Aspect.VERSIONING}),
        why=(
            "An overwritten or deleted object is gone for good, by mistake or by ransom. "
            "Versioning keeps the old version; a lifecycle rule keeps its cost down."
        ),
        cli="""\
aws s3api put-bucket-versioning --bucket {bucket} --region {region} --expected-bucket-owner {account} \\
  --versioning-configuration Status=Enabled""",
        terraform="""\
resource "aws_s3_bucket_versioning" "this" {
  bucket = "{bucket}"
  versioning_configuration {
    status = "Enabled"
  }
}""",
        console="""\
Open Amazon S3, Buckets, {bucket}, Properties, Bucket Versioning: Edit.
Choose Enable, then Save changes.""",
        cloudformation=bucket_resource("VersioningConfiguration:\n  Status: Enabled"),
        verify="""\
aws s3api get-bucket-versioning --bucket {bucket} --region {region} --expected-bucket-owner {account}
# Expect: "Status": "Enabled".""",
        maps=maps(
            {
                **STANDARDS,
                Framework.CONFORMITY: "S3-012",
                Framework.SECURITY_HUB: "S3.14",
                Framework.CONFIG: "s3-bucket-versioning-enabled",
                Framework.PROWLER: "s3_bucket_object_versioning",
                Framework.CLOUDSPLOIT: "bucketVersioning",
            }
        ),
        default=True,
        references=("https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html",),
    ),
    Kind.BUCKET,
    _check,
    (
        Example("enabled", bucket(), Verdict.PASS),
        Example("never enabled", bucket({Aspect.VERSIONING: ABSENT}), Verdict.FAIL),
        Example(
            "suspended",
            bucket({Aspect.VERSIONING: Present(Versioning("Suspended"))}),
            Verdict.FAIL,
            severity=Severity.MEDIUM,
        ),
        Example("unreadable", bucket({Aspect.VERSIONING: DENIED}), Verdict.UNKNOWN),
    ),
)

RULES = (VERSIONING,)
