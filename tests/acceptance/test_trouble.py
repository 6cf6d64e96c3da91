"""Trouble at the start that the daemon outlives, and trouble that it cannot: both are said in clear words."""

import signal
import time
from pathlib import Path

from support.books import start_with_baseline
from support.cloud import HOME, PUBLIC_READ, FakeCloud, change, keys
from support.daemon import Daemon, Settings
from support.receivers import Receiver

QUEUE = f"queue:eu-west-1:{HOME}:events"


async def test_a_missing_queue_is_waited_for(cloud: FakeCloud, hook: Receiver, daemon: Daemon) -> None:
    """Without its queue the daemon lives, sweeps, says what is missing; it recovers when the queue appears."""
    (bucket,) = cloud.world.add("invented-ledger")
    await daemon.start()

    async def missing() -> bool:
        ok, detail = (await daemon.ready()).get(QUEUE, (True, ""))
        return not ok and "queue does not exist" in detail

    await daemon.until(missing, "the report to name the queue")
    assert (await daemon.get("/readyz"))[0] == 503
    assert (await daemon.get("/livez"))[0] == 200
    await daemon.until(lambda: len(hook.taken) == 1, "the digest of the sweep")
    assert await daemon.metric("s3warden_queue_errors_total") > 0
    queue = cloud.queue("events")
    await daemon.until_ready()
    bucket.grants.append(PUBLIC_READ)
    queue.send(change(bucket, "PutBucketAcl"))
    await daemon.until(lambda: len(hook.taken) == 2, "the alert")
    assert await daemon.metric("s3warden_queue_up") == 1
    assert await daemon.stop() == 0
    assert daemon.complaints() == []


async def test_a_queue_that_fails_now_and_then_loses_nothing(cloud: FakeCloud, hook: Receiver, daemon: Daemon) -> None:
    """Dropped polls, refused deletes and throttled reads delay the work, and that is all."""
    buckets = cloud.world.add(*(f"invented-{number:02d}" for number in range(10)))
    queue = cloud.queue("events")
    await start_with_baseline(daemon, hook)
    cloud.drop("ReceiveMessage", times=3)
    cloud.drop("DeleteMessageBatch", times=2)
    cloud.throttle("GetBucketAcl", times=5)
    for bucket in buckets:
        bucket.grants.append(PUBLIC_READ)
        queue.send(change(bucket, "PutBucketAcl"))
    await daemon.until(lambda: queue.is_empty, "the queue to empty", 90)
    await daemon.until(lambda: len(hook.taken) == 11, "all alerts")
    assert queue.dead == set()
    assert await daemon.metric("s3warden_aws_api_throttles_total") >= 5
    assert await daemon.stop() == 0


async def test_aws_that_does_not_know_us_is_waited_for(cloud: FakeCloud, hook: Receiver, daemon: Daemon) -> None:
    """While STS refuses, the daemon lives and says so; then it does its work."""
    cloud.world.add("invented-ledger")
    cloud.queue("events")
    cloud.deny("GetCallerIdentity")
    await daemon.start()

    async def shown() -> bool:
        ok, detail = (await daemon.ready()).get("accounts", (True, ""))
        return not ok and "AccessDenied" in detail

    await daemon.until(shown, "the report to say so")
    assert (await daemon.get("/livez"))[0] == 200
    cloud.rules.clear()
    await daemon.until_ready()
    await daemon.until(lambda: len(hook.taken) == 1, "the digest")
    assert await daemon.stop() == 0


async def test_a_second_daemon_on_the_same_store_gives_up(
    cloud: FakeCloud, daemon: Daemon, settings: Settings, tmp_path: Path
) -> None:
    """It ends with 1 and says who is in its way; the first one goes on. After the first, the second may."""
    cloud.queue("events")
    await daemon.start()
    await daemon.until_ready()
    folder = tmp_path / "second"
    folder.mkdir()
    async with Daemon(folder, settings, keys()) as second:
        second.spawn()
        assert await second.ended(60) == 1
        (line,) = second.lines("daemon_ends")
        assert "another s3warden works on the store" in line["error"]
        assert not any("raw" in each for each in second.lines())
        assert await daemon.is_ready()
        await daemon.kill()
        await second.start()
        await second.until_ready()
        assert await second.stop() == 0


async def test_a_store_that_cannot_be_opened_ends_the_start(daemon: Daemon, settings: Settings) -> None:
    """Exit code 1, the path and what to do about it in the log, no traceback."""
    daemon.write({**settings, "store": {"url": "sqlite:////nonexistent/s3warden.db"}})
    daemon.spawn()
    assert await daemon.ended() == 1
    (line,) = daemon.lines("daemon_ends")
    assert "/nonexistent" in line["error"]
    assert not any("raw" in each for each in daemon.lines())


async def test_a_taken_port_ends_the_start(daemon: Daemon, hook: Receiver, settings: Settings) -> None:
    """A daemon that nobody can probe does not run."""
    port = int(hook.url.split(":")[2].partition("/")[0])
    daemon.write({**settings, "http": {"host": "127.0.0.1", "port": port}})
    daemon.spawn()
    assert await daemon.ended() == 1
    (line,) = daemon.lines("daemon_ends")
    assert "address" in line["error"]


async def test_settings_that_are_wrong_end_the_start_with_all_complaints(daemon: Daemon, settings: Settings) -> None:
    """Exit code 2 and each mistake in one go."""
    daemon.write({**settings, "events": {"poll": "7"}, "sweeep": {}})
    daemon.spawn()
    assert await daemon.ended() == 2
    text = daemon.tail()
    assert "sweeep" in text
    assert "poll" in text
    assert "Traceback" not in text


async def test_a_stop_before_anything_was_reached_is_quick(cloud: FakeCloud, daemon: Daemon) -> None:
    """SIGTERM while AWS does not answer at all: exit code 0 within seconds."""
    cloud.delay("*", seconds=60)
    await daemon.start()
    await daemon.until_metric("s3warden_ready", 0)
    began = time.monotonic()
    daemon.signal(signal.SIGTERM)
    assert await daemon.ended(30) == 0
    assert time.monotonic() - began < 25
