"""Reads since when and until when there were requests for the objects of a bucket: S3's request metrics in CloudWatch.

Takes a bucket, hands on a reading. S3 counts requests only where a metrics configuration asks for it, and those for all
objects only where that has no filter. The counts of buckets that are looked at together are asked for together, and are
believed for half a day.

Requests for objects are counted by their methods, but for HEAD, which our own HeadBucket is, too. AllRequests counts
looks at settings as well: it tells since when S3 has counted, and no more.

Sources: "Metrics and dimensions" and "CloudWatch metrics configurations" in the S3 user guide.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol, TypeAlias

from s3warden.collect.aspects import AspectRead
from s3warden.collect.batches import Batches
from s3warden.collect.metric_data import Counted, Series, daily
from s3warden.collect.pages import whole_list
from s3warden.collect.services import ServiceReader
from s3warden.collect.shapes import Answer, mapping, optional_mapping, sequence, text
from s3warden.collect.shared import Shared
from s3warden.collect.storage_metrics import FRESH
from s3warden.model.bucket import AccountRef, BucketRef, Present, Reading
from s3warden.model.usage import RequestMetrics

_LIST = "MetricsConfigurationList"
_ANY = "AllRequests"
_OF_OBJECTS = ("GetRequests", "PutRequests", "PostRequests", "DeleteRequests", "ListRequests")
# So long CloudWatch keeps what it counted.
_HISTORY = timedelta(days=455)
# No bucket's name has one in it, and no name of a configuration.
_SLASH = "/"
_SIZE = 100_000
_Place: TypeAlias = tuple[AccountRef, str]


def _whole(answer: Answer) -> str | None:
    """The configuration that counts the requests for all objects; the first by name, if several do."""
    found = [mapping(each, "MetricsConfiguration") for each in sequence(answer.get(_LIST), _LIST)]
    whole = (each for each in found if not optional_mapping(each.get("Filter"), "Filter"))
    return min((text(each.get("Id"), "Id") for each in whole), default=None)


CONFIGURATIONS = AspectRead("ListBucketMetricsConfigurations", "s3:GetMetricsConfiguration", _whole, paged=_LIST)


class Reader(ServiceReader, Protocol):
    """What asks S3 about a bucket, and other services. Raises AwsError and nothing else."""

    async def bucket(self, ref: BucketRef, operation: str, **parameters: object) -> Answer:
        """The parsed answer of an S3 operation on the bucket."""


class RequestMetricReads:
    """Reads request metrics through `reader`. `clock` gives UTC."""

    def __init__(self, reader: Reader, clock: Callable[[], datetime]) -> None:
        self._reader = reader
        self._clock = clock
        self._batches = Batches(self._counted)
        self._known: Shared[tuple[BucketRef, str], RequestMetrics] = Shared(fresh=FRESH, size=_SIZE, clock=clock)

    async def of_bucket(self, ref: BucketRef) -> Reading[RequestMetrics]:
        """The requests for the bucket's objects; Absent where nothing counts those for all of them."""
        ask = partial(self._reader.bucket, ref, CONFIGURATIONS.operation)
        found = await CONFIGURATIONS.reading(whole_list(ask, _LIST))
        if not isinstance(found, Present):
            return found
        return await self._known.reading((ref, found.value), lambda: self._of(ref, found.value))

    async def _of(self, ref: BucketRef, configuration: str) -> Reading[RequestMetrics]:
        counted = await self._batches.of((ref.owner, ref.region), f"{ref.name}{_SLASH}{configuration}")
        return Present(_metrics(ref.name, configuration, counted.value)) if isinstance(counted, Present) else counted

    async def _counted(self, place: _Place, names: frozenset[str]) -> Reading[Counted]:
        parts = (name.partition(_SLASH) for name in names)
        wanted = [_series(bucket, metric, name) for bucket, _, name in parts for metric in (_ANY, *_OF_OBJECTS)]
        midnight = self._clock().replace(hour=0, minute=0, second=0, microsecond=0)
        span = (midnight - _HISTORY, midnight + timedelta(days=1))
        return await daily(self._reader, place, wanted, "Sum", span)


def _series(bucket: str, metric: str, configuration: str) -> Series:
    return Series(bucket, metric, "FilterId", configuration)


def _metrics(bucket: str, configuration: str, counted: Mapping[Series, Mapping[datetime, float]]) -> RequestMetrics:
    series = (counted[_series(bucket, metric, configuration)] for metric in _OF_OBJECTS)
    return RequestMetrics(
        configuration,
        since=min(counted[_series(bucket, _ANY, configuration)], default=None),
        last=max((day for days in series for day, number in days.items() if number), default=None),
    )
