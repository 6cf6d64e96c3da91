"""Lists that answer for many at once: who asks while one is under way waits, with all who do, for the next.

So each gets a list that began after he asked, one subject alone is asked for alone, and a sweep over a region's buckets
costs few calls more than the list has pages.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
_LASTS = 60.0


@dataclass(slots=True, eq=False)
class _Batch(Generic[V]):
    """Names whose readers wait for the same list, and what came of it."""

    names: set[str] = field(default_factory=set)
    outcome: list[V] = field(default_factory=list)


class Batches(Generic[K, V]):
    """Shares what `read` gives for a place and the names that wait there; `read` must not raise what AWS answers.

    An outcome that `lasts`, whoever asks, such as that a service is off, is given to all for a minute, or until it is
    forgotten. `clock` gives seconds.
    """

    def __init__(
        self,
        read: Callable[[K, frozenset[str]], Awaitable[V]],
        *,
        lasts: Callable[[V], bool] = lambda _outcome: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._lasts = lasts
        self._clock = clock
        self._lasting: dict[K, tuple[float, V]] = {}
        self._turns: defaultdict[K, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._gathering: dict[K, _Batch[V]] = {}

    async def of(self, place: K, name: str = "") -> V:
        """What is read of `place` for `name` and whoever asks with it."""
        ends, known = self._lasting.get(place, (0.0, None))
        if known is not None and self._clock() < ends:
            return known
        batch = self._gathering.setdefault(place, _Batch())
        batch.names.add(name)
        async with self._turns[place]:
            if self._gathering.get(place) is batch:
                # Who comes from now on is too late for this list.
                del self._gathering[place]
            if not batch.outcome:
                outcome = await self._read(place, frozenset(batch.names))
                batch.outcome.append(outcome)
                if self._lasts(outcome):
                    self._lasting[place] = (self._clock() + _LASTS, outcome)
        return batch.outcome[0]

    def forget(self, place: K) -> None:
        """What lasted may be otherwise by now."""
        self._lasting.pop(place, None)
