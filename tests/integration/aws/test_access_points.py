"""Access points and multi-region access points against a real wire."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from s3warden.aws.calls import Calls
from s3warden.aws.s3 import S3Reader
from s3warden.aws.session import Sessions
from s3warden.collect.cache import Cache
from s3warden.collect.fetch import Fetch
from s3warden.collect.locate import Locator
from s3warden.model.bucket import (
    ABSENT,
    AccountRef,
    Aspect,
    BucketRef,
    Cause,
    Present,
    Unreadable,
)
from s3warden.model.configuration import (
    AccessPoint,
    AccessPoints,
    MultiRegionAccessPoint,
    MultiRegionAccessPoints,
    MultiRegionBucket,
    Policy,
    PublicAccessBlock,
)
from s3warden.model.event import PointName
from support.faults import FaultProxy

REGION = "eu-west-1"
POLICY = json.dumps({"Version": "2012-10-17", "Statement": []})
ALL_ON = PublicAccessBlock(True, True, True, True)


class SmallPages:
    """The reader, with lists cut into pages of two: so few points make many pages."""

    def __init__(self, reader: S3Reader) -> None:
        self._reader = reader
        self.bucket = reader.bucket
        self.service = reader.service

    async def account(
        self, ref: AccountRef, operation: str, *, region: str | None = None, **parameters: object
    ) -> Mapping[str, object]:
        """The answer of the reader."""
        more = {"MaxResults": 2} if operation.startswith("List") else {}
        return await self._reader.account(ref, operation, region=region, **parameters, **more)


@pytest.fixture
def account(fresh_account: Callable[[], str]) -> AccountRef:
    """An account with nothing in it."""
    return AccountRef("aws", fresh_account())


@pytest.fixture
async def control(sessions: Sessions, account: AccountRef) -> Any:
    """The SDK's client that makes access points."""
    return await sessions.client("s3control", account=account.account)


@pytest.fixture
def reader(calls: Calls) -> S3Reader:
    """The reader under test."""
    return S3Reader(calls)


async def made(sessions: Sessions, account: AccountRef, suffix: str = "") -> BucketRef:
    """A new bucket."""
    ref = BucketRef("aws", account.account, REGION, f"pointed-{account.account}{suffix}")
    s3 = await sessions.client("s3", account=account.account)
    await s3.create_bucket(Bucket=ref.name, CreateBucketConfiguration={"LocationConstraint": REGION})
    return ref


async def points(fetch: Fetch, ref: BucketRef) -> tuple[AccessPoint, ...]:
    """The bucket's access points as read."""
    reading = (await fetch.bucket(ref, [Aspect.ACCESS_POINTS])).reading(Aspect.ACCESS_POINTS)
    assert isinstance(reading, Present), reading
    assert isinstance(reading.value, AccessPoints)
    return reading.value.points


async def test_points_come_back_as_they_were_made(
    sessions: Sessions, reader: S3Reader, account: AccountRef, control: Any
) -> None:
    """Origin, network, own block and policy; those of another bucket are not among them."""
    ref, other = await made(sessions, account), await made(sessions, account, "-other")
    mine: dict[str, Any] = {"AccountId": account.account, "Bucket": ref.name}
    await control.create_access_point(Name="net", VpcConfiguration={"VpcId": "vpc-1"}, **mine)
    off = {"BlockPublicAcls": False, "IgnorePublicAcls": False, "BlockPublicPolicy": True}
    await control.create_access_point(Name="open", PublicAccessBlockConfiguration=off, **mine)
    await control.put_access_point_policy(AccountId=account.account, Name="open", Policy=POLICY)
    await control.create_access_point(AccountId=account.account, Name="other", Bucket=other.name)
    arn = f"arn:aws:s3:{REGION}:{account.account}:accesspoint/"
    assert await points(Fetch(reader), ref) == (
        AccessPoint("net", f"{arn}net", "VPC", Present(ALL_ON), ABSENT, "vpc-1"),
        AccessPoint(
            "open",
            f"{arn}open",
            "Internet",
            Present(PublicAccessBlock(False, False, True, True)),
            Present(Policy(POLICY)),
        ),
    )


async def test_pages_are_followed_and_lists_are_shared(
    sessions: Sessions, reader: S3Reader, proxy: FaultProxy, account: AccountRef, control: Any
) -> None:
    """Twelve buckets that are read at once cost the list of the first and one list of all."""
    refs = [await made(sessions, account, f"-{number}") for number in range(12)]
    for number in range(5):
        await control.create_access_point(AccountId=account.account, Name=f"ap-{number}", Bucket=refs[0].name)
    await control.create_access_point(AccountId=account.account, Name="last", Bucket=refs[11].name)
    fetch = Fetch(SmallPages(reader))
    states = await asyncio.gather(*(fetch.bucket(ref, [Aspect.ACCESS_POINTS]) for ref in refs))
    readings = [state.reading(Aspect.ACCESS_POINTS) for state in states]
    assert [len(r.value.points) if isinstance(r, Present) else 0 for r in readings] == [5, *[0] * 10, 1]  # type: ignore[attr-defined]
    # Three pages of the first bucket, three of all.
    assert proxy.count("ListAccessPoints", account=account.account) == 6


async def test_a_bucket_without_points_costs_one_call(
    sessions: Sessions, reader: S3Reader, proxy: FaultProxy, account: AccountRef
) -> None:
    """The usual bucket has none."""
    ref = await made(sessions, account)
    state = await Fetch(reader).bucket(ref, [Aspect.ACCESS_POINTS])
    assert state.reading(Aspect.ACCESS_POINTS) == ABSENT
    assert [seen.operation for seen in proxy.seen if seen.service == "s3control"] == ["ListAccessPoints"]
    assert {seen.region for seen in proxy.seen if seen.operation == "ListAccessPoints"} == {REGION}


async def test_one_denied_policy_leaves_the_rest_known(
    sessions: Sessions, reader: S3Reader, proxy: FaultProxy, account: AccountRef, control: Any
) -> None:
    """A refusal is told by its kind, where it belongs."""
    ref = await made(sessions, account)
    await control.create_access_point(AccountId=account.account, Name="ap1", Bucket=ref.name)
    proxy.deny(
        "GetAccessPointPolicy",
        message="not authorized to perform this with an explicit deny in a service control policy",
    )
    (point,) = await points(Fetch(reader), ref)
    assert point.block == Present(ALL_ON)
    assert isinstance(point.policy, Unreadable)
    assert point.policy.cause is Cause.SCP


async def test_a_denied_list_is_unreadable(
    sessions: Sessions, reader: S3Reader, proxy: FaultProxy, account: AccountRef
) -> None:
    """Without the list nothing is known."""
    ref = await made(sessions, account)
    proxy.deny("ListAccessPoints")
    reading = (await Fetch(reader).bucket(ref, [Aspect.ACCESS_POINTS])).reading(Aspect.ACCESS_POINTS)
    assert isinstance(reading, Unreadable)


async def test_a_bucket_that_is_gone_is_seen_to_be_gone_with_its_points(
    sessions: Sessions, reader: S3Reader, account: AccountRef
) -> None:
    """The list of access points knows nothing of buckets; the other reads do."""
    ref = await made(sessions, account)
    s3 = await sessions.client("s3", account=account.account)
    await s3.delete_bucket(Bucket=ref.name)
    state = await Fetch(reader).bucket(ref, [Aspect.ACL, Aspect.ACCESS_POINTS])
    assert not state.exists


async def test_the_bucket_behind_a_point_is_found(
    sessions: Sessions, reader: S3Reader, account: AccountRef, control: Any
) -> None:
    """By AWS as long as the point exists, by what is known afterwards."""
    ref = await made(sessions, account)
    await control.create_access_point(AccountId=account.account, Name="ap1", Bucket=ref.name)
    cache, fetch = Cache(), Fetch(reader)
    locator, name = Locator(cache, fetch), PointName("ap1", REGION)
    assert await locator.behind(account, name) == (ref,)
    cache.replace(await fetch.bucket(ref, [Aspect.ACCESS_POINTS]))
    await control.delete_access_point(AccountId=account.account, Name="ap1")
    assert await locator.behind(account, name) == (ref,)
    cache.replace(await fetch.bucket(ref, [Aspect.ACCESS_POINTS], cache.bucket(ref)))
    assert await locator.behind(account, name) == ()


async def test_multi_region_points_come_back_as_they_were_made(
    sessions: Sessions, reader: S3Reader, proxy: FaultProxy, account: AccountRef
) -> None:
    """Asked in the one region that answers, whatever the home region is."""
    refs = [await made(sessions, account, suffix) for suffix in ("-1", "-2")]
    far = await sessions.client("s3control", region="us-west-2", account=account.account)
    for name in ("one", "two"):
        details = {"Name": name, "Regions": [{"Bucket": ref.name} for ref in refs]}
        await far.create_multi_region_access_point(AccountId=account.account, ClientToken=name, Details=details)
    await far.put_multi_region_access_point_policy(
        AccountId=account.account, ClientToken="p", Details={"Name": "one", "Policy": POLICY}
    )
    proxy.seen.clear()
    state = await Fetch(SmallPages(reader)).account(account, [Aspect.MULTI_REGION_ACCESS_POINTS])
    reading = state.reading(Aspect.MULTI_REGION_ACCESS_POINTS)
    assert isinstance(reading, Present)
    assert isinstance(reading.value, MultiRegionAccessPoints)
    one, two = reading.value.points
    # The emulator says so of every bucket.
    buckets = tuple(MultiRegionBucket(ref.name, "us-east-1") for ref in refs)
    assert one == MultiRegionAccessPoint("one", one.alias, "READY", buckets, Present(ALL_ON), Present(Policy(POLICY)))
    assert one.alias.endswith(".mrap")
    assert two.policy == ABSENT
    assert reading.value.leading_to(refs[0]) == (one, two)
    assert {seen.region for seen in proxy.seen if "MultiRegion" in seen.operation} == {"us-west-2"}


async def test_an_account_without_multi_region_points_costs_one_call(
    reader: S3Reader, proxy: FaultProxy, account: AccountRef
) -> None:
    """The usual account has none."""
    state = await Fetch(reader).account(account, [Aspect.MULTI_REGION_ACCESS_POINTS])
    assert state.reading(Aspect.MULTI_REGION_ACCESS_POINTS) == ABSENT
    assert proxy.count("ListMultiRegionAccessPoints", account=account.account) == 1
