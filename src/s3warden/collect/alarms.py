"""Reads the metric filters on the log groups that trails feed, and whether an alarm tells somebody of each.

Takes an account and regions, hands on readings. The log group may be in another region than the bucket, that of the
trail's home, and in another account, where nobody here can see its filters.

Source: the CloudWatch and CloudWatch Logs API references.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial

from s3warden.collect.aspects import AspectRead
from s3warden.collect.regions import Listed, by_region, every_item
from s3warden.collect.services import ServiceReader
from s3warden.collect.shapes import Answer, flag, mapping, optional_text, sequence, text
from s3warden.collect.trails import TrailReads
from s3warden.model.bucket import AccountRef, Present, Reading, Regional, Unreadable
from s3warden.model.services import MetricFilter, MetricFilters

_LOG_GROUP_PARTS = 7


@dataclass(frozen=True, slots=True)
class _Filter:
    name: str
    pattern: str
    metrics: tuple[tuple[str, str], ...]


def _filter(item: Answer) -> _Filter:
    metrics = [mapping(each, "transformation") for each in sequence(item.get("metricTransformations"), "metrics")]
    return _Filter(
        name=text(item.get("filterName"), "filterName"),
        # An empty pattern matches everything.
        pattern=optional_text(item.get("filterPattern"), "filterPattern") or "",
        metrics=tuple(
            (text(m.get("metricNamespace"), "namespace"), text(m.get("metricName"), "name")) for m in metrics
        ),
    )


def _tells(answer: Answer) -> bool:
    """Whether one of the alarms does something when it goes off."""
    alarms = [mapping(each, "alarm") for each in sequence(answer.get("MetricAlarms"), "MetricAlarms")]
    return any(
        flag(alarm.get("ActionsEnabled", True), "ActionsEnabled")
        and bool(sequence(alarm.get("AlarmActions") or (), "AlarmActions"))
        for alarm in alarms
    )


FILTERS = AspectRead(
    "DescribeMetricFilters",
    "logs:DescribeMetricFilters",
    _filter,
    absent_codes=frozenset({"ResourceNotFoundException"}),
)
ALARMS = AspectRead("DescribeAlarmsForMetric", "cloudwatch:DescribeAlarmsForMetric", _tells)


class AlarmReads:
    """Reads metric filters through `reader`, for the log groups that `trails` name."""

    def __init__(self, reader: ServiceReader, trails: TrailReads) -> None:
        self._reader = reader
        self._trails = trails

    async def of_account(self, ref: AccountRef, regions: Collection[str]) -> Present[Regional[MetricFilters]]:
        """The metric filters that see what happens in each region."""
        return await by_region(regions, partial(self._seeing, ref))

    async def _seeing(self, ref: AccountRef, region: str) -> Reading[MetricFilters]:
        listed = await self._trails.listed(ref, region)
        if not isinstance(listed, Present):
            return listed
        groups = sorted({trail.log_group for trail in listed.value.trails if trail.log_group})
        own = [group for group in groups if _account(group) == ref.account]
        read = await asyncio.gather(*(self._of_group(ref, group) for group in own))
        failed = next((each for each in read if isinstance(each, Unreadable)), None)
        if failed is not None:
            return failed
        filters = tuple(found for each in read if isinstance(each, tuple) for found in each)
        return Present(MetricFilters(filters, tuple(own)))

    async def _of_group(self, ref: AccountRef, group: str) -> Listed[MetricFilter]:
        region, name = group.split(":")[3], group.split(":")[6]
        ask = partial(self._reader.service, ref, "logs", FILTERS.operation, region=region, logGroupName=name)
        filters = await every_item(ask, FILTERS, _filter, items="metricFilters")
        if isinstance(filters, Unreadable):
            return filters
        read = await asyncio.gather(*(self._completed(ref, region, name, each) for each in filters))
        failed = next((each for each in read if isinstance(each, Unreadable)), None)
        return failed if failed is not None else tuple(each for each in read if isinstance(each, MetricFilter))

    async def _completed(self, ref: AccountRef, region: str, group: str, found: _Filter) -> MetricFilter | Unreadable:
        ask = partial(self._reader.service, ref, "cloudwatch", ALARMS.operation, region=region)
        read = await asyncio.gather(
            *(ALARMS.reading(ask(Namespace=space, MetricName=name)) for space, name in found.metrics)
        )
        failed = next((each for each in read if isinstance(each, Unreadable)), None)
        if failed is not None:
            return failed
        alarmed = any(isinstance(each, Present) and each.value for each in read)
        return MetricFilter(found.name, group, found.pattern, alarmed)


def _account(log_group: str) -> str:
    parts = log_group.split(":")
    return parts[4] if len(parts) >= _LOG_GROUP_PARTS else ""
