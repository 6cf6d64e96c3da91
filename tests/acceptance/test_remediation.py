"""Leaks that the daemon closes by itself, and takes back when told to."""

import json
import signal
import time
from typing import Any

import pytest

from s3warden.correct.orders import CALENDAR
from s3warden.model.action import Result
from s3warden.model.remediation import Remediation, Stage, StepState
from s3warden.store.visit import Visit
from support.cloud import PUBLIC_READ, FakeCloud, change
from support.daemon import Daemon, Settings
from support.receivers import Receiver
from support.stores import run_sql


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


async def test_an_answer_that_is_lost_is_no_failure(cloud: FakeCloud, daemon: Daemon) -> None:
    """The write happened; the daemon looks before it writes again, and tells it as it is."""
    (bucket,) = cloud.world.add("invented-ledger", grants=[PUBLIC_READ])
    cloud.queue("events")
    cloud.lose("PutBucketAcl", times=1)
    await daemon.start()
    await daemon.until_metric("s3warden_remediations_total", 1, result="fixed")
    assert [each.operation for each in cloud.written] == ["PutBucketAcl"]
    assert bucket.grants == []


@pytest.mark.parametrize("strike", ["before", "after"])
async def test_a_daemon_that_is_killed_at_the_call_finishes_at_the_next_start(
    strike: str, cloud: FakeCloud, daemon: Daemon, settings: Settings
) -> None:
    """SIGKILL before the call is answered, or right after it took effect: one write in all, one end, told once."""
    (bucket,) = cloud.world.add("invented-ledger", grants=[PUBLIC_READ])
    cloud.queue("events")
    if strike == "before":
        cloud.drop("PutBucketAcl", times=1)
    else:
        cloud.lose("PutBucketAcl", times=1)
    cloud.struck = lambda operation: daemon.signal(signal.SIGKILL) if operation == "PutBucketAcl" else None
    await daemon.start()
    assert await daemon.ended() == -signal.SIGKILL
    cloud.struck = lambda _operation: None
    (waiting,) = await _journal(settings)
    assert (waiting.stage, waiting.progress[0].state) == (Stage.APPLYING, StepState.INTENDED)
    await daemon.start()
    await daemon.until(lambda: bool(daemon.lines("remediation_ended")), "the fix to be finished")
    (entry,) = await _journal(settings)
    assert (entry.id, entry.result) == (waiting.id, Result.FIXED)
    assert [each.operation for each in cloud.written] == ["PutBucketAcl"]
    assert bucket.grants == []
    assert len(daemon.lines("remediation_ended", all_starts=True)) == 1
    assert await daemon.stop() == 0


async def _journal(settings: Settings) -> list[Remediation]:
    async with await Visit.open(settings["store"]["url"]) as visit:
        return await visit.journal.latest(10)


async def test_own_events_change_nothing_but_a_counter(cloud: FakeCloud, daemon: Daemon) -> None:
    """CloudTrail's event of the fix comes by the queue later: recognised by role, session and user agent."""
    (bucket,) = cloud.world.add("invented-ledger", grants=[PUBLIC_READ])
    queue = cloud.queue("events")
    await daemon.start()
    await daemon.until_metric("s3warden_remediations_total", 1, result="fixed")
    (written,) = cloud.written
    account = bucket.account
    who = {
        "type": "AssumedRole",
        "arn": f"arn:aws:sts::{account}:assumed-role/s3warden-remediation/s3warden-remediation",
        "accountId": account,
    }
    queue.send(change(bucket, "PutBucketAcl", userIdentity=who, userAgent=f"[{written.user_agent}]"))
    await daemon.until_metric("s3warden_remediation_own_events_total", 1)
    await daemon.until(lambda: queue.is_empty, "the message to be done with")
    assert len(daemon.lines("remediation_begun")) == 1
    assert len(cloud.written) == 1


async def test_a_fix_for_a_time_ends_by_itself_across_a_restart(
    cloud: FakeCloud, daemon: Daemon, settings: dict[str, Any]
) -> None:
    """The end is in the store; the daemon that comes next takes the fix back."""
    (bucket,) = cloud.world.add("invented-ledger", grants=[PUBLIC_READ])
    cloud.queue("events")
    settings["fixes"][0]["keep_for"] = "1m"
    daemon.write(settings)
    await daemon.start()
    await daemon.until_metric("s3warden_remediations_total", 1, result="fixed")
    assert await daemon.stop() == 0
    # As if the minute were over.
    over = """UPDATE remediations SET body = replace(body, '"until":"2', '"until":"1')"""
    await run_sql(settings["store"]["url"], over)
    await daemon.start()
    await daemon.until(lambda: bucket.grants == [PUBLIC_READ], "the fix to be taken back")
    await daemon.until(lambda: bool(daemon.lines("remediation_held")), "the automation to hold")
    by_stage = {entry.undo_of is None: entry for entry in await _journal(settings) if entry.stage is Stage.ENDED}
    fix, undo = by_stage[True], by_stage[False]
    assert (undo.undo_of, fix.undone_by, undo.requester) == (fix.id, undo.id, CALENDAR)
