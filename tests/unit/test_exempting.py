"""What time does to exemptions, over a real pipeline: ends, reloads, reminders, units, and what survives a restart."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import structlog

from s3warden.assembly import working_hours
from s3warden.aws.errors import AwsError
from s3warden.collect.cache import Cache
from s3warden.detect.exemptions.register import Register
from s3warden.detect.house import House
from s3warden.detect.ledger import Ledger
from s3warden.exempting import Exempting
from s3warden.model.bucket import AccountRef, Aspect, Cause
from s3warden.model.event import Origin, Outcome, RefreshRequest
from s3warden.model.exemption import Exemption, Scope
from s3warden.model.finding import ChangeKind, Finding
from s3warden.settings.sections import Settings
from s3warden.store.errors import StoreUnavailableError
from support.exempting import exemption, public
from support.spine import HOME, OFF, PUBLIC_READ, START, Answer, Clock, Records, World, bucket, event, pipeline, sweep

LEAK = "bucket-acl-public-read"
LISTING = public("s3:ListBucket*")


class Meta(Records):
    """A store that keeps single values too."""

    def __init__(self, values: dict[str, str] | None = None) -> None:
        super().__init__()
        self.values = {} if values is None else values

    async def put(self, key: str, value: str) -> None:
        """Keep it."""
        self.values[key] = value

    async def get(self, key: str) -> str | None:
        """What was kept."""
        return self.values.get(key)


@dataclass
class Organisation:
    """Says which units are above each account, or why it cannot."""

    answer: Mapping[str, frozenset[str]] | AwsError = field(default_factory=dict)
    asked: int = 0

    async def units(self) -> Mapping[str, frozenset[str]]:
        """The answer."""
        self.asked += 1
        if isinstance(self.answer, AwsError):
            raise self.answer
        return self.answer


class Aws(World):
    """A world without access points."""

    async def account(self, ref: AccountRef, operation: str, **parameters: object) -> Answer:
        """The block, and no points."""
        if "AccessPoints" not in operation:
            return await super().account(ref, operation, **parameters)
        self.asked.append(f"{ref.account} {operation}")
        return {"AccessPointList": [], "AccessPoints": []}


class Daemon:
    """A pipeline with exemptions, and what keeps them true; a look is made as soon as it is asked for."""

    def __init__(
        self,
        *written: Exemption,
        aws: World | None = None,
        store: Meta | None = None,
        cache: Cache | None = None,
        findings: Sequence[Finding] = (),
        clock: Clock | None = None,
        organisation: Organisation | None = None,
    ) -> None:
        self.aws = aws or Aws({HOME: OFF}, {"ledger": {"GetBucketAcl": PUBLIC_READ}})
        self.store = store or Meta()
        self.clock = clock or Clock()
        self.organisation = organisation or Organisation()
        self.asked: list[RefreshRequest] = []
        self.path = pipeline(
            self.aws,
            self.store,
            rules=[LEAK],
            cache=cache,
            ledger=Ledger(findings),
            clock=self.clock,
            house=House(register=Register(written)),
        )
        self.exempting = Exempting(
            self.path,
            self.store,
            self._look,
            self.organisation.units,
            ["all"],
            working_hours(Settings()),
            lambda: None,
            self.clock,
        )
        self.path.spend = self.exempting.spend

    async def _look(self, request: RefreshRequest) -> "asyncio.Future[Outcome]":
        self.asked.append(request)
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        future.set_result(await self.path.refresh(request))
        return future

    async def starts(self) -> None:
        """What the loop does first."""
        await self.exempting.recall()
        running = asyncio.create_task(self.exempting.run())
        for _ in range(500):
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    async def later(self, **span: float) -> None:
        """Time passes, and the loop looks at it."""
        before = self.clock()
        self.clock.pass_by(timedelta(**span).total_seconds())
        await self.exempting.tick(before, self.clock())
        await asyncio.sleep(0)

    def reborn(self, *written: Exemption, keep_cache: bool = True, **more: Any) -> "Daemon":
        """The next life with other exemptions, or the next process."""
        return Daemon(
            *written,
            aws=self.aws,
            store=self.store,
            cache=self.path.cache if keep_cache else None,
            findings=self.path.ledger.findings(),
            clock=self.clock,
            **more,
        )

    @property
    def exempt(self) -> list[str | None]:
        """By what each open finding is exempt."""
        return [finding.exempt.id if finding.exempt else None for finding in self.path.ledger.findings()]


def leak(name: str = "assets", **fields: Any) -> Exemption:
    """An exemption of the leak, for an hour."""
    return exemption(name, **({"rules": (LEAK,), "approved": LISTING, "ends_at": START + timedelta(hours=1)} | fields))


async def test_a_leak_that_was_approved_is_stored_and_told_to_nobody() -> None:
    """The finding is open and says by what it is exempt."""
    daemon = Daemon(leak())
    await daemon.path.refresh(event(bucket("ledger")))
    assert daemon.exempt == ["assets"]
    assert daemon.store.told == []
    assert daemon.store.steps == [f"opened {LEAK} ledger fail"]


async def test_the_clock_ends_it_without_any_event() -> None:
    """At its end the finding is judged again from what is known, fires, and AWS is not asked."""
    daemon = Daemon(leak())
    await daemon.path.refresh(event(bucket("ledger")))
    daemon.aws.asked.clear()
    await daemon.later(minutes=59)
    assert daemon.store.told == []
    await daemon.later(minutes=2)
    assert daemon.exempt == [None]
    assert daemon.store.told == [f"firing {LEAK} ledger"]
    assert daemon.store.steps[-1] == f"updated {LEAK} ledger exemption_ended"
    assert daemon.aws.asked == []
    assert [request.origin for request in daemon.asked] == [Origin.EXEMPTION]
    assert "it ended at 2026-03-01 13:00 UTC" in daemon.store.notifications[0].alerts[0].lapsed[0]
    await daemon.later(minutes=5)
    assert len(daemon.store.told) == 1


async def test_an_end_that_could_not_be_stored_is_stored_later() -> None:
    """An exemption that has ended has no effect; a database that is away does not change that."""
    daemon = Daemon(leak())
    await daemon.path.refresh(event(bucket("ledger")))
    daemon.store.broken = True
    await daemon.later(minutes=61)
    assert daemon.exempt == ["assets"]
    daemon.store.broken = False
    await daemon.later(seconds=30)
    assert daemon.exempt == [None]
    assert daemon.store.told == [f"firing {LEAK} ledger"]
    await daemon.later(seconds=30)
    assert len(daemon.asked) == 2


async def test_a_file_that_is_taken_away_fires_with_the_next_life() -> None:
    """From what is known, without a read."""
    daemon = Daemon(leak())
    await daemon.path.refresh(event(bucket("ledger")))
    daemon.aws.asked.clear()
    after = daemon.reborn()
    await after.starts()
    assert after.store.told == [f"firing {LEAK} ledger"]
    assert after.aws.asked == []


async def test_a_file_that_is_new_ends_the_alert_with_the_next_life() -> None:
    """Those who heard of the leak hear that it is accepted."""
    daemon = Daemon()
    await daemon.path.refresh(event(bucket("ledger")))
    after = daemon.reborn(leak())
    await after.starts()
    assert after.store.told == [f"firing {LEAK} ledger", f"resolved {LEAK} ledger"]
    assert after.store.notifications[-1].alerts[0].reason == "exempted"
    assert after.exempt == ["assets"]


async def test_an_exemption_that_is_gone_ends_even_where_nothing_was_read_since() -> None:
    """After a restart the cache is empty: the bucket is read, and if it cannot be, the exemption ends all the same."""
    daemon = Daemon(leak())
    await daemon.path.refresh(event(bucket("ledger")))
    denied = AwsError("AccessDenied", status=403, cause=Cause.SCP)
    daemon.aws.buckets["ledger"] = {"GetBucketAcl": denied}
    after = daemon.reborn(keep_cache=False)
    await after.starts()
    assert after.exempt == [None]
    assert after.store.told == [f"firing {LEAK} ledger"]


async def test_a_restart_tells_nobody_of_what_is_still_exempt() -> None:
    """The same leak, the same exemption: resumed."""
    daemon = Daemon(leak())
    await daemon.path.refresh(event(bucket("ledger")))
    after = daemon.reborn(leak(), keep_cache=False)
    await after.starts()
    await after.path.refresh(sweep(bucket("ledger")))
    assert after.store.told == []
    assert after.store.changes[-1].kind is ChangeKind.RESUMED


async def test_an_unchanged_life_judges_and_tells_nothing_new() -> None:
    """A reload with the same files changes no finding."""
    daemon = Daemon(leak())
    await daemon.path.refresh(event(bucket("ledger")))
    steps = list(daemon.store.steps)
    after = daemon.reborn(leak())
    await after.starts()
    assert [step for step in after.store.steps if not step.startswith("resumed")] == steps


async def test_what_was_given_until_resolved_is_over_with_the_fix() -> None:
    """The next leak of the same bucket pages, also after a restart."""
    once = leak("once", until_resolved=True, ends_at=START + timedelta(days=30))
    daemon = Daemon(once)
    await daemon.path.refresh(event(bucket("ledger")))
    daemon.aws.buckets["ledger"] = {}
    await daemon.path.refresh(event(bucket("ledger")))
    assert json.loads(daemon.store.values["exemptions_spent"])[0][0] == "once"
    assert daemon.store.told == []
    after = daemon.reborn(once, keep_cache=False)
    await after.starts()
    after.aws.buckets["ledger"] = {"GetBucketAcl": PUBLIC_READ}
    await after.path.refresh(event(bucket("ledger")))
    assert after.store.told == [f"firing {LEAK} ledger"]
    assert "until the finding is resolved, and it was" in after.store.notifications[0].alerts[0].lapsed[0]


async def test_one_reminder_a_day_of_reminders_however_often_it_starts() -> None:
    """In memory by this life, in the outbox by its key."""
    ends = leak(ends_at=START + timedelta(days=3))
    daemon = Daemon(ends)
    daemon.clock.pass_by(86400)  # Monday at noon
    for _ in range(3):
        await daemon.later(minutes=1)
    keys = [note.dedup_key for note in daemon.store.notifications]
    after = daemon.reborn(ends)
    await after.later(minutes=1)
    again = [note.dedup_key for note in after.store.notifications]
    assert len(keys) == 1
    assert len(set(again)) == 1


async def test_a_reminder_that_could_not_be_stored_is_tried_again() -> None:
    """Nobody may miss it for a database that was away."""
    daemon = Daemon(leak(ends_at=START + timedelta(days=3)))
    daemon.clock.pass_by(86400)
    daemon.store.broken = True
    await daemon.later(minutes=1)
    daemon.store.broken = False
    await daemon.later(minutes=1)
    assert len(daemon.store.notifications) == 1


UNIT = frozenset({"r-ab12", "ou-ab12-cdefgh34"})
BY_UNIT = leak("unit", scope=Scope(units=("ou-ab12-cdefgh34",)), ends_at=START + timedelta(days=30))
AWAY = AwsError("AccessDeniedException", status=400, cause=Cause.DENIED)


async def test_an_account_that_moves_out_of_a_unit_is_exempt_no_more() -> None:
    """Its buckets are judged again as soon as the organisation tells."""
    organisation = Organisation({HOME: UNIT})
    daemon = Daemon(BY_UNIT, organisation=organisation)
    await daemon.exempting.recall()
    await daemon.path.refresh(event(bucket("ledger")))
    assert daemon.exempt == ["unit"]
    organisation.answer = {HOME: frozenset({"r-ab12"})}
    await daemon.later(minutes=5)
    assert daemon.exempt == ["unit"]
    await daemon.later(minutes=15)
    assert daemon.exempt == [None]
    assert organisation.asked == 2


async def test_what_the_organisation_said_is_believed_for_a_day() -> None:
    """Over a restart too; then nothing is below any unit."""
    organisation = Organisation({HOME: UNIT})
    daemon = Daemon(BY_UNIT, organisation=organisation)
    await daemon.exempting.recall()
    await daemon.path.refresh(event(bucket("ledger")))
    after = daemon.reborn(BY_UNIT, organisation=Organisation(AWAY))
    await after.starts()
    assert after.exempt == ["unit"]
    await after.later(hours=25)
    assert after.exempt == [None]


async def test_nobody_asks_the_organisation_for_nothing() -> None:
    """Without a unit in any scope the call is not made."""
    daemon = Daemon(leak())
    await daemon.starts()
    await daemon.later(hours=1)
    assert daemon.organisation.asked == 0


async def test_the_report_names_the_unused_and_the_ended() -> None:
    """In the log after each sweep, and as figures for the metrics."""
    idle, over = leak("idle", scope=Scope(buckets=("other",))), leak("over", ends_at=START - timedelta(days=1))
    daemon = Daemon(leak(), idle, over)
    await daemon.path.refresh(event(bucket("ledger")))
    with structlog.testing.capture_logs() as lines:
        daemon.exempting.report()
    assert daemon.exempting.counts() == {"in_force": 2, "unused": 1, "ended": 1}
    (line,) = lines
    assert (line["event"], line["ended"], line["unused"]) == ("exemptions_reported", ["over"], ["idle"])


async def test_a_store_that_is_away_keeps_nothing_over() -> None:
    """What could not be written down is not over yet: the look is tried again."""
    once = leak("once", until_resolved=True)
    daemon = Daemon(once)
    await daemon.path.refresh(event(bucket("ledger")))
    daemon.aws.buckets["ledger"] = {}

    async def away(_key: str, _value: str) -> None:
        raise StoreUnavailableError("away")

    daemon.store.put = away  # type: ignore[method-assign, assignment]
    await daemon.path.refresh(event(bucket("ledger")))
    assert daemon.exempt == ["once"]
    assert daemon.path.house.register.spent == set()


async def test_the_guard_of_fixes_asks_the_same() -> None:
    """On the state that it has just read."""
    daemon = Daemon(leak())
    await daemon.path.refresh(event(bucket("ledger")))
    (finding,) = daemon.path.ledger.findings()
    state = daemon.path.cache.bucket(bucket("ledger"))
    assert state is not None
    assert daemon.path.exempt_by(finding, state) == "assets"
    daemon.clock.pass_by(3600)
    assert daemon.path.exempt_by(finding, state) is None


async def test_tags_are_read_where_a_scope_asks_for_them() -> None:
    """Though no rule does."""
    daemon = Daemon(leak(scope=Scope(tags=("Name=x",))))
    await daemon.path.refresh(event(bucket("ledger")))
    assert Aspect.TAGGING in daemon.path.needed
    assert "ledger GetBucketTagging" in daemon.aws.asked
    assert daemon.exempt == ["assets"]
