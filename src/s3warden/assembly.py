"""From settings to parts: every mapping of a setting to a constructor is here, and nothing else is.

`scan` and the daemon share what reads AWS; the daemon adds what lasts and what tells.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Container, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import assert_never

import aiohttp
import structlog

from s3warden.aws.calls import Calls
from s3warden.aws.errors import AwsError
from s3warden.aws.estate import Estate
from s3warden.aws.estate import Scope as EstateScope
from s3warden.aws.limiter import Limiter
from s3warden.aws.meter import Meter
from s3warden.aws.s3 import S3Reader
from s3warden.aws.secrets import SecretResolver
from s3warden.aws.session import SessionConfig, Sessions
from s3warden.aws.sns import Sns
from s3warden.aws.sqs import QueueAddress
from s3warden.catalogue import catalogue, under_watch
from s3warden.collect.cache import Cache
from s3warden.collect.fetch import Fetch
from s3warden.collect.locate import KeyUsers, Locator
from s3warden.collect.refresh import RefreshLimits
from s3warden.collect.sources.sqs import SqsLimits
from s3warden.collect.sources.sweep import Submit, Sweep, SweepLimits
from s3warden.collect.timetable import Timetable
from s3warden.correct.windows import Window
from s3warden.detect.context import Context
from s3warden.detect.exemptions.register import Register
from s3warden.detect.house import House
from s3warden.detect.ledger import Ledger
from s3warden.detect.rule import Rule, RuleOptions
from s3warden.detect.rules import needs, select
from s3warden.intake import Encrypted, Locate, Scope, nowhere
from s3warden.model.bucket import AccountRef, Aspect, BucketRef
from s3warden.model.event import Listing
from s3warden.model.exemption import Exemption
from s3warden.model.rule import RuleInfo
from s3warden.narrowing import Narrowed, Only
from s3warden.pipeline import Commit, Pipeline
from s3warden.respond.notifier import Notifier
from s3warden.respond.notifiers.slack import Slack
from s3warden.respond.notifiers.sns import SnsTopic
from s3warden.respond.notifiers.webhook import Format, Webhook
from s3warden.respond.routing import Destination, Routing
from s3warden.respond.worker import Limits
from s3warden.settings import destinations as kinds
from s3warden.settings.house import span, zone
from s3warden.settings.sections import Queue, Settings
from s3warden.telemetry.logging import hide
from s3warden.telemetry.metrics import Metrics

log = structlog.get_logger("s3warden.assembly")


EVERYTHING = Only()


@dataclass(frozen=True, slots=True)
class Reading:
    """What reads AWS: the sessions, the estate within scope, and the fetch of states."""

    sessions: Sessions
    secrets: SecretResolver
    estate: Estate
    fetch: Fetch
    calls: Calls


@asynccontextmanager
async def reading(settings: Settings, metrics: Metrics) -> AsyncIterator[Reading]:
    """The parts that read AWS. Raises SecretError if the external id cannot be had."""
    plain = session_config(settings)
    meter = Meter(metrics)
    # The external id may itself be kept in AWS; it is read as the own identity, which needs none.
    async with Sessions(plain, meter=meter) as own:
        secrets = SecretResolver(own, seen=hide)
        reference = settings.aws.external_id
        external_id = (await secrets.resolve(reference)).reveal() if reference is not None else None
        async with Sessions(replace(plain, external_id=external_id), meter=meter) as sessions:
            calls = Calls(sessions, Limiter(total=settings.aws.max_in_flight))
            yield Reading(
                sessions=sessions,
                secrets=secrets,
                estate=Estate(sessions, calls, estate_scope(settings)),
                fetch=Fetch(S3Reader(calls), security=settings.accounts.security),
                calls=calls,
            )


async def store_url(settings: Settings) -> str:
    """The address of the store, password and all. Raises SecretError."""
    async with Sessions(session_config(settings)) as own:
        return (await SecretResolver(own, seen=hide).resolve(settings.store.url)).reveal()


def session_config(settings: Settings) -> SessionConfig:
    """How to reach AWS, without the external id."""
    aws = settings.aws
    return SessionConfig(
        region=aws.region,
        endpoint_url=aws.endpoint_url,
        role_name=aws.role_name,
        session_name=aws.role_session_name,
        connect_timeout=aws.connect_timeout,
        read_timeout=aws.read_timeout,
    )


def estate_scope(settings: Settings) -> EstateScope:
    """What the operator wants guarded, as the estate lists it."""
    accounts = settings.accounts
    return EstateScope(
        accounts=accounts.ids,
        organization=accounts.organization,
        include=accounts.include,
        exclude=accounts.exclude,
        regions=accounts.regions,
        excluded_regions=accounts.exclude_regions,
        prefix=accounts.bucket_prefix,
    )


def rules_and_options(settings: Settings) -> tuple[tuple[Rule, ...], RuleOptions]:
    """The enabled rules and what they ask for. Raises UnknownRuleError."""
    chosen = settings.rules
    options = RuleOptions(
        required_tags=chosen.required_tags,
        tag_patterns=chosen.tag_patterns,
        name_pattern=chosen.name_pattern,
        log_buckets=chosen.log_buckets,
        trusted_accounts=(*chosen.trusted_accounts, *settings.accounts.ids),
        organization_id=chosen.organization_id,
        minimum_tls=chosen.minimum_tls,
        upload_encryption=chosen.upload_encryption,
        trusted_canonical_ids=chosen.trusted_canonical_ids,
        allowed_grantees=chosen.allowed_grantees,
        control_policy=chosen.control_policy,
        required_statements=chosen.required_statements,
        forbidden_statements=chosen.forbidden_statements,
        widest_ipv4=chosen.widest_ipv4,
        widest_ipv6=chosen.widest_ipv6,
        sensitive_buckets=chosen.sensitive_buckets,
        dsse_buckets=chosen.dsse_buckets,
        short_lived_buckets=chosen.short_lived_buckets,
        requester_pays_buckets=chosen.requester_pays_buckets,
        kms_keys=chosen.kms_keys,
        allowed_regions=chosen.allowed_regions,
        own_domains=chosen.own_domains,
        log_prefix=chosen.log_prefix,
        log_key_format=chosen.log_key_format,
        object_lock_mode=chosen.object_lock_mode,
        object_lock_days=chosen.object_lock_days,
        log_retention_days=chosen.log_retention_days,
        abort_uploads_days=chosen.abort_uploads_days,
        mass_expiry_days=chosen.mass_expiry_days,
        presigned_minutes=chosen.presigned_minutes,
        transfer_acceleration=chosen.transfer_acceleration,
        trail_buckets=chosen.trail_buckets,
        object_events_log=chosen.object_events_log,
        backup_age=timedelta(seconds=chosen.backup_age),
        empty_days=chosen.empty_days,
        idle_days=chosen.idle_days,
        growth_window=chosen.growth_window,
        growth_factor=chosen.growth_factor,
        growth_gigabytes=chosen.growth_gigabytes,
        growth_objects=chosen.growth_objects,
        changes_within=timedelta(seconds=chosen.changes_within),
        expected_changers=chosen.expected_changers,
    )
    return select(catalogue(settings), chosen.enable, chosen.disable), options


def rule_infos(settings: Settings) -> Mapping[str, RuleInfo]:
    """The metadata of all rules: a finding of a rule that was disabled since is still told by its title."""
    return {rule.info.id: rule.info for rule in catalogue(settings)}


def routing(settings: Settings) -> Routing:
    """Who hears what."""
    chosen = [
        Destination(each.name, each.min_severity, each.send_resolved, frozenset(each.categories))
        for each in settings.destinations
    ]
    base = settings.runbook_base_url
    return Routing(chosen, rule_infos(settings), runbook_url=f"{base.rstrip('/')}/{{rule_id}}" if base else "")


async def notifiers(
    destinations: Sequence[kinds.Destination], parts: Reading, http: aiohttp.ClientSession
) -> tuple[Notifier, ...]:
    """One notifier for each destination. Raises SecretError where an address or a key cannot be had."""
    return tuple([await _notifier(each, parts, http) for each in destinations])


async def _notifier(each: kinds.Destination, parts: Reading, http: aiohttp.ClientSession) -> Notifier:
    match each:
        case kinds.Sns():
            return SnsTopic(each.name, each.topic_arn, Sns(parts.sessions))
        case kinds.Slack():
            return Slack(each.name, await parts.secrets.resolve(each.webhook_url), http)
        case kinds.Webhook():
            key = await parts.secrets.resolve(each.signing_secret) if each.signing_secret is not None else None
            url = await parts.secrets.resolve(each.url)
            return Webhook(each.name, url, http, secret=key, body_format=Format(each.format))
        case _:
            assert_never(each)


def delivery_limits(settings: Settings) -> Mapping[str, Limits]:
    """How fast each destination may be told."""
    return {each.name: Limits(rate=each.rate, burst=each.burst) for each in settings.destinations}


def queue_address(queue: Queue) -> QueueAddress:
    """Where a queue is."""
    return QueueAddress.parse(queue.url, region=queue.region, account=queue.account)


def sqs_limits(settings: Settings, queue: Queue) -> SqsLimits:
    """How a queue is polled."""
    events = settings.events
    return SqsLimits(
        receivers=queue.receivers,
        in_flight=events.max_in_flight,
        wait=round(events.poll),
        visibility=round(events.visibility),
    )


def refresh_limits(settings: Settings) -> RefreshLimits:
    """How much is looked at at once."""
    refresh = settings.refresh
    return RefreshLimits(
        workers=refresh.workers,
        capacity=refresh.capacity,
        quiet=refresh.quiet,
        max_delay=refresh.max_delay,
        fanout_per_second=refresh.account_fanout_per_second,
    )


def house(settings: Settings, exemptions: Sequence[Exemption]) -> House:
    """How the house weighs what the rules say, and what it accepts."""
    chosen = settings.severity.model_dump(exclude={"production_accounts", "development_accounts"})
    marked = settings.rules.sensitive_buckets
    tags, names = ([each for each in marked if each.startswith("tag:") is by_tag] for by_tag in (True, False))
    context = Context(
        **{
            **chosen,
            "harmless_names": (*settings.severity.harmless_names, *settings.rules.log_buckets),
            "sensitive_names": (*settings.severity.sensitive_names, *names),
            "sensitive_tags": (*settings.severity.sensitive_tags, *(each.removeprefix("tag:") for each in tags)),
            "production_places": settings.severity.production_accounts,
            "development_places": settings.severity.development_accounts,
        }
    )
    return House(context, Register(exemptions), names_units=any(fix.units for fix in settings.fixes))


async def know_units(house: House, estate: Estate) -> None:
    """Have the organisation say which units each account is below, if that matters; unknown where it does not."""
    if house.asks_for_units:
        try:
            house.register.units = dict(await estate.units())
        except AwsError as error:
            log.warning("units_unreadable", cause=error.cause.value, error=str(error))


def working_hours(settings: Settings) -> Window:
    """When people are reminded of what ends."""
    chosen = settings.exemptions
    start, end = span(chosen.working_hours)
    return Window(chosen.weekdays, start, end, zone(chosen.time_zone))


def pipeline(
    settings: Settings,
    fetch: Fetch,
    cache: Cache,
    *,
    store: Commit,
    ledger: Ledger,
    committed: Callable[[], None],
    metrics: Metrics,
    exemptions: Sequence[Exemption] = (),
) -> Pipeline:
    """The path from a request to a stored verdict. Raises UnknownRuleError."""
    rules, options = rules_and_options(settings)
    return Pipeline(
        fetch=fetch,
        cache=cache,
        rules=under_watch(rules, settings, metrics),
        options=options,
        needed=needs(rules),
        ledger=ledger,
        routing=routing(settings),
        store=store,
        metrics=metrics,
        committed=committed,
        house=house(settings, exemptions),
    )


def scope(settings: Settings, sessions: Sessions) -> Scope:
    """What is guarded, as the intake of events sees it; the accounts are not known yet."""
    accounts = settings.accounts
    return Scope(
        partition=sessions.partition,
        home_region=sessions.home_region,
        regions=frozenset(accounts.regions),
        excluded_regions=frozenset(accounts.exclude_regions),
        bucket_prefix=accounts.bucket_prefix,
    )


def locate(fetch: Fetch, cache: Cache, needed: Container[Aspect]) -> Locate:
    """How the bucket behind an access point is found; while no rule needs access points nobody asks AWS for it."""
    return Locator(cache, fetch).behind if Aspect.ACCESS_POINTS in needed else nowhere


def encrypted(fetch: Fetch, cache: Cache) -> Encrypted:
    """How the buckets of a key are found."""
    return KeyUsers(cache, fetch.neighbours.keys).of


@dataclass(frozen=True, slots=True)
class _Trusting:
    """The estate; the accounts that are guarded may have access to each other's buckets.

    Where an account has buckets is noted before its services are read, which are read region by region.
    """

    estate: Estate
    path: Pipeline

    async def accounts(self) -> tuple[AccountRef, ...]:
        accounts = await self.estate.accounts()
        self.path.trust(accounts, self.estate.closed)
        return accounts

    async def listing(self, account: AccountRef) -> Listing:
        listing = await self.estate.listing(account)
        self.path.lives_in(account, {bucket.region for bucket in listing.buckets})
        self.path.listed(listing)
        return listing


def sweep(
    settings: Settings, estate: Estate, submit: Submit, path: Pipeline, metrics: Metrics, only: Only = EVERYTHING
) -> Sweep:
    """The full pass over the estate, or over a part of it."""

    def known(account: AccountRef) -> tuple[BucketRef, ...]:
        subjects = path.ledger.subjects()
        return tuple(s for s in subjects if isinstance(s, BucketRef) and s.owner == account)

    sweep = Sweep(
        Narrowed(_Trusting(estate, path), only),
        submit,
        path.cache,
        aspects=path.needed,
        known=known,
        limits=SweepLimits(parallel=settings.sweep.accounts_in_parallel),
        metrics=metrics,
    )
    sweep.unsettled = path.unsettled
    return sweep


def timetable(settings: Settings, run: Callable[[], Awaitable[object]]) -> Timetable:
    """When the full pass is due."""
    times = settings.sweep
    return Timetable(
        run,
        interval=None if times.cron else times.interval,
        cron=times.cron,
        jitter=round(times.jitter),
        at_start=times.on_start,
    )
