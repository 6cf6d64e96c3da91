"""Reads how much lies in the buckets of an account and region: S3's daily storage metrics in CloudWatch.

Takes a bucket, hands on a reading. All buckets of an account and region are read at once and believed for half a day:
S3 counts once a day. The size of a bucket is told by storage type and there is no metric of the sum, so ListMetrics is
asked which types there are; it names those with a count in the last two weeks, so nothing from before is compared.

Of a bucket in which nothing lies S3 tells no count at all, as it does of one that was made a moment ago: the date of
creation, from ListBuckets, tells these apart.

Sources: "Metrics and dimensions" in the S3 user guide; ListMetrics in the CloudWatch API reference; for buckets without
objects an answer of AWS's support, in issue 3798 of Cloud Custodian.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeAlias

from s3warden.collect.aspects import AspectRead
from s3warden.collect.metric_data import NAMESPACE, NO_DAYS, SERVICE, Counted, Days, Series, daily
from s3warden.collect.regions import Listed, every_item
from s3warden.collect.services import ServiceReader
from s3warden.collect.shapes import Answer, ShapeError, mapping, sequence, text
from s3warden.collect.shared import Shared
from s3warden.model.bucket import ABSENT, AccountRef, BucketRef, Present, Reading, Unreadable
from s3warden.model.usage import StorageCount, StorageMetrics

FRESH = timedelta(hours=12)
"""How long daily metrics are believed."""

_PAGE = 1000
# Two weeks, and the two days by which counts are late.
_HISTORY = timedelta(days=16)
_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
_LEFT_OUT = timedelta(days=3)
_SIZE, _OBJECTS, _TYPE, _ALL = "BucketSizeBytes", "NumberOfObjects", "StorageType", "AllStorageTypes"
_Place: TypeAlias = tuple[AccountRef, str]
_Found: TypeAlias = Mapping[str, StorageMetrics]


def _made(item: Answer) -> tuple[str, datetime]:
    created = item.get("CreationDate")
    if not isinstance(created, datetime) or created.tzinfo is None:
        raise ShapeError("CreationDate is no time")
    return text(item.get("Name"), "Name"), created.astimezone(UTC)


def _size(item: Answer) -> Series | None:
    """The metric of the size of one storage type in a bucket; None for a metric of anything else."""
    pairs = [mapping(each, "Dimension") for each in sequence(item.get("Dimensions"), "Dimensions")]
    told = {text(each.get("Name"), "Name"): text(each.get("Value"), "Value") for each in pairs}
    if told.keys() != {"BucketName", _TYPE}:
        return None
    return Series(told["BucketName"], _SIZE, _TYPE, told[_TYPE])


BUCKETS = AspectRead("ListBuckets", "s3:ListAllMyBuckets", _made)
METRICS = AspectRead("ListMetrics", "cloudwatch:ListMetrics", _size)


class StorageMetricReads:
    """Reads storage metrics through `reader`. `clock` gives UTC."""

    def __init__(self, reader: ServiceReader, clock: Callable[[], datetime]) -> None:
        self._reader = reader
        self._clock = clock
        self._known: Shared[_Place, _Found] = Shared(fresh=FRESH, clock=clock)

    async def of_bucket(self, ref: BucketRef) -> Reading[StorageMetrics]:
        """What was counted in the bucket; Absent for one that was made after the last reading of its region."""
        place = (ref.owner, ref.region)
        found = await self._known.reading(place, lambda: self._read(place))
        if not isinstance(found, Present):
            return found
        own = found.value.get(ref.name)
        return ABSENT if own is None else Present(own)

    async def _read(self, place: _Place) -> Reading[_Found]:
        made, told = await asyncio.gather(self._buckets(place), self._sizes(place))
        if isinstance(made, Unreadable):
            return made
        if isinstance(told, Unreadable):
            return told
        created, sizes = dict(made), defaultdict[str, set[Series]](set)
        for size in filter(None, told):
            sizes[size.bucket].add(size)
        found: dict[str, StorageMetrics] = {}
        # One after the other: the days of a whole region would take up too much at once.
        for at in range(0, len(made), _PAGE):
            part = {name: created[name] for name, _ in made[at : at + _PAGE]}
            counted = await self._counted(place, {name: sizes[name] for name in part})
            if not isinstance(counted, Present):
                return counted
            found |= _split(part, counted.value)
        return Present(found)

    async def _buckets(self, place: _Place) -> Listed[tuple[str, datetime]]:
        ref, region = place
        ask = partial(self._reader.service, ref, "s3", BUCKETS.operation, region=region)
        ask = partial(ask, BucketRegion=region, MaxBuckets=_PAGE)
        return await every_item(ask, BUCKETS, _made, items="Buckets", paging="ContinuationToken")

    async def _sizes(self, place: _Place) -> Listed[Series | None]:
        ref, region = place
        ask = partial(self._reader.service, ref, SERVICE, METRICS.operation, region=region)
        ask = partial(ask, Namespace=NAMESPACE, MetricName=_SIZE)
        return await every_item(ask, METRICS, _size, items="Metrics", paging="NextToken")

    async def _counted(self, place: _Place, sizes: Mapping[str, Collection[Series]]) -> Reading[Counted]:
        objects = {Series(name, _OBJECTS, _TYPE, _ALL) for name in sizes}
        midnight = self._clock().replace(hour=0, minute=0, second=0, microsecond=0)
        span = (midnight - _HISTORY, midnight + _DAY)
        return await daily(self._reader, place, objects.union(*sizes.values()), "Average", span)


def _split(created: Mapping[str, datetime], counted: Counted) -> _Found:
    sizes: defaultdict[str, defaultdict[datetime, float]] = defaultdict(lambda: defaultdict(float))
    objects: dict[str, Days] = {}
    for series, days in counted.items():
        if series.metric == _OBJECTS:
            objects[series.bucket] = days
            continue
        for day, size in days.items():
            sizes[series.bucket][day] += size
    return {
        name: _metrics(made, objects.get(name, NO_DAYS), sizes.get(name, NO_DAYS)) for name, made in created.items()
    }


def _metrics(created: datetime, objects: Days, sizes: Days) -> StorageMetrics:
    # A day of which only one of the two was told is not told yet.
    days = sorted(objects.keys() & sizes.keys(), reverse=True)
    counts = [StorageCount(day, round(sizes[day]), round(objects[day])) for day in days]
    return StorageMetrics(
        created=created,
        filled=max((day for day, number in objects.items() if number), default=None),
        latest=counts[0] if counts else None,
        day_before=_before(counts, _DAY),
        week_before=_before(counts, _WEEK),
    )


def _before(counts: list[StorageCount], span: timedelta) -> StorageCount | None:
    """The count from `span` before the first one, which is the latest, or from the last days before that."""
    if not counts:
        return None
    until = counts[0].at - span
    return next((each for each in counts if until - _LEFT_OUT <= each.at <= until), None)
