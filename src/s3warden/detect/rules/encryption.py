"""Default encryption at rest."""

from s3warden.detect.advice import bucket_resource
from s3warden.detect.mappings import ENCRYPTION as STANDARDS
from s3warden.detect.rule import Example, Judgement, Kind, Rule, RuleOptions, configured, fails, passes
from s3warden.detect.samples import DENIED, bucket
from s3warden.model.bucket import ABSENT, Aspect, Present, State
from s3warden.model.configuration import Encryption, EncryptionRule
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.rule import Category, RuleInfo


def _check(state: State, _options: RuleOptions) -> Judgement:
    encryption = configured(state, Aspect.ENCRYPTION, Encryption)
    algorithms = ", ".join(rule.algorithm for rule in encryption.rules) if encryption is not None else ""
    if not algorithms:
        return fails("The bucket has no default encryption.", {"encryption": "none"})
    return passes(f"New objects are encrypted by default ({algorithms}).")


DEFAULT_ENCRYPTION = Rule(
    RuleInfo(
        id="bucket-default-encryption",
        title="The bucket has no default encryption",
        severity=Severity.MEDIUM,
        category=Category.ENCRYPTION,
        needs=frozenset({Aspect.ENCRYPTION}),
        why=(
            "Without a default, objects are stored as clear text unless each upload asks for encryption. "
            "AWS gives every new bucket a default since January 2023, so its absence is not an accident."
        ),
        cli="""\
aws s3api put-bucket-encryption --bucket {bucket} --region {region} --expected-bucket-owner {account} \\
  --server-side-encryption-configuration \\
  '{"Rules":[{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"AES256"}}]}'""",
        terraform="""\
resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = "{bucket}"
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}""",
        console="""\
Open Amazon S3, Buckets, {bucket}, Properties, Default encryption: Edit.
Choose Server-side encryption with Amazon S3 managed keys (SSE-S3), then Save changes.""",
        cloudformation=bucket_resource("""\
BucketEncryption:
  ServerSideEncryptionConfiguration:
    - ServerSideEncryptionByDefault:
        SSEAlgorithm: AES256"""),
        verify="""\
aws s3api get-bucket-encryption --bucket {bucket} --region {region} --expected-bucket-owner {account}
# Expect: a rule with an SSEAlgorithm.""",
        maps=maps(
            {
                **STANDARDS,
                Framework.CONFORMITY: "S3-021",
                Framework.SECURITY_HUB: "S3.4",
                Framework.CONFIG: "s3-bucket-server-side-encryption-enabled",
                Framework.CUSTODIAN: "bucket-encryption",
                Framework.PROWLER: "s3_bucket_default_encryption",
                Framework.CLOUDSPLOIT: "bucketEncryption",
            }
        ),
        default=False,
        references=("https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-bucket-encryption.html",),
    ),
    Kind.BUCKET,
    _check,
    (
        Example("S3's own keys", bucket(), Verdict.PASS),
        Example(
            "a KMS key", bucket({Aspect.ENCRYPTION: Present(Encryption((EncryptionRule("aws:kms"),)))}), Verdict.PASS
        ),
        Example("not configured", bucket({Aspect.ENCRYPTION: ABSENT}), Verdict.FAIL),
        Example("configured without a rule", bucket({Aspect.ENCRYPTION: Present(Encryption(()))}), Verdict.FAIL),
        Example("unreadable", bucket({Aspect.ENCRYPTION: DENIED}), Verdict.UNKNOWN),
    ),
)

RULES = (DEFAULT_ENCRYPTION,)
