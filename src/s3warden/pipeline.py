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
from s3warden.detect.rule import Rule
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
    Unreadable,
)
from s3warden.model.event import Done, Origin, Outcome, RefreshRequest, Retry
from s3warden.model.finding import ChangeKind, FindingChange
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
    needed: frozenset[Aspect]
    ledger: Ledger
    routing: Routing
    store: Commit
    metrics: Metrics
    committed: Callable[[], None]
    baseline: bool = False
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
        changed = before is not None and before.readings != state.readings
        return Done(self._fan_out(request, ref)) if changed and isinstance(outcome, Done) else outcome

    def _fan_out(self, request: RefreshRequest, ref: AccountRef) -> tuple[tuple[RefreshRequest, ...], ...]:
        """All buckets of the account: first judged anew from what is known, at once, then read again, paced."""
        waves = (frozenset[Aspect](), DEPENDS_ON_ACCOUNT & self.needed)
        buckets = [state.ref for state in self.cache.buckets(ref)]
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

    async def judge(self, state: State, request: RefreshRequest, *, known_before: bool) -> tuple[FindingChange, ...]:
        """Verdicts, changes, transaction. Findings in memory follow only what is stored."""
        results = evaluate(self.rules, state, on_error=lambda rule_id: self.metrics.rule_errors.labels(rule_id).inc())
        gone = isinstance(state, BucketState) and not state.exists
        changes = self.ledger.compare(
            state.ref,
            results,
            request.triggers,
            at=self.clock(),
            origin=request.origin,
            known_before=known_before,
            gone=gone,
        )
        plan = self.routing.plan(changes, baseline=self._is_baseline(request, known_before), known=self.ledger.of)
        if plan.changes or plan.notifications:
            await self.store.commit(plan.changes, plan.notifications)
        self.ledger.apply(plan.changes)
        if isinstance(state, BucketState):
            self._remember(state)
        self._report(plan.changes, request)
        if plan.notifications:
            self.committed()
        return plan.changes

    def _is_baseline(self, request: RefreshRequest, known_before: bool) -> bool:
        return self.baseline and not (request.origin is Origin.EVENT and known_before)

    def _remember(self, state: BucketState) -> None:
        if state.exists:
            self.cache.replace(state)
        else:
            self.cache.forget(state.ref)

    def _report(self, changes: Sequence[FindingChange], request: RefreshRequest) -> None:
        for change in changes:
            finding = change.finding
            self.metrics.finding_changes.labels(change.kind.value, finding.severity.value).inc()
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
