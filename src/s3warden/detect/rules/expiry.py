"""Lifecycle rules that do harm: deletion of everything by proxy, and rules that contradict each other.

A rule that ends all objects tomorrow deletes a bucket as thoroughly as a loop over DeleteObject does, and no record of
a deleted object shows it.
"""

from datetime import UTC, datetime, timedelta

from s3warden.detect.advice import LIFECYCLE_STEPS, OWN, bucket_resource, shows_setting
from s3warden.detect.rule import (
    Example,
    Judgement,
    Kind,
    Rule,
    RuleOptions,
    always,
    configured,
    fails,
    not_applicable,
    passes,
)
from s3warden.detect.samples import DENIED, READ_AT, bucket
from s3warden.detect.selectors import selected
from s3warden.model.bucket import ABSENT, Absent, Aspect, Present, Reading, State
from s3warden.model.configuration import Versioning
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.rule import Category, RuleInfo
from s3warden.model.storage import Lifecycle, LifecycleRule, ObjectLock, Selection, Transition

_GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/"
_NONE = Lifecycle(())
# Days for which each storage class is paid at least.
_PAID = {
    "STANDARD_IA": 30,
    "ONEZONE_IA": 30,
    "GLACIER_IR": 90,
    "GLACIER": 90,
    "DEEP_ARCHIVE": 180,
}
_SMALL, _LARGE = 1024, 1024**4
_CLI = f"""\
# The second call replaces all rules. Set KEPT to those of the first without the harmful one, as a JSON list.
aws s3api get-bucket-lifecycle-configuration {OWN} \\
  --query Rules
aws s3api put-bucket-lifecycle-configuration {OWN} \\
  --lifecycle-configuration '{{"Rules":'"${{KEPT_RULES:?}}"'}}'"""
_RESOURCE = """\
LifecycleConfiguration:
  Rules:
    - Id: old
      Status: Enabled
      ExpirationInDays: 365
      NoncurrentVersionExpiration:
        NoncurrentDays: 90"""


def _mass(state: State, options: RuleOptions) -> Judgement:
    acting = (configured(state, Aspect.LIFECYCLE, Lifecycle) or _NONE).acting
    versioning = configured(state, Aspect.VERSIONING, Versioning)
    limit = options.mass_expiry_days
    soon = [rule for rule in acting if _whole(rule.selection) and _within(rule, limit, state.read_at)]
    if not soon:
        return passes(f"No lifecycle rule ends all objects within {limit} days.")
    meant = selected(options.short_lived_buckets, state)
    if meant is not None:
        return not_applicable(f"The settings say that the objects are short-lived ({meant}).")
    first = soon[0]
    when = f"after {first.expires_after} days" if first.expires_on is None else f"on {first.expires_on}"
    kept = versioning is not None and versioning.status == "Enabled" and not any(_old(rule, limit) for rule in acting)
    facts = {"rule": first.id or "without a name", "expires": when, "old_versions": "kept" if kept else "not kept"}
    text = "old versions stay" if kept else "for good"
    return fails(f"A lifecycle rule deletes all objects {when}, {text}.", facts, severity=_severity(kept=kept))


def _no_dates(state: State, options: RuleOptions) -> bool:
    match state.reading(Aspect.LIFECYCLE):
        case Absent():
            return True
        case Present(value=Lifecycle(rules=rules)):
            return not options.short_lived_buckets and all(rule.expires_on is None for rule in rules)
    return False


def _severity(*, kept: bool) -> Severity:
    return Severity.MEDIUM if kept else Severity.HIGH


def _within(rule: LifecycleRule, limit: int, now: datetime) -> bool:
    if rule.expires_on is not None:
        at = datetime.fromisoformat(rule.expires_on)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)) <= now + timedelta(days=limit)
    return rule.expires_after is not None and rule.expires_after <= limit


def _old(rule: LifecycleRule, limit: int) -> bool:
    """Whether the rule ends all old versions soon."""
    days = rule.noncurrent_days
    return _whole(rule.selection) and days is not None and days <= limit and not rule.newer_noncurrent


def _whole(selection: Selection) -> bool:
    """Whether next to no object is left out: a limit of size at either end is soon written down."""
    if selection.prefix or selection.tags:
        return False
    return (selection.larger_than or 0) < _SMALL and (selection.smaller_than or _LARGE) >= _LARGE


def _conflicts(state: State, _options: RuleOptions) -> Judgement:
    lifecycle = configured(state, Aspect.LIFECYCLE, Lifecycle)
    versioning = configured(state, Aspect.VERSIONING, Versioning)
    lock = configured(state, Aspect.OBJECT_LOCK, ObjectLock)
    if lifecycle is None:
        return passes("There are no lifecycle rules to contradict anything.")
    details = {
        "mfa_delete": "lifecycle rules do nothing under it" if versioning is not None and versioning.mfa_delete else "",
        "object_lock": _locked_longer(lifecycle, lock),
        "storage_class": _paid_longer(lifecycle),
    }
    found = {name: text for name, text in details.items() if text}
    if found:
        return fails(f"Lifecycle rules contradict other settings: {'; '.join(found.values())}.", found)
    return passes("The lifecycle rules agree with the other settings.")


def _locked_longer(lifecycle: Lifecycle, lock: ObjectLock | None) -> str:
    held = lock.days if lock is not None else None
    early = [rule.noncurrent_days for rule in lifecycle.acting if rule.noncurrent_days is not None]
    if held is None or not early or min(early) >= held:
        return ""
    return f"old versions are to end after {min(early)} days and are locked for {held}"


def _paid_longer(lifecycle: Lifecycle) -> str:
    for rule in lifecycle.acting:
        for move in rule.transitions if rule.expires_after is not None else ():
            paid = _PAID.get(move.storage_class, 0)
            stays = (rule.expires_after or 0) - (move.days or 0)
            if move.days is not None and 0 <= stays < paid:
                return f"objects end {stays} days after they move to {move.storage_class}, which is paid for {paid}"
    return ""


def _rules(*rules: LifecycleRule, **more: Reading[object]) -> dict[Aspect, Reading[object]]:
    readings: dict[Aspect, Reading[object]] = {Aspect.LIFECYCLE: Present(Lifecycle(rules))}
    return readings | {Aspect(name): reading for name, reading in more.items()}


_TOMORROW = LifecycleRule(enabled=True, id="cleanup", expires_after=1)
_ALSO_OLD = LifecycleRule(enabled=True, id="cleanup", expires_after=1, noncurrent_days=1)
_YEAR = LifecycleRule(enabled=True, expires_after=365)
_UNREADABLE = bucket({Aspect.LIFECYCLE: DENIED})

MASS_EXPIRY = Rule(
    RuleInfo(
        id="bucket-lifecycle-mass-expiry",
        title="A lifecycle rule deletes the whole bucket within days",
        severity=Severity.HIGH,
        category=Category.RESILIENCE,
        needs=frozenset({Aspect.LIFECYCLE, Aspect.VERSIONING}),
        hints=frozenset({Aspect.TAGGING}),
        why=(
            "One call ends every object of the bucket, and no event of a deletion names who did it. "
            "S3 carries it out once a day, so there are hours left to take the rule back."
        ),
        cli=f"""\
{_CLI}
# If the objects are short-lived by design: add the bucket to rules.short_lived_buckets.""",
        terraform="# In the aws_s3_bucket_lifecycle_configuration of {bucket}: take out the rule or narrow it.",
        console="""\
Open Amazon S3, Buckets, {bucket}, Management, Lifecycle rules.
Choose the rule, then Actions, Disable.""",
        cloudformation=bucket_resource(_RESOURCE, "With a time that leaves room to notice"),
        verify=shows_setting(
            "get-bucket-lifecycle-configuration", "no rule for all objects with Expiration within days"
        ),
        maps=maps({Framework.ATTACK: "T1485"}),
        default=True,
        references=(f"{_GUIDE}intro-lifecycle-rules.html",),
    ),
    Kind.BUCKET,
    _mass,
    (
        Example("after a year", bucket(_rules(_YEAR)), Verdict.PASS),
        Example("no rules", bucket({Aspect.LIFECYCLE: ABSENT}), Verdict.PASS),
        Example(
            "a part of the bucket",
            bucket(_rules(LifecycleRule(enabled=True, selection=Selection("tmp/"), expires_after=1))),
            Verdict.PASS,
        ),
        Example("tomorrow, old versions stay", bucket(_rules(_TOMORROW)), Verdict.FAIL, severity=Severity.MEDIUM),
        Example("tomorrow, old versions too", bucket(_rules(_ALSO_OLD)), Verdict.FAIL),
        Example(
            "all but empty objects",
            bucket(
                _rules(
                    LifecycleRule(enabled=True, selection=Selection(larger_than=1), expires_after=1), versioning=ABSENT
                )
            ),
            Verdict.FAIL,
        ),
        Example("tomorrow, no versions", bucket(_rules(_TOMORROW, versioning=ABSENT)), Verdict.FAIL),
        Example(
            "on a date that has passed",
            bucket(_rules(LifecycleRule(enabled=True, expires_on="2025-12-01T00:00:00+00:00"), versioning=ABSENT)),
            Verdict.FAIL,
        ),
        Example(
            "on a date far away",
            bucket(
                _rules(
                    LifecycleRule(enabled=True, expires_on=(READ_AT + timedelta(days=99)).isoformat()),
                    versioning=ABSENT,
                )
            ),
            Verdict.PASS,
        ),
        Example(
            "short-lived by design",
            bucket(_rules(_TOMORROW, tagging=DENIED)),
            Verdict.NOT_APPLICABLE,
            options=RuleOptions(short_lived_buckets=("tag:Kind=scratch", "example-*")),
        ),
        Example(
            "not the short-lived one",
            bucket(_rules(_ALSO_OLD)),
            Verdict.FAIL,
            options=RuleOptions(short_lived_buckets=("tag:Kind=scratch",)),
        ),
        Example("unreadable", _UNREADABLE, Verdict.UNKNOWN),
    ),
    # A date comes nearer without any change, so this is asked anew each time.
    by_name=always,
    nameless=_no_dates,
)

CONFLICTS = Rule(
    RuleInfo(
        id="bucket-lifecycle-conflicts",
        title="Lifecycle rules contradict other settings",
        severity=Severity.LOW,
        category=Category.GOVERNANCE,
        needs=frozenset({Aspect.LIFECYCLE, Aspect.VERSIONING, Aspect.OBJECT_LOCK}),
        why=(
            "An expiry under Object Lock or MFA delete does nothing, and data that should be gone stays. "
            "An object that moves to a cheap class shortly before its end costs more than if it had stayed."
        ),
        cli=_CLI,
        terraform="# In the aws_s3_bucket_lifecycle_configuration of {bucket}: set the days so that they agree.",
        console=LIFECYCLE_STEPS % "Set days that agree with Object Lock and with the storage class",
        cloudformation=bucket_resource(_RESOURCE),
        verify=shows_setting("get-bucket-lifecycle-configuration", "days that agree with the other settings"),
        maps=(),
        default=False,
        references=(f"{_GUIDE}lifecycle-and-other-bucket-config.html",),
    ),
    Kind.BUCKET,
    _conflicts,
    (
        Example("no conflict", bucket(_rules(_YEAR)), Verdict.PASS),
        Example("no rules", bucket({Aspect.LIFECYCLE: ABSENT}), Verdict.PASS),
        Example(
            "under MFA delete",
            bucket(_rules(_YEAR, versioning=Present(Versioning("Enabled", mfa_delete=True)))),
            Verdict.FAIL,
        ),
        Example(
            "under a longer lock",
            bucket(_rules(_ALSO_OLD, object_lock=Present(ObjectLock("COMPLIANCE", 365)))),
            Verdict.FAIL,
        ),
        Example(
            "an end soon after a move",
            bucket(
                _rules(LifecycleRule(enabled=True, expires_after=60, transitions=(Transition("DEEP_ARCHIVE", 30),)))
            ),
            Verdict.FAIL,
        ),
        Example("unreadable", _UNREADABLE, Verdict.UNKNOWN),
    ),
)

RULES = (MASS_EXPIRY, CONFLICTS)
