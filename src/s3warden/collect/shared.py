"""Readings that many buckets ask for and one of them makes: of a key, a log target, whose a name is.

Takes a key and how to read it, hands on the reading. One reads while the others wait; what was read is believed for a
while, but what failed for a reason that passes is read again by the next who asks, and what failed for another is soon.
It holds at most `size` readings.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

from s3warden.model.bucket import Cause, Reading, unreadable_parts

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

PASSING = frozenset({Cause.THROTTLED, Cause.UNREACHABLE, Cause.CREDENTIALS})
"""Causes of a failed read that go by: another read may well succeed."""

_AGAIN = timedelta(minutes=10)


class Shared(Generic[K, V]):
    """Readings by key, `fresh` for so long; those that failed are for ten minutes at most. `clock` gives UTC."""

    def __init__(
        self,
        *,
        fresh: timedelta = _AGAIN,
        size: int = 10_000,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._fresh = fresh
        self._size = size
        self._clock = clock
        self._known: OrderedDict[K, tuple[datetime, Reading[V]]] = OrderedDict()
        self._turns: WeakValueDictionary[K, asyncio.Lock] = WeakValueDictionary()

    def __len__(self) -> int:
        return len(self._known)

    async def reading(self, key: K, read: Callable[[], Awaitable[Reading[V]]]) -> Reading[V]:
        """The reading of `key`, by `read` unless a young one is known."""
        turn = self._turns.setdefault(key, asyncio.Lock())
        async with turn:
            began = self._clock()
            known = self._known.get(key)
            if known is not None and began - known[0] < self._lasts(known[1]):
                return known[1]
            reading = await read()
            # Forgotten meanwhile: it began before what happened, and is of no use to those who ask later.
            if self._turns.get(key) is turn:
                self._keep(key, began, reading)
            return reading

    def forget(self, concerned: Callable[[K], bool] = lambda _: True) -> None:
        """Something happened to these, or to any: whoever asks from now on gets a reading that begins from now on."""
        for key in list(filter(concerned, self._known)):
            del self._known[key]
        for key in list(filter(concerned, self._turns.keys())):
            self._turns.pop(key, None)

    def _lasts(self, reading: Reading[V]) -> timedelta:
        return min(self._fresh, _AGAIN) if unreadable_parts(reading) else self._fresh

    def _keep(self, key: K, began: datetime, reading: Reading[V]) -> None:
        if any(part.cause in PASSING for part in unreadable_parts(reading)):
            self._known.pop(key, None)
            return
        self._known[key] = (began, reading)
        self._known.move_to_end(key)
        if len(self._known) > self._size:
            self._known.popitem(last=False)
