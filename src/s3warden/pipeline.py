"""The path of s3warden on one page: request -> state -> verdicts -> changes -> findings and outbox, in one transaction.

Read this first. The stages (collect, detect, respond) do not know each other; they meet here and in `model`. Nothing
here talks to a destination: delivery is a task of its own that works the store's outbox.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol
from weakref import WeakValueDictionary

import structlog
from structlog.contextvars import bound_contextvars

from s3warden.collect.account_services import PATIENT
from s3warden.collect.accounts import Accounts
from s3warden.collect.cache import Cache
from s3warden.collect.changes import made
from s3warden.collect.derived import COMPUTED, with_derived, with_sources
from s3warden.collect.fetch import Fetch, passing
from s3warden.collect.recheck import doubtful
from s3warden.collect.ripples import Ripples
from s3warden.detect.changes import known_changes, remembered
from s3warden.detect.exemptions.register import spent_by
from s3warden.detect.house import House, exempt_now, in_house
from s3warden.detect.incidents import incident
from s3warden.detect.ledger import Ledger, credited
from s3warden.detect.named_objects import recalled
from s3warden.detect.rule import Kind, Rule, RuleFailedError, RuleOptions
from s3warden.detect.verdicts import Verdicts
from s3warden.model.alert import Notification
from s3warden.model.bucket import (
    ABSENT,
    ACCOUNT_ASPECTS,
    NOT_READ,
    AccountRef,
    AccountState,
    Aspect,
    BucketRef,
    BucketState,
    Present,
    State,
    Subject,
    Unreadable,
)
from s3warden.model.event import Actor, Done, Listing, Origin, Outcome, RefreshRequest, Retry, Trigger
from s3warden.model.finding import ChangeKind, Finding, FindingChange, Reason, RuleResult
from s3warden.model.incident import Incident
from s3warden.model.objects import ObjectAcls
from s3warden.respond.baseline import Baseline
from s3warden.respond.routing import Routing
from s3warden.store.errors import StoreError
from s3warden.telemetry.metrics import Metrics

log = structlog.get_logger("s3warden.pipeline")

# What a public access block, the account's or the bucket's own, changes in other answers about a bucket: S3 answers
# GetBucketAcl and GetObjectAcl with the ACL in effect.
DEPENDS_ON_BLOCK = frozenset({Aspect.ACL, Aspect.POLICY_STATUS, Aspect.OBJECT_ACL})

# What operators want to see of accepted risks, whatever set it off.
_ACCEPTANCE = frozenset({Reason.EXEMPTED, Reason.EXEMPTION_ENDED})


class Commit(Protocol):
    """The part of the store that makes changes last."""

    async def commit(
        self,
        changes: Sequence[FindingChange],
        notifications: Sequence[Notification],
        incidents: Sequence[Incident] = (),
    ) -> None:
        """Store changes, outgoing messages and the records of exposures that are over, in one transaction.

        Returns when they are durable. Raises StoreError.
        """


def _no_second_look(_request: RefreshRequest) -> None:
    return


def _nobody_mends(_: object) -> None:
    return


def _never_wrote(_actor: Actor | None) -> bool:
    return False


def _no_fix(_finding: Finding, _looks: frozenset[Aspect]) -> Trigger | None:
    return None


async def _forgotten(_over: frozenset[tuple[str, str]]) -> None:
    return


def _uncounted(_subject: Subject, _results: Sequence[RuleResult]) -> None:
    return


@dataclass(slots=True)
class Pipeline:
    """From a request to a stored verdict. `needed` are the aspects that the enabled rules read.

    `committed` is called when messages wait in the store, `recheck` when a look showed nothing of what an event told.
    `spend` gets the exemptions that are over for a finding, before its end is stored: pairs as in `spent_by`.
    """

    fetch: Fetch
    cache: Cache
    rules: Sequence[Rule]
    options: RuleOptions
    needed: frozenset[Aspect]
    ledger: Ledger
    routing: Routing
    store: Commit
    metrics: Metrics
    committed: Callable[[], None]
    recheck: Callable[[RefreshRequest], None] = _no_second_look
    # Who mends: told of each request, whose triggers name who writes, and of all changes that are committed; knows by
    # the actor of a call whether it was its own, and which fix of a subject nobody has looked at yet.
    touched: Callable[[RefreshRequest], None] = _nobody_mends
    changed: Callable[[Sequence[FindingChange]], None] = _nobody_mends
    wrote: Callable[[Actor | None], bool] = _never_wrote
    fix_of: Callable[[Finding, frozenset[Aspect]], Trigger | None] = _no_fix
    # Who counts: told of all verdicts on each subject; none where it is no more.
    count: Callable[[Subject, Sequence[RuleResult]], None] = _uncounted
    house: House = field(default_factory=House)
    spend: Callable[[frozenset[tuple[str, str]]], Awaitable[None]] = _forgotten
    # What the rules find in an account before they were told of there is told in one digest.
    baseline: Baseline = field(init=False)
    # Changes so far that a sweep found and no event had told.
    drift: int = 0
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    _accounts: Accounts = field(init=False)
    _ripples: Ripples = field(init=False)
    _verdicts: Verdicts = field(init=False)
    # Accounts trusted because they are guarded, not because the operator named them: one that leaves loses that.
    _guarded: frozenset[str] = frozenset()
    # Own rules whose failure was logged.
    _failing: set[str] = field(default_factory=set)
    _by_time: frozenset[str] = field(init=False)
    # The queue looks at one subject once at a time; whoever ends a subject from outside must not cross such a look.
    _turns: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    def __post_init__(self) -> None:
        self.needed = with_sources(self.needed | self.house.needs)
        self.fetch.neighbours.beside(self.cache)
        self._by_time = frozenset(rule.info.id for rule in self.rules if rule.by_time)
        self._ripples = Ripples(self.cache, self.fetch.neighbours, self.needed)
        self._verdicts = Verdicts(self.rules, self.options, self._crashed)
        self._accounts = Accounts(self.fetch, self.cache, ACCOUNT_ASPECTS & self.needed, self.clock)
        self.remember({})

    def remember(self, told: Mapping[AccountRef, frozenset[str]]) -> None:
        """Take up what was told of before, by account: the names of rules as `Baseline` has them."""
        names = {rule.info.id: f"{rule.info.id}@{rule.revision}".rstrip("@") for rule in self.rules}
        self.baseline = Baseline(names, told)

    def trust(self, accounts: Iterable[AccountRef], closed: Iterable[str] = ()) -> None:
        """Let the rules know, from the next look on, which accounts belong together: these, and no longer others.

        `closed` are the ids of those that AWS closed or suspended.
        """
        accounts = tuple(accounts)
        self.fetch.neighbours.owners.guard(accounts)
        self.fetch.may_ask(frozenset(accounts))
        named = frozenset(self.options.trusted_accounts) - self._guarded
        self._guarded = frozenset(account.account for account in accounts) - named
        trusted = tuple(sorted(named | self._guarded))
        self.options = replace(self.options, trusted_accounts=trusted, closed_accounts=tuple(closed))
        self._verdicts.suppose(self.options)

    def lives_in(self, account: AccountRef, regions: Iterable[str]) -> None:
        """A listing of the account names buckets in these regions."""
        self._accounts.lives_in(account, regions)

    def listed(self, listing: Listing) -> None:
        """These are the buckets of an account."""
        self.fetch.neighbours.owners.listed(listing)

    def whole(self) -> tuple[RefreshRequest, ...]:
        """Every bucket has been read: a look at what was judged before all that may point at it was known."""
        self.fetch.neighbours.whole = True
        return self._ripples.incomplete()

    def unsettled(self) -> tuple[RefreshRequest, ...]:
        """What a sweep has still to judge: subjects seen before it found what points at them, or what they rely on."""
        return self._ripples.take(origin=Origin.SWEEP)

    def regions(self, account: AccountRef) -> frozenset[str]:
        """Where the account is known to have buckets."""
        return self._accounts.regions(account)

    async def refresh(self, request: RefreshRequest) -> Outcome:
        """Look at the subject, judge it, and store what changed together with who is to be told."""
        with bound_contextvars(subject=request.subject.key, origin=request.origin.value):
            self.touched(request)
            async with self.turn(request.subject):
                try:
                    if isinstance(request.subject, AccountRef):
                        return await self._refresh_account(request, request.subject)
                    return await self._refresh_bucket(request, request.subject)
                except StoreError as error:
                    log.warning("not_stored", error=str(error))
                    return Retry("not_stored")

    async def _refresh_bucket(self, request: RefreshRequest, ref: BucketRef) -> Outcome:
        known, account_before = self.cache.bucket(ref), self.cache.account(ref.owner)
        asked, wanted = self._wanted(request, known)
        account = await self._accounts.known(ref.owner, ref.region)
        # A sweep counts its calls; an event, and who waits for it, the time.
        sparing = request.origin is Origin.SWEEP
        named = self.objects(ref).naming(request.objects)
        state = await self.fetch.bucket(ref, wanted, previous=known, account=account, sparing=sparing, named=named)
        state = self._with_changes(request, known, state)
        await self._judge(state, request, known_before=known is not None)
        outcome = _outcome(state, asked - PATIENT)
        caught_up = isinstance(outcome, Done) and wanted >= DEPENDS_ON_BLOCK & self.needed
        self.cache.replace(state if caught_up else replace(state, account=self._still_under(ref, account)))
        self._ripples.note(request, known, state)
        if not isinstance(outcome, Done) or request.origin is Origin.SWEEP:
            return outcome
        self._doubt(request, asked, known, state)
        return self._rippling(self._after_bucket(request, ref, account, account_before) or outcome, request)

    def objects(self, ref: BucketRef) -> ObjectAcls:
        """The objects of the bucket that events named; after a start, those that its open findings name."""
        state = self.cache.bucket(ref)
        reading = NOT_READ if state is None else state.reading(Aspect.OBJECT_ACL)
        if isinstance(reading, Unreadable):
            return recalled(self.ledger.of(ref))
        return reading.value if isinstance(reading, Present) and isinstance(reading.value, ObjectAcls) else ObjectAcls()

    def _with_changes(self, request: RefreshRequest, before: BucketState | None, after: BucketState) -> BucketState:
        """The state after a look, with the calls that changed the bucket; after a start, those that a finding names."""
        if Aspect.CHANGES not in self.needed or not after.exists:
            return after
        known = known_changes(before, self.ledger.of(after.ref))
        found = remembered(known, made(request, before, after, self.wrote), after, self.options)
        return replace(after, readings={**after.readings, Aspect.CHANGES: Present(found) if found.items else ABSENT})

    def _rippling(self, outcome: Done, request: RefreshRequest) -> Done:
        """The outcome, and with it a look at all others that this look concerns."""
        others = self._ripples.take(request.triggers)
        return Done((*outcome.followups, others)) if others else outcome

    def _still_under(self, ref: BucketRef, account: AccountState) -> AccountState | None:
        """What a bucket that was only judged anew is marked with: after a change of the block it owes a good read.

        Even if the block changes back meanwhile: None is no state of the account, so the bucket stays behind.
        """
        return None if self._owes(ref, account) else account

    def _owes(self, ref: BucketRef, account: AccountState) -> bool:
        before = self.cache.read_under(ref)
        block = Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK
        return before is None or before.reading(block) != account.reading(block)

    def _wanted(
        self, request: RefreshRequest, known: BucketState | None
    ) -> tuple[frozenset[Aspect], frozenset[Aspect]]:
        """What the request asks for, and what is to be read: with that all that was never read, or in vain."""
        needed = self.needed - ACCOUNT_ASPECTS
        if known is None or not request.aspects:
            asked = needed if known is None else frozenset[Aspect]()
            return asked, asked | (COMPUTED & needed)
        changed = request.aspects | (DEPENDS_ON_BLOCK if Aspect.PUBLIC_ACCESS_BLOCK in request.aspects else frozenset())
        asked = with_derived(changed) & needed
        again = {a for a in needed if known.reading(a) == NOT_READ or (a not in PATIENT and passing(known.reading(a)))}
        return asked, asked | again | (COMPUTED & needed)

    def _after_bucket(
        self, request: RefreshRequest, ref: BucketRef, judged_under: AccountState, before: AccountState | None
    ) -> Done | None:
        """What the look at a bucket asks for where its account is not what it was taken for."""
        readable = isinstance(_outcome(judged_under, ACCOUNT_ASPECTS & self.needed), Done)
        if readable and before is not None and before.readings != judged_under.readings:
            # Nobody told of that change, so nobody has judged the account and its other buckets by it.
            return Done(((RefreshRequest(ref.owner, ACCOUNT_ASPECTS, Origin.ACCOUNT, urgent=True),),))
        latest = self.cache.account(ref.owner)
        if self.cache.bucket(ref) is not None and latest is not None and latest.readings != judged_under.readings:
            # It changed during the look: the buckets known by then are being judged again, a new one is not.
            return Done(self._waves((ref,), latest, request.triggers))
        return None

    async def _refresh_account(self, request: RefreshRequest, ref: AccountRef) -> Outcome:
        before = self.cache.account(ref)
        state = await self._accounts.read(ref, request.aspects, sweep=request.origin is Origin.SWEEP)
        await self._judge(state, request, known_before=before is not None)
        asked = request.aspects & ACCOUNT_ASPECTS & self.needed
        outcome = _outcome(state, asked - PATIENT if request.origin is Origin.SWEEP else asked)
        # A sweep looks at every bucket of the account right afterwards; others must see to it.
        if not isinstance(outcome, Done) or request.origin is Origin.SWEEP:
            return outcome
        self._doubt(request, asked, before, state)
        return self._rippling(Done(self._waves(self.cache.behind(ref), state, request.triggers)), request)

    def _waves(
        self, buckets: Sequence[BucketRef], account: AccountState, triggers: tuple[Trigger, ...]
    ) -> tuple[tuple[RefreshRequest, ...], ...]:
        """Buckets of a changed account: first judged anew from what is known, at once, then read again, paced.

        Nothing is read again unless it was the public access block that changed.
        """
        owing = tuple(bucket for bucket in buckets if self._owes(bucket, account))
        waves = ((frozenset[Aspect](), buckets), (DEPENDS_ON_BLOCK & self.needed, owing))
        return tuple(
            tuple(RefreshRequest(bucket, aspects, Origin.ACCOUNT, triggers, urgent=True) for bucket in each)
            for aspects, each in waves
            if each
        )

    def _doubt(self, request: RefreshRequest, asked: frozenset[Aspect], before: State | None, after: State) -> None:
        again = doubtful(request, asked, before, after, at=self.clock())
        if again:
            self.recheck(RefreshRequest(request.subject, again, Origin.RECHECK, request.triggers, calls=request.calls))

    async def _judge(self, state: State, request: RefreshRequest, *, known_before: bool) -> None:
        """Verdicts on a fresh state, and what follows from them."""
        results = self._verdicts.of(self.cache.shared(state) if isinstance(state, BucketState) else state)
        results = in_house(results, self.rules, state, self.options, self.house, self.clock())
        gone = isinstance(state, BucketState) and not state.exists
        ended = Reason.BUCKET_DELETED if gone else None
        await self._settle(state.ref, results, request, known_before=known_before, ended=ended, state=state)

    async def vanish(self, subject: Subject, reason: Reason, *, still: Callable[[], bool]) -> None:
        """The subject is ours no longer: no complete listing names it, or it is not guarded any more.

        `still` is asked when it is this call's turn: a look that ended meanwhile may have found otherwise.
        """
        async with self.turn(subject):
            if still():
                request = RefreshRequest(subject, frozenset(), Origin.SWEEP)
                state = self.cache.bucket(subject) if isinstance(subject, BucketRef) else None
                await self._settle(subject, (), request, known_before=True, ended=reason, state=state)
                self.cache.forget(subject)
                self._verdicts.forget(subject)

    def exempt_by(self, finding: Finding, state: State) -> str | None:
        """The id of the exemption that holds for the finding on this state, which was just read; None if none does."""
        return exempt_now(finding.rule_id, self.rules, state, self.options, self.house, self.clock())

    def turn(self, subject: Subject) -> asyncio.Lock:
        """Whoever holds it is the only one who looks at the subject, or changes it."""
        return self._turns.setdefault(subject.key, asyncio.Lock())

    async def _settle(
        self,
        subject: Subject,
        results: Sequence[RuleResult],
        request: RefreshRequest,
        *,
        known_before: bool,
        ended: Reason | None,
        state: State | None,
    ) -> None:
        """Changes, who is told, one transaction; what is known in memory follows only what is stored."""
        changes = self.ledger.compare(
            subject,
            results,
            request.triggers,
            at=self.clock(),
            origin=request.origin,
            ended=ended,
            known_before=known_before,
        )
        changes = tuple(credited(change, self._fix_of(change.finding)) for change in changes)
        # No event tells of time.
        changes = tuple(replace(c, drift=False) if c.finding.rule_id in self._by_time else c for c in changes)
        quiet = self.baseline.quiet(subject, sweep=request.origin is Origin.SWEEP)
        plan = self.routing.plan(changes, baseline=quiet, known=self.ledger.of)
        over = spent_by(plan.changes)
        if over:
            await self.spend(over)
        if plan.changes or plan.notifications:
            before = {finding.fingerprint: finding for finding in self.ledger.of(subject)}
            ends = (incident(before.get(change.finding.fingerprint), change, state) for change in plan.changes)
            await self.store.commit(plan.changes, plan.notifications, [each for each in ends if each is not None])
        self.ledger.apply(plan.changes)
        self.baseline.judged(subject)
        self.count(subject, results)
        self._report(plan.changes, request)
        if plan.notifications:
            self.committed()
        self.changed(plan.changes)

    def _fix_of(self, finding: Finding) -> Trigger | None:
        rule = self.house.known(self.rules).get(finding.rule_id)
        return self.fix_of(finding, frozenset() if rule is None else rule.looks)

    def checks(self, buckets: int, accounts: int, rule_ids: Container[str] | None = None) -> int:
        """How many verdicts that many buckets and accounts have, by all rules or by those of these ids."""
        kinds = [rule.kind for rule in self.rules if rule_ids is None or rule.info.id in rule_ids]
        return buckets * kinds.count(Kind.BUCKET) + accounts * kinds.count(Kind.ACCOUNT)

    def _category(self, rule_id: str) -> str:
        return next((rule.info.category.value for rule in self.rules if rule.info.id == rule_id), "disabled")

    def _crashed(self, rule_id: str) -> None:
        # Called while the rule's exception is being handled.
        error = sys.exception()
        if isinstance(error, RuleFailedError):
            # Once is enough to repair it; a rule that fails for each bucket would drown the log.
            write = log.debug if rule_id in self._failing else log.warning
            write("rule_without_verdict", rule_id=rule_id, error=str(error))
            self._failing.add(rule_id)
        else:
            log.exception("rule_crashed", rule_id=rule_id)  # noqa: LOG004 - see the first line
        self.metrics.rule_errors.labels(rule_id).inc()

    def _report(self, changes: Sequence[FindingChange], request: RefreshRequest) -> None:
        for change in changes:
            finding = change.finding
            self.metrics.finding_changes.labels(change.kind.value, finding.severity.value).inc()
            if change.drift:
                self.drift += 1
                self.metrics.sweep_drift.labels(self._category(finding.rule_id)).inc()
            # A sweep of a large estate would drown the log; its findings are in the digest and in the store.
            loud = request.origin is Origin.EVENT or change.reason in _ACCEPTANCE
            write = log.info if loud else log.debug
            write(
                "finding_changed",
                kind=change.kind.value,
                rule_id=finding.rule_id,
                fingerprint=finding.fingerprint,
                verdict=finding.verdict.value,
                severity=finding.severity.value,
                summary=finding.evidence.summary,
                reason=change.reason or None,
                exemption=finding.exempt.id if finding.exempt else None,
                lapsed=finding.lapsed or None,
            )
        for trigger in request.triggers if any(c.kind is not ChangeKind.RESUMED for c in changes) else ():
            if trigger.event_time is not None:
                lag = (self.clock() - trigger.event_time).total_seconds()
                self.metrics.event_lag.labels("evaluate").observe(max(0.0, lag))


def _outcome(state: State, asked: frozenset[Aspect]) -> Outcome:
    """Retry if something asked for could not be read for a reason that passes; what is unknown is stored already."""
    causes = (passing(state.reading(aspect)) for aspect in sorted(asked))
    cause = next((cause for cause in causes if cause is not None), None)
    return Done() if cause is None else Retry(f"unreadable_{cause.value}")
