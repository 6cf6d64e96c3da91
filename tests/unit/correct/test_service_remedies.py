"""Security services and trails: looked at through the readers, planned, and what they would be read as afterwards."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from s3warden.aws.errors import AwsError
from s3warden.collect.cache import Cache
from s3warden.correct import planning
from s3warden.correct.look import Looks
from s3warden.correct.plans import Plans
from s3warden.correct.prediction import predicted
from s3warden.correct.remedies import remedies_for
from s3warden.correct.remedy import DEFAULT_WANTED, Look, Scene, Wanted
from s3warden.correct.render_plan import as_cli, as_terraform
from s3warden.detect.evaluate import evaluate
from s3warden.detect.rule import DEFAULT_OPTIONS, Judgement, Kind, Rule, configured, fails, passes
from s3warden.detect.rules import find
from s3warden.detect.samples import ACCOUNT
from s3warden.model.action import Declined, Planned, RemediationPlan
from s3warden.model.bucket import AccountRef, Aspect, Present, Regional, State, Subject
from s3warden.model.finding import Verdict
from s3warden.model.trails import Selectors, Trails
from support.scenes import BUCKET, MADE_AT, finding, only
from support.service_answers import KEY, Service, key_answers

REGIONS = ("eu-west-1", "us-east-1")
MACIE_OFF = AwsError("AccessDeniedException", "Macie is not enabled", status=403)
TRAIL = f"arn:aws:cloudtrail:eu-west-1:{ACCOUNT.account}:trail/main"
MANAGEMENT = {"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": []}


def broken(rule_id: str, seen: State) -> Rule:
    """A rule of this id that fails for the state that was seen, and for no other."""

    def check(state: State, _options: object) -> Judgement:
        return fails("It is off.") if state is seen else passes("It is on.")

    kind = Kind.ACCOUNT if isinstance(seen.ref, AccountRef) else Kind.BUCKET
    info = find("account-public-access-block" if kind is Kind.ACCOUNT else "bucket-versioning").info
    return Rule(replace(info, id=rule_id, needs=frozenset(), hints=frozenset()), kind, check)


async def planned_for(
    rule_id: str, subject: Subject, answers: Mapping[str, Any], wanted: Wanted = DEFAULT_WANTED
) -> tuple[Planned, Look]:
    """What is planned, by a look through the real readers."""
    reads = frozenset[Aspect]().union(*(remedy.reads for remedy in remedies_for(rule_id)))
    aspects = find(rule_id).info.needs | find(rule_id).info.hints | reads
    look = await Looks(Service(answers), cache=Cache()).at(subject, aspects | {Aspect.ENCRYPTION}, REGIONS)
    rule = broken(rule_id, look.state)
    return planning.plan(finding(rule_id, subject), look, rule=rule, made_at=MADE_AT, wanted=wanted), look


async def made_for(
    rule_id: str, subject: Subject, answers: Mapping[str, Any], wanted: Wanted = DEFAULT_WANTED
) -> tuple[RemediationPlan, State]:
    """The plan, and the state that its edits would leave behind, in which the rule of that id passes."""
    found, look = await planned_for(rule_id, subject, answers, wanted)
    assert isinstance(found, RemediationPlan), found
    rule = broken(rule_id, look.state)
    edits = remedies_for(rule_id)[0].plan(Scene(finding(rule_id, subject), rule, look, wanted=wanted))
    assert not isinstance(edits, Declined)
    after = predicted(look, edits, DEFAULT_OPTIONS)
    real = find(rule_id)
    [before], [mended] = (evaluate((real,), state) for state in (look.state, after))
    assert (before.verdict, mended.verdict) == (Verdict.FAIL, Verdict.PASS), (before, mended)
    return found, after


async def reason_for(
    rule_id: str, subject: Subject, answers: Mapping[str, Any], wanted: Wanted = DEFAULT_WANTED
) -> str:
    """Why nothing is planned."""
    found, _ = await planned_for(rule_id, subject, answers, wanted)
    assert isinstance(found, Declined), found
    return found.reason


def region_of(state: State, aspect: Aspect, region: str) -> Any:
    """The value in one region."""
    found = configured(state, aspect, Regional)
    assert found is not None
    reading = dict(found)[region]
    assert isinstance(reading, Present)
    return reading.value


async def test_macie_is_switched_on_where_it_is_off_or_paused() -> None:
    """Each region in its own way, and taken back in its own."""
    answers = {
        "GetMacieSession eu-west-1": MACIE_OFF,
        "GetMacieSession us-east-1": {"status": "PAUSED", "createdAt": 1},
    }
    made, after = await made_for("account-macie-enabled", ACCOUNT, answers)
    on, resumed = made.steps
    assert (on.attribute, on.call.operation, on.call.region) == ("macie:eu-west-1", "EnableMacie", "eu-west-1")
    assert (on.inverse.operation, on.before, on.after) == ("DisableMacie", None, '{"status":"ENABLED"}')
    assert (resumed.call.operation, resumed.call.region) == ("UpdateMacieSession", "us-east-1")
    assert resumed.inverse.arguments == {"status": "PAUSED"}
    assert [region_of(after, Aspect.MACIE, region).status for region in REGIONS] == ["ENABLED", "ENABLED"]


async def test_macie_that_is_off_answers_an_error() -> None:
    """Told by its words; a step knows it for "not configured"."""
    made, _ = await made_for("account-macie-enabled", ACCOUNT, {"GetMacieSession": MACIE_OFF})
    assert await Looks(Service({"GetMacieSession": MACIE_OFF})).now(ACCOUNT, made.steps[0]) is None
    denied = Service({"GetMacieSession": AwsError("AccessDeniedException", "no", status=403)})
    with pytest.raises(AwsError, match="no"):
        await Looks(denied).now(ACCOUNT, made.steps[0])


async def test_macie_discovery_needs_macie() -> None:
    """Where Macie is off another fix comes first."""
    rule_id = "account-macie-auto-discovery"
    made, _ = await made_for(rule_id, ACCOUNT, {"GetAutomatedDiscoveryConfiguration": {"status": "DISABLED"}})
    assert [step.call.arguments for step in made.steps] == [{"status": "ENABLED"}] * 2
    assert [step.inverse.arguments for step in made.steps] == [{"status": "DISABLED"}] * 2
    assert await reason_for(rule_id, ACCOUNT, {"GetAutomatedDiscoveryConfiguration": MACIE_OFF}) == "macie_off"


async def test_analyzer_is_created_where_none_works() -> None:
    """One of another kind, or one that works already, is left alone."""
    works = {"arn": "arn:a", "name": "mine", "type": "ACCOUNT", "status": "ACTIVE"}
    answers = {"ListAnalyzers eu-west-1": {"analyzers": [works]}, "ListAnalyzers": {"analyzers": []}}
    made, after = await made_for("account-access-analyzer", ACCOUNT, answers)
    step = only(made)
    assert (step.call.region, step.call.arguments) == ("us-east-1", {"analyzerName": "s3warden", "type": "ACCOUNT"})
    assert (step.inverse.operation, step.before) == ("DeleteAnalyzer", None)
    assert region_of(after, Aspect.ANALYZERS, "us-east-1").active
    none = Service({"GetAnalyzer": AwsError("ResourceNotFoundException", status=404)})
    assert await Looks(none).now(ACCOUNT, step) is None
    there = Service({"GetAnalyzer": {"analyzer": {**works, "name": "s3warden", "createdAt": 1}}})
    assert await Looks(there).now(ACCOUNT, step) == step.after
    failed = {"ListAnalyzers": {"analyzers": [{**works, "name": "s3warden", "status": "FAILED"}]}}
    assert await reason_for("account-access-analyzer", ACCOUNT, failed) == "analyzer_broken"


DETECTOR = {"Status": "ENABLED", "Features": [{"Name": "RDS_LOGIN_EVENTS", "Status": "ENABLED"}]}


async def test_guardduty_looks_at_s3_beside_what_it_looks_at() -> None:
    """One feature alone is written; older answers know data sources."""
    answers = {"ListDetectors": {"DetectorIds": ["d1"]}, "GetDetector": DETECTOR, "GetAdministratorAccount": {}}
    made, after = await made_for("account-guardduty-s3", ACCOUNT, answers)
    step = made.steps[0]
    assert step.call.arguments == {"DetectorId": "d1", "Features": [{"Name": "S3_DATA_EVENTS", "Status": "ENABLED"}]}
    assert step.inverse.arguments["Features"] == [{"Name": "S3_DATA_EVENTS", "Status": "DISABLED"}]
    assert region_of(after, Aspect.GUARDDUTY, "eu-west-1").s3_events
    old = {**answers, "GetDetector": {"Status": "ENABLED", "DataSources": {"S3Logs": {"Status": "DISABLED"}}}}
    made, after = await made_for("account-guardduty-s3", ACCOUNT, old)
    assert made.steps[0].call.arguments["DataSources"] == {"S3Logs": {"Enable": True}}
    assert region_of(after, Aspect.GUARDDUTY, "eu-west-1").s3_events


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({"ListDetectors": {"DetectorIds": []}}, "no_detector"),
        (
            {"ListDetectors": {"DetectorIds": ["d"]}, "GetDetector": {**DETECTOR, "Status": "DISABLED"}},
            "detector_suspended",
        ),
        ({"ListDetectors": {"DetectorIds": ["d"]}}, "unreadable"),
        ({"ListDetectors": {"DetectorIds": ["d"]}, "GetDetector": DETECTOR}, "unreadable"),
        (
            {
                "ListDetectors": {"DetectorIds": ["d"]},
                "GetDetector": DETECTOR,
                "GetAdministratorAccount": {"Administrator": {"AccountId": "444455556666"}},
            },
            "detector_managed",
        ),
    ],
)
async def test_guardduty_itself_is_switched_on_by_people(answers: Mapping[str, Any], reason: str) -> None:
    """What was never set up, was suspended by somebody, or is another account's to decide, is not done."""
    assert await reason_for("account-guardduty-s3", ACCOUNT, answers) == reason


async def test_key_is_rotated() -> None:
    """In its own region; the key keeps its name."""
    made, after = await made_for("bucket-kms-key-rotation", BUCKET, key_answers())
    step = only(made)
    assert step.attribute == f"key_rotation:{KEY}"
    assert (step.call.operation, step.call.arguments, step.call.region) == (
        "EnableKeyRotation",
        {"KeyId": KEY},
        "eu-west-1",
    )
    assert (step.inverse.operation, step.before, step.undone) == (
        "DisableKeyRotation",
        '{"KeyRotationEnabled":false}',
        '{"KeyRotationEnabled":false}',
    )
    assert after.reading(Aspect.KEY_ROTATION).value.enabled  # type: ignore[union-attr]


async def test_key_of_another_account_or_out_of_use_is_left_alone() -> None:
    """Its rotation is its owner's business."""
    foreign = key_answers(Arn=KEY.replace(ACCOUNT.account, "444455556666"))
    assert await reason_for("bucket-kms-key-rotation", BUCKET, foreign) == "foreign_key"
    assert await reason_for("bucket-kms-key-rotation", BUCKET, key_answers(KeyState="Disabled")) == "key_unusable"


async def test_disabled_key_is_enabled_and_a_dying_one_is_not() -> None:
    """To take back the end of a deletion would be to delete the key."""
    made, after = await made_for("bucket-kms-key-usable", BUCKET, key_answers(KeyState="Disabled"))
    step = only(made)
    assert (step.call.operation, step.inverse.operation) == ("EnableKey", "DisableKey")
    assert (step.before, step.after) == ('{"KeyState":"Disabled"}', '{"KeyState":"Enabled"}')
    assert after.reading(Aspect.DEFAULT_KEY).value.state == "Enabled"  # type: ignore[union-attr]
    assert made.effect.unknown[0] == "whether the key was disabled on purpose"
    waits = key_answers(KeyState="PendingImport")
    assert await reason_for("bucket-kms-key-usable", BUCKET, waits) == "key_unusable"


async def test_dying_key_is_left_to_a_person_who_is_told_how() -> None:
    """With the day, and the commands that cancel the deletion."""
    dying = key_answers(KeyState="PendingDeletion", DeletionDate=datetime(2026, 12, 24, tzinfo=UTC))
    found, _ = await planned_for("bucket-kms-key-usable", BUCKET, dying)
    assert isinstance(found, Declined)
    assert found.reason == "key_dying"
    assert "on 2026-12-24" in found.detail
    for command in ("cancel-key-deletion", "enable-key"):
        assert f"`aws kms {command} --key-id {KEY} --region eu-west-1`" in found.detail


def trail_answers(selectors: Mapping[str, Any], **more: object) -> dict[str, Any]:
    """A bucket in the region of a trail that records."""
    trail = {"TrailARN": TRAIL, "Name": "main", "HomeRegion": "eu-west-1", "S3BucketName": "trail-logs", **more}
    return {
        "DescribeTrails": {"trailList": [trail]},
        "GetTrailStatus": {"IsLogging": True},
        "GetEventSelectors": {"TrailARN": TRAIL, **selectors},
        "ListEventDataStores": {"EventDataStores": []},
    }


async def test_data_events_are_recorded_beside_what_a_classic_trail_records() -> None:
    """In a selector of their own, which the next bucket shares."""
    answers = trail_answers({"EventSelectors": [MANAGEMENT]})
    made, after = await made_for("bucket-object-events-write", BUCKET, answers)
    step = only(made)
    own = {"Type": "AWS::S3::Object", "Values": [f"{BUCKET.arn}/"]}
    ours = {"ReadWriteType": "WriteOnly", "IncludeManagementEvents": False, "DataResources": [own]}
    assert step.call.arguments == {"TrailName": TRAIL, "EventSelectors": [MANAGEMENT, ours]}
    assert step.inverse.arguments == {"TrailName": TRAIL, "EventSelectors": [MANAGEMENT]}
    assert step.call.region == "eu-west-1"
    shared = {**ours, "DataResources": [{**own, "Values": ["arn:aws:s3:::another/"]}]}
    more, _ = await made_for(
        "bucket-object-events-write", BUCKET, trail_answers({"EventSelectors": [MANAGEMENT, shared]})
    )
    both = {**ours, "DataResources": [{**own, "Values": ["arn:aws:s3:::another/", f"{BUCKET.arn}/"]}]}
    assert only(more).call.arguments["EventSelectors"] == [MANAGEMENT, both]
    trails = region_of(after.account, Aspect.TRAILS, "eu-west-1")  # type: ignore[union-attr, arg-type]
    assert isinstance(trails, Trails)
    assert isinstance(trails.trails[0].selectors, Present)
    assert isinstance(trails.trails[0].selectors.value, Selectors)
    assert len(trails.trails[0].selectors.value.basic) == 2


async def test_data_events_are_recorded_by_an_advanced_selector() -> None:
    """Reads too where a rule asks for them; selectors of others stay in their places."""
    theirs = {"Name": "theirs", "FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}
    answers = trail_answers({"AdvancedEventSelectors": [theirs]})
    made, _ = await made_for("bucket-object-events-write", BUCKET, answers)
    written: Any = only(made).call.arguments["AdvancedEventSelectors"]
    kept, ours = written
    assert kept == theirs
    assert {field["Field"]: field for field in ours["FieldSelectors"]}["resources.ARN"]["StartsWith"] == [
        f"{BUCKET.arn}/"
    ]
    assert any(field["Field"] == "readOnly" for field in ours["FieldSelectors"])
    reads, _ = await made_for("bucket-object-events-read", BUCKET, answers)
    more: Any = only(reads).call.arguments["AdvancedEventSelectors"]
    both = more[1]
    assert not any(field["Field"] == "readOnly" for field in both["FieldSelectors"])


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (trail_answers({"EventSelectors": [MANAGEMENT]}, S3BucketName=BUCKET.name), "trail_bucket"),
        (trail_answers({"EventSelectors": []}), "no_selectors"),
        ({**trail_answers({"EventSelectors": [MANAGEMENT]}), "GetTrailStatus": {"IsLogging": False}}, "no_trail"),
        (
            trail_answers({"EventSelectors": [MANAGEMENT]}, TrailARN=TRAIL.replace(ACCOUNT.account, "444455556666")),
            "no_trail",
        ),
        (trail_answers({"EventSelectors": [{**MANAGEMENT, "ReadWriteType": "ReadOnly"}] * 5}), "trail_full"),
        (
            trail_answers(
                {
                    "AdvancedEventSelectors": [
                        {"Name": "all", "FieldSelectors": [{"Field": "eventName", "Equals": ["x"] * 500}]}
                    ]
                }
            ),
            "trail_full",
        ),
    ],
)
async def test_trail_that_cannot_take_it_is_left_alone(answers: Mapping[str, Any], reason: str) -> None:
    """Least of all one that would record the bucket it writes into."""
    assert await reason_for("bucket-object-events-write", BUCKET, answers) == reason


ALARM = "account-bucket-change-alarm"
TO_TOPIC = Wanted(alarm_topic="arn:aws:sns:{region}:{account}:security")
GROUP = f"arn:aws:logs:eu-west-1:{ACCOUNT.account}:log-group:/aws/trail:*"
OTHERS = {
    "filterName": "errors",
    "filterPattern": "",
    "metricTransformations": [{"metricName": "E", "metricNamespace": "N", "metricValue": "1"}],
    "logGroupName": "/aws/trail",
}


def alarm_answers(*filters: Mapping[str, Any], **more: object) -> dict[str, Any]:
    """A trail of all regions that feeds a log group, with these filters and no alarm."""
    feeding = {"IsMultiRegionTrail": True, "CloudWatchLogsLogGroupArn": GROUP}
    return {
        **trail_answers({"EventSelectors": [MANAGEMENT]}, **feeding),
        "DescribeMetricFilters": {"metricFilters": [OTHERS, *filters]},
        "DescribeAlarmsForMetric": {"MetricAlarms": []},
        **more,
    }


async def test_one_alarm_tells_of_changes_in_all_regions_of_a_trail() -> None:
    """A filter on its log group and an alarm beside it, each by a name of ours; the undo deletes both."""
    made, after = await made_for(ALARM, ACCOUNT, alarm_answers(), TO_TOPIC)
    count, tell = made.steps
    assert (count.attribute, tell.attribute) == ("metric_filters:eu-west-1:/aws/trail", "metric_filters:eu-west-1")
    assert {call.region for step in made.steps for call in (step.read, step.call, step.inverse)} == {"eu-west-1"}
    assert (count.before, count.undone, tell.before, tell.undone) == (None, None, None, None)
    named = {"logGroupName": "/aws/trail", "filterName": "s3warden-bucket-changes"}
    assert (count.inverse.operation, count.inverse.arguments) == ("DeleteMetricFilter", named)
    assert (tell.inverse.operation, tell.inverse.arguments) == ("DeleteAlarms", {"AlarmNames": [named["filterName"]]})
    assert tell.call.arguments["AlarmActions"] == [f"arn:aws:sns:eu-west-1:{ACCOUNT.account}:security"]
    metric: Any = count.call.arguments["metricTransformations"]
    assert (tell.call.arguments["Namespace"], tell.call.arguments["MetricName"]) == (
        metric[0]["metricNamespace"],
        metric[0]["metricName"],
    )
    assert [len(region_of(after, Aspect.METRIC_FILTERS, region).filters) for region in REGIONS] == [2, 2]
    assert not made.effect.safe


async def test_filter_and_alarm_of_our_names_are_put_right_and_back() -> None:
    """What somebody made of them is restored to the letter, the empty pattern included."""
    metric = {"metricName": "BucketChanges", "metricNamespace": "s3warden", "metricValue": "1"}
    known = {
        "filterName": "s3warden-bucket-changes",
        "logGroupName": "/aws/trail",
        "metricTransformations": [{**metric, "defaultValue": 0.0}],
        "creationTime": 1,
    }
    quiet = {
        "AlarmName": "s3warden-bucket-changes",
        "AlarmArn": "arn:aws:cloudwatch:x",
        "StateValue": "OK",
        "ActionsEnabled": False,
        "AlarmActions": ["arn:theirs"],
        "OKActions": [],
        "MetricName": "BucketChanges",
        "Namespace": "s3warden",
        "Period": 60,
        "Threshold": 2.0,
    }
    answers = alarm_answers(known, DescribeAlarmsForMetric={"MetricAlarms": [quiet]})
    made, _ = await made_for(ALARM, ACCOUNT, answers, TO_TOPIC)
    count, tell = made.steps
    assert (count.inverse.operation, tell.inverse.operation) == ("PutMetricFilter", "PutMetricAlarm")
    assert count.inverse.arguments == {
        "logGroupName": "/aws/trail",
        "filterName": "s3warden-bucket-changes",
        "filterPattern": "",
        "metricTransformations": [{**metric, "defaultValue": 0.0}],
    }
    assert tell.inverse.arguments == {
        key: value for key, value in quiet.items() if key not in {"AlarmArn", "StateValue", "OKActions"}
    }
    there = Service({"DescribeAlarms": {"MetricAlarms": [quiet]}, "DescribeMetricFilters": {"metricFilters": [known]}})
    assert await Looks(there).now(ACCOUNT, count) == count.before == count.undone
    assert await Looks(there).now(ACCOUNT, tell) == tell.before == tell.undone


async def test_alarm_needs_somebody_to_tell_and_something_to_tell_of() -> None:
    """A topic of the settings, and a log group of the account that a trail at work feeds."""
    assert await reason_for(ALARM, ACCOUNT, alarm_answers()) == "no_topic"
    stopped = alarm_answers(GetTrailStatus={"IsLogging": False})
    assert await reason_for(ALARM, ACCOUNT, stopped, TO_TOPIC) == "no_log_group"
    elsewhere = alarm_answers()
    [trail] = elsewhere["DescribeTrails"]["trailList"]
    theirs = {**trail, "CloudWatchLogsLogGroupArn": GROUP.replace(ACCOUNT.account, "444455556666")}
    shared = {**elsewhere, "DescribeTrails": {"trailList": [theirs]}}
    assert await reason_for(ALARM, ACCOUNT, shared, TO_TOPIC) == "no_log_group"
    blind = alarm_answers(DescribeMetricFilters=AwsError("AccessDenied"))
    assert await reason_for(ALARM, ACCOUNT, blind, TO_TOPIC) == "unreadable"


async def test_alarm_is_printed_as_commands_and_as_code() -> None:
    """With the pattern in quotes of the shell, and of HCL."""
    made, _ = await made_for(ALARM, ACCOUNT, alarm_answers(), TO_TOPIC)
    cli, code = "\n".join(as_cli(made)), "\n".join(as_terraform(made))
    assert "aws logs put-metric-filter" in cli
    assert """--filter-pattern '{ ($.eventSource = "s3.*") && (""" in cli
    assert "aws cloudwatch delete-alarms" in cli
    assert 'resource "aws_cloudwatch_log_metric_filter" "eu-west-1__aws_trail" {' in code
    assert '  pattern = "{ ($.eventSource = \\"s3.*\\") && (' in code
    assert 'resource "aws_cloudwatch_metric_alarm" "eu-west-1" {' in code
    assert f'  alarm_actions = ["arn:aws:sns:eu-west-1:{ACCOUNT.account}:security"]' in code
    assert "  threshold = 1" in code


def rereading(answers: Mapping[str, Any]) -> Plans:
    """The planner of the daemon over these answers."""
    return Plans(Looks(Service(answers), cache=Cache()), lambda: DEFAULT_OPTIONS, Wanted(), lambda _account: REGIONS)


async def test_a_service_that_is_still_off_is_seen_to_be() -> None:
    """In every region where the account has buckets: where none is asked there is nothing to find fault with."""
    plans, rule = rereading({"GetMacieSession": {"status": "PAUSED"}}), find("account-macie-enabled")
    look = await plans.look(ACCOUNT, rule)
    [result] = evaluate((rule,), await plans.again(look, {Aspect.MACIE}))
    assert result.verdict is Verdict.FAIL


async def test_what_is_the_account_s_is_read_again_for_a_bucket_too() -> None:
    """A trail that records by now."""
    answers = trail_answers({"EventSelectors": [MANAGEMENT]})
    plans, rule = rereading(answers), find("bucket-object-events-write")
    look = await plans.look(BUCKET, rule)
    [before] = evaluate((rule,), look.state)
    own = {"Type": "AWS::S3::Object", "Values": [f"{BUCKET.arn}/"]}
    answers["GetEventSelectors"] = {"TrailARN": TRAIL, "EventSelectors": [{**MANAGEMENT, "DataResources": [own]}]}
    [after] = evaluate((rule,), await plans.again(look, {Aspect.TRAILS}))
    assert (before.verdict, after.verdict) == (Verdict.FAIL, Verdict.PASS)


BACKUP = "bucket-backup-plan"
TO_PLAN = Wanted(backup_plan="daily", backup_role="service-role/backup")
SELECTION = {
    "SelectionName": f"s3warden-{BUCKET.name}",
    "IamRoleArn": f"arn:aws:iam::{ACCOUNT.account}:role/service-role/backup",
    "Resources": [BUCKET.arn],
}


def backup_answers(*selections: Mapping[str, Any], **more: object) -> dict[str, Any]:
    """A bucket with versioning, and two plans of which one takes in these selections."""
    plans = [{"BackupPlanId": f"id-{name}", "BackupPlanName": name} for name in ("daily", "weekly")]
    listed = [{"SelectionId": f"s{at}", "SelectionName": one["SelectionName"]} for at, one in enumerate(selections)]
    answer = {"BackupSelection": selections[0] if selections else {}, "SelectionId": "s0", "BackupPlanId": "id-daily"}
    return {
        "GetBucketVersioning": {"Status": "Enabled"},
        "ListBackupPlans": {"BackupPlansList": plans},
        "ListBackupSelections": {"BackupSelectionsList": listed},
        "GetBackupSelection": {**answer, "CreationDate": MADE_AT},
        **more,
    }


async def test_plan_takes_the_bucket_in_by_a_selection_of_its_own() -> None:
    """Found again by its name, since AWS alone knows its id."""
    made, after = await made_for(BACKUP, BUCKET, backup_answers(), TO_PLAN)
    step = only(made)
    assert step.attribute == f"backup_selections:eu-west-1:id-daily:s3warden-{BUCKET.name}"
    assert (step.call.operation, step.call.region) == ("CreateBackupSelection", "eu-west-1")
    assert step.call.arguments == {"BackupPlanId": "id-daily", "BackupSelection": SELECTION}
    assert (step.inverse.operation, step.inverse.arguments) == ("DeleteBackupSelection", {"BackupPlanId": "id-daily"})
    assert (step.before, step.undone, step.call.chosen) == (None, None, None)
    assert after.reading(Aspect.BACKUP_SELECTIONS).value.selections[-1].plan == "daily"  # type: ignore[union-attr]
    assert not made.effect.safe
    looks = Looks(Service(backup_answers()))
    assert await looks.now(ACCOUNT, step) is None
    assert await looks.completed(ACCOUNT, step.inverse) is None
    there = Service(backup_answers(SELECTION))
    assert await Looks(there).now(ACCOUNT, step) == step.after
    back = await Looks(there).completed(ACCOUNT, step.inverse)
    assert back is not None
    assert back.arguments == {"BackupPlanId": "id-daily", "SelectionId": "s0"}
    assert await looks.completed(ACCOUNT, step.call) == step.call
    changed = Service(backup_answers({**SELECTION, "NotResources": [BUCKET.arn]}))
    assert await Looks(changed).now(ACCOUNT, step) not in (step.before, step.after)


async def test_selection_that_cannot_be_told_from_another_is_left_alone() -> None:
    """Two of one name, or a damaged list, are an error and never "not configured"."""
    made, _ = await made_for(BACKUP, BUCKET, backup_answers(), TO_PLAN)
    step = only(made)
    for listed in (SELECTION, SELECTION), ({"SelectionName": SELECTION["SelectionName"], "SelectionId": 5},):
        answers = backup_answers(*listed)
        if len(listed) == 1:
            answers["ListBackupSelections"] = {"BackupSelectionsList": list(listed)}
        with pytest.raises(AwsError, match=r"called|SelectionId"):
            await Looks(Service(answers)).now(ACCOUNT, step)
    gone = backup_answers(SELECTION, GetBackupSelection=AwsError("ResourceNotFoundException"))
    with pytest.raises(AwsError, match="ResourceNotFound"):
        await Looks(Service(gone)).now(ACCOUNT, step)


async def test_long_names_of_buckets_are_cut_and_told_apart() -> None:
    """AWS takes 50 characters."""
    one, two = (replace(BUCKET, name="a" * 62 + end) for end in "bc")
    names = []
    for bucket in (one, two):
        made, _ = await made_for(BACKUP, bucket, backup_answers(), TO_PLAN)
        selection: Any = only(made).call.arguments["BackupSelection"]
        names.append(selection["SelectionName"])
    assert [len(name) for name in names] == [50, 50]
    assert len(set(names)) == 2


@pytest.mark.parametrize(
    ("answers", "wanted", "reason"),
    [
        (backup_answers(), DEFAULT_WANTED, "no_backup_plan"),
        (backup_answers(), replace(TO_PLAN, backup_role=None), "no_backup_plan"),
        (backup_answers(), replace(TO_PLAN, backup_plan="hourly"), "backup_plan_unknown"),
        (backup_answers(GetBucketVersioning={}), TO_PLAN, "not_versioned"),
        (backup_answers({**SELECTION, "Resources": ["arn:aws:s3:::other"]}), TO_PLAN, "selection_broken"),
        (backup_answers(ListBackupPlans=AwsError("AccessDenied")), TO_PLAN, "unreadable"),
    ],
)
async def test_backup_needs_one_plan_a_role_and_versions(
    answers: Mapping[str, Any], wanted: Wanted, reason: str
) -> None:
    """All of it known; a selection of ours that was changed is for people."""
    assert await reason_for(BACKUP, BUCKET, answers, wanted) == reason


async def test_id_that_aws_chose_is_looked_up_by_the_shell() -> None:
    """The undo is one command, too."""
    made, _ = await made_for(BACKUP, BUCKET, backup_answers(), TO_PLAN)
    undo = "\n".join(as_cli(made)).partition("# To take it back:")[2].replace("# ", "").replace(" \\\n ", "")
    assert undo.strip() == (
        "aws backup delete-backup-selection --region eu-west-1 --backup-plan-id id-daily "
        '--selection-id "$(aws backup list-backup-selections --region eu-west-1 --backup-plan-id id-daily '
        f"--output text --query 'BackupSelectionsList[?SelectionName=='\"'\"'s3warden-{BUCKET.name}'\"'\"'"
        "].SelectionId | [0]')\""
    )
    assert 'resource "aws_backup_selection" "s3warden-example-data" {' in "\n".join(as_terraform(made))


LENSES = "account-storage-lens"


async def test_dashboard_of_free_metrics_is_made_where_the_first_one_is_at_home() -> None:
    """Beside those that are off; the undo deletes ours."""
    off = {"Id": "default-account-dashboard", "IsEnabled": False}
    answers = {"ListStorageLensConfigurations": {"StorageLensConfigurationList": [off]}}
    made, after = await made_for(LENSES, ACCOUNT, answers)
    step = only(made)
    place = {"AccountId": ACCOUNT.account, "ConfigId": "s3warden"}
    assert step.attribute == f"storage_lenses:arn:aws:s3:us-east-1:{ACCOUNT.account}:storage-lens/s3warden"
    assert (step.call.service, step.call.operation, step.call.region) == (
        "s3control",
        "PutStorageLensConfiguration",
        "us-east-1",
    )
    configuration = {"Id": "s3warden", "IsEnabled": True, "AccountLevel": {"BucketLevel": {}}}
    assert step.call.arguments == {**place, "StorageLensConfiguration": configuration}
    assert (step.inverse.operation, step.inverse.arguments) == ("DeleteStorageLensConfiguration", place)
    assert [each.id for each in region_of(after, Aspect.STORAGE_LENSES, "us-east-1").dashboards] == [
        "default-account-dashboard",
        "s3warden",
    ]
    none = Service({"GetStorageLensConfiguration": AwsError("NoSuchConfiguration", status=404)})
    assert await Looks(none).now(ACCOUNT, step) is None
    told = {**configuration, "StorageLensArn": "arn:x", "AccountLevel": {"ActivityMetrics": {"IsEnabled": False}}}
    there = Service({"GetStorageLensConfiguration": {"StorageLensConfiguration": told}})
    assert await Looks(there).now(ACCOUNT, step) == step.after
    paid = {**told, "AccountLevel": {"ActivityMetrics": {"IsEnabled": True}, "BucketLevel": {}}}
    changed = Service({"GetStorageLensConfiguration": {"StorageLensConfiguration": paid}})
    assert await Looks(changed).now(ACCOUNT, step) not in (None, step.after)
    code = "\n".join(as_terraform(made))
    assert 'resource "aws_s3control_storage_lens_configuration" "s3warden" {' in code
    assert "    enabled = true\n    account_level {\n      bucket_level {}\n    }" in code


async def test_dashboard_of_ours_that_is_off_was_switched_off() -> None:
    """By somebody who may have had a reason."""
    off = {"ListStorageLensConfigurations": {"StorageLensConfigurationList": [{"Id": "s3warden", "IsEnabled": False}]}}
    assert await reason_for(LENSES, ACCOUNT, off) == "dashboard_off"
