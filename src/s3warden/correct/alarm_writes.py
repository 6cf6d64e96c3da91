"""The writes of an alarm on what a trail records: a metric filter on its log group, an alarm that acts on the metric.

A filter is at the place `REGION:LOG_GROUP`, an alarm at the region; both have one name there, which is ours. What had
that name before is put back by the undo. Pure: it calls nobody.

Sources: the CloudWatch Logs and CloudWatch API references; their service authorization references.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from s3warden.collect import alarms
from s3warden.collect.aspects import AspectRead
from s3warden.collect.shapes import Answer, mapping, sequence
from s3warden.correct.remedy import Edit
from s3warden.correct.service_row import Asked, ServiceWriting
from s3warden.model.bucket import Present, Reading, Regional
from s3warden.model.services import MetricFilter, MetricFilters

NAME = "s3warden-bucket-changes"
"""The name of the filter and of the alarm that a fix makes."""

FILTERS, ALARMS = "metricFilters", "MetricAlarms"
"""The parts of the answers that list filters and alarms."""

_NAMED_BY: Mapping[str, str] = MappingProxyType({FILTERS: "filterName", ALARMS: "AlarmName"})
# What PutMetricFilter and PutMetricAlarm take of what is answered.
_OF_FILTER = (
    "filterPattern",
    "metricTransformations",
    "applyOnTransformedLogs",
    "fieldSelectionCriteria",
    "emitSystemFieldDimensions",
)
_OF_ALARM = (
    "AlarmDescription",
    "ActionsEnabled",
    "OKActions",
    "AlarmActions",
    "InsufficientDataActions",
    "MetricName",
    "Namespace",
    "Statistic",
    "ExtendedStatistic",
    "Dimensions",
    "Period",
    "Unit",
    "EvaluationPeriods",
    "DatapointsToAlarm",
    "Threshold",
    "ComparisonOperator",
    "TreatMissingData",
    "EvaluateLowSampleCountPercentile",
    "Metrics",
    "ThresholdMetricId",
)


def ours(answer: Answer, listed: str) -> Answer | None:
    """That of a list of filters or alarms which has our name. Raises ShapeError."""
    items = (mapping(item, listed) for item in sequence(answer.get(listed), listed))
    return next((item for item in items if item.get(_NAMED_BY[listed]) == NAME), None)


def filter_of(answer: Answer) -> Answer | None:
    """Our filter as it is put, without what is empty; None where the answer has none."""
    found = ours(answer, FILTERS)
    return None if found is None else {name: found[name] for name in _OF_FILTER if found.get(name)}


def alarm_of(answer: Answer) -> Answer | None:
    """Our alarm as it is put, without what is empty; None where the answer has none."""
    found = ours(answer, ALARMS)
    return None if found is None else {name: found[name] for name in _OF_ALARM if found.get(name) not in (None, [], "")}


def _filter(place: str, before: Answer | None, after: Answer) -> tuple[Asked, Asked, Asked]:
    group = {"logGroupName": place.partition(":")[2]}
    named = {**group, "filterName": NAME}
    back: Asked = ("DeleteMetricFilter", named)
    known = None if before is None else filter_of(before)
    if known is not None:
        # A pattern that matches everything is an empty one.
        back = "PutMetricFilter", {**named, "filterPattern": "", **known}
    put = {**named, **(filter_of(after) or {})}
    return ("DescribeMetricFilters", {**group, "filterNamePrefix": NAME}), ("PutMetricFilter", put), back


def _alarm(_place: str, before: Answer | None, after: Answer) -> tuple[Asked, Asked, Asked]:
    named: Mapping[str, object] = {"AlarmName": NAME}
    known = None if before is None else alarm_of(before)
    back: Asked = ("DeleteAlarms", {"AlarmNames": [NAME]})
    if known is not None:
        back = "PutMetricAlarm", {**named, **known}
    put = {**named, **(alarm_of(after) or {})}
    return ("DescribeAlarms", {"AlarmNames": [NAME], "AlarmTypes": ["MetricAlarm"]}), ("PutMetricAlarm", put), back


def _filter_left(reading: Reading[object], edit: Edit) -> Reading[object]:
    """The filter is there in every region whose trails feed the log group, and nobody is told by it yet."""
    region, _, group = str(edit.place).partition(":")
    known = None if edit.after is None else filter_of(edit.after)
    pattern = str((known or {}).get("filterPattern", ""))

    def seen(found: MetricFilters) -> MetricFilters:
        if not any(arn.split(":")[3] == region and arn.split(":")[6] == group for arn in found.log_groups):
            return found
        others = tuple(each for each in found.filters if (each.name, each.log_group) != (NAME, group))
        return replace(found, filters=(*others, MetricFilter(NAME, group, pattern, alarmed=False)))

    return _each(reading, seen)


def _alarm_left(reading: Reading[object], edit: Edit) -> Reading[object]:
    """The alarm acts on what our filters of its region count."""

    def seen(found: MetricFilters) -> MetricFilters:
        groups = {arn.split(":")[6] for arn in found.log_groups if arn.split(":")[3] == edit.place}
        return replace(
            found,
            filters=tuple(
                replace(each, alarmed=True) if each.name == NAME and each.log_group in groups else each
                for each in found.filters
            ),
        )

    return _each(reading, seen)


def _each(reading: Reading[object], change: Callable[[MetricFilters], MetricFilters]) -> Reading[object]:
    if not isinstance(reading, Present) or not isinstance(reading.value, Regional):
        return reading

    def changed(old: Reading[object]) -> Reading[object]:
        if not isinstance(old, Present) or not isinstance(old.value, MetricFilters):
            return old
        return Present(change(old.value))

    return Present(Regional(tuple((where, changed(old)) for where, old in reading.value)))


ROWS = (
    ServiceWriting(
        "logs",
        AspectRead(
            alarms.FILTERS.operation, alarms.FILTERS.iam_action, filter_of, absent_codes=alarms.FILTERS.absent_codes
        ),
        filter_of,
        _filter,
        _filter_left,
        ("logs:PutMetricFilter", "logs:DeleteMetricFilter"),
        takes=lambda place: ":" in place,
    ),
    ServiceWriting(
        "cloudwatch",
        AspectRead("DescribeAlarms", "cloudwatch:DescribeAlarms", alarm_of),
        alarm_of,
        _alarm,
        _alarm_left,
        ("cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms"),
    ),
)
