"""One life of the daemon's parts, from one load of the settings to the next: how they are built, run and wound up.

Takes settings, the store and what is known of the estate; runs the loops until told to stop. Winding up goes in the
direction of the data: nothing new, the work in hand, the messages to people.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Collection, Coroutine, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from itertools import chain

import aiohttp
import structlog

from s3warden import assembly, correcting, heap
from s3warden.aws.errors import AwsError
from s3warden.aws.sqs import Sqs
from s3warden.collect.cache import Cache
from s3warden.collect.locate import under_trail
from s3warden.collect.recheck import Recheck
from s3warden.collect.refresh import RefreshQueue
from s3warden.collect.sources.sqs import SqsSource
from s3warden.collect.sources.sweep import Sweep, SweepReport, is_missing
from s3warden.collect.timetable import Timetable
from s3warden.correcting import Correcting
from s3warden.detect.ledger import Ledger
from s3warden.detect.rule import Kind
from s3warden.exempting import Exempting
from s3warden.intake import Intake
from s3warden.model.alert import Alert, AlertStatus
from s3warden.model.bucket import AccountRef, BucketRef, Subject
from s3warden.model.exemption import Exemption
from s3warden.model.finding import Finding, Reason, Verdict
from s3warden.pipeline import Pipeline
from s3warden.respond import digest
from s3warden.respond.baseline import dumps, loads
from s3warden.respond.dispatch import Dispatch
from s3warden.settings.sections import Settings
from s3warden.store.errors import StoreError
from s3warden.store.store import Store
from s3warden.telemetry.health import Health
from s3warden.telemetry.metrics import Metrics
from s3warden.telemetry.state import View

log = structlog.get_logger("s3warden.life")

# Of the time to stop, this share is kept for telling people what was found on the way out.
_FLUSH_SHARE = 0.3
# And this share at most is spent on fixes that have begun; the next start takes up what did not end.
_FIX_SHARE = 0.4
_SCOPE_SECONDS = 300.0
# First and longest wait before AWS is asked again what could not be told.
_PATIENCE = (1.0, 60.0)
_PRUNE_SECONDS = 3600.0
_TOLD = "told_rules"


@dataclass(slots=True)
class Life:
    """The parts of one life."""

    settings: Settings
    parts: assembly.Reading
    store: Store
    cache: Cache
    pipeline: Pipeline
    intake: Intake
    queue: RefreshQueue
    recheck: Recheck
    dispatch: Dispatch
    sources: Sequence[SqsSource]
    sweeper: Sweep
    exempting: Exempting
    metrics: Metrics
    health: Health
    correcting: Correcting | None = None
    timetable: Timetable = field(init=False)

    def __post_init__(self) -> None:
        self.timetable = assembly.timetable(self.settings, self.sweep)

    def loops(self) -> Mapping[str, Coroutine[None, None, None]]:
        """What must not end, by name."""
        return {
            "refresh": self.queue.run(),
            "dispatch": self.dispatch.run(),
            "scope": self._keep_scope(),
            "housekeeping": self._keep_house(),
            "exemptions": self.exempting.run(),
            "timetable": self.timetable.run(),
            **{source.name: source.run() for source in self.sources},
            **({} if self.correcting is None else self.correcting.loops()),
        }

    async def sweep(self) -> None:
        """One full pass, and what follows from it."""
        drift = self.pipeline.drift
        report = await self._swept()
        await asyncio.gather(*[await self.queue.submit(request) for request in self.pipeline.whole()])
        await self._end_what_is_gone(report)
        await self._settle(report)
        self.exempting.report()
        self.health.set_ready("baseline", ok=True, detail=f"{len(self.cache)} buckets known")
        coverage = self.coverage(report, frozenset(report.accounts))
        log.info(
            "sweep_judged",
            checks=coverage.checks,
            checks_unknown=coverage.checks_unknown,
            unknown_by_cause=dict(coverage.unknown_by_cause or {}),
            drift=self.pipeline.drift - drift,
        )
        # Now the estate and the clients for its regions are in memory, and will stay there.
        heap.set_aside()

    async def _end_what_is_gone(self, report: SweepReport) -> None:
        """Findings of what the sweep missed, and of what the settings or the organisation guard no longer."""
        for bucket in report.gone:
            await self.pipeline.vanish(bucket, Reason.BUCKET_DELETED, still=partial(is_missing, self.cache, bucket))
        accounts = frozenset(report.accounts)
        for subject, reason in self._outsiders(accounts).items():
            await self.pipeline.vanish(subject, reason, still=partial(self._is_outside, subject, accounts))

    def _outsiders(self, accounts: Collection[AccountRef]) -> dict[Subject, Reason]:
        """All that is known of but not guarded, and why."""
        listed = self.cache.accounts()
        buckets = chain.from_iterable(self.cache.buckets(account) for account in listed)
        reasons = ((s, self._outside(s, accounts)) for s in chain(self.pipeline.ledger.subjects(), buckets, listed))
        return {subject: reason for subject, reason in reasons if reason is not None}

    def _is_outside(self, subject: Subject, accounts: Collection[AccountRef]) -> bool:
        return self._outside(subject, accounts) is not None

    def _outside(self, subject: Subject, accounts: Collection[AccountRef]) -> Reason | None:
        """Why a subject is guarded no longer; None while it is."""
        scope = self.intake.scope
        owner = subject.owner
        # An account that joined while the sweep ran is in the scope first.
        if owner not in accounts and owner not in (scope.accounts or ()):
            return Reason.ACCOUNT_LEFT
        return Reason.NOT_GUARDED if isinstance(subject, BucketRef) and not scope.covers(subject) else None

    async def _swept(self) -> SweepReport:
        """A sweep that could begin: while nobody can say which accounts there are, it is tried again."""
        wait = _PATIENCE[0]
        while True:
            try:
                return await self.sweeper.run_once()
            except AwsError as error:
                log.warning("sweep_not_begun", error=str(error), cause=error.cause.value, retry_seconds=wait)
                await asyncio.sleep(wait)
                wait = min(wait * 2, _PATIENCE[1])

    async def wind_up(self, seconds: float) -> None:
        """Take nothing new, finish or give back what is in hand, tell what is to be told: within `seconds`."""
        started = time.monotonic()
        work_ends = started + seconds * (1 - _FLUSH_SHARE)
        await self.timetable.stop()
        await self.recheck.stop()
        for source in self.sources:
            source.stop_intake()
        if self.correcting is not None:
            # What was fixed is looked at again by the queue, which drains next.
            await self.correcting.worker.drain(started + seconds * _FIX_SHARE)
        await asyncio.gather(
            self.queue.drain(work_ends), *(source.drain(work_ends) for source in self.sources), return_exceptions=True
        )
        log.info("intake_drained", seconds=round(time.monotonic() - started, 1))
        left = seconds - (time.monotonic() - started)
        flushed = await self.dispatch.flush(asyncio.get_running_loop().time() + max(left, 0.5))
        log.info(
            "outbox_flushed" if flushed else "outbox_left_for_next_start", seconds=round(time.monotonic() - started, 1)
        )

    async def _keep_scope(self) -> None:
        """Know which accounts are guarded: at once, and again every few minutes."""
        wait = _PATIENCE[0]
        self.health.set_ready("accounts", ok=False, detail="not listed yet")
        while True:
            try:
                accounts = await self.parts.estate.accounts()
            except AwsError as error:
                self.health.set_ready("accounts", ok=False, detail=str(error))
                log.warning("accounts_not_listed", error=str(error), cause=error.cause.value, retry_seconds=wait)
                await asyncio.sleep(wait)
                wait = min(wait * 2, _PATIENCE[1])
                continue
            wait = _PATIENCE[0]
            self.pipeline.trust(accounts, self.parts.estate.closed)
            sessions = self.parts.sessions
            self.intake.guard(
                replace(
                    self.intake.scope,
                    partition=sessions.partition,
                    home_region=sessions.home_region,
                    accounts=frozenset(accounts),
                )
            )
            self.health.set_ready("accounts", ok=True, detail=f"{len(accounts)} guarded")
            await asyncio.sleep(_SCOPE_SECONDS)

    async def _keep_house(self) -> None:
        """Forget what is older than the operator wants it kept."""
        while True:
            try:
                now, kept = datetime.now(UTC), self.settings.store.retention
                journal = max(kept, self.settings.remediation.retention)
                await self.store.prune(now - timedelta(seconds=kept), now - timedelta(seconds=journal))
            except StoreError as error:
                # Old rows can wait; what must not be lost is the business of those who commit.
                log.warning("not_pruned", error=str(error))
            await asyncio.sleep(_PRUNE_SECONDS)

    async def _settle(self, report: SweepReport) -> None:
        """Tell the first look of rules at accounts in one digest; its key is the same after a crash: it goes once."""
        baseline = self.pipeline.baseline
        before, joined = baseline.told, frozenset(report.listed) - baseline.accounts
        new = {account: rules for account in report.listed if (rules := baseline.new(account))}
        if not new and not joined:
            return
        # From now on what opens is news: what the digest no longer gets must be told by itself.
        baseline.settle(report.listed)
        try:
            if joined:
                await self._tell_baseline(report, joined)
            await self._tell_new_rules(report, {a: rules for a, rules in new.items() if a not in joined})
        except BaseException:
            baseline.told = before
            raise
        await self.store.put(_TOLD, dumps(baseline.told))

    async def _tell_baseline(self, report: SweepReport, joined: frozenset[AccountRef]) -> None:
        findings = [f for f in self.pipeline.ledger.findings() if f.subject.owner in joined]
        coverage = self.coverage(report, joined)
        await self._tell(findings, coverage, "baseline", [account.key for account in joined])
        log.info("baseline_told", accounts=len(joined), findings=len(findings))

    async def _tell_new_rules(self, report: SweepReport, new: Mapping[AccountRef, frozenset[str]]) -> None:
        """What rules found that were switched on in accounts that know the others; nothing found is not told."""
        findings = [f for f in self.pipeline.ledger.findings() if f.rule_id in new.get(f.subject.owner, ())]
        rules = frozenset[str]().union(*new.values())
        if any(finding.verdict is Verdict.FAIL for finding in findings):
            coverage = self.coverage(report, frozenset(new), rules)
            about = [*rules, *(account.key for account in new)]
            await self._tell(findings, coverage, "new-rules", about, sorted(rules))
        log.info("new_rules_told", rule_ids=sorted(rules), accounts=len(new), findings=len(findings))

    async def _tell(
        self,
        findings: Sequence[Finding],
        coverage: digest.Coverage,
        kind: str,
        about: Iterable[str],
        new_rules: Sequence[str] = (),
    ) -> None:
        told = digest.compose(
            findings,
            coverage,
            at=datetime.now(UTC),
            rules=assembly.rule_infos(self.settings),
            alert=self._alert,
            new_rules=new_rules,
        )
        key = sha256("\0".join(sorted(about)).encode()).hexdigest()[:16]
        names = [destination.name for destination in self.settings.destinations]
        messages = [
            replace(message, dedup_key=f"{message.group_key}/{key}")
            for message in digest.notifications(told, names, kind=kind)
        ]
        await self.store.commit((), messages)
        self.dispatch.wake()

    def coverage(
        self, report: SweepReport, accounts: frozenset[AccountRef], rules: frozenset[str] | None = None
    ) -> digest.Coverage:
        """The figures of a sweep over `accounts`: how many checks, and how many could not be decided, by cause.

        Of all rules, or of those with the ids in `rules`.
        """
        buckets = sum(len(self.cache.buckets(account)) for account in accounts)
        undecided = (f for f in self.pipeline.ledger.findings() if f.undecided and f.subject.owner in accounts)
        unknown = [finding for finding in undecided if rules is None or finding.rule_id in rules]
        causes = Counter(str(finding.cause) for finding in unknown)
        return digest.Coverage(
            accounts=len(accounts),
            buckets=buckets,
            checks=self.pipeline.checks(buckets, len(accounts), rules),
            checks_unknown=len(unknown),
            unknown_by_cause=causes,
            failures=report.failure_texts(),
        )

    def view(self) -> View:
        """What is known right now, for the metrics of state."""
        rules, shown = self.pipeline.rules, self.settings.metrics
        guarded = self.intake.scope.accounts or frozenset()
        return View(
            findings=self.pipeline.ledger.findings(),
            buckets={**dict.fromkeys(guarded, 0), **self.cache.counts()},
            bucket_rules=[rule.info.id for rule in rules if rule.kind is Kind.BUCKET],
            account_rules=[rule.info.id for rule in rules if rule.kind is Kind.ACCOUNT],
            named=shown.exposed_buckets_limit if shown.exposed_buckets else 0,
            exemptions=self.exempting.counts(),
        )

    def _alert(self, finding: Finding) -> Alert:
        return self.pipeline.routing.describe(finding, AlertStatus.FIRING, at=finding.changed_at)


@asynccontextmanager
async def begin(
    settings: Settings,
    store: Store,
    cache: Cache,
    *,
    metrics: Metrics,
    health: Health,
    exemptions: Sequence[Exemption] = (),
) -> AsyncIterator[Life]:
    """Build the parts of one life; nothing runs yet. Raises SecretError, UnknownRuleError, AwsError, StoreError."""
    async with AsyncExitStack() as stack:
        parts = await stack.enter_async_context(assembly.reading(settings, metrics))
        http = await stack.enter_async_context(aiohttp.ClientSession(trust_env=True))
        notifiers = await assembly.notifiers(settings.destinations, parts, http)
        limits = assembly.delivery_limits(settings)
        dispatch = Dispatch(store, notifiers, metrics=metrics, health=health, limits=limits)
        pipeline = assembly.pipeline(
            settings,
            parts.fetch,
            cache,
            store=store,
            ledger=Ledger(await store.load_open(), await store.last_sequence()),
            committed=dispatch.wake,
            metrics=metrics,
            exemptions=exemptions,
        )
        parts.fetch.neighbours.whole = len(cache) > 0
        pipeline.remember(loads(await store.get(_TOLD)))
        # At once: a rule that was switched off is forgotten even if this life ends before a sweep does.
        await store.put(_TOLD, dumps(pipeline.baseline.told))
        if settings.sweep.on_start and not pipeline.baseline.accounts:
            health.set_ready("baseline", ok=False, detail="the first sweep has not ended")
        queue = RefreshQueue(pipeline.refresh, limits=assembly.refresh_limits(settings), metrics=metrics)
        recheck = Recheck(queue.submit, delay=settings.refresh.recheck, capacity=settings.refresh.capacity)
        pipeline.recheck = recheck.plan
        exempting = Exempting(
            pipeline,
            store,
            queue.submit,
            parts.estate.units,
            [each.name for each in settings.destinations],
            assembly.working_hours(settings),
            dispatch.wake,
        )
        pipeline.spend = exempting.spend
        await exempting.recall()
        locate = assembly.locate(parts.fetch, cache, pipeline.needed)
        intake = Intake(assembly.scope(settings, parts.sessions), cache, queue.submit, metrics, locate, pipeline.needed)
        intake.encrypted = assembly.encrypted(parts.fetch, cache)
        intake.under = partial(under_trail, cache)
        sqs = Sqs(parts.sessions)
        sources = [
            SqsSource(
                assembly.queue_address(each),
                sqs,
                intake.receive,
                limits=assembly.sqs_limits(settings, each),
                metrics=metrics,
                health=health,
            )
            for each in settings.queues
        ]
        sweeper = assembly.sweep(settings, parts.estate, queue.submit, pipeline, metrics)
        mending = None
        if settings.fixes:
            writes = await stack.enter_async_context(correcting.writing(settings, parts, metrics))
            mending = await correcting.build(
                settings, parts, writes, pipeline=pipeline, store=store, submit=queue.submit, metrics=metrics
            )
        yield Life(
            settings=settings,
            parts=parts,
            store=store,
            cache=cache,
            pipeline=pipeline,
            intake=intake,
            queue=queue,
            recheck=recheck,
            dispatch=dispatch,
            sources=sources,
            sweeper=sweeper,
            exempting=exempting,
            metrics=metrics,
            health=health,
            correcting=mending,
        )
