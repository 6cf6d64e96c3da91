"""Reads daily metrics that S3 hands to CloudWatch, many buckets in one call.

Takes what is asked for, hands on what was counted on which day. One part of an answer that is damaged or was not told
whole makes all of it unreadable: a day left out must not pass for a day with nothing.

Source: GetMetricData in the CloudWatch API reference, by which one call takes up to 500 metrics.
"""

import asyncio
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType
from typing import TypeAlias

from s3warden.collect.aspects import AspectRead
from s3warden.collect.regions import Listed, every_item
from s3warden.collect.services import ServiceReader
from s3warden.collect.shapes import Answer, ShapeError, one_of, sequence, text
from s3warden.model.bucket import AccountRef, Cause, Present, Reading, Unreadable

SERVICE = "cloudwatch"
NAMESPACE = "AWS/S3"
DAY = 86_400
_QUERIES = 500
_COMPLETE = "Complete"


@dataclass(frozen=True, slots=True, order=True)
class Series:
    """A metric of a bucket: its name, and the one dimension that it has beside the bucket's name."""

    bucket: str
    metric: str
    dimension: str
    value: str

    def query(self, name: str, statistic: str) -> Mapping[str, object]:
        """The question for its daily values, which the answer calls `name`."""
        dimensions = [{"Name": "BucketName", "Value": self.bucket}, {"Name": self.dimension, "Value": self.value}]
        metric = {"Namespace": NAMESPACE, "MetricName": self.metric, "Dimensions": dimensions}
        return {"Id": name, "MetricStat": {"Metric": metric, "Period": DAY, "Stat": statistic}}


Days: TypeAlias = Mapping[datetime, float]
Counted: TypeAlias = Mapping[Series, Days]
NO_DAYS: Days = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class _Part:
    """What one page says of one metric."""

    name: str
    status: str
    days: Days


def _part(item: Answer) -> _Part:
    stamps = [_time(each) for each in sequence(item.get("Timestamps", ()), "Timestamps")]
    values = [_count(each) for each in sequence(item.get("Values", ()), "Values")]
    if len(stamps) != len(values):
        raise ShapeError("there are not as many Values as Timestamps")
    status = one_of(item.get("StatusCode"), "StatusCode", _COMPLETE, "InternalError", "PartialData", "Forbidden")
    return _Part(text(item.get("Id"), "Id"), status, dict(zip(stamps, values, strict=True)))


def _time(value: object) -> datetime:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ShapeError("a Timestamp is no time")
    return value.astimezone(UTC)


def _count(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise ShapeError("a Value is no count")
    return value


DATA = AspectRead("GetMetricData", "cloudwatch:GetMetricData", _part)


async def daily(
    reader: ServiceReader,
    place: tuple[AccountRef, str],
    wanted: Collection[Series],
    statistic: str,
    span: tuple[datetime, datetime],
) -> Reading[Counted]:
    """What was counted of each of `wanted` in an account and region, by the beginnings of days in UTC."""
    ordered = sorted(wanted)
    chunks = [ordered[at : at + _QUERIES] for at in range(0, len(ordered), _QUERIES)]
    read = await asyncio.gather(*(_chunk(reader, place, chunk, statistic, span) for chunk in chunks))
    counted: dict[Series, Days] = {}
    for reading in read:
        if not isinstance(reading, Present):
            return reading
        counted |= reading.value
    return Present(counted)


async def _chunk(
    reader: ServiceReader,
    place: tuple[AccountRef, str],
    wanted: list[Series],
    statistic: str,
    span: tuple[datetime, datetime],
) -> Reading[Counted]:
    ref, region = place
    named = {f"m{number}": series for number, series in enumerate(wanted)}
    ask = partial(
        reader.service,
        ref,
        SERVICE,
        DATA.operation,
        region=region,
        MetricDataQueries=[series.query(name, statistic) for name, series in named.items()],
        StartTime=span[0],
        EndTime=span[1],
    )
    return _joined(named, await every_item(ask, DATA, _part, items="MetricDataResults", paging="NextToken"))


def _joined(named: Mapping[str, Series], parts: Listed[_Part]) -> Reading[Counted]:
    """The pages put together; of a metric the last page that speaks of it says whether that is all."""
    if isinstance(parts, Unreadable):
        return parts
    days: dict[str, dict[datetime, float]] = {}
    for part in parts:
        days.setdefault(part.name, {}).update(part.days)
    if days.keys() != named.keys():
        return Unreadable(Cause.MALFORMED, f"{DATA.operation}: other metrics were answered than were asked for")
    status = {part.name: part.status for part in parts}
    bad = next((each for each in status.values() if each != _COMPLETE), None)
    if bad is not None:
        return Unreadable(Cause.ERROR, f"{DATA.operation}: {bad}")
    return Present({named[name]: counted for name, counted in days.items()})
