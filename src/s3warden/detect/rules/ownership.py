"""Object ownership: whether ACLs play any part."""

from s3warden.detect.advice import bucket_resource
from s3warden.detect.effective import ENFORCED, ownership
from s3warden.detect.mappings import ACLS
from s3warden.detect.rule import Example, Judgement, Kind, Rule, RuleOptions, fails, passes
from s3warden.detect.samples import DENIED, bucket
from s3warden.model.bucket import ABSENT, Aspect, Present, State
from s3warden.model.configuration import Ownership
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.rule import Category, RuleInfo

_DISABLED = passes("ACLs are disabled: the bucket owner owns every object.")


def _check(state: State, _options: RuleOptions) -> Judgement:
    found = ownership(state)
    if found == ENFORCED:
        return _DISABLED
    return fails(f"ACLs are enabled: object ownership is {found}.", {"ownership": found})


ACLS_DISABLED = Rule(
    RuleInfo(
        id="bucket-acls-disabled",
        title="ACLs are enabled",
        severity=Severity.MEDIUM,
        category=Category.ACCESS,
        needs=frozenset({Aspect.OWNERSHIP}),
        why=(
            "While ACLs are enabled, any single object can be made public or be owned by another account, "
            "and no policy shows it. With them disabled, policies alone decide."
        ),
        cli="""\
# Refused while the bucket ACL grants anything to others than the owner: remove those grants first.
aws s3api put-bucket-ownership-controls --bucket {bucket} --region {region} --expected-bucket-owner {account} \\
  --ownership-controls 'Rules=[{ObjectOwnership=BucketOwnerEnforced}]'""",
        terraform="""\
resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = "{bucket}"
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}""",
        console="""\
Open Amazon S3, Buckets, {bucket}, Permissions, Object Ownership: Edit.
Choose ACLs disabled (recommended), then Save changes.""",
        cloudformation=bucket_resource("""\
OwnershipControls:
  Rules:
    - ObjectOwnership: BucketOwnerEnforced"""),
        verify="""\
aws s3api get-bucket-ownership-controls --bucket {bucket} --region {region} --expected-bucket-owner {account}
# Expect: "ObjectOwnership": "BucketOwnerEnforced".""",
        maps=maps(
            {
                **ACLS,
                Framework.SECURITY_HUB: "S3.12",
                Framework.CONFIG: "s3-bucket-acl-prohibited",
                Framework.PROWLER: "s3_bucket_acl_prohibited",
                Framework.CUSTODIAN: "ownership",
            }
        ),
        default=False,
        references=("https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html",),
    ),
    Kind.BUCKET,
    _check,
    (
        Example("enforced", bucket(), Verdict.PASS),
        Example("not configured means ObjectWriter", bucket({Aspect.OWNERSHIP: ABSENT}), Verdict.FAIL),
        Example(
            "preferred is not enforced",
            bucket({Aspect.OWNERSHIP: Present(Ownership("BucketOwnerPreferred"))}),
            Verdict.FAIL,
        ),
        Example("unreadable", bucket({Aspect.OWNERSHIP: DENIED}), Verdict.UNKNOWN),
    ),
)

RULES = (ACLS_DISABLED,)
