"""Which URL names which database, and which failures pass."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from s3warden.store.database import cause, database, passes
from s3warden.store.errors import StoreAddressError, StoreInUseError


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///findings.db", Path.cwd() / "findings.db"),
        ("sqlite:////var/lib/s3warden/findings.db", Path("/var/lib/s3warden/findings.db")),
        ("sqlite+aiosqlite:////data/100%/f#1.db", Path("/data/100%/f#1.db")),
    ],
)
def test_a_sqlite_url_names_a_file(url: str, path: Path) -> None:
    """Three slashes are relative to the working directory, four absolute."""
    assert database(url).name == f"the SQLite file {path}"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("postgresql://guard:hunter2@db.internal:5432/s3warden?sslmode=require", "database s3warden at db.internal"),
        ("postgres://guard:hunter2@db.internal/s3warden", "database s3warden at db.internal"),
        ("postgresql+asyncpg:///s3warden?host=/run/postgresql&password=hunter2", "database s3warden"),
    ],
)
def test_a_postgresql_url_is_named_without_its_password(url: str, name: str) -> None:
    """The name tells where the database is and nothing that must stay secret."""
    assert database(url).name == f"the PostgreSQL {name}"


@pytest.mark.parametrize(
    "url",
    [
        "mysql://guard:hunter2@db/s3warden",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///findings.db?mode=ro",
        "findings.db",
        "",
    ],
)
def test_any_other_url_is_refused(url: str) -> None:
    """What names no lasting database is refused, without repeating a password."""
    with pytest.raises(StoreAddressError) as refused:
        database(url)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("state", ["08006", "40001", "40P01", "53300", "55P03", "57P01", "57P03"])
def test_a_server_in_trouble_passes(state: str) -> None:
    """Lost connections, deadlocks, lack of resources and restarts are worth another try."""
    assert passes(DBAPIError("INSERT", {}, _RefusalError(state)))
    assert passes(_RefusalError(state))


@pytest.mark.parametrize("state", ["22021", "23505", "42P01", "28P01", "3D000"])
def test_a_refusal_by_the_server_does_not_pass(state: str) -> None:
    """Bad data, missing tables and refused logins stay as they are."""
    assert not passes(DBAPIError("INSERT", {}, _RefusalError(state)))
    assert not passes(_RefusalError(state))


def test_failures_by_kind() -> None:
    """A locked file, a dead network and a predecessor pass; broken constraints and programs do not."""
    assert passes(OperationalError("INSERT", {}, sqlite3.OperationalError("database is locked")))
    assert passes(ConnectionRefusedError())
    assert passes(TimeoutError())
    assert passes(StoreInUseError("in use"))
    assert passes(DBAPIError("INSERT", {}, ValueError("gone"), connection_invalidated=True))
    assert not passes(IntegrityError("INSERT", {}, sqlite3.IntegrityError("UNIQUE")))
    assert not passes(ValueError("a program error"))


def test_the_cause_tells_neither_statement_nor_rows() -> None:
    """What a finding says must not get into the log by way of an error."""
    error = OperationalError("INSERT INTO findings", {"body": "payroll"}, sqlite3.OperationalError("disk is full"))
    assert cause(error) == "OperationalError: disk is full"


class _RefusalError(Exception):
    """An error with a SQLSTATE, as the driver raises it."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__(sqlstate)
        self.sqlstate = sqlstate
