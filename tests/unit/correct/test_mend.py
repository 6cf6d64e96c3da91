"""From an open finding to what became of it, with trouble at each call and a death at each moment."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from s3warden.correct.apply import Why
from s3warden.correct.budget import Limits
from s3warden.correct.guard import Stop
from s3warden.correct.permits import Permit
from s3warden.model.action import Mode, Result
from s3warden.model.bucket import Aspect
from s3warden.model.event import Actor, Trigger
from s3warden.model.remediation import Stage, StepState
from s3warden.store.errors import StoreUnavailableError
from support.mending import (
    ALLOWED,
    BUCKET,
    FRIEND,
    OPEN,
    RULE,
    Bench,
    Fault,
    Killed,
    denied,
    dropped,
    killed,
    lost,
    now,
    refused,
    run,
    throttled,
    without_effect,
)
from support.spine import HOME, PRIVATE, PUBLIC_READ, START

WRITES = ("PutBucketAcl", "PutBucketPolicy")


def test_both_ways_in_are_closed_and_nothing_else_is_touched() -> None:
    """One grant and one statement go; the other statement stays, and each call was noted before it was made."""
    bench = Bench()
    aftermath = run(bench.mender.mend(bench.finding))
    assert (bench.only.result, bench.only.stage) == (Result.FIXED, Stage.ENDED)
    assert bench.aws.written == list(WRITES)
    assert bench.aws.buckets[BUCKET.name]["GetBucketAcl"] == PRIVATE
    assert bench.statements == [FRIEND]
    assert bench.shelf.kinds() == ["allowed", "intended", "written", "intended", "written", "ended"]
    assert (aftermath.refresh, aftermath.again) == (frozenset({Aspect.ACL, Aspect.POLICY, Aspect.POLICY_STATUS}), None)


@pytest.mark.parametrize("operation", WRITES)
@pytest.mark.parametrize("fault", [throttled(), dropped(), lost(), refused("OperationAborted", 409)])
@pytest.mark.parametrize("times", [1, 3])
def test_trouble_that_passes_is_waited_for(operation: str, fault: Fault, times: int) -> None:
    """Throttling, a broken connection, an answer that was lost, another change under way: fixed all the same, once."""
    bench = Bench()
    bench.aws.trouble(operation, *[fault] * times)
    run(bench.mender.mend(bench.finding))
    assert (bench.only.result, bench.is_open) == (Result.FIXED, False)
    assert bench.aws.written == list(WRITES)


@pytest.mark.parametrize(
    ("operation", "result", "written"), [("PutBucketAcl", Result.FAILED, []), ("PutBucketPolicy", Result.PARTLY, [0])]
)
@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (denied(), Why.DENIED),
        (throttled(), Why.THROTTLED),
        (dropped(), Why.UNREACHABLE),
        (refused("MalformedXML"), Why.REFUSED),
    ],
)
def test_trouble_that_stays_is_told_as_it_is(
    operation: str, result: Result, written: list[int], fault: Fault, why: Why
) -> None:
    """Failed where nothing was written, partly where something was, with the reason; another try comes later."""
    bench = Bench()
    bench.aws.trouble(operation, *[fault] * 9)
    aftermath = run(bench.mender.mend(bench.finding))
    assert (bench.only.result, bench.only.reason, list(bench.only.written)) == (result, why, written)
    assert bench.only.progress[len(written)].state is StepState.FAILED
    assert aftermath.again is not None
    assert bool(aftermath.refresh) == bool(written)


def test_a_lost_answer_at_the_last_try_is_no_failure() -> None:
    """What AWS shows counts, not what the connection said."""
    bench = Bench()
    bench.aws.trouble("PutBucketAcl", *[dropped()] * 4, lost())
    run(bench.mender.mend(bench.finding))
    assert bench.only.result is Result.FIXED


def test_a_setting_that_cannot_be_read_again_is_not_written() -> None:
    """No write without a look right before it."""
    bench = Bench()
    bench.aws.trouble("GetBucketAcl", denied())
    run(bench.mender.mend(bench.finding))
    assert (bench.only.result, bench.only.reason, bench.aws.written) == (Result.FAILED, Why.UNREADABLE, [])


def test_a_write_without_effect_is_no_fix() -> None:
    """AWS said yes, and shows the old setting for as long as we are patient."""
    bench = Bench()
    bench.aws.trouble("PutBucketAcl", without_effect())
    run(bench.mender.mend(bench.finding))
    assert (bench.only.result, bench.only.reason) == (Result.PARTLY, "still_failing")
    assert bench.is_open


def test_somebody_who_mends_it_meanwhile_is_thanked_by_doing_nothing() -> None:
    """The grant is gone and the policy is private before the first write."""
    bench = Bench()

    def meanwhile(operation: str) -> None:
        if operation == "read GetBucketAcl":
            bench.aws.buckets[BUCKET.name]["GetBucketAcl"] = PRIVATE
            bench.aws.set_policy([FRIEND])

    bench.aws.meanwhile = meanwhile
    run(bench.mender.mend(bench.finding))
    assert (bench.only.result, bench.aws.written) == (Result.NOT_NEEDED, [])


def test_a_change_meanwhile_is_planned_anew() -> None:
    """Another statement was added between plan and write: it survives, and the guard decided again."""
    bench = Bench()
    added = {**FRIEND, "Sid": "Added"}
    bench.aws.meanwhile = _once("read GetBucketAcl", lambda: bench.aws.set_policy([added, OPEN]))
    run(bench.mender.mend(bench.finding))
    assert (bench.only.result, bench.only.reason) == (Result.PARTLY, Why.CHANGED)
    assert bench.statements == [added, OPEN]
    # The part that is left is the next entry, with a plan of its own.
    run(bench.mender.mend(bench.finding))
    assert [entry.result for entry in bench.shelf.entries.values()] == [Result.PARTLY, Result.FIXED]
    assert bench.statements == [added]


def test_a_setting_that_never_stands_still_is_left_alone() -> None:
    """Planned anew three times, then superseded; nothing was written over anybody."""
    bench = Bench()
    numbers = iter(range(100))

    def meanwhile(operation: str) -> None:
        if operation == "read GetBucketAcl":
            acl = {**PUBLIC_READ, "Grants": [*PUBLIC_READ["Grants"], _grant(f"user-{next(numbers)}")]}
            bench.aws.buckets[BUCKET.name]["GetBucketAcl"] = acl

    bench.aws.meanwhile = meanwhile
    run(bench.mender.mend(bench.finding))
    assert (bench.only.result, bench.aws.written) == (Result.SUPERSEDED, [])
    assert bench.shelf.kinds().count("allowed") == 3


@pytest.mark.parametrize("operation", ["read GetBucketAcl", "read GetBucketPolicy"])
def test_the_kill_switch_counts_between_any_two_calls(operation: str) -> None:
    """Turned on between the look and the write: nothing more is written, and what was is told."""
    bench = Bench()

    def meanwhile(now_at: str) -> None:
        if now_at == operation:
            bench.switch = "the file stop exists"

    bench.aws.meanwhile = meanwhile
    run(bench.mender.mend(bench.finding))
    if operation == "read GetBucketAcl":
        assert (bench.only.stage, bench.only.reason, bench.aws.written) == (Stage.HELD, Stop.KILLED, [])
    else:
        assert (bench.only.result, bench.only.reason) == (Result.PARTLY, Stop.KILLED)
        assert bench.aws.written == ["PutBucketAcl"]


def _moments() -> list[int]:
    """How often the journal is written in a fix without trouble."""
    bench = Bench()
    run(bench.mender.mend(bench.finding))
    return list(range(1, bench.shelf.records + 1))


@pytest.mark.parametrize("number", _moments())
@pytest.mark.parametrize("kept", [False, True])
def test_a_death_at_any_note_is_finished_by_the_next_life(number: int, kept: bool) -> None:
    """Before or after any line of the journal: nothing is written twice, and the end is told once."""
    bench = Bench()
    bench.shelf.strike = _strike(number, kept)
    with pytest.raises(Killed):
        run(bench.mender.mend(bench.finding))
    _next_life_finishes(bench)


@pytest.mark.parametrize("operation", WRITES)
@pytest.mark.parametrize("after", [False, True])
def test_a_death_at_any_call_is_finished_by_the_next_life(operation: str, after: bool) -> None:
    """Whether or not the call took effect, the next life finds out."""
    bench = Bench()
    bench.aws.trouble(operation, killed(after=after))
    with pytest.raises(Killed):
        run(bench.mender.mend(bench.finding))
    assert bench.only.stage is Stage.APPLYING
    _next_life_finishes(bench)


def _next_life_finishes(bench: Bench) -> None:
    again = bench.restarted()
    entry = again.book.of(bench.finding.fingerprint)
    if entry is not None and entry.stage is Stage.APPLYING:
        run(again.mender.resume(entry, bench.finding))
    elif again.is_open:
        run(again.mender.mend(bench.finding))
    assert (again.only.stage, again.only.result, again.is_open) == (Stage.ENDED, Result.FIXED, False)
    assert again.aws.written == list(WRITES)
    assert again.shelf.kinds().count("ended") == 1


def test_a_death_is_only_reported_where_nothing_more_may_be_done() -> None:
    """The kill switch is on at the next start: what was written is told, and the rest is left open."""
    bench = Bench()
    bench.aws.trouble("PutBucketPolicy", killed(after=False))
    with pytest.raises(Killed):
        run(bench.mender.mend(bench.finding))
    again = bench.restarted()
    again.switch = "the file stop exists"
    run(again.mender.resume(again.only, bench.finding))
    assert (again.only.result, again.only.reason, again.aws.written) == (Result.PARTLY, Stop.KILLED, ["PutBucketAcl"])


def test_a_death_before_any_write_is_held_where_the_settings_say_no_now() -> None:
    """Allowed before the restart, off after it: nothing is written."""
    bench = Bench()
    bench.aws.trouble("PutBucketAcl", killed(after=False))
    with pytest.raises(Killed):
        run(bench.mender.mend(bench.finding))
    bench.guard = replace(bench.guard, permits=(Permit("all", frozenset({RULE}), Mode.OFF),))
    again = bench.restarted()
    run(again.mender.resume(again.only, bench.finding))
    assert (again.only.stage, again.only.reason, again.aws.written) == (Stage.HELD, Stop.MODE_OFF, [])


def test_a_fix_whose_finding_is_gone_after_the_restart_is_still_told() -> None:
    """The first look after the restart saw the fix and closed the finding; the journal says who did it."""
    bench = Bench()
    bench.aws.trouble("PutBucketPolicy", killed(after=True))
    with pytest.raises(Killed):
        run(bench.mender.mend(bench.finding))
    again = bench.restarted()
    run(again.mender.drop(bench.finding.fingerprint, "resolved", ""))
    assert (again.only.result, again.only.written) == (Result.FIXED, (0, 1))


def test_a_store_that_fails_before_the_call_keeps_the_call_from_being_made() -> None:
    """No write without its intent in the journal."""
    bench = Bench()

    def strike(number: int, kept: bool) -> None:
        if number == 2 and not kept:
            raise StoreUnavailableError("away")

    bench.shelf.strike = strike
    with pytest.raises(StoreUnavailableError):
        run(bench.mender.mend(bench.finding))
    assert (bench.aws.written, bench.only.stage) == ([], Stage.APPLYING)


def test_after_so_many_failures_people_are_told_once() -> None:
    """Three tries, one message; the fourth is held for a person."""
    bench = Bench()
    for number in range(3):
        bench.aws.trouble("PutBucketAcl", denied())
        aftermath = run(bench.mender.mend(bench.finding))
        assert (aftermath.again is None) == (number == 2)
    run(bench.mender.mend(bench.finding))
    held = list(bench.shelf.entries.values())[-1]
    assert (held.stage, held.reason) == (Stage.HELD, Stop.GAVE_UP)
    (message,) = bench.shelf.told
    assert message.correlation[0] == Stop.GAVE_UP
    assert bench.metrics.remediations_given_up._value.get() == 1


def test_what_failed_before_the_finding_was_resolved_counts_no_more() -> None:
    """Somebody mended it by hand, with what stood in the way; the next leak is closed like the first of all."""
    bench = Bench()
    for _ in range(3):
        bench.aws.trouble("PutBucketAcl", denied())
        run(bench.mender.mend(bench.finding))
    run(bench.mender.mend(replace(bench.finding, first_seen=START + timedelta(hours=1))))
    assert [entry.result for entry in bench.shelf.entries.values()] == [*[Result.FAILED] * 3, Result.FIXED]


def test_a_fix_that_was_taken_back_is_not_made_again() -> None:
    """Until the facts are others, or a person decides."""
    bench = Bench()
    run(bench.mender.mend(bench.finding))
    answer = run(bench.undoer.undo(bench.only, "sam"))
    assert (answer.ok, bench.is_open) == (True, True)
    run(bench.mender.mend(bench.finding))
    held = list(bench.shelf.entries.values())[-1]
    assert (held.stage, held.reason, bench.is_open) == (Stage.HELD, Stop.UNDONE, True)
    assert "taken back by sam (" in held.detail


def test_what_is_held_is_noted_once() -> None:
    """The same plan held for the same reason is no news; another reason is, and when it is looked at next is kept."""
    guard = replace(ALLOWED, permits=(Permit("plans", frozenset({RULE}), Mode.PLAN),))
    bench = Bench(guard=guard)
    for _ in range(3):
        run(bench.mender.mend(bench.finding))
    assert (bench.only.reason, bench.only.mode, bench.shelf.kinds()) == (Stop.PLAN_ONLY, Mode.PLAN, ["held"])
    bench.switch = "the file stop exists"
    run(bench.mender.mend(bench.finding))
    assert (bench.only.reason, bench.shelf.kinds()) == (Stop.KILLED, ["held", "held"])
    since = bench.only

    async def later() -> None:
        await asyncio.sleep(3600)
        await bench.mender.mend(bench.finding)

    run(later())
    assert (bench.only.changed_at, bench.shelf.kinds()) == (since.changed_at, ["held", "held"])
    assert bench.only.retry_at is not None
    assert since.retry_at is not None
    assert bench.only.retry_at - since.retry_at == timedelta(hours=1)


def test_a_finding_that_is_over_ends_what_waited_for_it() -> None:
    """Held, then resolved by somebody: not needed."""
    guard = replace(ALLOWED, permits=(Permit("plans", frozenset({RULE}), Mode.PLAN),))
    bench = Bench(guard=guard)
    run(bench.mender.mend(bench.finding))
    run(bench.mender.drop(bench.finding.fingerprint, "resolved", "The finding stands no longer."))
    assert (bench.only.result, bench.only.reason) == (Result.NOT_NEEDED, "resolved")


def test_a_fix_for_a_time_says_when_it_ends() -> None:
    """The end counts from the fix."""
    permit = Permit("two hours", frozenset({RULE}), Mode.AUTO, keep_for=7200)
    bench = Bench(guard=replace(ALLOWED, permits=(permit,)))
    run(bench.mender.mend(bench.finding))
    assert bench.only.until is not None
    assert bench.only.ended_at is not None
    assert bench.only.until - bench.only.ended_at == timedelta(hours=2)


def _strike(number: int, kept: bool) -> Callable[[int, bool], None]:
    def strike(at: int, is_kept: bool) -> None:
        if (at, is_kept) == (number, kept):
            raise Killed

    return strike


def _once(operation: str, act: Callable[[], None]) -> Callable[[str], None]:
    done: list[str] = []

    def meanwhile(at: str) -> None:
        if at == operation and not done:
            done.append(at)
            act()

    return meanwhile


def _grant(user: str) -> dict[str, object]:
    return {"Grantee": {"Type": "CanonicalUser", "ID": user}, "Permission": "READ"}


def test_a_deploy_tool_that_opens_it_again_is_fixed_twice_and_then_left_to_people() -> None:
    """Two fixes, then a stop that names both sides, and one message."""
    bench = Bench()
    terraform = Actor(f"arn:aws:sts::{HOME}:assumed-role/ci/run", user_agent="APN/1.0 HashiCorp/1.0 Terraform/1.9.5")
    trigger = Trigger("PutBucketAcl", "aws.s3", "event-1", START, terraform)
    finding = replace(bench.finding, trigger=trigger)
    for _ in range(4):
        bench.aws.buckets[BUCKET.name]["GetBucketAcl"] = PUBLIC_READ
        bench.aws.set_policy([FRIEND, OPEN])
        run(bench.mender.mend(finding))
    results = [(entry.result, entry.reason) for entry in bench.shelf.entries.values()]
    assert results == [(Result.FIXED, ""), (Result.FIXED, ""), (None, Stop.FIGHT)]
    (message,) = bench.shelf.told
    reason, detail = message.correlation
    assert reason == Stop.FIGHT
    for word in ("s3warden closed", "terraform", "assumed-role/ci/run", *list(bench.shelf.entries)[:2]):
        assert word in detail
    assert bench.is_open


def test_a_storm_is_one_page() -> None:
    """The breaker holds every plan of the storm, and tells of it once a day."""
    bench = Bench(guard=replace(ALLOWED, limits=Limits(breaker_share=0, breaker_least=5)))

    async def storm() -> None:
        for number in range(6):
            bench.surroundings.budget.ask(f"bucket-{number}", now())
        await bench.mender.mend(bench.finding)
        other = replace(bench.finding, fingerprint="other")
        await bench.mender.mend(other)

    run(storm())
    assert {entry.reason for entry in bench.shelf.entries.values()} == {Stop.BREAKER}
    assert {message.dedup_key for message in bench.shelf.told} == {"breaker/2026-03-01"}
    assert bench.aws.written == []
