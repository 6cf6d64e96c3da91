"""What time does to exemptions: they end, people are reminded before, units move, some are never used.

Takes the register of a life, the open findings and the queue of refreshes; asks for a new judgement wherever an
exemption may say something else than before, and writes what must survive a restart. It decides nothing itself.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

from s3warden.aws.errors import AwsError
from s3warden.detect.exemptions.decision import carried
from s3warden.detect.exemptions.register import Register
from s3warden.model.alert import Notification
from s3warden.model.bucket import ACCOUNT_ASPECTS, NOT_READ, Aspect, BucketRef, Subject
from s3warden.model.event import Done, Origin, Outcome, RefreshRequest
from s3warden.model.exemption import Exemption
from s3warden.model.finding import Finding, FindingChange
from s3warden.pipeline import Pipeline
from s3warden.respond.reminders import WorkingHours, reminders
from s3warden.store.errors import StoreError

log = structlog.get_logger("s3warden.exempting")

# The clock of the machine may be set; looking once in a while costs nothing.
_TICK_SECONDS = 30.0
_UNITS_EVERY = timedelta(minutes=15)
# What Organizations said is believed for this long where it does not answer.
_UNITS_BELIEVED = timedelta(hours=24)
_SPENT = "exemptions_spent"
_UNITS = "organization_units"


class Keeper(Protocol):
    """What is needed of the store."""

    async def commit(self, changes: Sequence[FindingChange], notifications: Sequence[Notification]) -> None:
        """Store outgoing messages; one whose key is known is dropped. Raises StoreError."""

    async def get(self, key: str) -> str | None:
        """A single value, or None. Raises StoreError."""

    async def put(self, key: str, value: str) -> None:
        """Keep a single value. Raises StoreError."""


Submit = Callable[[RefreshRequest], Awaitable["asyncio.Future[Outcome]"]]
Units = Callable[[], Awaitable[Mapping[str, frozenset[str]]]]


@dataclass(slots=True)
class Exempting:
    """Keeps the register of `path` true over time. `units` asks the organisation which units are above each account."""

    path: Pipeline
    store: Keeper
    submit: Submit
    units: Units
    destinations: Sequence[str]
    hours: WorkingHours
    woken: Callable[[], None]
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    _units_at: datetime | None = None
    _units_tried: datetime | None = None
    _reminded: set[str] = field(default_factory=set)
    _owed: set[Subject] = field(default_factory=set)

    @property
    def register(self) -> Register:
        """The exemptions of this life."""
        return self.path.house.register

    async def recall(self) -> None:
        """Take up what is over since before, and which units there are. Raises StoreError."""
        ids = {each.id for each in self.register.exemptions}
        pairs = json.loads(await self.store.get(_SPENT) or "[]")
        self.register.spend((name, finding) for name, finding in pairs if name in ids)
        if self.path.house.asks_for_units:
            await self._recall_units()
            await self.know_units()

    async def _recall_units(self) -> None:
        """What the organisation said last, so that a restart while it does not answer ends no exemption."""
        kept = json.loads(await self.store.get(_UNITS) or "null")
        if kept is None:
            return
        at = datetime.fromisoformat(kept["at"])
        if self.clock() - at <= _UNITS_BELIEVED:
            self.register.units = {account: frozenset(above) for account, above in kept["units"].items()}
            self._units_at = at

    async def spend(self, over: frozenset[tuple[str, str]]) -> None:
        """These exemptions were given until their finding is resolved, and it is. Raises StoreError."""
        await self.store.put(_SPENT, json.dumps(sorted(self.register.spent | over)))
        self.register.spend(over)
        log.info("exemptions_over", exemptions=sorted({name for name, _ in over}))

    async def run(self) -> None:
        """Judge anew what the settings changed, then what time changes, until cancelled."""
        await self.know_units()
        now = self.clock()
        await self._judge_again(self._after_reload(now))
        self.report()
        while True:
            await self.tick(now, now := self.clock())
            ends = self.register.next_end(now)
            wait = _TICK_SECONDS if ends is None else min(_TICK_SECONDS, (ends - now).total_seconds())
            await asyncio.sleep(max(wait, 0.05))

    async def tick(self, before: datetime, now: datetime) -> None:
        """What is due between two moments."""
        await self.know_units()
        owed, self._owed = self._owed, set()
        await self._judge_again(owed)
        ended = {e.id for e in self.register.exemptions if e.ends_at is not None and before < e.ends_at <= now}
        if ended:
            log.info("exemptions_ended", exemptions=sorted(ended))
            held = (f.subject for f in self._findings() if f.exempt is not None and f.exempt.id in ended)
            await self._judge_again(held)
        await self._remind(now)

    def used(self) -> Counter[str]:
        """How many findings each exemption holds back."""
        return Counter(f.exempt.id for f in self._findings() if f.exempt is not None)

    def counts(self) -> Mapping[str, int]:
        """How many exemptions of the files are in force, unused among these, and ended."""
        used, now = self.used(), self.clock()
        own = [each for each in self.register.exemptions if each.ends_at is not None]
        in_force = [each for each in own if not _is_over(each, now)]
        unused = sum(not used[each.id] for each in in_force)
        return {"in_force": len(in_force), "unused": unused, "ended": len(own) - len(in_force)}

    def report(self) -> None:
        """Say in the log which exemptions have ended and which hold back nothing; the built-in ones are not meant."""
        used, now = self.used(), self.clock()
        own = [each for each in self.register.exemptions if each.ends_at is not None]
        ended = [each.id for each in own if _is_over(each, now)]
        unused = [each.id for each in own if not _is_over(each, now) and not used[each.id]]
        if own:
            log.info("exemptions_reported", exemptions=len(own), ended=ended, unused=unused, findings=used.total())

    async def know_units(self) -> None:
        """Ask the organisation again which units each account is below, if that matters and is due."""
        now = self.clock()
        if not self.path.house.asks_for_units or (
            self._units_tried is not None and now - self._units_tried < _UNITS_EVERY
        ):
            return
        self._units_tried = now
        before = self.register.units
        try:
            self.register.units = dict(await self.units())
            self._units_at = now
            rows = {account: sorted(above) for account, above in self.register.units.items()}
            await self.store.put(_UNITS, json.dumps({"at": now.isoformat(), "units": rows}))
        except StoreError as error:
            log.warning("units_not_stored", error=str(error))
        except AwsError as error:
            log.warning("units_unreadable", cause=error.cause.value, error=str(error))
            if self._units_at is not None and now - self._units_at > _UNITS_BELIEVED:
                self.register.units = None
        if before != self.register.units:
            await self._judge_again(self._moved(before or {}))

    def _moved(self, before: Mapping[str, frozenset[str]]) -> Iterable[Subject]:
        after = self.register.units or {}
        moved = {account for account in before.keys() | after.keys() if before.get(account) != after.get(account)}
        return tuple({f.subject: None for f in self._findings() if f.subject.account in moved})

    def _after_reload(self, now: datetime) -> Iterable[Subject]:
        """What was judged before and may be judged otherwise by the exemptions of now."""
        known = {carried(each) for each in self.register.exemptions if not _is_over(each, now)}
        findings = self._findings()
        over = {f.subject: None for f in findings if f.exempt is not None and f.exempt not in known}
        concerned = self.register.concerned(findings, self.path.rules)
        return tuple(over | {subject: None for subject in concerned if self._is_cached(subject)})

    def _is_cached(self, subject: Subject) -> bool:
        # What was never looked at in this process will be, by the sweep.
        cache = self.path.cache
        return (cache.bucket(subject) if isinstance(subject, BucketRef) else cache.account(subject)) is not None

    async def _judge_again(self, subjects: Iterable[Subject]) -> None:
        asked = tuple(dict.fromkeys(subjects))
        wanted = {subject: self._unread(subject) for subject in asked}
        for subject, unread in wanted.items():
            # The account first: its buckets are judged by what is read of it.
            if isinstance(subject, BucketRef) and unread & ACCOUNT_ASPECTS and subject.owner not in wanted:
                await self._ask(subject.owner, unread)
        for subject, unread in wanted.items():
            await self._ask(subject, unread)
        if asked:
            log.info("judging_again", subjects=len(asked))

    async def _ask(self, subject: Subject, aspects: frozenset[Aspect]) -> None:
        """Have the subject judged; what could not be stored is owed, and asked for again by the next tick."""

        def ended(future: "asyncio.Future[Outcome]") -> None:
            if future.cancelled() or not isinstance(future.result(), Done):
                self._owed.add(subject)

        future = await self.submit(RefreshRequest(subject, aspects, Origin.EXEMPTION, urgent=True))
        future.add_done_callback(ended)

    def _unread(self, subject: Subject) -> frozenset[Aspect]:
        """What an exemption asks for and was never read; mostly nothing, and then AWS is not asked."""
        state = self.path.cache.bucket(subject) if isinstance(subject, BucketRef) else None
        needs = self.path.house.needs if state is not None else frozenset[Aspect]()
        return frozenset(aspect for aspect in needs if state is not None and state.reading(aspect) == NOT_READ)

    async def _remind(self, now: datetime) -> None:
        told = reminders(self.register.exemptions, self.used(), self.destinations, self.hours, now)
        fresh = [each for each in told if f"{each.destination}\0{each.dedup_key}" not in self._reminded]
        if not fresh:
            return
        try:
            await self.store.commit((), fresh)
        except StoreError as error:
            # The next look tries again: its key is the same.
            log.warning("reminders_not_stored", error=str(error))
            return
        self._reminded |= {f"{each.destination}\0{each.dedup_key}" for each in fresh}
        self.woken()

    def _findings(self) -> tuple[Finding, ...]:
        return self.path.ledger.findings()


def _is_over(exemption: Exemption, now: datetime) -> bool:
    return exemption.ends_at is not None and now >= exemption.ends_at
