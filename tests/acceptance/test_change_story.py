"""A change of a bucket by the AWS CLI: told with who made it, known over a restart, and over when its time is."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from support.awscli import Cli
from support.books import start_with_baseline
from support.cloud import PUBLIC_READ, FakeCloud, change, keys
from support.daemon import Daemon, Settings
from support.receivers import Receiver

RULE = "bucket-config-changed"
# The settings have changes told for a minute, and no less; of that so much has passed when the event comes.
AGE = timedelta(seconds=45)


@pytest.fixture
def settings(settings: Settings) -> dict[str, Any]:
    """Every change is told, but for those of one role; tags are read for another rule."""
    rules = {"enable": [RULE, "bucket-required-tags"], "changes_within": "1m", "expected_changers": ["release"]}
    return {**settings, "rules": rules}


def _told(hook: Receiver) -> list[tuple[str, dict[str, Any]]]:
    """What came about the rule: the kind of each message, with the alert."""
    messages = [request.json["data"] for request in hook.taken]
    return [(data["type"], alert) for data in messages for alert in data["alerts"] if alert["rule_id"] == RULE]


async def _send(cloud: FakeCloud, daemon: Daemon, body: str) -> None:
    queue = cloud.queues["events"]
    queue.send(body)
    await daemon.until(lambda: queue.is_empty, "the message to be done with")


async def test_a_fix_is_told_as_s3wardens_own(
    cloud: FakeCloud, hook: Receiver, daemon: Daemon, settings: dict[str, Any]
) -> None:
    """Beside the change that made it necessary, under its name; CloudTrail's own event of it is no news then."""
    fixes = [{"name": "leaks", "rules": ["bucket-public-effective"], "mode": "auto"}]
    rules = {**settings["rules"], "enable": [RULE, "bucket-public-effective"]}
    remediation = {"role_name": "s3warden-remediation"}
    daemon.write({**settings, "rules": rules, "fixes": fixes, "remediation": remediation})
    (bucket,) = cloud.world.add("invented-ledger")
    cloud.queue("events")
    await start_with_baseline(daemon, hook)
    bucket.grants.append(PUBLIC_READ)
    await _send(cloud, daemon, change(bucket, "PutBucketAcl"))
    await daemon.until(lambda: len(_told(hook)) == 2, "the change and the fix to be told")
    (opened, closed) = (json.loads(alert["details"]["changes"]) for _, alert in _told(hook))
    assert [(each["call"], "own" in each) for each in opened] == [("PutBucketAcl", False)]
    assert [(each["call"], "own" in each) for each in closed] == [("PutBucketAcl", False), ("Remediation", True)]
    assert closed[1]["by"].startswith("s3warden, remediation ")

    (written,) = cloud.written
    session = f"arn:aws:sts::{bucket.account}:assumed-role/s3warden-remediation/s3warden-remediation"
    who = {"type": "AssumedRole", "arn": session, "accountId": bucket.account}
    await _send(cloud, daemon, change(bucket, "PutBucketAcl", userIdentity=who, userAgent=f"[{written.user_agent}]"))
    await daemon.until_metric("s3warden_remediation_own_events_total", 1)
    assert await daemon.stop() == 0
    assert len(_told(hook)) == 2
    assert daemon.complaints() == []


async def test_a_change_is_told_once_and_ends_by_itself(cloud: FakeCloud, hook: Receiver, daemon: Daemon) -> None:
    """The release says nothing; somebody else is named, with the call and what differs."""
    (bucket,) = cloud.world.add("invented-ledger")
    queue, cli = cloud.queue("events"), Cli(cloud.url, keys())
    await start_with_baseline(daemon, hook)
    tags = json.dumps({"TagSet": [{"Key": key, "Value": "y"} for key in bucket.tags]})
    await cli("s3api", "put-bucket-tagging", "--bucket", bucket.name, "--tagging", tags)
    made = datetime.now(UTC) - AGE
    over = time.monotonic() + (timedelta(minutes=1) - AGE).total_seconds() + 1
    release = {"type": "AssumedRole", "arn": f"arn:aws:sts::{bucket.account}:assumed-role/release/run-7"}
    queue.send(change(bucket, "PutBucketLogging", made, userIdentity=release))
    queue.send(change(bucket, "PutBucketTagging", made))
    await daemon.until(lambda: len(_told(hook)) == 1, "the change to be told")
    ((kind, alert),) = _told(hook)
    assert (kind, alert["severity"], alert["subject"]["bucket"]) == ("alert.firing", "info", bucket.name)
    (told,) = json.loads(alert["details"]["changes"])
    assert (told["call"], told["changed"]) == ("PutBucketTagging", ["tagging"])
    assert told["by"].endswith("assumed-role/deployer/sam")
    assert told["by"] in alert["summary"]
    assert await daemon.stop() == 0

    # The sweep at each start takes the change from the finding; the second one comes when its time is over.
    await daemon.start()
    await daemon.until(lambda: bool(daemon.lines("sweep_judged")), "the sweep to end")
    assert await daemon.stop() == 0
    await daemon.until(lambda: time.monotonic() > over, "the change's time to pass", alive=False)
    await daemon.start()
    await daemon.until(lambda: len(_told(hook)) == 2, "the end to be told")
    assert [kind for kind, _ in _told(hook)] == ["alert.firing", "alert.resolved"]
    assert _told(hook)[1][1]["reason"] == "not_applicable"
    assert await daemon.stop() == 0
    assert daemon.complaints() == []
