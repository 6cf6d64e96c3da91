"""SIGKILL at random points of a run of changes: nothing is lost, everything is told, repeats can be told as such.

A point is a moment after the start, or the n-th call of a kind that the daemon makes to AWS or to the webhook, before
it is answered or a moment later. After a kill the messages in flight come back, as after their visibility timeout.
"""

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from support.books import books, digests, news, told
from support.cloud import FakeCloud, Queue
from support.daemon import Daemon, Settings
from support.driver import RULES, TOPICS, Driver
from support.postgres import new_database, start_postgres
from support.receivers import Receiver, serving

BUCKETS = 40
ROUND_SECONDS = 20.0
IDLE_SECONDS = 1.0
POLL = 0.02
# What the daemon does when it is killed, the calls that show it, and how many of them it makes first at most.
READS = ("GetBucketAcl", "GetBucketPolicyStatus", "GetBucketTagging", "GetBucketVersioning", "GetPublicAccessBlock")
KINDS: tuple[tuple[str, tuple[str, ...], int], ...] = (
    ("time", (), 1),
    ("receive", ("ReceiveMessage",), 3),
    ("read", READS, 20),
    ("delete", ("DeleteMessageBatch",), 3),
    ("webhook", ("webhook",), 4),
)


@dataclass(frozen=True)
class Plan:
    """How long a run is."""

    kills: int
    changes: int


SHORT = Plan(kills=6, changes=60)
LONG = Plan(kills=60, changes=600)
PLANS = [pytest.param(SHORT, id="short"), pytest.param(LONG, id="long", marks=pytest.mark.long)]


class Assassin:
    """Kills the daemon at the point that was drawn for the round."""

    def __init__(self, daemon: Daemon, draw: random.Random) -> None:
        self._daemon = daemon
        self._draw = draw
        self._kinds: list[tuple[str, tuple[str, ...], int]] = []
        self._armed = self._lose = False
        self._calls: tuple[str, ...] = ()
        self._left = 0
        self._delay = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.points: list[str] = []
        self.reached = 0

    def arm(self) -> None:
        """Draw the point of this round."""
        if not self._kinds:
            self._kinds = self._draw.sample(KINDS, len(KINDS))
        kind, calls, most = self._kinds.pop()
        self._calls, self._left = calls, self._draw.randint(1, most)
        self._delay = self._draw.choice([0.0, 0.0, self._draw.uniform(0.0, 0.02)])
        self._armed = True
        self.points.append(f"{kind} {self._left} +{self._delay * 1000:.0f}ms")
        if kind == "time":
            self._later(self._draw.uniform(0.2, 4.0))

    def strike(self, call: str) -> bool:
        """The daemon makes this call; whether that killed it and the call is lost with it."""
        if not self._armed or call not in self._calls:
            return False
        self._left -= 1
        if self._left:
            return False
        if self._delay:
            self._later(self._delay)
            return False
        self._kill()
        self._lose = not self._lose
        return self._lose

    def disarm(self) -> None:
        """The round is over; a point that was not reached in it is left alone."""
        self._armed = False
        if self._timer is not None:
            self._timer.cancel()

    def _later(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._kill)

    def _kill(self) -> None:
        if self._armed and self._daemon.running:
            self._daemon.signal(signal.SIGKILL)
            self.reached += 1
            self.points[-1] += " reached"
        self._armed = False


class Watched(Receiver):
    """A webhook receiver that tells of each request before it answers, and may be told that it never got it."""

    def __init__(self) -> None:
        super().__init__()
        self.struck: Callable[[str], bool] = lambda _call: False

    async def answer(self, request: web.Request) -> web.Response:
        """Tell, then do as any receiver."""
        if self.struck("webhook"):
            return web.Response(status=503)
        return await super().answer(request)


@pytest.fixture
async def hook() -> AsyncIterator[Watched]:
    """The webhook."""
    async with serving(Watched()) as receiver:
        assert isinstance(receiver, Watched)
        yield receiver


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """A PostgreSQL server."""
    with start_postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
async def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/s3warden.db"
    return await new_database(request.getfixturevalue("postgres"))


@pytest.fixture
def settings(settings: Settings, store_url: str) -> dict[str, Any]:
    """Only the rules that the driver drives, and the store of this run."""
    return {**settings, "rules": RULES, "store": {"url": store_url}}


async def _until_baseline(daemon: Daemon, hook: Watched, kills: int) -> datetime:
    """Kill the daemon in its first sweep a few times, then let it end; when the digest was made."""
    for number in range(kills):
        await daemon.start()
        await asyncio.sleep(0.05 + 0.15 * number)
        await daemon.kill()
    await daemon.start()
    await daemon.until(lambda: bool(digests(hook.taken)), "the digest")
    await daemon.until_metric("s3warden_ready", 1)
    await daemon.until(lambda: _nothing_waits(daemon), "the outbox to empty")
    await daemon.kill()
    return max(datetime.fromisoformat(digest["digest"]["at"]) for digest in digests(hook.taken))


async def _nothing_waits(daemon: Daemon) -> bool:
    return await daemon.metric("s3warden_outbox_pending") == 0


async def _round(daemon: Daemon, assassin: Assassin, driver: Driver, changes: int) -> None:
    """Start, change things while it starts and runs, and kill."""
    daemon.spawn(S3WARDEN_SWEEP__ON_START="false")
    assassin.arm()
    for _ in range(changes):
        await asyncio.sleep(driver.random.uniform(0.0, 0.4))
        driver.make_one()
    idle = 0.0
    for _ in range(int(ROUND_SECONDS / POLL)):
        idle = idle + POLL if driver.queue.is_empty else 0.0
        # A point that is not reached when all is done will not be reached any more.
        if not daemon.running or idle > IDLE_SECONDS:
            break
        await asyncio.sleep(POLL)
    if daemon.running:
        await daemon.kill()
    assassin.disarm()
    assert await daemon.ended() == -signal.SIGKILL, daemon.tail()
    driver.queue.hasten()


async def _until_quiet(daemon: Daemon, queue: Queue) -> None:
    """Until no message is left and nothing waits. What comes back later comes back at once."""

    async def quiet() -> bool:
        if not queue.is_empty:
            queue.hasten()
            await asyncio.sleep(1)
            return False
        return (
            await daemon.metric("s3warden_refresh_pending") == 0
            and await daemon.metric("s3warden_refresh_in_progress") == 0
            and await _nothing_waits(daemon)
        )

    await daemon.until(quiet, "everything to be worked off", 120)


@pytest.mark.parametrize("plan", PLANS)
async def test_every_change_is_told_whatever_the_moment_of_the_kill(
    plan: Plan, cloud: FakeCloud, hook: Watched, daemon: Daemon, store_url: str
) -> None:
    """All steps in the store were told, the store agrees with AWS, and no message was lost or called poison."""
    cloud.world.add(*(f"ledger-{number:02d}" for number in range(BUCKETS)))
    queue = cloud.queue("events", max_receives=1000)
    driver = Driver(cloud, queue, seed=plan.kills)
    for _ in range(10):
        driver.make_one()
    queue.messages.clear()
    driver.sent.clear()
    assassin = Assassin(daemon, random.Random(plan.changes))
    settled_at = await _until_baseline(daemon, hook, kills=2)
    cloud.struck = hook.struck = assassin.strike
    # Reads that take a while leave room for a kill between a message and its commit.
    cloud.delay("Get*", seconds=0.1)
    for _ in range(plan.kills):
        await _round(daemon, assassin, driver, plan.changes // plan.kills)
    print(*assassin.points, sep="\n")
    assert assassin.reached >= plan.kills * 0.6, assassin.points
    await daemon.start(S3WARDEN_SWEEP__ON_START="false")
    await _until_quiet(daemon, queue)
    assert await daemon.stop() == 0
    assert set(driver.sent) == queue.deleted
    assert queue.dead_letters is not None
    assert queue.dead_letters.is_empty
    kept = await books(store_url, [topic.rule_id for topic in TOPICS], cloud.world.buckets.values())
    assert kept.wrong == driver.wrong()
    assert kept.pending == {}
    heard = told(hook.taken)
    steps = news(kept.history, settled_at)
    print(f"{plan.kills} kills, {driver.changes} changes, {len(steps)} steps, {len(hook.taken)} messages")
    assert len(steps) > plan.changes / 4
    untold = [step for step in steps if (step.finding.fingerprint, step.finding.sequence) not in heard]
    assert untold == []
    known = {(step.finding.fingerprint, step.finding.sequence) for step in kept.history}
    assert set(heard) <= known, "told of what is in no history"
    assert {key: ids for key, ids in heard.items() if len(ids) > 1} == {}, "a repeat under another id"
    assert len({request.headers["webhook-id"] for request in hook.taken if digests([request])}) == 1
    assert daemon.complaints() == []
