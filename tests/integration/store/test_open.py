"""Opening a store: schemas that are old, new or just right, predecessors that still run, and addresses of no use."""

import asyncio
import os
import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from s3warden.model.finding import ChangeKind
from s3warden.store.database import database
from s3warden.store.errors import (
    StoreAddressError,
    StoreError,
    StoreInUseError,
    StoreUnavailableError,
    StoreVersionError,
)
from s3warden.store.migrations.migrate import migrate
from s3warden.store.schema import REVISIONS, metadata
from s3warden.store.store import Store
from s3warden.telemetry.metrics import Metrics
from support.alerts import NIGHT, change, finding, notification
from support.postgres import in_database
from support.stores import run_sql

OLD_FINDING = (
    "INSERT INTO findings (fingerprint, rule_id, subject, severity, sequence, open, body)"
    " VALUES ('f', 'r', 's', 'low', 1, true, '{body}')"
)
OLD_MESSAGES = (
    "INSERT INTO outbox (destination, group_key, dedup_key, rank, body, enqueued_at, attempts, next_attempt_at, state,"
    " reason) VALUES ('oncall', 'g', 'gone', 4, '', '{at}', 0, '{at}', 'delivered', ''),"
    " ('oncall', 'g', 'waiting', 4, '{body}', '{at}', 0, '{at}', 'pending', '')"
)


async def test_the_migrations_make_the_tables_that_the_code_uses(store: Store, url: str) -> None:
    """Tables, columns, types and indexes after all migrations are those of the schema."""
    await store.close()

    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))

    base = database(url)
    try:
        async with base.engine.connect() as connection:
            assert await connection.run_sync(differences) == []
    finally:
        await base.close()
    assert await run_sql(url, "SELECT version_num FROM alembic_version") == [(REVISIONS[-1],)]


@pytest.mark.parametrize("old", REVISIONS[:-1])
async def test_an_old_store_is_brought_up_to_date(url: str, metrics: Metrics, old: str) -> None:
    """What an earlier version has stored is still there, and what was added is filled in."""
    from s3warden.store.codec import encode_finding, encode_notification

    base = database(url)
    link = await base.writer()
    async with link.begin():
        await link.run_sync(migrate, REVISIONS[: REVISIONS.index(old) + 1])
    await link.invalidate()
    await link.close()
    await base.close()
    at = NIGHT.replace(tzinfo=None).isoformat(" ", "microseconds") + ("+00" if url.startswith("postgresql") else "")
    body = encode_finding(finding())
    message = encode_notification(notification())
    await run_sql(url, _verbatim(OLD_FINDING, body=body), _verbatim(OLD_MESSAGES, at=at, body=message))
    async with await Store.open(url, metrics=metrics) as store:
        assert await store.load_open() == [finding()]
        assert [entry.enqueued_at for entry in await store.due("oncall", NIGHT, 10)] == [NIGHT]
        filled = await run_sql(url, "SELECT dedup_key FROM outbox WHERE settled_at IS NOT NULL")
        assert filled == ([("gone",)] if old == "0001" else [])


async def test_a_store_of_a_newer_version_is_left_alone(store: Store, url: str, metrics: Metrics) -> None:
    """The error says which version wrote it and what to do; nothing is changed."""
    await store.close()
    await run_sql(url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreVersionError, match=r"9999.*newer version"):
        await Store.open(url, metrics=metrics)
    assert await run_sql(url, "SELECT version_num FROM alembic_version") == [("9999",)]


async def test_two_daemons_never_work_on_one_store(store: Store, url: str, metrics: Metrics) -> None:
    """The second one is told so, and the first one is not disturbed."""
    with pytest.raises(StoreInUseError, match="another s3warden"):
        await Store.open(url, metrics=metrics, patience=0)
    await store.commit([change(ChangeKind.OPENED, finding())], [])
    assert await store.load_open() == [finding()]


async def test_a_predecessor_that_ends_is_waited_for(store: Store, url: str, metrics: Metrics) -> None:
    """A successor started too early takes over as soon as it can."""
    successor = asyncio.create_task(Store.open(url, metrics=metrics, patience=10))
    await asyncio.sleep(0.3)
    assert not successor.done()
    await store.close()
    await (await successor).close()


async def test_of_many_that_start_at_once_one_opens_the_store(url: str, metrics: Metrics) -> None:
    """An empty database is migrated once, by whoever came first."""
    starts = (Store.open(url, metrics=metrics, patience=0) for _ in range(5))
    results = await asyncio.gather(*starts, return_exceptions=True)
    opened = [each for each in results if isinstance(each, Store)]
    assert [type(each) for each in results if not isinstance(each, Store)] == [StoreInUseError] * 4
    await opened[0].commit([change(ChangeKind.OPENED, finding())], [])
    await opened[0].close()


async def test_the_files_of_sqlite_are_private(tmp_path: Path, metrics: Metrics) -> None:
    """Nobody but the owner can read what the findings say."""
    async with await Store.open(f"sqlite:///{tmp_path}/s3warden.db", metrics=metrics) as store:
        await store.put("a", "b")
        modes = {name: os.stat(tmp_path / name).st_mode & 0o777 for name in os.listdir(tmp_path)}  # noqa: PTH208, PTH116
    assert set(modes) >= {"s3warden.db", "s3warden.db.lock", "s3warden.db-wal"}
    assert set(modes.values()) == {0o600}


async def test_a_commit_survives_a_power_cut_on_sqlite(tmp_path: Path, metrics: Metrics) -> None:
    """The write-ahead log is synced with every commit."""
    url = f"sqlite:///{tmp_path}/s3warden.db"
    async with await Store.open(url, metrics=metrics):
        assert await run_sql(url, "PRAGMA journal_mode") == [("wal",)]
        assert await run_sql(url, "PRAGMA synchronous") == [(2,)]


async def test_a_directory_that_is_missing_is_named(tmp_path: Path, metrics: Metrics) -> None:
    """The error says which directory, and what to do."""
    with pytest.raises(StoreAddressError, match=rf"{tmp_path}/no/such of the store does not exist: create it"):
        await Store.open(f"sqlite:///{tmp_path}/no/such/s3warden.db", metrics=metrics)


async def test_a_directory_is_no_store(tmp_path: Path, metrics: Metrics) -> None:
    """A path that names a directory is refused."""
    with pytest.raises(StoreAddressError, match="is a directory"):
        await Store.open(f"sqlite:///{tmp_path}", metrics=metrics)


async def test_a_place_that_cannot_be_written_is_named(metrics: Metrics) -> None:
    """A read-only place is refused with what to check, to root as well as to others."""
    with pytest.raises(StoreAddressError, match=r"/proc/s3warden\.db"):
        await Store.open("sqlite:////proc/s3warden.db", metrics=metrics)


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path, metrics: Metrics) -> None:
    """Somebody else's file is neither used nor overwritten."""
    path = tmp_path / "notes.txt"
    path.write_text("not a database " * 100)
    with pytest.raises(StoreError, match="file is not a database") as refused:
        await Store.open(f"sqlite:///{path}", metrics=metrics)
    assert not isinstance(refused.value, StoreUnavailableError)
    assert path.read_text() == "not a database " * 100


async def test_a_database_that_does_not_exist_is_told_at_once(postgres: str, metrics: Metrics) -> None:
    """A wrong name will not become right by waiting."""
    async with asyncio.timeout(5):
        with pytest.raises(StoreAddressError, match="does not exist"):
            await Store.open(in_database(postgres, "nowhere"), metrics=metrics, patience=60)


async def test_a_server_that_does_not_answer_is_waited_for(tmp_path: Path, metrics: Metrics) -> None:
    """After the patience given, the error names the database and not the password."""
    url = f"postgresql://guard:hunter2@/s3warden?host={tmp_path}"
    with pytest.raises(StoreUnavailableError, match="database s3warden cannot be used") as failed:
        await Store.open(url, metrics=metrics, patience=0.3)
    assert "hunter2" not in str(failed.value)


async def test_a_url_that_the_driver_does_not_understand_is_told(metrics: Metrics) -> None:
    """The error does not quote the URL."""
    with pytest.raises(StoreAddressError, match="not understood") as failed:
        await Store.open("postgresql://guard:hunter2@db:port/s3warden", metrics=metrics, patience=60)
    assert "hunter2" not in str(failed.value)


def _verbatim(statement: str, **values: str) -> str:
    for name, value in values.items():
        # A colon would begin a parameter.
        statement = statement.replace(f"{{{name}}}", value.replace("'", "''").replace(":", "\\:"))
    return statement


async def test_the_lock_file_of_a_killed_daemon_is_no_obstacle(tmp_path: Path, metrics: Metrics) -> None:
    """The file stays behind, the lock on it does not."""
    (tmp_path / "s3warden.db.lock").touch()
    async with await Store.open(f"sqlite:///{tmp_path}/s3warden.db", metrics=metrics, patience=0) as store:
        assert await store.load_open() == []
    with sqlite3.connect(tmp_path / "s3warden.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
    assert os.access(tmp_path / "s3warden.db.lock", os.F_OK)
