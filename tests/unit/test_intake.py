"""What becomes of a message before it is known which accounts are guarded, and after."""

import asyncio

from prometheus_client import CollectorRegistry

from s3warden.intake import Intake, Scope
from s3warden.model.bucket import AccountRef, Aspect, BucketRef
from s3warden.model.event import Done, Outcome, PointName, RefreshRequest, Retry, Skipped
from s3warden.telemetry.metrics import Metrics
from support import cloudtrail, virtual

_GUARDED = Scope("aws", "eu-west-1", frozenset({AccountRef("aws", cloudtrail.OWNER)}))


class _Nothing:
    """Knows no bucket."""

    def find(self, partition: str | None, name: str) -> BucketRef | None:
        """None."""


async def _submit(request: RefreshRequest) -> "asyncio.Future[Outcome]":
    future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
    future.set_result(Done())
    return future


def _intake(scope: Scope) -> Intake:
    return Intake(scope, _Nothing(), _submit, Metrics(CollectorRegistry()))


def test_a_message_waits_for_the_accounts_to_be_known() -> None:
    """Messages that come before the accounts are worked off as soon as these are told."""

    async def main() -> tuple[Outcome | object, float]:
        intake = _intake(Scope("aws", "eu-west-1"))
        began = virtual.now()
        asyncio.get_running_loop().call_later(2.0, intake.guard, _GUARDED)
        return await intake.receive(cloudtrail.call()), virtual.now() - began

    outcome, waited = virtual.run(main())
    assert outcome == Done()
    assert 2.0 <= waited < 2.1


def test_a_message_is_given_back_while_the_accounts_stay_unknown() -> None:
    """It does not wait for ever: the queue keeps it better than we do."""

    async def main() -> Outcome | object:
        return await _intake(Scope("aws", "eu-west-1")).receive(cloudtrail.call())

    assert isinstance(virtual.run(main()), Retry)


def test_a_message_does_not_wait_where_the_accounts_are_known() -> None:
    """The usual case takes no time."""

    async def main() -> float:
        began = virtual.now()
        assert await _intake(_GUARDED).receive(cloudtrail.call()) == Done()
        return virtual.now() - began

    assert virtual.run(main()) < 0.1


_POINT = PointName("ap1", cloudtrail.REGION)
_POLICY_CALL = cloudtrail.call("PutAccessPointPolicy", requestParameters={"name": "ap1"}, resources=cloudtrail.DROP)


async def _received(
    found: tuple[BucketRef, ...] | Retry, body: str = _POLICY_CALL
) -> tuple[Outcome | object, list[RefreshRequest], list[PointName]]:
    """What becomes of a body where access points are found like this; what was submitted, and what was looked for."""
    requests: list[RefreshRequest] = []
    sought: list[PointName] = []

    async def submit(request: RefreshRequest) -> "asyncio.Future[Outcome]":
        requests.append(request)
        return await _submit(request)

    async def locate(account: AccountRef, point: PointName) -> tuple[BucketRef, ...] | Retry:
        assert account == AccountRef("aws", cloudtrail.OWNER)
        sought.append(point)
        return found

    intake = Intake(_GUARDED, _Nothing(), submit, Metrics(CollectorRegistry()), locate)
    return await intake.receive(body), requests, sought


async def test_an_access_point_leads_to_a_look_at_its_bucket() -> None:
    """At its access points only, by the event that told of it."""
    bucket = BucketRef("aws", cloudtrail.OWNER, cloudtrail.REGION, "b")
    outcome, (request,), sought = await _received((bucket,))
    assert (outcome, sought) == (Done(), [_POINT])
    assert (request.subject, request.aspects) == (bucket, frozenset({Aspect.ACCESS_POINTS}))
    assert request.urgent
    assert [trigger.name for trigger in request.triggers] == ["PutAccessPointPolicy"]


async def test_an_access_point_that_is_nowhere_asks_for_nothing() -> None:
    """Its message is done with."""
    assert (await _received(()))[:2] == (Skipped("access_point_not_found"), [])


async def test_an_access_point_that_cannot_be_found_now_comes_back() -> None:
    """AWS may tell later."""
    assert (await _received(Retry("unreadable_throttled")))[:2] == (Retry("unreadable_throttled"), [])


async def test_the_bucket_behind_an_access_point_must_be_guarded() -> None:
    """It may belong to an account that is not ours."""
    foreign = BucketRef("aws", cloudtrail.CALLER, cloudtrail.REGION, "b")
    assert (await _received((foreign,)))[:2] == (Skipped("account_not_guarded"), [])


async def test_nobody_looks_for_access_points_of_accounts_that_are_not_guarded() -> None:
    """Neither of other accounts nor of other partitions."""
    for arn in (
        f"arn:aws:s3:eu-west-1:{cloudtrail.CALLER}:accesspoint/ap1",
        f"arn:aws-cn:s3:cn-north-1:{cloudtrail.OWNER}:accesspoint/ap1",
    ):
        body = cloudtrail.call("DeleteAccessPoint", requestParameters=None, resources=[{"ARN": arn}])
        outcome, requests, sought = await _received((), body)
        assert isinstance(outcome, Skipped)
        assert not requests
        assert not sought
