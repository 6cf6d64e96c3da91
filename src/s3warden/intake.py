"""From a message to requests for a fresh look: parse it, find whose bucket it means, hand the work to the queue.

Takes bodies from the sources, hands `RefreshRequest`s on, and answers with the one outcome that decides what becomes
of the message. Never judges a bucket from what an event says of it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

import structlog
from structlog.contextvars import bound_contextvars

from s3warden.collect.parser import parse
from s3warden.collect.parsers import cloudtrail
from s3warden.collect.targets import unique
from s3warden.collect.triggers import CALLS
from s3warden.collect.watched import NAMES
from s3warden.model.bucket import ACCOUNT_ASPECTS, BUCKET_ASPECTS, AccountRef, Aspect, BucketRef, Subject
from s3warden.model.event import (
    Done,
    Level,
    Origin,
    Outcome,
    PointName,
    Poison,
    Refresh,
    RefreshRequest,
    Retry,
    Skip,
    Skipped,
    Target,
)
from s3warden.telemetry.metrics import Metrics

log = structlog.get_logger("s3warden.intake")

_SCOPE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Scope:
    """Which accounts, regions and bucket names are guarded. `accounts` is None until the list was first read."""

    partition: str
    home_region: str
    accounts: frozenset[AccountRef] | None = None
    regions: frozenset[str] = frozenset()
    excluded_regions: frozenset[str] = frozenset()
    bucket_prefix: str = ""

    def account(self, account: str) -> AccountRef | None:
        """The account's reference, or None if it is not guarded."""
        ref = AccountRef(self.partition, account)
        return ref if self.accounts is not None and ref in self.accounts else None

    def covers(self, bucket: BucketRef) -> bool:
        """Whether the settings keep this bucket in, by region and by name."""
        return (
            (not self.regions or bucket.region in self.regions)
            and bucket.region not in self.excluded_regions
            and bucket.name.startswith(self.bucket_prefix)
        )


class KnownBuckets(Protocol):
    """The part of the cache that finds a bucket by its name."""

    def find(self, partition: str | None, name: str) -> BucketRef | None:
        """The bucket of that name, if it is known."""


Submit = Callable[[RefreshRequest], Awaitable["asyncio.Future[Outcome]"]]
Locate = Callable[[AccountRef, PointName], Awaitable[tuple[BucketRef, ...] | Retry]]
Encrypted = Callable[[str], tuple[BucketRef, ...]]


Under = Callable[[str, str], tuple[AccountRef, ...]]


def nobody(_owner: str, _trail: str) -> tuple[AccountRef, ...]:
    """Finds no account under any trail."""
    return ()


async def nowhere(_account: AccountRef, _point: PointName) -> tuple[BucketRef, ...]:
    """Finds no bucket behind any access point."""
    return ()


def nothing(_key: str) -> tuple[BucketRef, ...]:
    """Finds no bucket that a key encrypts."""
    return ()


@dataclass(slots=True)
class Intake:
    """What the queue sources call for each body. `guard` is told whenever the list of accounts was read again.

    `locate` finds the buckets behind an access point of a guarded account, `encrypted` those that a key encrypts, by
    its ARN, `under` the accounts under a trail of an account's. `needed` are the aspects that the enabled rules read.
    """

    scope: Scope
    known: KnownBuckets
    submit: Submit
    metrics: Metrics
    locate: Locate = nowhere
    needed: frozenset[Aspect] = frozenset(Aspect)
    encrypted: Encrypted = nothing
    under: Under = nobody
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    _told: asyncio.Event = field(default_factory=asyncio.Event)

    def guard(self, scope: Scope) -> None:
        """Guard this from now on."""
        self.scope = scope
        if scope.accounts is not None:
            self._told.set()

    async def receive(self, body: str) -> Outcome | Poison:
        """Work one message off: the answer comes when everything that it asks for is done and stored."""
        received_at = self.clock()
        parsed = parse(body)
        match parsed:
            case Poison():
                return parsed
            case Skip(reason=reason):
                self.metrics.events_ignored.labels(reason).inc()
                return Skipped(reason)
            case Refresh():
                parsed = replace(parsed, trigger=replace(parsed.trigger, received_at=received_at))
                with bound_contextvars(event_id=parsed.trigger.event_id, event_name=parsed.trigger.name):
                    return await self._refresh(parsed)

    async def _refresh(self, event: Refresh) -> Outcome:
        await self._until_told()
        self._count(event)
        targets = await self._located(event.targets)
        found = (
            targets
            if isinstance(targets, Retry)
            else requests(replace(event, targets=targets), self.scope, self.known, self.needed)
        )
        if not isinstance(found, tuple):
            log.debug("event_left_alone", outcome=type(found).__name__.lower(), reason=found.reason)
            if isinstance(found, Skipped):
                self.metrics.events_ignored.labels(found.reason).inc()
            return found
        log.info(
            "event_received",
            reason=event.reason,
            subjects=[str(request.subject) for request in found][:10],
            actor=event.trigger.actor.principal if event.trigger.actor else None,
        )
        futures = [await self.submit(request) for request in found]
        return combine(await asyncio.gather(*futures))

    async def _until_told(self) -> None:
        # At a start messages come before the accounts do; giving them back would cost each its long wait for a retry.
        if self.scope.accounts is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_SCOPE_SECONDS):
                    await self._told.wait()

    async def _located(self, targets: Sequence[Target]) -> tuple[Target, ...] | Retry:
        """The targets, with those in their place that access points, keys and trails stand for."""
        located: list[Target] = []
        for target in targets:
            if target.key is not None:
                located += _instead(target, self.encrypted(target.key))
                continue
            if target.trail is not None and target.account is not None:
                under = self.under(target.account, target.trail)
                located += [replace(target, account=ref.account, trail=None) for ref in under]
                continue
            owner = None if target.account is None else self.scope.account(target.account)
            if target.access_point is None or owner is None or target.partition not in (None, owner.partition):
                located.append(target)
                continue
            buckets = await self.locate(owner, target.access_point)
            if isinstance(buckets, Retry):
                return buckets
            located += _instead(target, buckets)
        return unique(located)

    def _count(self, event: Refresh) -> None:
        # The names of calls that nobody knows are in strangers' hands; a metric label must not be.
        name = event.trigger.name if event.trigger.name in CALLS or event.trigger.name in NAMES else event.kind
        self.metrics.events_received.labels(name).inc()
        when = event.trigger.event_time
        if when is not None:
            self.metrics.event_lag.labels("delivery").observe(max(0.0, (self.clock() - when).total_seconds()))
        for account in {target.account for target in event.targets if target.account}:
            if self.scope.account(account) is not None:
                self.metrics.last_event.labels(account).set(self.clock().timestamp())


def _instead(target: Target, buckets: Sequence[BucketRef]) -> list[Target]:
    """The buckets that a target means, itself where there are none."""
    found = [Target(Level.BUCKET, ref.account, ref.region, ref.name, target.aspects, ref.partition) for ref in buckets]
    return found or [target]


def combine(outcomes: Sequence[Outcome]) -> Outcome:
    """One outcome for a message with several targets: any that wants another try decides."""
    retry = next((outcome for outcome in outcomes if isinstance(outcome, Retry)), None)
    if retry is not None:
        return retry
    done = next((outcome for outcome in outcomes if isinstance(outcome, Done)), None)
    return done if done is not None else next(iter(outcomes), Skipped("no_target"))


def requests(
    event: Refresh, scope: Scope, known: KnownBuckets, needed: frozenset[Aspect] = frozenset(Aspect)
) -> tuple[RefreshRequest, ...] | Skipped | Retry:
    """What to look at again for an event; Skipped where nothing of it is guarded, Retry while that is not known."""
    if scope.accounts is None:
        return Retry("accounts_not_known_yet")
    found: list[RefreshRequest] = []
    reasons: list[str] = []
    for target in _each_account(event.targets, scope.accounts):
        subject = _subject(target, event, scope, known)
        if _costly(target, subject) and target.aspects.isdisjoint(needed):
            subject = "no_rule_needs_it"
        if isinstance(subject, str):
            reasons.append(subject)
            continue
        everything = ACCOUNT_ASPECTS if isinstance(subject, AccountRef) else BUCKET_ASPECTS
        found.append(
            RefreshRequest(
                subject=subject,
                aspects=target.aspects or everything,
                origin=Origin.EVENT,
                triggers=(event.trigger,),
                urgent=event.urgent,
                objects=() if target.object is None else (target.object,),
                calls=(event.trigger,) if Aspect.CHANGES in needed and _changes(event, target, subject) else (),
            )
        )
    return tuple(found) if found else Skipped(reasons[0] if reasons else "no_target")


def _changes(event: Refresh, target: Target, subject: Subject) -> bool:
    """Whether the event is a call on the configuration of the bucket itself."""
    return event.kind == cloudtrail.KIND and target.object is None and isinstance(subject, BucketRef)


def _costly(target: Target, subject: AccountRef | BucketRef | str) -> bool:
    """Whether to look only where a rule needs it: calls on accounts and objects are many."""
    return (isinstance(subject, AccountRef) and bool(target.aspects)) or target.object is not None


def _each_account(targets: Sequence[Target], guarded: frozenset[AccountRef]) -> Iterator[Target]:
    """The targets, those that mean every account as one for each account that is guarded."""
    for target in targets:
        if target.level is Level.ORGANIZATION:
            yield from (replace(target, level=Level.ACCOUNT, account=ref.account) for ref in sorted(guarded))
        else:
            yield target


def _subject(target: Target, event: Refresh, scope: Scope, known: KnownBuckets) -> AccountRef | BucketRef | str:
    """The guarded subject that a target means, or the stable reason why there is none."""
    if target.partition is not None and target.partition != scope.partition:
        return "other_partition"
    if target.key is not None:
        return "no_bucket_uses_the_key"
    cached = None if target.bucket is None else known.find(scope.partition, target.bucket)
    account = target.account or (cached.account if cached else None)
    if account is None:
        return "account_not_named"
    owner = scope.account(account)
    if owner is None:
        return "account_not_guarded"
    if target.access_point is not None:
        return "access_point_not_found"
    if target.level is Level.ACCOUNT or target.bucket is None:
        return owner
    # A bucket stays where it was made, so what is known of its region beats what the event says, but for its making.
    if cached is not None and cached.account == account and event.trigger.name != "CreateBucket":
        bucket = cached
    else:
        bucket = BucketRef(scope.partition, account, target.region or scope.home_region, target.bucket)
    return bucket if scope.covers(bucket) else "bucket_not_guarded"
