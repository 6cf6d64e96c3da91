"""Every way in which settings or moment stop a fix: in the log, in the store, in a metric, on the command line."""

import signal
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from s3warden.model.remediation import Stage
from s3warden.store.journal import Filter
from s3warden.store.visit import Visit
from support.cloud import PUBLIC_READ, TAGS, FakeCloud
from support.daemon import Daemon, Settings

RULE = "bucket-public-effective"
ROLE = {"role_name": "s3warden-remediation"}


@pytest.fixture
def settings(settings: Settings) -> dict[str, Any]:
    """Nothing may be mended yet."""
    return {**settings, "rules": {"enable": [RULE]}}


def row(mode: str, buckets: str = "*", **more: Any) -> dict[str, Any]:
    """A row of fixes."""
    name = f"{mode}-{buckets}".replace("*", "all")
    return {"name": name, "rules": [RULE], "mode": mode, "buckets": [buckets], **more}


async def _held(daemon: Daemon, settings: Settings, bucket: str, reason: str) -> None:
    """Wait for the log to say it; then store and metric have to."""

    def told() -> bool:
        held = daemon.lines("remediation_held")
        return any(line["reason"] == reason and line["subject"].endswith(f":{bucket}") for line in held)

    await daemon.until(told, f"{bucket} to be held by {reason}")
    async with await Visit.open(settings["store"]["url"]) as visit:
        found = await visit.journal.latest(50, Filter(stage=Stage.HELD))
    (entry,) = (each for each in found if each.subject.key.endswith(f":{bucket}"))
    assert (entry.reason, bool(entry.detail), entry.rule_id) == (reason, True, RULE)
    assert await daemon.metric("s3warden_remediations_held_total", reason=reason) >= 1


async def test_the_mode_of_the_first_row_that_fits_decides(
    cloud: FakeCloud, daemon: Daemon, settings: dict[str, Any]
) -> None:
    """Plan, approve, off, an opt-out tag, tags that cannot be read: nothing is written, and each says why."""
    cloud.world.add("plan-a", "approve-a", "off-a", "locked-a", grants=[PUBLIC_READ])
    cloud.world.add("mine", grants=[PUBLIC_READ], tags=TAGS | {"s3warden": "hands-off"})
    cloud.queue("events")
    cloud.deny("GetBucketTagging", bucket="locked-*")
    opt_out = {"opt_out_tag": "s3warden=hands-off", "opt_out_accounts": ["700000000001"]}
    rows = [row("plan", "plan-*"), row("approve", "approve-*"), row("off", "off-*"), row("auto", "*")]
    daemon.write({**settings, "fixes": rows, "remediation": ROLE | opt_out})
    await daemon.start()
    for bucket, reason in (
        ("plan-a", "plan_only"),
        ("approve-a", "approval_needed"),
        ("off-a", "mode_off"),
        ("locked-a", "tags_unreadable"),
        ("mine", "opted_out"),
    ):
        await _held(daemon, settings, bucket, reason)
    listed = await daemon.cli("remediations", "list", "--stage", "held")
    for reason in ("plan_only", "approval_needed", "mode_off", "tags_unreadable", "opted_out"):
        assert f"held ({reason})" in listed
    assert cloud.written == []
    assert await daemon.stop() == 0


async def test_moments_in_which_nothing_is_changed(
    cloud: FakeCloud, daemon: Daemon, settings: dict[str, Any], tmp_path: Any
) -> None:
    """A freeze, no open window, no budget, a storm, the kill switch; then all is lifted, and the leak is closed."""
    (bucket,) = cloud.world.add("invented-ledger", grants=[PUBLIC_READ])
    cloud.queue("events")
    now = datetime.now(UTC)
    freeze = {"start": (now - timedelta(days=1)).isoformat(), "end": (now + timedelta(days=1)).isoformat()}
    day = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[(now.weekday() + 3) % 7]
    window = {"days": [day], "start": "12:00", "end": "12:01"}
    stop = tmp_path / "stop"
    stop.touch()
    allowed = {**settings, "fixes": [row("auto")], "remediation": ROLE}
    always = ROLE | {"live_always": False}
    steps: tuple[tuple[str, dict[str, Any]], ...] = (
        ("killed", {"remediation": ROLE | {"kill_file": str(stop)}}),
        ("freeze", {"change_freezes": [freeze | {"reason": "end of year"}], "remediation": always}),
        ("window", {"change_windows": [window], "remediation": always}),
        ("budget_account", {"remediation": ROLE | {"account_per_hour": 0}}),
        ("budget", {"remediation": ROLE | {"per_hour": 0}}),
        ("breaker", {"remediation": ROLE | {"breaker_share": 0, "breaker_least": 0}}),
    )
    for number, (reason, changes) in enumerate(steps):
        daemon.write(allowed | changes)
        if number:
            daemon.signal(signal.SIGHUP)
        else:
            await daemon.start()
        await _held(daemon, settings, "invented-ledger", reason)
    assert cloud.written == []
    daemon.write(allowed)
    daemon.signal(signal.SIGHUP)
    await daemon.until(lambda: bucket.grants == [], "the leak to be closed")
    await daemon.until_metric("s3warden_remediations_total", 1, result="fixed")
    assert await daemon.stop() == 0
