"""The timetable: at the start, when due, when asked, and after a failure."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from s3warden.collect.timetable import Timetable, trigger
from support import virtual


@dataclass
class Sweeps:
    """Records when sweeps began; `fails` of them fail, each takes `seconds`."""

    seconds: float = 1.0
    fails: int = 0
    began: list[float] = field(default_factory=list)
    running: int = 0
    cancelled: int = 0

    async def __call__(self) -> None:
        assert self.running == 0, "two sweeps at once"
        self.began.append(virtual.now())
        self.running += 1
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1
        if len(self.began) <= self.fails:
            raise RuntimeError("boom")


@asynccontextmanager
async def at_work(timetable: Timetable) -> AsyncIterator[None]:
    """A running timetable, cancelled at the end of the block."""
    task = asyncio.create_task(timetable.run())
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("at_start", [True, False])
def test_a_sweep_at_the_start(at_start: bool) -> None:
    """Wanted or not, as the settings say."""

    async def main() -> None:
        sweeps = Sweeps()
        async with at_work(Timetable(sweeps, at_start=at_start)):
            await asyncio.sleep(100)
        assert len(sweeps.began) == at_start

    virtual.run(main())


def test_the_interval_brings_sweeps() -> None:
    """APScheduler's own clock is real, so this one takes a moment."""

    async def main() -> None:
        swept = asyncio.Event()

        async def sweep() -> None:
            swept.set()

        async with at_work(Timetable(sweep, interval=0.05, at_start=False)):
            for _ in range(2):
                async with asyncio.timeout(5):
                    await swept.wait()
                swept.clear()

    asyncio.run(main())


def test_asked_while_one_runs_another_follows() -> None:
    """Asking during a sweep, however often, brings one more after it."""

    async def main() -> None:
        sweeps = Sweeps(seconds=10)
        timetable = Timetable(sweeps)
        async with at_work(timetable):
            begin = virtual.now()
            for _ in range(3):
                await asyncio.sleep(1)
                timetable.trigger()
            await asyncio.sleep(100)
        assert [at - begin for at in sweeps.began] == [0, 10]

    virtual.run(main())


def test_a_date_that_falls_into_a_sweep_is_skipped() -> None:
    """A sweep that outlasts its interval is not followed by another at once."""

    async def main() -> None:
        sweeps = Sweeps(seconds=10)
        timetable = Timetable(sweeps)
        async with at_work(timetable):
            await asyncio.sleep(1)
            await timetable._ring()
            await asyncio.sleep(100)
            assert len(sweeps.began) == 1
            await timetable._ring()
            await asyncio.sleep(100)
            assert len(sweeps.began) == 2

    virtual.run(main())


def test_a_failed_sweep_is_tried_again_soon() -> None:
    """The first sweep is not put off to the next date because the network came up late."""

    async def main() -> None:
        sweeps = Sweeps(seconds=0, fails=3)
        async with at_work(Timetable(sweeps)):
            begin = virtual.now()
            await asyncio.sleep(3600)
        assert [at - begin for at in sweeps.began] == [0, 15, 45, 105]

    virtual.run(main())


def test_stop_gives_up_the_sweep_and_begins_no_other() -> None:
    """After stop nothing sweeps, asked or not, while run goes on until it is cancelled."""

    async def main() -> None:
        sweeps = Sweeps(seconds=1000)
        timetable = Timetable(sweeps)
        async with at_work(timetable):
            await asyncio.sleep(1)
            await timetable.stop()
            timetable.trigger()
            await asyncio.sleep(5000)
            await timetable.stop()
        assert (len(sweeps.began), sweeps.cancelled) == (1, 1)

    virtual.run(main())


def test_cancelling_run_cancels_the_sweep() -> None:
    """No sweep outlives the timetable."""

    async def main() -> None:
        sweeps = Sweeps(seconds=1000)
        async with at_work(Timetable(sweeps)):
            await asyncio.sleep(1)
        assert (sweeps.running, sweeps.cancelled) == (0, 1)

    virtual.run(main())


@pytest.mark.parametrize(
    ("weekdays", "days"),
    [
        ("*", "Mon Tue Wed Thu Fri Sat Sun"),
        ("0", "Sun"),
        ("7", "Sun"),
        ("1-5", "Mon Tue Wed Thu Fri"),
        ("5-7", "Fri Sat Sun"),
        ("0,3", "Wed Sun"),
        ("1-5/2", "Mon Wed Fri"),
        ("*/2", "Tue Thu Sat Sun"),
        ("mon-fri", "Mon Tue Wed Thu Fri"),
        ("sun", "Sun"),
    ],
)
def test_weekdays_are_those_of_crontab(weekdays: str, days: str) -> None:
    """0 is Sunday, as everybody who writes a crontab expects."""
    fires = trigger(interval=None, cron=f"30 4 * * {weekdays}", jitter=0)
    assert fires is not None
    monday = datetime(2026, 11, 2, tzinfo=UTC)
    at = [fires.get_next_fire_time(None, monday + timedelta(n)) for n in range(7)]
    assert " ".join(dict.fromkeys(f"{moment:%a}" for moment in sorted(at))) == days
    assert {f"{moment:%H:%M}" for moment in at} == {"04:30"}


@pytest.mark.parametrize("cron", ["", "* * * *", "* * * * * *", "61 * * * *", "* * * * 9", "* * * * 5-1", "* * * * x"])
def test_a_bad_cron_expression_is_refused(cron: str) -> None:
    """What says nothing is a ValueError, for the settings to complain of."""
    with pytest.raises(ValueError, match=r"."):
        trigger(interval=None, cron=cron, jitter=0)
