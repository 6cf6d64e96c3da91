"""The journal of remediations and the audit log: durable, repeatable, chained, readable beside the daemon."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from s3warden.model.action import Call, Effect, Mode, RemediationPlan, Result, Risk, Step
from s3warden.model.finding import Verdict
from s3warden.model.remediation import Asked, AuditEntry, Progress, Remediation, Request, Stage, StepState
from s3warden.store.chain import Flaw, Link
from s3warden.store.codec import UndecodableError
from s3warden.store.errors import StoreAddressError, StoreError, StoreVersionError
from s3warden.store.journal import AmbiguousIdError, Filter
from s3warden.store.store import Store
from s3warden.store.visit import Visit
from s3warden.telemetry.metrics import Metrics
from support.alerts import BUCKET, NIGHT, PUT_ACL, notification
from support.stores import run_sql

GET = Call("s3", "GetBucketAcl", '{"Bucket":"b"}', "eu-west-1")
PUT = Call("s3", "PutBucketAcl", '{"Bucket":"b","x":"\\u0000é😀"}', "eu-west-1")
PLAN = RemediationPlan(
    remedy="remove-public-grants",
    rule_id="bucket-acl-public-read",
    fingerprint="f" * 32,
    evidence="e" * 16,
    subject=BUCKET,
    steps=(Step("acl", "remove READ", GET, PUT, PUT, '{"a":1}', None, '{"a":1}'),),
    risk=Risk.LOW,
    risk_text="none",
    effect=Effect(True, False, ("list",), (), Verdict.PASS),
    made_at=NIGHT,
)


def entry(id_: str = "k7m2q4xd9a", **fields: object) -> Remediation:
    """A fix that ended."""
    whole = Remediation(
        id=id_,
        fingerprint=PLAN.fingerprint,
        rule_id=PLAN.rule_id,
        subject=BUCKET,
        evidence=PLAN.evidence,
        created_at=NIGHT,
        changed_at=NIGHT,
        stage=Stage.ENDED,
        plan=PLAN,
        progress=(Progress(StepState.WRITTEN, 1, NIGHT, NIGHT, None),),
        mode=Mode.AUTO,
        because="acls allows it.",
        trigger=PUT_ACL,
        ended_at=NIGHT,
        result=Result.FIXED,
    )
    return replace(whole, **fields)  # type: ignore[arg-type]


def held(id_: str, **fields: object) -> Remediation:
    """One that waits."""
    waiting: dict[str, object] = {"stage": Stage.HELD, "result": None, "ended_at": None, "reason": "window"}
    return entry(id_, **(waiting | fields))


def line(number: int = 0, kind: str = "ended") -> AuditEntry:
    """A line for the audit log."""
    return AuditEntry(
        NIGHT + timedelta(microseconds=number), kind, {"remediation": "k7m2", "text": "é\ud800\0", "n": number}
    )


async def test_what_was_recorded_is_there_after_a_restart(store: Store, url: str, metrics: Metrics) -> None:
    """The entry whole, the line in the chain, and the message in the outbox."""
    await store.journal.record([entry()], [line()], [notification()])
    await store.close()
    async with await Store.open(url, metrics=metrics) as again:
        assert await again.journal.find("k7m2") == entry()
        (record,) = await again.journal.audit(0, 10)
        assert (record.seq, record.kind, json.loads(record.body)["n"]) == (1, "ended", 0)
        assert [each.notification for each in await again.due("oncall", NIGHT + timedelta(days=9999), 9)] == [
            notification()
        ]


async def test_an_older_state_never_replaces_a_newer_one(store: Store) -> None:
    """And the same state may be recorded again."""
    newer = entry(version=5, reason="newer")
    await store.journal.record([newer])
    await store.journal.record([entry(version=4)])
    await store.journal.record([newer])
    assert await store.journal.find(newer.id) == newer


async def test_an_entry_is_found_by_the_beginning_of_its_id(store: Store) -> None:
    """A beginning that fits several is refused, a whole id is always good."""
    await store.journal.record([entry("abcd"), entry("abce"), entry("abcdefghjk")])
    assert (await store.journal.find("abce")) == entry("abce")
    assert (await store.journal.find("abcd")) == entry("abcd")
    assert await store.journal.find("zz") is None
    assert await store.journal.find("%") is None
    with pytest.raises(AmbiguousIdError, match="give more of the id"):
        await store.journal.find("abc")


async def test_a_plan_that_was_tampered_with_is_never_used(store: Store, url: str) -> None:
    """An undo writes what stands there, so that it stands under a checksum."""
    await store.journal.record([entry()])
    await run_sql(url, "UPDATE remediations SET plan = replace(plan, 'PutBucketAcl', 'DeleteBucket')")
    with pytest.raises(UndecodableError, match="checksum"):
        await store.journal.find("k7m2")
    assert await store.journal.latest(10) == []


async def test_lists_are_bounded_and_filtered(store: Store) -> None:
    """The latest change first; by stage, rule and subject; page by page."""
    entries = [entry(f"e{n}", changed_at=NIGHT + timedelta(minutes=n)) for n in range(5)]
    waiting = held("h1", changed_at=NIGHT + timedelta(hours=1), rule_id="other")
    await store.journal.record([*entries, waiting])
    journal = store.journal
    assert [e.id for e in await journal.latest(3)] == ["h1", "e4", "e3"]
    assert [e.id for e in await journal.latest(9, Filter(stage=Stage.HELD))] == ["h1"]
    assert [e.id for e in await journal.latest(9, Filter(rule_id="other", subject=BUCKET.key))] == ["h1"]
    assert [e.id for e in await journal.latest(2, Filter(before=entries[2].changed_at))] == ["e1", "e0"]
    assert [e.id for e in await journal.unfinished()] == ["h1"]
    assert [e.id for e in await journal.about(BUCKET.key, NIGHT + timedelta(minutes=2))] == ["h1", "e4", "e3"]


async def test_time_boxed_fixes_come_in_the_order_of_their_end(store: Store) -> None:
    """Those that were kept or taken back are not among them."""
    await store.journal.record(
        [
            entry("late", until=NIGHT + timedelta(hours=2)),
            entry("soon", until=NIGHT + timedelta(hours=1)),
            entry("kept"),
        ]
    )
    assert [e.id for e in await store.journal.timed()] == ["soon", "late"]


async def test_many_writers_make_one_chain(store: Store) -> None:
    """Two hundred at once: one number each, each upon the one before."""
    await asyncio.gather(*(store.journal.record([], [line(n), line(n, "again")]) for n in range(100)))
    records = await store.journal.audit(0, 1000)
    assert [record.seq for record in records] == list(range(1, 201))
    assert await store.journal.verify_audit() == Link(200, records[-1].hash)


@pytest.mark.parametrize(
    ("sql", "flaw"),
    [
        ("UPDATE audit SET body = '{}' WHERE seq = 3", Flaw(3, "was changed after it was written")),
        ("UPDATE audit SET kind = 'x' WHERE seq = 1", Flaw(1, "was changed after it was written")),
        ("DELETE FROM audit WHERE seq = 3", Flaw(3, "missing: the next record is number 4")),
        ("DELETE FROM audit WHERE seq = 1", Flaw(1, "missing: the next record is number 2")),
        ("UPDATE audit SET previous = hash WHERE seq = 4", Flaw(4, "does not follow upon the record before it")),
    ],
)
async def test_whoever_touches_the_audit_log_is_found_out(store: Store, url: str, sql: str, flaw: Flaw) -> None:
    """The first record that does not hold is named."""
    await store.journal.record([], [line(n) for n in range(5)])
    await run_sql(url, sql)
    assert await store.journal.verify_audit() == flaw


async def test_the_audit_log_holds_after_its_oldest_part_was_forgotten(
    store: Store, url: str, metrics: Metrics
) -> None:
    """Also after a restart, and as it grows."""
    await store.journal.record([], [replace(line(n), at=NIGHT + timedelta(days=n)) for n in range(6)])
    assert await store.journal.prune(NIGHT + timedelta(days=3)) == 3
    assert await store.journal.prune(NIGHT + timedelta(days=3)) == 0
    await store.close()
    async with await Store.open(url, metrics=metrics) as again:
        await again.journal.record([], [line(9)])
        found = await again.journal.verify_audit()
        assert isinstance(found, Link)
        assert found.seq == 7
        assert await again.journal.prune(NIGHT + timedelta(days=400)) == 4
        await again.journal.record([], [line(10)])
        assert [record.seq for record in await again.journal.audit(0, 9)] == [8]
        assert isinstance(await again.journal.verify_audit(), Link)


async def test_what_is_open_or_ends_by_itself_is_not_forgotten(store: Store) -> None:
    """Only what ended, and does not wait for its time, goes."""
    await store.journal.record([entry("old"), held("open"), entry("timed", until=NIGHT + timedelta(days=500))])
    assert await store.prune(NIGHT + timedelta(days=400), NIGHT + timedelta(days=400)) == 1
    assert sorted(e.id for e in await store.journal.latest(9)) == ["open", "timed"]


@pytest.fixture
async def visit(store: Store, url: str) -> AsyncIterator[Visit]:
    """A look from another process at the store of a running daemon."""
    async with await Visit.open(url) as opened:
        yield opened


async def test_a_visitor_reads_and_asks_while_the_daemon_writes(store: Store, visit: Visit) -> None:
    """The daemon answers once; a later answer, or a withdrawal, changes nothing."""
    await store.journal.record([entry()], [line()])
    assert await visit.journal.find("k7m2") == entry()
    request = Request("r1", Asked.UNDO, "k7m2", "sam@host", NIGHT)
    writing = asyncio.gather(*(store.journal.record([entry(f"e{n}")], [line(n)]) for n in range(50)))
    await visit.ask(request)
    await writing
    assert await store.journal.requests() == [request]
    answer = replace(request, ok=True, answer="done", answered_at=NIGHT)
    await store.journal.answer(answer)
    await visit.ask(replace(request, answer="withdrawn", answered_at=NIGHT))
    assert await visit.journal.request("r1") == answer
    assert await store.journal.requests() == []


async def test_a_visit_makes_no_store(tmp_path: object) -> None:
    """A wrong path is told, and nothing is created there."""
    with pytest.raises(StoreAddressError, match="there is no store"):
        await Visit.open(f"sqlite:///{tmp_path}/none.db")


async def test_a_visit_to_an_old_store_asks_for_the_daemon(store: Store, url: str) -> None:
    """Only the daemon brings the schema up to date."""
    await store.close()
    await run_sql(url, "UPDATE alembic_version SET version_num = '0002'")
    with pytest.raises(StoreVersionError, match="start the daemon"):
        await Visit.open(url)


async def test_a_record_that_the_database_refuses_is_an_error(store: Store) -> None:
    """A closed store notes nothing, and says so."""
    await store.close()
    with pytest.raises(StoreError):
        await store.journal.record([entry()], [line()])
