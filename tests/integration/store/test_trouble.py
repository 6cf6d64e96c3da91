"""A database in trouble: commits wait for it, for a while, and are then answered with an error."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from s3warden.model.finding import ChangeKind
from s3warden.store.errors import StoreUnavailableError
from s3warden.store.store import Store
from s3warden.telemetry.metrics import Metrics
from support.alerts import change, finding, notification
from support.postgres import new_database


@pytest.fixture
async def server(postgres: str) -> str:
    """The URL of an empty PostgreSQL database."""
    return await new_database(postgres)


@pytest.fixture
async def observer(server: str) -> AsyncIterator[asyncpg.Connection]:
    """A session of the operator's on the same database."""
    connection = await asyncpg.connect(server)
    yield connection
    await connection.close()


async def test_a_lock_that_passes_delays_a_commit(tmp_path: Path, metrics: Metrics) -> None:
    """While somebody else writes to the file, a commit waits and then succeeds."""
    path = tmp_path / "s3warden.db"
    async with await Store.open(f"sqlite:///{path}", metrics=metrics) as store:
        other = _locked(path)
        commit = asyncio.create_task(store.commit([change(ChangeKind.OPENED, finding())], [notification()]))
        await asyncio.sleep(0.3)
        assert not commit.done()
        other.rollback()
        other.close()
        await commit
        assert await store.load_open() == [finding()]


async def test_a_lock_that_stays_is_an_error_and_nothing_is_stored(tmp_path: Path, metrics: Metrics) -> None:
    """Everybody who waits hears of it; once the lock is gone, the same commit succeeds."""
    path = tmp_path / "s3warden.db"
    async with await Store.open(f"sqlite:///{path}", metrics=metrics, patience=0.1) as store:
        other = _locked(path)
        commits = [store.commit([change(ChangeKind.OPENED, finding())], [notification(n)]) for n in range(3)]
        results = await asyncio.gather(*commits, return_exceptions=True)
        assert [type(each) for each in results] == [StoreUnavailableError] * 3
        assert "locked" in str(results[0])
        other.rollback()
        other.close()
        assert await store.load_open() == []
        await store.commit([change(ChangeKind.OPENED, finding())], [notification()])
        assert await store.load_open() == [finding()]
    assert (metrics.registry.get_sample_value("s3warden_store_commits_failed_total") or 0) >= 1


async def test_lost_connections_are_made_anew(server: str, metrics: Metrics, observer: asyncpg.Connection) -> None:
    """After the server has ended all our sessions, commits and reads go on."""
    async with await Store.open(server, metrics=metrics) as store:
        await store.commit([change(ChangeKind.OPENED, finding())], [])
        for number in range(3):
            await _end_sessions(observer)
            await store.commit([], [notification(number)])
            await _end_sessions(observer)
            assert await store.pending() == {"oncall": number + 1}
        assert await store.load_open() == [finding()]


async def test_connections_lost_under_load_lose_nothing(
    server: str, metrics: Metrics, observer: asyncpg.Connection
) -> None:
    """Every commit that was answered is there, whenever the sessions were ended."""
    async with await Store.open(server, metrics=metrics) as store:

        async def caller(first: int) -> None:
            for number in range(first, first + 50):
                await store.commit([], [notification(number)])

        async with asyncio.TaskGroup() as tasks:
            callers = [tasks.create_task(caller(1000 * n)) for n in range(8)]
            while not all(each.done() for each in callers):
                await _end_sessions(observer)
                await asyncio.sleep(0.05)
        assert await store.pending() == {"oncall": 400}


async def test_nothing_is_written_without_the_right_to_write(
    server: str, metrics: Metrics, observer: asyncpg.Connection
) -> None:
    """Who lost his session and with it the store to another daemon cannot write any more."""
    async with await Store.open(server, metrics=metrics, patience=0.2) as store:
        await _end_sessions(observer)
        async with await Store.open(server, metrics=metrics) as successor:
            with pytest.raises(StoreUnavailableError, match="another s3warden"):
                await store.commit([change(ChangeKind.OPENED, finding())], [])
            await successor.commit([], [notification()])
        await store.commit([change(ChangeKind.OPENED, finding())], [])
        assert await store.load_open() == [finding()]


def _locked(path: Path) -> sqlite3.Connection:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other


async def _end_sessions(observer: asyncpg.Connection) -> None:
    await observer.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
