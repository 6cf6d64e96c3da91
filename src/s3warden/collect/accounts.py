"""The state of the account that a bucket belongs to, read by one for all who ask for it.

Takes an account, hands on its state and keeps the cache up to date. Many buckets of an account that is not known yet
ask at once; one of them reads. It judges nothing.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from s3warden.collect.account_services import FRESHNESS, PATIENT, REGIONAL
from s3warden.collect.cache import Cache
from s3warden.collect.derived import with_derived
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
        self._read_at: defaultdict[AccountRef, dict[Aspect, datetime]] = defaultdict(dict)
        # Where the account has buckets, and where it was read.
        self._regions: defaultdict[AccountRef, frozenset[str]] = defaultdict(frozenset)
        self._covered: defaultdict[AccountRef, frozenset[str]] = defaultdict(frozenset)

    def lives_in(self, ref: AccountRef, regions: Iterable[str]) -> None:
        """The account has buckets in these regions, as a listing tells."""
        self._regions[ref] |= frozenset(regions)

    def regions(self, ref: AccountRef) -> frozenset[str]:
        """Where the account is known to have buckets."""
        return self._regions[ref]

    async def read(self, ref: AccountRef, aspects: frozenset[Aspect], *, sweep: bool = False) -> AccountState:
        """The state with those of `aspects` that are read at all as a read that begins now finds them.

        A `sweep` is content with what is younger than `account_services.FRESHNESS`; what is not named there it reads.
        """
        async with self._turns[ref]:
            return await self._read(ref, self._stale(ref, aspects) if sweep else aspects, sweep=sweep)

    async def known(self, ref: AccountRef, region: str | None = None) -> AccountState:
        """The state last read; read anew where there is none, or where it failed a while ago for what may be over.

        `region` is one that the account has a bucket in: what is read by region is read there too.
        """
        if region is not None and region not in self._regions[ref]:
            self._regions[ref] |= {region}
        state = self._cache.account(ref)
        if state is not None and not self._is_due(state):
            return state
        async with self._turns[ref]:
            state = self._cache.account(ref)
            if state is not None and not self._is_due(state):
                return state
            # Nobody judges the account by this look.
            return await self._read(ref, frozenset(), sweep=True)

    def _stale(self, ref: AccountRef, aspects: frozenset[Aspect]) -> frozenset[Aspect]:
        now, read_at = self._clock(), self._read_at[ref]
        return frozenset(
            aspect
            for aspect in aspects
            if aspect not in FRESHNESS or aspect not in read_at or now - read_at[aspect] >= FRESHNESS[aspect]
        )

    async def _read(self, ref: AccountRef, aspects: frozenset[Aspect], *, sweep: bool = False) -> AccountState:
        """Read `aspects`, and with them what was never read, or in vain, or not in every region."""
        previous = self._cache.account(ref)
        known = {} if previous is None else previous.readings
        regions, aspects = self._regions[ref], with_derived(aspects)
        vain = self._aspects if sweep else self._aspects - PATIENT
        abroad = REGIONAL if regions - self._covered[ref] else frozenset[Aspect]()
        wanted = {
            a
            for a in self._aspects
            if a in aspects or a in abroad or a not in known or (a in vain and passing(known[a]) is not None)
        }
        state = await self._fetch.account(ref, wanted, previous=previous, regions=regions, sweep=sweep)
        self._cache.replace(state)
        self._covered[ref] = regions
        self._read_at[ref].update(dict.fromkeys(wanted, state.read_at))
        # Counted from the end: the read itself may have taken longer than the patience.
        self._due[ref] = self._clock() + _PATIENCE
        return state

    def _is_due(self, state: AccountState) -> bool:
        if self._aspects & REGIONAL and self._regions[state.ref] - self._covered[state.ref]:
            return True
        failed = any(passing(state.reading(aspect)) is not None for aspect in self._aspects - PATIENT)
        return failed and self._clock() >= self._due.get(state.ref, self._clock())
