"""Whether somebody is told when buckets are changed: a metric filter on a trail's log group, with an alarm that acts.

The events are the nine that CIS AWS Foundations names. A filter counts where its pattern names the event; one that
matches everything would tell of everything, which is telling of nothing.
"""

import re

from s3warden.detect.mappings import CHANGE_ALARM
from s3warden.detect.regional import every_region
from s3warden.detect.rule import Example, Judgement, Kind, Rule, RuleOptions
from s3warden.detect.samples import DENIED, account_with
from s3warden.detect.service_samples import SOUND, here
from s3warden.model.bucket import Aspect, Present, Regional, State
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.rule import Category, RuleInfo
from s3warden.model.services import MetricFilter, MetricFilters

_EVENTS = (
    "PutBucketAcl",
    "PutBucketPolicy",
    "PutBucketCors",
    "PutBucketLifecycle",
    "PutBucketReplication",
    "DeleteBucketPolicy",
    "DeleteBucketCors",
    "DeleteBucketLifecycle",
    "DeleteBucketReplication",
)
PATTERN = '{ ($.eventSource = "s3.*") && (' + " || ".join(f"($.eventName = {name})" for name in _EVENTS) + ") }"
"""A filter of all nine, in the form that CIS gives it."""

_WORD = re.compile(r"\w+")


def untold(found: MetricFilters | None) -> str | None:
    """What nobody is told of, in words; None where an alarm tells of everything."""
    told = {word for each in (found.filters if found else ()) if each.alarmed for word in _WORD.findall(each.pattern)}
    missing = [name for name in _EVENTS if name not in told]
    if len(missing) == len(_EVENTS):
        return "no alarm"
    return f"no alarm for {', '.join(missing)}" if missing else None


def _check(state: State, _options: RuleOptions) -> Judgement:
    return every_region(
        state,
        Aspect.METRIC_FILTERS,
        MetricFilters,
        untold,
        good="Alarms tell of changes of buckets in every region with buckets.",
        bad="No alarm tells of changes of buckets in {}.",
    )


def _filters(pattern: str, *, alarmed: bool = True) -> Present[object]:
    return here(MetricFilters((MetricFilter("s3", "trail", pattern, alarmed),)))


CHANGE_ALARM_RULE = Rule(
    RuleInfo(
        id="account-bucket-change-alarm",
        title="No CloudWatch alarm tells of changes of buckets",
        severity=Severity.LOW,
        category=Category.LOGGING,
        needs=frozenset({Aspect.METRIC_FILTERS}),
        why=(
            "CIS asks for an alarm from CloudWatch on nine events of S3. "
            "Where s3warden hears the account's events it tells sooner and more exactly; then leave this rule out."
        ),
        cli=f"""\
# In account {{account}}, in the region of the trail's log group; TOPIC is an SNS topic that somebody reads:
aws logs put-metric-filter --log-group-name "${{LOG_GROUP:?}}" --filter-name bucket-changes \\
  --metric-transformations metricName=BucketChanges,metricNamespace=CIS,metricValue=1 \\
  --filter-pattern "$(cat pattern.txt)"
aws cloudwatch put-metric-alarm --alarm-name bucket-changes --namespace CIS --metric-name BucketChanges \\
  --statistic Sum --period 300 --threshold 1 --evaluation-periods 1 \\
  --comparison-operator GreaterThanOrEqualToThreshold --alarm-actions "${{TOPIC:?}}"
# pattern.txt is one line: the names {", ".join(_EVENTS[:4])},
# {", ".join(_EVENTS[4:7])},
# {", ".join(_EVENTS[7:])}, each as ($.eventName = NAME) with || between them, in braces.""",
        terraform="""\
resource "aws_cloudwatch_log_metric_filter" "bucket_changes" {
  name           = "bucket-changes"
  log_group_name = var.trail_log_group
  pattern        = var.pattern
  metric_transformation {
    name      = "BucketChanges"
    namespace = "CIS"
    value     = "1"
  }
}

resource "aws_cloudwatch_metric_alarm" "bucket_changes" {
  alarm_name          = "bucket-changes"
  namespace           = "CIS"
  metric_name         = "BucketChanges"
  statistic           = "Sum"
  period              = 300
  threshold           = 1
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  alarm_actions       = [var.topic]
}""",
        console="""\
Open CloudWatch in account {account}, Log groups, that of the trail, Metric filters: Create metric filter.
Enter a pattern with the nine names of events, then choose Create alarm with an SNS topic.""",
        cloudformation="""\
BucketChanges:
  Type: AWS::Logs::MetricFilter
  Properties:
    LogGroupName: trail-log-group
    FilterPattern: "{ ($.eventName = PutBucketAcl) || ($.eventName = PutBucketPolicy) }"
    MetricTransformations:
      - {MetricName: BucketChanges, MetricNamespace: CIS, MetricValue: "1"}
# And an AWS::CloudWatch::Alarm on it, with AlarmActions.""",
        verify="""\
aws logs describe-metric-filters --log-group-name "${LOG_GROUP:?}" --query "metricFilters[].filterPattern"
# Expect: a pattern with all nine events.
aws cloudwatch describe-alarms-for-metric --namespace CIS --metric-name BucketChanges \\
  --query "MetricAlarms[].AlarmActions"
# Expect: at least one action.""",
        maps=maps({**CHANGE_ALARM, Framework.PROWLER: "cloudwatch_log_metric_filter_for_s3_bucket_policy_changes"}),
        default=False,
        references=(
            "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudwatch-alarms-for-cloudtrail.html",
        ),
    ),
    Kind.ACCOUNT,
    _check,
    (
        Example("all nine", account_with(SOUND), Verdict.PASS),
        Example("the pattern as CIS writes it", account_with({Aspect.METRIC_FILTERS: _filters(PATTERN)}), Verdict.PASS),
        Example("some", account_with({Aspect.METRIC_FILTERS: _filters("PutBucketAcl")}), Verdict.FAIL),
        Example(
            "an alarm that does nothing",
            account_with({Aspect.METRIC_FILTERS: _filters(PATTERN, alarmed=False)}),
            Verdict.FAIL,
        ),
        Example("no buckets", account_with({Aspect.METRIC_FILTERS: Present(Regional(()))}), Verdict.NOT_APPLICABLE),
        Example("unreadable", account_with({Aspect.METRIC_FILTERS: here(DENIED)}), Verdict.UNKNOWN),
    ),
)

RULES = (CHANGE_ALARM_RULE,)
