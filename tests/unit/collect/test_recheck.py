"""Second looks on virtual time: when they come, how many, and that they end with the daemon."""

import asyncio
from datetime import timedelta

import pytest

from s3warden.collect.recheck import Recheck, doubtful
from s3warden.model.bucket import ABSENT, AccountState, Aspect, BucketState, Cause, Present, Unreadable
from s3warden.model.changes import Change, Changes
from s3warden.model.configuration import NO_BLOCK, Policy
from s3warden.model.event import Done, Origin, Outcome, RefreshRequest
from support import virtual
from support.spine import ACCOUNT, START, bucket, event, sweep

BLOCK = Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK
READ = frozenset({Aspect.ACL, Aspect.POLICY, Aspect.POLICY_STATUS})
BEFORE = BucketState(bucket("a"), START, dict.fromkeys(READ, ABSENT))


class Queue:
    """Records what it is given and when."""

    def __init__(self) -> None:
        self.got: list[tuple[float, RefreshRequest]] = []
        self.full = False

    async def submit(self, request: RefreshRequest) -> "asyncio.Future[Outcome]":
        """Take a request; a full queue keeps everybody waiting."""
        if self.full:
            await asyncio.get_running_loop().create_future()
        self.got.append((virtual.now(), request))
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        future.set_result(Done())
        return future


def again(name: str, *aspects: Aspect) -> RefreshRequest:
    """A second look at a bucket."""
    return RefreshRequest(bucket(name), frozenset(aspects), Origin.RECHECK)


def test_a_second_look_comes_once_and_later() -> None:
    """What is asked for the same bucket meanwhile becomes part of it, and sets the time anew."""

    async def main() -> None:
        queue = Queue()
        recheck = Recheck(queue.submit, delay=30)
        began = virtual.now()
        recheck.plan(again("a", Aspect.ACL))
        await asyncio.sleep(10)
        recheck.plan(again("a", Aspect.POLICY))
        recheck.plan(again("b", Aspect.ACL))
        assert len(recheck) == 2
        await asyncio.sleep(100)
        assert sorted((at - began, str(r.subject), set(r.aspects)) for at, r in queue.got) == [
            (40.0, "a", {Aspect.ACL, Aspect.POLICY}),
            (40.0, "b", {Aspect.ACL}),
        ]
        assert len(recheck) == 0
        await recheck.stop()

    virtual.run(main())


def test_no_more_wait_than_there_is_room_for() -> None:
    """A flood of events must not fill the memory; the sweep sees what is left out."""

    async def main() -> None:
        queue = Queue()
        recheck = Recheck(queue.submit, delay=30, capacity=2)
        for name in "abcd":
            recheck.plan(again(name, Aspect.ACL))
        await asyncio.sleep(31)
        assert [str(request.subject) for _, request in queue.got] == ["a", "b"]
        await recheck.stop()

    virtual.run(main())


def test_a_delay_of_nothing_switches_it_off() -> None:
    """As the settings say."""

    async def main() -> None:
        recheck = Recheck(Queue().submit, delay=0)
        recheck.plan(again("a", Aspect.ACL))
        assert len(recheck) == 0

    virtual.run(main())


def test_nothing_is_left_at_the_end() -> None:
    """Neither timers nor those who wait for room; and nothing new begins."""

    async def main() -> None:
        queue = Queue()
        queue.full = True
        recheck = Recheck(queue.submit, delay=30)
        recheck.plan(again("a", Aspect.ACL))
        await asyncio.sleep(20)
        recheck.plan(again("b", Aspect.ACL))
        await asyncio.sleep(15)
        await recheck.stop()
        queue.full = False
        recheck.plan(again("c", Aspect.ACL))
        await asyncio.sleep(100)
        assert queue.got == []

    virtual.run(main())


@pytest.mark.parametrize(
    ("name", "changed", "expected"),
    [
        ("PutBucketAcl", {}, {Aspect.ACL}),
        ("PutBucketAcl", {Aspect.POLICY: Present(Policy("{}"))}, {Aspect.ACL}),
        ("PutBucketAcl", {Aspect.ACL: Unreadable(Cause.SCP)}, set()),
        ("PutBucketPolicy", {Aspect.POLICY: Present(Policy("{}"))}, set()),
        ("PutBucketPolicy", {}, {Aspect.POLICY, Aspect.POLICY_STATUS}),
        ("InventedCall", {}, READ),
        ("InventedCall", {Aspect.ACL: Unreadable(Cause.SCP)}, set()),
    ],
)
def test_what_an_event_told_and_a_look_did_not_show(
    name: str, changed: dict[Aspect, object], expected: set[Aspect]
) -> None:
    """Of several events in one look each is asked for by itself; one reading that moved is proof enough of one."""
    after = BucketState(bucket("a"), START, {**BEFORE.readings, **changed})  # type: ignore[dict-item]
    assert doubtful(event(bucket("a"), name=name), READ, BEFORE, after, at=START) == expected


def test_what_events_alone_tell_is_never_late() -> None:
    """A call that nobody knows may have changed anything that is read; that it was made is known at once."""
    changes = Present(Changes((Change("InventedCall", START, "event-1"),)))
    after = BucketState(bucket("a"), START, {**BEFORE.readings, Aspect.CHANGES: changes})
    request = event(bucket("a"), name="InventedCall")
    assert doubtful(request, READ | {Aspect.CHANGES}, BEFORE, after, at=START) == READ


def test_one_event_of_two_may_be_in_doubt() -> None:
    """Burst of two calls, merged into one look that shows only the second."""
    request = event(bucket("a"), name="PutBucketAcl").merge(event(bucket("a"), name="PutBucketPolicy"))
    after = BucketState(bucket("a"), START, {**BEFORE.readings, Aspect.POLICY: Present(Policy("{}"))})
    assert doubtful(request, READ, BEFORE, after, at=START) == {Aspect.ACL}


def test_a_deleted_bucket_that_answers_is_in_doubt() -> None:
    """And so is one that is said to be new and is not there."""
    assert doubtful(event(bucket("a"), name="DeleteBucket"), READ, BEFORE, BEFORE, at=START) == READ
    gone = BucketState(bucket("a"), START, exists=False)
    assert doubtful(event(bucket("a"), name="DeleteBucket"), READ, BEFORE, gone, at=START) == frozenset()
    assert doubtful(event(bucket("a"), name="CreateBucket"), READ, None, gone, at=START) == READ


def test_only_recent_events_are_doubted() -> None:
    """A backlog of old messages is no reason to read everything twice; nor is a sweep or a second look."""
    old = event(bucket("a"), name="PutBucketAcl", at=START - timedelta(minutes=16))
    assert doubtful(old, READ, BEFORE, BEFORE, at=START) == frozenset()
    untimed = event(bucket("a"), name="PutBucketAcl", at=None)
    assert doubtful(untimed, READ, BEFORE, BEFORE, at=START) == {Aspect.ACL}
    assert doubtful(sweep(bucket("a")), READ, BEFORE, BEFORE, at=START) == frozenset()


def test_an_account_is_doubted_like_a_bucket() -> None:
    """By its own reading."""
    request = event(ACCOUNT, BLOCK, name="DeleteAccountPublicAccessBlock")
    before = AccountState(ACCOUNT, START, {BLOCK: Present(NO_BLOCK)})
    assert doubtful(request, frozenset({BLOCK}), before, before, at=START) == {BLOCK}
    after = AccountState(ACCOUNT, START, {BLOCK: ABSENT})
    assert doubtful(request, frozenset({BLOCK}), before, after, at=START) == frozenset()
