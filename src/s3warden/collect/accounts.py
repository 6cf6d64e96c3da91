"""The state of the account that a bucket belongs to, read by one for all who ask for it.

Takes an account, hands on its state and keeps the cache up to date. Many buckets of an account that is not known yet
ask at once; one of them reads. It judges nothing.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from s3warden.collect.cache import Cache
from s3warden.collect.fetch import Fetch, passing
from s3warden.model.bucket import AccountRef, AccountState, Aspect

# An endpoint that does not answer costs a worker its timeouts: ask for the account's sake, not for each bucket's.
_PATIENCE = timedelta(minutes=1)


class Accounts:
    """Reads `aspects` of accounts. `clock` gives UTC."""

    def __init__(
        self,
        fetch: Fetch,
        cache: Cache,
        aspects: frozenset[Aspect],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._fetch = fetch
        self._cache = cache
        self._aspects = aspects
        self._clock = clock
        self._turns: defaultdict[AccountRef, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._due: dict[AccountRef, datetime] = {}

    async def read(self, ref: AccountRef, aspects: frozenset[Aspect]) -> AccountState:
        """The state with those of `aspects` that are read at all as a read that begins now finds them."""
        async with self._turns[ref]:
            return await self._read(ref, aspects)

    async def known(self, ref: AccountRef) -> AccountState:
        """The state last read; read anew where there is none, or where it failed a while ago for what may be over."""
        state = self._cache.account(ref)
        if state is not None and not self._is_due(state):
            return state
        async with self._turns[ref]:
            state = self._cache.account(ref)
            return state if state is not None and not self._is_due(state) else await self._read(ref, frozenset())

    async def _read(self, ref: AccountRef, aspects: frozenset[Aspect]) -> AccountState:
        """Read `aspects`, and with them what was never read, or in vain."""
        previous = self._cache.account(ref)
        known = {} if previous is None else previous.readings
        wanted = {a for a in self._aspects if a in aspects or a not in known or passing(known[a]) is not None}
        state = await self._fetch.account(ref, wanted, previous=previous)
        self._cache.replace(state)
        # Counted from the end: the read itself may have taken longer than the patience.
        self._due[ref] = self._clock() + _PATIENCE
        return state

    def _is_due(self, state: AccountState) -> bool:
        failed = any(passing(state.reading(aspect)) is not None for aspect in self._aspects)
        return failed and self._clock() >= self._due.get(state.ref, self._clock())
