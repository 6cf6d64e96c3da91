"""Leaks that the daemon closes by itself, and takes back when told to."""

import json
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


async def test_a_fix_is_taken_back_by_its_id(cloud: FakeCloud, daemon: Daemon) -> None:
    """The command asks the running daemon; the setting is as before, and stays so until a person decides."""
    (bucket,) = cloud.world.add("invented-ledger")
    bucket.users.append(("friend", "READ"))
    bucket.grants.append(PUBLIC_READ)
    cloud.queue("events")
    await daemon.start()
    await daemon.until(lambda: bool(daemon.lines("remediation_ended")), "the leak to be closed")
    assert bucket.grants == []
    (listed,) = json.loads(await daemon.cli("remediations", "list", "--format", "json"))
    assert (listed["result"], listed["rule_id"]) == ("fixed", "bucket-acl-public-read")
    told = await daemon.cli("undo", listed["id"][:6], "--yes")
    assert told.startswith(f"{listed['id']} is taken back by ")
    assert (bucket.grants, bucket.users) == ([PUBLIC_READ], [("friend", "READ")])
    await daemon.until(lambda: bool(daemon.lines("remediation_held")), "the automation to hold")
    assert daemon.lines("remediation_held")[0]["reason"] == "undone"
    assert "was taken back already" in await daemon.cli("undo", listed["id"], "--yes")
    assert bucket.grants == [PUBLIC_READ]
    shown = await daemon.cli("remediations", "show", listed["id"])
    assert "fixed, taken back" in shown
    assert await daemon.stop() == 0
