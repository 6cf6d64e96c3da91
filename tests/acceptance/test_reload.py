"""New settings while the daemon runs: taken whole where they are good, refused whole where they are not."""

import asyncio
import signal
from collections.abc import AsyncIterator
from typing import Any

import pytest

from support.books import start_with_baseline
from support.cloud import PUBLIC_READ, FakeCloud, change
from support.daemon import Daemon, Settings
from support.receivers import Receiver, serving


@pytest.fixture
async def other_hook() -> AsyncIterator[Receiver]:
    """A second webhook receiver."""
    async with serving(Receiver()) as receiver:
        yield receiver


async def _alerted(cloud: FakeCloud, daemon: Daemon, receiver: Receiver, bucket: str) -> None:
    """Open a bucket and see that `receiver` hears of it one by one, not in a digest."""

    def heard() -> bool:
        alerts = [alert for request in receiver.taken for alert in request.json["data"]["alerts"]]
        return any(alert["subject"]["bucket"] == bucket for alert in alerts)

    one = cloud.world.buckets[bucket]
    one.grants.append(PUBLIC_READ)
    cloud.queues["events"].send(change(one, "PutBucketAcl"))
    await daemon.until(heard, f"news of {bucket}")


def _elsewhere(settings: Settings, receiver: Receiver) -> dict[str, Any]:
    (destination,) = settings["destinations"]
    return {**settings, "destinations": [{**destination, "name": "other", "url": receiver.url}]}


async def test_a_broken_file_changes_nothing(cloud: FakeCloud, hook: Receiver, daemon: Daemon) -> None:
    """The metric shows the refusal, the log says what is wrong, and the guard goes on with the last good settings."""
    cloud.world.add("invented-one", "invented-two")
    cloud.queue("events")
    await start_with_baseline(daemon, hook)
    assert await daemon.metric("s3warden_config_last_reload_successful") == 1
    good = daemon.config.read_text()
    daemon.config.write_text(good + 'nonsense = "x"\n')
    daemon.signal(signal.SIGHUP)

    async def refused() -> bool:
        return await daemon.metric("s3warden_config_last_reload_successful") == 0

    await daemon.until(refused, "the refusal")
    (line,) = daemon.lines("settings_refused")
    assert "nonsense" in str(line["complaints"])
    await _alerted(cloud, daemon, hook, "invented-one")
    assert await daemon.is_ready()
    daemon.config.write_text(good)
    daemon.signal(signal.SIGHUP)
    await daemon.until_metric("s3warden_config_last_reload_successful", 1)
    await daemon.until_ready()
    await _alerted(cloud, daemon, hook, "invented-two")
    assert daemon.starts == 1
    assert await daemon.stop() == 0


async def test_good_settings_are_taken_without_a_restart(
    cloud: FakeCloud, hook: Receiver, other_hook: Receiver, daemon: Daemon, settings: Settings
) -> None:
    """A new destination hears what happens from then on, the old one nothing; nobody gets the digest again."""
    cloud.world.add("invented-one", "invented-two")
    queue = cloud.queue("events")
    await start_with_baseline(daemon, hook)
    await _alerted(cloud, daemon, hook, "invented-one")
    before = len(hook.taken)
    daemon.write(_elsewhere(settings, other_hook))
    daemon.signal(signal.SIGHUP)
    await daemon.until(lambda: len(daemon.lines("settings_taken")) == 2, "the new settings")

    async def renewed() -> bool:
        return "destination:other" in await daemon.ready()

    await daemon.until(renewed, "the new destination")
    await daemon.until_ready()
    await _alerted(cloud, daemon, other_hook, "invented-two")
    assert len(hook.taken) == before
    assert [request.json["type"] for request in other_hook.taken] == ["alert.firing"]
    await daemon.until(lambda: queue.is_empty, "the queue to empty")
    assert await daemon.stop() == 0
    assert daemon.complaints() == []


async def test_a_reload_in_the_middle_of_work_loses_nothing(
    cloud: FakeCloud, hook: Receiver, daemon: Daemon, settings: Settings
) -> None:
    """Ten reloads while thirty buckets are opened: each is told once."""
    buckets = cloud.world.add(*(f"invented-{number:02d}" for number in range(30)))
    # Each life may give back what it has just received, so that ten of them in a row use up many receives.
    queue = cloud.queue("events", max_receives=50)
    await start_with_baseline(daemon, hook)
    for number in range(10):
        for bucket in buckets[3 * number : 3 * number + 3]:
            bucket.grants.append(PUBLIC_READ)
            queue.send(change(bucket, "PutBucketAcl"))
        daemon.signal(signal.SIGHUP)
        await asyncio.sleep(0.3)
    await daemon.until(lambda: queue.is_empty, "the queue to empty", 90)
    assert queue.dead == set()

    async def told() -> bool:
        return await daemon.metric("s3warden_outbox_pending") == 0

    await daemon.until(told, "the outbox to empty")
    assert await daemon.stop() == 0
    alerts = [alert for request in hook.taken for alert in request.json["data"]["alerts"]]
    assert sorted(alert["subject"]["bucket"] for alert in alerts) == [bucket.name for bucket in buckets]
    assert daemon.complaints() == []
