"""What people ask of the running daemon, and fixes whose time is over."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from s3warden.correct.kill import KillSwitch
from s3warden.correct.mend import Aftermath
from s3warden.correct.orders import Orders
from s3warden.correct.permits import Permit
from s3warden.model.action import Mode
from s3warden.model.remediation import Asked, AuditEntry, Remediation, Request
from s3warden.store.errors import StoreUnavailableError
from s3warden.store.journal import AmbiguousIdError
from support.mending import ALLOWED, FRIEND, RULE, Bench, now, run

TWO_HOURS = replace(ALLOWED, permits=(Permit("two hours", frozenset({RULE}), Mode.AUTO, keep_for=7200),))


class Desk:
    """Where orders come in, in memory."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.waiting: list[Request] = []
        self.answers: list[Request] = []
        self.away = 0
        self.kill = KillSwitch(environment={})
        self.again: list[str] = []
        self.remembered: list[str] = []

    async def remember(self, by: str) -> None:
        """Note who stopped all fixes."""
        self.remembered.append(by)

    async def requests(self) -> list[Request]:
        """What waits."""
        if self.away:
            self.away -= 1
            raise StoreUnavailableError("away")
        return list(self.waiting)

    async def answer(self, request: Request) -> None:
        """Note the answer."""
        self.answers.append(request)
        self.waiting = [each for each in self.waiting if each.id != request.id]

    async def find(self, prefix: str) -> Remediation | None:
        """The entry whose id begins so."""
        found = [e for id_, e in self.bench.shelf.entries.items() if id_.startswith(prefix)]
        if len(found) > 1:
            raise AmbiguousIdError("several")
        return found[0] if found else None

    async def timed(self) -> list[Remediation]:
        """What ends by itself."""
        return [entry for entry in self.bench.shelf.entries.values() if entry.until is not None]

    async def unfinished(self) -> list[Remediation]:
        """What has not ended."""
        return await self.bench.shelf.unfinished()

    async def record(self, *, audit: Sequence[AuditEntry] = ()) -> None:
        """Add to the audit log."""
        await self.bench.shelf.record(audit=audit)

    def ask(self, asked: Asked, of: str) -> None:
        """Leave a request."""
        self.waiting.append(Request(f"r{len(self.answers)}", asked, of, "sam@host", now()))


def working(bench: Bench, desk: Desk, act: Callable[[], Any], seconds: float = 3.0) -> list[Aftermath]:
    """Fix the bucket, let `act` happen, and the orders be worked off for a while; what followed."""
    followed: list[Aftermath] = []

    async def follow(aftermath: Aftermath) -> None:
        followed.append(aftermath)

    async def main() -> None:
        await bench.mender.mend(bench.finding)
        act()
        orders = Orders(
            desk,
            bench.undoer,
            bench.book,
            lambda _subject: asyncio.Lock(),
            follow,
            bench.metrics,
            kill=desk.kill,
            again=lambda entry: desk.again.append(entry.id),
            remember=desk.remember,
        )
        task = asyncio.create_task(orders.run())
        await asyncio.sleep(seconds)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run(main())
    return followed


def test_an_undo_is_done_answered_and_looked_at() -> None:
    """By the beginning of the id."""
    bench = Bench()
    desk = Desk(bench)
    followed = working(bench, desk, lambda: desk.ask(Asked.UNDO, bench.only.id[:5]))
    (answer,) = desk.answers
    assert (answer.ok, bench.is_open) == (True, True)
    assert [bool(each.refresh) for each in followed] == [True]


def test_a_wrong_id_is_answered_and_holds_nobody_up() -> None:
    """An unknown one, and then one that is right."""
    bench = Bench()
    desk = Desk(bench)

    def act() -> None:
        desk.waiting = [
            Request("a", Asked.UNDO, "nothing", "sam", now()),
            Request("b", Asked.UNDO, bench.only.id, "sam", now()),
        ]

    working(bench, desk, act)
    assert [(each.id, each.ok) for each in desk.answers] == [("a", False), ("b", True)]


def test_a_store_that_is_away_is_waited_for() -> None:
    """The request is still there when it comes back."""
    bench = Bench()
    desk = Desk(bench)
    desk.away = 2

    working(bench, desk, lambda: desk.ask(Asked.UNDO, bench.only.id), seconds=60)
    assert [each.ok for each in desk.answers] == [True]


@pytest.mark.parametrize(("seconds", "opened"), [(7190, False), (7210, True)])
def test_a_fix_for_two_hours_is_taken_back_then(seconds: float, opened: bool) -> None:
    """Not before, and by the calendar's name."""
    bench = Bench(guard=TWO_HOURS)
    working(bench, Desk(bench), lambda: None, seconds)
    assert bench.is_open is opened


def test_a_fix_that_is_kept_stays() -> None:
    """Somebody decided in time."""
    bench = Bench(guard=TWO_HOURS)
    desk = Desk(bench)
    working(bench, desk, lambda: desk.ask(Asked.KEEP, bench.only.id), 8000)
    assert (desk.answers[0].ok, bench.only.until, bench.is_open) == (True, None, False)
    assert "kept" in bench.shelf.kinds()


def test_a_change_since_is_not_written_over_when_the_time_is_over() -> None:
    """Said once, and never tried again."""
    bench = Bench(guard=TWO_HOURS)
    working(bench, Desk(bench), lambda: bench.aws.set_policy([{**FRIEND, "Sid": "Other"}]), 8000)
    assert (bench.only.until, bench.is_open) == (None, False)
    assert bench.shelf.kinds().count("time_box_not_ended") == 1


def test_the_kill_switch_puts_the_end_off() -> None:
    """Nothing is tried while it is on; the time stays over, so that it is done once the switch is off."""
    bench = Bench(guard=TWO_HOURS)

    def act() -> None:
        bench.switch = "the file stop exists"

    working(bench, Desk(bench), act, 8000)
    assert (bench.only.until is None, bench.is_open, len(bench.shelf.entries)) == (False, False, 1)
    bench.switch = None
    working(bench, Desk(bench), lambda: None, 8000)
    assert (bench.only.until, bench.is_open) == (None, True)


def test_the_switch_is_kept_before_it_is_turned() -> None:
    """Stopping and starting are noted, remembered over restarts, and what it held is taken up again."""
    bench = Bench()
    desk = Desk(bench)
    seen: list[tuple[str, str]] = []

    class Watched(KillSwitch):
        def trip(self, by: str) -> None:
            seen.append((by, desk.remembered[-1]))
            super().trip(by)

    def act() -> None:
        desk.kill = Watched(environment={})
        desk.waiting = [Request("a", Asked.STOP, "", "sam", now()), Request("b", Asked.START, "", "sam", now())]

    working(bench, desk, act)
    assert [each.ok for each in desk.answers] == [True, True]
    assert (seen, desk.remembered, desk.kill.on()) == ([("sam", "sam")], ["sam", ""], None)
