"""Whose a bucket name is: ours, a friend's, a stranger's or nobody's, and never guessed."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from s3warden.aws.errors import AwsError
from s3warden.collect.cache import Cache
from s3warden.collect.owners import Owners
from s3warden.collect.standings import Standings
from s3warden.model.bucket import AccountRef, BucketRef, BucketState, Cause, Present, Unreadable
from s3warden.model.event import Listing
from s3warden.model.references import Standing
from support.services import FORBIDDEN, MISSING, THROTTLED, Services

OWN = AccountRef("aws", "111122223333")
FRIEND = AccountRef("aws", "444455556666")
STRANGER = "999999999999"


def listing(account: AccountRef, *names: str, failures: Mapping[str, str] | None = None) -> Listing:
    """The buckets of an account."""
    refs = tuple(BucketRef("aws", account.account, "eu-west-1", name) for name in names)
    return Listing(account, refs, failures or {})


def head(owner: str) -> Any:
    """HeadBucket of a bucket that `owner` has and that lets nobody else in."""
    return lambda ref, params: {} if params["ExpectedBucketOwner"] == owner == ref.account else FORBIDDEN


def having(*names: str, account: AccountRef = OWN) -> Any:
    """ListBuckets of which only one account has any."""
    return lambda ref, params: {
        "Buckets": [
            {"Name": name, "BucketRegion": "eu-west-1"}
            for name in names
            if ref == account and name.startswith(params["Prefix"])
        ]
    }


def known(*listings: Listing, guarded: tuple[AccountRef, ...] = (OWN, FRIEND)) -> Owners:
    """Owners as these listings tell."""
    owners = Owners()
    owners.guard(guarded)
    for each in listings:
        owners.listed(each)
    return owners


async def test_what_a_listing_names_takes_no_call() -> None:
    """The usual case: the log bucket of the account, the replica of another guarded one."""
    aws = Services()
    standings = Standings(aws, known(listing(OWN, "logs"), listing(FRIEND, "replica")))
    assert await standings.of(OWN, "logs") == Present(Standing("logs", True, OWN.account, "eu-west-1"))
    assert await standings.of(OWN, "replica") == Present(Standing("replica", True, FRIEND.account, "eu-west-1"))
    assert aws.asked == []


async def test_nobody_has_the_name() -> None:
    """Anybody may register it."""
    standings = Standings(Services({"s3 HeadBucket": MISSING}), known())
    assert await standings.of(OWN, "gone") == Present(Standing("gone", exists=False))


async def test_refusal_is_not_health() -> None:
    """A 403 says that the name exists; who owns it is found out, and it may be a stranger."""
    aws = Services({"s3 HeadBucket": FORBIDDEN, "s3 ListBuckets": having("other")})
    standings = Standings(aws, known(listing(OWN), listing(FRIEND)))
    assert await standings.of(OWN, "taken") == Present(Standing("taken", exists=True, owner=None))
    assert [asked.params.get("ExpectedBucketOwner") for asked in aws.asked] == [OWN.account, None]


async def test_ours_out_of_scope_or_locked_is_still_ours() -> None:
    """A bucket that the settings leave out is proven by its owner; one that its policy locks, by the account's list."""
    open_ = Standings(Services({"s3 HeadBucket": head(OWN.account)}), known(listing(OWN)))
    assert await open_.of(OWN, "left-out") == Present(Standing("left-out", True, OWN.account))
    locked = Services({"s3 HeadBucket": FORBIDDEN, "s3 ListBuckets": having("locked", "locked-too")})
    standings = Standings(locked, known(listing(OWN), listing(FRIEND)))
    assert await standings.of(OWN, "locked") == Present(Standing("locked", True, OWN.account, "eu-west-1"))


async def test_the_account_that_is_said_to_own_it_is_asked_about() -> None:
    """S3 confirms the owner to whom it lets in, and to nobody else."""

    def answer(_ref: AccountRef, params: Mapping[str, Any]) -> Any:
        return {"BucketRegion": "eu-west-1"} if params["ExpectedBucketOwner"] == STRANGER else FORBIDDEN

    standings = Standings(Services({"s3 HeadBucket": answer}), known(listing(OWN), listing(FRIEND)))
    assert await standings.of(OWN, "partner", STRANGER) == Present(Standing("partner", True, STRANGER, "eu-west-1"))


async def test_friends_that_are_not_listed_yet_are_asked_first() -> None:
    """During the first sweep another guarded account's bucket must not pass for a stranger's."""
    aws = Services({"s3 HeadBucket": FORBIDDEN, "s3 ListBuckets": having("central", account=FRIEND)})
    standings = Standings(aws, known(listing(OWN)))
    assert await standings.of(OWN, "central") == Present(Standing("central", True, FRIEND.account, "eu-west-1"))
    assert [asked.account for asked in aws.asked if asked.what == "s3 ListBuckets"] == [OWN.account, FRIEND.account]


async def test_a_friend_that_cannot_be_asked_leaves_it_open() -> None:
    """It may be his."""
    denied = AwsError("AccessDenied", "no", status=403, cause=Cause.SCP)
    aws = Services(
        {"s3 HeadBucket": FORBIDDEN, "s3 ListBuckets": lambda ref, _: denied if ref == FRIEND else {"Buckets": []}}
    )
    reading = await Standings(aws, known(listing(OWN), listing(FRIEND, failures={"*": "scp"}))).of(OWN, "central")
    assert reading == Unreadable(Cause.SCP, "AccessDenied: no")


async def test_a_large_estate_is_listed_before_anybody_is_called_a_stranger() -> None:
    """More than a hundred accounts are not asked one by one."""
    many = tuple(AccountRef("aws", f"{n:012d}") for n in range(101))
    aws = Services({"s3 HeadBucket": FORBIDDEN, "s3 ListBuckets": having()})
    reading = await Standings(aws, known(listing(OWN), guarded=(OWN, *many))).of(OWN, "central")
    assert isinstance(reading, Unreadable)
    assert reading.cause is Cause.NOT_READ


@pytest.mark.parametrize("answer", [THROTTLED, AwsError("InternalError", "oops", status=500, cause=Cause.UNREACHABLE)])
async def test_what_fails_is_unreadable_and_asked_again(answer: AwsError) -> None:
    """A failure that passes is not remembered."""
    aws = Services({"s3 HeadBucket": answer})
    standings = Standings(aws, known())
    assert await standings.of(OWN, "logs") == Unreadable(answer.cause, f"{answer.code}: {answer.message}")
    aws.answers["s3 HeadBucket"] = MISSING
    assert await standings.of(OWN, "logs") == Present(Standing("logs", exists=False))


async def test_damaged_list_is_unreadable() -> None:
    """An answer without its list says nothing about the owner."""
    reading = await Standings(Services({"s3 HeadBucket": FORBIDDEN, "s3 ListBuckets": {}}), known()).of(OWN, "b")
    assert isinstance(reading, Unreadable)
    assert reading.cause is Cause.MALFORMED


async def test_one_asks_for_all_until_something_happens_to_the_name() -> None:
    """A thousand references to one name are one question."""
    aws = Services({"s3 HeadBucket": MISSING})
    standings = Standings(aws, known())
    for _ in range(3):
        await standings.of(OWN, "gone")
    assert aws.count("s3 HeadBucket") == 1
    standings.forget("gone")
    await standings.of(OWN, "gone")
    assert aws.count("s3 HeadBucket") == 2


def test_owners_follow_listings_and_looks() -> None:
    """A complete listing takes back what it does not name; an account that is no longer guarded owns nothing here."""
    owners = known(listing(OWN, "a", "b"), listing(FRIEND, "c", failures={"eu-south-1": "denied"}))
    assert owners.unlisted("aws") == (FRIEND,)
    owners.listed(listing(OWN, "a"))
    owners.listed(listing(FRIEND, failures={"eu-south-1": "denied"}))
    assert (owners.of("aws", "b"), owners.of("aws", "c") is not None) == (None, True)
    ref = BucketRef("aws", OWN.account, "eu-west-1", "new")
    owners.found(ref)
    assert owners.of("aws", "new") == ref
    owners.gone(BucketRef("aws", FRIEND.account, "eu-west-1", "new"))
    assert owners.of("aws", "new") == ref
    owners.gone(ref)
    assert owners.of("aws", "new") is None
    cache = Cache()
    cache.replace(BucketState(ref, datetime(2026, 11, 24, tzinfo=UTC)))
    owners.beside(cache)
    assert owners.of("aws", "new") == ref
    owners.guard((OWN,))
    assert (owners.of("aws", "c"), owners.is_guarded(FRIEND), owners.unlisted("aws")) == (None, False, ())
