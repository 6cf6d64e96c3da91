"""Stopping in the middle of work, gently and at once: nothing is lost, and it takes no longer than it may."""

import signal
import time
from typing import Any

import pytest

from support.books import books, news, start_with_baseline, told
from support.cloud import FakeCloud, Queue
from support.daemon import Daemon, Settings
from support.driver import RULES, TOPICS, Driver
from support.receivers import Receiver, Reply

DEADLINE = 25.0


@pytest.fixture
def settings(settings: Settings) -> dict[str, Any]:
    """Only the rules that the driver drives."""
    return {**settings, "rules": RULES}


async def _busy(cloud: FakeCloud, hook: Receiver, daemon: Daemon) -> tuple[Queue, Driver]:
    """A daemon in the middle of a hundred changes, half of which it has read."""
    cloud.world.add(*(f"ledger-{number:02d}" for number in range(60)))
    queue = cloud.queue("events")
    driver = Driver(cloud, queue, seed=5)
    await start_with_baseline(daemon, hook)
    cloud.delay("Get*", seconds=0.3)
    for _ in range(100):
        driver.make_one()
    await daemon.until(lambda: len(queue.deleted) > 5, "the work to begin")
    assert not queue.is_empty
    return queue, driver


async def _worked_off(daemon: Daemon, queue: Queue) -> None:
    """The next start finishes what was left, as soon as the messages may be had again."""
    queue.hasten()
    await daemon.start(S3WARDEN_SWEEP__ON_START="false")

    async def done() -> bool:
        return queue.is_empty and await daemon.metric("s3warden_outbox_pending") == 0

    await daemon.until(done, "the rest of the work")
    assert await daemon.stop() == 0


async def _nothing_lost(cloud: FakeCloud, hook: Receiver, settings: Settings, driver: Driver, queue: Queue) -> None:
    kept = await books(settings["store"]["url"], [topic.rule_id for topic in TOPICS], cloud.world.buckets.values())
    assert kept.wrong == driver.wrong()
    assert set(driver.sent) == queue.deleted
    heard = told(hook.taken)
    since = min(step.at for step in kept.history)
    assert [s for s in news(kept.history, since) if (s.finding.fingerprint, s.finding.sequence) not in heard] == []
    assert all(len(ids) == 1 for ids in heard.values())


async def test_a_stop_in_the_middle_of_work_loses_nothing(
    cloud: FakeCloud, hook: Receiver, daemon: Daemon, settings: dict[str, Any]
) -> None:
    """SIGTERM: not ready at once, exit code 0 in time; the next start finishes, and nothing is told twice."""
    queue, driver = await _busy(cloud, hook, daemon)
    began = time.monotonic()
    daemon.signal(signal.SIGTERM)
    await daemon.until(lambda: bool(daemon.lines("stopping")), "the signal to be heard", alive=False)
    assert await daemon.ended() == 0
    assert time.monotonic() - began < DEADLINE
    assert [message for message in queue.messages.values() if message.receives > 1] == []
    await _worked_off(daemon, queue)
    await _nothing_lost(cloud, hook, settings, driver, queue)
    assert daemon.complaints() == []


async def test_a_draining_daemon_says_that_it_is_not_ready(
    cloud: FakeCloud, hook: Receiver, daemon: Daemon, settings: dict[str, Any]
) -> None:
    """While it winds up it lives and is not ready, so that nobody waits for it or restarts it."""
    await _busy(cloud, hook, daemon)
    cloud.rules.clear()
    cloud.delay("Get*", seconds=3.0)
    daemon.signal(signal.SIGTERM)

    async def draining() -> bool:
        return "draining" in await daemon.ready()

    await daemon.until(draining, "the report to say so", 5)
    assert (await daemon.get("/readyz"))[0] == 503
    assert (await daemon.get("/livez"))[0] == 200
    assert await daemon.ended() == 0


async def test_a_second_signal_stops_at_once(
    cloud: FakeCloud, hook: Receiver, daemon: Daemon, settings: dict[str, Any]
) -> None:
    """The exit code tells of the signal, and the next start finishes the work all the same."""
    queue, driver = await _busy(cloud, hook, daemon)
    cloud.rules.clear()
    cloud.delay("Get*", seconds=10.0)
    daemon.signal(signal.SIGTERM)
    await daemon.until(lambda: bool(daemon.lines("stopping")), "the signal to be heard")
    began = time.monotonic()
    daemon.signal(signal.SIGTERM)
    assert await daemon.ended(5) == 128 + signal.SIGTERM
    assert time.monotonic() - began < 3
    cloud.rules.clear()
    await _worked_off(daemon, queue)
    await _nothing_lost(cloud, hook, settings, driver, queue)


async def test_alerts_that_cannot_be_delivered_do_not_hold_up_a_stop(
    cloud: FakeCloud, hook: Receiver, daemon: Daemon, settings: dict[str, Any]
) -> None:
    """With a webhook that hangs the daemon ends in time; the alerts wait in the store and go at the next start."""
    daemon.write({**settings, "shutdown": {"deadline": "6s"}})
    hook.otherwise = Reply(hang=60)
    (bucket,) = cloud.world.add("invented-ledger")
    queue = cloud.queue("events")
    await daemon.start()
    await daemon.until_metric("s3warden_outbox_pending", 1)
    bucket.publish_by_policy()
    driver = Driver(cloud, queue, seed=1)
    driver.make_one()
    await daemon.until(lambda: queue.is_empty, "the event to be worked off")
    began = time.monotonic()
    assert await daemon.stop() == 0
    assert time.monotonic() - began < 10
    hook.otherwise = Reply()
    await daemon.start(S3WARDEN_SWEEP__ON_START="false")

    async def delivered() -> bool:
        return len(hook.taken) >= 1 and await daemon.metric("s3warden_outbox_pending") == 0

    await daemon.until(delivered, "the alerts to go")
    assert await daemon.stop() == 0
