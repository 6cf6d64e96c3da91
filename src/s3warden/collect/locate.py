"""Finds what an event means without naming it: the bucket behind an access point, those of a key, all under a trail.

Takes an account and a name, hands on buckets or accounts. What was read of the account's buckets comes first, since the
point may be deleted by now; AWS is asked about a point that no bucket is known to have. Decides nothing about them.
"""

from collections.abc import Iterator
from typing import Protocol

from s3warden.collect.fetch import passing
from s3warden.model.bucket import AccountRef, AccountState, Aspect, BucketRef, Present, Reading, Regional, Subject
from s3warden.model.configuration import AccessPoints
from s3warden.model.event import PointName, Retry
from s3warden.model.trails import Trails


class Known(Protocol):
    """What is needed of `cache.Cache`."""

    def configured(self, account: AccountRef, aspect: Aspect) -> Iterator[tuple[BucketRef, object]]:
        """The buckets of an account for which `aspect` is configured, each with its value."""


class Index(Protocol):
    """What is needed of `cache.Cache` to find the buckets of a key."""

    def referrers(self, partition: str, name: str) -> frozenset[Subject]:
        """Those that point at a name, or at a key by its ARN."""


class Keys(Protocol):
    """What is needed of `keys.KeyReads`."""

    def forget(self) -> None:
        """Read keys anew from now on."""


class Accounts(Protocol):
    """What is needed of `cache.Cache` to find the accounts under a trail."""

    def accounts(self) -> tuple[AccountRef, ...]:
        """All accounts of which anything is known."""

    def account(self, ref: AccountRef) -> AccountState | None:
        """The latest state of an account."""


class Points(Protocol):
    """What is needed of `fetch.Fetch`."""

    async def bucket_of_access_point(self, account: AccountRef, region: str, name: str) -> Reading[BucketRef]:
        """The bucket behind an access point; Absent if there is no such access point."""


class Locator:
    """Finds buckets by their access points."""

    def __init__(self, known: Known, points: Points) -> None:
        self._known = known
        self._points = points

    async def behind(self, account: AccountRef, point: PointName) -> tuple[BucketRef, ...] | Retry:
        """The buckets, none if there is no such access point or AWS will not say; Retry if another try may tell."""
        found = tuple(self._known_to_have(account, point))
        if found or point.region is None:
            return found
        reading = await self._points.bucket_of_access_point(account, point.region, point.name)
        if isinstance(reading, Present):
            return (reading.value,)
        cause = passing(reading)
        return () if cause is None else Retry(f"unreadable_{cause.value}")

    def _known_to_have(self, account: AccountRef, point: PointName) -> Iterator[BucketRef]:
        for ref, value in self._known.configured(account, Aspect.ACCESS_POINTS):
            named = isinstance(value, AccessPoints) and any(each.name == point.name for each in value.points)
            if named and point.region in (None, ref.region):
                yield ref


class KeyUsers:
    """Finds buckets by the key that encrypts them."""

    def __init__(self, index: Index, keys: Keys) -> None:
        self._index = index
        self._keys = keys

    def of(self, key: str) -> tuple[BucketRef, ...]:
        """The buckets whose default key, or their name for it, has this ARN; keys are read anew from now on."""
        self._keys.forget()
        partition = key.split(":", 2)[1]
        return tuple(sorted(ref for ref in self._index.referrers(partition, key) if isinstance(ref, BucketRef)))


def under_trail(known: Accounts, owner: str, trail: str) -> tuple[AccountRef, ...]:
    """The accounts that were found to be under a trail of `owner`'s organisation, by its name or ARN."""
    states = (known.account(ref) for ref in known.accounts())
    return tuple(state.ref for state in states if state is not None and _is_under(state, owner, trail))


def _is_under(state: AccountState, owner: str, trail: str) -> bool:
    reading = state.reading(Aspect.TRAILS)
    if not isinstance(reading, Present) or not isinstance(reading.value, Regional):
        return False
    values = (found.value for _, found in reading.value if isinstance(found, Present))
    trails = (each for value in values if isinstance(value, Trails) for each in value.trails)
    return any(each.organization and each.owner == owner and trail in (each.name, each.arn) for each in trails)
