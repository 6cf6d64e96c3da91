"""Gathers what the guard looks at: the journal's past, the budget, who wrote last, the kill switch, units, exemptions.

Takes a finding with a fresh look at its subject, hands on `Circumstances`. It decides nothing.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Protocol

from s3warden.correct.budget import Budget
from s3warden.correct.fights import PastFix, fight
from s3warden.correct.situation import Circumstances, LastWrite
from s3warden.correct.writers import Own, Writer, writer
from s3warden.model.action import RemediationPlan, Result
from s3warden.model.bucket import ABSENT, AccountRef, Aspect, BucketState, Present, Reading, State, Subject, Unreadable
from s3warden.model.configuration import Tags
from s3warden.model.event import RefreshRequest, Trigger
from s3warden.model.finding import Finding
from s3warden.model.remediation import Remediation

# How far back the journal is asked about a subject.
MEMORY = timedelta(days=30)
_WRITERS = 10_000
FAILURES = frozenset({Result.FAILED, Result.PARTLY, Result.SUPERSEDED})
"""The outcomes after which the finding still stands."""


class Past(Protocol):
    """The part of the journal that tells what was done before."""

    async def about(self, subject: str, since: datetime, limit: int = 100) -> list[Remediation]:
        """The latest entries about a subject."""


async def no_units(_account: AccountRef) -> tuple[str, ...] | None:
    """No row of the settings names units, so nobody has to know them."""
    return ()


def no_exemptions(_finding: Finding, _state: State) -> str | None:
    """Nothing is exempt."""
    return None


def not_killed() -> str | None:
    """There is no kill switch."""
    return None


@dataclass(slots=True)
class Surroundings:
    """Everything around a remediation that the guard asks about. `estate` is how many buckets are known."""

    past: Past
    own: Own
    estate: Callable[[], int]
    killed: Callable[[], str | None] = not_killed
    units: Callable[[AccountRef], Awaitable[tuple[str, ...] | None]] = no_units
    exempt: Callable[[Finding, State], str | None] = no_exemptions
    budget: Budget = field(default_factory=Budget)
    # Who changed a subject last, s3warden itself left out; of the subjects that were changed latest.
    _written: OrderedDict[str, LastWrite] = field(default_factory=OrderedDict)

    def touched(self, request: RefreshRequest) -> int:
        """Somebody changed the subject of this request; gives how many of the changes were s3warden's own."""
        own = 0
        for trigger in request.triggers:
            if self.own.wrote(trigger.actor):
                own += 1
            elif trigger.event_time is not None and trigger.actor is not None:
                self._note(request.subject.key, LastWrite(trigger.event_time, writer(trigger.actor, self.own)))
        return own

    def _note(self, key: str, write: LastWrite) -> None:
        known = self._written.pop(key, None)
        self._written[key] = write if known is None or write.at >= known.at else known
        while len(self._written) > _WRITERS:
            self._written.popitem(last=False)

    async def history(self, subject: Subject, at: datetime) -> list[Remediation]:
        """What was done about a subject lately, the latest first. Raises StoreError."""
        return await self.past.about(subject.key, at - MEMORY)

    async def around(
        self,
        entry: Remediation,
        finding: Finding,
        plan: RemediationPlan,
        state: State,
        past: Sequence[Remediation],
        clock: Callable[[], datetime],
    ) -> Circumstances:
        """What holds now, with `past` as `history` gave it."""
        key, account = plan.subject.key, AccountRef(plan.subject.partition, plan.subject.account)
        units = await self.units(account)
        # From here on nothing waits, so that two plans cannot both take the last place of a budget.
        at = clock()
        attributes = [step.attribute for step in plan.steps]
        return Circumstances(
            at=at,
            live=finding.evidence.live,
            tags=tags_of(state),
            units=units,
            exemption=self.exempt(finding, state),
            killed=self.killed(),
            spent=self.budget.spent(account.account, at, self.estate()),
            last_write=self._written.get(key),
            fight=fight(key, attributes, self._fixes(past), self._writer(finding.trigger), at=at),
            failed=failures(past, finding.fingerprint, finding.first_seen),
            undone_by=taken_back(past, plan.fingerprint, plan.evidence),
            approvals=entry.approvals,
            rejection=entry.rejection,
            requester=entry.requester,
        )

    def _fixes(self, past: Sequence[Remediation]) -> list[PastFix]:
        return [
            PastFix(each.id, each.ended_at, each.subject.key, each.attributes, self._writer(each.trigger))
            for each in reversed(past)
            if each.ended_at is not None and is_fix(each) and each.undone_by is None
        ]

    def _writer(self, trigger: Trigger | None) -> Writer | None:
        return None if trigger is None or trigger.actor is None else writer(trigger.actor, self.own)


def is_fix(entry: Remediation) -> bool:
    """Whether the entry wrote something, and is no undoing."""
    return entry.undo_of is None and bool(entry.written)


def taken_back(past: Sequence[Remediation], fingerprint: str, evidence: str) -> str | None:
    """Who took the latest fix of a finding back, and the id of that, if it is about the same facts as then."""
    fixes = (each for each in past if each.fingerprint == fingerprint and is_fix(each) and each.ended_at is not None)
    latest = next(fixes, None)
    if latest is None or latest.undone_by is None or latest.evidence != evidence:
        return None
    who = next((each.requester for each in past if each.id == latest.undone_by), None)
    return f"{who or 'somebody'} ({latest.undone_by})"


def failures(past: Sequence[Remediation], fingerprint: str, since: datetime) -> tuple[str, ...]:
    """The ids of the tries of a finding that failed in a row up to now, the latest first, as it is in `past`.

    A finding that was resolved and opened again, at `since`, is another one: what stood in the way then may be gone.
    """
    ended = (e for e in past if e.fingerprint == fingerprint and e.undo_of is None and e.result is not None)
    return tuple(e.id for e in takewhile(lambda e: e.result in FAILURES and e.created_at >= since, ended))


def tags_of(state: State) -> Reading[Tags]:
    """The tags of a bucket as read; an account has none that count."""
    if not isinstance(state, BucketState):
        return ABSENT
    match state.reading(Aspect.TAGGING):
        case Present(value=Tags() as tags):
            return Present(tags)
        case Unreadable() as unreadable:
            return unreadable
    return ABSENT
