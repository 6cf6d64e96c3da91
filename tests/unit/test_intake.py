"""What becomes of a message before it is known which accounts are guarded, and after."""

import asyncio

from prometheus_client import CollectorRegistry

from s3warden.intake import Intake, Scope
from s3warden.model.bucket import AccountRef, BucketRef
from s3warden.model.event import Done, Outcome, RefreshRequest, Retry
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
