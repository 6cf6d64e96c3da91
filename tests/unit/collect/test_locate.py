"""The bucket behind an access point: from what is known, else from AWS."""

from datetime import UTC, datetime

import pytest

from s3warden.aws.errors import AwsError
from s3warden.collect.cache import Cache
from s3warden.collect.fetch import Fetch
from s3warden.collect.locate import Locator
from s3warden.model.bucket import ABSENT, NOT_READ, AccountRef, Aspect, BucketRef, BucketState, Cause, Present, Reading
from s3warden.model.configuration import AccessPoint, AccessPoints
from s3warden.model.event import PointName, Retry
from support.points import Control, listed

ACCOUNT = AccountRef("aws", "111122223333")
NOW = datetime(2026, 11, 23, tzinfo=UTC)


def ref(name: str, region: str = "eu-west-1") -> BucketRef:
    """A bucket of the account."""
    return BucketRef("aws", ACCOUNT.account, region, name)


def known(buckets: dict[BucketRef, Reading[object]]) -> Cache:
    """A cache with these readings of access points."""
    cache = Cache()
    for bucket, reading in buckets.items():
        cache.replace(BucketState(bucket, NOW, {Aspect.ACCESS_POINTS: reading}))
    return cache


def having(*names: str) -> Present[AccessPoints]:
    """The reading of a bucket with access points of these names."""
    return Present(AccessPoints(tuple(AccessPoint(n, "", "Internet", NOT_READ, NOT_READ) for n in names)))


async def test_a_point_known_to_be_on_a_bucket_takes_no_call() -> None:
    """It is also how a deleted one is found, which AWS no longer knows."""
    control = Control()
    cache = known(
        {ref("a"): having("p1", "p2"), ref("b"): ABSENT, ref("c"): NOT_READ, ref("d", "us-east-1"): having("p1")}
    )
    locator = Locator(cache, Fetch(control))
    assert await locator.behind(ACCOUNT, PointName("p1", "eu-west-1")) == (ref("a"),)
    assert await locator.behind(ACCOUNT, PointName("p1", None)) == (ref("a"), ref("d", "us-east-1"))
    assert not control.asked


async def test_a_point_that_nobody_knows_is_asked_for() -> None:
    """In the region of the record."""
    control = Control([listed("p", "b")])
    locator = Locator(known({ref("a"): having("q")}), Fetch(control))
    assert await locator.behind(ACCOUNT, PointName("p", "eu-west-1")) == (ref("b"),)
    assert control.asked == [("GetAccessPoint", "eu-west-1", {"Name": "p"})]


async def test_without_a_region_nobody_can_be_asked() -> None:
    """Access points are named by region."""
    control = Control([listed("p", "b")])
    assert await Locator(Cache(), Fetch(control)).behind(ACCOUNT, PointName("p", None)) == ()
    assert not control.asked


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (AwsError("NoSuchAccessPoint", status=404), ()),
        (AwsError("AccessDenied", status=403, cause=Cause.ROLE_PERMISSION), ()),
        (AwsError("SlowDown", status=503, cause=Cause.THROTTLED), Retry("unreadable_throttled")),
        (AwsError("ReadTimeoutError", cause=Cause.UNREACHABLE), Retry("unreadable_unreachable")),
    ],
)
async def test_what_aws_will_not_say_is_tried_again_only_if_that_may_help(error: AwsError, expected: object) -> None:
    """A message about a point that is gone, or that we may not read, must not come back for ever."""
    locator = Locator(Cache(), Fetch(Control(answers={"GetAccessPoint": error})))
    assert await locator.behind(ACCOUNT, PointName("p", "eu-west-1")) == expected
