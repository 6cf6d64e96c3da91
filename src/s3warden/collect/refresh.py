"""The refresh queue: one look at a subject at a time, many subjects in parallel, bursts merged into one look.

Takes requests from the sources and hands each merged request to `refresh` (the path of the pipeline); whoever asked
gets a future that ends with the outcome of a look that started after his asking. It never reads AWS itself, never
runs two looks at one subject at once, and a crash of one look ends neither a worker nor another look.
"""

import asyncio
import contextvars
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import structlog

from s3warden.collect.backlog import Backlog, Ticket, is_bulk
from s3warden.collect.fanout import DRAINING, FanOut, Pace, settle
from s3warden.model.event import Done, Outcome, RefreshRequest, Retry
from s3warden.telemetry.metrics import Metrics

log = structlog.get_logger(__name__)

Refresh = Callable[[RefreshRequest], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True)
class RefreshLimits:
    """How much at once. `quiet` and `max_delay` are seconds.

    `workers` looks run at a time and `capacity` subjects wait at most, half of them at most for sweeps and fan-outs.
    An event that is not urgent waits until its bucket was quiet for `quiet`, but not longer than `max_delay`.
    """

    workers: int = 32
    capacity: int = 10_000
    quiet: float = 2.0
    max_delay: float = 10.0
    fanout_per_second: float = 100.0


class RefreshQueue:
    """Runs refreshes while `run` runs. Work may be submitted before; it waits."""

    def __init__(
        self,
        refresh: Refresh,
        *,
        limits: RefreshLimits,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._refresh = refresh
        self._limits = limits
        self._metrics = metrics
        self._clock = clock
        self._backlog: Backlog[asyncio.Future[Outcome]] = Backlog(quiet=limits.quiet, max_delay=limits.max_delay)
        self._pace = Pace(limits.fanout_per_second, clock)
        self._fanout = FanOut(self.submit, self._pace)
        self._active: set[asyncio.Task[Outcome]] = set()
        self._seekers: dict[bool, deque[asyncio.Future[None]]] = {False: deque(), True: deque()}
        self._context: contextvars.Context | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = 0.0
        self._idle = asyncio.Event()
        self._draining = False

    async def submit(self, request: RefreshRequest) -> "asyncio.Future[Outcome]":
        """Put `request` in, waiting for room; the future ends when its refresh and what followed have ended.

        Not to be awaited from within a refresh, which holds the worker that would make room: use `Done.followups`.
        """
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        while not self._draining and not self._has_room(request):
            await self._room(is_bulk(request))
        if self._draining:
            future.set_result(DRAINING)
            return future
        if self._backlog.holds(request):
            self._metrics.refreshes_merged.inc()
        self._backlog.add(request, future, self._clock())
        self._pump()
        return future

    async def run(self) -> None:
        """Work until cancelled; what has not ended then ends with `Retry`."""
        # A look belongs to all who asked for it, so it must not log under the name of the one who came first.
        self._context = contextvars.copy_context()
        try:
            self._pump()
            await asyncio.get_running_loop().create_future()
        finally:
            self._context = None
            await self._give_up()

    async def drain(self, deadline: float) -> None:
        """Take nothing new, finish what runs and waits, without quiet periods, until `deadline` of the clock.

        What only a sweep asks for is given up at once: the next start sweeps anyway.
        """
        self._draining = True
        self._wake_seekers()
        for ticket in self._backlog.drop_sweeps():
            settle(ticket.waiters, DRAINING)
        self._pace.hurry()
        self._backlog.hurry(self._clock())
        self._pump()
        await self._until_idle(deadline)
        await self._give_up()

    async def _until_idle(self, deadline: float) -> None:
        try:
            async with asyncio.timeout(max(deadline - self._clock(), 0)):
                while self._active or len(self._backlog):
                    self._idle.clear()
                    await self._idle.wait()
                await self._fanout.join()
        except TimeoutError:
            log.warning("refresh_drain_incomplete", waiting=len(self._backlog), running=len(self._active))

    async def _give_up(self) -> None:
        self._draining = True
        self._wake_seekers()
        self._stop_timer()
        for ticket in self._backlog.clear():
            settle(ticket.waiters, DRAINING)
        active = list(self._active)
        for task in active:
            task.cancel()
        await asyncio.gather(*active, return_exceptions=True)
        await self._fanout.stop()
        self._gauge()

    def _has_room(self, request: RefreshRequest) -> bool:
        if self._backlog.holds(request):
            return True
        if is_bulk(request) and self._backlog.bulk >= max(self._limits.capacity // 2, 1):
            return False
        return len(self._backlog) < self._limits.capacity

    async def _room(self, bulk: bool) -> None:
        seeker: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._seekers[bulk].append(seeker)
        try:
            await seeker
        except asyncio.CancelledError:
            # The room this one was called for goes to the next, or nobody would ever be called for it.
            self._wake_seeker()
            raise

    def _wake_seeker(self) -> None:
        for seekers in self._seekers.values():
            while seekers:
                seeker = seekers.popleft()
                if not seeker.done():
                    seeker.set_result(None)
                    return

    def _wake_seekers(self) -> None:
        while any(self._seekers.values()):
            self._wake_seeker()

    def _pump(self) -> None:
        """Start what may start now and set the timer for what may start later."""
        if self._context is None:
            return
        now = self._clock()
        while len(self._active) < self._limits.workers:
            ticket = self._backlog.take(now)
            if ticket is None:
                break
            self._wake_seeker()
            task = asyncio.create_task(self._look(ticket.request), context=self._context.copy())
            self._active.add(task)
            # Not at the end of the coroutine: a task cancelled before its first step never gets there.
            task.add_done_callback(partial(self._ended, ticket, now), context=self._context)
        self._set_timer(now)
        self._gauge()

    def _set_timer(self, now: float) -> None:
        # With all workers busy the end of a look pumps again, so no timer is needed.
        due = self._backlog.next_due() if len(self._active) < self._limits.workers else None
        if due is None or (self._timer is not None and self._rings_at <= due):
            return
        self._stop_timer()
        self._rings_at = due
        self._timer = asyncio.get_running_loop().call_later(max(due - now, 0), self._ring)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._timer = None
        self._pump()

    def _ended(self, ticket: Ticket["asyncio.Future[Outcome]"], started: float, task: asyncio.Task[Outcome]) -> None:
        now = self._clock()
        key = ticket.request.subject.key
        outcome = DRAINING if task.cancelled() else task.result()
        self._count(ticket.request, outcome, now - started)
        if isinstance(outcome, Done) and outcome.followups:
            self._fanout.start(key, outcome.followups, ticket.waiters)
        else:
            settle(ticket.waiters, outcome)
        self._active.discard(task)
        self._backlog.finish(key, now)
        self._pump()
        self._idle.set()

    async def _look(self, request: RefreshRequest) -> Outcome:
        try:
            return await self._refresh(request)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            log.exception("refresh_crashed", subject=request.subject.key)
        except Exception:
            # Whatever one look stumbles over must not stop the looks at other subjects.
            log.exception("refresh_crashed", subject=request.subject.key)
        return Retry("crashed")

    def _count(self, request: RefreshRequest, outcome: Outcome, seconds: float) -> None:
        self._metrics.refresh_duration.observe(max(seconds, 0))
        if isinstance(outcome, Retry):
            self._metrics.refreshes_failed.labels(outcome.reason).inc()
        else:
            self._metrics.refreshes.labels(request.origin.value).inc()

    def _gauge(self) -> None:
        self._metrics.refresh_pending.set(len(self._backlog))
        self._metrics.refresh_in_progress.set(len(self._active))
