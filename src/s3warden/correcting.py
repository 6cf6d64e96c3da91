"""From settings to the parts that change something in AWS; `assembly` does the same for the rest.

Nothing is built, and nothing can be written, unless the operator set rows of `fixes`; see `settings/remediation.py`.
"""

from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from s3warden import assembly
from s3warden.aws.calls import Backoff, Calls
from s3warden.aws.limiter import Limiter
from s3warden.aws.meter import Meter
from s3warden.aws.s3 import S3Reader
from s3warden.aws.secrets import SecretError
from s3warden.aws.session import Sessions
from s3warden.aws.writing import NoWriting, Writing
from s3warden.catalogue import catalogue
from s3warden.correct.apply import Applier, Writes
from s3warden.correct.book import Book
from s3warden.correct.budget import Budget, Limits
from s3warden.correct.circumstances import Surroundings
from s3warden.correct.invitations import Invitations
from s3warden.correct.kill import KillSwitch
from s3warden.correct.links import SHORTEST_KEY
from s3warden.correct.look import Looks
from s3warden.correct.mend import Mender, aspects, elsewhere
from s3warden.correct.notes import Notes
from s3warden.correct.orders import Orders
from s3warden.correct.permits import Permit, Place, may_be_mended, may_be_written
from s3warden.correct.plans import Plans
from s3warden.correct.remedy import Wanted
from s3warden.correct.situation import GuardRules
from s3warden.correct.undo import Undoer
from s3warden.correct.web import Web
from s3warden.correct.windows import Freeze, Window
from s3warden.correct.worker import Pace, Submit, Worker, trigger_of
from s3warden.correct.writers import Own
from s3warden.correct.writes import with_followers
from s3warden.detect.rule import Rule
from s3warden.detect.selection import select
from s3warden.model.action import Mode
from s3warden.model.bucket import AccountRef, Aspect, BucketRef
from s3warden.model.event import Origin, RefreshRequest
from s3warden.model.references import Use
from s3warden.model.remediation import Remediation
from s3warden.model.secret import Secret, SecretRef
from s3warden.pipeline import Pipeline
from s3warden.settings.remediation import DAYS, Fix
from s3warden.settings.sections import Settings
from s3warden.store.journal import Journal
from s3warden.store.store import Store
from s3warden.telemetry.metrics import Metrics

# Under this key the store keeps who stopped all fixes.
_STOPPED = "remediation_stopped_by"
_OF_KEYS = frozenset({Aspect.DEFAULT_KEY, Aspect.KEY_ROTATION, Aspect.KEY_POLICY})
_ONE_TRY = Backoff(attempts=1)


@asynccontextmanager
async def writing(settings: Settings, parts: assembly.Reading, metrics: Metrics) -> AsyncIterator[Writes]:
    """What writes: as a role of its own, as the identity that reads, or not at all."""
    chosen = settings.remediation
    if not chosen.writes:
        yield NoWriting()
        return
    config = replace(parts.sessions.config, resend=False)
    if chosen.role_name is not None:
        config = replace(config, role_name=chosen.role_name, session_name=chosen.role_session_name, assume_at_home=True)
    async with Sessions(config, meter=Meter(metrics), like=parts.sessions) as sessions:
        yield Writing(Calls(sessions, Limiter(total=settings.aws.max_in_flight), backoff=_ONE_TRY))


def guard(settings: Settings) -> GuardRules:
    """What the operator lets be done."""
    chosen = settings.remediation
    key, _, value = (chosen.opt_out_tag or "").partition("=")
    return GuardRules(
        permits=tuple(_permit(fix, catalogue(settings)) for fix in settings.fixes),
        opt_out=(key, value) if key else None,
        opt_out_accounts=frozenset(chosen.opt_out_accounts),
        windows=tuple(
            Window(frozenset(map(DAYS.index, each.days)), each.start, each.end, ZoneInfo(each.timezone))
            for each in settings.change_windows
        ),
        freezes=tuple(Freeze(each.start, each.end, each.reason) for each in settings.change_freezes),
        live_always=chosen.live_always,
        quiet=chosen.quiet,
        limits=Limits(
            account_minute=chosen.account_per_minute,
            account_hour=chosen.account_per_hour,
            minute=chosen.per_minute,
            hour=chosen.per_hour,
            breaker_share=chosen.breaker_share,
            breaker_least=chosen.breaker_least,
        ),
        attempts=chosen.attempts,
    )


def _permit(fix: Fix, rules: Sequence[Rule]) -> Permit:
    place = Place(frozenset(fix.accounts), frozenset(fix.units), fix.buckets, tuple(sorted(fix.tags.items())))
    named = frozenset(rule.info.id for rule in select(rules, fix.rules))
    return Permit(fix.name, named, Mode(fix.mode), place, fix.keep_for)


def wanted(settings: Settings) -> Wanted:
    """What the operator wants where a fix needs a value."""
    chosen = settings.remediation
    return Wanted(
        log_bucket=chosen.log_bucket,
        log_prefix=chosen.log_prefix,
        inventory_bucket=chosen.inventory_bucket,
        kms_key=chosen.kms_key,
        tags=chosen.tags,
        tag_resource=chosen.tag_resource,
        abort_days=chosen.abort_days,
        alarm_topic=chosen.alarm_topic,
        backup_plan=chosen.backup_plan,
        backup_role=chosen.backup_role,
    )


def own(settings: Settings) -> Own:
    """How s3warden's own changes look in CloudTrail."""
    chosen = settings.remediation
    if chosen.role_name is None:
        return Own(frozenset({_last(settings.aws.role_name)}), settings.aws.role_session_name)
    return Own(frozenset({_last(chosen.role_name)}), chosen.role_session_name)


def delivering(pipeline: Pipeline, receiver: BucketRef) -> frozenset[str] | None:
    """The buckets from which S3 delivers logs or lists into this one; None while not all were read since the start."""
    if not pipeline.fetch.neighbours.whole:
        return None
    found = pipeline.cache.referring_to(receiver.partition, receiver.name)
    return frozenset(each.holder for each in found.used_as(Use.ACCESS_LOGS, Use.INVENTORY))


def _last(role: str) -> str:
    return role.rpartition("/")[2]


async def invitations(settings: Settings, parts: assembly.Reading) -> Invitations | None:
    """What makes the links to approve by; None where the settings want none. Raises SecretError."""
    chosen = settings.approvals
    if chosen.base_url is None or chosen.signing_key is None:
        return None
    key = await _strong(chosen.signing_key, parts)
    return Invitations(chosen.base_url, key, timedelta(seconds=chosen.valid))


async def _strong(ref: SecretRef, parts: assembly.Reading) -> Secret:
    """The secret, which nobody can guess. Raises SecretError."""
    secret = await parts.secrets.resolve(ref)
    if len(secret.reveal().encode()) < SHORTEST_KEY:
        raise SecretError(ref, f"it must have at least {SHORTEST_KEY} bytes, or it can be guessed")
    return secret


async def _web(
    settings: Settings, parts: assembly.Reading, orders: Orders, journal: Journal, key: Secret | None
) -> Web | None:
    """What answers over HTTP; None where the settings want neither links nor an API. Raises SecretError."""
    tokens = {each.name: await _strong(each.token, parts) for each in settings.api_tokens}
    if key is None and not tokens:
        return None
    return Web(journal, orders, tokens, key, settings.approvals.identity_header)


@dataclass(frozen=True, slots=True)
class Correcting:
    """The parts that change something."""

    worker: Worker
    orders: Orders
    kill: KillSwitch
    web: Web | None = None

    def loops(self) -> Mapping[str, Coroutine[None, None, None]]:
        """What must not end, by name."""
        return {"remediation": self.worker.run(), "orders": self.orders.run()}


async def seen_beside(pipeline: Pipeline, submit: Submit, entry: Remediation) -> None:
    """Have what a remediation wrote beside its subject seen anew: a key that buckets share, the policy of a target."""
    if aspects(entry) & _OF_KEYS:
        pipeline.fetch.neighbours.keys.forget()
    for other in elsewhere(entry):
        known = pipeline.cache.bucket(other)
        if known is not None:
            of_policy = with_followers({Aspect.POLICY})
            await submit(RefreshRequest(known.ref, of_policy, Origin.EVENT, (trigger_of(entry),), urgent=True))


async def build(
    settings: Settings,
    parts: assembly.Reading,
    writes: Writes,
    *,
    pipeline: Pipeline,
    store: Store,
    submit: Submit,
    metrics: Metrics,
) -> Correcting:
    """The worker with all that it works with; from now on the pipeline tells it of every change."""
    rules, _ = assembly.rules_and_options(settings)
    journal = store.journal
    kill = KillSwitch(Path(settings.remediation.kill_file) if settings.remediation.kill_file else None)
    stopped_by = await store.get(_STOPPED)
    if stopped_by:
        kill.trip(stopped_by)
    book = Book(journal, told=pipeline.committed)
    budget = Budget()
    limits = guard(settings)
    looks = Looks(
        S3Reader(parts.calls),
        cache=pipeline.cache,
        whole=lambda: pipeline.fetch.neighbours.whole,
        objects=pipeline.objects,
    )

    async def units(account: AccountRef) -> tuple[str, ...] | None:
        above = pipeline.house.units_of(account.account)
        return None if above is None else tuple(sorted(above))

    surroundings = Surroundings(
        past=journal,
        own=own(settings),
        estate=lambda: len(pipeline.cache),
        killed=kill.on,
        units=units,
        exempt=pipeline.exempt_by,
        budget=budget,
    )
    notes = Notes(book, pipeline.routing.alarm, metrics)
    inviting = await invitations(settings, parts)
    if inviting is not None:
        notes.invite = inviting.links
    applier = Applier(looks, writes, book, kill.on)
    mender = Mender(
        planner=Plans(looks, lambda: pipeline.options, wanted(settings), pipeline.regions),
        rules={rule.info.id: rule for rule in rules},
        options=lambda: pipeline.options,
        guard=limits,
        surroundings=surroundings,
        applier=applier,
        book=book,
        notes=notes,
    )
    worker = Worker(
        mender=mender,
        book=book,
        memory=journal,
        budget=budget,
        findings=pipeline.ledger,
        wanted=lambda finding: may_be_mended(limits.permits, finding.rule_id),
        writes=lambda rule_id: may_be_written(limits.permits, rule_id),
        turn=pipeline.turn,
        submit=submit,
        metrics=metrics,
        beside=partial(seen_beside, pipeline, submit),
        pace=Pace(parallel=settings.remediation.parallel, quiet=settings.remediation.quiet),
    )

    def touched(request: RefreshRequest) -> None:
        metrics.remediation_own_events.inc(surroundings.touched(request))

    pipeline.touched, pipeline.changed, pipeline.wrote = touched, worker.notice, surroundings.own.wrote
    pipeline.fix_of = worker.fix_of
    undoer = Undoer(looks, applier, book, notes, metrics, partial(delivering, pipeline))
    orders = Orders(
        journal,
        undoer,
        book,
        pipeline.turn,
        worker.refresh_after,
        metrics,
        kill=kill,
        again=worker.again,
        remember=partial(store.put, _STOPPED),
        valid=timedelta(seconds=settings.approvals.valid),
    )
    web = await _web(settings, parts, orders, journal, inviting.key if inviting is not None else None)
    return Correcting(worker, orders, kill, web)
