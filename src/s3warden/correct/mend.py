"""From a finding to what became of it: look, plan, guard, apply, look again, note the outcome.

Takes a finding, hands on `Aftermath`: when to look at it again, and what to refresh. Every turn of it is in the journal
and in the audit log before anybody is told; a crash anywhere is taken up by `resume`. The caller holds the subject's
turn, so that no refresh and no other remediation crosses this one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from s3warden.correct.apply import DEFAULT_PATIENCE, Applier, Patience, Trouble, Why
from s3warden.correct.book import Book
from s3warden.correct.circumstances import FAILURES, Surroundings, failures, tags_of
from s3warden.correct.guard import Stop, decide
from s3warden.correct.notes import Case, Notes, about
from s3warden.correct.permits import permit_for
from s3warden.correct.remedy import Look
from s3warden.correct.situation import GuardRules
from s3warden.correct.writes import with_followers
from s3warden.detect.evaluate import evaluate
from s3warden.detect.rule import Rule, RuleOptions
from s3warden.model.action import Allowed, Declined, Held, Mode, Planned, RemediationPlan, Result
from s3warden.model.alert import Notification
from s3warden.model.bucket import (
    ACCOUNT_ASPECTS,
    BUCKET_ASPECTS,
    AccountRef,
    Aspect,
    BucketRef,
    Present,
    State,
    Subject,
)
from s3warden.model.finding import Finding, Verdict
from s3warden.model.remediation import Remediation, Stage

log = structlog.get_logger("s3warden.remediation")

_REPLANS = 3
# A failed try is repeated after this long, twice as long after each further one.
_BACKOFF = timedelta(seconds=30)
# What holds a plan, or leaves none, for a reason that may pass without any event.
_RECHECK = timedelta(minutes=15)
_PASSING = {"unknown": _RECHECK, "unreadable": _RECHECK, "still_changing": timedelta(minutes=1)}
# How often what AWS carries out slowly is read again, and for how long before it counts as not done.
_SLOWLY = timedelta(seconds=15)
_AT_LAST = timedelta(minutes=10)
_OVER = frozenset({"gone", "not_needed"})
# How the attribute of another bucket's policy begins.
_ELSEWHERE = f"{Aspect.POLICY}:"
# Nothing but a person, or a change of the finding, ends these.
_FOR_PEOPLE = frozenset(
    {
        Stop.MODE_OFF,
        Stop.REJECTED,
        Stop.UNDONE,
        Stop.GAVE_UP,
        Stop.PLAN_ONLY,
        Stop.APPROVAL_NEEDED,
        Stop.NOT_SAFE,
    }
)


class Planner(Protocol):
    """What looks and plans."""

    async def look(self, subject: Subject, rule: Rule) -> Look:
        """The subject as it is now, with all that a plan for `rule` needs. Raises nothing of AWS's."""

    async def again(self, look: Look, written: Iterable[Aspect]) -> State:
        """The state of `look`, with `written` and what is derived from that read anew."""

    def plan(self, finding: Finding, look: Look, rule: Rule, made_at: datetime) -> Planned:
        """What to do about the finding by this look."""


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What follows: another try at `again`, and a refresh of `refresh`, since `entry` wrote there."""

    again: datetime | None = None
    refresh: frozenset[Aspect] = frozenset()
    entry: Remediation | None = None


NOTHING = Aftermath()


@dataclass(slots=True)
class Mender:
    """Mends one finding at a time. `rules` are the enabled ones by id. Every method raises StoreError."""

    planner: Planner
    rules: Mapping[str, Rule]
    options: Callable[[], RuleOptions]
    guard: GuardRules
    surroundings: Surroundings
    applier: Applier
    book: Book
    notes: Notes
    patience: Patience = DEFAULT_PATIENCE
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def mend(self, finding: Finding) -> Aftermath:
        """Do what may be done about an open finding."""
        rule = self.rules.get(finding.rule_id)
        if rule is None:
            return await self.drop(finding.fingerprint, "rule_disabled", "The rule is not enabled any more.")
        entry = self.book.about(finding)
        trouble: Trouble | None = None
        for _ in range(_REPLANS):
            look = await self.planner.look(finding.subject, rule)
            planned = self.planner.plan(finding, look, rule, self.book.clock())
            if isinstance(planned, Declined):
                return await self._declined(entry, finding, planned)
            case = await self._case(finding, planned, look.state)
            permission = await self._permission(entry, case, look.state)
            if isinstance(permission, Held):
                return await self._held(entry, case, permission)
            entry = await self.notes.allowed(entry, case, permission)
            entry, trouble = await self.applier.apply(entry)
            if trouble is None or trouble.why is not Why.CHANGED or entry.written:
                return await self._over(entry, finding, trouble, look)
            log.info("remediation_planned_anew", **about(entry), detail=trouble.detail)
        detail = trouble.detail if trouble is not None else ""
        return await self._end(entry, finding, Result.SUPERSEDED, Why.CHANGED, detail)

    async def resume(self, entry: Remediation, finding: Finding | None) -> Aftermath:
        """Finish, or report, what an earlier life had begun; `finding` is None where it does not stand any more."""
        entry = await self.applier.settle(entry)
        if not entry.on_their_way:
            log.warning("remediation_resumed", **about(entry), written=len(entry.written))
        rule, trouble = self.rules.get(entry.rule_id), None
        if rule is not None and finding is not None and entry.plan is not None:
            if entry.left:
                look = await self.planner.look(entry.subject, rule)
                permission = await self._permission(
                    entry, await self._case(finding, entry.plan, look.state), look.state
                )
                if isinstance(permission, Held):
                    return await self._stopped(entry, finding, permission)
            entry, trouble = await self.applier.apply(entry)
        return await self._over(entry, finding, trouble)

    async def drop(self, fingerprint: str, reason: str, detail: str) -> Aftermath:
        """The finding stands no longer: what waited for it ends; what was begun is told as it is."""
        entry = self.book.of(fingerprint)
        if entry is None:
            return NOTHING
        if entry.stage is Stage.APPLYING:
            return await self.resume(entry, None)
        await self.notes.ended(entry, Result.NOT_NEEDED, reason, detail)
        return NOTHING

    async def _permission(self, entry: Remediation, case: Case, state: State) -> Allowed | Held:
        plan = case.plan
        past = await self.surroundings.history(plan.subject, self.book.clock())
        now = await self.surroundings.around(entry, case.finding, plan, state, past, self.book.clock)
        permission = decide(plan, self.guard, now)
        if isinstance(permission, Allowed):
            self.surroundings.budget.done(plan.subject.account, now.at)
        return permission

    async def _case(self, finding: Finding, plan: RemediationPlan, state: State) -> Case:
        """The plan with what the settings say of such."""
        tags, subject = tags_of(state), plan.subject
        units = await self.surroundings.units(AccountRef(subject.partition, subject.account))
        known = tags.value if isinstance(tags, Present) else None
        permit = permit_for(self.guard.permits, plan.rule_id, subject, units or (), known)
        return Case(finding, plan, permit.mode if permit else Mode.OFF, permit.keep_for if permit else None)

    async def _declined(self, entry: Remediation, finding: Finding, declined: Declined) -> Aftermath:
        if declined.reason in _OVER:
            await self.notes.ended(entry, Result.NOT_NEEDED, declined.reason, declined.detail)
            return NOTHING
        wait = _PASSING.get(declined.reason)
        again = self.book.clock() + wait if wait is not None else None
        await self.notes.declined(entry, finding, declined, again)
        return Aftermath(again)

    async def _held(self, entry: Remediation, case: Case, held: Held) -> Aftermath:
        again = self._again(held)
        await self.notes.held(entry, case, held, again)
        return Aftermath(again)

    def _again(self, held: Held) -> datetime | None:
        return held.retry_at or (None if held.reason in _FOR_PEOPLE else self.book.clock() + _RECHECK)

    async def _stopped(self, entry: Remediation, finding: Finding, held: Held) -> Aftermath:
        """Allowed before, and stopped on the way: held again if nothing was written, else told as it is."""
        if entry.written:
            return await self._end(entry, finding, Result.PARTLY, held.reason, held.detail)
        again = self._again(held)
        await self.notes.stopped(entry, held, again)
        return Aftermath(again)

    async def _over(
        self, entry: Remediation, finding: Finding | None, trouble: Trouble | None, look: Look | None = None
    ) -> Aftermath:
        """All was done that could be done; what came of it is read from AWS. `look` is that of the plan."""
        if trouble is not None and trouble.why is Why.KILLED and finding is not None:
            return await self._stopped(entry, finding, Held(Stop.KILLED, trouble.detail))
        if trouble is None:
            entry = await self.applier.arrived(entry)
            if self._may_arrive(entry):
                # Neither the turn nor a place among the remediations is kept meanwhile; the journal has it as begun.
                return Aftermath(self.book.clock() + _SLOWLY)
        doubt = (trouble.why.value, trouble.detail) if trouble is not None else await self._doubt(entry, look)
        if doubt is not None:
            result = Result.PARTLY if entry.written else Result.FAILED
            return await self._end(entry, finding, result, *doubt)
        return await self._end(entry, finding, Result.FIXED if entry.written else Result.NOT_NEEDED, "", "")

    def _may_arrive(self, entry: Remediation) -> bool:
        """Whether AWS is still at it, and not for too long."""
        ordered = (entry.progress[number].written_at or entry.started_at for number in entry.on_their_way)
        return any(at is not None and self.book.clock() - at < _AT_LAST for at in ordered)

    async def _doubt(self, entry: Remediation, before: Look | None) -> tuple[str, str] | None:
        """Why the fix cannot be called one, by what AWS shows within our patience; None if it holds."""
        rule = self.rules.get(entry.rule_id)
        if rule is None:
            return "rule_disabled", "The rule is not enabled any more, so nobody can tell whether it is kept."
        doubt = ("unverified", "")
        for attempt in range(1, self.patience.looks + 1):
            if before is None:
                state = (await self.planner.look(entry.subject, rule)).state
            else:
                state = await self.planner.again(before, aspects(entry))
            found = evaluate((rule,), state, options=self.options())
            if not found or found[0].verdict in (Verdict.PASS, Verdict.NOT_APPLICABLE):
                return None
            code = "unverified" if found[0].verdict is Verdict.UNKNOWN else "still_failing"
            doubt = (code, found[0].evidence.summary)
            if attempt < self.patience.looks:
                await self.sleep(self.patience.wait(attempt, 1.0))
        return doubt

    async def _end(
        self, entry: Remediation, finding: Finding | None, result: Result, reason: str, detail: str
    ) -> Aftermath:
        at = self.book.clock()
        again: datetime | None = None
        alarms: Sequence[Notification] = ()
        if result in FAILURES:
            since = finding.first_seen if finding is not None else entry.created_at
            past = await self.surroundings.history(entry.subject, at)
            failed = 1 + len(failures(past, entry.fingerprint, since))
            if failed < self.guard.attempts:
                again = at + _BACKOFF * 2 ** (failed - 1)
            elif finding is not None:
                alarms = self.notes.given_up(entry, finding, failed, detail)
        until = at + timedelta(seconds=entry.keep_for) if entry.keep_for is not None and entry.written else None
        entry = await self.notes.ended(entry, result, reason, detail, until=until, notifications=alarms)
        return Aftermath(again, aspects(entry), entry) if entry.written else Aftermath(again)


def elsewhere(entry: Remediation) -> tuple[BucketRef, ...]:
    """The other buckets that a remediation wrote to."""
    subject, steps = entry.subject, entry.plan.steps if entry.plan is not None else ()
    names = dict.fromkeys(
        steps[number].attribute.removeprefix(_ELSEWHERE)
        for number in entry.written
        if steps[number].attribute.startswith(_ELSEWHERE)
    )
    return tuple(replace(subject, name=name) for name in names) if isinstance(subject, BucketRef) else ()


def aspects(entry: Remediation) -> frozenset[Aspect]:
    """What is to be read again after a remediation: what it wrote and what hangs on that; all if that is no aspect.

    What it wrote to another bucket shows in what is told of the log target.
    """
    others = {attribute for attribute in entry.attributes if attribute.startswith(_ELSEWHERE)}
    names = {attribute.partition(":")[0] for attribute in entry.attributes - others}
    if names <= set(Aspect):
        written = with_followers(map(Aspect, names))
        return written | {Aspect.LOG_TARGET} if others else written
    return ACCOUNT_ASPECTS if isinstance(entry.subject, AccountRef) else BUCKET_ASPECTS
