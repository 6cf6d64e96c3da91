"""The sweep: every account, every bucket, looked at whether or not an event told of it.

Takes the estate's accounts and listings, puts a request for each subject to the refresh queue and waits for all of
them. Events may be lost, so this is what makes the guard correct. One broken account, region or bucket never stops
the others, and what is not in a listing is taken for gone only if the listing is complete and a fresh look agrees.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

import structlog

from s3warden.aws.errors import AwsError
from s3warden.model.bucket import (
    ACCOUNT_ASPECTS,
    BUCKET_ASPECTS,
    AccountRef,
    Aspect,
    BucketRef,
    BucketState,
    Cause,
    Subject,
    Unreadable,
)
from s3warden.model.event import Listing, Origin, Outcome, RefreshRequest, Retry
from s3warden.telemetry.metrics import Metrics

log = structlog.get_logger(__name__)

Submit = Callable[[RefreshRequest], Awaitable["asyncio.Future[Outcome]"]]
Progress = Callable[[int, int], None]
EVERYWHERE = "*"
_DENIED = frozenset({Cause.SCP, Cause.RCP, Cause.BUCKET_POLICY, Cause.ROLE_PERMISSION, Cause.DENIED})


class Places(Protocol):
    """What is needed of `aws.estate.Estate`."""

    async def accounts(self) -> tuple[AccountRef, ...]:
        """The accounts to guard; AwsError if they cannot be told."""

    async def listing(self, account: AccountRef) -> Listing:
        """The buckets of an account."""


class Known(Protocol):
    """What is needed of `collect.cache.Cache`."""

    def bucket(self, ref: BucketRef) -> BucketState | None:
        """The latest state."""

    def buckets(self, account: AccountRef) -> tuple[BucketRef, ...]:
        """The buckets of one account."""


@dataclass(frozen=True, slots=True)
class SweepLimits:
    """`parallel` accounts at a time. A look that asks for it has `attempts` in all, `pause` seconds apart."""

    parallel: int = 8
    attempts: int = 3
    pause: float = 5.0


@dataclass(frozen=True, slots=True)
class SweepFailure:
    """What could not be listed and why: one region of an account, or all of it where `region` is `*`."""

    account: AccountRef
    region: str
    cause: str
    detail: str = ""

    def __str__(self) -> str:
        place = str(self.account) if self.region == EVERYWHERE else f"{self.account} {self.region}"
        return f"{place}: {self.cause}"


@dataclass(frozen=True, slots=True)
class SweepReport:
    """What a sweep did. Times are UTC.

    `accounts` are all there are, `listed` those whose buckets were listed, at least in part. `buckets` were looked at;
    `gone` are known ones that are no more, or belong to somebody else now. `unfinished` are subjects whose look still
    asked for another try at the end, `retries` how many second and third tries there were.
    """

    accounts: tuple[AccountRef, ...]
    listed: tuple[AccountRef, ...]
    buckets: int
    failures: tuple[SweepFailure, ...]
    gone: tuple[BucketRef, ...]
    unfinished: tuple[Subject, ...]
    retries: int
    started_at: datetime
    ended_at: datetime

    @property
    def complete(self) -> bool:
        """Whether everything there is was listed and looked at."""
        return not self.failures and not self.unfinished

    def failure_texts(self) -> tuple[str, ...]:
        """The failures for people, one line each."""
        return tuple(map(str, self.failures))


@dataclass(slots=True)
class _Tally:
    """What a sweep has seen so far."""

    progress: Progress | None
    done: int = 0
    total: int = 0
    retries: int = 0
    listed: list[AccountRef] = field(default_factory=list)
    failures: list[SweepFailure] = field(default_factory=list)
    gone: list[BucketRef] = field(default_factory=list)
    unfinished: list[Subject] = field(default_factory=list)

    def expect(self, buckets: int) -> None:
        self.total += buckets
        self._tell()

    def finished(self, _: object) -> None:
        self.done += 1
        self._tell()

    def _tell(self) -> None:
        if self.progress is not None:
            self.progress(self.done, self.total)


class Sweep:
    """One full pass at a time over `places`.

    `aspects` are read of each bucket and of its account. `known` gives buckets of an account that the cache need not
    know, such as those with open findings from before a restart: they are looked for like those of the cache.
    `unsettled` gives looks that follow from what the looks at an account's buckets found: at those seen too early.
    """

    def __init__(
        self,
        places: Places,
        submit: Submit,
        cache: Known,
        *,
        aspects: frozenset[Aspect],
        metrics: Metrics,
        known: Callable[[AccountRef], Iterable[BucketRef]] = lambda _: (),
        limits: SweepLimits | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._places = places
        self._submit = submit
        self._cache = cache
        self._aspects = {BucketRef: aspects & BUCKET_ASPECTS, AccountRef: aspects & ACCOUNT_ASPECTS}
        self._known = known
        self.unsettled: Callable[[], Sequence[RefreshRequest]] = lambda: ()
        self._limits = limits or SweepLimits()
        self._metrics = metrics
        self._now = now
        self._running: asyncio.Task[SweepReport] | None = None

    async def run_once(self, progress: Progress | None = None) -> SweepReport:
        """Sweep, or join the sweep that runs. `progress` is told (buckets done, buckets listed so far).

        AwsError if the accounts cannot be told: then nothing was swept.
        """
        if self._running is not None:
            return await asyncio.shield(self._running)
        self._running = asyncio.create_task(self._sweep(_Tally(progress)), name="sweep")
        try:
            return await self._running
        finally:
            self._running = None

    async def _sweep(self, tally: _Tally) -> SweepReport:
        started = self._now()
        self._metrics.sweep_in_progress.set(1)
        log.info("sweep_started")
        try:
            accounts = await self._places.accounts()
            places = asyncio.Semaphore(self._limits.parallel)
            async with asyncio.TaskGroup() as group:
                for account in accounts:
                    group.create_task(self._guarded(account, tally, places))
        except AwsError as error:
            self._metrics.sweep_failures.labels(error.cause.value).inc()
            raise
        finally:
            self._metrics.sweep_in_progress.set(0)
        report = SweepReport(
            accounts=accounts,
            listed=tuple(tally.listed),
            buckets=tally.done,
            failures=tuple(tally.failures),
            gone=tuple(tally.gone),
            unfinished=tuple(tally.unfinished),
            retries=tally.retries,
            started_at=started,
            ended_at=self._now(),
        )
        self._tell(report)
        return report

    async def _guarded(self, account: AccountRef, tally: _Tally, places: asyncio.Semaphore) -> None:
        async with places:
            try:
                await self._account(account, tally)
            except AwsError as error:
                self._failed(
                    SweepFailure(account, EVERYWHERE, error.cause.value, f"{error.code}: {error.message}"), tally
                )
            except Exception as error:
                # Whatever is wrong with one account, the others must be swept.
                log.exception("account_sweep_crashed", account_id=account.account)
                self._failed(SweepFailure(account, EVERYWHERE, Cause.ERROR.value, type(error).__name__), tally)

    def _failed(self, failure: SweepFailure, tally: _Tally) -> None:
        tally.failures.append(failure)
        cause = failure.cause if failure.cause in set(Cause) else Cause.ERROR.value
        self._metrics.sweep_failures.labels(cause).inc()
        log.warning(
            "listing_failed",
            account_id=failure.account.account,
            region=failure.region,
            cause=failure.cause,
            detail=failure.detail,
        )

    async def _account(self, account: AccountRef, tally: _Tally) -> None:
        # Taken before the listing: a bucket made during it is known but not listed, and yet not gone.
        before = {ref.name: ref for ref in (*self._known(account), *self._cache.buckets(account))}
        try:
            listing = await self._places.listing(account)
        finally:
            # The services of an account are read where it has buckets, which the listing tells.
            await self._look([account], tally)
        self._note(listing, tally)
        await self._look(listing.buckets, tally)
        if listing.complete:
            for bucket in listing.buckets:
                before.pop(bucket.name, None)
            await self._look_for(tuple(before.values()), tally)
        await asyncio.gather(*[await self._submit(request) for request in self.unsettled()])

    def _note(self, listing: Listing, tally: _Tally) -> None:
        account = listing.account
        if listing.complete:
            self._metrics.account_last_success.labels(account.account).set(self._now().timestamp())
        if listing.complete or listing.buckets:
            tally.listed.append(account)
        for region, cause in listing.failures.items():
            self._failed(SweepFailure(account, region, cause), tally)

    async def _look_for(self, missing: Sequence[BucketRef], tally: _Tally) -> None:
        """Look at known buckets that a complete listing does not have."""
        await self._look(missing, tally)
        # A look that did not come to its end has told nothing.
        tally.gone += [ref for ref in missing if ref not in tally.unfinished and is_missing(self._cache, ref)]

    async def _look(self, subjects: Sequence[Subject], tally: _Tally) -> None:
        """Have all `subjects` looked at, those that ask for it again."""
        tally.expect(sum(isinstance(subject, BucketRef) for subject in subjects))
        left = await self._round(subjects, tally.finished)
        for attempt in range(1, self._limits.attempts):
            if not left:
                return
            await asyncio.sleep(self._limits.pause * 2 ** (attempt - 1))
            tally.retries += len(left)
            left = await self._round(left)
        tally.unfinished += left

    async def _round(
        self, subjects: Sequence[Subject], finished: Callable[[object], None] | None = None
    ) -> list[Subject]:
        """Submit all, wait for all; those that are to be tried again."""
        futures = []
        for subject in subjects:
            future = await self._submit(RefreshRequest(subject, self._aspects[type(subject)], Origin.SWEEP))
            if finished is not None and isinstance(subject, BucketRef):
                future.add_done_callback(finished)
            futures.append(future)
        outcomes = await asyncio.gather(*futures)
        return [subject for subject, outcome in zip(subjects, outcomes, strict=True) if isinstance(outcome, Retry)]

    def _tell(self, report: SweepReport) -> None:
        seconds = (report.ended_at - report.started_at).total_seconds()
        self._metrics.sweep_duration.set(seconds)
        self._metrics.sweep_last_success.set(report.ended_at.timestamp())
        log.info(
            "sweep_ended",
            seconds=round(seconds, 1),
            accounts=len(report.accounts),
            buckets=report.buckets,
            gone=len(report.gone),
            failures=len(report.failures),
            retries=report.retries,
            unfinished=len(report.unfinished),
        )


def is_missing(cache: Known, ref: BucketRef) -> bool:
    """Whether the latest look at an unlisted bucket found none of ours.

    One of which nothing is known but that it is denied is none either: so looks a name that another account took.
    """
    state = cache.bucket(ref)
    # Access points are listed by our own account, which is free to ask for those of any bucket.
    readings = [] if state is None else [r for a, r in state.readings.items() if a is not Aspect.ACCESS_POINTS]
    denied = [isinstance(reading, Unreadable) and reading.cause in _DENIED for reading in readings]
    return state is None or (bool(denied) and all(denied))
