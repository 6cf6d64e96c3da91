"""Default encryption at rest."""

from s3warden.detect.rule import Example, Judgement, Kind, Rule, RuleOptions, configured, fails, passes
from s3warden.detect.samples import DENIED, bucket
from s3warden.model.bucket import ABSENT, Aspect, Present, State
from s3warden.model.configuration import Encryption, EncryptionRule
from s3warden.model.finding import Severity, Verdict
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
        references=(
            "Conformity S3-021",
            "Security Hub S3.4",
            "CIS AWS Foundations 1.4 2.1.1",
            "Config s3-bucket-server-side-encryption-enabled",
            "https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-bucket-encryption.html",
        ),
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
