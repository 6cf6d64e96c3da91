"""The outbox: the urgent first, every group in order, each message out once."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from s3warden.model.alert import Notification
from s3warden.model.finding import Severity
from s3warden.store.outbox import OutboxEntry
from s3warden.store.store import Store
from s3warden.telemetry.metrics import Metrics
from support.alerts import NIGHT, digest_notification
from support.stores import run_sql


@pytest.fixture
async def store(url: str, metrics: Metrics) -> AsyncIterator[Store]:
    """An open store whose clock stands still."""
    async with await Store.open(url, metrics=metrics, clock=lambda: NIGHT) as opened:
        yield opened


async def test_a_message_tells_what_delivery_needs(store: Store) -> None:
    """The message itself, when it was written, and how often it failed so far."""
    await store.commit([], [digest_notification()])
    entry = (await store.due("oncall", NIGHT, 10))[0]
    assert entry == OutboxEntry(entry.id, digest_notification(), 0, NIGHT)


async def test_the_most_severe_goes_first_then_the_oldest(store: Store) -> None:
    """Severity decides, age only among equals."""
    await store.commit([], [_message("a", 1, Severity.LOW), _message("b", 1, Severity.HIGH)])
    await store.commit([], [_message("c", 1, Severity.CRITICAL), _message("d", 1, Severity.HIGH)])
    assert await _due(store) == ["c1", "b1", "d1", "a1"]
    assert await _due(store, limit=2) == ["c1", "b1"]


async def test_a_group_stays_in_order_whatever_its_severities(store: Store) -> None:
    """A critical message does not overtake what stands before it in its group, but takes it along."""
    await store.commit([], [_message("a", 1, Severity.LOW), _message("b", 1, Severity.HIGH)])
    await store.commit([], [_message("a", 2, Severity.CRITICAL), _message("a", 3, Severity.INFO)])
    assert await _due(store) == ["a1", "a2", "b1", "a3"]


async def test_a_group_written_at_once_stays_in_order(store: Store) -> None:
    """The order within one commit counts too."""
    rising = [Severity.INFO, Severity.CRITICAL, Severity.LOW, Severity.HIGH]
    await store.commit([], [_message("a", number, severity) for number, severity in enumerate(rising)])
    assert await _due(store) == ["a0", "a1", "a2", "a3"]


async def test_nothing_overtakes_a_postponed_message_of_its_group(store: Store) -> None:
    """While the opening waits for its next try, the resolve waits behind it; other groups go on."""
    await store.commit([], [_message("a", 1), _message("a", 2), _message("b", 1)])
    first = (await store.due("oncall", NIGHT, 1))[0]
    await store.postpone([first.id], NIGHT + timedelta(seconds=30), "http_429")
    assert await _due(store) == ["b1"]
    assert await _due(store, at=NIGHT + timedelta(seconds=30)) == ["a1", "a2", "b1"]
    assert (await store.due("oncall", NIGHT + timedelta(seconds=30), 1))[0].attempts == 1


async def test_what_follows_a_refused_message_goes_on(store: Store) -> None:
    """A message given up holds its group no longer."""
    await store.commit([], [_message("a", 1), _message("a", 2)])
    first = (await store.due("oncall", NIGHT, 1))[0]
    await store.refuse([first.id], "malformed", NIGHT)
    assert await _due(store) == ["a2"]


async def test_a_delivered_message_never_comes_back(store: Store) -> None:
    """Not when its change is committed again, nor when a late failure is noted for it."""
    await store.commit([], [_message("a", 1)])
    ids = [entry.id for entry in await store.due("oncall", NIGHT, 10)]
    await store.delivered(ids, NIGHT)
    await store.postpone(ids, NIGHT, "timeout")
    await store.commit([], [_message("a", 1)])
    assert await _due(store) == []
    assert await store.pending() == {}
    assert await store.next_due("oncall") is None


async def test_destinations_do_not_mix(store: Store) -> None:
    """The same message to two destinations is two messages, each with its own fate."""
    mine = _message("a", 1)
    await store.commit([], [mine, replace(mine, destination="archive")])
    assert await store.pending() == {"oncall": 1, "archive": 1}
    await store.delivered([entry.id for entry in await store.due("archive", NIGHT, 10)], NIGHT)
    assert await store.pending() == {"oncall": 1}
    assert await _due(store) == ["a1"]


async def test_the_next_try_is_known(store: Store) -> None:
    """The earliest moment at which any message of a destination may go."""
    await store.commit([], [_message("a", 1), _message("b", 1)])
    later, latest = NIGHT + timedelta(seconds=5), NIGHT + timedelta(seconds=9)
    first, second = await store.due("oncall", NIGHT, 10)
    await store.postpone([first.id], latest, "timeout")
    await store.postpone([second.id], later, "timeout")
    assert await store.next_due("oncall") == later
    assert await store.next_due("archive") is None


async def test_a_message_that_cannot_be_read_is_refused(store: Store, url: str) -> None:
    """A damaged row stops neither its group nor the others."""
    await store.commit([], [_message("a", 1), _message("a", 2)])
    await run_sql(url, "UPDATE outbox SET body = '[' WHERE dedup_key = 'a1'")
    assert await _due(store) == ["a2"]
    assert await run_sql(url, "SELECT state, reason FROM outbox WHERE dedup_key = 'a1'") == [("refused", "unreadable")]


async def test_reading_what_is_due_sorts_nothing(store: Store, url: str) -> None:
    """With a large outbox, the first few messages are read along an index."""
    messages = [_message(f"g{n}", n, list(Severity)[n % 5]) for n in range(3000)]
    await store.commit([], messages)
    assert len(await _due(store, limit=10)) == 10
    plan = await _plan(url)
    assert "outbox_due" in plan
    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan


async def _plan(url: str) -> str:
    query = (
        "SELECT id FROM outbox o WHERE destination = 'oncall' AND state = 'pending' AND next_attempt_at <= '2099-01-01'"
        " AND NOT EXISTS (SELECT 1 FROM outbox e WHERE e.destination = o.destination AND e.group_key = o.group_key"
        " AND e.id < o.id AND e.state = 'pending' AND e.next_attempt_at > '2099-01-01') ORDER BY rank DESC, id LIMIT 10"
    )
    if url.startswith("sqlite"):
        return str(await run_sql(url, f"EXPLAIN QUERY PLAN {query}"))
    return str(await run_sql(url, "ANALYZE outbox", f"EXPLAIN {query}"))


async def _due(store: Store, at: datetime = NIGHT, limit: int = 100) -> list[str]:
    return [entry.notification.dedup_key for entry in await store.due("oncall", at, limit)]


def _message(group: str, number: int, severity: Severity = Severity.HIGH) -> Notification:
    return Notification("oncall", group, f"{group}{number}", severity)
