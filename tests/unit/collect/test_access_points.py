"""A bucket's access points: every part under every kind of answer, and lists that many buckets share."""

import asyncio
import copy

import pytest

from s3warden.aws.errors import AwsError
from s3warden.collect.access_points import AccessPointReads
from s3warden.collect.aspects import GONE
from s3warden.collect.fetch import Fetch, passing
from s3warden.model.bucket import (
    ABSENT,
    AccountRef,
    Aspect,
    BucketRef,
    Cause,
    Present,
    Reading,
    Unreadable,
    unreadable_parts,
)
from s3warden.model.configuration import AccessPoint, AccessPoints, Policy, PublicAccessBlock
from support.points import BLOCK, POLICY, Control, listed

REF = BucketRef("aws-us-gov", "111122223333", "us-gov-west-1", "b")
ARN = "arn:aws-us-gov:s3:us-gov-west-1:111122223333:accesspoint/"
AS_READ = Present(PublicAccessBlock(True, True, True, False))
MISSING = AwsError("NoSuchAccessPoint", status=404)
DENIED = AwsError("AccessDenied", "said AWS", status=403, cause=Cause.SCP)


async def read(control: Control) -> Reading[AccessPoints]:
    """The reading of the one bucket."""
    return await AccessPointReads(control).of_bucket(REF)


async def points(control: Control) -> tuple[AccessPoint, ...]:
    """The access points of the one bucket."""
    reading = await read(control)
    assert isinstance(reading, Present), reading
    return reading.value.points


async def test_a_point_is_read_with_all_its_parts() -> None:
    """What the list tells, the block, and the policy; the ARN is made of the bucket's own place."""
    control = Control([listed("p", "b", BucketAccountId=REF.account)])
    assert await points(control) == (
        AccessPoint("p", f"{ARN}p", "Internet", AS_READ, Present(Policy(POLICY)), bucket_account=REF.account),
    )
    assert {region for _, region, _ in control.asked} == {REF.region}


async def test_a_point_of_a_network_tells_which() -> None:
    """The id of the VPC is part of the value."""
    (point,) = await points(Control([listed("p", "b", NetworkOrigin="VPC", VpcConfiguration={"VpcId": "vpc-1"})]))
    assert (point.network_origin, point.vpc) == ("VPC", "vpc-1")


async def test_no_points_are_absent() -> None:
    """An empty list is an answer; it takes one call."""
    control = Control()
    assert await read(control) == ABSENT
    assert control.asked == [("ListAccessPoints", REF.region, {"Bucket": "b"})]


async def test_a_point_without_a_policy_has_it_absent() -> None:
    """AWS's own code for it."""
    control = Control([listed("p", "b")], answers={"GetAccessPointPolicy": AwsError("NoSuchAccessPointPolicy")})
    (point,) = await points(control)
    assert (point.block, point.policy) == (AS_READ, ABSENT)


@pytest.mark.parametrize("cause", Cause)
@pytest.mark.parametrize(("operation", "part"), [("GetAccessPoint", "block"), ("GetAccessPointPolicy", "policy")])
async def test_what_fails_of_one_point_is_unreadable_there_alone(operation: str, part: str, cause: Cause) -> None:
    """The other part, and the other point, are known; whether to try again is told by the cause."""
    error = AwsError("SomeCode", "said AWS", cause=cause, status=400)
    control = Control([listed("p1", "b"), listed("p2", "b")], answers={(operation, "p1"): error})
    reading = await read(control)
    assert isinstance(reading, Present)
    one, two = reading.value.points
    failed = Unreadable(cause, "SomeCode: said AWS")
    assert getattr(one, part) == failed
    assert (one.unreadable, two.unreadable, unreadable_parts(reading)) == ((failed,), (), (failed,))
    assert (passing(reading) is cause) is (cause in {Cause.THROTTLED, Cause.UNREACHABLE, Cause.CREDENTIALS})


@pytest.mark.parametrize("cause", Cause)
async def test_a_list_that_fails_makes_all_unreadable(cause: Cause) -> None:
    """Points that nobody listed must not pass for none."""
    error = AwsError("SomeCode", "said AWS", cause=cause, status=400)
    assert await read(Control(answers={"ListAccessPoints": error})) == Unreadable(cause, "SomeCode: said AWS")


async def test_a_list_that_breaks_off_is_no_list() -> None:
    """The first page alone says nothing of the points on the second."""

    class BreaksOff(Control):
        async def account(self, *args: object, **parameters: object) -> object:  # type: ignore[override]
            if "NextToken" in parameters:
                raise DENIED
            return await super().account(*args, **parameters)  # type: ignore[arg-type]

    assert await read(BreaksOff([listed("p1", "b"), listed("p2", "b")], size=1)) == Unreadable(
        Cause.SCP, "AccessDenied: said AWS"
    )


async def test_all_pages_are_read() -> None:
    """However many there are; the points come by name."""
    control = Control([listed(f"p{n}", "b") for n in (3, 1, 2, 5, 4)], size=2)
    assert [point.name for point in await points(control)] == ["p1", "p2", "p3", "p4", "p5"]
    assert control.count("ListAccessPoints") == 3


async def test_a_page_that_leads_to_itself_ends() -> None:
    """A broken endpoint must not hold a worker for ever."""
    page = {"AccessPointList": [], "NextToken": "again"}
    reading = await read(Control(answers={"ListAccessPoints": page}))
    assert isinstance(reading, Unreadable)
    assert reading.cause is Cause.MALFORMED


async def test_a_point_deleted_after_it_was_listed_is_none() -> None:
    """AWS itself says that there is no such point."""
    control = Control([listed("p1", "b"), listed("p2", "b")], answers={("GetAccessPoint", "p1"): MISSING})
    assert [point.name for point in await points(control)] == ["p2"]
    assert await read(Control([listed("p", "b")], answers={"GetAccessPoint": MISSING})) == ABSENT


async def test_a_missing_policy_of_a_missing_point_is_not_absent() -> None:
    """Only the code for a missing policy means that there is none."""
    control = Control([listed("p", "b")], answers={"GetAccessPointPolicy": MISSING})
    (point,) = await points(control)
    assert isinstance(point.policy, Unreadable)


async def test_a_missing_bucket_is_told_as_such() -> None:
    """The fetch then settles whether the bucket is gone."""
    assert await read(Control(answers={"ListAccessPoints": AwsError("NoSuchBucket", status=404)})) is GONE


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"AccessPointList": None},
        {"AccessPointList": {}},
        {"AccessPointList": ["p"]},
        {"AccessPointList": [{}]},
        {"AccessPointList": [listed("", "b")]},
        {"AccessPointList": [listed("p", "b", NetworkOrigin="Moon")]},
        {"AccessPointList": [listed("p", "b", NetworkOrigin="VPC")]},
        {"AccessPointList": [listed("p", "b", BucketAccountId=7)]},
        {"AccessPointList": [], "NextToken": 7},
    ],
)
async def test_a_damaged_list_is_malformed(answer: dict[str, object]) -> None:
    """It is never taken for an empty one."""
    reading = await read(Control(answers={"ListAccessPoints": answer}))
    assert isinstance(reading, Unreadable)
    assert reading.cause is Cause.MALFORMED


@pytest.mark.parametrize(
    "answer", [{}, {"PublicAccessBlockConfiguration": None}, {"PublicAccessBlockConfiguration": 1}]
)
async def test_a_damaged_point_has_a_malformed_block(answer: dict[str, object]) -> None:
    """A block that is missing from the answer is not one that is off."""
    (point,) = await points(Control([listed("p", "b")], answers={"GetAccessPoint": answer}))
    assert isinstance(point.block, Unreadable)
    assert point.block.cause is Cause.MALFORMED


async def test_points_on_others_buckets_are_not_this_buckets() -> None:
    """An account's list holds its points on buckets of other accounts too."""
    control = Control([listed("mine", "b"), listed("theirs", "b", BucketAccountId="999999999999")])
    assert [point.name for point in await points(control)] == ["mine"]


async def test_buckets_that_ask_at_once_share_a_list() -> None:
    """The first asks for itself; those who come meanwhile get one list of all."""
    control = Control([listed(f"p{n}", f"b{n}") for n in range(40)])
    reads = AccessPointReads(control)
    refs = [BucketRef("aws", "111122223333", "eu-west-1", f"b{n}") for n in range(50)]
    readings = await asyncio.gather(*(reads.of_bucket(ref) for ref in refs))
    names = [r.value.points[0].name if isinstance(r, Present) else None for r in readings]
    assert names == [f"p{n}" for n in range(40)] + [None] * 10
    lists = [parameters for name, _, parameters in control.asked if name == "ListAccessPoints"]
    assert lists == [{"Bucket": "b0"}, {}]


async def test_places_do_not_share_lists() -> None:
    """Another region or account is another list."""
    control = Control()
    reads = AccessPointReads(control)
    refs = [
        BucketRef("aws", account, region, name)
        for account in ("111122223333", "444455556666")
        for region in ("eu-west-1", "us-east-1")
        for name in ("b1", "b2", "b3")
    ]
    assert await asyncio.gather(*(reads.of_bucket(ref) for ref in refs)) == [ABSENT] * 12
    assert control.count("ListAccessPoints") == 8


async def test_a_list_began_after_it_was_asked_for() -> None:
    """Who asks while a list is under way does not get that one, which may have missed what he was told of."""
    control = Control(gate=asyncio.Event())
    assert control.gate is not None
    reads = AccessPointReads(control)
    early = asyncio.create_task(reads.of_bucket(REF))
    await asyncio.sleep(0)
    assert control.count("ListAccessPoints") == 1
    control.items.append(listed("p", "b"))
    late = asyncio.create_task(reads.of_bucket(REF))
    await asyncio.sleep(0)
    control.gate.set()
    assert await early == ABSENT
    assert isinstance(await late, Present)


async def test_who_gives_up_leaves_the_list_to_the_others() -> None:
    """A cancelled look must not take the list away from those who wait for it."""
    control = Control([listed("p", "b")], gate=asyncio.Event())
    assert control.gate is not None
    reads = AccessPointReads(control)
    looks = [asyncio.create_task(reads.of_bucket(REF)) for _ in range(3)]
    await asyncio.sleep(0.001)
    looks[0].cancel()
    await asyncio.sleep(0.001)
    looks[1].cancel()
    control.gate.set()
    done = await asyncio.gather(*looks, return_exceptions=True)
    assert [isinstance(each, asyncio.CancelledError) for each in done] == [True, True, False]
    assert isinstance(done[2], Present)


async def test_a_failed_list_fails_for_all_who_waited_for_it() -> None:
    """And for nobody after them."""
    control = Control([listed("p", "b")], answers={"ListAccessPoints": DENIED})
    reads = AccessPointReads(control)
    failed = await asyncio.gather(*(reads.of_bucket(REF) for _ in range(5)))
    assert failed == [Unreadable(Cause.SCP, "AccessDenied: said AWS")] * 5
    del control.answers["ListAccessPoints"]
    assert isinstance(await reads.of_bucket(REF), Present)


async def test_few_buckets_of_a_place_with_many_points_are_listed_one_by_one() -> None:
    """A list of everything that takes more pages than there are buckets is not asked for twice."""
    control = Control([listed(f"p{n}", f"b{n}") for n in range(8)], size=2)
    reads = AccessPointReads(control)
    refs = [BucketRef("aws", "111122223333", "eu-west-1", f"b{n}") for n in range(4)]
    await asyncio.gather(*(reads.of_bucket(ref) for ref in refs))
    assert control.count("ListAccessPoints") == 1 + 4
    await asyncio.gather(*(reads.of_bucket(ref) for ref in refs))
    assert [parameters for name, _, parameters in control.asked if name == "ListAccessPoints"][5:] == [
        {"Bucket": f"b{n}"} for n in range(4)
    ]


async def test_the_bucket_of_a_point_is_found() -> None:
    """With the account that owns it, where AWS tells."""
    control = Control([listed("p", "b"), listed("q", "c", BucketAccountId="999999999999")])
    reads, account = AccessPointReads(control), AccountRef("aws", "111122223333")
    assert await reads.bucket_of(account, "eu-west-1", "p") == Present(
        BucketRef("aws", "111122223333", "eu-west-1", "b")
    )
    assert await reads.bucket_of(account, "eu-west-1", "q") == Present(
        BucketRef("aws", "999999999999", "eu-west-1", "c")
    )
    control.answers = {"GetAccessPoint": MISSING}
    assert await reads.bucket_of(account, "eu-west-1", "p") == ABSENT
    control.answers = {"GetAccessPoint": DENIED}
    assert isinstance(await reads.bucket_of(account, "eu-west-1", "p"), Unreadable)


async def test_the_fetch_reads_points_like_any_other_aspect() -> None:
    """The value is hashable, so that the cache can share it, and a copy of it is equal."""
    control = Control([listed("p", "b")])
    state = await Fetch(control).bucket(REF, [Aspect.ACCESS_POINTS])
    reading = state.reading(Aspect.ACCESS_POINTS)
    assert isinstance(reading, Present)
    assert hash(reading) == hash(copy.deepcopy(reading))
    assert BLOCK["RestrictPublicBuckets"] is False
