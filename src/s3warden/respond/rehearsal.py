"""A notification that proves a destination works and says so plainly. Pure."""

from datetime import datetime

from s3warden.model.alert import Alert, AlertStatus, Fix, Notification
from s3warden.model.bucket import BucketRef
from s3warden.model.event import Actor, Trigger
from s3warden.model.finding import Severity

RULE_ID = "notify-test"


def test_notification(destination: str, now: datetime) -> Notification:
    """What `s3warden notify test` sends: every field filled as a real alert would, about a bucket that is none."""
    moment = now.isoformat()
    subject = BucketRef("aws", "000000000000", "us-east-1", "s3warden-test")
    alert = Alert(
        fingerprint="0" * 32,
        sequence=1,
        status=AlertStatus.FIRING,
        rule_id=RULE_ID,
        title="This is a test",
        severity=Severity.INFO,
        subject=subject,
        summary="this is a test of s3warden, nothing is wrong",
        details=(("destination", destination),),
        why="Nothing happened. If you can read this, alerts sent to this destination arrive.",
        fix=Fix(cli="# nothing to do"),
        starts_at=now,
        at=now,
        trigger=Trigger("NotifyTest", "s3warden", f"test-{moment}", now, Actor("s3warden notify test")),
        category="governance",
    )
    return Notification(
        destination=destination,
        group_key="s3warden/test",
        dedup_key=f"s3warden/test/{moment}",
        severity=Severity.INFO,
        alerts=(alert,),
        correlation=(f"test-{moment}",),
    )
