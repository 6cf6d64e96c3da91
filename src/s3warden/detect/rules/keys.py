"""The KMS key that a bucket encrypts with: without it nothing in the bucket can be read, or written, by anybody."""

from collections.abc import Mapping

from s3warden.detect.advice import bucket_resource
from s3warden.detect.exposed import HINTS, NEEDS, analysed, inputs_of
from s3warden.detect.outsiders import Resource, outsiders
from s3warden.detect.rule import (
    Check,
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
from s3warden.detect.samples import ACCOUNT, DENIED, allow, bucket, by_policy, policy
from s3warden.detect.surroundings import KEY_ARN, OURS
from s3warden.model.bucket import ABSENT, Aspect, Present, Reading, State
from s3warden.model.configuration import Policy
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.keys import MANAGED, Key, KeyRotation
from s3warden.model.rule import Category, RuleInfo

_STATES = "https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html"
_NO_KEY = "The bucket's default encryption uses no KMS key."
_DEAD = frozenset({"PendingDeletion", "PendingReplicaDeletion", "NotFound"})
_ACTIONS = (
    "kms:Decrypt",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:CreateGrant",
    "kms:PutKeyPolicy",
    "kms:DisableKey",
    "kms:ScheduleKeyDeletion",
)
_KEY_OF_BUCKET = """\
KEY=$(aws s3api get-bucket-encryption --bucket {bucket} --region {region} --expected-bucket-owner {account} \\
  --query 'ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault.KMSMasterKeyID' \\
  --output text)"""
_USE_KEY = bucket_resource("""\
BucketEncryption:
  ServerSideEncryptionConfiguration:
    - ServerSideEncryptionByDefault:
        SSEAlgorithm: aws:kms
        KMSMasterKeyID: !GetAtt Key.Arn
      BucketKeyEnabled: true""")


def _key(state: State) -> Key | None:
    return configured(state, Aspect.DEFAULT_KEY, Key)


def _customer(state: State, _options: RuleOptions) -> Judgement:
    key = _key(state)
    if key is None:
        return fails("New objects are encrypted without a KMS key of your own.", {"key": "none of KMS"})
    if key.manager == MANAGED:
        return fails("New objects are encrypted with the key that AWS keeps for S3.", {"key": key.named})
    return passes("New objects are encrypted with a KMS key of your own.")


def _usable(state: State, _options: RuleOptions) -> Judgement:
    key = _key(state)
    if key is None:
        return not_applicable(_NO_KEY)
    if key.state == "Enabled":
        return passes("The default key is enabled.")
    facts = {"key": key.arn or key.named, "state": key.state, **({"gone_on": key.ends} if key.ends else {})}
    if key.state == "NotFound":
        return fails("The default key does not exist: what it encrypted cannot be read.", facts)
    if key.state in _DEAD:
        day = f" on {key.ends}" if key.ends else ""
        return fails(f"The default key is to be deleted{day}; then nothing it encrypted can be read any more.", facts)
    severity = Severity.MEDIUM if key.state in {"Creating", "Updating"} else Severity.HIGH
    return fails(f"The default key cannot be used: it is {key.state}.", facts, severity=severity)


def _rotates(state: State, _options: RuleOptions) -> Judgement:
    key = _key(state)
    rotation = configured(state, Aspect.KEY_ROTATION, KeyRotation)
    if key is None or key.arn is None:
        return not_applicable(_NO_KEY if key is None else "The default key does not exist: another rule tells.")
    if key.manager == MANAGED:
        return passes("AWS rotates the key that it keeps for S3 every year.")
    if rotation is None:
        return not_applicable("AWS cannot rotate this key: its material is imported or kept elsewhere.")
    if rotation.enabled:
        return passes("The default key is rotated by AWS.")
    return fails("The default key is never rotated.", {"key": key.arn, "rotation": "off"})


def _open_key(state: State, options: RuleOptions) -> Judgement:
    key = _key(state)
    document = configured(state, Aspect.KEY_POLICY, Policy)
    if key is None or key.arn is None:
        return not_applicable(_NO_KEY if key is None else "The default key does not exist: another rule tells.")
    own = state.ref.account
    if key.account not in {own, *options.trusted_accounts}:
        facts = {"key": key.arn, "account": key.account}
        return fails(f"The default key belongs to account {key.account}, which is not trusted.", facts)
    if document is None:
        return passes("The default key is AWS's own, which nobody else can share.")
    found = outsiders(document.text, Resource(key.arn, key.account, state.ref.partition, _ACTIONS), options)
    if found:
        facts = {"key": key.arn, "request": found.proof, "statement": found.statement}
        severity = Severity.CRITICAL if found.everyone else None
        return fails(f"The key's policy lets others use it: {found}.", facts, severity=severity)
    if found.unclear is not None:
        return undecided("The key's policy cannot be decided.", {"because": found.unclear, "key": key.arn})
    return passes("The key's policy lets in nobody but the owner and trusted accounts.")


def _shared_managed(state: State, options: RuleOptions) -> Judgement:
    key, found = _key(state), analysed(inputs_of(state, options))
    if key is None or key.manager != MANAGED:
        return not_applicable("New objects are not encrypted with the key that AWS keeps for S3.")
    accounts = found.cross_account
    if not accounts and found.unknown_because:
        return undecided("Whether another account is let in cannot be decided.", {"because": found.unknown_because[0]})
    if not accounts:
        return passes("No other account is let in by name.")
    named = ", ".join(accounts[:5])
    facts = {"accounts": named, "key": key.named}
    return fails(f"Other accounts are let in ({named}), but can read nothing encrypted with the key of AWS.", facts)


def _with(key: Reading[object], **more: Reading[object]) -> Mapping[Aspect, Reading[object]]:
    """The readings of a bucket with this key, of which nothing else is known but `more`."""
    parts = {Aspect.KEY_ROTATION: more.get("rotation", ABSENT), Aspect.KEY_POLICY: more.get("policy", ABSENT)}
    return {Aspect.DEFAULT_KEY: key, **parts}


_MINE = Key(KEY_ARN, KEY_ARN)
_ALIAS = f"arn:{ACCOUNT.partition}:kms:eu-west-1:{ACCOUNT.account}:alias/aws/s3"
_OF_AWS = _with(Present(Key(_ALIAS, _ALIAS, MANAGED, rotatable=False)))
_PARTNER = "444455556666"
_THEIRS = KEY_ARN.replace(ACCOUNT.account, _PARTNER)
_NONE = _with(ABSENT)


def _state(state: str, ends: str | None = None) -> Mapping[Aspect, Reading[object]]:
    return _with(Present(Key(KEY_ARN, None if state == "NotFound" else KEY_ARN, state=state, ends=ends)))


def _grants(principal: object, **condition: object) -> Mapping[Aspect, Reading[object]]:
    more = {"Condition": condition} if condition else {}
    statement = allow(principal, "kms:*", "*", **more)
    return _with(Present(_MINE), policy=policy(allow({"AWS": OURS}, "kms:*", "*"), statement))


_DENIED = Example("the key is unreadable", bucket(_with(DENIED, rotation=DENIED, policy=DENIED)), Verdict.UNKNOWN)


def _rule(info: RuleInfo, check: Check, *examples: Example) -> Rule:
    return Rule(info, Kind.BUCKET, check, (Example("a sound bucket", bucket(), Verdict.PASS), *examples, _DENIED))


CUSTOMER_KEY = _rule(
    RuleInfo(
        id="bucket-encryption-cmk",
        title="Default encryption uses no KMS key of your own",
        severity=Severity.LOW,
        category=Category.ENCRYPTION,
        needs=frozenset({Aspect.DEFAULT_KEY}),
        why=(
            "Keys that AWS keeps follow the permissions of S3 alone: who may read the object may decrypt it. "
            "A key of your own has a policy, a log of its uses, and can be switched off."
        ),
        cli="""\
aws s3api put-bucket-encryption --bucket {bucket} --region {region} --expected-bucket-owner {account} \\
  --server-side-encryption-configuration "{\\"Rules\\":[{\\"ApplyServerSideEncryptionByDefault\\":\\
{\\"SSEAlgorithm\\":\\"aws:kms\\",\\"KMSMasterKeyID\\":\\"${KEY_ARN:?}\\"},\\"BucketKeyEnabled\\":true}]}\"""",
        terraform="""\
resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = "{bucket}"
  rule {
    bucket_key_enabled = true
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.this.arn
    }
  }
}""",
        console="""\
Open Amazon S3, Buckets, {bucket}, Properties, Default encryption: Edit.
Choose SSE-KMS, then a key of this account, with Bucket Key on, and Save changes.
Readers and writers need kms:Decrypt and kms:GenerateDataKey on that key.""",
        cloudformation=_USE_KEY,
        verify=f"""\
{_KEY_OF_BUCKET}
aws kms describe-key --key-id "$KEY" --region {{region}} --query KeyMetadata.KeyManager
# Expect: CUSTOMER.""",
        maps=maps({Framework.CONFORMITY: "S3-025"}),
        default=False,
        references=("https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html",),
    ),
    _customer,
    Example("S3's own keys", bucket(_NONE), Verdict.FAIL),
    Example("the key that AWS keeps for S3", bucket(_OF_AWS), Verdict.FAIL),
)
USABLE = _rule(
    RuleInfo(
        id="bucket-kms-key-usable",
        title="The key that encrypts the bucket is disabled or to be deleted",
        severity=Severity.CRITICAL,
        category=Category.ENCRYPTION,
        needs=frozenset({Aspect.DEFAULT_KEY}),
        why=(
            "Objects under a key that is gone can never be read again, by nobody, AWS included. "
            "A scheduled deletion is a countdown of 7 to 30 days on every bucket that uses the key."
        ),
        cli=f"""\
{_KEY_OF_BUCKET}
aws kms cancel-key-deletion --key-id "$KEY" --region {{region}}
aws kms enable-key --key-id "$KEY" --region {{region}}""",
        terraform="""\
# For {bucket}: keep the aws_kms_key in the configuration, with
is_enabled              = true
deletion_window_in_days = 30""",
        console="""\
Open AWS KMS, Customer managed keys, in {region}: the default key of {bucket}.
Choose Key actions, Cancel key deletion; then Key actions, Enable.""",
        cloudformation="""\
# For {bucket}: a key that a stack gives up must not be deleted with it.
Key:
  Type: AWS::KMS::Key
  DeletionPolicy: Retain
  UpdateReplacePolicy: Retain
  Properties:
    Enabled: true
    PendingWindowInDays: 30""",
        verify=f"""\
{_KEY_OF_BUCKET}
aws kms describe-key --key-id "$KEY" --region {{region}} --query KeyMetadata.KeyState
# Expect: Enabled.""",
        maps=maps({Framework.CONFORMITY: "KMS-004", Framework.PROWLER: "kms_cmk_not_deleted_unintentionally"}),
        default=True,
        references=(_STATES, "https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html"),
    ),
    _usable,
    Example("no KMS key", bucket(_NONE), Verdict.NOT_APPLICABLE),
    Example("to be deleted", bucket(_state("PendingDeletion", "2026-12-24")), Verdict.FAIL),
    Example("gone", bucket(_state("NotFound")), Verdict.FAIL),
    Example("disabled", bucket(_state("Disabled")), Verdict.FAIL, severity=Severity.HIGH),
    Example("its key store is away", bucket(_state("Unavailable")), Verdict.FAIL, severity=Severity.HIGH),
    Example("its material is not imported", bucket(_state("PendingImport")), Verdict.FAIL, severity=Severity.HIGH),
    Example("changing for a moment", bucket(_state("Updating")), Verdict.FAIL, severity=Severity.MEDIUM),
)
ROTATION = _rule(
    RuleInfo(
        id="bucket-kms-key-rotation",
        title="The key that encrypts the bucket is never rotated",
        severity=Severity.LOW,
        category=Category.ENCRYPTION,
        needs=frozenset({Aspect.DEFAULT_KEY, Aspect.KEY_ROTATION}),
        why=(
            "One key material for ever protects all that was ever written. "
            "Rotation by AWS costs no change anywhere: old material goes on to decrypt."
        ),
        cli=f"""\
{_KEY_OF_BUCKET}
aws kms enable-key-rotation --key-id "$KEY" --region {{region}}""",
        terraform="""\
# In the aws_kms_key that encrypts {bucket}:
enable_key_rotation = true""",
        console="""\
Open AWS KMS, Customer managed keys, in {region}: the default key of {bucket}.
Choose Key rotation, Edit, Enable, Save.""",
        cloudformation="""\
# The key of {bucket}:
Key:
  Type: AWS::KMS::Key
  Properties:
    EnableKeyRotation: true""",
        verify=f"""\
{_KEY_OF_BUCKET}
aws kms get-key-rotation-status --key-id "$KEY" --region {{region}}
# Expect: KeyRotationEnabled true.""",
        maps=maps({}),
        default=False,
        references=("https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html",),
    ),
    _rotates,
    Example("off", bucket(_with(Present(_MINE), rotation=Present(KeyRotation(enabled=False)))), Verdict.FAIL),
    Example("no KMS key", bucket(_NONE), Verdict.NOT_APPLICABLE),
    Example("the key that AWS keeps for S3", bucket(_OF_AWS), Verdict.PASS),
    Example("imported material", bucket(_with(Present(_MINE))), Verdict.NOT_APPLICABLE),
    Example("gone", bucket(_state("NotFound")), Verdict.NOT_APPLICABLE),
    Example("the rotation is unreadable", bucket(_with(Present(_MINE), rotation=DENIED)), Verdict.UNKNOWN),
)
OPEN_KEY = _rule(
    RuleInfo(
        id="bucket-kms-key-policy-public",
        title="Others may use the key that encrypts the bucket, or own it",
        severity=Severity.HIGH,
        category=Category.ENCRYPTION,
        needs=frozenset({Aspect.DEFAULT_KEY, Aspect.KEY_POLICY}),
        why=(
            "Who may decrypt with the key needs only a copy of an object; who owns it can end every object under it. "
            "A key policy counts by itself, whatever the bucket policy says."
        ),
        cli=f"""\
{_KEY_OF_BUCKET}
aws kms get-key-policy --key-id "$KEY" --policy-name default --region {{region}} --query Policy --output text > key.json
# In key.json, take out the principal that needs no access, then:
aws kms put-key-policy --key-id "$KEY" --policy-name default --region {{region}} --policy file://key.json""",
        terraform="""\
# In the policy of the aws_kms_key that encrypts {bucket}: take out the principal that needs no access.""",
        console="""\
Open AWS KMS, Customer managed keys, in {region}: the default key of {bucket}.
Choose Key policy, Edit, take out the principal that needs no access, Save changes.""",
        cloudformation="""\
# The key of {bucket}:
Key:
  Type: AWS::KMS::Key
  Properties:
    KeyPolicy:
      Version: "2012-10-17"
      Statement:
        - Effect: Allow
          Principal:
            AWS: arn:{partition}:iam::{account}:root
          Action: kms:*
          Resource: "*\"""",
        verify=f"""\
{_KEY_OF_BUCKET}
aws kms get-key-policy --key-id "$KEY" --policy-name default --region {{region}} --query Policy --output text
# Expect: no principal but your own accounts, and none that is "*" without a condition on the caller.""",
        maps=maps({Framework.PROWLER: "kms_key_not_publicly_accessible"}),
        default=True,
        references=("https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html",),
    ),
    _open_key,
    Example("everyone", bucket(_grants("*")), Verdict.FAIL, severity=Severity.CRITICAL),
    Example(
        "everyone by way of S3",
        bucket(_grants({"AWS": "*"}, StringLike={"kms:ViaService": "s3.*"})),
        Verdict.FAIL,
        severity=Severity.CRITICAL,
    ),
    Example(
        "everyone of the account",
        bucket(_grants("*", StringEquals={"kms:CallerAccount": ACCOUNT.account})),
        Verdict.PASS,
    ),
    Example("another account", bucket(_grants({"AWS": _PARTNER})), Verdict.FAIL),
    Example(
        "a trusted account",
        bucket(_grants({"AWS": f"arn:{ACCOUNT.partition}:iam::{_PARTNER}:root"})),
        Verdict.PASS,
        RuleOptions(trusted_accounts=(_PARTNER,)),
    ),
    Example("a stranger's key", bucket(_with(Present(Key(_THEIRS, _THEIRS)))), Verdict.FAIL),
    Example("no KMS key", bucket(_NONE), Verdict.NOT_APPLICABLE),
    Example("gone", bucket(_state("NotFound")), Verdict.NOT_APPLICABLE),
    Example("the key that AWS keeps for S3", bucket(_OF_AWS), Verdict.PASS),
    Example(
        "no policy that can be understood", bucket(_with(Present(_MINE), policy=Present(Policy("{}")))), Verdict.UNKNOWN
    ),
    Example("the policy is unreadable", bucket(_with(Present(_MINE), policy=DENIED)), Verdict.UNKNOWN),
)
_SHARED = by_policy(allow({"AWS": f"arn:{ACCOUNT.partition}:iam::{_PARTNER}:root"}), public=False)
SHARED_MANAGED = Rule(
    RuleInfo(
        id="bucket-kms-aws-managed-key-shared",
        title="Other accounts are let in but cannot decrypt what is stored",
        severity=Severity.MEDIUM,
        category=Category.ENCRYPTION,
        needs=NEEDS | {Aspect.DEFAULT_KEY},
        hints=HINTS,
        why=(
            "The key that AWS keeps for S3 cannot be shared: reads from another account fail whatever the policy says. "
            "What was meant to be shared is not, and the way out under pressure is often a wider policy."
        ),
        cli=CUSTOMER_KEY.info.cli,
        terraform=CUSTOMER_KEY.info.terraform,
        console=CUSTOMER_KEY.info.console,
        cloudformation=_USE_KEY,
        verify=CUSTOMER_KEY.info.verify,
        maps=maps({}),
        default=False,
        references=("https://repost.aws/knowledge-center/cross-account-access-denied-error-s3",),
    ),
    Kind.BUCKET,
    _shared_managed,
    (
        Example("a key of one's own", bucket(_SHARED), Verdict.NOT_APPLICABLE),
        Example("not shared", bucket(_OF_AWS), Verdict.PASS),
        Example("shared", bucket({**_SHARED, **_OF_AWS}), Verdict.FAIL),
        Example("the key is unreadable", bucket({Aspect.DEFAULT_KEY: DENIED}), Verdict.UNKNOWN),
    ),
)

RULES = (USABLE, OPEN_KEY, SHARED_MANAGED, CUSTOMER_KEY, ROTATION)
