"""An alarm that tells of changes of buckets, on what a trail of the account hands to CloudWatch Logs.

Source: "Creating CloudWatch alarms for CloudTrail events" in the CloudTrail user guide, for the form of the filter.
"""

from collections.abc import Iterator

from s3warden.correct.alarm_writes import ALARMS, FILTERS, NAME
from s3warden.correct.remedy import Edit, Remedy, Scene
from s3warden.correct.service_writes import actions_on
from s3warden.detect.rule import configured
from s3warden.detect.rules.change_alarm import PATTERN, untold
from s3warden.model.action import Declined, Risk
from s3warden.model.bucket import Aspect, Present, Regional
from s3warden.model.services import MetricFilters
from s3warden.model.trails import Trails

_NAMESPACE, _METRIC = "s3warden", "BucketChanges"


def _alarmed(scene: Scene) -> tuple[Edit, ...] | Declined:
    topic = scene.wanted.alarm_topic
    if topic is None:
        return Declined("no_topic", "Whom an alarm tells is not set: remediation.alarm_topic.")
    groups: set[tuple[str, str]] = set()
    for region, found in _silent(scene):
        arn = _log_group(scene, region, found)
        if arn is None:
            return Declined("no_log_group", f"No trail that records {region} feeds a log group of this account.")
        groups.add((arn.split(":")[3], arn.split(":")[6]))
    filters = tuple(
        Edit(
            Aspect.METRIC_FILTERS,
            {FILTERS: [_filter(group)]},
            f"Count changes of buckets in the log group {group} in {region}",
            place=f"{region}:{group}",
        )
        for region, group in sorted(groups)
    )
    return (*filters, *(_alarm(scene, topic, region) for region in sorted({region for region, _ in groups})))


def _silent(scene: Scene) -> Iterator[tuple[str, MetricFilters]]:
    """The regions in which nobody is told of all that the rule asks for."""
    regional = configured(scene.state, Aspect.METRIC_FILTERS, Regional)
    for region, reading in regional if regional is not None else ():
        if isinstance(reading, Present) and isinstance(reading.value, MetricFilters) and untold(reading.value):
            yield region, reading.value


def _log_group(scene: Scene, region: str, found: MetricFilters) -> str | None:
    """The ARN of a log group of the account that a trail at work feeds with the region's events."""
    regional = configured(scene.state, Aspect.TRAILS, Regional)
    trails = next((reading for where, reading in regional if where == region), None) if regional is not None else None
    listed = trails.value.trails if isinstance(trails, Present) and isinstance(trails.value, Trails) else ()
    fed = {t.log_group for t in listed if isinstance(t.status, Present) and t.status.value.logging}
    return next((arn for arn in found.log_groups if arn in fed), None)


def _filter(group: str) -> dict[str, object]:
    metric = {"metricName": _METRIC, "metricNamespace": _NAMESPACE, "metricValue": "1"}
    return {"filterName": NAME, "logGroupName": group, "filterPattern": PATTERN, "metricTransformations": [metric]}


def _alarm(scene: Scene, topic: str, region: str) -> Edit:
    named = topic.replace("{account}", scene.state.ref.account).replace("{region}", region)
    alarm = {
        "AlarmName": NAME,
        "AlarmDescription": "Somebody changed how a bucket is protected.",
        "ActionsEnabled": True,
        "AlarmActions": [named],
        "Namespace": _NAMESPACE,
        "MetricName": _METRIC,
        "Statistic": "Sum",
        "Period": 300,
        "EvaluationPeriods": 1,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
    }
    return Edit(
        Aspect.METRIC_FILTERS,
        {ALARMS: [alarm]},
        f"Tell {named} of changes of buckets",
        place=region,
        doubts=(f"whether the topic {named} takes what an alarm tells",),
    )


ALARM = Remedy(
    id="alarm-bucket-changes",
    title="Have an alarm tell of changes of buckets",
    rules=frozenset({"account-bucket-change-alarm"}),
    reads=frozenset({Aspect.METRIC_FILTERS, Aspect.TRAILS}),
    risk=Risk.LOW,
    risk_text="The metric and the alarm cost by the month, and whoever reads the topic gets more messages.",
    iam_actions=actions_on(Aspect.METRIC_FILTERS),
    plan=_alarmed,
)

REMEDIES = (ALARM,)
