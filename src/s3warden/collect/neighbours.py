"""Reads what a bucket's own settings point at: its key, its log target, the buckets it is copied to.

Takes a bucket and its readings so far, hands on readings that every bucket of the same neighbour shares, so that a
thousand sources of one log target cost what one does. What the cache knows of a neighbour is not asked for again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import groupby
from types import MappingProxyType
from typing import TypeAlias

from s3warden.collect.cache import Cache
from s3warden.collect.derived import TARGET_ASPECTS
from s3warden.collect.keys import KeyReads
from s3warden.collect.owners import Owners
from s3warden.collect.pointers import pointed
from s3warden.collect.services import ServiceReader
from s3warden.collect.shared import Shared
from s3warden.collect.standings import Standings
from s3warden.model.bucket import ABSENT, NOT_READ, AccountRef, Aspect, BucketRef, Cause, Present, Reading, Unreadable
from s3warden.model.configuration import Logging
from s3warden.model.references import (
    Destination,
    Destinations,
    LogTarget,
    Reference,
    References,
    Settings,
    Use,
    settings,
)

Known: TypeAlias = Mapping[Aspect, Reading[object]]
ReadBucket: TypeAlias = Callable[[BucketRef, Iterable[Aspect]], Awaitable[Known]]

_ALONE = Unreadable(Cause.NOT_READ, "only a look at the whole estate tells what points at a bucket")
# Several sources of a sweep ask about a target that is not in the cache yet; an event on it has it forgotten.
_A_WHILE = timedelta(minutes=2)


class Neighbours:
    """Reads through `reader`, and a bucket's own aspects by `read_bucket`. `clock` gives UTC."""

    def __init__(
        self,
        reader: ServiceReader,
        read_bucket: ReadBucket,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.owners = Owners()
        self.standings = Standings(reader, self.owners, clock)
        self.keys = KeyReads(reader, self.owners, clock)
        self._read_bucket = read_bucket
        self._cache: Cache | None = None
        self._anew = False
        # Whether every bucket was read since the start, so that what points at a name is known.
        self.whole = True
        self._targets: Shared[BucketRef, Settings] = Shared(fresh=_A_WHILE, clock=clock)
        self.reads: Mapping[Aspect, Callable[[BucketRef, Known], Awaitable[Reading[object]]]] = MappingProxyType(
            {
                Aspect.REFERRERS: self._referrers,
                Aspect.DEFAULT_KEY: lambda ref, known: self.keys.key(ref, _encryption(known)),
                Aspect.KEY_ROTATION: lambda ref, known: self.keys.rotation(ref, _encryption(known)),
                Aspect.KEY_POLICY: lambda ref, known: self.keys.policy(ref, _encryption(known)),
                Aspect.LOG_TARGET: self._log_target,
                Aspect.REPLICATION_DESTINATIONS: partial(self._destinations, Aspect.REPLICATION),
                Aspect.INVENTORY_DESTINATIONS: partial(self._destinations, Aspect.INVENTORY),
                Aspect.ANALYTICS_DESTINATIONS: partial(self._destinations, Aspect.ANALYTICS),
            }
        )

    def beside(self, cache: Cache, *, anew: bool = False) -> None:
        """Look up there what is known of other buckets and accounts; `anew`: but the settings of a log target."""
        self._cache, self._anew = cache, anew
        self.owners.beside(cache)

    def told(self, readings: Known) -> Known:
        """The readings of a look that no sweep makes, with what may be missing in them before all buckets were read.

        So a bucket that an event names right after a start does not pass for one that nothing points at.
        """
        return (
            readings if self.whole else {**readings, **{a: _partial(a, readings[a]) for a in _GAPS & readings.keys()}}
        )

    def forget(self, ref: BucketRef) -> None:
        """Something happened to the bucket or to its name: whoever relies on it gets a fresh reading."""
        self.standings.forget(ref.name)
        self._targets.forget(lambda known: known.name == ref.name)

    async def outside(self, account: AccountRef, known: Known) -> Reading[Destinations]:
        """The buckets that an account or its buckets point at, and that no guarded account is known to own.

        `known` are the account's readings as they are now; what its buckets point at is in the cache.
        """
        # A trail of the organisation is seen in every account, and looked into with its owner.
        own = (reference for reference in pointed(account, known) if reference.account == account.account)
        found = {reference for reference in own if reference.use is not Use.KEY}
        if self._cache is not None:
            for name in self._cache.referred_by(account):
                held = self._cache.referring_to(account.partition, name)
                found |= {each for each in held if each.account == account.account and each.use in _OF_BUCKETS}
        strange = [each for each in found if self.owners.of(account.partition, each.target) is None]
        return await self._standing(account, strange)

    async def _referrers(self, ref: BucketRef, _known: Known) -> Reading[object]:
        if self._cache is None:
            return _ALONE
        found = self._cache.referring_to(ref.partition, ref.name)
        return Present(found) if found.items else ABSENT

    async def _destinations(self, source: Aspect, ref: BucketRef, known: Known) -> Reading[Destinations]:
        reading = known.get(source, NOT_READ)
        if isinstance(reading, Unreadable):
            return reading
        return await self._standing(ref.owner, pointed(ref, {source: reading}))

    async def _standing(self, asking: AccountRef, references: Iterable[Reference]) -> Reading[Destinations]:
        """Each name once for each owner it is said to have."""
        ordered = sorted(references, key=_said)
        groups = [(said, tuple(group)) for said, group in groupby(ordered, key=_said)]
        read = await asyncio.gather(*(self.standings.of(asking, name, said or None) for (name, said), _ in groups))
        found = tuple(
            Destination(name, group, standing) for ((name, _), group), standing in zip(groups, read, strict=True)
        )
        return Present(Destinations(found)) if found else ABSENT

    async def _log_target(self, ref: BucketRef, known: Known) -> Reading[LogTarget]:
        reading = known.get(Aspect.LOGGING, NOT_READ)
        if isinstance(reading, Unreadable):
            return reading
        if not isinstance(reading, Present) or not isinstance(reading.value, Logging):
            return ABSENT
        name = reading.value.target_bucket
        standing = await self.standings.of(ref.owner, name, ref.account)
        if not isinstance(standing, Present) or standing.value.owner != ref.account:
            return Present(LogTarget(name, standing))
        # Logs arrive within one region alone: a target elsewhere is wrong whatever it is set up like.
        target = replace(ref, region=standing.value.region or ref.region, name=name)
        return Present(LogTarget(name, standing, await self._settings(target)))

    async def _settings(self, target: BucketRef) -> Settings:
        """What the cache knows of the target, and what it does not know, read."""
        state = None if self._cache is None or self._anew else self._cache.bucket(target)
        kept = {} if state is None else {a: r for a, r in state.readings.items() if a in TARGET_ASPECTS}

        async def read() -> Reading[Settings]:
            return Present(settings(await self._read_bucket(target, TARGET_ASPECTS - kept.keys())))

        if len(kept) == len(TARGET_ASPECTS):
            return settings(kept)
        reading = await self._targets.reading(target, read)
        return settings({**(dict(reading.value.items) if isinstance(reading, Present) else {}), **kept})


_GAPS = frozenset({Aspect.REFERRERS, Aspect.OUTSIDE_NAMES})
_NOT_YET = Unreadable(Cause.NOT_READ, "not every bucket has been read since the start")


def _partial(aspect: Aspect, reading: Reading[object]) -> Reading[object]:
    match reading:
        case Present(value=References() | Destinations() as value):
            return Present(replace(value, gaps=(_NOT_YET,)))
        case Unreadable():
            return reading
    return Present(References((), (_NOT_YET,)) if aspect is Aspect.REFERRERS else Destinations((), (_NOT_YET,)))


_OF_BUCKETS = frozenset({Use.ACCESS_LOGS, Use.REPLICATION, Use.INVENTORY, Use.ANALYTICS})


def _said(reference: Reference) -> tuple[str, str]:
    return reference.target, reference.owner or ""


def _encryption(known: Known) -> Reading[object]:
    return known.get(Aspect.ENCRYPTION, NOT_READ)
