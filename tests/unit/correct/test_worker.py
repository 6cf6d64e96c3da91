"""The remediation task: what it takes up, in which order, and what stops it."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from s3warden.correct.agenda import Agenda, Item
from s3warden.correct.budget import Budget
from s3warden.correct.mend import NOTHING, Aftermath
from s3warden.correct.remedy import Edit
from s3warden.correct.steps import step
from s3warden.correct.worker import Pace, Worker
from s3warden.model.action import Effect, Held, RemediationPlan, Result, Risk
from s3warden.model.bucket import Aspect, BucketRef, Subject
from s3warden.model.event import Done, Origin, Outcome, RefreshRequest
from s3warden.model.finding import ChangeKind, Evidence, Finding, FindingChange, Verdict, fingerprint
from s3warden.model.remediation import Remediation
from s3warden.store.errors import StoreUnavailableError
from support import virtual
from support.mending import BUCKET, RULE, Bench, now, run
from support.scenes import acl, group
from support.spine import HOME, START


class Mender:
    """Notes who is mended, and takes as long as it is told."""

    def __init__(self) -> None:
        self.began: list[tuple[str, float]] = []
        self.seconds = 1.0
        self.at_once = self.most_at_once = 0
        self.of_subject: defaultdict[str, int] = defaultdict(int)
        self.errors: dict[str, Exception] = {}
        self.aftermath: Aftermath = NOTHING
        self.over: Callable[[Finding], object] = lambda _finding: None

    async def mend(self, finding: Finding) -> Aftermath:
        """Mend one."""
        name = f"{finding.rule_id} {finding.subject}"
        self.began.append((name, virtual.now()))
        if name in self.errors:
            raise self.errors.pop(name)
        self.at_once += 1
        self.of_subject[finding.subject.key] += 1
        assert self.of_subject[finding.subject.key] == 1, "two at once on one subject"
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(self.seconds)
        self.at_once -= 1
        self.of_subject[finding.subject.key] -= 1
        self.over(finding)
        return self.aftermath

    async def resume(self, entry: Remediation, _finding: Finding | None) -> Aftermath:
        """Finish what was begun."""
        self.began.append((f"resumed {entry.id}", virtual.now()))
        return NOTHING

    async def drop(self, print_: str, _reason: str, _detail: str) -> Aftermath:
        """The finding is over."""
        self.began.append((f"dropped {print_[:4]}", virtual.now()))
        return NOTHING

    @property
    def names(self) -> list[str]:
        """Whom it was about, in order."""
        return [name for name, _ in self.began]


class Ledger:
    """The findings that stand."""

    def __init__(self, *findings: Finding) -> None:
        self.all = list(findings)

    def of(self, subject: Subject) -> Sequence[Finding]:
        """Those of one subject."""
        return [finding for finding in self.all if finding.subject == subject]

    def findings(self) -> Sequence[Finding]:
        """All."""
        return self.all


class Scene:
    """A worker over a ledger, with a mender that only takes notes."""

    def __init__(self, *findings: Finding, known: bool = False, **pace: Any) -> None:
        self.bench = Bench()
        self.mender = Mender()
        self.ledger = Ledger(*(findings if known else ()))
        self.later = findings
        self.submitted: list[RefreshRequest] = []
        self.seen_beside: list[tuple[str, int]] = []
        self.budget = Budget()
        mender: Any = self.mender
        self.worker = Worker(
            mender=mender,
            book=self.bench.book,
            memory=self.bench.shelf,
            budget=self.budget,
            findings=self.ledger,
            wanted=lambda finding: finding.rule_id != "unwanted",
            writes=lambda rule_id: rule_id != "planned",
            turn=self._turn,
            submit=self._submit,
            beside=self._beside,
            metrics=self.bench.metrics,
            pace=Pace(**({"parallel": 2, "quiet": 60.0} | pace)),
            clock=virtual.now,
        )

    @asynccontextmanager
    async def _turn(self, _subject: Subject) -> AsyncIterator[None]:
        yield

    async def _beside(self, entry: Remediation) -> None:
        self.seen_beside.append((entry.id, len(self.submitted)))

    async def _submit(self, request: RefreshRequest) -> "asyncio.Future[Outcome]":
        self.submitted.append(request)
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        future.set_result(Done())
        return future

    def notice(self, kind: ChangeKind = ChangeKind.OPENED) -> None:
        """The pipeline commits the findings."""
        self.ledger.all += self.later
        self.worker.notice([FindingChange(kind, finding, now()) for finding in self.later])

    def for_seconds(self, seconds: float, *, notice: bool = True) -> None:
        """Let the worker work."""

        async def main() -> None:
            task = asyncio.create_task(self.worker.run())
            await asyncio.sleep(0.1)
            if notice:
                self.notice()
            await asyncio.sleep(seconds)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        run(main())


def finding(name: str, rule_id: str = RULE, *, live: bool = True) -> Finding:
    """An open failure."""
    subject = BucketRef("aws", HOME, "eu-west-1", name)
    base = Bench().finding
    return replace(
        base,
        fingerprint=fingerprint(rule_id, subject),
        rule_id=rule_id,
        subject=subject,
        evidence=Evidence("open", {}, live=live),
    )


def test_buckets_go_side_by_side_and_one_bucket_in_turn() -> None:
    """At most so many at once, and never two of one bucket."""
    scene = Scene(finding("a"), finding("a", "other"), finding("b"), finding("c"))
    scene.for_seconds(10)
    assert sorted(scene.mender.names) == [f"{RULE} a", f"{RULE} b", f"{RULE} c", "other a"]
    assert scene.mender.most_at_once == 2
    assert [when for _, when in scene.mender.began] == sorted(when for _, when in scene.mender.began)
    assert scene.mender.began[0][1] - 1000.1 < 0.001


def test_what_is_no_live_exposure_waits_until_all_is_quiet() -> None:
    """Live at once; the other after a minute in which the finding did not change."""
    scene = Scene(finding("live"), finding("posture", live=False))

    async def main() -> None:
        task = asyncio.create_task(scene.worker.run())
        await asyncio.sleep(0.1)
        scene.notice()
        await asyncio.sleep(30)
        scene.worker.notice([FindingChange(ChangeKind.UPDATED, scene.later[1], now())])
        await asyncio.sleep(100)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run(main())
    (_, at_once), (name, later) = scene.mender.began
    assert name == f"{RULE} posture"
    assert 89 < later - at_once < 92


def test_what_nobody_wants_mended_is_left_alone() -> None:
    """No row of the settings names the rule."""
    scene = Scene(finding("a", "unwanted"))
    scene.for_seconds(5)
    assert scene.mender.began == []


def test_what_stood_before_the_start_is_taken_up() -> None:
    """Open findings, each once."""
    scene = Scene(finding("a"), known=True)
    scene.for_seconds(5, notice=False)
    assert scene.mender.names == [f"{RULE} a"]


def test_what_an_earlier_life_had_begun_comes_first() -> None:
    """It is resumed, not begun again."""
    scene = Scene(Bench().finding, known=True)

    async def begun() -> str:
        entry = scene.bench.book.about(scene.bench.finding)
        done = await scene.bench.notes.allowed(entry, *_case(scene.bench))
        return done.id

    id_ = run(begun())
    scene.for_seconds(5, notice=False)
    assert scene.mender.names == [f"resumed {id_}"]


def _case(bench: Bench) -> Any:
    from s3warden.correct.notes import Case
    from s3warden.model.action import Allowed, Effect, Mode, RemediationPlan, Risk
    from s3warden.model.finding import Verdict

    effect = Effect(True, False, (), (), Verdict.PASS)
    found = bench.finding
    plan = RemediationPlan("r", RULE, found.fingerprint, "e", BUCKET, (), Risk.LOW, "", effect, now())
    return Case(found, plan, Mode.AUTO), Allowed("test")


def test_one_that_crashes_stops_no_other_and_is_tried_again() -> None:
    """Counted, logged, and back in five minutes; a store that is away is back sooner."""
    scene = Scene(finding("a"), finding("b"))
    scene.mender.errors = {f"{RULE} a": RuntimeError("boom"), f"{RULE} b": StoreUnavailableError("away")}
    scene.for_seconds(400)
    times = {name: [when for each, when in scene.mender.began if each == name] for name in scene.mender.names}
    assert [round(b - a) for a, b in times.values()] == [300, 10]
    assert scene.bench.metrics.remediation_errors.labels("crashed")._value.get() == 1
    assert scene.bench.metrics.remediation_errors.labels("store")._value.get() == 1


def test_what_finds_no_room_is_fed_again() -> None:
    """A storm larger than the agenda loses nothing."""
    findings = [finding(f"b{number:02}") for number in range(40)]
    scene = Scene(*findings, capacity=4, parallel=2)
    scene.mender.over = scene.ledger.all.remove
    scene.for_seconds(120)
    assert sorted(scene.mender.names) == [f"{RULE} b{number:02}" for number in range(40)]


def test_another_try_comes_when_it_is_due() -> None:
    """The mender says when."""
    scene = Scene(finding("a"))

    async def main() -> None:
        scene.mender.aftermath = Aftermath(now() + timedelta(seconds=50))
        task = asyncio.create_task(scene.worker.run())
        await asyncio.sleep(0)
        scene.notice()
        await asyncio.sleep(40)
        scene.mender.aftermath = NOTHING
        await asyncio.sleep(60)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run(main())
    first, second = (when for _, when in scene.mender.began)
    assert 49 < second - first < 52


def test_a_fix_has_its_subject_looked_at_in_its_name() -> None:
    """At once, for what was written, and after what else was; whoever is told reads which remediation it was."""
    scene = Scene(finding("a"))
    entry = run(_about(scene))
    scene.mender.aftermath = Aftermath(None, frozenset({Aspect.ACL}), entry)
    scene.for_seconds(5)
    (request,) = scene.submitted
    assert scene.seen_beside == [(entry.id, 0)]
    assert (request.aspects, request.origin, request.urgent) == (frozenset({Aspect.ACL}), Origin.EVENT, True)
    (trigger,) = request.triggers
    assert (trigger.source, trigger.event_id) == ("s3warden", f"remediation/{entry.id}")
    assert trigger.actor is not None
    assert entry.id in trigger.actor.principal


class Looking(Scene):
    """The look at a fix takes a second; `known` is what whoever looks meanwhile is told of fixes."""

    async def _submit(self, request: RefreshRequest) -> "asyncio.Future[Outcome]":
        subject = request.subject.name if isinstance(request.subject, BucketRef) else ""
        self.known = [
            self.worker.fix_of(finding(subject), frozenset()),
            self.worker.fix_of(finding(subject, "other"), frozenset({Aspect.ACL, Aspect.OWNERSHIP})),
            self.worker.fix_of(finding(subject, "other"), frozenset({Aspect.VERSIONING})),
            self.worker.fix_of(finding("b"), frozenset({Aspect.ACL})),
        ]
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(1, future.set_result, Done())
        return future


@pytest.mark.parametrize("result", [Result.FIXED, Result.PARTLY])
def test_a_fix_is_known_until_it_was_looked_at(result: Result) -> None:
    """So that another's look in between does not thank whoever opened the bucket; what it did not touch is not its."""
    scene = Looking(finding("a"))
    entry = replace(run(_about(scene)), result=result, plan=_writing_an_acl())
    scene.mender.aftermath = Aftermath(None, frozenset({Aspect.ACL}), entry)
    scene.mender.over = scene.ledger.all.remove
    scene.for_seconds(5)
    assert [each and each.event_id for each in scene.known] == [f"remediation/{entry.id}"] * 2 + [None] * 2
    assert scene.worker.fix_of(finding("a"), frozenset({Aspect.ACL})) is None


class Reopened(Scene):
    """Somebody opens the setting again before the look at the fix: the finding stays as it was."""

    async def _submit(self, request: RefreshRequest) -> "asyncio.Future[Outcome]":
        self.mender.aftermath = NOTHING
        return await super()._submit(request)


@pytest.mark.parametrize(("result", "tries"), [(Result.FIXED, 2), (Result.PARTLY, 1)])
def test_what_is_open_again_after_the_look_is_taken_up_again(result: Result, tries: int) -> None:
    """No change is told of it, since the finding never went away; what failed has a next try of its own."""
    scene = Reopened(finding("a"))
    entry = replace(run(_about(scene)), result=result)
    scene.mender.aftermath = Aftermath(None, frozenset({Aspect.ACL}), entry)
    scene.for_seconds(5)
    assert len(scene.mender.names) == tries


def _writing_an_acl() -> RemediationPlan:
    made = step(Edit(Aspect.ACL, acl(), ""), acl(group("AllUsers", "READ")), BUCKET)
    effect = Effect(True, False, (), (), Verdict.PASS)
    return RemediationPlan("r", RULE, "f", "e", BUCKET, (made,), Risk.LOW, "", effect, START)


async def _about(scene: Scene) -> Remediation:
    return scene.bench.book.about(scene.later[0])


def test_a_finding_that_ends_ends_what_waits_for_it() -> None:
    """The entry that is held is closed; without one nothing is done."""
    scene = Scene(Bench().finding)

    async def main() -> None:
        task = asyncio.create_task(scene.worker.run())
        await asyncio.sleep(0)
        await scene.bench.notes.held(scene.bench.book.about(scene.bench.finding), *_held(scene.bench))
        scene.worker.notice([FindingChange(ChangeKind.RESOLVED, scene.bench.finding, now())])
        scene.worker.notice([FindingChange(ChangeKind.RESOLVED, finding("unheard of"), now())])
        await asyncio.sleep(5)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run(main())
    assert scene.mender.names == [f"dropped {scene.bench.finding.fingerprint[:4]}"]


def _held(bench: Bench) -> Any:
    case, _ = _case(bench)
    return case, Held("plan_only", "plans only"), None


def test_draining_lets_what_runs_end_and_begins_nothing() -> None:
    """What does not end in time is given up, and taken up again by the next life."""
    scene = Scene(finding("a"), finding("b"), finding("c"), parallel=1)

    async def main() -> None:
        task = asyncio.create_task(scene.worker.run())
        await asyncio.sleep(0)
        scene.notice()
        await asyncio.sleep(0.5)
        await scene.worker.drain(virtual.now() + 10)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run(main())
    assert (scene.mender.names, scene.mender.at_once) == ([f"{RULE} a"], 0)


def test_a_storm_asks_for_as_many_fixes_as_there_are_buckets() -> None:
    """What the breaker counts is who asked, not who was served."""
    scene = Scene(*(finding(f"b{number}") for number in range(30)), parallel=1)
    scene.mender.seconds = 1000
    scene.for_seconds(5)
    assert scene.budget.spent(HOME, now_(), 100).asking == 30


def test_what_is_only_planned_is_no_part_of_a_storm() -> None:
    """Thirty plans must not stop the one fix that may be written."""
    scene = Scene(finding("a"), *(finding(f"b{number}", "planned") for number in range(30)), parallel=1)
    scene.mender.seconds = 1000
    scene.for_seconds(5)
    assert scene.budget.spent(HOME, now_(), 100).asking == 1


def now_() -> Any:
    """Any moment near the start."""
    from support.spine import START

    return START + timedelta(seconds=1100)


def test_agenda_gives_the_oldest_that_is_due_and_free() -> None:
    """What is busy or not due stays; what is put in again has a new time."""
    agenda = Agenda(capacity=3)
    a, b, c = (BucketRef("aws", HOME, "eu-west-1", name) for name in "abc")
    for item in (Item("1", a, 1.0), Item("2", b, 2.0), Item("3", c, 9.0), Item("4", c, 1.0)):
        agenda.put(item)
    assert agenda.lost
    assert agenda.take(5, {a.key}) == Item("2", b, 2.0)
    agenda.put(Item("1", a, 7.0))
    assert agenda.take(5, ()) is None
    assert agenda.next_due() is not None
    assert [agenda.take(10, ()), agenda.take(10, ()), agenda.take(10, ())] == [
        Item("1", a, 7.0),
        Item("3", c, 9.0),
        None,
    ]


def test_a_storm_that_was_held_is_no_smaller_after_a_restart_or_an_hour() -> None:
    """All that the breaker holds count again, before the first of them is looked at."""
    scene = Scene(*(finding(f"b{number}") for number in range(3)), known=True, parallel=1)

    async def main() -> list[int]:
        case, _ = _case(scene.bench)
        for each in scene.later:
            entry = scene.bench.book.about(each)
            await scene.bench.notes.held(entry, case, Held("breaker", "a storm"), None)
        asking: list[int] = []
        scene.mender.over = lambda _finding: asking.append(scene.budget.spent(HOME, now(), 100).asking)
        task = asyncio.create_task(scene.worker.run())
        await asyncio.sleep(10)
        await asyncio.sleep(3700)
        scene.worker.notice([FindingChange(ChangeKind.UPDATED, scene.later[0], now())])
        await asyncio.sleep(10)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return asking

    assert run(main()) == [3, 3, 3, 3]
