"""Taking a fix back: exactly what it wrote, only if nobody touched it since, once, whatever dies in between."""

from dataclasses import replace

import pytest

from s3warden.aws.errors import AwsError
from s3warden.correct.remedy import Edit
from s3warden.correct.steps import step
from s3warden.correct.undo import difference
from s3warden.model.action import Result
from s3warden.model.bucket import Aspect, BucketRef
from s3warden.model.remediation import Progress, Remediation, Stage, StepState
from support.mending import BUCKET, FRIEND, OPEN, Bench, Killed, denied, killed, lost, run
from support.scenes import policy
from support.spine import PUBLIC_READ

BACK = ["PutBucketAcl", "PutBucketPolicy", "PutBucketPolicy", "PutBucketAcl"]


def fixed() -> Bench:
    """A bench whose bucket was closed."""
    bench = Bench()
    run(bench.mender.mend(bench.finding))
    return bench


def undoings(bench: Bench) -> list[Result | None]:
    """What became of the undoings."""
    return [entry.result for entry in bench.shelf.entries.values() if entry.undo_of is not None]


def test_everything_is_as_before_the_last_write_first() -> None:
    """Byte for byte the same answers, in the reverse order of the writes."""
    bench = Bench()
    before = dict(bench.aws.buckets[BUCKET.name])
    run(bench.mender.mend(bench.finding))
    answer = run(bench.undoer.undo(bench.only, "sam"))
    assert answer.ok, answer.text
    assert bench.aws.buckets[BUCKET.name] == before
    assert bench.aws.written == BACK
    assert (bench.only.undone_by, answer.aftermath.refresh) == (
        answer.aftermath.entry.id,
        {Aspect.ACL, Aspect.POLICY, Aspect.POLICY_STATUS},
    )
    assert answer.aftermath.entry.requester == "sam"


def test_asked_again_it_says_that_it_was_done() -> None:
    """Nothing is written a second time."""
    bench = fixed()
    run(bench.undoer.undo(bench.only, "sam"))
    again = run(bench.undoer.undo(bench.only, "sam"))
    assert (again.ok, "was taken back already" in again.text, bench.aws.written) == (True, True, BACK)


def test_what_somebody_changed_since_is_not_written_over() -> None:
    """Refused before the first write, with the difference, and noted."""
    bench = fixed()
    bench.aws.set_policy([FRIEND, {**FRIEND, "Sid": "Added"}])
    answer = run(bench.undoer.undo(bench.only, "sam"))
    assert not answer.ok
    assert '+        "Sid": "Added"' in answer.text
    assert bench.aws.written == BACK[:2]
    assert bench.shelf.kinds()[-1] == "undo_refused"
    assert bench.only.undone_by is None


def test_what_was_put_back_by_hand_needs_no_write() -> None:
    """The fix counts as taken back, without a call."""
    bench = fixed()
    bench.aws.buckets[BUCKET.name]["GetBucketAcl"] = PUBLIC_READ
    bench.aws.set_policy([FRIEND, OPEN])
    answer = run(bench.undoer.undo(bench.only, "sam"))
    assert (answer.ok, undoings(bench), bench.aws.written) == (True, [Result.NOT_NEEDED], BACK[:2])


def test_a_refusal_half_way_is_told_and_can_be_finished() -> None:
    """Partly taken back; the next try does the rest."""
    bench = fixed()
    bench.aws.trouble("PutBucketAcl", denied())
    answer = run(bench.undoer.undo(bench.only, "sam"))
    assert (answer.ok, "only partly" in answer.text, bench.only.undone_by) == (False, True, None)
    again = run(bench.undoer.undo(bench.only, "sam"))
    assert (again.ok, undoings(bench)) == (True, [Result.PARTLY, Result.FIXED])
    assert bench.aws.buckets[BUCKET.name]["GetBucketAcl"] == PUBLIC_READ


def test_a_lost_answer_is_no_failure() -> None:
    """What AWS shows counts."""
    bench = fixed()
    bench.aws.trouble("PutBucketPolicy", lost())
    assert run(bench.undoer.undo(bench.only, "sam")).ok
    assert bench.aws.written == BACK


def test_nothing_is_put_back_while_the_kill_switch_is_on() -> None:
    """The switch stops every write, those that open a bucket first of all."""
    bench = fixed()
    bench.switch = "the file stop exists"
    answer = run(bench.undoer.undo(bench.only, "sam"))
    assert (answer.ok, "kill switch" in answer.text, bench.aws.written) == (False, True, BACK[:2])


@pytest.mark.parametrize("operation", ["PutBucketAcl", "PutBucketPolicy"])
@pytest.mark.parametrize("after", [False, True])
def test_a_death_at_any_call_is_finished_by_the_next_life(operation: str, after: bool) -> None:
    """Whether or not the call took effect; nothing is written twice."""
    bench = fixed()
    bench.aws.trouble(operation, killed(after=after))
    with pytest.raises(Killed):
        run(bench.undoer.undo(bench.only, "sam"))
    again = bench.restarted()
    (undoing,) = run(again.shelf.unfinished())
    answer = run(again.undoer.go_on(undoing, again.only))
    assert (answer.ok, undoings(again), again.aws.written) == (True, [Result.FIXED], BACK)
    assert again.only.undone_by == undoing.id


def test_what_wrote_nothing_has_nothing_to_take_back() -> None:
    """And an undoing is not undone: the finding is open again, which is the next fix's business."""
    bench = Bench()
    bench.aws.trouble("PutBucketAcl", denied())
    run(bench.mender.mend(bench.finding))
    assert "wrote nothing" in run(bench.undoer.undo(bench.only, "sam")).text
    other = fixed()
    undoing = run(other.undoer.undo(other.only, "sam")).aftermath.entry
    assert "is itself an undoing" in run(other.undoer.undo(undoing, "sam")).text


def test_a_fix_that_has_not_ended_is_not_taken_back() -> None:
    """Whoever asks is told where it stands."""
    bench = Bench()
    bench.aws.trouble("PutBucketPolicy", killed(after=False))
    with pytest.raises(Killed):
        run(bench.mender.mend(bench.finding))
    assert bench.only.stage is Stage.APPLYING
    assert "has not ended" in run(bench.undoer.undo(bench.only, "sam")).text


def test_difference_names_what_is_not_configured() -> None:
    """None is no document."""
    assert difference(None, '{"a":1}').splitlines()[-3:] == ["+{", '+  "a": 1', "+}"]


LOGS = replace(BUCKET, name="logs")
DELIVERED = {"Sid": "Delivery", "Effect": "Allow", "Principal": {"Service": "logging"}, "Action": "s3:PutObject"}


def let_in() -> tuple[Bench, Remediation]:
    """A bench on which a fix closed the bucket's policy, and let a delivery into another bucket first."""
    bench = Bench()
    bench.aws.buckets[LOGS.name] = dict(bench.aws.buckets[BUCKET.name])
    bench.aws.set_policy([FRIEND], LOGS.name)
    run(bench.mender.mend(bench.finding))
    entry = bench.only
    assert entry.plan is not None
    before, after = (policy(*each) for each in ([FRIEND], [FRIEND, DELIVERED]))
    admit = step(Edit(Aspect.POLICY, after, "Let it in", bucket=LOGS), before, BUCKET)
    bench.aws.set_policy([FRIEND, DELIVERED], LOGS.name)
    written = Progress(StepState.WRITTEN, 1, read_back=admit.after)
    plan = replace(entry.plan, steps=(admit, *entry.plan.steps))
    entry = replace(entry, plan=plan, progress=(written, *entry.progress))
    return bench, entry


@pytest.mark.parametrize(
    ("delivering", "left"),
    [((), False), ((BUCKET.name,), False), (("another",), True), ((BUCKET.name, "b"), True), (None, True)],
)
def test_what_other_buckets_rely_on_stays(delivering: tuple[str, ...] | None, left: bool) -> None:
    """And is said to; without it the logs of others would end unnoticed. None: nobody knows yet who relies on it."""
    bench, entry = let_in()
    asked: list[BucketRef] = []

    def relying(receiver: BucketRef) -> tuple[str, ...] | None:
        asked.append(receiver)
        return delivering

    bench.undoer.delivering = relying
    answer = run(bench.undoer.undo(entry, "sam"))
    assert answer.ok, answer.text
    assert asked == [LOGS]
    assert bench.aws.buckets[BUCKET.name]["GetBucketAcl"] == PUBLIC_READ
    found = bench.aws.buckets[LOGS.name]["GetBucketPolicy"]
    assert not isinstance(found, AwsError)
    assert ("Delivery" in found["Policy"]) is left
    assert ("Left as it is, since other buckets rely on it, or may: policy:logs." in answer.text) is left


@pytest.mark.parametrize(("delivering", "final"), [(("another",), True), (None, False)])
def test_a_fix_that_let_in_and_nothing_more_is_not_taken_back_from_others(
    delivering: tuple[str, ...] | None, final: bool
) -> None:
    """There is nothing to do, and that is the end of it, unless a sweep has yet to tell who the others are."""
    bench, entry = let_in()
    assert entry.plan is not None
    alone = replace(entry, plan=replace(entry.plan, steps=entry.plan.steps[:1]), progress=entry.progress[:1])
    bench.undoer.delivering = lambda _receiver: delivering
    answer = run(bench.undoer.undo(alone, "sam"))
    assert (answer.ok, answer.final) == (False, final)
    assert "on what it let in" in answer.text
