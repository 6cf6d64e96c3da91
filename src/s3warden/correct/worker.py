"""The remediation task: works off findings that may be mended, many subjects at once, one subject at a time.

Takes the changes that the pipeline has committed, hands each finding to `Mender` when it is due, and asks for a fresh
look at what was written. Level-triggered: at the start it takes up all open findings and all unfinished entries of the
journal, and what found no room is fed again. A crash of one remediation ends neither the task nor another one.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Protocol

import structlog
from structlog.contextvars import bound_contextvars

from s3warden.correct.agenda import Agenda, Item
from s3warden.correct.book import Book
from s3warden.correct.budget import HOUR, Budget
from s3warden.correct.circumstances import is_fix
from s3warden.correct.guard import Stop
from s3warden.correct.mend import Aftermath, Mender, aspects
from s3warden.model.action import Result
from s3warden.model.bucket import Aspect, Subject
from s3warden.model.event import SELF, Actor, Origin, Outcome, RefreshRequest, Trigger
from s3warden.model.finding import ChangeKind, Finding, FindingChange, Verdict
from s3warden.model.remediation import Remediation, Stage
from s3warden.store.errors import StoreError
from s3warden.telemetry.metrics import Metrics

log = structlog.get_logger("s3warden.remediation")

# How long to wait after a crash, and for a store that does not answer.
_CRASHED = 300.0
_NO_STORE = 10.0
_POLL = 5.0


class Findings(Protocol):
    """The part of the ledger that tells what stands now."""

    def of(self, subject: Subject) -> Iterable[Finding]:
        """The open findings of a subject."""

    def findings(self) -> Sequence[Finding]:
        """All open findings."""


class Memory(Protocol):
    """The part of the journal that is read at the start."""

    async def unfinished(self) -> list[Remediation]:
        """The entries that have not ended."""

    async def ended_since(self, since: datetime) -> list[Remediation]:
        """The entries that ended after `since`."""


Submit = Callable[[RefreshRequest], Awaitable["asyncio.Future[Outcome]"]]
Turn = Callable[[Subject], AbstractAsyncContextManager[None]]


async def _nothing_beside(_entry: Remediation) -> None:
    return


@dataclass(frozen=True, slots=True)
class Pace:
    """How much at once. `quiet` in seconds: what is no live exposure waits until its finding did not change for so
    long."""

    parallel: int = 8
    capacity: int = 10_000
    quiet: float = 60.0


@dataclass(slots=True)
class Worker:
    """Runs while `run` runs. `wanted` tells whether the settings let anything be done about a finding, anywhere;
    `writes` whether they let a fix of a rule be written: what is only planned is no part of a storm of fixes."""

    mender: Mender
    book: Book
    memory: Memory
    budget: Budget
    findings: Findings
    wanted: Callable[[Finding], bool]
    writes: Callable[[str], bool]
    turn: Turn
    submit: Submit
    metrics: Metrics
    pace: Pace
    # What a remediation wrote beside its subject is seen anew before the subject is.
    beside: Callable[[Remediation], Awaitable[None]] = _nothing_beside
    clock: Callable[[], float] = field(default=time.monotonic)
    _agenda: Agenda = field(init=False)
    _active: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    # The fixes that nobody has looked at yet, by subject and finding.
    _unseen: dict[str, dict[str, Remediation]] = field(default_factory=dict)
    _wakeup: asyncio.Event = field(default_factory=asyncio.Event)
    _draining: bool = False

    def __post_init__(self) -> None:
        self._agenda = Agenda(self.pace.capacity)

    def notice(self, changes: Sequence[FindingChange]) -> None:
        """These changes are committed."""
        for change in changes:
            finding = change.finding
            if change.kind is ChangeKind.RESOLVED:
                if self.book.of(finding.fingerprint) is not None:
                    self.look_at(finding, 0.0)
            else:
                self._feed(finding)

    def look_at(self, finding: Finding, wait: float) -> None:
        """Take this finding up in `wait` seconds."""
        self._agenda.put(Item(finding.fingerprint, finding.subject, self.clock() + wait))
        self._wakeup.set()

    def fix_of(self, finding: Finding, looks: frozenset[Aspect]) -> Trigger | None:
        """The fix that nobody has looked at yet: of this finding, or else of what its rule `looks` at."""
        unseen = self._unseen.get(finding.subject.key, {})
        others = (each for each in reversed(unseen.values()) if aspects(each) & looks)
        entry = unseen.get(finding.fingerprint) or next(others, None)
        return None if entry is None else trigger_of(entry)

    def _forget(self, key: str, fingerprint: str) -> None:
        unseen = self._unseen.get(key, {})
        unseen.pop(fingerprint, None)
        if not unseen:
            self._unseen.pop(key, None)

    def again(self, entry: Remediation) -> None:
        """Take up at once what `entry` is about, since somebody answered."""
        self._agenda.put(Item(entry.fingerprint, entry.subject, self.clock()))
        self._wakeup.set()

    def _feed(self, finding: Finding) -> None:
        if finding.verdict is Verdict.FAIL and self.wanted(finding):
            self._count(finding)
            self.look_at(finding, 0.0 if finding.evidence.live else self.pace.quiet)

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            await self._restore()
            while True:
                self._wakeup.clear()
                self._start_what_may()
                await self._rest()
        finally:
            await self._give_up()

    async def drain(self, deadline: float) -> None:
        """Begin nothing new and let what runs end until `deadline` of the clock; what does not is taken up again at
        the next start."""
        self._draining = True
        if self._active:
            await asyncio.wait(self._active.values(), timeout=max(deadline - self.clock(), 0))
        await self._give_up()

    async def _give_up(self) -> None:
        self._draining = True
        active = list(self._active.values())
        for task in active:
            task.cancel()
        await asyncio.gather(*active, return_exceptions=True)

    async def _restore(self) -> None:
        """Take up what the journal and the ledger know; while the store does not answer, try again."""
        while True:
            try:
                unfinished = await self.memory.unfinished()
                ended = await self.memory.ended_since(self.book.clock() - HOUR)
            except StoreError as error:
                self.metrics.remediation_errors.labels("store").inc()
                log.warning("journal_unreadable", error=str(error), retry_seconds=_NO_STORE)
                await asyncio.sleep(_NO_STORE)
                continue
            break
        # Undoings are taken up by those who ask for them.
        unfinished = [entry for entry in unfinished if entry.undo_of is None]
        self.book.restore(unfinished)
        self.budget.restore(
            (each.ended_at, each.subject.account, each.subject.key)
            for each in ended
            if each.ended_at is not None and is_fix(each)
        )
        for entry in unfinished:
            # What waits still wants to be mended: a restart must not let a storm through.
            if entry.stage is not Stage.DECLINED:
                self._count(entry)
            self._agenda.put(Item(entry.fingerprint, entry.subject, self.clock()))
        self._refeed()

    def _refeed(self) -> None:
        """All open findings that nothing is known of yet."""
        self._agenda.lost = False
        for finding in self.findings.findings():
            if finding.fingerprint not in self._agenda and self.book.of(finding.fingerprint) is None:
                self._feed(finding)

    def _start_what_may(self) -> None:
        if self._agenda.lost and len(self._agenda) < self.pace.capacity // 2:
            self._refeed()
        while not self._draining and len(self._active) < self.pace.parallel:
            item = self._agenda.take(self.clock(), self._active)
            if item is None:
                break
            key = item.subject.key
            task = asyncio.create_task(self._work(item), name=f"remediation:{item.fingerprint}")
            self._active[key] = task
            task.add_done_callback(partial(self._ended, key))
        self.metrics.remediations_pending.set(len(self._agenda))
        self.metrics.remediations_in_progress.set(len(self._active))

    def _ended(self, key: str, _done: "asyncio.Task[None]") -> None:
        self._active.pop(key, None)
        self._wakeup.set()

    async def _rest(self) -> None:
        """Until something changed, or is due."""
        due = self._agenda.next_due()
        wait = _POLL if due is None else min(_POLL, max(due - self.clock(), 0.0))
        # What is due and cannot begin waits for the end of what runs, which wakes.
        wait = wait if wait > 0 else _POLL
        try:
            async with asyncio.timeout(wait):
                await self._wakeup.wait()
        except TimeoutError:
            pass

    async def _work(self, item: Item) -> None:
        with bound_contextvars(subject=item.subject.key, origin="remediation"):
            try:
                async with self.turn(item.subject):
                    aftermath = await self._mend(item)
                    if aftermath.entry is not None:
                        # Known before anybody else gets a turn to look.
                        self._unseen.setdefault(item.subject.key, {})[item.fingerprint] = aftermath.entry
                await self._follow(item, aftermath)
            except StoreError as error:
                self._fail(item, "store", _NO_STORE)
                log.warning("remediation_not_noted", error=str(error), fingerprint=item.fingerprint)
            except Exception:
                # Whatever one of them stumbles over must not stop the others.
                self._fail(item, "crashed", _CRASHED)
                log.exception("remediation_crashed", fingerprint=item.fingerprint)

    async def _mend(self, item: Item) -> Aftermath:
        finding = next((f for f in self.findings.of(item.subject) if f.fingerprint == item.fingerprint), None)
        stands = finding is not None and finding.verdict is Verdict.FAIL
        entry = self.book.of(item.fingerprint)
        if entry is not None and entry.stage is Stage.APPLYING:
            return await self.mender.resume(entry, finding if stands else None)
        if finding is None or not stands:
            return await self.mender.drop(item.fingerprint, "resolved", "The finding stands no longer.")
        self._ask(finding, entry)
        return await self.mender.mend(finding)

    def _ask(self, finding: Finding, entry: Remediation | None) -> None:
        """Count who wants a fix now. All that the breaker held come back together, and count together."""
        self._count(finding)
        if entry is not None and entry.reason == Stop.BREAKER:
            for other in self.book.unfinished():
                if other.reason == Stop.BREAKER:
                    self._count(other)

    def _count(self, asking: Finding | Remediation) -> None:
        if self.writes(asking.rule_id):
            self.budget.ask(asking.subject.key, self.book.clock())

    async def _follow(self, item: Item, aftermath: Aftermath) -> None:
        if aftermath.again is not None:
            wait = (aftermath.again - self.book.clock()).total_seconds()
            self._agenda.put(Item(item.fingerprint, item.subject, self.clock() + max(wait, 0.0)))
        await self.refresh_after(aftermath)

    async def refresh_after(self, aftermath: Aftermath) -> None:
        """Have the subject looked at again, in the name of the remediation that wrote there."""
        entry = aftermath.entry
        if entry is not None:
            await self.beside(entry)
            told = (trigger_of(entry),)
            request = RefreshRequest(entry.subject, aftermath.refresh, Origin.EVENT, told, urgent=True, calls=told)
            looked = await self.submit(request)
            if entry.undo_of is None:
                looked.add_done_callback(lambda _outcome: self._seen(entry))

    def _seen(self, entry: Remediation) -> None:
        """After the look at a fix: who opened the setting again before that look left the finding as it was, and with
        it no change that would be told."""
        if self._unseen.get(entry.subject.key, {}).get(entry.fingerprint) is entry:
            self._forget(entry.subject.key, entry.fingerprint)
        if entry.result is not Result.FIXED:
            return
        for finding in self.findings.of(entry.subject):
            if finding.fingerprint == entry.fingerprint:
                self._feed(finding)

    def _fail(self, item: Item, reason: str, wait: float) -> None:
        self._forget(item.subject.key, item.fingerprint)
        self.metrics.remediation_errors.labels(reason).inc()
        self._agenda.put(Item(item.fingerprint, item.subject, self.clock() + wait))


def trigger_of(entry: Remediation) -> Trigger:
    """What tells a refresh, and whoever is alerted, that s3warden itself made the change."""
    name = "Undo" if entry.undo_of is not None else "Remediation"
    return Trigger(
        name=name,
        source=SELF,
        event_id=f"{name.lower()}/{entry.id}",
        event_time=entry.ended_at or datetime.now(UTC),
        actor=Actor(principal=f"s3warden, {name.lower()} {entry.id}", kind=SELF),
    )
