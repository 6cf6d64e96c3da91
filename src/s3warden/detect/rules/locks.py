"""What keeps versions from being deleted for good: MFA delete, Object Lock, and how long it holds."""

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
from s3warden.detect.samples import DENIED, bucket
from s3warden.model.bucket import ABSENT, Aspect, Present, State
from s3warden.model.configuration import Versioning
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.rule import Category, RuleInfo
from s3warden.model.storage import Lifecycle, LifecycleRule, ObjectLock

_GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/"
_LOCK = frozenset({Aspect.OBJECT_LOCK})
_LOCK_CLI = f"""\
# Object Lock cannot be switched off again, and needs versioning. Test with few days first.
aws s3api put-object-lock-configuration {OWN} \\
  --object-lock-configuration \\
  '{{"ObjectLockEnabled":"Enabled","Rule":{{"DefaultRetention":{{"Mode":"GOVERNANCE","Days":30}}}}}}'"""
_TERRAFORM = """\
resource "aws_s3_bucket_object_lock_configuration" "this" {
  bucket = "{bucket}"
  rule {
    default_retention {
      mode = "GOVERNANCE"
      days = 30
    }
  }
}"""
_STEPS = property_steps("Object Lock", "Choose Enable, and under Default retention Enable, a mode and a period.")
_CLOUDFORMATION = bucket_resource("""\
ObjectLockEnabled: true
VersioningConfiguration:
  Status: Enabled
ObjectLockConfiguration:
  ObjectLockEnabled: Enabled
  Rule:
    DefaultRetention:
      Mode: GOVERNANCE
      Days: 30""")


def _mfa(state: State, _options: RuleOptions) -> Judgement:
    if configured(state, Aspect.LIFECYCLE, Lifecycle) is not None:
        return not_applicable("A bucket with lifecycle rules cannot have MFA delete.")
    versioning = configured(state, Aspect.VERSIONING, Versioning)
    if versioning is not None and versioning.mfa_delete:
        return passes("Deleting a version takes a second factor.")
    status = "never enabled" if versioning is None else versioning.status
    return fails("Versions can be deleted for good without a second factor.", {"versioning": status})


def _locked(state: State, _options: RuleOptions) -> Judgement:
    if configured(state, Aspect.OBJECT_LOCK, ObjectLock) is not None:
        return passes("Object Lock is enabled.")
    return fails("Versions can be deleted at any time: Object Lock is not enabled.", {"object_lock": "off"})


def _retention(state: State, options: RuleOptions) -> Judgement:
    lock = configured(state, Aspect.OBJECT_LOCK, ObjectLock)
    if lock is None:
        return not_applicable("Object Lock is not enabled: another rule tells.")
    if lock.mode is None or lock.days is None:
        return fails("New objects are locked only if each upload asks for it.", {"default_retention": "none"})
    held = f"{lock.mode}, {lock.days} days"
    if options.object_lock_mode == "COMPLIANCE" and lock.mode != "COMPLIANCE":
        return fails("Who has the permission can lift the lock: it is in governance mode.", {"default_retention": held})
    if lock.days < options.object_lock_days:
        text = f"New objects are locked for {lock.days} days, not {options.object_lock_days}."
        return fails(text, {"default_retention": held})
    return passes(f"New objects are locked ({held}).")


def _lock(mode: str | None = "GOVERNANCE", days: int | None = 30) -> Present[ObjectLock]:
    return Present(ObjectLock(mode, days))


_MFA = Present(Versioning("Enabled", mfa_delete=True))
_EXPIRY = Present(Lifecycle((LifecycleRule(enabled=True, expires_after=30),)))

MFA_DELETE = Rule(
    RuleInfo(
        id="bucket-mfa-delete",
        title="Versions can be deleted without a second factor",
        severity=Severity.LOW,
        category=Category.RESILIENCE,
        needs=frozenset({Aspect.VERSIONING, Aspect.LIFECYCLE}),
        why=(
            "Stolen credentials are enough to delete every version and to suspend versioning. "
            "MFA delete asks the root user's second factor for both, and rules lifecycle rules out."
        ),
        cli=f"""\
# Only the root user can do this, and no automation can follow it up. Set MFA to the ARN of the device and a code.
aws s3api put-bucket-versioning {OWN} \\
  --versioning-configuration Status=Enabled,MFADelete=Enabled --mfa "${{MFA:?}}\"""",
        terraform="""\
# Terraform can do this with the root user's credentials alone, which it should not have. For the record:
resource "aws_s3_bucket_versioning" "this" {
  bucket = "{bucket}"
  mfa    = var.root_device_and_code
  versioning_configuration {
    status     = "Enabled"
    mfa_delete = "Enabled"
  }
}""",
        console="""\
The console cannot switch MFA delete on: sign in as the root user and open CloudShell.
Run the command of the CLI there, with the ARN of the root user's MFA device and a code.""",
        cloudformation="# CloudFormation cannot set MFA delete: it takes the root user and a code.",
        verify=shows_setting("get-bucket-versioning", '"MFADelete": "Enabled"'),
        maps=maps(
            {
                Framework.CIS_1_4: "2.1.3",
                Framework.CIS_2_0: "2.1.2",
                Framework.CIS_3_0: "2.1.2",
                Framework.CIS_4_0: "2.1.2",
                Framework.CIS_5_0: "2.1.2",
                Framework.CIS_6_0: "3.1.2",
                Framework.CIS_7_0: "3.1.2",
                Framework.CONFORMITY: "S3-013",
                Framework.SECURITY_HUB: "S3.20",
                Framework.CONFIG: "s3-bucket-mfa-delete-enabled",
                Framework.PROWLER: "s3_bucket_no_mfa_delete",
                Framework.CLOUDSPLOIT: "bucketMFADeleteEnabled",
                Framework.PCI_4_0: "10.3.2, 3.5.1.3, 8.4.1, 8.4.2, 8.4.3, A1.1.2, A3.4.1",
                Framework.NIS2: "11.7.2",
                Framework.ATTACK: "T1485",
            }
        ),
        default=False,
        references=(f"{_GUIDE}MultiFactorAuthenticationDelete.html",),
    ),
    Kind.BUCKET,
    _mfa,
    (
        Example("on", bucket({Aspect.VERSIONING: _MFA, Aspect.LIFECYCLE: ABSENT}), Verdict.PASS),
        Example("off", bucket({Aspect.LIFECYCLE: ABSENT}), Verdict.FAIL),
        Example("no versions", bucket({Aspect.VERSIONING: ABSENT, Aspect.LIFECYCLE: ABSENT}), Verdict.FAIL),
        Example("lifecycle rules", bucket({Aspect.LIFECYCLE: _EXPIRY}), Verdict.NOT_APPLICABLE),
        Example("unreadable", bucket({Aspect.VERSIONING: DENIED, Aspect.LIFECYCLE: ABSENT}), Verdict.UNKNOWN),
    ),
)

OBJECT_LOCK = Rule(
    RuleInfo(
        id="bucket-object-lock",
        title="Object Lock is not enabled",
        severity=Severity.LOW,
        category=Category.RESILIENCE,
        needs=_LOCK,
        why=(
            "Whoever gets the permission to delete versions can delete them all, by ransom or by mistake. "
            "Object Lock keeps each version until its time is up."
        ),
        cli=_LOCK_CLI,
        terraform=_TERRAFORM,
        console=_STEPS,
        cloudformation=_CLOUDFORMATION,
        verify=shows_setting("get-object-lock-configuration", '"ObjectLockEnabled": "Enabled"'),
        maps=maps(
            {
                Framework.CONFORMITY: "S3-023",
                Framework.SECURITY_HUB: "S3.15",
                Framework.CONFIG: "s3-bucket-default-lock-enabled",
                Framework.PROWLER: "s3_bucket_object_lock",
                Framework.CUSTODIAN: "lock-configuration",
                Framework.PCI_4_0: "10.3.4",
                Framework.SOC_2: "PI1.5",
                Framework.ATTACK: "T1485, T1486",
            }
        ),
        default=False,
        references=(f"{_GUIDE}object-lock.html",),
    ),
    Kind.BUCKET,
    _locked,
    (
        Example("enabled", bucket({Aspect.OBJECT_LOCK: _lock()}), Verdict.PASS),
        Example("not enabled", bucket({Aspect.OBJECT_LOCK: ABSENT}), Verdict.FAIL),
        Example("unreadable", bucket({Aspect.OBJECT_LOCK: DENIED}), Verdict.UNKNOWN),
    ),
)

RETENTION = Rule(
    RuleInfo(
        id="bucket-object-lock-retention",
        title="Object Lock holds new objects too short, or not at all",
        severity=Severity.MEDIUM,
        category=Category.RESILIENCE,
        needs=_LOCK,
        why=(
            "Object Lock without a default retention locks nothing that is uploaded without asking for it. "
            "Governance mode gives way to whoever has the permission to bypass it."
        ),
        cli=_LOCK_CLI,
        terraform=_TERRAFORM,
        console=_STEPS,
        cloudformation=_CLOUDFORMATION,
        verify=shows_setting("get-object-lock-configuration", "a DefaultRetention of the mode and period asked for"),
        maps=maps({Framework.CONFIG: "s3-bucket-default-lock-enabled", Framework.CUSTODIAN: "lock-configuration"}),
        default=False,
        references=(f"{_GUIDE}object-lock.html",),
    ),
    Kind.BUCKET,
    _retention,
    (
        Example("a default retention", bucket({Aspect.OBJECT_LOCK: _lock()}), Verdict.PASS),
        Example("none", bucket({Aspect.OBJECT_LOCK: _lock(None, None)}), Verdict.FAIL),
        Example(
            "too short",
            bucket({Aspect.OBJECT_LOCK: _lock()}),
            Verdict.FAIL,
            options=RuleOptions(object_lock_days=365),
        ),
        Example(
            "governance where compliance is asked for",
            bucket({Aspect.OBJECT_LOCK: _lock()}),
            Verdict.FAIL,
            options=RuleOptions(object_lock_mode="COMPLIANCE"),
        ),
        Example("not locked at all", bucket({Aspect.OBJECT_LOCK: ABSENT}), Verdict.NOT_APPLICABLE),
        Example("unreadable", bucket({Aspect.OBJECT_LOCK: DENIED}), Verdict.UNKNOWN),
    ),
)

RULES = (MFA_DELETE, OBJECT_LOCK, RETENTION)
