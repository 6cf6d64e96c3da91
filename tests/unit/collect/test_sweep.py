"""The sweep: everything is looked at, nothing stops it, and only what is truly gone is called gone."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from prometheus_client import CollectorRegistry

from s3warden.aws.errors import AwsError
from s3warden.collect.cache import Cache
from s3warden.collect.sources.sweep import EVERYWHERE, Sweep, SweepFailure, SweepLimits
from s3warden.model.bucket import (
    ABSENT,
    ACCOUNT_ASPECTS,
    AccountRef,
    Aspect,
    BucketRef,
    BucketState,
    Cause,
    Reading,
    Subject,
    Unreadable,
)
from s3warden.model.event import Done, Listing, Origin, Outcome, RefreshRequest, Retry
from s3warden.telemetry.metrics import Metrics
from support import virtual

AT = datetime(2026, 11, 1, tzinfo=UTC)
ONE = AccountRef("aws", "111111111111")
TWO = AccountRef("aws", "222222222222")
WANTED = frozenset({Aspect.ACL, Aspect.POLICY, *ACCOUNT_ASPECTS})
DENIED = AwsError("AccessDenied", "no", cause=Cause.SCP, status=403)


def ref(name: str, account: AccountRef = ONE) -> BucketRef:
    """A bucket of `account`."""
    return BucketRef(account.partition, account.account, "eu-west-1", name)


@dataclass
class World:
    """An estate, and a refresh queue that finds in it what the test put there. Every request is recorded.

    A value of `accounts` that is an error is raised by the listing of that account. `readings` are what a look finds;
    a bucket that is neither listed nor in `readings` does not exist.
    """

    accounts: Mapping[AccountRef, Listing | Exception]
    readings: dict[BucketRef, Mapping[Aspect, Reading[object]]] = field(default_factory=dict)
    outcomes: dict[Subject, list[Outcome]] = field(default_factory=dict)
    requests: list[RefreshRequest] = field(default_factory=list)
    cache: Cache = field(default_factory=Cache)
    metrics: Metrics = field(default_factory=lambda: Metrics(CollectorRegistry()))
    on_listing: Callable[[], None] = lambda: None
    refused: AwsError | None = None
    listing_now: int = 0
    listing_most: int = 0

    def sweep(self, limits: SweepLimits | None = None, known: Iterable[BucketRef] = ()) -> Sweep:
        """A sweep over this world."""
        return Sweep(
            self.Places(self),
            self.submit,
            self.cache,
            aspects=WANTED,
            metrics=self.metrics,
            known=lambda account: [bucket for bucket in known if bucket.owner == account],
            limits=limits,
            now=lambda: AT,
        )

    @dataclass
    class Places:
        """The estate's two questions."""

        world: "World"

        async def accounts(self) -> tuple[AccountRef, ...]:
            """All accounts."""
            if self.world.refused is not None:
                raise self.world.refused
            return tuple(self.world.accounts)

        async def listing(self, account: AccountRef) -> Listing:
            """One account's buckets."""
            self.world.listing_now += 1
            self.world.listing_most = max(self.world.listing_most, self.world.listing_now)
            await asyncio.sleep(1)
            self.world.listing_now -= 1
            self.world.on_listing()
            found = self.world.accounts[account]
            if isinstance(found, Exception):
                raise found
            return found

    async def submit(self, request: RefreshRequest) -> "asyncio.Future[Outcome]":
        """Look at once, and answer a little later."""
        self.requests.append(request)
        subject = request.subject
        if isinstance(subject, BucketRef):
            self._look(subject)
        outcomes = self.outcomes.get(subject)
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0.1, future.set_result, outcomes.pop(0) if outcomes else Done())
        return future

    def _look(self, bucket: BucketRef) -> None:
        listing = self.accounts.get(bucket.owner)
        listed = isinstance(listing, Listing) and bucket in listing.buckets
        readings = self.readings.get(bucket, {Aspect.ACL: ABSENT} if listed else None)
        self.cache.replace(BucketState(bucket, AT, readings or {}, exists=readings is not None))

    def sample(self, name: str, **labels: str) -> float | None:
        """One sample of the registry."""
        return self.metrics.registry.get_sample_value(f"s3warden_{name}", labels)

    @property
    def names(self) -> list[str]:
        """What was asked for, in order."""
        return [str(request.subject) for request in self.requests]


def listing(account: AccountRef, *names: str, **failures: str) -> Listing:
    """What an account holds; `failures` by region, with `_` for `-`."""
    found = {region.replace("_", "-"): cause for region, cause in failures.items()}
    return Listing(account, tuple(ref(name, account) for name in names), found)


def on_virtual_time(test: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    """Run a test on a loop of its own whose time jumps."""

    async def main() -> None:
        await test()

    def run() -> None:
        virtual.run(main())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


@on_virtual_time
async def test_every_bucket_of_every_account_is_looked_at() -> None:
    """The account first, then its buckets, each with the aspects of its kind, all in the name of the sweep."""
    world = World({ONE: listing(ONE, "a", "b"), TWO: listing(TWO, "c")})
    report = await world.sweep(SweepLimits(parallel=1)).run_once()
    assert world.names == [str(ONE), "a", "b", str(TWO), "c"]
    assert {request.origin for request in world.requests} == {Origin.SWEEP}
    assert world.requests[0].aspects == ACCOUNT_ASPECTS
    assert world.requests[1].aspects == {Aspect.ACL, Aspect.POLICY}
    assert (report.accounts, report.listed, report.buckets) == ((ONE, TWO), (ONE, TWO), 3)
    assert report.complete
    assert world.sample("sweep_last_success_timestamp_seconds") == AT.timestamp()
    assert world.sample("account_last_success_timestamp_seconds", account_id=ONE.account) == AT.timestamp()
    assert world.sample("sweep_in_progress") == 0


@on_virtual_time
async def test_a_broken_account_stops_no_other() -> None:
    """A denied account and one that crashes the code are told with their cause; the others are swept."""
    crashing, denied = AccountRef("aws", "000000000001"), AccountRef("aws", "000000000002")
    world = World({crashing: RuntimeError("boom"), denied: DENIED, TWO: listing(TWO, "c")})
    report = await world.sweep(SweepLimits(parallel=1)).run_once()
    assert report.failures == (
        SweepFailure(crashing, EVERYWHERE, "error", "RuntimeError"),
        SweepFailure(denied, EVERYWHERE, "scp", "AccessDenied: no"),
    )
    assert report.failure_texts() == ("account 000000000001: error", "account 000000000002: scp")
    assert (report.listed, report.buckets, report.complete) == ((TWO,), 1, False)
    assert world.sample("sweep_failures_total", reason="scp") == 1
    assert world.sample("account_last_success_timestamp_seconds", account_id=denied.account) is None


@on_virtual_time
async def test_a_region_that_cannot_be_listed_is_told() -> None:
    """The rest of the account is looked at, and the account does not count as listed in full."""
    world = World({ONE: listing(ONE, "a", eu_north_1="region_off", ap_east_1="made up")})
    report = await world.sweep().run_once()
    assert report.failure_texts() == (
        "account 111111111111 eu-north-1: region_off",
        "account 111111111111 ap-east-1: made up",
    )
    assert (report.listed, report.buckets) == ((ONE,), 1)
    assert world.sample("sweep_failures_total", reason="error") == 1
    assert world.sample("account_last_success_timestamp_seconds", account_id=ONE.account) is None


@on_virtual_time
async def test_an_account_of_which_nothing_was_listed_is_not_listed() -> None:
    """A listing that failed as a whole is no listing."""
    world = World({ONE: Listing(ONE, (), {EVERYWHERE: "scp"})})
    assert (await world.sweep().run_once()).listed == ()


@on_virtual_time
async def test_without_the_accounts_there_is_no_sweep() -> None:
    """If the accounts cannot be told nothing is concluded: the error goes to the caller."""
    world = World({ONE: listing(ONE, "a")}, refused=DENIED)
    with pytest.raises(AwsError):
        await world.sweep().run_once()
    assert world.requests == []
    assert world.sample("sweep_in_progress") == 0
    assert not world.sample("sweep_last_success_timestamp_seconds")


@on_virtual_time
async def test_a_bucket_that_is_gone_is_found_out() -> None:
    """A known bucket missing from a complete listing is looked at, and reported gone when it does not exist."""
    world = World({ONE: listing(ONE, "a")})
    for name in ("a", "deleted"):
        world.cache.replace(BucketState(ref(name), AT, {Aspect.ACL: ABSENT}))
    report = await world.sweep().run_once()
    assert report.gone == (ref("deleted"),)
    assert world.cache.bucket(ref("deleted")) is None


@on_virtual_time
async def test_a_bucket_that_only_findings_know_is_found_out() -> None:
    """After a restart the cache is empty, and yet a bucket deleted meanwhile is looked for."""
    world = World({ONE: listing(ONE, "a")})
    report = await world.sweep(known=[ref("a"), ref("deleted")]).run_once()
    assert report.gone == (ref("deleted"),)
    assert world.names.count("a") == 1


@on_virtual_time
async def test_a_name_that_belongs_to_others_now_is_gone() -> None:
    """A bucket that is not listed and of which everything is denied has another owner."""
    world = World({ONE: listing(ONE)})
    world.readings[ref("moved")] = {
        Aspect.ACL: Unreadable(Cause.DENIED),
        Aspect.POLICY: Unreadable(Cause.ROLE_PERMISSION),
    }
    world.cache.replace(BucketState(ref("moved"), AT, {Aspect.ACL: ABSENT}))
    assert (await world.sweep().run_once()).gone == (ref("moved"),)


@pytest.mark.parametrize(
    "readings",
    [
        {Aspect.ACL: Unreadable(Cause.DENIED), Aspect.POLICY: ABSENT},
        {Aspect.ACL: Unreadable(Cause.THROTTLED)},
        {},
    ],
)
def test_a_bucket_that_may_be_there_is_not_gone(readings: Mapping[Aspect, Reading[object]]) -> None:
    """An unlisted bucket that can be read, or whose reads failed for another reason, is kept."""

    async def main() -> None:
        world = World({ONE: listing(ONE)}, readings={ref("late"): readings})
        world.cache.replace(BucketState(ref("late"), AT))
        assert (await world.sweep().run_once()).gone == ()

    virtual.run(main())


@on_virtual_time
async def test_an_incomplete_listing_proves_nothing_gone() -> None:
    """With a region missing, a bucket that is not listed is left alone."""
    world = World({ONE: listing(ONE, eu_north_1="unreachable")})
    world.cache.replace(BucketState(ref("elsewhere"), AT))
    report = await world.sweep().run_once()
    assert (report.gone, world.names) == ((), [str(ONE)])


@on_virtual_time
async def test_a_bucket_made_during_the_listing_is_not_gone() -> None:
    """What an event told of while the listing was under way is not looked for."""
    world = World({ONE: listing(ONE, "a")})
    world.on_listing = lambda: world.cache.replace(BucketState(ref("new"), AT))
    report = await world.sweep().run_once()
    assert (report.gone, world.names) == ((), [str(ONE), "a"])


@on_virtual_time
async def test_an_account_is_looked_at_once_it_is_known_where_it_has_buckets() -> None:
    """Its services are read in those regions; its buckets come after it."""
    seen: list[int] = []
    world = World({ONE: listing(ONE, "a")})
    world.on_listing = lambda: seen.append(len(world.requests))
    await world.sweep().run_once()
    assert seen == [0]
    assert [request.subject for request in world.requests] == [ONE, ref("a")]


@on_virtual_time
async def test_a_retry_is_tried_again() -> None:
    """A subject whose look asks for it has more tries; one that never works is told as unfinished."""
    world = World(
        {ONE: listing(ONE, "a", "stubborn")},
        outcomes={ref("a"): [Retry("throttled")], ref("stubborn"): [Retry("throttled")] * 9, ONE: [Retry("x"), Done()]},
    )
    begin = virtual.now()
    report = await world.sweep(SweepLimits(attempts=3, pause=10)).run_once()
    assert (report.unfinished, report.retries, report.buckets) == ((ref("stubborn"),), 4, 2)
    assert not report.complete
    assert world.names == [str(ONE), str(ONE), "a", "stubborn", "a", "stubborn", "stubborn"]
    assert round(virtual.now() - begin, 1) == 1 + 10 + 10 + 20 + 0.5


@on_virtual_time
async def test_accounts_are_swept_in_parallel_within_bounds() -> None:
    """No more accounts at a time than allowed."""
    world = World({AccountRef("aws", f"{n:012d}"): listing(AccountRef("aws", f"{n:012d}")) for n in range(10)})
    await world.sweep(SweepLimits(parallel=3)).run_once()
    assert world.listing_most == 3


@on_virtual_time
async def test_a_second_call_joins_the_first() -> None:
    """Two calls at once are one sweep with one report; a later call is another."""
    world = World({ONE: listing(ONE, "a")})
    sweep = world.sweep()
    first, second = await asyncio.gather(sweep.run_once(), sweep.run_once())
    assert first is second
    assert len(world.requests) == 2
    assert await sweep.run_once() is not first


@on_virtual_time
async def test_cancelling_ends_the_sweep() -> None:
    """A cancelled sweep leaves nothing running, and the next one works."""
    world = World({ONE: listing(ONE, "a")})
    sweep = world.sweep()
    task = asyncio.create_task(sweep.run_once())
    await asyncio.sleep(0.5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert world.sample("sweep_in_progress") == 0
    assert (await sweep.run_once()).buckets == 1


@on_virtual_time
async def test_progress_is_told() -> None:
    """Done and listed so far, rising to the number of all buckets."""
    told: list[tuple[int, int]] = []
    world = World({ONE: listing(ONE, "a", "b"), TWO: listing(TWO, "c")})
    await world.sweep().run_once(lambda done, total: told.append((done, total)))
    assert told[-1] == (3, 3)
    assert told == sorted(told)
