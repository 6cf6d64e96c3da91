"""Leaks that the daemon closes by itself, and takes back when told to."""

import time
from typing import Any

import pytest

from support.cloud import PUBLIC_READ, FakeCloud, change
from support.daemon import Daemon, Settings
from support.receivers import Receiver


@pytest.fixture
def settings(settings: Settings) -> dict[str, Any]:
    """Public ACL grants are removed without asking."""
    return {
        **settings,
        "fixes": [{"name": "acls", "rules": ["bucket-acl-*"], "mode": "auto"}],
        "remediation": {"role_name": "s3warden-remediation"},
    }


async def test_a_public_acl_is_closed_verified_and_told(cloud: FakeCloud, hook: Receiver, daemon: Daemon) -> None:
    """Within two seconds of the message the grant is gone, and both the leak and its end were told."""
    (bucket,) = cloud.world.add("invented-ledger")
    bucket.users.append(("friend", "READ"))
    queue = cloud.queue("events")
    await daemon.start()
    await daemon.until_ready()
    bucket.grants.append(PUBLIC_READ)
    began = time.monotonic()
    queue.send(change(bucket, "PutBucketAcl"))
    await daemon.until(lambda: len(hook.taken) == 3, "both messages")
    assert time.monotonic() - began < 2
    assert (bucket.grants, bucket.users) == ([], [("friend", "READ")])
    _, opened, closed = (request.json["data"] for request in hook.taken)
    assert (opened["type"], closed["type"], closed["group"]) == ("alert.firing", "alert.resolved", opened["group"])
    (end,) = closed["alerts"]
    (done,) = daemon.lines("remediation_ended")
    assert done["result"] == "fixed"
    assert end["trigger"]["event_id"] == f"remediation/{done['remediation_id']}"
    assert await daemon.metric("s3warden_remediations_total", result="fixed", mode="auto") == 1
    assert await daemon.metric("s3warden_remediation_duration_seconds_count") == 1
