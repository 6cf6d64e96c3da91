"""What is read of the account's services: region by region, listed for many buckets at once, and never guessed."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from s3warden.aws.errors import AwsError
from s3warden.collect.account_services import FRESHNESS, REGIONAL, ServiceReads
from s3warden.collect.alarms import AlarmReads
from s3warden.collect.analyzers import AnalyzerReads
from s3warden.collect.backups import BackupReads
from s3warden.collect.detectors import DetectorReads
from s3warden.collect.fetch import READS
from s3warden.collect.lenses import LensReads
from s3warden.collect.macie import MacieReads
from s3warden.collect.organization_block import OrganizationBlockReads
from s3warden.collect.trails import TrailReads
from s3warden.detect.rules import RULES, needs
from s3warden.model.bucket import ABSENT, ACCOUNT_ASPECTS, BUCKET_ASPECTS, Aspect, Cause, Present, Reading, Unreadable
from s3warden.model.services import (
    AccessFinding,
    AccessFindings,
    Analyzer,
    AnalyzerKind,
    BackupCondition,
    BackupSelection,
    Detector,
    LastBackup,
    Macie,
    MacieCoverage,
    MacieFindings,
    MetricFilter,
    OrganizationBlock,
    StorageLens,
    StorageLenses,
)
from support.account_services import ACCOUNT, DENIED, HERE, OTHER, THERE, FakeServices, bucket

OFF = AwsError("AccessDeniedException", "Macie is not enabled", status=403, cause=Cause.DENIED)


def malformed(reading: Reading[Any]) -> bool:
    """Whether a reading is unreadable for its shape."""
    return isinstance(reading, Unreadable) and reading.cause is Cause.MALFORMED


# Read region by region, too, but not by these services.
OF_OTHERS = {
    Aspect.LAKE_LOCATIONS,
    Aspect.SHADOW_NAMES,
    Aspect.FOREIGN_ACCESS_POINTS,
    Aspect.DIRECTORY_BUCKETS,
    Aspect.TABLE_BUCKETS,
    Aspect.TABLE_REPLICATIONS,
    Aspect.VECTOR_BUCKETS,
    Aspect.FILE_SYSTEMS,
    Aspect.OBJECT_LAMBDA_POINTS,
}


def test_each_service_aspect_is_read_by_somebody() -> None:
    """Those of accounts and of buckets are told apart, and what is believed for a while is an account's."""
    reads = ServiceReads(FakeServices())
    assert reads.account.keys() <= ACCOUNT_ASPECTS
    assert reads.bucket.keys() <= BUCKET_ASPECTS
    assert reads.account.keys() | OF_OTHERS >= REGIONAL
    assert FRESHNESS.keys() <= ACCOUNT_ASPECTS
    assert all(READS[aspect] for aspect in (*reads.account, *reads.bucket))


async def test_macie_that_is_off_is_absent_and_a_refusal_is_not() -> None:
    """Both come as the same error; the words tell them apart."""

    def session(region: str) -> object:
        return OFF if region == HERE else {"status": "PAUSED"}

    found = (await MacieReads(FakeServices(GetMacieSession=session)).sessions(ACCOUNT, {HERE, THERE})).value
    assert (found.of(HERE), found.of(THERE)) == (ABSENT, Present(Macie("PAUSED")))
    refused = (await MacieReads(FakeServices()).sessions(ACCOUNT, {HERE})).value.of(HERE)
    assert isinstance(refused, Unreadable)
    assert refused.cause is Cause.DENIED
    assert malformed((await MacieReads(FakeServices(GetMacieSession={})).sessions(ACCOUNT, {HERE})).value.of(HERE))


async def test_macie_s_discovery_is_read_by_region() -> None:
    """It is on or off, or Macie is."""
    reads = MacieReads(FakeServices(GetAutomatedDiscoveryConfiguration={"status": "DISABLED"}))
    reading = (await reads.discovery(ACCOUNT, {HERE})).value.of(HERE)
    assert isinstance(reading, Present)
    assert reading.value.status == "DISABLED"
    reads = MacieReads(FakeServices(GetAutomatedDiscoveryConfiguration=OFF))
    assert (await reads.discovery(ACCOUNT, {HERE})).value.of(HERE) == ABSENT


async def test_macie_s_buckets_are_asked_for_together() -> None:
    """Sixty buckets cost three questions by name, and the pages of their answers."""

    def pages(criteria: Any, nextToken: str = "", **_parameters: object) -> object:  # noqa: N803 - the API's own name
        names = [name for name in criteria["bucketName"]["eq"] if name != "b30"]
        items = [{"bucketName": name, "sensitivityScore": int(name[1:])} for name in names]
        return {"buckets": items[1:]} if nextToken else {"buckets": items[:1], "nextToken": "more"}

    reader = FakeServices(DescribeBuckets=pages)
    reads = MacieReads(reader)
    found = await asyncio.gather(*(reads.coverage(bucket(f"b{n}")) for n in range(61)))
    assert found[7] == Present(MacieCoverage("", monitored=False, in_job=False, sensitivity=7))
    assert found[30] == ABSENT
    # The first of them asks alone, those who come meanwhile together, fifty at a time.
    assert reader.count("DescribeBuckets") == 3 * 2
    assert reader.parameters[0] == {"criteria": {"accountId": {"eq": [ACCOUNT.account]}, "bucketName": {"eq": ["b0"]}}}


async def test_bucket_that_macie_cannot_look_into_says_why() -> None:
    """Its own error is a fact, not a failed read."""
    item = {
        "bucketName": "b",
        "errorCode": "ACCESS_DENIED",
        "sensitivityScore": -1,
        "jobDetails": {"isMonitoredByJob": "TRUE"},
    }
    reading = await MacieReads(FakeServices(DescribeBuckets={"buckets": [item]})).coverage(bucket("b"))
    assert reading == Present(MacieCoverage("ACCESS_DENIED", monitored=False, in_job=True, sensitivity=-1))
    assert await MacieReads(FakeServices(DescribeBuckets=OFF)).coverage(bucket("b")) == ABSENT
    bad = {"buckets": [{"bucketName": "b", "sensitivityScore": "high"}]}
    assert malformed(await MacieReads(FakeServices(DescribeBuckets=bad)).coverage(bucket("b")))
    assert malformed(await MacieReads(FakeServices(DescribeBuckets={})).coverage(bucket("b")))


async def test_macie_s_findings_are_counted_for_many_buckets_at_once() -> None:
    """Those of high severity apart; archived ones are somebody's business already."""

    def counted(findingCriteria: Any, **_parameters: object) -> object:  # noqa: N803 - the API's own name
        high = "severity.description" in findingCriteria["criterion"]
        return {"countsByGroup": [{"groupKey": "b1", "count": 1 if high else 3}]}

    reader = FakeServices(GetFindingStatistics=counted)
    reads = MacieReads(reader)
    found = await asyncio.gather(*(reads.findings(bucket(f"b{n}")) for n in range(61)))
    assert found[1] == Present(MacieFindings(high=1, total=3))
    assert found[2] == Present(MacieFindings(high=0, total=0))
    # Two for the first alone, then twice two for the sixty others.
    assert reader.count("GetFindingStatistics") == 6
    criteria = reader.parameters[0]["findingCriteria"]["criterion"]  # type: ignore[index]
    assert criteria["archived"] == {"eq": ["false"]}
    assert criteria["accountId"] == {"eq": [ACCOUNT.account]}
    assert await MacieReads(FakeServices(GetFindingStatistics=OFF)).findings(bucket("b")) == ABSENT
    assert malformed(await MacieReads(FakeServices(GetFindingStatistics={})).findings(bucket("b")))


def analyzer(kind: str = "ACCOUNT", status: str = "ACTIVE", account: str = ACCOUNT.account) -> dict[str, Any]:
    """An analyzer as it is listed."""
    arn = f"arn:aws:access-analyzer:{HERE}:{account}:analyzer/{kind.lower()}"
    return {"arn": arn, "name": kind.lower(), "type": kind, "status": status, "createdAt": "now"}


async def test_analyzers_of_external_access_are_listed() -> None:
    """Those of unused access see nobody from outside."""
    items = [analyzer(), analyzer("ACCOUNT_UNUSED_ACCESS"), analyzer("ORGANIZATION", "DISABLED")]
    reads = AnalyzerReads(FakeServices(ListAnalyzers={"analyzers": items}))
    reading = (await reads.of_account(ACCOUNT, {HERE})).value.of(HERE)
    assert isinstance(reading, Present)
    assert [(each.kind, each.status) for each in reading.value.analyzers] == [
        (AnalyzerKind.ACCOUNT, "ACTIVE"),
        (AnalyzerKind.ORGANIZATION, "DISABLED"),
    ]
    assert [each.name for each in reading.value.active] == ["account"]


async def test_analyzers_of_the_organization_count_for_all() -> None:
    """They are listed in the account that they were made in and nowhere else."""
    shared = analyzer("ORGANIZATION", account=OTHER.account)
    answers: dict[str, Any] = {
        f"{ACCOUNT.account}:ListAnalyzers": {"analyzers": []},
        f"{OTHER.account}:ListAnalyzers": {"analyzers": [analyzer(account=OTHER.account), shared]},
    }
    reads = AnalyzerReads(FakeServices(**answers), security=OTHER.account)
    reading = (await reads.of_account(ACCOUNT, {HERE})).value.of(HERE)
    assert isinstance(reading, Present)
    assert [each.arn for each in reading.value.active] == [shared["arn"]]
    del answers[f"{OTHER.account}:ListAnalyzers"]
    reads = AnalyzerReads(FakeServices(**answers), security=OTHER.account)
    # Whether there is one over there is not known.
    assert isinstance((await reads.of_account(ACCOUNT, {HERE})).value.of(HERE), Unreadable)
    answers[f"{ACCOUNT.account}:ListAnalyzers"] = {"analyzers": [analyzer()]}
    reads = AnalyzerReads(FakeServices(**answers), security=OTHER.account)
    reading = (await reads.of_account(ACCOUNT, {HERE})).value.of(HERE)
    assert isinstance(reading, Present)
    assert reading.value.analyzers == (Analyzer(analyzer()["arn"], "account", AnalyzerKind.ACCOUNT, "ACTIVE"),)


def finding(name: str, **more: Any) -> dict[str, Any]:
    """A finding as it is listed."""
    item = {
        "id": f"finding-{name}",
        "resource": f"arn:aws:s3:::{name}",
        "resourceType": "AWS::S3::Bucket",
        "isPublic": True,
        "principal": {"AWS": "*"},
        "action": ["s3:GetObject"],
        "sources": [{"type": "POLICY"}],
        "condition": {},
        "status": "ACTIVE",
    }
    return item | more


async def test_findings_are_listed_once_and_split_by_bucket() -> None:
    """With each who has access, to do what, and by what."""
    reader = FakeServices(
        ListAnalyzers={"analyzers": [analyzer()]}, ListFindings={"findings": [finding("a"), finding("b")]}
    )
    reads = AnalyzerReads(reader)
    first, second, third = await asyncio.gather(*(reads.findings(bucket(name)) for name in "abc"))
    expected = AccessFinding(
        "finding-a", public=True, principal="AWS *", actions=("s3:GetObject",), sources=("POLICY",)
    )
    assert first == Present(AccessFindings((expected,)))
    assert isinstance(second, Present)
    assert third == Present(AccessFindings(()))
    asked = reader.parameters[1]
    assert asked["analyzerArn"] == analyzer()["arn"]
    assert asked["filter"] == {
        "status": {"eq": ["ACTIVE"]},
        "resourceType": {"eq": ["AWS::S3::Bucket"]},
        "resource": {"eq": ["arn:aws:s3:::a"]},
    }


async def test_without_an_active_analyzer_there_are_no_findings_to_read() -> None:
    """That is no proof of anything, so it is told apart from no findings."""
    reader = FakeServices(ListAnalyzers={"analyzers": [analyzer(status="CREATING")]})
    assert await AnalyzerReads(reader).findings(bucket("a")) == ABSENT
    assert isinstance(await AnalyzerReads(FakeServices()).findings(bucket("a")), Unreadable)
    refused = FakeServices(ListAnalyzers={"analyzers": [analyzer()]})
    assert isinstance(await AnalyzerReads(refused).findings(bucket("a")), Unreadable)
    odd = FakeServices(ListAnalyzers={"analyzers": [analyzer()]}, ListFindings={"findings": [{"id": 1}]})
    assert malformed(await AnalyzerReads(odd).findings(bucket("a")))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"Status": "ENABLED", "Features": [{"Name": "S3_DATA_EVENTS", "Status": "ENABLED"}]}, (True, True)),
        ({"Status": "ENABLED", "Features": [{"Name": "S3_DATA_EVENTS", "Status": "DISABLED"}]}, (True, False)),
        ({"Status": "DISABLED", "DataSources": {"S3Logs": {"Status": "ENABLED"}}}, (False, True)),
        ({"Status": "ENABLED"}, (True, False)),
    ],
)
async def test_guardduty_is_read_with_what_it_looks_at(answer: dict[str, Any], expected: tuple[bool, bool]) -> None:
    """By its features, or by the data sources of older answers."""
    nobody: dict[str, Any] = {"GetAdministratorAccount": {}}
    reads = DetectorReads(FakeServices(ListDetectors={"DetectorIds": ["d"]}, GetDetector=answer, **nobody))
    assert (await reads.of_account(ACCOUNT, {HERE})).value.of(HERE) == Present(Detector(*expected))


@pytest.mark.parametrize(
    ("answer", "who"),
    [
        ({"Administrator": {"AccountId": "444455556666", "RelationshipStatus": "Enabled"}}, "444455556666"),
        ({"Administrator": None}, ""),
        (DENIED, None),
        ({"Administrator": {"AccountId": 4}}, None),
    ],
)
async def test_who_decides_about_guardduty_is_asked_for_where_s3_is_not_looked_at(answer: Any, who: str | None) -> None:
    """Not to know it is no fault of the detector's, and nobody else's word for "nobody"."""
    off = {"Status": "ENABLED", "Features": []}
    reader = FakeServices(ListDetectors={"DetectorIds": ["d"]}, GetDetector=off, GetAdministratorAccount=answer)
    found = (await DetectorReads(reader).of_account(ACCOUNT, {HERE})).value.of(HERE)
    assert found == Present(Detector(enabled=True, s3_events=False, administrator=who))
    on = {"Status": "ENABLED", "Features": [{"Name": "S3_DATA_EVENTS", "Status": "ENABLED"}]}
    reader = FakeServices(ListDetectors={"DetectorIds": ["d"]}, GetDetector=on, GetAdministratorAccount=answer)
    await DetectorReads(reader).of_account(ACCOUNT, {HERE})
    assert "GetAdministratorAccount" not in {operation for _, operation, _ in reader.asked}


async def test_guardduty_that_was_never_set_up_is_absent() -> None:
    """A refusal is not."""
    reads = DetectorReads(FakeServices(ListDetectors={"DetectorIds": []}))
    assert (await reads.of_account(ACCOUNT, {HERE})).value.of(HERE) == ABSENT
    assert isinstance((await DetectorReads(FakeServices()).of_account(ACCOUNT, {HERE})).value.of(HERE), Unreadable)
    assert malformed((await DetectorReads(FakeServices(ListDetectors={})).of_account(ACCOUNT, {HERE})).value.of(HERE))


async def test_backup_selections_are_read_through_their_plans() -> None:
    """Each with what it takes in; tags of both kinds."""
    selection = {
        "SelectionName": "all",
        "IamRoleArn": "arn",
        "Resources": ["arn:aws:s3:::*"],
        "NotResources": ["arn:aws:s3:::logs-*"],
        "ListOfTags": [{"ConditionType": "STRINGEQUALS", "ConditionKey": "backup", "ConditionValue": "yes"}],
        "Conditions": {"StringLike": [{"ConditionKey": "aws:ResourceTag/env", "ConditionValue": "prod*"}]},
    }
    answers: dict[str, Any] = {
        "ListBackupPlans": {"BackupPlansList": [{"BackupPlanId": "1", "BackupPlanName": "daily"}]},
        "ListBackupSelections": {"BackupSelectionsList": [{"SelectionId": "s"}]},
        "GetBackupSelection": {"BackupSelection": selection},
    }
    reading = (await BackupReads(FakeServices(**answers)).selections(ACCOUNT, {HERE})).value.of(HERE)
    assert isinstance(reading, Present)
    assert reading.value.selections == (
        BackupSelection(
            plan="daily",
            name="all",
            resources=("arn:aws:s3:::*",),
            not_resources=("arn:aws:s3:::logs-*",),
            any_tag=(BackupCondition("StringEquals", "backup", "yes"),),
            conditions=(BackupCondition("StringLike", "env", "prod*"),),
        ),
    )
    for operation in ("ListBackupPlans", "ListBackupSelections", "GetBackupSelection"):
        refused = FakeServices(**(answers | {operation: DENIED}))
        assert isinstance((await BackupReads(refused).selections(ACCOUNT, {HERE})).value.of(HERE), Unreadable)


async def test_last_backups_are_listed_once_and_split_by_bucket() -> None:
    """A bucket that is not named was never backed up."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    results = [
        {"ResourceArn": "arn:aws:s3:::a", "ResourceType": "S3", "LastBackupTime": at},
        {"ResourceArn": "arn:aws:s3:::b", "ResourceType": "S3"},
    ]
    reads = BackupReads(FakeServices(ListProtectedResources={"Results": results}))
    found = await asyncio.gather(*(reads.last(bucket(name)) for name in "abc"))
    assert found == [Present(LastBackup(at)), ABSENT, ABSENT]
    assert malformed(await BackupReads(FakeServices(ListProtectedResources={"Results": [{}]})).last(bucket("a")))


_GROUP = f"arn:aws:logs:{THERE}:{ACCOUNT.account}:log-group:trail:*"


async def test_metric_filters_are_read_where_the_trail_s_log_group_is() -> None:
    """With whether an alarm on the metric tells somebody."""
    trail = {
        "Name": "main",
        "TrailARN": f"arn:aws:cloudtrail:{THERE}:{ACCOUNT.account}:trail/main",
        "S3BucketName": "b",
        "HomeRegion": THERE,
        "CloudWatchLogsLogGroupArn": _GROUP,
    }
    metric = {"metricNamespace": "Security", "metricName": "S3", "metricValue": "1"}
    answers: dict[str, Any] = {
        "DescribeTrails": {"trailList": [trail]},
        "DescribeMetricFilters": {
            "metricFilters": [{"filterName": "s3", "filterPattern": "{ $.x = 1 }", "metricTransformations": [metric]}]
        },
        "DescribeAlarmsForMetric": {"MetricAlarms": [{"ActionsEnabled": True, "AlarmActions": ["arn:topic"]}]},
    }
    reader = FakeServices(**answers)
    reading = (await AlarmReads(reader, TrailReads(reader)).of_account(ACCOUNT, {HERE})).value.of(HERE)
    assert isinstance(reading, Present)
    assert reading.value.filters == (MetricFilter("s3", "trail", "{ $.x = 1 }", alarmed=True),)
    assert ("logs", "DescribeMetricFilters", THERE) in reader.asked
    assert {"Namespace": "Security", "MetricName": "S3"} in reader.parameters
    silences: list[dict[str, Any]] = [{"ActionsEnabled": False, "AlarmActions": ["arn:topic"]}, {"AlarmActions": []}]
    for silent in silences:
        quiet = FakeServices(**(answers | {"DescribeAlarmsForMetric": {"MetricAlarms": [silent]}}))
        reading = (await AlarmReads(quiet, TrailReads(quiet)).of_account(ACCOUNT, {HERE})).value.of(HERE)
        assert isinstance(reading, Present)
        assert not reading.value.filters[0].alarmed
    for operation in ("DescribeTrails", "DescribeMetricFilters", "DescribeAlarmsForMetric"):
        refused = FakeServices(**(answers | {operation: DENIED}))
        reading = (await AlarmReads(refused, TrailReads(refused)).of_account(ACCOUNT, {HERE})).value.of(HERE)
        assert isinstance(reading, Unreadable)


async def test_dashboards_are_listed_also_where_the_first_one_is() -> None:
    """Every account has had one in one region from the start."""

    def listed(region: str) -> object:
        return {"StorageLensConfigurationList": [{"Id": region, "IsEnabled": region == THERE}]}

    found = (await LensReads(FakeServices(ListStorageLensConfigurations=listed)).of_account(ACCOUNT, {HERE})).value
    assert [region for region, _ in found] == [HERE, THERE]
    reading = found.of(THERE)
    assert isinstance(reading, Present)
    assert reading.value.dashboards == (StorageLens(THERE, enabled=True),)


async def test_region_without_dashboards_is_answered_without_a_list() -> None:
    """S3 Control leaves it out, which is no damage."""
    found = (await LensReads(FakeServices(ListStorageLensConfigurations={})).of_account(ACCOUNT, {HERE})).value
    assert found.of(HERE) == Present(StorageLenses(()))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ('{"s3_attributes":{"public_access_block_configuration":"all"}}', Present(OrganizationBlock("all"))),
        (
            '{"s3_attributes":{"public_access_block_configuration":{"@@assign":"none"}}}',
            Present(OrganizationBlock("none")),
        ),
        ("{}", Present(OrganizationBlock(""))),
        (AwsError("EffectivePolicyNotFoundException", status=400), Present(OrganizationBlock(""))),
        (AwsError("AWSOrganizationsNotInUseException", status=400), ABSENT),
    ],
)
async def test_policy_in_effect_is_read(answer: object, expected: Reading[object]) -> None:
    """None in effect is told apart from an account that is in no organisation."""
    given: Any = {"EffectivePolicy": {"PolicyContent": answer}} if isinstance(answer, str) else answer
    reader = FakeServices(DescribeEffectivePolicy=given)
    assert await OrganizationBlockReads(reader).of_account(ACCOUNT) == expected
    assert reader.parameters == [{"PolicyType": "S3_POLICY"}]


@pytest.mark.parametrize("content", ["no json", "[]", '{"s3_attributes":{"public_access_block_configuration":"some"}}'])
async def test_policy_in_another_shape_is_malformed(content: str) -> None:
    """It must not pass for a policy that blocks, nor for one that does not."""
    reader = FakeServices(DescribeEffectivePolicy={"EffectivePolicy": {"PolicyContent": content}})
    assert malformed(await OrganizationBlockReads(reader).of_account(ACCOUNT))
    assert isinstance(await OrganizationBlockReads(FakeServices()).of_account(ACCOUNT), Unreadable)


async def test_default_profile_costs_a_few_calls_a_region() -> None:
    """Two regions, one trail of all regions, forty buckets in one of them: what docs/performance.md tells."""
    trail = {
        "Name": "main",
        "TrailARN": f"arn:aws:cloudtrail:{HERE}:{ACCOUNT.account}:trail/main",
        "S3BucketName": "trail-logs",
        "HomeRegion": HERE,
    }
    reader = FakeServices(
        DescribeTrails={"trailList": [trail]},
        GetTrailStatus={"IsLogging": True},
        GetEventSelectors={"EventSelectors": []},
        GetMacieSession={"status": "ENABLED"},
        ListAnalyzers={"analyzers": [analyzer()]},
        ListFindings={"findings": []},
        ListDetectors={"DetectorIds": ["d"]},
        GetDetector={"Status": "ENABLED", "Features": [{"Name": "S3_DATA_EVENTS", "Status": "ENABLED"}]},
        GetFindingStatistics={"countsByGroup": []},
    )
    reads, needed = ServiceReads(reader), needs(rule for rule in RULES if rule.info.default)
    of_account = [read for aspect, read in reads.account.items() if aspect in needed]
    await asyncio.gather(*(read(ACCOUNT, frozenset({HERE, THERE})) for read in of_account))
    # DescribeTrails, GetMacieSession, ListAnalyzers, ListDetectors, GetDetector in each; two for the trail.
    assert len(reader.asked) == 2 * 5 + 2
    reader.asked.clear()
    of_bucket = [read for aspect, read in reads.bucket.items() if aspect in needed]
    names = [bucket(f"b{n}") for n in range(40)]
    await asyncio.gather(*(read(ref) for read in of_bucket for ref in names))
    # ListAnalyzers once. ListFindings twenty at a time, two numbers of Macie's findings fifty at a time: for the first
    # bucket alone, then for all that came meanwhile.
    assert len(reader.asked) == 1 + (1 + 2) + 2 * (1 + 1)
