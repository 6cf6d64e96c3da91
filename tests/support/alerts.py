"""Findings, changes, alerts and notifications for tests, each complete, each with one thing changed by keyword."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from s3warden.model.alert import Alert, AlertStatus, Digest, DigestLine, Fix, Notification
from s3warden.model.bucket import AccountRef, Aspect, BucketRef, Subject
from s3warden.model.event import Actor, Trigger
from s3warden.model.finding import (
    ChangeKind,
    Evidence,
    Finding,
    FindingChange,
    Severity,
    Verdict,
    fingerprint,
)
from s3warden.model.rule import Category, RuleInfo

NIGHT = datetime(2026, 3, 14, 3, 10, 0, tzinfo=UTC)
BUCKET = BucketRef("aws", "111122223333", "eu-west-1", "payroll-exports")
ACCOUNT = AccountRef("aws", "111122223333")
ALICE = Actor(
    principal="arn:aws:sts::111122223333:assumed-role/Admin/alice",
    kind="AssumedRole",
    account="111122223333",
    source_ip="203.0.113.9",
    user_agent="APN/1.0 HashiCorp/1.0 Terraform/1.9.5 aws-sdk-go-v2/1.30",
)
PUT_ACL = Trigger("PutBucketAcl", "aws.s3", "event-1", NIGHT - timedelta(seconds=4), ALICE)


def rule(rule_id: str, category: Category = Category.EXPOSURE, severity: Severity = Severity.CRITICAL) -> RuleInfo:
    """The metadata of a rule."""
    return RuleInfo(
        id=rule_id,
        title=f"Title of {rule_id}",
        severity=severity,
        category=category,
        needs=frozenset({Aspect.ACL}),
        why="Anyone can list the names of all objects. Names often tell what is inside.",
        cli="aws s3api put-bucket-acl --bucket {bucket} --acl private",
        terraform='resource "aws_s3_bucket_acl" "this" {}',
        console="Open Amazon S3.",
        cloudformation="Bucket: {Type: AWS::S3::Bucket}",
        verify="aws s3api get-bucket-acl --bucket {bucket}",
        maps=(),
        default=True,
        references=(),
    )


def finding(rule_id: str = "bucket-acl-public", subject: Subject = BUCKET, **fields: Any) -> Finding:
    """An open failure, critical and live unless told otherwise."""
    whole = Finding(
        fingerprint=fingerprint(rule_id, subject),
        rule_id=rule_id,
        subject=subject,
        verdict=Verdict.FAIL,
        severity=Severity.CRITICAL,
        evidence=Evidence("anyone can list it", {"grant": "AllUsers READ"}, live=True),
        first_seen=NIGHT,
        changed_at=NIGHT,
        trigger=PUT_ACL,
    )
    return replace(whole, **fields)


def posture(rule_id: str, severity: Severity = Severity.MEDIUM, **fields: Any) -> Finding:
    """An open failure that exposes nothing right now, found by a sweep."""
    mild: dict[str, Any] = {"severity": severity, "evidence": Evidence("not configured"), "trigger": None}
    return finding(rule_id, **(mild | fields))


def change(kind: ChangeKind, of: Finding, reason: str = "", at: datetime = NIGHT) -> FindingChange:
    """One step of a finding."""
    return FindingChange(kind, of, at, reason)


def alert(**fields: Any) -> Alert:
    """A firing alert with everything told."""
    whole = Alert(
        fingerprint=fingerprint("bucket-acl-public", BUCKET),
        sequence=1,
        status=AlertStatus.FIRING,
        rule_id="bucket-acl-public",
        title="Bucket is public by ACL",
        severity=Severity.CRITICAL,
        subject=BUCKET,
        summary="anyone can list it",
        details=(("grant", "AllUsers READ"),),
        why="Anyone can list the names of all objects.",
        fix=Fix("aws s3api put-bucket-acl --bucket payroll-exports --acl private", "acl = private"),
        starts_at=NIGHT,
        at=NIGHT,
        live=True,
        trigger=PUT_ACL,
        category="exposure",
    )
    return replace(whole, **fields)


def resolved(**fields: Any) -> Alert:
    """The end of `alert()`, seven minutes later."""
    return alert(**{"status": AlertStatus.RESOLVED, "reason": "fixed", "at": NIGHT + timedelta(minutes=7)} | fields)


def notification(
    number: int = 1, *alerts: Alert, group: str | None = None, destination: str = "oncall"
) -> Notification:
    """One message of its own group, unless `group` says otherwise."""
    told = alerts or (alert(),)
    return Notification(
        destination=destination,
        group_key=group or f"s3warden/group-{number}",
        dedup_key=f"s3warden/group-{number}/step",
        severity=max((a.severity for a in told), key=lambda severity: severity.rank),
        alerts=told,
    )


def digest(**fields: Any) -> Digest:
    """The digest of a small estate with one live exposure and a blind spot."""
    whole = Digest(
        at=NIGHT,
        accounts=3,
        buckets=40,
        live=(alert(),),
        lines=(
            DigestLine("bucket-acl-public", "Bucket is public by ACL", Severity.CRITICAL, 1, ("payroll-exports",)),
            DigestLine("bucket-tags", "Required tags are missing", Severity.LOW, 32, ("a", "b", "c")),
        ),
        checks=600,
        checks_unknown=6,
        unknown_by_cause=(("scp", 4), ("bucket_policy", 2)),
        failures=("account 444455556666: the role cannot be assumed",),
    )
    return replace(whole, **fields)


def digest_notification(**fields: Any) -> Notification:
    """A digest as a message."""
    told = digest(**fields)
    return Notification(
        "oncall", "s3warden/digest/baseline", "s3warden/digest/baseline/1", Severity.CRITICAL, digest=told
    )
