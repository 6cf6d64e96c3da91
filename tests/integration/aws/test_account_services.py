"""The account's services over a real wire: what the SDK sends and parses, as far as the emulator knows the services."""

from collections.abc import Callable

import pytest

from s3warden.aws.calls import Calls
from s3warden.aws.s3 import S3Reader
from s3warden.aws.session import Sessions
from s3warden.collect.fetch import Fetch
from s3warden.model.bucket import AccountRef, AccountState, Aspect, Cause, Present, Regional, Unreadable
from s3warden.model.services import BackupSelections, Detector, Macie
from s3warden.model.trails import AdvancedSelector, FieldSelector, Selectors, Trails, TrailStatus
from support.faults import FaultProxy

HERE, THERE = "eu-west-1", "us-east-1"


@pytest.fixture
def account(fresh_account: Callable[[], str]) -> AccountRef:
    """An account with nothing in it."""
    return AccountRef("aws", fresh_account())


async def _read(calls: Calls, account: AccountRef, *aspects: Aspect) -> AccountState:
    return await Fetch(S3Reader(calls)).account(account, aspects, regions=[HERE, THERE])


def _of(state: AccountState, aspect: Aspect, region: str) -> object:
    """What was read in a region: the value, or the reading where there is none."""
    reading = state.reading(aspect)
    assert isinstance(reading, Present)
    assert isinstance(reading.value, Regional)
    found = reading.value.of(region)
    return found.value if isinstance(found, Present) else found


async def test_a_trail_is_read_with_its_status_and_selectors(
    sessions: Sessions, calls: Calls, account: AccountRef
) -> None:
    """A trail of all regions is found in each of them, described from its home."""
    s3 = await sessions.client("s3", region=HERE, account=account.account)
    bucket = f"trail-{account.account}"
    await s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": HERE})
    trail = await sessions.client("cloudtrail", region=HERE, account=account.account)
    await trail.create_trail(Name="main", S3BucketName=bucket, IsMultiRegionTrail=True)
    fields = [{"Field": "eventCategory", "Equals": ["Data"]}]
    await trail.put_event_selectors(
        TrailName="main", AdvancedEventSelectors=[{"Name": "objects", "FieldSelectors": fields}]
    )
    state = await _read(calls, account, Aspect.TRAILS)
    for region in (HERE, THERE):
        found = _of(state, Aspect.TRAILS, region)
        assert isinstance(found, Trails)
        [each] = found.trails
        assert (each.name, each.bucket, each.home_region, each.multi_region) == ("main", bucket, HERE, True)
        assert each.owner == account.account
        assert each.status == Present(TrailStatus(logging=False))
        assert each.selectors == Present(
            Selectors(advanced=(AdvancedSelector((FieldSelector("eventCategory", equals=("Data",)),)),))
        )
    await trail.start_logging(Name="main")
    again = _of(await _read(calls, account, Aspect.TRAILS), Aspect.TRAILS, HERE)
    assert isinstance(again, Trails)
    assert again.trails[0].status == Present(TrailStatus(logging=True))


async def test_macie_and_guardduty_are_read_by_region(sessions: Sessions, calls: Calls, account: AccountRef) -> None:
    """Each is on in one region only."""
    guardduty = await sessions.client("guardduty", region=HERE, account=account.account)
    await guardduty.create_detector(Enable=True, Features=[{"Name": "S3_DATA_EVENTS", "Status": "ENABLED"}])
    macie = await sessions.client("macie2", region=THERE, account=account.account)
    await macie.enable_macie(status="PAUSED")
    state = await _read(calls, account, Aspect.MACIE, Aspect.GUARDDUTY)
    assert _of(state, Aspect.GUARDDUTY, HERE) == Detector(enabled=True, s3_events=True)
    assert not isinstance(_of(state, Aspect.GUARDDUTY, THERE), Detector)
    assert _of(state, Aspect.MACIE, THERE) == Macie("PAUSED")


async def test_backup_plans_without_selections_take_nothing_in(
    sessions: Sessions, calls: Calls, account: AccountRef
) -> None:
    """The list is read to its end, and is empty."""
    state = await _read(calls, account, Aspect.BACKUP_SELECTIONS)
    found = _of(state, Aspect.BACKUP_SELECTIONS, HERE)
    assert isinstance(found, BackupSelections | Unreadable)
    assert not isinstance(found, BackupSelections) or found.selections == ()


async def test_a_refusal_in_one_region_is_told_there(calls: Calls, account: AccountRef, proxy: FaultProxy) -> None:
    """With its cause, and in every region that refuses."""
    proxy.deny("DescribeTrails", message="not authorized because no identity-based policy allows the action")
    state = await _read(calls, account, Aspect.TRAILS)
    found = _of(state, Aspect.TRAILS, HERE)
    assert isinstance(found, Unreadable)
    assert found.cause is Cause.ROLE_PERMISSION
