"""The requests that follow from an account's change, put to the refresh queue wave after wave and paced.

Takes waves of requests from a finished refresh; ends with one outcome for all of them. It never holds a worker, and
for one account no more than one fan-out runs and one waits: what comes meanwhile joins the one that waits.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from s3warden.collect.derived import SHARED
from s3warden.model.event import Done, Outcome, RefreshRequest, Retry

Waves = tuple[tuple[RefreshRequest, ...], ...]
DRAINING = Retry("draining")
Submit = Callable[[RefreshRequest], Awaitable["asyncio.Future[Outcome]"]]


class Pace:
    """Lets through `per_second` callers a second, evenly; 0 means no limit."""

    def __init__(self, per_second: float, clock: Callable[[], float]) -> None:
        self._gap = 1 / per_second if per_second > 0 else 0.0
        self._clock = clock
        self._next = 0.0

    def hurry(self) -> None:
        """Let everybody through from now on."""
        self._gap = 0.0
        self._next = 0.0

    async def __call__(self) -> None:
        """Wait for this caller's turn."""
        now = self._clock()
        turn = max(now, self._next)
        self._next = turn + self._gap
        if turn > now:
            await asyncio.sleep(turn - now)


@dataclass(slots=True)
class _Plan:
    waves: Waves
    waiters: list["asyncio.Future[Outcome]"] = field(default_factory=list)


class FanOut:
    """Runs the waves of every subject; `submit` is the refresh queue's own."""

    def __init__(self, submit: Submit, pace: Pace) -> None:
        self._submit = submit
        self._pace = pace
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._next: dict[str, _Plan] = {}

    def start(self, key: str, waves: Waves, waiters: Sequence["asyncio.Future[Outcome]"]) -> None:
        """Put `waves` to the queue on behalf of the subject `key`; `waiters` end when all of them have."""
        plan = self._next.get(key)
        if plan is None:
            plan = self._next[key] = _Plan(waves)
        else:
            plan.waves = merge_waves(plan.waves, waves)
        plan.waiters.extend(waiters)
        if key not in self._tasks:
            self._tasks[key] = asyncio.create_task(self._run(key), name=f"fan-out {key}")

    async def join(self) -> None:
        """Wait for the end of all that was started."""
        await asyncio.gather(*self._tasks.values())

    async def stop(self) -> None:
        """Give up what has not ended: its waiters get `Retry`."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # A task cancelled before its first step never saw its plan.
        for plan in self._next.values():
            settle(plan.waiters, DRAINING)
        self._next.clear()
        self._tasks.clear()

    async def _run(self, key: str) -> None:
        try:
            while (plan := self._next.pop(key, None)) is not None:
                outcome: Outcome = DRAINING
                try:
                    outcome = await self._all(plan.waves)
                finally:
                    settle(plan.waiters, outcome)
        finally:
            self._tasks.pop(key, None)

    async def _all(self, waves: Waves) -> Outcome:
        retry: Retry | None = None
        for wave in waves:
            futures = []
            for request in wave:
                if request.aspects - SHARED:
                    # What reads next to nothing from AWS needs no pace, and may be a leak to be told at once.
                    await self._pace()
                futures.append(await self._submit(request))
            for outcome in await asyncio.gather(*futures):
                if isinstance(outcome, Retry):
                    retry = retry or outcome
        return retry or Done()


def settle(waiters: Sequence["asyncio.Future[Outcome]"], outcome: Outcome) -> None:
    """End each future that nobody has ended or given up."""
    for waiter in waiters:
        if not waiter.done():
            waiter.set_result(outcome)


def merge_waves(earlier: Waves, later: Waves) -> Waves:
    """Waves that do the work of both, in the order of the later ones."""
    left: dict[str, RefreshRequest] = {}
    for request in (request for wave in earlier for request in wave):
        before = left.get(request.subject.key)
        left[request.subject.key] = request if before is None else before.merge(request)
    merged = []
    for wave in later:
        requests = []
        for request in wave:
            known = left.pop(request.subject.key, None)
            requests.append(request if known is None else known.merge(request))
        merged.append(tuple(requests))
    return (*merged, tuple(left.values())) if left else tuple(merged)
