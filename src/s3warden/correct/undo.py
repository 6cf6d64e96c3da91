"""Takes a fix back: puts each setting that it wrote to what it was before, if nobody else touched it since.

Takes an entry of the journal and who asks, hands on a text for him and what follows. An undoing is an entry of its own,
noted before and after each call like any other; asked again, it says that it was done. It never writes over a setting
that is not as the fix left it.
"""

import difflib
import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from s3warden.aws.errors import AwsError
from s3warden.correct.apply import Applier, Reads, Trouble
from s3warden.correct.book import Book
from s3warden.correct.mend import NOTHING, Aftermath, aspects
from s3warden.correct.notes import Notes, about
from s3warden.model.action import RemediationPlan, Result, Step
from s3warden.model.bucket import AccountRef, Aspect, BucketRef, Subject
from s3warden.model.remediation import Progress, Remediation, Stage
from s3warden.telemetry.metrics import Metrics

log = structlog.get_logger("s3warden.remediation")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person is told: whether it was done, one text, and what follows from it.

    `final` where another try would end the same.
    """

    ok: bool
    text: str
    aftermath: Aftermath = NOTHING
    final: bool = False


def _nobody(_bucket: BucketRef) -> Collection[str] | None:
    return ()


@dataclass(slots=True)
class Undoer:
    """Takes fixes back. The caller holds the subject's turn. Every method raises StoreError.

    `delivering` are the buckets from which S3 delivers logs or lists into a bucket, by their names; None where that is
    not known yet.
    """

    reads: Reads
    applier: Applier
    book: Book
    notes: Notes
    metrics: Metrics
    delivering: Callable[[BucketRef], Collection[str] | None] = _nobody

    async def undo(self, entry: Remediation, by: str) -> Answer:
        """Take `entry` back in the name of `by`."""
        refusal = _impossible(entry)
        if refusal is not None:
            return refusal
        plan, known = self._spared(inverse(entry, self.book.clock()))
        if not plan.steps:
            rely = "other buckets rely on what it let in" if known else "who relies on what it let in is not known yet"
            return Answer(False, f"{entry.id} is not taken back: {rely}.", final=known)
        differs = await self._differs(entry, plan)
        if differs is not None:
            return await self._refused(entry, by, differs)
        at = self.book.clock()
        undoing = Remediation(
            id=self.book.draw(),
            fingerprint=entry.fingerprint,
            rule_id=entry.rule_id,
            subject=entry.subject,
            evidence=entry.evidence,
            created_at=at,
            changed_at=at,
            started_at=at,
            stage=Stage.APPLYING,
            plan=plan,
            progress=tuple(Progress() for _ in plan.steps),
            mode=entry.mode,
            because=f"{by} asked to take back {entry.id}.",
            requester=by,
            undo_of=entry.id,
        )
        undoing = await self.book.write(undoing, "undo", {"undo_of": entry.id, "by": by, "plan": plan.digest})
        log.info("undo_begun", **about(undoing), undo_of=entry.id, by=by)
        return await self.go_on(undoing, entry)

    async def go_on(self, undoing: Remediation, entry: Remediation) -> Answer:
        """Make the calls that are not made yet; also after a restart."""
        undoing = await self.applier.settle(undoing)
        undoing, trouble = await self.applier.apply(undoing)
        if trouble is not None:
            return await self._failed(undoing, trouble)
        other = _not_as_before(undoing)
        if other is not None:
            undoing = await self.notes.ended(undoing, Result.PARTLY, "not_as_before", other)
            return Answer(False, f"{entry.id} is only partly taken back: {other}", _after(undoing))
        undone = entry.after(self.book.clock(), undone_by=undoing.id, until=None)
        result = Result.FIXED if undoing.written else Result.NOT_NEEDED
        undoing = await self.notes.ended(undoing, result, "", "", others=(undone,))
        settings = ", ".join(sorted(undoing.attributes))
        text = f"{entry.id} is taken back by {undoing.id}: {settings} of {undoing.subject} as before."
        spared = ", ".join(sorted(_written(entry) - undoing.attributes))
        text += f" Left as it is, since other buckets rely on it, or may: {spared}." if spared else ""
        text += " AWS took the order, and carries it out in the next minutes." if undoing.on_their_way else ""
        return Answer(True, text, _after(undoing))

    async def keep(self, entry: Remediation, by: str) -> Answer:
        """Let a time-boxed fix stay."""
        if entry.until is None:
            return Answer(True, f"{entry.id} stays: no time is set for its end.")
        kept = entry.after(self.book.clock(), until=None, keep_for=None)
        await self.book.write(kept, "kept", {"by": by})
        return Answer(True, f"{entry.id} stays; it was to be taken back at {entry.until:%Y-%m-%d %H:%M} UTC.")

    def _spared(self, plan: RemediationPlan) -> tuple[RemediationPlan, bool]:
        """The plan without the policies that let in, or may let in, what S3 delivers from other buckets; and whether
        it is known who delivers."""
        relied = [self._relied_on(step, plan.subject) for step in plan.steps]
        left = tuple(step for step, on in zip(plan.steps, relied, strict=True) if on is False)
        return replace(plan, steps=left), None not in relied

    def _relied_on(self, step: Step, subject: Subject) -> bool | None:
        aspect, _, name = step.attribute.partition(":")
        if aspect != Aspect.POLICY or not name or not isinstance(subject, BucketRef):
            return False
        found = self.delivering(replace(subject, name=name))
        return None if found is None else bool(set(found) - {subject.name})

    async def _differs(self, entry: Remediation, plan: RemediationPlan) -> str | None:
        """What somebody else changed since the fix; None if all is as the fix left it, or as it was before."""
        account = AccountRef(entry.subject.partition, entry.subject.account)
        for step in plan.steps:
            try:
                found = await self.reads.now(account, step)
            except AwsError as error:
                return f"{step.attribute} cannot be read: {error}"
            if found not in (step.before, step.after) and not step.on_its_way(found):
                return f"{step.attribute} was changed since:\n{difference(step.before, found)}"
        return None

    async def _refused(self, entry: Remediation, by: str, why: str) -> Answer:
        log.warning("undo_refused", **about(entry), by=by, reason="changed_since")
        self.metrics.remediations.labels(Result.SUPERSEDED.value, "undo").inc()
        noted = entry.after(self.book.clock())
        await self.book.write(noted, "undo_refused", {"by": by, "why": why})
        return Answer(False, f"{entry.id} is not taken back: {why}", final=True)

    async def _failed(self, undoing: Remediation, trouble: Trouble) -> Answer:
        result = Result.PARTLY if undoing.written else Result.FAILED
        undoing = await self.notes.ended(undoing, result, trouble.why, trouble.detail)
        taken = "only partly" if undoing.written else "not"
        return Answer(False, f"{undoing.undo_of} is {taken} taken back: {trouble.detail}", _after(undoing))


def _after(undoing: Remediation) -> Aftermath:
    return Aftermath(None, aspects(undoing), undoing) if undoing.written else NOTHING


def _not_as_before(undoing: Remediation) -> str | None:
    """Which setting AWS shows in another form than the one it had; None if all is as it was."""
    steps = undoing.plan.steps if undoing.plan is not None else ()
    for step, progress in zip(steps, undoing.progress, strict=True):
        if progress.read_back != step.after and not step.may_come(progress.read_back):
            return f"{step.attribute} is not as it was:\n{difference(step.after, progress.read_back)}"
    return None


def _written(entry: Remediation) -> set[str]:
    steps = entry.plan.steps if entry.plan is not None else ()
    return {steps[number].attribute for number in entry.written}


def _impossible(entry: Remediation) -> Answer | None:
    if entry.undone_by is not None:
        return Answer(True, f"{entry.id} was taken back already, by {entry.undone_by}.")
    if entry.undo_of is not None:
        return Answer(False, f"{entry.id} is itself an undoing, of {entry.undo_of}.")
    if entry.stage is not Stage.ENDED:
        return Answer(False, f"{entry.id} has not ended: it is {entry.stage.value}.")
    if not entry.written:
        return Answer(False, f"{entry.id} wrote nothing, so there is nothing to take back.")
    return None


def inverse(entry: Remediation, made_at: datetime) -> RemediationPlan:
    """The plan that takes back what `entry` wrote, the last write first."""
    plan = entry.plan
    if plan is None:
        raise ValueError("an entry without a plan has no inverse")
    return RemediationPlan(
        remedy=plan.remedy,
        rule_id=plan.rule_id,
        fingerprint=plan.fingerprint,
        evidence=plan.evidence,
        subject=plan.subject,
        steps=tuple(_back(plan.steps[number], entry.progress[number]) for number in reversed(entry.written)),
        risk=plan.risk,
        risk_text=plan.risk_text,
        effect=plan.effect,
        made_at=made_at,
    )


def _back(step: Step, progress: Progress) -> Step:
    # What was on its way when it was read last has arrived by now, or is not to be taken back yet.
    left = step.after if step.may_come(progress.read_back) else progress.read_back
    return Step(
        attribute=step.attribute,
        summary=f"take back: {step.summary}",
        read=step.read,
        call=step.inverse,
        inverse=step.call,
        before=left,
        after=step.undone,
        undone=left,
        slow=step.slow,
    )


def difference(left: str | None, found: str | None) -> str:
    """Two canonical documents as lines of a unified diff; None is "not configured"."""
    lines = difflib.unified_diff(_lines(left), _lines(found), "as s3warden left it", "as it is now", lineterm="", n=2)
    return "\n".join(lines)


def _lines(document: str | None) -> Sequence[str]:
    return ("not configured",) if document is None else json.dumps(json.loads(document), indent=2).splitlines()
