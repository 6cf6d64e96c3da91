"""What is read of CloudTrail: trails by region, described once, and asked of their owner where a member is refused."""

from typing import Any

import pytest

from s3warden.aws.errors import AwsError
from s3warden.collect.locate import under_trail
from s3warden.collect.selectors import selectors
from s3warden.collect.shapes import ShapeError
from s3warden.collect.trails import TrailReads
from s3warden.detect.samples import READ_AT
from s3warden.model.bucket import AccountRef, AccountState, Aspect, Cause, Present, Regional, Unreadable
from s3warden.model.trails import (
    AdvancedSelector,
    BasicSelector,
    EventDataStores,
    FieldSelector,
    Selectors,
    Trail,
    Trails,
    TrailStatus,
)
from support.account_services import ACCOUNT, DENIED, HERE, OTHER, THERE, FakeServices

ARN = f"arn:aws:cloudtrail:{THERE}:{ACCOUNT.account}:trail/main"
STATUS = {"IsLogging": True, "LatestDeliveryTime": READ_AT}
BASIC = {"EventSelectors": [{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True, "DataResources": []}]}


def listed(arn: str = ARN, **more: Any) -> dict[str, Any]:
    """DescribeTrails with one trail of all regions."""
    trail = {
        "Name": "main",
        "TrailARN": arn,
        "S3BucketName": "trail-logs",
        "HomeRegion": THERE,
        "IsMultiRegionTrail": True,
        "IsOrganizationTrail": False,
    }
    return {"trailList": [trail | more]}


async def read(reader: FakeServices, *guarded: AccountRef) -> Regional[Trails]:
    """The trails of the account in two regions."""
    reads = TrailReads(reader)
    reads.guarded = frozenset(guarded)
    return (await reads.of_account(ACCOUNT, {HERE, THERE})).value


def only(found: Regional[Trails], region: str = HERE) -> Trail:
    """The one trail of a region."""
    reading = found.of(region)
    assert isinstance(reading, Present)
    [trail] = reading.value.trails
    return trail


async def test_a_trail_of_all_regions_is_described_once_in_its_home() -> None:
    """It is listed in each region that it records."""
    reader = FakeServices(DescribeTrails=listed(), GetTrailStatus=STATUS, GetEventSelectors=BASIC)
    found = await read(reader)
    assert only(found) == only(found, THERE)
    trail = only(found)
    assert trail.status == Present(TrailStatus(logging=True))
    assert trail.selectors == Present(Selectors((BasicSelector(reads=False, writes=True, management=True),)))
    assert (trail.bucket, trail.owner, trail.organization, trail.unreadable) == (
        "trail-logs",
        ACCOUNT.account,
        False,
        (),
    )
    assert sorted(reader.asked) == [
        ("cloudtrail", "DescribeTrails", HERE),
        ("cloudtrail", "DescribeTrails", THERE),
        ("cloudtrail", "GetEventSelectors", THERE),
        ("cloudtrail", "GetTrailStatus", THERE),
    ]
    assert {"includeShadowTrails": True} in reader.parameters
    assert {"Name": ARN} in reader.parameters
    assert {"TrailName": ARN} in reader.parameters


async def test_a_region_that_refuses_is_unreadable_alone() -> None:
    """What the other regions tell stands."""

    def by_region(region: str, **_parameters: object) -> object:
        return DENIED if region == HERE else listed()

    found = await read(FakeServices(DescribeTrails=by_region, GetTrailStatus=STATUS, GetEventSelectors=BASIC))
    assert found.of(HERE) == Unreadable(Cause.DENIED, "AccessDeniedException: not authorized")
    assert only(found, THERE).name == "main"
    assert found.unreadable == (found.of(HERE),)
    assert isinstance(found.of("eu-north-1"), Unreadable)


async def test_what_fails_of_one_trail_is_unreadable_within_it() -> None:
    """The trail is there all the same."""
    found = await read(FakeServices(DescribeTrails=listed(), GetTrailStatus=STATUS))
    trail = only(found)
    assert isinstance(trail.selectors, Unreadable)
    assert isinstance(trail.status, Present)
    assert trail.unreadable == (trail.selectors,)


async def test_a_refused_trail_that_nobody_has_told_otherwise_selects_what_a_new_one_does() -> None:
    """All management events and nothing else: a member may be told no more of the organisation's trail."""
    usual = Selectors((BasicSelector(reads=True, writes=True, management=True),))
    reader = FakeServices(DescribeTrails=listed(HasCustomEventSelectors=False), GetTrailStatus=STATUS)
    trail = only(await read(reader))
    assert (trail.selectors, trail.unreadable) == (Present(usual), ())
    reader.answers["GetEventSelectors"] = AwsError("ThrottlingException", status=400, cause=Cause.THROTTLED)
    assert isinstance(only(await read(reader)).selectors, Unreadable)
    reader.answers["GetEventSelectors"] = {"AdvancedEventSelectors": []}
    assert only(await read(reader)).selectors == Present(Selectors())
    refused = FakeServices(DescribeTrails=listed(HasCustomEventSelectors=True), GetTrailStatus=STATUS)
    assert isinstance(only(await read(refused)).selectors, Unreadable)


_THEIRS = f"arn:aws:cloudtrail:{THERE}:{OTHER.account}:trail/everywhere"


async def test_the_owner_is_asked_where_a_member_is_refused() -> None:
    """AWS tells some things about the organisation's trail to its owner alone."""
    answers: dict[str, Any] = {
        "DescribeTrails": listed(_THEIRS, IsOrganizationTrail=True),
        f"{ACCOUNT.account}:GetTrailStatus": {"IsLogging": True},
        f"{ACCOUNT.account}:GetEventSelectors": AwsError("TrailNotFoundException", status=400),
        f"{OTHER.account}:GetTrailStatus": {"IsLogging": False},
        f"{OTHER.account}:GetEventSelectors": BASIC,
    }
    trail = only(await read(FakeServices(**answers), OTHER))
    assert trail.organization
    # What the member was told itself stands.
    assert trail.status == Present(TrailStatus(logging=True))
    assert isinstance(trail.selectors, Present)


async def test_an_owner_who_is_not_guarded_is_not_asked() -> None:
    """Nobody has allowed us into that account."""
    reader = FakeServices(DescribeTrails=listed(_THEIRS, IsOrganizationTrail=True), GetTrailStatus=STATUS)
    reader.answers[f"{OTHER.account}:GetEventSelectors"] = BASIC
    trail = only(await read(reader))
    assert isinstance(trail.selectors, Unreadable)
    assert reader.count("GetEventSelectors") == 1


async def test_the_last_delivery_s_error_is_kept() -> None:
    """It says that the bucket is missing or refuses."""
    status = {"IsLogging": True, "LatestDeliveryError": "NoSuchBucket"}
    reader = FakeServices(DescribeTrails=listed(), GetTrailStatus=status, GetEventSelectors=BASIC)
    assert only(await read(reader)).status == Present(TrailStatus(logging=True, delivery_error="NoSuchBucket"))


@pytest.mark.parametrize(
    "answer",
    [{}, {"trailList": None}, {"trailList": ["main"]}, listed("no-arn"), listed(S3BucketName=None), listed(Name=7)],
)
async def test_trails_in_another_shape_are_malformed(answer: dict[str, Any]) -> None:
    """They must not pass for no trails."""
    reading = (await read(FakeServices(DescribeTrails=answer))).of(HERE)
    assert isinstance(reading, Unreadable)
    assert reading.cause is Cause.MALFORMED


async def test_event_data_stores_are_listed_and_described() -> None:
    """The list tells neither whether one records nor what."""
    arn = f"arn:aws:cloudtrail:{HERE}:{ACCOUNT.account}:eventdatastore/1"
    store = {
        "EventDataStoreArn": arn,
        "Name": "lake",
        "Status": "ENABLED",
        "MultiRegionEnabled": True,
        "OrganizationEnabled": False,
        "AdvancedEventSelectors": [{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Data"]}]}],
    }

    def page(NextToken: str = "", **_parameters: object) -> object:  # noqa: N803 - the API's own name
        more = {"NextToken": "more"} if not NextToken else {}
        return {"EventDataStores": [{"EventDataStoreArn": arn + NextToken}], **more}

    reader = FakeServices(ListEventDataStores=page, GetEventDataStore=store)
    reading = (await TrailReads(reader).stores(ACCOUNT, {HERE})).value.of(HERE)
    assert isinstance(reading, Present)
    assert isinstance(reading.value, EventDataStores)
    assert len(reading.value.stores) == 2
    assert (reading.value.stores[0].ingesting, reading.value.stores[0].multi_region) == (True, True)
    store["Status"] = "STOPPED_INGESTION"
    again = (await TrailReads(reader).stores(ACCOUNT, {HERE})).value.of(HERE)
    assert isinstance(again, Present)
    assert not again.value.stores[0].ingesting


def test_selectors_of_both_kinds_are_understood() -> None:
    """Classic ones by their objects, advanced ones by their fields; what is about functions or tables is left out."""
    classic = {
        "EventSelectors": [
            {
                "ReadWriteType": "All",
                "IncludeManagementEvents": False,
                "DataResources": [
                    {"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]},
                    {"Type": "AWS::Lambda::Function", "Values": ["arn:aws:lambda"]},
                ],
            }
        ],
        "AdvancedEventSelectors": None,
    }
    assert selectors(classic).basic == (
        BasicSelector(reads=True, writes=True, management=False, objects=("arn:aws:s3",)),
    )
    fields = [{"Field": "eventCategory", "Equals": ["Data"]}, {"Field": "readOnly", "NotEquals": ["true"]}]
    assert selectors({"AdvancedEventSelectors": [{"Name": "n", "FieldSelectors": fields}]}).advanced == (
        AdvancedSelector(
            (FieldSelector("eventCategory", equals=("Data",)), FieldSelector("readOnly", not_equals=("true",)))
        ),
    )


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"EventSelectors": [{"ReadWriteType": "Some"}]},
        {"EventSelectors": [{"DataResources": [{"Values": []}]}]},
        {"AdvancedEventSelectors": [{}]},
        {"AdvancedEventSelectors": [{"FieldSelectors": [{"Equals": ["x"]}]}]},
    ],
)
def test_selectors_in_another_shape_are_malformed(answer: dict[str, Any]) -> None:
    """They must not pass for selectors that select nothing."""
    with pytest.raises(ShapeError):
        selectors(answer)


class _Accounts:
    """Knows one account, with a trail of the organisation."""

    def __init__(self, reading: object) -> None:
        self.state = AccountState(ACCOUNT, READ_AT, {Aspect.TRAILS: Present(reading)})

    def accounts(self) -> tuple[AccountRef, ...]:
        """Both accounts; nothing was read of the other."""
        return (ACCOUNT, OTHER)

    def account(self, ref: AccountRef) -> AccountState | None:
        """The one state."""
        return self.state if ref == ACCOUNT else None


async def test_accounts_are_found_by_the_trail_that_they_are_under() -> None:
    """By its name or ARN, and only for a trail of the organisation."""
    reader = FakeServices(DescribeTrails=listed(_THEIRS, IsOrganizationTrail=True, Name="everywhere"))
    known = _Accounts(await read(reader))
    assert under_trail(known, OTHER.account, "everywhere") == (ACCOUNT,)
    assert under_trail(known, OTHER.account, _THEIRS) == (ACCOUNT,)
    assert under_trail(known, ACCOUNT.account, "everywhere") == ()
    assert under_trail(known, OTHER.account, "main") == ()
    assert under_trail(_Accounts(await read(FakeServices(DescribeTrails=listed()))), ACCOUNT.account, "main") == ()
