"""Default encryption beyond "there is one": under whose key, at what cost, and which kinds are refused."""

from fnmatch import fnmatchcase

from s3warden.detect.advice import OWN, bucket_resource, property_steps, shows_setting
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
)
from s3warden.detect.samples import DENIED, KEY, bucket
from s3warden.detect.selectors import selected
from s3warden.model.bucket import ABSENT, Aspect, Present, Reading, State
from s3warden.model.configuration import Encryption, EncryptionRule, Tags
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.rule import Category, RuleInfo

_KMS, _DSSE, _SSE_C = "aws:kms", "aws:kms:dsse", "SSE-C"
# What S3 takes where a rule asks for KMS and names no key.
_AWS_KEY = "alias/aws/s3"
_GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/"
_ENCRYPTION = frozenset({Aspect.ENCRYPTION})
_KMS_CLI = f"""\
# Set KMS_KEY to the ARN of a key whose policy lets the readers and writers of the bucket use it.
aws s3api put-bucket-encryption {OWN} \\
  --server-side-encryption-configuration '{{"Rules":[{{"BucketKeyEnabled":true,
  "ApplyServerSideEncryptionByDefault":{{"SSEAlgorithm":"aws:kms","KMSMasterKeyID":"'"${{KMS_KEY:?}}"'"}}}}]}}'"""
_TERRAFORM = """\
resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = "{bucket}"
  rule {
    bucket_key_enabled = true
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}"""
_KMS_STEPS = property_steps(
    "Default encryption",
    "Choose Server-side encryption with AWS Key Management Service keys (SSE-KMS).",
    "Choose from your AWS KMS keys, and Enable the bucket key.",
)
_CLOUDFORMATION = """\
BucketEncryption:
  ServerSideEncryptionConfiguration:
    - BucketKeyEnabled: true
      ServerSideEncryptionByDefault:
        SSEAlgorithm: aws:kms
        KMSMasterKeyID: arn:{partition}:kms:{region}:{account}:alias/storage"""


def _rules(state: State) -> tuple[EncryptionRule, ...]:
    """The default encryption; without one S3 encrypts under keys of its own."""
    found = configured(state, Aspect.ENCRYPTION, Encryption)
    return found.rules if found is not None and found.rules else (EncryptionRule("AES256"),)


def _kms(state: State, options: RuleOptions) -> Judgement:
    rules = _rules(state)
    receiver = selected(options.log_buckets, state)
    if receiver is not None:
        return not_applicable(f"S3 delivers access logs only under its own keys ({receiver}).")
    weak = [rule.algorithm for rule in rules if rule.algorithm not in (_KMS, _DSSE)]
    if weak:
        return fails(f"New objects are not encrypted under a KMS key ({weak[0]}).", {"algorithm": weak[0]})
    twice = selected(options.dsse_buckets, state)
    if twice is not None and any(rule.algorithm != _DSSE for rule in rules):
        facts = {"algorithm": _KMS, "asked_for": f"{_DSSE} ({twice})"}
        return fails("New objects are encrypted once, not twice.", facts, severity=Severity.INFO)
    return passes("New objects are encrypted under a KMS key.")


def _approved(state: State, options: RuleOptions) -> Judgement:
    if not options.kms_keys:
        return not_applicable("The settings approve no keys in particular.")
    used = [rule.kms_key or _AWS_KEY if rule.algorithm in (_KMS, _DSSE) else rule.algorithm for rule in _rules(state)]
    strange = [key for key in used if not any(fnmatchcase(key, glob) for glob in options.kms_keys)]
    if strange:
        return fails(f"The default key is none of those approved: {strange[0]}.", {"key": strange[0]})
    return passes("The default key is an approved one.")


def _bucket_key(state: State, _options: RuleOptions) -> Judgement:
    rules = [rule for rule in _rules(state) if rule.algorithm == _KMS]
    if not rules:
        return not_applicable("Only encryption under a KMS key (SSE-KMS) can use a bucket key.")
    if all(rule.bucket_key for rule in rules):
        return passes("A bucket key saves calls to KMS.")
    return fails("Every object costs a call to KMS: the bucket key is off.", {"bucket_key": "off"})


def _ssec(state: State, _options: RuleOptions) -> Judgement:
    rules = _rules(state)
    if all(_SSE_C in rule.blocked_types for rule in rules):
        return passes("Uploads under a key of the caller's own are refused.")
    blocked = ", ".join(sorted({kind for rule in rules for kind in rule.blocked_types})) or "none"
    return fails("Objects can be encrypted under a key that only the caller has.", {"blocked_types": blocked})


def _encrypted(algorithm: str, key: str | None = KEY, *, bucket_key: bool = True) -> dict[Aspect, Reading[object]]:
    rule = EncryptionRule(algorithm, key, bucket_key=bucket_key, blocked_types=(_SSE_C,))
    return {Aspect.ENCRYPTION: Present(Encryption((rule,)))}


def _blocking(*types: str) -> dict[Aspect, Reading[object]]:
    return {Aspect.ENCRYPTION: Present(Encryption((EncryptionRule("AES256", blocked_types=types),)))}


_UNREADABLE = bucket({Aspect.ENCRYPTION: DENIED})
_SECRET = RuleOptions(dsse_buckets=("tag:Data=secret",))
_TAGGED: dict[Aspect, Reading[object]] = {Aspect.TAGGING: Present(Tags((("Data", "secret"),)))}
_KEYS = RuleOptions(kms_keys=(f"arn:*:key/{KEY.rpartition('/')[2]}",))

KMS = Rule(
    RuleInfo(
        id="bucket-encryption-kms",
        title="New objects are not encrypted under a KMS key",
        severity=Severity.MEDIUM,
        category=Category.ENCRYPTION,
        needs=_ENCRYPTION,
        hints=frozenset({Aspect.TAGGING}),
        why=(
            "Under S3's own keys whoever may read an object reads it in clear, and no key use is recorded. "
            "A KMS key is a second lock with its own policy and its own trail."
        ),
        cli=_KMS_CLI,
        terraform=_TERRAFORM,
        console=_KMS_STEPS,
        cloudformation=bucket_resource(_CLOUDFORMATION),
        verify=shows_setting("get-bucket-encryption", '"SSEAlgorithm": "aws:kms" or "aws:kms:dsse"'),
        maps=maps(
            {
                Framework.SECURITY_HUB: "S3.17",
                Framework.CONFIG: "s3-default-encryption-kms",
                Framework.PROWLER: "s3_bucket_kms_encryption",
                Framework.PCI_3_2_1: "3.4, 3.4.1, 8.2, 8.2.1",
                Framework.PCI_4_0: "3.5.1, 8.3.2",
                Framework.ISO_27001: "A.8.11, A.8.24",
                Framework.SOC_2: "PI1.4",
            }
        ),
        default=False,
        references=(f"{_GUIDE}UsingKMSEncryption.html", f"{_GUIDE}UsingDSSEncryption.html"),
    ),
    Kind.BUCKET,
    _kms,
    (
        Example("a KMS key", bucket(), Verdict.PASS),
        Example("encrypted twice", bucket(_encrypted(_DSSE)), Verdict.PASS),
        Example("S3's own keys", bucket(_encrypted("AES256", None)), Verdict.FAIL),
        Example("no default at all", bucket({Aspect.ENCRYPTION: ABSENT}), Verdict.FAIL),
        Example(
            "encrypted once where twice is asked for",
            bucket(_TAGGED),
            Verdict.FAIL,
            options=_SECRET,
            severity=Severity.INFO,
        ),
        Example("encrypted twice as asked for", bucket(_encrypted(_DSSE) | _TAGGED), Verdict.PASS, options=_SECRET),
        Example(
            "a receiver of access logs",
            bucket(_encrypted("AES256", None), name="example-logs"),
            Verdict.NOT_APPLICABLE,
            options=RuleOptions(log_buckets=("*-logs",)),
        ),
        Example("unreadable", _UNREADABLE, Verdict.UNKNOWN),
    ),
    by_name=lambda options: bool(options.log_buckets or options.dsse_buckets),
)

APPROVED_KEY = Rule(
    RuleInfo(
        id="bucket-encryption-approved-key",
        title="The default encryption key is not an approved one",
        severity=Severity.MEDIUM,
        category=Category.ENCRYPTION,
        needs=_ENCRYPTION,
        why=(
            "Who holds the key holds the data: a key of somebody else can be taken away or be used to read. "
            "The settings list the keys that may be used."
        ),
        cli=_KMS_CLI,
        terraform=_TERRAFORM,
        console=_KMS_STEPS,
        cloudformation=bucket_resource(_CLOUDFORMATION),
        verify=shows_setting("get-bucket-encryption", "a KMSMasterKeyID that the setting rules.kms_keys lists"),
        maps=maps({Framework.CONFIG: "s3-default-encryption-kms", Framework.CUSTODIAN: "bucket-encryption"}),
        default=False,
        references=(f"{_GUIDE}specifying-kms-encryption.html",),
    ),
    Kind.BUCKET,
    _approved,
    (
        Example("an approved key", bucket(), Verdict.PASS, options=_KEYS),
        Example("another key", bucket(_encrypted(_KMS, "alias/other")), Verdict.FAIL, options=_KEYS),
        Example("AWS's key", bucket(_encrypted(_KMS, None)), Verdict.FAIL, options=_KEYS),
        Example("S3's own keys", bucket(_encrypted("AES256", None)), Verdict.FAIL, options=_KEYS),
        Example("no keys approved", bucket(), Verdict.NOT_APPLICABLE),
        Example("unreadable", _UNREADABLE, Verdict.UNKNOWN, options=_KEYS),
    ),
)

BUCKET_KEY = Rule(
    RuleInfo(
        id="bucket-key-enabled",
        title="Each object costs calls to KMS: the bucket key is off",
        severity=Severity.LOW,
        category=Category.GOVERNANCE,
        needs=_ENCRYPTION,
        why=(
            "Without a bucket key every upload and every read calls KMS, which costs money and runs into its quota. "
            "Key policies that name the ARN of an object as encryption context need the ARN of the bucket with it."
        ),
        cli=_KMS_CLI,
        terraform=_TERRAFORM,
        console=property_steps("Default encryption", "Under Bucket Key choose Enable."),
        cloudformation=bucket_resource(_CLOUDFORMATION),
        verify=shows_setting("get-bucket-encryption", '"BucketKeyEnabled": true'),
        maps=maps({Framework.CONFORMITY: "S3-028", Framework.CUSTODIAN: "bucket-encryption"}),
        default=False,
        references=(f"{_GUIDE}bucket-key.html",),
    ),
    Kind.BUCKET,
    _bucket_key,
    (
        Example("on", bucket(), Verdict.PASS),
        Example("off", bucket(_encrypted(_KMS, bucket_key=False)), Verdict.FAIL),
        Example("no KMS key", bucket(_encrypted("AES256", None)), Verdict.NOT_APPLICABLE),
        Example("encrypted twice", bucket(_encrypted(_DSSE, bucket_key=False)), Verdict.NOT_APPLICABLE),
        Example("unreadable", _UNREADABLE, Verdict.UNKNOWN),
    ),
)

SSEC_BLOCKED = Rule(
    RuleInfo(
        id="bucket-ssec-blocked",
        title="Objects can be encrypted under a key that AWS never keeps (SSE-C)",
        severity=Severity.HIGH,
        category=Category.ENCRYPTION,
        needs=_ENCRYPTION,
        why=(
            "Whoever may write can copy every object over itself under a key of their own and ask ransom for it. "
            "New buckets refuse SSE-C since April 2026, older ones only if told to."
        ),
        cli=f"""\
# The second call replaces the whole setting, and takes an AWS CLI of December 2025 or later. Set DEFAULT to the part
# ApplyServerSideEncryptionByDefault of the first, in JSON, and BUCKET_KEY to its BucketKeyEnabled (true or false).
aws s3api get-bucket-encryption {OWN}
aws s3api put-bucket-encryption {OWN} \\
  --server-side-encryption-configuration '{{"Rules":[{{"ApplyServerSideEncryptionByDefault":'"${{DEFAULT:?}}"',
  "BucketKeyEnabled":'"${{BUCKET_KEY:?}}"',"BlockedEncryptionTypes":{{"EncryptionType":["SSE-C"]}}}}]}}'""",
        terraform="""\
# It takes the AWS provider of version 6.22 or later.
resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = "{bucket}"
  rule {
    blocked_encryption_types = ["SSE-C"]
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}""",
        console=property_steps(
            "Default encryption",
            "Under Blocked encryption types choose Server-side encryption with customer-provided keys (SSE-C).",
        ),
        cloudformation=bucket_resource("""\
BucketEncryption:
  ServerSideEncryptionConfiguration:
    - ServerSideEncryptionByDefault:
        SSEAlgorithm: AES256
      BlockedEncryptionTypes:
        EncryptionType:
          - SSE-C"""),
        verify=shows_setting("get-bucket-encryption", '"BlockedEncryptionTypes" with "SSE-C"'),
        maps=maps({Framework.ATTACK: "T1486"}),
        default=True,
        references=(f"{_GUIDE}blocking-unblocking-s3-c-encryption-gpb.html",),
    ),
    Kind.BUCKET,
    _ssec,
    (
        Example("blocked", bucket(_blocking(_SSE_C)), Verdict.PASS),
        Example("not told to block", bucket(_blocking()), Verdict.FAIL),
        Example("told to block nothing", bucket(_blocking("NONE")), Verdict.FAIL),
        Example("no default encryption", bucket({Aspect.ENCRYPTION: ABSENT}), Verdict.FAIL),
        Example("unreadable", _UNREADABLE, Verdict.UNKNOWN),
    ),
)

RULES = (KMS, APPROVED_KEY, BUCKET_KEY, SSEC_BLOCKED)
