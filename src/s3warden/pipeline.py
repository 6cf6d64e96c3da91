"""The path of s3warden on one page: request -> state -> verdicts -> changes -> findings and outbox, in one transaction.

Read this first. The stages (collect, detect, respond) do not know each other; they meet here and in `model`. Nothing
here talks to a destination: delivery is a task of its own that works the store's outbox.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

import structlog
from structlog.contextvars import bound_contextvars

from s3warden.collect.cache import Cache
from s3warden.collect.fetch import Fetch
from s3warden.detect.evaluate import evaluate
from s3warden.detect.ledger import Ledger
from s3warden.detect.rule import Kind, Rule, RuleOptions
from s3warden.model.alert import Notification
from s3warden.model.bucket import (
    ACCOUNT_ASPECTS,
    AccountRef,
    AccountState,
    Aspect,
    BucketRef,
    BucketState,
    Cause,
    State,
    Subject,
    Unreadable,
)
from s3warden.model.event import Done, Origin, Outcome, RefreshRequest, Retry
from s3warden.model.finding import ChangeKind, FindingChange, RuleResult
from s3warden.respond.routing import Routing
from s3warden.telemetry.metrics import Metrics

log = structlog.get_logger("s3warden.pipeline")

# What the account's block changes in the answers about a bucket: S3 answers GetBucketAcl with the ACL in effect.
DEPENDS_ON_ACCOUNT = frozenset({Aspect.ACL, Aspect.POLICY_STATUS})
# Causes that pass by themselves: the verdict says unknown, and the work comes back.
TRANSIENT = frozenset({Cause.THROTTLED, Cause.UNREACHABLE, Cause.CREDENTIALS})


class Commit(Protocol):
    """The part of the store that makes changes last."""

    async def commit(self, changes: Sequence[FindingChange], notifications: Sequence[Notification]) -> None:
        """Store changes and outgoing messages in one transaction; returns when they are durable."""


@dataclass(slots=True)
class Pipeline:
    """From a request to a stored verdict. `needed` are the aspects that the enabled rules read."""

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
    # Accounts that were swept once: before that their findings are a baseline, told in one digest.
    settled: set[AccountRef] = field(default_factory=set)
    # Changes so far that a sweep found and no event had told.
    drift: int = 0
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    _account_reads: dict[AccountRef, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def refresh(self, request: RefreshRequest) -> Outcome:
        """Look at the subject, judge it, and store what changed together with who is to be told."""
        with bound_contextvars(subject=request.subject.key, origin=request.origin.value):
            if isinstance(request.subject, AccountRef):
                return await self._refresh_account(request, request.subject)
            return await self._refresh_bucket(request, request.subject)

    async def _refresh_bucket(self, request: RefreshRequest, ref: BucketRef) -> Outcome:
        known = self.cache.bucket(ref)
        wanted = (request.aspects if known is not None else self.needed) & self.needed - ACCOUNT_ASPECTS
        account = self.cache.account(ref.owner) or await self._read_account(ref.owner)
        state = await self.fetch.bucket(ref, wanted, previous=known, account=account)
        await self.judge(state, request, known_before=known is not None)
        return _outcome(state, wanted)

    async def _refresh_account(self, request: RefreshRequest, ref: AccountRef) -> Outcome:
        before = self.cache.account(ref)
        state = await self._read_account(ref, fresh=True)
        await self.judge(state, request, known_before=before is not None)
        outcome = _outcome(state, ACCOUNT_ASPECTS & self.needed)
        # A sweep looks at every bucket of the account right afterwards; others must see to it.
        changed = before is not None and before.readings != state.readings and request.origin is not Origin.SWEEP
        return Done(self._fan_out(request, ref)) if changed and isinstance(outcome, Done) else outcome

    def _fan_out(self, request: RefreshRequest, ref: AccountRef) -> tuple[tuple[RefreshRequest, ...], ...]:
        """All buckets of the account: first judged anew from what is known, at once, then read again, paced."""
        waves = (frozenset[Aspect](), DEPENDS_ON_ACCOUNT & self.needed)
        buckets = self.cache.buckets(ref)
        return tuple(
            tuple(RefreshRequest(bucket, aspects, Origin.ACCOUNT, request.triggers, urgent=True) for bucket in buckets)
            for aspects in waves
        )

    async def _read_account(self, ref: AccountRef, *, fresh: bool = False) -> AccountState:
        # Many buckets of an unread account ask at once; one of them reads.
        async with self._account_reads[ref]:
            known = self.cache.account(ref)
            if known is not None and not fresh and isinstance(_outcome(known, ACCOUNT_ASPECTS), Done):
                return known
            state = await self.fetch.account(ref, ACCOUNT_ASPECTS & self.needed, previous=known)
            self.cache.replace(state)
            return state

    async def judge(self, state: State, request: RefreshRequest, *, known_before: bool) -> None:
        """Verdicts on a fresh state, and what follows from them."""
        results = evaluate(self.rules, state, self._crashed, options=self.options)
        gone = isinstance(state, BucketState) and not state.exists
        await self._settle(state.ref, results, request, known_before=known_before, gone=gone)
        self.cache.replace(state)

    async def vanish(self, subject: Subject) -> None:
        """The subject is ours no longer: no complete listing names it, or its account is not guarded any more."""
        request = RefreshRequest(subject, frozenset(), Origin.SWEEP)
        await self._settle(subject, (), request, known_before=True, gone=True)
        self.cache.forget(subject)

    async def _settle(
        self,
        subject: Subject,
        results: Sequence[RuleResult],
        request: RefreshRequest,
        *,
        known_before: bool,
        gone: bool,
    ) -> None:
        """Changes, who is told, one transaction; what is known in memory follows only what is stored."""
        changes = self.ledger.compare(
            subject,
            results,
            request.triggers,
            at=self.clock(),
            origin=request.origin,
            gone=gone,
            known_before=known_before,
        )
        baseline = self._is_baseline(subject, request, known_before)
        plan = self.routing.plan(changes, baseline=baseline, known=self.ledger.of)
        if plan.changes or plan.notifications:
            await self.store.commit(plan.changes, plan.notifications)
        self.ledger.apply(plan.changes)
        self._report(plan.changes, request)
        if plan.notifications:
            self.committed()

    def checks(self, buckets: int, accounts: int) -> int:
        """How many verdicts that many buckets and accounts have."""
        per_bucket = sum(rule.kind is Kind.BUCKET for rule in self.rules)
        return buckets * per_bucket + accounts * (len(self.rules) - per_bucket)

    def _category(self, rule_id: str) -> str:
        return next((rule.info.category.value for rule in self.rules if rule.info.id == rule_id), "disabled")

    def _crashed(self, rule_id: str) -> None:
        # Called while the rule's exception is being handled.
        log.exception("rule_crashed", rule_id=rule_id)  # noqa: LOG004
        self.metrics.rule_errors.labels(rule_id).inc()

    def _is_baseline(self, subject: Subject, request: RefreshRequest, known_before: bool) -> bool:
        owner = subject if isinstance(subject, AccountRef) else subject.owner
        # What an event changes in a bucket already looked at is news, even before the first sweep has ended.
        return owner not in self.settled and not (request.origin is not Origin.SWEEP and known_before)

    def _report(self, changes: Sequence[FindingChange], request: RefreshRequest) -> None:
        for change in changes:
            finding = change.finding
            self.metrics.finding_changes.labels(change.kind.value, finding.severity.value).inc()
            if change.drift:
                self.drift += 1
                self.metrics.sweep_drift.labels(self._category(finding.rule_id)).inc()
            # A sweep of a large estate would drown the log; its findings are in the digest and in the store.
            write = log.info if request.origin is Origin.EVENT else log.debug
            write(
                "finding_changed",
                kind=change.kind.value,
                rule_id=finding.rule_id,
                fingerprint=finding.fingerprint,
                verdict=finding.verdict.value,
                severity=finding.severity.value,
                summary=finding.evidence.summary,
                reason=change.reason or None,
            )
        for trigger in request.triggers if any(c.kind is not ChangeKind.RESUMED for c in changes) else ():
            if trigger.event_time is not None:
                lag = (self.clock() - trigger.event_time).total_seconds()
                self.metrics.event_lag.labels("evaluate").observe(max(0.0, lag))


def _outcome(state: State, wanted: frozenset[Aspect]) -> Outcome:
    """Retry if something asked for could not be read for a reason that passes; what is unknown is stored already."""
    for aspect in wanted:
        match state.reading(aspect):
            case Unreadable(cause=cause) if cause in TRANSIENT:
                return Retry(f"unreadable_{cause.value}")
    return Done()
