"""What is noted of a remediation at each turn: the journal's entry, the audit line, log, metrics, and who must hear.

Takes an entry and what was decided, hands on the entry as it is stored. What is no news is not told again: of the same
plan, held for the same reason, the journal alone learns when it is looked at next. It decides nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol, TypeAlias

import structlog

from s3warden.correct.approvals import SHORT
from s3warden.correct.book import Book
from s3warden.correct.guard import Stop
from s3warden.model.action import Allowed, Declined, Held, Mode, RemediationPlan, Result
from s3warden.model.alert import Notification
from s3warden.model.finding import Finding
from s3warden.model.remediation import Progress, Remediation, Stage
from s3warden.telemetry.metrics import Metrics

log = structlog.get_logger("s3warden.remediation")


Links: TypeAlias = Callable[[str], tuple[tuple[str, str], ...]]


class Alarm(Protocol):
    """What makes messages for people out of what went wrong."""

    def __call__(
        self, finding: Finding, reason: str, facts: Sequence[tuple[str, str]], key: str, links: Links = ...
    ) -> Sequence[Notification]:
        """The messages that tell of it; `key` is the same over every repeat, `links` are for one destination each."""


@dataclass(frozen=True, slots=True)
class Case:
    """A plan for a finding, and what the operator has set for such: the mode, and for how many seconds a fix holds."""

    finding: Finding
    plan: RemediationPlan
    mode: Mode
    keep_for: float | None = None


@dataclass(slots=True)
class Notes:
    """Writes into the book. Every method but `about` raises StoreError; then nothing is noted."""

    book: Book
    alarm: Alarm
    metrics: Metrics
    # The links with which people of one destination may answer.
    invite: Callable[[Remediation, str], tuple[tuple[str, str], ...]] = lambda _entry, _destination: ()

    async def declined(self, entry: Remediation, finding: Finding, declined: Declined, again: datetime | None) -> None:
        """There is no plan."""
        if entry.version and (entry.stage, entry.reason) == (Stage.DECLINED, declined.reason):
            await self.book.postpone(entry, declined.detail, again)
            return
        entry = entry.after(
            self.book.clock(),
            stage=Stage.DECLINED,
            plan=None,
            progress=(),
            evidence=finding.evidence.digest,
            reason=declined.reason,
            detail=declined.detail,
            retry_at=again,
        )
        await self.book.write(entry, "declined", {"reason": declined.reason, "detail": declined.detail})
        log.info("remediation_declined", **about(entry), **_why(entry))
        self.metrics.remediations_held.labels(declined.reason).inc()

    async def held(self, entry: Remediation, case: Case, held: Held, again: datetime | None) -> None:
        """The guard says no."""
        known = entry.plan.digest if entry.version and entry.plan is not None else None
        if (entry.stage, entry.reason, known) == (Stage.HELD, held.reason, case.plan.digest):
            await self.book.postpone(entry, held.detail, again)
            return
        entry = self._with(entry, case, stage=Stage.HELD, reason=held.reason, detail=held.detail, retry_at=again)
        told = {"reason": held.reason, "detail": held.detail, "plan": case.plan.digest, "mode": case.mode.value}
        await self.book.write(entry, "held", told, notifications=self._loud(entry, case.finding, held))
        log.info("remediation_held", **about(entry), **_why(entry), mode=case.mode.value)
        self.metrics.remediations_held.labels(held.reason).inc()

    def _loud(self, entry: Remediation, finding: Finding, held: Held) -> Sequence[Notification]:
        """Three reasons are news: a storm, which is one page whatever its size, a fight, and what waits for people."""
        told = [("automation", held.detail)]
        if held.reason == Stop.BREAKER:
            return self.alarm(finding, held.reason, told, f"breaker/{entry.changed_at:%Y-%m-%d}")
        if held.reason == Stop.FIGHT:
            return self.alarm(finding, held.reason, told, f"fight/{entry.id}")
        if held.reason in (Stop.APPROVAL_NEEDED, Stop.NOT_SAFE) and entry.plan is not None:
            key = f"asked/{entry.id}/{entry.plan.digest[:SHORT]}"
            return self.alarm(finding, held.reason, [*told, *_question(entry)], key, partial(self.invite, entry))
        return ()

    def given_up(self, entry: Remediation, finding: Finding, tries: int, detail: str) -> Sequence[Notification]:
        """The messages about a finding that is left to people after so many tries."""
        text = f"Gave up, since every try failed ({tries}); s3warden remediations show {entry.id} has the latest."
        log.error("remediation_given_up", **about(entry), tries=tries, detail=detail)
        self.metrics.remediations_given_up.inc()
        return self.alarm(finding, Stop.GAVE_UP, [("automation", f"{text} {detail}")], f"gave_up/{entry.id}")

    async def stopped(self, entry: Remediation, held: Held, again: datetime | None) -> None:
        """Allowed before and stopped on the way, before anything was written."""
        entry = entry.after(self.book.clock(), stage=Stage.HELD, reason=held.reason, detail=held.detail, retry_at=again)
        await self.book.write(entry, "held", {"reason": held.reason, "detail": held.detail})
        log.warning("remediation_held", **about(entry), **_why(entry), mode=entry.mode.value)
        self.metrics.remediations_held.labels(held.reason).inc()

    async def allowed(self, entry: Remediation, case: Case, allowed: Allowed) -> Remediation:
        """The guard lets the plan go on; from now on calls are made."""
        at = self.book.clock()
        entry = self._with(entry, case, stage=Stage.APPLYING, because=allowed.because, started_at=at)
        plan = case.plan
        told = {"because": allowed.because, "plan": plan.digest, "mode": case.mode.value, "remedy": plan.remedy}
        await self.book.write(entry, "allowed", told)
        log.info("remediation_begun", **about(entry), because=allowed.because, mode=case.mode.value, remedy=plan.remedy)
        return entry

    async def ended(
        self,
        entry: Remediation,
        result: Result,
        reason: str,
        detail: str,
        *,
        until: datetime | None = None,
        others: Sequence[Remediation] = (),
        notifications: Sequence[Notification] = (),
    ) -> Remediation:
        """It is over. An entry that nobody ever stored is not stored for that."""
        if not entry.version:
            return entry
        at = self.book.clock()
        entry = entry.after(
            at,
            stage=Stage.ENDED,
            result=result,
            reason=reason,
            detail=detail,
            ended_at=at,
            retry_at=None,
            until=until,
        )
        told = {"result": result.value, "reason": reason, "detail": detail}
        await self.book.write(entry, "ended", told, others=others, notifications=notifications)
        self._report(entry, result)
        return entry

    def _report(self, entry: Remediation, result: Result) -> None:
        kind = "undo" if entry.undo_of is not None else entry.mode.value
        self.metrics.remediations.labels(result.value, kind).inc()
        received = entry.trigger.received_at if entry.trigger is not None else None
        if result is Result.FIXED and entry.undo_of is None and received is not None and entry.ended_at is not None:
            self.metrics.remediation_duration.observe(max(0.0, (entry.ended_at - received).total_seconds()))
        good = result in (Result.FIXED, Result.NOT_NEEDED)
        write = log.info if good else log.error
        write("remediation_ended", **about(entry), result=result.value, reason=entry.reason, detail=entry.detail)

    def _with(self, entry: Remediation, case: Case, **changes: object) -> Remediation:
        """The entry with the plan and what goes with it; nothing of the plan is done yet."""
        fresh: dict[str, object] = {
            "plan": case.plan,
            "progress": tuple(Progress() for _ in case.plan.steps),
            "evidence": case.plan.evidence,
            "trigger": case.finding.trigger,
            "mode": case.mode,
            "keep_for": case.keep_for,
            "reason": "",
            "detail": "",
            "because": "",
            "retry_at": None,
        }
        return entry.after(self.book.clock(), **(fresh | changes))


def about(entry: Remediation) -> dict[str, object]:
    """The fields of a log line that tell which remediation it is about."""
    return {"remediation_id": entry.id, "subject": entry.subject.key, "rule_id": entry.rule_id}


def _why(entry: Remediation) -> dict[str, object]:
    """The fields of a log line that tell why nothing is done, and when it is looked at again."""
    again = entry.retry_at.isoformat() if entry.retry_at is not None else None
    return {"reason": entry.reason, "detail": entry.detail, "retry_at": again}


def _question(entry: Remediation) -> list[tuple[str, str]]:
    """What people have to know to say yes or no: what would be done, what it may break, how to answer by hand."""
    plan = entry.plan
    if plan is None:
        return []
    steps = "; ".join(f"{step.summary} ({step.call.operation})" for step in plan.steps)
    losses = "; ".join(f"{loss.kind.value} {loss.name}" for loss in plan.effect.losses)
    return [
        ("would_do", steps),
        ("risk", f"{plan.risk.value}: {plan.risk_text}"),
        ("would_cut_off", losses or "nobody who is known"),
        ("answer", f"s3warden remediations approve {entry.id} (or reject), plan {plan.digest[:SHORT]}"),
    ]
