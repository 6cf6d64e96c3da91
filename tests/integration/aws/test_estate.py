"""Listing accounts and buckets against a real wire."""

from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from s3warden.aws.calls import Backoff, Calls
from s3warden.aws.estate import Estate, Scope
from s3warden.aws.limiter import Limiter
from s3warden.aws.session import SessionConfig, Sessions
from s3warden.model.bucket import AccountRef, BucketRef, Cause
from support.faults import FaultProxy
from support.moto import HOME_ACCOUNT, start_moto


@pytest.fixture
async def account(sessions: Sessions, fresh_account: Callable[[], str]) -> AccountRef:
    """An account with a bucket in each of three regions."""
    ref = AccountRef("aws", fresh_account())
    for region in ("us-east-1", "eu-west-1", "ap-southeast-2"):
        s3 = await sessions.client("s3", region=region, account=ref.account)
        place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        await s3.create_bucket(Bucket=_name(ref, region), **place)
    return ref


def _name(account: AccountRef, region: str) -> str:
    return f"estate-{account.account}-{region}"


def _bucket(account: AccountRef, region: str) -> BucketRef:
    return BucketRef("aws", account.account, region, _name(account, region))


async def test_buckets_of_all_regions_are_listed_with_their_regions(
    sessions: Sessions, calls: Calls, account: AccountRef, proxy: FaultProxy
) -> None:
    """The emulator does not tell regions in the list: they are found out, and remembered."""
    estate = Estate(sessions, calls, Scope())
    listing = await estate.listing(account)
    again = await estate.listing(account)
    expected = {_bucket(account, region) for region in ("us-east-1", "eu-west-1", "ap-southeast-2")}
    assert set(listing.buckets) == expected
    assert again == listing
    assert listing.complete
    located = proxy.count("HeadBucket") + proxy.count("GetBucketLocation")
    assert 3 <= located <= 6


async def test_prefix_and_regions_narrow_the_list(sessions: Sessions, calls: Calls, account: AccountRef) -> None:
    """Only what was chosen is listed."""
    scope = Scope(regions=("eu-west-1", "us-east-1"), prefix=_name(account, "eu-"))
    listing = await Estate(sessions, calls, scope).listing(account)
    assert listing.buckets == (_bucket(account, "eu-west-1"),)


async def test_a_locked_account_does_not_stop_the_others(
    sessions: Sessions, calls: Calls, account: AccountRef, proxy: FaultProxy, fresh_account: Callable[[], str]
) -> None:
    """Its listing names the cause; the next account is listed as ever."""
    locked = AccountRef("aws", fresh_account())
    proxy.deny("AssumeRole", text=locked.account)
    estate = Estate(sessions, calls, Scope(accounts=(locked.account, account.account)))
    first, second = [await estate.listing(ref) for ref in await estate.accounts()]
    assert (first.buckets, first.failures) == ((), {"*": Cause.ASSUME_ROLE})
    assert len(second.buckets) == 3


async def test_a_list_refused_at_home_is_read_region_by_region(
    sessions: Sessions, calls: Calls, account: AccountRef, proxy: FaultProxy
) -> None:
    """A policy that refuses the first list leaves those of the regions."""
    message = "... with an explicit deny in a service control policy"
    await sessions.client("s3", account=account.account)
    proxy.deny("ListBuckets", message=message, times=1)
    listing = await Estate(sessions, calls, Scope(regions=("eu-west-1", "us-east-1"))).listing(account)
    assert set(listing.buckets) == {_bucket(account, "eu-west-1"), _bucket(account, "us-east-1")}
    assert listing.complete
    assert proxy.count("DescribeRegions") == 1


async def test_switched_on_regions_are_told(sessions: Sessions, calls: Calls, fresh_account: Callable[[], str]) -> None:
    """EC2 knows which regions an account has."""
    regions = await Estate(sessions, calls, Scope()).enabled_regions(AccountRef("aws", fresh_account()))
    assert {"eu-west-1", "us-east-1"} <= regions


@pytest.fixture(scope="module")
def lone_moto() -> Iterator[str]:
    """An emulated AWS of its own: an organisation is the home account's, and there is one."""
    with start_moto() as url:
        yield url


@pytest.fixture
async def head(lone_moto: str) -> AsyncIterator[Sessions]:
    """Sessions of the management account."""
    async with Sessions(SessionConfig(region="eu-west-1", endpoint_url=lone_moto)) as sessions:
        yield sessions


async def test_an_organisation_is_walked(head: Sessions) -> None:
    """More accounts than fit on a page, in units within units."""
    organizations = await head.client("organizations")
    await organizations.create_organization(FeatureSet="ALL")
    [root] = (await organizations.list_roots())["Roots"]
    outer = (await organizations.create_organizational_unit(ParentId=root["Id"], Name="outer"))["OrganizationalUnit"]
    inner = (await organizations.create_organizational_unit(ParentId=outer["Id"], Name="inner"))["OrganizationalUnit"]
    made = []
    for number in range(25):
        status = await organizations.create_account(AccountName=f"a{number}", Email=f"a{number}@example.com")
        made.append(status["CreateAccountStatus"]["AccountId"])
    for id_, unit in ((made[0], outer), (made[1], inner)):
        await organizations.move_account(AccountId=id_, SourceParentId=root["Id"], DestinationParentId=unit["Id"])

    async def chosen(include: tuple[str, ...] = (), exclude: tuple[str, ...] = ()) -> set[str]:
        calls = Calls(head, Limiter(), backoff=Backoff(attempts=1))
        estate = Estate(head, calls, Scope(organization=True, include=include, exclude=exclude))
        return {ref.account for ref in await estate.accounts()}

    assert await chosen() == {HOME_ACCOUNT, *made}
    assert await chosen(include=(outer["Id"],)) == {made[0], made[1]}
    assert await chosen(include=(outer["Id"],), exclude=(inner["Id"],)) == {made[0]}
    assert await chosen(exclude=(outer["Id"], made[2])) == {HOME_ACCOUNT, *made[3:]}
