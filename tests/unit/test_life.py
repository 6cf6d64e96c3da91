"""One life of the parts: what a sweep leaves behind, who is guarded, and the order in which all of it ends."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from s3warden.assembly import working_hours
from s3warden.aws.errors import AwsError
from s3warden.collect.sources.sweep import SweepReport
from s3warden.detect.ledger import Ledger
from s3warden.exempting import Exempting
from s3warden.intake import Intake, Scope
from s3warden.life import Life
from s3warden.model.bucket import AccountRef, Aspect, BucketRef, Cause
from s3warden.model.event import Done, Outcome, RefreshRequest
from s3warden.pipeline import Pipeline
from s3warden.respond.baseline import loads
from s3warden.respond.render import digest_title
from s3warden.settings.load import load
from s3warden.settings.sections import Settings
from s3warden.store.errors import StoreUnavailableError
from s3warden.telemetry.health import Health
from s3warden.telemetry.metrics import Metrics
from support import virtual
from support.spine import (
    ACCOUNT,
    DENIED,
    HOME,
    OFF,
    PUBLIC_READ,
    START,
    Records,
    World,
    bucket,
    event,
    pipeline,
    sweep,
)

OTHER = AccountRef("aws", "444455556666")
LEAK, TAGS = "bucket-acl-public-read", "bucket-required-tags"


class Meta(Records):
    """A store that keeps single values too, and prunes."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self.prunes = 0
        self.unable = 0

    async def put(self, key: str, value: str) -> None:
        """Keep a value."""
        self.values[key] = value

    async def prune(self, _before: datetime, _journal_before: datetime) -> int:
        """Count the times; the first `unable` ones fail."""
        self.prunes += 1
        if self.prunes <= self.unable:
            raise StoreUnavailableError("away")
        return 0


@dataclass
class Steps:
    """Records in which order the parts are told to end."""

    taken: list[str] = field(default_factory=list)

    def part(self, name: str) -> Any:
        """A part that takes note of each call, with the time that is left to it."""
        steps = self

        class Part:
            name = "source"

            def wake(self) -> None: ...

            def stop_intake(self) -> None:
                steps.taken.append(f"{name}.stop_intake")

            async def stop(self) -> None:
                steps.taken.append(f"{name}.stop")

            async def drain(self, _deadline: float) -> None:
                steps.taken.append(f"{name}.drain")

            async def flush(self, _deadline: float) -> bool:
                steps.taken.append(f"{name}.flush")
                return True

        return Part()


class Reports:
    """A sweep that gives these reports one after the other; an exception among them is raised."""

    def __init__(
        self, *reports: SweepReport | Exception, during: Callable[[], Awaitable[object]] | None = None
    ) -> None:
        self._reports = list(reports)
        self._during = during

    async def run_once(self) -> SweepReport:
        """The next report."""
        found = self._reports.pop(0)
        if isinstance(found, Exception):
            raise found
        if self._during is not None:
            await self._during()
        return found


class Estate:
    """Accounts, or the reason why nobody can tell; the last answer stays. None of them was closed."""

    closed: tuple[str, ...] = ()

    def __init__(self, *answers: tuple[AccountRef, ...] | AwsError) -> None:
        self._answers = list(answers)

    async def accounts(self) -> tuple[AccountRef, ...]:
        """The next answer."""
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, AwsError):
            raise answer
        return answer


@dataclass
class Reading:
    """What a life needs of the parts that read AWS."""

    estate: Estate
    partition: str = "aws"
    home_region: str = "eu-west-1"

    @property
    def sessions(self) -> "Reading":
        """Itself: it knows partition and region."""
        return self


def report(
    *accounts: AccountRef, listed: Sequence[AccountRef] | None = None, gone: Sequence[BucketRef] = ()
) -> SweepReport:
    """A sweep over these accounts."""
    return SweepReport(
        accounts=accounts,
        listed=tuple(accounts if listed is None else listed),
        buckets=0,
        failures=(),
        gone=tuple(gone),
        unfinished=(),
        retries=0,
        started_at=START,
        ended_at=START,
    )


def destined() -> Settings:
    """Settings with one destination."""
    hook = '[{"type": "webhook", "name": "all", "url": "https://example.com/hook"}]'
    return load(environ={"S3WARDEN_DESTINATIONS": hook}).settings


async def _nothing(request: RefreshRequest) -> "asyncio.Future[Outcome]":
    future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
    future.set_result(Done())
    return future


async def _no_units() -> Mapping[str, frozenset[str]]:
    return {}


def life(
    path: Pipeline,
    store: Records,
    reports: object = None,
    *,
    scope: Scope | None = None,
    steps: Steps | None = None,
    **more: Any,
) -> Life:
    """A life around a real pipeline, with everything else by hand."""
    taken = steps or Steps()
    guarded = scope or Scope("aws", "eu-west-1", frozenset({ACCOUNT}))
    metrics = Metrics(CollectorRegistry())
    parts: dict[str, Any] = {
        "settings": destined(),
        "parts": Reading(Estate((ACCOUNT,))),
        "queue": taken.part("queue"),
        "recheck": taken.part("recheck"),
        "dispatch": taken.part("dispatch"),
        "sources": [taken.part("source")],
        "health": Health(),
    } | more
    return Life(
        store=store,  # type: ignore[arg-type]
        cache=path.cache,
        pipeline=path,
        intake=Intake(guarded, path.cache, _nothing, metrics),
        sweeper=reports,  # type: ignore[arg-type]
        exempting=Exempting(
            path,
            store,  # type: ignore[arg-type]
            _nothing,
            _no_units,
            [],
            working_hours(Settings()),
            lambda: None,
        ),
        metrics=metrics,
        **parts,
    )


async def known(path: Pipeline, *names: str) -> None:
    """Have the sweep look at these buckets."""
    for name in names:
        await path.refresh(sweep(bucket(name)))


async def test_the_first_sweep_ends_in_one_digest() -> None:
    """Told once for each destination, with all that was found; then the account is settled, and stays so."""
    aws, store = World({HOME: OFF}, {"a": {"GetBucketTagging": {"TagSet": []}}, "b": {"GetBucketAcl": DENIED}}), Meta()
    path = pipeline(aws, store, rules=[LEAK, TAGS], settled=False)
    await known(path, "a", "b")
    its = life(path, store, Reports(report(ACCOUNT), report(ACCOUNT)))
    await its.sweep()
    [message] = store.notifications
    assert message.digest is not None
    assert [(line.rule_id, line.findings) for line in message.digest.lines] == [(TAGS, 1)]
    assert (message.digest.checks, message.digest.checks_unknown) == (4, 1)
    assert message.digest.unknown_by_cause == (("scp", 1),)
    assert path.baseline.accounts == {ACCOUNT}
    assert loads(store.values["told_rules"]) == {ACCOUNT: {LEAK, TAGS}}
    await its.sweep()
    assert len(store.notifications) == 1


async def test_a_digest_told_again_after_a_crash_has_the_same_key() -> None:
    """The store drops the second: the process died between the digest and the note that it was told."""
    aws = World({HOME: OFF}, {"a": {"GetBucketTagging": {"TagSet": []}}})
    keys = []
    for _ in range(2):
        store = Meta()
        path = pipeline(aws, store, rules=[TAGS], settled=False)
        await known(path, "a")
        await life(path, store, Reports(report(ACCOUNT))).sweep()
        keys += [message.dedup_key for message in store.notifications]
    assert len(keys) == 2
    assert len(set(keys)) == 1


async def test_an_account_that_joins_later_has_a_digest_of_its_own() -> None:
    """With another key, and with its own findings only."""
    aws, store = World({HOME: OFF, OTHER.account: OFF}, {"a": {}, "b": {"GetBucketTagging": {"TagSet": []}}}), Meta()
    path = pipeline(aws, store, rules=[TAGS], settled=False)
    await known(path, "a")
    its = life(
        path,
        store,
        Reports(report(ACCOUNT), report(ACCOUNT, OTHER)),
        scope=Scope("aws", "eu-west-1", frozenset({ACCOUNT, OTHER})),
    )
    await its.sweep()
    await path.refresh(sweep(bucket("b", OTHER.account)))
    await its.sweep()
    first, second = store.notifications
    assert first.digest is not None
    assert second.digest is not None
    assert (first.digest.lines, [line.examples for line in second.digest.lines]) == ((), [("b",)])
    assert first.dedup_key != second.dedup_key


async def test_an_account_that_could_not_be_listed_is_not_settled() -> None:
    """Its first look is still to come."""
    store = Meta()
    path = pipeline(World(), store, settled=False)
    await life(path, store, Reports(report(ACCOUNT, listed=[]))).sweep()
    assert (path.baseline.accounts, store.notifications) == (frozenset(), [])


async def test_what_opens_while_the_digest_is_written_is_told_by_itself() -> None:
    """It is not in the digest any more, so it must not pass for a part of it."""
    aws, store = World({HOME: OFF}, {"a": {}}), Meta()
    path = pipeline(aws, store, rules=[TAGS], settled=False)
    its = life(path, store, Reports(report(ACCOUNT)))
    store.gate = asyncio.Event()
    sweeping = asyncio.create_task(its.sweep())
    await asyncio.sleep(0)
    aws.buckets["a"]["GetBucketTagging"] = {"TagSet": []}
    opening = asyncio.create_task(path.refresh(event(bucket("a"), Aspect.TAGGING, name="CreateBucket")))
    for _ in range(20):
        await asyncio.sleep(0)
    store.gate.set()
    await asyncio.gather(sweeping, opening)
    assert store.told == [f"firing {TAGS} a"]


async def test_a_digest_that_was_not_stored_is_not_told() -> None:
    """The next sweep tells it."""
    store = Meta()
    path = pipeline(World({HOME: OFF}), store, settled=False)
    its = life(path, store, Reports(report(ACCOUNT), report(ACCOUNT)))
    store.broken = True
    with pytest.raises(StoreUnavailableError):
        await its.sweep()
    assert path.baseline.accounts == frozenset()
    store.broken = False
    await its.sweep()
    assert (len(store.notifications), path.baseline.accounts) == (1, frozenset({ACCOUNT}))


async def test_what_a_new_rule_found_is_told_in_one_digest_of_its_own() -> None:
    """With its findings only, over its checks only; the next sweep has nothing new to tell."""
    aws = World({HOME: OFF}, {name: {"GetBucketTagging": {"TagSet": []}} for name in ("a", "b")})
    aws.buckets["c"] = {"GetBucketAcl": PUBLIC_READ, "GetBucketTagging": DENIED}
    store = Meta()
    path = pipeline(aws, store, rules=[LEAK, TAGS], settled=False)
    path.remember({ACCOUNT: frozenset({LEAK})})
    await known(path, "a", "b", "c")
    its = life(path, store, Reports(report(ACCOUNT), report(ACCOUNT)))
    await its.sweep()
    page, message = store.notifications
    assert [alert.rule_id for alert in page.alerts] == [LEAK]
    assert message.digest is not None
    assert message.digest.new_rules == (TAGS,)
    assert [(line.rule_id, line.findings) for line in message.digest.lines] == [(TAGS, 2)]
    assert (message.digest.checks, message.digest.checks_unknown, message.digest.live) == (3, 1, ())
    assert digest_title(message.digest) == "1 new rule: 2 findings in 3 buckets of 1 account, no live exposure"
    assert loads(store.values["told_rules"]) == {ACCOUNT: {LEAK, TAGS}}
    await its.sweep()
    assert len(store.notifications) == 2


async def test_a_new_rule_that_found_nothing_is_told_to_nobody() -> None:
    """It is known from then on all the same."""
    store = Meta()
    path = pipeline(World({HOME: OFF}, {"a": {}}), store, rules=[LEAK, TAGS], settled=False)
    path.remember({ACCOUNT: frozenset({LEAK})})
    await known(path, "a")
    await life(path, store, Reports(report(ACCOUNT))).sweep()
    assert (store.notifications, path.baseline.new(ACCOUNT)) == ([], frozenset())


async def test_what_left_the_organisation_ends() -> None:
    """The account's findings and its buckets', known to this process or only to the store."""
    aws = World({OTHER.account: OFF}, {"b": {"GetBucketAcl": PUBLIC_READ}})
    before = pipeline(aws, Meta())
    for subject in (OTHER, bucket("b", OTHER.account)):
        await before.refresh(sweep(subject))
    for cache in (None, before.cache):
        store = Meta()
        path = pipeline(aws, store, cache=cache, ledger=Ledger(before.ledger.findings()))
        await life(path, store, Reports(report(ACCOUNT))).sweep()
        assert sorted(store.steps) == [
            "resolved account-public-access-block account 444455556666 account_left",
            f"resolved {LEAK} b account_left",
        ]
        assert (path.ledger.findings(), path.cache.accounts()) == ((), ())


async def test_an_account_that_joined_during_the_sweep_has_not_left() -> None:
    """The sweep's list is as old as its beginning; the guarded accounts are listed every few minutes."""
    aws, store = World({OTHER.account: OFF}, {"b": {"GetBucketAcl": PUBLIC_READ}}), Meta()
    path = pipeline(aws, store)
    its = life(path, store)

    async def joins() -> None:
        its.intake.guard(Scope("aws", "eu-west-1", frozenset({ACCOUNT, OTHER})))
        await path.refresh(event(bucket("b", OTHER.account)))

    its.sweeper = Reports(report(ACCOUNT), during=joins)  # type: ignore[assignment]
    await its.sweep()
    assert [str(finding.subject) for finding in path.ledger.findings()] == ["b"]


async def test_a_bucket_that_the_settings_leave_out_since_ends() -> None:
    """It was not deleted, and who hears of its end is told so."""
    aws, store = (
        World({HOME: OFF}, {"team-a": {"GetBucketAcl": PUBLIC_READ}, "b": {"GetBucketAcl": PUBLIC_READ}}),
        Meta(),
    )
    path = pipeline(aws, store)
    await known(path, "team-a", "b")
    narrow = Scope("aws", "eu-west-1", frozenset({ACCOUNT}), bucket_prefix="team-")
    await life(path, store, Reports(report(ACCOUNT)), scope=narrow).sweep()
    assert store.steps[-1] == f"resolved {LEAK} b not_guarded"
    assert path.cache.buckets(ACCOUNT) == (bucket("team-a"),)


async def test_a_bucket_that_is_somebody_elses_now_ends() -> None:
    """All that is known of it is that it is denied, and no listing has it."""
    aws, store = World({HOME: OFF}, {"a": {"GetBucketAcl": PUBLIC_READ}}), Meta()
    path = pipeline(aws, store)
    await known(path, "a")
    aws.buckets["a"] = dict.fromkeys(("GetBucketAcl", "GetBucketOwnershipControls", "GetPublicAccessBlock"), DENIED)
    await known(path, "a")
    await life(path, store, Reports(report(ACCOUNT, gone=[bucket("a")]))).sweep()
    assert store.steps[-1] == f"resolved {LEAK} a bucket_deleted"
    assert len(path.cache) == 0


async def test_a_bucket_found_again_after_the_sweep_missed_it_stays() -> None:
    """It was made anew while the sweep went on."""
    aws, store = World({HOME: OFF}, {"a": {"GetBucketAcl": PUBLIC_READ}}), Meta()
    path = pipeline(aws, store)
    await known(path, "a")
    await life(path, store, Reports(report(ACCOUNT, gone=[bucket("a")]))).sweep()
    assert [finding.rule_id for finding in path.ledger.findings()] == [LEAK]


def test_a_sweep_that_cannot_begin_is_tried_again() -> None:
    """While nobody can say which accounts there are, ever more patiently."""

    async def main() -> float:
        store = Meta()
        path = pipeline(World(), store)
        refusal = AwsError("Throttling", cause=Cause.THROTTLED)
        began = virtual.now()
        await life(path, store, Reports(refusal, refusal, refusal, report(ACCOUNT))).sweep()
        return virtual.now() - began

    assert virtual.run(main()) == 1 + 2 + 4


def test_the_guarded_accounts_are_told_as_soon_as_they_are_known() -> None:
    """And are listed again every few minutes; a failure later on changes nothing but the readiness."""

    async def main() -> None:
        store = Meta()
        refusal = AwsError("AccessDenied", cause=Cause.DENIED)
        estate = Estate(refusal, (ACCOUNT,), refusal, (ACCOUNT, OTHER))
        its = life(pipeline(World(), store), store, scope=Scope("aws", "eu-west-1"), parts=Reading(estate))
        task = asyncio.create_task(its._keep_scope())
        await asyncio.sleep(0.5)
        assert (its.intake.scope.accounts, its.health.ready().ok) == (None, False)
        await asyncio.sleep(1)
        assert (its.intake.scope.accounts, its.health.ready().ok) == (frozenset({ACCOUNT}), True)
        await asyncio.sleep(300)
        assert (its.intake.scope.accounts, its.health.ready().ok) == (frozenset({ACCOUNT}), False)
        await asyncio.sleep(2)
        assert its.intake.scope.accounts == frozenset({ACCOUNT, OTHER})
        assert its.pipeline.options.trusted_accounts == tuple(sorted({ACCOUNT.account, OTHER.account}))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    virtual.run(main())


def test_housekeeping_outlives_a_store_that_is_away() -> None:
    """Old rows can wait an hour."""

    async def main() -> int:
        store = Meta()
        store.unable = 2
        task = asyncio.create_task(life(pipeline(World(), store), store)._keep_house())
        await asyncio.sleep(3 * 3600 + 1)
        assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return store.prunes

    assert virtual.run(main()) == 4


async def test_winding_up_goes_with_the_data() -> None:
    """Nothing new, then the work in hand, then the messages to people."""
    steps, store = Steps(), Meta()
    its = life(pipeline(World(), store), store, steps=steps)
    its.timetable = steps.part("timetable")
    await its.wind_up(10)
    assert steps.taken == [
        "timetable.stop",
        "recheck.stop",
        "source.stop_intake",
        "queue.drain",
        "source.drain",
        "dispatch.flush",
    ]


async def test_the_state_is_seen_whole() -> None:
    """Findings, buckets of every guarded account, those without any too, and the rules in force."""
    aws, store = World({HOME: OFF}, {"a": {"GetBucketAcl": PUBLIC_READ}}), Meta()
    path = pipeline(aws, store)
    await known(path, "a")
    its = life(path, store, scope=Scope("aws", "eu-west-1", frozenset({ACCOUNT, OTHER})))
    view = its.view()
    assert view.findings == path.ledger.findings()
    assert view.buckets == {ACCOUNT: 1, OTHER: 0}
    assert (view.bucket_rules, view.account_rules, view.named) == ([LEAK], ["account-public-access-block"], 0)
    its.settings = load(environ={"S3WARDEN_METRICS__EXPOSED_BUCKETS": "true"}).settings
    assert its.view().named == 500
