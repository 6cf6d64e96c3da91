"""Steady work for a while: nothing piles up, neither memory nor files nor messages.

`SOAK_SECONDS` says how long the long form takes, 600 unless told otherwise.
"""

import asyncio
import os
import statistics
import time
from typing import Any

import pytest

from s3warden.model.finding import FindingChange
from support.books import books, start_with_baseline
from support.cloud import FakeCloud
from support.daemon import Daemon, Settings
from support.driver import RULES, TOPICS, Driver
from support.receivers import Receiver
from support.rubbish import HARMLESS, poison

MEGABYTE = 1024 * 1024
RATE = 20
ROOM = 40 * MEGABYTE
SECONDS = float(os.environ.get("SOAK_SECONDS", "600"))


@pytest.fixture
def settings(settings: Settings) -> dict[str, Any]:
    """Only the rules that the driver drives."""
    return {**settings, "rules": RULES}


async def _work(driver: Driver, seconds: float) -> None:
    """`RATE` messages a second, a tenth of them rubbish."""
    buckets = list(driver.cloud.world.buckets.values())
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if driver.random.random() < 0.9:
            driver.make_one()
        elif driver.random.random() < 0.2:
            driver.queue.send(poison(driver.random))
        else:
            kind = driver.random.choice(("foreign", "idle", "stale"))
            driver.queue.send(HARMLESS[kind](driver.random, driver.random.choice(buckets)))
        await asyncio.sleep(1 / RATE)


@pytest.mark.parametrize(
    "seconds", [pytest.param(12.0, id="short"), pytest.param(SECONDS, id="long", marks=pytest.mark.long)]
)
async def test_steady_work_piles_nothing_up(
    seconds: float, cloud: FakeCloud, hook: Receiver, daemon: Daemon, settings: dict[str, Any]
) -> None:
    """Memory and open files are at the end what they were after the warm-up, and all work is done."""
    cloud.world.add(*(f"ledger-{number:03d}" for number in range(200)))
    queue = cloud.queue("events", max_receives=2)
    driver = Driver(cloud, queue, seed=2)
    await start_with_baseline(daemon, hook)
    sizes, files = [], []
    for _ in range(4):
        await _work(driver, seconds / 4)
        sizes.append(daemon.resident())
        files.append(daemon.open_files())
        assert (await daemon.get("/livez"))[0] == 200

    async def drained() -> bool:
        if set(driver.sent) <= queue.deleted:
            queue.hasten()
        return queue.is_empty and await daemon.metric("s3warden_outbox_pending") == 0

    await daemon.until(drained, "the rest of the work", 90)
    megabytes = [size // MEGABYTE for size in sizes]
    print(f"{driver.changes} changes in {seconds:.0f} s, {len(hook.taken)} messages, {megabytes} MB, {files} files")
    assert sizes[-1] - sizes[0] < ROOM
    assert files[-1] <= files[0] + 10
    assert await daemon.stop() == 0
    kept = await books(settings["store"]["url"], [topic.rule_id for topic in TOPICS], cloud.world.buckets.values())
    assert kept.wrong == driver.wrong()
    lags = [lag for step in kept.history if (lag := _lag(step)) is not None]
    # CloudTrail's times have no fractions of a second: half a second is added on average.
    assert statistics.median(lags) < 3
    assert daemon.complaints() == []


def _lag(step: FindingChange) -> float | None:
    """Seconds from the call to the step that it brought about."""
    trigger = step.finding.trigger
    if trigger is None or trigger.event_time is None:
        return None
    return (step.at - trigger.event_time).total_seconds()
