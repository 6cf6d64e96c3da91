"""What AWS takes as an order and carries out in minutes: fixed once it is in force, whatever happens in between."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from s3warden.correct.mend import Aftermath
from s3warden.correct.permits import Permit
from s3warden.correct.situation import GuardRules
from s3warden.model.action import Call, Mode, Result
from s3warden.model.bucket import AccountRef, Aspect
from s3warden.model.finding import Finding, fingerprint
from s3warden.model.remediation import Stage, StepState
from support.mending import (
    BUCKET,
    FRIEND,
    NOT_CONFIGURED,
    Aws,
    Bench,
    Killed,
    changed,
    killed,
    lost,
    now,
    run,
    throttled,
    without_effect,
)
from support.spine import HOME, OFF, PRIVATE

RULE = "bucket-access-point-cross-account"
PUT = "PutMultiRegionAccessPointPolicy"
DELEGATED = {
    "Effect": "Allow",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": f"{BUCKET.arn}/*",
    "Condition": {"StringEquals": {"s3:DataAccessPointAccount": HOME}},
}
OBJECTS = f"arn:aws:s3::{HOME}:accesspoint/everywhere.mrap/object/*"
OWN = {**FRIEND, "Resource": OBJECTS}
GUEST = {**OWN, "Principal": {"AWS": "arn:aws:iam::777788889999:root"}}


def text_of(*statements: dict[str, Any]) -> str:
    """A policy of these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@dataclass
class Far(Aws):
    """A bucket that is reached through a multi-region access point, whose policy takes `takes` seconds to change."""

    takes: float = 150.0
    established: str = text_of(OWN, GUEST)
    ordered: str | None = None
    due: datetime | None = None
    reads: list[datetime] = field(default_factory=list)

    async def account(self, ref: AccountRef, operation: str, **parameters: Any) -> Any:
        """The access point and its policies."""
        if operation == "ListMultiRegionAccessPoints":
            assert parameters["region"] == "us-west-2"
            block = OFF["PublicAccessBlockConfiguration"]
            regions = [{"Bucket": BUCKET.name, "Region": BUCKET.region}]
            point = {"Name": "everywhere", "Alias": "everywhere.mrap", "Status": "READY", "Regions": regions}
            return {"AccessPoints": [{**point, "PublicAccessBlock": block}]}
        if operation == "GetMultiRegionAccessPointPolicy":
            return self._policies()
        return await super().account(ref, operation, **parameters)

    async def service(self, ref: AccountRef, service: str, operation: str, **parameters: Any) -> Any:
        """The same as the steps read it."""
        if service != "s3control":
            return await super().service(ref, service, operation, **parameters)
        assert parameters == {"region": "us-west-2", "AccountId": HOME, "Name": "everywhere"}
        self.reads.append(now())
        return self._policies()

    def _policies(self) -> dict[str, Any]:
        if self.ordered is not None and self.due is not None and now() >= self.due:
            self.established, self.due = self.ordered, None
        proposed = self.established if self.ordered is None else self.ordered
        return {"Policy": {"Established": {"Policy": self.established}, "Proposed": {"Policy": proposed}}}

    async def make(self, account: AccountRef, call: Call) -> None:
        """An order."""
        assert (account.account, call.operation, call.region) == (HOME, PUT, "us-west-2")
        self.meanwhile(call.operation)

        def take_effect() -> None:
            details = call.arguments["Details"]
            assert isinstance(details, dict)
            self.order(details["Policy"])
            self.written.append(call.operation)

        if self._faults[call.operation]:
            self._faults[call.operation].popleft()(take_effect)
        else:
            take_effect()

    def order(self, text: str) -> None:
        """Somebody puts this policy."""
        self.ordered, self.due = text, now() + timedelta(seconds=self.takes)


def bench_of(**more: Any) -> Bench:
    """A bench whose bucket lets a stranger in through its multi-region access point alone."""
    aws = Far(**more)
    aws.blocks[HOME] = OFF
    aws.buckets[BUCKET.name] = {**NOT_CONFIGURED, "GetBucketAcl": PRIVATE}
    aws.set_policy([DELEGATED])
    aws.buckets[BUCKET.name]["GetBucketPolicyStatus"] = {"PolicyStatus": {"IsPublic": False}}
    return _about(Bench(aws, guard=GuardRules(permits=(Permit("all", frozenset({RULE}), Mode.AUTO),), quiet=0)))


def _about(bench: Bench) -> Bench:
    bench.finding = changed(bench.finding, rule_id=RULE, fingerprint=fingerprint(RULE, BUCKET))
    return bench


def far(bench: Bench) -> Far:
    """The AWS of the bench."""
    assert isinstance(bench.aws, Far)
    return bench.aws


async def carried_on(bench: Bench, aftermath: Aftermath, finding: Finding | None) -> Aftermath:
    """As the worker does: look again when that is due, until it has ended."""
    while bench.only.stage is Stage.APPLYING:
        assert aftermath.again is not None
        await asyncio.sleep((aftermath.again - now()).total_seconds())
        aftermath = await bench.mender.resume(bench.only, finding)
    return aftermath


async def mended(bench: Bench) -> Aftermath:
    """From the finding to the end."""
    return await carried_on(bench, await bench.mender.mend(bench.finding), bench.finding)


def test_it_is_fixed_once_it_is_in_force() -> None:
    """One order, looked at now and then; in between nothing is held, and the journal says that it has begun."""
    bench = bench_of()

    async def story() -> None:
        aftermath = await bench.mender.mend(bench.finding)
        assert (bench.only.stage, bench.only.progress[0].state) == (Stage.APPLYING, StepState.WRITTEN)
        assert (now() - bench.only.created_at).total_seconds() < 1
        assert (aftermath.entry, aftermath.refresh) == (None, frozenset())
        last = await carried_on(bench, aftermath, bench.finding)
        assert last.refresh == {Aspect.MULTI_REGION_ACCESS_POINTS}

    run(story())
    assert (bench.only.result, bench.aws.written, far(bench).established) == (Result.FIXED, [PUT], text_of(OWN))
    assert bench.only.plan is not None
    assert bench.only.progress[0].read_back == bench.only.plan.steps[0].after
    waits = [later - earlier for earlier, later in pairwise(far(bench).reads)]
    assert max(waits) <= timedelta(seconds=15)
    assert bench.shelf.kinds().count("ended") == 1


def test_where_it_is_in_force_at_once_nothing_is_waited_for() -> None:
    """As an emulator does it."""
    bench = bench_of(takes=0.0)
    run(bench.mender.mend(bench.finding))
    assert (bench.only.result, bench.aws.written) == (Result.FIXED, [PUT])


@pytest.mark.parametrize("fault", [None, without_effect()])
def test_what_never_comes_is_told_after_ten_minutes(fault: Callable[..., None] | None) -> None:
    """Whether or not AWS shows the order; it is no fix."""
    bench = bench_of(takes=1e9)
    if fault is not None:
        bench.aws.trouble(PUT, fault)

    async def story() -> None:
        began = now()
        await mended(bench)
        assert timedelta(minutes=10) <= now() - began < timedelta(minutes=11)

    run(story())
    assert (bench.only.result, bench.only.reason) == (Result.PARTLY, "still_failing")


@pytest.mark.parametrize("fault", [lost(), throttled()])
def test_trouble_with_the_order_itself(fault: Callable[..., None]) -> None:
    """An answer that is lost leaves an order that is seen; a refused call is made again."""
    bench = bench_of()
    bench.aws.trouble(PUT, fault)
    run(mended(bench))
    assert (bench.only.result, bench.aws.written) == (Result.FIXED, [PUT])


@pytest.mark.parametrize("after", [False, True])
def test_a_death_at_the_order_is_finished_by_the_next_life(after: bool) -> None:
    """What AWS shows tells whether it was given; it is not given twice."""
    bench = bench_of()
    bench.aws.trouble(PUT, killed(after=after))

    async def story() -> Bench:
        with pytest.raises(Killed):
            await bench.mender.mend(bench.finding)
        assert bench.only.progress[0].state is StepState.INTENDED
        again = _about(bench.restarted())
        await carried_on(again, await again.mender.resume(again.only, again.finding), again.finding)
        return again

    again = run(story())
    assert (again.only.result, again.aws.written) == (Result.FIXED, [PUT])


def test_a_restart_while_aws_is_at_it_goes_on_waiting() -> None:
    """Even where the finding stands no longer by then, and the kill switch is on: only reading is left."""
    bench = bench_of()

    async def story() -> Bench:
        await bench.mender.mend(bench.finding)
        again = _about(bench.restarted())
        again.switch = "the file stop exists"
        await carried_on(again, await again.mender.resume(again.only, again.finding), None)
        return again

    again = run(story())
    assert (again.only.result, again.aws.written) == (Result.FIXED, [PUT])


def test_an_order_of_somebody_else_comes_first() -> None:
    """Given between the plan and the write: nothing is written over it, and it is looked at again soon."""
    bench = bench_of()

    def strike(number: int, kept: bool) -> None:
        if number == 1 and kept:
            far(bench).order(text_of(OWN, GUEST, {**OWN, "Sid": "Theirs"}))

    bench.shelf.strike = strike
    aftermath = run(bench.mender.mend(bench.finding))
    assert bench.shelf.kinds() == ["allowed", "declined"]
    assert (bench.only.stage, bench.only.reason, bench.aws.written) == (Stage.DECLINED, "still_changing", [])
    assert aftermath.again is not None
    assert aftermath.again - bench.only.changed_at == timedelta(minutes=1)


def test_what_somebody_orders_over_ours_is_told() -> None:
    """It is neither what was before nor what is wanted."""
    bench = bench_of()

    async def story() -> None:
        aftermath = await bench.mender.mend(bench.finding)
        far(bench).order(text_of(OWN, GUEST))
        await asyncio.sleep(20)
        await carried_on(bench, aftermath, bench.finding)

    run(story())
    assert bench.only.result is Result.PARTLY


def test_it_is_taken_back_by_an_order() -> None:
    """To the letter; nobody has to wait for it, and it is told that AWS is at it."""
    bench = bench_of()
    before = far(bench).established

    async def story() -> None:
        await mended(bench)
        began = now()
        answer = await bench.undoer.undo(bench.only, "sam")
        assert (answer.ok, "AWS took the order" in answer.text, now() - began < timedelta(seconds=10)) == (
            True,
            True,
            True,
        )
        assert far(bench).ordered == before
        await asyncio.sleep(200)
        assert far(bench)._policies()["Policy"]["Established"]["Policy"] == before

    run(story())
    assert bench.only.undone_by is not None
    assert bench.aws.written == [PUT, PUT]


def test_it_is_not_taken_back_while_it_is_under_way() -> None:
    """It has not ended."""
    bench = bench_of()

    async def story() -> Any:
        await bench.mender.mend(bench.finding)
        return await bench.undoer.undo(bench.only, "sam")

    answer = run(story())
    assert (answer.ok, "has not ended" in answer.text, bench.aws.written) == (False, True, [PUT])


def test_what_came_after_all_can_be_taken_back() -> None:
    """It was told as not done, and then it was."""
    bench = bench_of(takes=700.0)

    async def story() -> Any:
        await mended(bench)
        assert bench.only.result is Result.PARTLY
        await asyncio.sleep(200)
        return await bench.undoer.undo(bench.only, "sam")

    assert run(story()).ok
    assert bench.aws.written == [PUT, PUT]
