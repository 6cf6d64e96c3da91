"""When to sweep: at the start, on an interval or by a cron expression, and when asked.

Takes the times from APScheduler and runs one sweep after the other, never two at once. A sweep that fails is logged;
the next one comes all the same.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

log = structlog.get_logger(__name__)

_RETRY_FIRST = 15.0
_RETRY_LONGEST = 600.0
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NUMBERED = re.compile(r"(?P<first>[0-7])(?:-(?P<last>\d+)(?:/(?P<step>[1-9]\d*))?)?")


class Timetable:
    """Runs `sweep` while `run` runs.

    Either `interval` (seconds) or `cron` says when; neither means only at the start or when asked. `cron` has the five
    fields of crontab, in UTC; where both the day of the month and the day of the week are given, both must hold.
    `jitter` moves each time by up to so many seconds. ValueError for a cron expression that says nothing.
    """

    def __init__(
        self,
        sweep: Callable[[], Awaitable[object]],
        *,
        interval: float | None = None,
        cron: str | None = None,
        jitter: int = 0,
        at_start: bool = True,
    ) -> None:
        self._sweep = sweep
        self._trigger = trigger(interval=interval, cron=cron, jitter=jitter)
        self._due = asyncio.Event()
        self._current: asyncio.Task[bool] | None = None
        self._stopped = False
        if at_start:
            self._due.set()

    def trigger(self) -> None:
        """Sweep now; if a sweep runs, once more after it, since it may have passed what changed."""
        self._due.set()

    async def stop(self) -> None:
        """Give up the sweep under way and begin no other; `run` goes on until it is cancelled."""
        self._stopped = True
        if self._current is not None:
            self._current.cancel()
            await asyncio.gather(self._current, return_exceptions=True)

    async def run(self) -> None:
        """Sweep when due until cancelled; a sweep under way is then cancelled too."""
        scheduler = AsyncIOScheduler(timezone="UTC")
        if self._trigger is not None:
            # However late the loop is, the sweep is still wanted, but once.
            scheduler.add_job(self._ring, self._trigger, max_instances=1, coalesce=True, misfire_grace_time=None)
        scheduler.start()
        try:
            await self._sweep_when_due()
        finally:
            scheduler.shutdown(wait=False)
            # The scheduler shuts down in a callback of the loop.
            await asyncio.sleep(0)

    async def _sweep_when_due(self) -> None:
        failures = 0
        while True:
            # A sweep that failed as a whole is not left until the next date: it may be the very first.
            await self._until_due(min(_RETRY_FIRST * 2.0 ** (failures - 1), _RETRY_LONGEST) if failures else None)
            self._due.clear()
            if self._stopped:
                continue
            failures = 0 if await self._worked() else failures + 1

    async def _worked(self) -> bool:
        """Sweep; False if it failed, but not if it was given up."""
        self._current = task = asyncio.create_task(self._sweep_once(), name="timetable")
        try:
            await asyncio.wait({task})
            return task.cancelled() or task.result()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self._current = None

    async def _until_due(self, seconds: float | None) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._due.wait()

    async def _ring(self) -> None:
        if self._current is not None:
            log.warning("sweep_skipped", reason="the one before still runs")
        else:
            self._due.set()

    async def _sweep_once(self) -> bool:
        try:
            await self._sweep()
        except Exception:
            # A sweep that fails must not be the last one.
            log.exception("sweep_crashed")
            return False
        return True


def trigger(*, interval: float | None, cron: str | None, jitter: int) -> CronTrigger | IntervalTrigger | None:
    """APScheduler's trigger; None where nothing is scheduled. ValueError for a bad cron expression."""
    if cron is not None:
        fields = cron.split()
        if len(fields) != 5:
            raise ValueError(f"a cron expression has five fields, not {len(fields)}: {cron!r}")
        minute, hour, day, month, weekday = fields
        return CronTrigger(
            minute=minute,
            hour=hour,
            day=day,
            month=month,
            day_of_week=_weekdays(weekday),
            jitter=jitter or None,
            timezone="UTC",
        )
    return None if interval is None else IntervalTrigger(seconds=interval, jitter=jitter or None, timezone="UTC")


def _weekdays(text: str) -> str:
    """The days by name. In a crontab 0 and 7 are Sunday (POSIX crontab), for APScheduler 0 is Monday."""
    return ",".join(_days(part) for part in text.split(","))


def _days(part: str) -> str:
    numbers = _NUMBERED.fullmatch(part.replace("*/", "0-6/", 1))
    if numbers is None:
        return part
    first = int(numbers["first"])
    last = int(numbers["last"]) if numbers["last"] else first
    days = [_DAYS[day % 7] for day in range(first, last + 1, int(numbers["step"] or 1))]
    if not days or last > 7:
        raise ValueError(f"no such days of the week: {part!r}")
    return ",".join(days)
