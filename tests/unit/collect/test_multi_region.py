"""An account's multi-region access points: every part under every kind of answer."""

import pytest

from s3warden.aws.errors import AwsError
from s3warden.collect.fetch import Fetch, passing
from s3warden.collect.multi_region import HOMES, MultiRegionReads
from s3warden.model.bucket import (
    ABSENT,
    AccountRef,
    Aspect,
    BucketRef,
    BucketState,
    Cause,
    Present,
    Reading,
    Unreadable,
)
from s3warden.model.configuration import (
    MultiRegionAccessPoint,
    MultiRegionAccessPoints,
    MultiRegionBucket,
    Policy,
    PublicAccessBlock,
)
from support.points import POLICY, Control, multi_region

ACCOUNT = AccountRef("aws", "111122223333")
AS_READ = Present(PublicAccessBlock(True, True, True, False))
GET = "GetMultiRegionAccessPointPolicy"
LIST = "ListMultiRegionAccessPoints"


async def read(control: Control) -> Reading[MultiRegionAccessPoints]:
    """The reading of the one account."""
    return await MultiRegionReads(control).of_account(ACCOUNT)


async def point(control: Control) -> MultiRegionAccessPoint:
    """The only point of the one account."""
    reading = await read(control)
    assert isinstance(reading, Present), reading
    (only,) = reading.value.points
    return only


async def test_a_point_is_read_with_all_its_parts() -> None:
    """From the one region that answers, in one list and one call a policy."""
    regions = [
        {"Bucket": "b2", "Region": "us-east-1", "BucketAccountId": "999999999999"},
        {"Bucket": "b1", "Region": "eu-west-1"},
    ]
    control = Control([multi_region("m", Regions=regions)])
    assert await point(control) == MultiRegionAccessPoint(
        "m",
        "m.mrap",
        "READY",
        (MultiRegionBucket("b1", "eu-west-1"), MultiRegionBucket("b2", "us-east-1", "999999999999")),
        AS_READ,
        Present(Policy(POLICY)),
    )
    assert control.asked == [(LIST, HOMES["aws"], {}), (GET, HOMES["aws"], {"Name": "m"})]


async def test_a_partition_without_such_points_is_not_asked() -> None:
    """There it is known that there are none."""
    control = Control([multi_region("m", "b")])
    assert await MultiRegionReads(control).of_account(AccountRef("aws-cn", "111122223333")) == ABSENT
    assert not control.asked


async def test_no_points_are_absent() -> None:
    """An empty list is an answer."""
    assert await read(Control()) == ABSENT


async def test_all_pages_are_read() -> None:
    """The points come by name."""
    reading = await read(Control([multi_region(f"m{n}", "b") for n in (3, 1, 2)], size=1))
    assert isinstance(reading, Present)
    assert [each.name for each in reading.value.points] == ["m1", "m2", "m3"]


@pytest.mark.parametrize("cause", Cause)
async def test_a_list_that_fails_makes_all_unreadable(cause: Cause) -> None:
    """Points that nobody listed must not pass for none."""
    error = AwsError("SomeCode", "said AWS", cause=cause, status=400)
    assert await read(Control(answers={LIST: error})) == Unreadable(cause, "SomeCode: said AWS")


@pytest.mark.parametrize("cause", Cause)
async def test_a_policy_that_cannot_be_read_is_unreadable_there_alone(cause: Cause) -> None:
    """What the list told is known all the same."""
    error = AwsError("SomeCode", "said AWS", cause=cause, status=400)
    control = Control([multi_region("m1", "b"), multi_region("m2", "b")], answers={(GET, "m1"): error})
    reading = await read(control)
    assert isinstance(reading, Present)
    one, two = reading.value.points
    assert (one.block, one.policy) == (AS_READ, Unreadable(cause, "SomeCode: said AWS"))
    assert not two.unreadable
    assert (passing(reading) is cause) is (cause in {Cause.THROTTLED, Cause.UNREACHABLE, Cause.CREDENTIALS})


@pytest.mark.parametrize(
    "answer",
    [
        AwsError("NoSuchMultiRegionAccessPointPolicy", status=404),
        {"Policy": {}},
        {"Policy": {"Established": {}}},
        {"Policy": {"Established": {"Policy": ""}}},
    ],
)
async def test_a_point_without_a_policy_has_it_absent(answer: object) -> None:
    """By a code, or by a document with nothing in it."""
    assert (await point(Control([multi_region("m", "b")], answers={GET: answer}))).policy == ABSENT


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"Policy": None},
        {"Policy": "text"},
        {"Policy": {"Established": None}},
        {"Policy": {"Established": {"Policy": 7}}},
        {"Policy": {"Proposed": []}},
    ],
)
async def test_a_damaged_policy_answer_is_malformed(answer: object) -> None:
    """It is never taken for a point without a policy."""
    policy = (await point(Control([multi_region("m", "b")], answers={GET: answer}))).policy
    assert isinstance(policy, Unreadable)
    assert policy.cause is Cause.MALFORMED


async def test_a_policy_on_its_way_is_kept_beside_the_one_in_force() -> None:
    """AWS takes its time to bring a policy to all regions, and goes on naming it when it has arrived."""
    answer = {"Policy": {"Established": {"Policy": "old"}, "Proposed": {"Policy": "new"}}}
    moving = await point(Control([multi_region("m", "b")], answers={GET: answer}))
    assert (moving.policy, moving.proposed) == (Present(Policy("old")), Policy("new"))
    arrived = {"Policy": {"Established": {"Policy": "new"}, "Proposed": {"Policy": "new"}}}
    assert (await point(Control([multi_region("m", "b")], answers={GET: arrived}))).proposed is None
    first = {"Policy": {"Proposed": {"Policy": "new"}}}
    fresh = await point(Control([multi_region("m", "b")], answers={GET: first}))
    assert (fresh.policy, fresh.proposed) == (ABSENT, Policy("new"))


@pytest.mark.parametrize(
    "item",
    [
        {},
        multi_region("", "b"),
        multi_region("m", "b", Status=None),
        multi_region("m", "b", Regions=None),
        multi_region("m", "b", Regions=["eu-west-1"]),
        multi_region("m", "b", Regions=[{"Region": "eu-west-1"}]),
    ],
)
async def test_a_damaged_list_is_malformed(item: dict[str, object]) -> None:
    """It is never taken for an empty one."""
    reading = await read(Control(answers={LIST: {"AccessPoints": [item]}}))
    assert isinstance(reading, Unreadable)
    assert reading.cause is Cause.MALFORMED


async def test_a_point_without_its_block_has_it_unreadable() -> None:
    """A block that is missing from the answer is not one that is off."""
    block = (await point(Control([multi_region("m", "b", PublicAccessBlock=None)]))).block
    assert isinstance(block, Unreadable)
    assert block.cause is Cause.MALFORMED


async def test_a_bucket_knows_the_points_that_lead_to_it() -> None:
    """Through its account; a bucket of the same name that AWS says is another account's is not it."""
    foreign = [{"Bucket": "b", "Region": "eu-west-1", "BucketAccountId": "999999999999"}]
    control = Control([multi_region("m1", "a", "b"), multi_region("m2", "a"), multi_region("m3", Regions=foreign)])
    account = await Fetch(control).account(ACCOUNT, [Aspect.MULTI_REGION_ACCESS_POINTS])
    ref = BucketRef("aws", "111122223333", "eu-west-1", "b")
    reading = BucketState(ref, account.read_at, account=account).reading(Aspect.MULTI_REGION_ACCESS_POINTS)
    assert isinstance(reading, Present)
    assert isinstance(reading.value, MultiRegionAccessPoints)
    assert [each.name for each in reading.value.leading_to(ref)] == ["m1"]
    assert hash(reading) is not None
