"""A flood of messages that nobody should have sent, with a few real changes in it: the daemon lives and tells them."""

import random
import time
from dataclasses import dataclass
from typing import Any

import pytest

from support.books import books, start_with_baseline
from support.cloud import FakeCloud, Queue, wrapped
from support.daemon import Daemon, Settings
from support.driver import RULES, TOPICS, Driver
from support.receivers import Receiver
from support.rubbish import HARMLESS, STRANGER, poison

MEGABYTE = 1024 * 1024
# In hand at once are at most a hundred messages of up to a megabyte each; what is more than a few times that is a leak.
ROOM = 300 * MEGABYTE
# Of a hundred messages so many are of each kind; the rest are stale.
SHARES = {"poison": 30, "foreign": 20, "idle": 15, "huge": 1}


@dataclass
class Flood:
    """What was sent: the ids of the poison, and of all else."""

    poison: set[str]
    good: set[str]


@pytest.fixture
def settings(settings: Settings) -> dict[str, Any]:
    """Only the rules that the driver drives."""
    return {**settings, "rules": RULES}


def _kinds(draw: random.Random, size: int) -> list[str]:
    kinds = [kind for kind, share in SHARES.items() for _ in range(size * share // 100)]
    kinds += ["stale"] * (size - len(kinds))
    draw.shuffle(kinds)
    return kinds


def _send(size: int, draw: random.Random, driver: Driver, queue: Queue) -> Flood:
    """Put the flood into the queue, a real change after each fiftieth message, some of them told several times."""
    flood = Flood(set(), set())
    buckets = list(driver.cloud.world.buckets.values())
    for number, kind in enumerate(_kinds(draw, size)):
        if kind == "poison":
            flood.poison.add(queue.send(poison(draw)))
        else:
            flood.good.add(queue.send(HARMLESS[kind](draw, draw.choice(buckets))))
        if number % 50 == 0:
            driver.make_one()
            again = queue.messages[driver.sent[-1]].body
            for body in draw.choice([[], [again], [again, wrapped(again), again]]):
                flood.good.add(queue.send(body))
    flood.good.update(driver.sent)
    return flood


@pytest.mark.parametrize(
    "size", [pytest.param(1_000, id="short"), pytest.param(10_000, id="long", marks=pytest.mark.long)]
)
async def test_a_flood_of_bad_messages_ends_neither_process_nor_queue(
    size: int,
    cloud: FakeCloud,
    hook: Receiver,
    daemon: Daemon,
    settings: dict[str, Any],
) -> None:
    """One process to the end, poison dead-lettered and nothing else, real changes told, memory bounded."""
    cloud.world.add(*(f"ledger-{number:02d}" for number in range(60)))
    queue = cloud.queue("events", max_receives=2)
    driver = Driver(cloud, queue, seed=size)
    await start_with_baseline(daemon, hook)
    before, peak, began = daemon.resident(), 0, time.monotonic()
    flood = _send(size, random.Random(size), driver, queue)

    async def drained() -> bool:
        nonlocal peak
        peak = max(peak, daemon.resident())
        assert (await daemon.get("/livez"))[0] == 200
        if flood.good <= queue.deleted:
            queue.hasten()
        return queue.is_empty

    await daemon.until(drained, "the queue to drain", 60 + size / 20)
    print(f"{size} messages in {time.monotonic() - began:.1f} s, {before // MEGABYTE} to {peak // MEGABYTE} MB")
    assert queue.dead == flood.poison
    assert queue.deleted == flood.good
    assert peak - before < ROOM, f"{before // MEGABYTE} MB before, {peak // MEGABYTE} MB at the peak"
    assert await daemon.metric("s3warden_messages_poison_total") >= 2 * len(flood.poison)
    assert daemon.starts == 1
    assert await daemon.stop() == 0
    kept = await books(settings["store"]["url"], [topic.rule_id for topic in TOPICS], cloud.world.buckets.values())
    assert kept.wrong == driver.wrong() != set()
    told = [alert for request in hook.taken for alert in request.json["data"]["alerts"]]
    last = {(alert["rule_id"], alert["subject"]["bucket"]): alert["status"] for alert in told}
    assert {key for key, status in last.items() if status == "firing"} == driver.wrong()
    assert STRANGER not in str(told)
    assert daemon.complaints() == []
