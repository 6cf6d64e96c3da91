"""Reads Macie: whether it is on in a region, whether it searches by itself, what it says of a bucket and found in it.

Takes an account and regions, or a bucket, hands on readings. While Macie is off it refuses every question, and only its
words tell that from a missing permission. Buckets, and how many findings each has, are asked for once for all buckets
of an account and region that are looked at together.

Source: the Amazon Macie API reference.
"""

import asyncio
from collections.abc import Collection, Mapping
from functools import partial
from itertools import chain
from types import MappingProxyType
from typing import TypeAlias

from s3warden.collect.aspects import AspectRead
from s3warden.collect.batches import Batches
from s3warden.collect.regions import Listed, by_region, every_item
from s3warden.collect.services import ServiceReader
from s3warden.collect.shapes import Answer, mapping, one_of, optional_number, optional_text, sequence, text
from s3warden.model.bucket import (
    ABSENT,
    Absent,
    AccountRef,
    BucketRef,
    Cause,
    Present,
    Reading,
    Regional,
    T_co,
    Unreadable,
)
from s3warden.model.services import Macie, MacieCoverage, MacieDiscovery, MacieFindings

_SERVICE = "macie2"
_OFF = "Macie is not enabled"
# So many names are put into one question.
_NAMES = 50
_HIGH: Mapping[str, object] = MappingProxyType({"severity.description": {"eq": ["High"]}})
_BUCKET_NAME = "resourcesAffected.s3Bucket.name"
_Place: TypeAlias = tuple[AccountRef, str]
_Found: TypeAlias = Mapping[str, MacieCoverage] | Unreadable
_Counted: TypeAlias = tuple[Mapping[str, int], Mapping[str, int]] | Absent | Unreadable


def _session(answer: Answer) -> Macie:
    return Macie(one_of(answer.get("status"), "status", "ENABLED", "PAUSED"))


def _discovery(answer: Answer) -> MacieDiscovery:
    return MacieDiscovery(one_of(answer.get("status"), "status", "ENABLED", "DISABLED"))


def _bucket(item: Answer) -> tuple[str, MacieCoverage]:
    job = mapping(item.get("jobDetails", {}), "jobDetails")
    return text(item.get("bucketName"), "bucketName"), MacieCoverage(
        error=optional_text(item.get("errorCode"), "errorCode") or "",
        monitored=optional_text(item.get("automatedDiscoveryMonitoringStatus"), "monitoring") == "MONITORED",
        in_job=optional_text(job.get("isMonitoredByJob"), "isMonitoredByJob") == "TRUE",
        sensitivity=_score(item.get("sensitivityScore")),
    )


def _score(value: object) -> int | None:
    # It is -1 where Macie could not look.
    return -1 if value == -1 else optional_number(value, "sensitivityScore")


def _counts(answer: Answer) -> Mapping[str, int]:
    groups = [mapping(each, "group") for each in sequence(answer.get("countsByGroup"), "countsByGroup")]
    return {text(each.get("groupKey"), "groupKey"): optional_number(each.get("count"), "count") or 0 for each in groups}


SESSION = AspectRead("GetMacieSession", "macie2:GetMacieSession", _session, absent_words=_OFF)
DISCOVERY = AspectRead(
    "GetAutomatedDiscoveryConfiguration", "macie2:GetAutomatedDiscoveryConfiguration", _discovery, absent_words=_OFF
)
BUCKETS = AspectRead("DescribeBuckets", "macie2:DescribeBuckets", _bucket, absent_words=_OFF)


FINDINGS = AspectRead("GetFindingStatistics", "macie2:GetFindingStatistics", _counts, absent_words=_OFF)


def _is_shut(outcome: object) -> bool:
    """Whether Macie is off, closed to us or out of order: then it is so for every bucket of the region."""
    return isinstance(outcome, Absent) or (isinstance(outcome, Unreadable) and outcome.cause is not Cause.THROTTLED)


class MacieReads:
    """Reads Macie through `reader`."""

    def __init__(self, reader: ServiceReader) -> None:
        self._reader = reader
        self._batches = Batches(self._listed, lasts=_is_shut)
        self._counts = Batches(self._counted, lasts=_is_shut)

    async def sessions(self, ref: AccountRef, regions: Collection[str]) -> Present[Regional[Macie]]:
        """Macie region by region; Absent where it is off."""
        for region in regions:
            self._batches.forget((ref, region))
            self._counts.forget((ref, region))
        return await by_region(regions, lambda region: self._asked(SESSION, ref, region))

    async def discovery(self, ref: AccountRef, regions: Collection[str]) -> Present[Regional[MacieDiscovery]]:
        """Automated discovery region by region; Absent where Macie is off."""
        return await by_region(regions, lambda region: self._asked(DISCOVERY, ref, region))

    async def coverage(self, ref: BucketRef) -> Reading[MacieCoverage]:
        """What Macie says of the bucket; Absent where it is off, or does not know the bucket."""
        found = await self._batches.of((ref.owner, ref.region), ref.name)
        if not isinstance(found, Mapping):
            return found
        own = found.get(ref.name)
        return ABSENT if own is None else Present(own)

    async def findings(self, ref: BucketRef) -> Reading[MacieFindings]:
        """How many findings about the bucket nobody has put aside; Absent where Macie is off."""
        counted = await self._counts.of((ref.owner, ref.region), ref.name)
        if not isinstance(counted, tuple):
            return counted
        high, total = counted
        return Present(MacieFindings(high.get(ref.name, 0), total.get(ref.name, 0)))

    async def _counted(self, place: _Place, names: frozenset[str]) -> _Counted:
        questions = [(part, only) for only in (_HIGH, {}) for part in _parts(names)]
        read = await asyncio.gather(*(self._count(place, part, only) for part, only in questions))
        high: dict[str, int] = {}
        total: dict[str, int] = {}
        for (_, only), reading in zip(questions, read, strict=True):
            if not isinstance(reading, Present):
                return reading
            (high if only else total).update(reading.value)
        return high, total

    async def _count(self, place: _Place, names: list[str], only: Mapping[str, object]) -> Reading[Mapping[str, int]]:
        ref, region = place
        asked = {"accountId": {"eq": [ref.account]}, "archived": {"eq": ["false"]}, _BUCKET_NAME: {"eq": names}, **only}
        ask = partial(self._reader.service, ref, _SERVICE, FINDINGS.operation, region=region)
        criteria = {"criterion": asked}
        return await FINDINGS.reading(ask(groupBy=_BUCKET_NAME, findingCriteria=criteria, size=len(names)))

    async def _asked(self, read: AspectRead[T_co], ref: AccountRef, region: str) -> Reading[T_co]:
        return await read.reading(self._reader.service(ref, _SERVICE, read.operation, region=region))

    async def _listed(self, place: _Place, names: frozenset[str]) -> _Found:
        read = await asyncio.gather(*(self._described(place, part) for part in _parts(names)))
        failed = next((each for each in read if isinstance(each, Unreadable)), None)
        return (
            failed
            if failed is not None
            else dict(chain.from_iterable(each for each in read if isinstance(each, tuple)))
        )

    async def _described(self, place: _Place, names: list[str]) -> Listed[tuple[str, MacieCoverage]]:
        ref, region = place
        asked = {"accountId": {"eq": [ref.account]}, "bucketName": {"eq": names}}
        ask = partial(self._reader.service, ref, _SERVICE, BUCKETS.operation, region=region, criteria=asked)
        return await every_item(ask, BUCKETS, _bucket, items="buckets")


def _parts(names: frozenset[str]) -> list[list[str]]:
    ordered = sorted(names)
    return [ordered[at : at + _NAMES] for at in range(0, len(ordered), _NAMES)]
