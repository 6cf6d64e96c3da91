"""Which accounts and buckets there are, under every trouble that lists can have."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from s3warden.aws.calls import Backoff, Calls
from s3warden.aws.errors import AwsError
from s3warden.aws.estate import Estate, Scope
from s3warden.aws.limiter import Limiter
from s3warden.model.bucket import AccountRef, BucketRef, Cause
from support.awsfake import FakeAws, refusal

HOME = AccountRef("aws", "111111111111")
OTHER = AccountRef("aws", "222222222222")
MADE = datetime(2020, 1, 1, tzinfo=UTC)

SCP = "User: x is not authorized to perform: s3:ListAllMyBuckets with an explicit deny in a service control policy"


def estate(aws: FakeAws, scope: Scope | None = None) -> Estate:
    """An estate over the fake, without waiting between tries."""

    async def at_once(_: float) -> None:
        return None

    calls = Calls(aws, Limiter(), backoff=Backoff(attempts=2), sleep=at_once)
    return Estate(aws, calls, scope or Scope())


def item(name: str, region: str | None = None, made: datetime = MADE) -> dict[str, Any]:
    """One item of ListBuckets."""
    told = {"BucketRegion": region} if region else {}
    return {"Name": name, "CreationDate": made, **told}


def listed(*items: dict[str, Any], token: str | None = None) -> dict[str, Any]:
    """One page of ListBuckets."""
    return {"Buckets": list(items)} | ({"ContinuationToken": token} if token else {})


def ref(name: str, region: str, account: AccountRef = HOME) -> BucketRef:
    """The reference to a bucket."""
    return BucketRef(account.partition, account.account, region, name)


async def test_without_a_choice_the_own_account_is_guarded() -> None:
    """A queue URL alone is a useful configuration."""
    assert await estate(FakeAws()).accounts() == (HOME,)


async def test_named_accounts_come_in_their_order_and_once() -> None:
    """Accounts by id need no call but for the own identity; excluded ones are left out."""
    scope = Scope(accounts=("3" * 12, "2" * 12, "3" * 12, "4" * 12), exclude=("4" * 12,))
    aws = FakeAws()
    assert [account.account for account in await estate(aws, scope).accounts()] == ["3" * 12, "2" * 12]
    assert aws.asked == []


@pytest.mark.parametrize(
    ("partition", "region"), [("aws-us-gov", "us-gov-west-1"), ("aws-cn", "cn-north-1"), ("aws-eusc", "eusc-de-east-1")]
)
async def test_references_carry_the_own_partition(partition: str, region: str) -> None:
    """Accounts and buckets of the other partitions are named as theirs."""
    aws = FakeAws(partition=partition, home_region=region)
    aws.on("ListBuckets", listed(item("b", region)))
    guarded = estate(aws)
    [account] = await guarded.accounts()
    [bucket] = (await guarded.listing(account)).buckets
    assert account.partition == partition
    assert bucket.arn == f"arn:{partition}:s3:::b"
    assert bucket.region == region


def organisation(aws: FakeAws) -> FakeAws:
    """Root r-1 holds account 1 and unit ou-a (2, and unit ou-b with 3 and 4); 4 is suspended."""

    def members(ParentId: str, NextToken: str = "") -> dict[str, Any]:  # noqa: N803 - AWS's names
        pages: dict[tuple[str, str], dict[str, Any]] = {
            ("r-1", ""): {"Accounts": [{"Id": "1" * 12}]},
            ("ou-a", ""): {"Accounts": [], "NextToken": "more"},
            ("ou-a", "more"): {"Accounts": [{"Id": "2" * 12}]},
            ("ou-b", ""): {"Accounts": [{"Id": "3" * 12}, {"Id": "4" * 12}]},
        }
        return pages[ParentId, NextToken]

    def units(ParentId: str) -> dict[str, Any]:  # noqa: N803
        return {"OrganizationalUnits": {"r-1": [{"Id": "ou-a"}], "ou-a": [{"Id": "ou-b"}]}.get(ParentId, [])}

    first = {"Accounts": [{"Id": "3" * 12, "State": "ACTIVE"}, {"Id": "1" * 12, "Status": "ACTIVE"}], "NextToken": "x"}
    second = {
        "Accounts": [{"Id": "4" * 12, "State": "SUSPENDED", "Status": "ACTIVE"}, {"Id": "2" * 12, "Status": "ACTIVE"}]
    }
    aws.on("ListAccounts", lambda NextToken="": second if NextToken else first)  # noqa: N803
    aws.on("ListAccountsForParent", members)
    aws.on("ListOrganizationalUnitsForParent", units)
    return aws


async def test_every_account_is_below_its_units_and_the_root() -> None:
    """At any depth; suspended accounts too, since their buckets are still there."""
    aws = organisation(FakeAws())
    aws.on("ListRoots", {"Roots": [{"Id": "r-1"}]})
    assert await estate(aws).units() == {
        "1" * 12: frozenset({"r-1"}),
        "2" * 12: frozenset({"r-1", "ou-a"}),
        "3" * 12: frozenset({"r-1", "ou-a", "ou-b"}),
        "4" * 12: frozenset({"r-1", "ou-a", "ou-b"}),
    }


async def test_units_that_cannot_be_listed_are_an_error() -> None:
    """Half a tree would put accounts below too few units."""
    aws = organisation(FakeAws())
    aws.on("ListRoots", refusal("AccessDeniedException", 400))
    with pytest.raises(AwsError):
        await estate(aws).units()


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        ((), (), "123"),
        (("ou-a",), (), "23"),
        (("ou-b", "1" * 12), (), "13"),
        (("r-1",), ("ou-b",), "12"),
        ((), ("ou-a",), "1"),
        ((), ("2" * 12,), "13"),
        (("ou-a",), ("ou-a",), ""),
        (("4" * 12, "9" * 12), (), ""),
    ],
)
async def test_the_organisation_s_active_accounts_are_chosen_by_id_and_unit(
    include: tuple[str, ...], exclude: tuple[str, ...], expected: str
) -> None:
    """Units count with all that is below them, exclusion wins, what is not active is left out."""
    scope = Scope(organization=True, include=include, exclude=exclude)
    guarded = estate(organisation(FakeAws()), scope)
    assert [account.account for account in await guarded.accounts()] == [digit * 12 for digit in expected]
    assert guarded.closed == ("4" * 12,)


async def test_while_the_organisation_does_not_answer_its_last_word_holds() -> None:
    """A first failure is told; a later one keeps the accounts that are known."""
    aws = FakeAws()
    aws.on("ListAccounts", refusal("AccessDeniedException", 400))
    guarded = estate(aws, Scope(organization=True))
    with pytest.raises(AwsError) as caught:
        await guarded.accounts()
    assert caught.value.cause is Cause.DENIED
    organisation(aws)
    known = await guarded.accounts()
    aws.on("ListAccounts", refusal("ServiceException", 500))
    assert await guarded.accounts() == known


async def test_all_pages_are_read_with_the_prefix() -> None:
    """Each page carries the prefix on, and the parameter that makes AWS tell regions."""
    aws = FakeAws()
    pages = {None: listed(item("p-1", "us-east-1"), token="t"), "t": listed(item("p-2", "eu-west-1"))}
    aws.on("ListBuckets", lambda ContinuationToken=None, **_: pages[ContinuationToken])  # noqa: N803
    listing = await estate(aws, Scope(prefix="p-")).listing(HOME)
    assert listing.buckets == (ref("p-1", "us-east-1"), ref("p-2", "eu-west-1"))
    assert listing.complete
    assert [call.params for call in aws.asked] == [
        {"MaxBuckets": 1000, "Prefix": "p-"},
        {"MaxBuckets": 1000, "Prefix": "p-", "ContinuationToken": "t"},
    ]


async def test_only_the_chosen_regions_are_listed() -> None:
    """One call lists all regions; the others are left out here."""
    aws = FakeAws()
    aws.on("ListBuckets", listed(item("a", "us-east-1"), item("b", "eu-west-1"), item("c", "me-south-1")))
    listing = await estate(aws, Scope(regions=("eu-west-1", "me-south-1"))).listing(HOME)
    assert listing.buckets == (ref("b", "eu-west-1"), ref("c", "me-south-1"))
    assert len(aws.asked) == 1


@pytest.mark.parametrize(
    ("constraint", "region"),
    [(None, "us-east-1"), ("", "us-east-1"), ("EU", "eu-west-1"), ("ap-south-2", "ap-south-2")],
)
async def test_a_bucket_s_region_is_found_out_once(constraint: str | None, region: str) -> None:
    """Where the list does not tell, GetBucketLocation does, and is not asked again."""
    aws = FakeAws()
    aws.on("ListBuckets", listed(item("b")))
    aws.on("HeadBucket", refusal("403", 403))
    aws.on("GetBucketLocation", {"LocationConstraint": constraint})
    guarded = estate(aws)
    for _ in range(3):
        assert (await guarded.listing(HOME)).buckets == (ref("b", region),)
    assert aws.count("HeadBucket") == 1
    assert aws.count("GetBucketLocation") == 1


async def test_even_a_refused_head_tells_the_region() -> None:
    """The header of a 403 is enough."""
    aws = FakeAws()
    aws.on("ListBuckets", listed(item("b")))
    aws.on("HeadBucket", refusal("403", 403, **{"x-amz-bucket-region": "ap-east-1"}))
    assert (await estate(aws).listing(HOME)).buckets == (ref("b", "ap-east-1"),)
    assert aws.count("GetBucketLocation") == 0


async def test_a_bucket_made_anew_is_located_anew() -> None:
    """The same name with another creation date may live elsewhere."""
    aws = FakeAws()
    aws.on("ListBuckets", listed(item("b")))
    aws.on("HeadBucket", {"BucketRegion": "us-east-1"})
    guarded = estate(aws)
    await guarded.listing(HOME)
    aws.on("ListBuckets", listed(item("b", made=datetime(2026, 1, 1, tzinfo=UTC))))
    aws.on("HeadBucket", {"BucketRegion": "eu-west-1"})
    assert (await guarded.listing(HOME)).buckets == (ref("b", "eu-west-1"),)


@pytest.mark.parametrize("regions", [(), ("eu-west-1",)])
async def test_a_bucket_that_cannot_be_located_is_listed_still(regions: tuple[str, ...]) -> None:
    """A denied location must not make a bucket vanish; it is tried again next time."""
    aws = FakeAws()
    aws.on("ListBuckets", listed(item("dark")))
    guarded = estate(aws, Scope(regions=regions))
    assert (await guarded.listing(HOME)).buckets == (ref("dark", "us-west-2"),)
    await guarded.listing(HOME)
    assert aws.count("HeadBucket") == 2


@pytest.mark.parametrize(
    ("trouble", "cause"),
    [
        (refusal("AccessDenied", message="because no identity-based policy allows it"), Cause.ROLE_PERMISSION),
        (refusal("AccessDenied"), Cause.DENIED),
        (refusal("ExpiredToken", 400), Cause.CREDENTIALS),
        (refusal("SlowDown", 503), Cause.THROTTLED),
        (AwsError("AccessDenied", cause=Cause.ASSUME_ROLE), Cause.ASSUME_ROLE),
        (ConnectionResetError(), Cause.UNREACHABLE),
        ({}, Cause.MALFORMED),
        ({"Buckets": [{"CreationDate": MADE}]}, Cause.MALFORMED),
    ],
)
async def test_an_account_that_cannot_be_listed_is_named_with_its_cause(trouble: object, cause: Cause) -> None:
    """A broken account is a listing with a failure, not an exception."""
    aws = FakeAws()
    aws.on("ListBuckets", trouble)
    listing = await estate(aws).listing(OTHER)
    assert listing.buckets == ()
    assert listing.failures == {"*": cause}
    assert not listing.complete


async def test_the_pages_before_a_failing_one_are_kept() -> None:
    """Half a list is worth sweeping, and says that it is half."""
    aws = FakeAws()
    pages: dict[str | None, object] = {None: listed(item("a", "eu-west-1"), token="t"), "t": refusal("SlowDown", 503)}
    aws.on("ListBuckets", lambda ContinuationToken=None, **_: pages[ContinuationToken])  # noqa: N803
    listing = await estate(aws).listing(HOME)
    assert listing.buckets == (ref("a", "eu-west-1"),)
    assert listing.failures == {"*": Cause.THROTTLED}


def by_region(answers: dict[str | None, object]) -> Callable[..., object]:
    """ListBuckets that answers by the region asked for."""
    return lambda BucketRegion=None, **_: answers[BucketRegion]  # noqa: N803


async def test_where_a_policy_refuses_the_whole_list_each_enabled_region_is_asked() -> None:
    """An organisation that allows only some regions is listed through those; the refused ones are named."""
    aws = FakeAws()
    aws.on("DescribeRegions", {"Regions": [{"RegionName": r} for r in ("eu-west-1", "eu-north-1", "us-east-1")]})
    no: ClientError = refusal("AccessDenied", message=SCP)
    answers: dict[str | None, object] = {None: no, "us-east-1": no, "eu-north-1": listed()}
    aws.on("ListBuckets", by_region({**answers, "eu-west-1": listed(item("a"))}))
    listing = await estate(aws).listing(OTHER)
    assert listing.buckets == (ref("a", "eu-west-1", OTHER),)
    assert listing.failures == {"us-east-1": Cause.SCP}
    asked = {call.region for call in aws.asked if call.params.get("BucketRegion")}
    assert asked == {"eu-west-1", "eu-north-1", "us-east-1"}


async def test_chosen_regions_that_are_off_are_named_and_not_asked() -> None:
    """A region that is switched off would only time out."""
    aws = FakeAws()
    aws.on("DescribeRegions", {"Regions": [{"RegionName": "eu-west-1"}]})
    aws.on("ListBuckets", by_region({None: refusal("AccessDenied", message=SCP), "eu-west-1": listed(item("a"))}))
    listing = await estate(aws, Scope(regions=("eu-west-1", "me-south-1"))).listing(OTHER)
    assert listing.buckets == (ref("a", "eu-west-1", OTHER),)
    assert listing.failures == {"me-south-1": Cause.REGION_OFF}


async def test_without_a_word_on_enabled_regions_the_chosen_ones_are_asked() -> None:
    """DescribeRegions may be denied as well."""
    aws = FakeAws()
    aws.on("ListBuckets", by_region({None: refusal("AccessDenied", message=SCP), "eu-west-1": listed(item("a"))}))
    chosen = await estate(aws, Scope(regions=("eu-west-1",))).listing(OTHER)
    assert chosen.buckets == (ref("a", "eu-west-1", OTHER),)
    assert chosen.complete
    assert (await estate(aws).listing(OTHER)).failures == {"*": Cause.SCP}
