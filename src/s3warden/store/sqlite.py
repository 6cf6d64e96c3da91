"""SQLite: the store in one file, for one daemon.

Commits survive a power cut: the write-ahead log is synced with each of them, which group commits make cheap. A lock
file beside the database keeps a second daemon out; the kernel frees it whenever and however the first one ends.
"""

import fcntl
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Table, event
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.dialects.sqlite.dml import Insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from s3warden.store.errors import StoreAddressError, StoreInUseError

_BUSY_SECONDS = 2
# Waiting for a sync per transaction is the price of surviving a power cut; NORMAL would survive only a kill.
_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    # A sweep touches pages all over the indexes. 16 MB of them in memory, and written back every 16 MB of log rather
    # than every 4, save a third of the time.
    "PRAGMA cache_size = -16384",
    "PRAGMA wal_autocheckpoint = 4000",
    "PRAGMA journal_size_limit = 67108864",
)
_WRITES = "s3warden_writes"


class Sqlite:
    """The database in the file that `url` names. The directory must exist. Raises StoreAddressError."""

    insert: Callable[[Table], Insert] = staticmethod(insert)

    def __init__(self, url: str) -> None:
        self._path = _path(url)
        self._lock: int | None = None
        self.name = f"the SQLite file {self._path}"
        self.engine = _engine(self._path)

    async def writer(self) -> AsyncConnection:
        """The connection that may write."""
        if self._lock is None:
            _check(self._path)
            self._lock = _lock(self._path)
            # Made here and not by SQLite, for its mode: who may read the findings is the operator's decision.
            self._path.touch(mode=0o600)
        connection = await self.engine.connect()
        return await connection.execution_options(**{_WRITES: True})

    @asynccontextmanager
    async def visitor(self) -> AsyncIterator[AsyncConnection]:
        """A connection that may write beside the daemon, for one short transaction."""
        async with self.engine.connect() as connection:
            yield await connection.execution_options(**{_WRITES: True})

    def present(self) -> None:
        """Raises StoreAddressError where there is no such file: a look must not make one."""
        if not self._path.is_file():
            raise StoreAddressError(f"there is no store {self._path}: has the daemon run with these settings?")

    async def close(self) -> None:
        """Close the file and give up the lock."""
        await self.engine.dispose()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _engine(path: Path) -> AsyncEngine:
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(path)),
        # isolation_level None: the driver begins no transactions of its own, `begun` below does.
        connect_args={"timeout": _BUSY_SECONDS, "isolation_level": None},
        pool_size=3,
        max_overflow=0,
        hide_parameters=True,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def connected(connection: Any, _record: object) -> None:
        with closing(connection.cursor()) as cursor:
            for pragma in _PRAGMAS:
                cursor.execute(pragma)

    @event.listens_for(engine.sync_engine, "begin")
    def begun(connection: Connection) -> None:
        # IMMEDIATE: whoever must wait for the write lock waits here, where waiting is possible.
        if connection.get_execution_options().get(_WRITES):
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _path(url: str) -> Path:
    rest = url.partition("://")[2]
    name = rest[1:]
    if not rest.startswith("/") or not name or name == ":memory:" or "?" in name:
        raise StoreAddressError(
            "the SQLite URL must name a file and nothing more: sqlite:///relative/path or sqlite:////absolute/path"
        )
    return Path(name).absolute()


def _check(path: Path) -> None:
    directory = path.parent
    if not directory.is_dir():
        raise StoreAddressError(f"the directory {directory} of the store does not exist: create it, or mount a volume")
    if path.is_dir():
        raise StoreAddressError(f"the store {path} is a directory, it must be a file")
    if not os.access(directory, os.W_OK | os.X_OK) or (path.exists() and not os.access(path, os.W_OK)):
        raise StoreAddressError(f"the store {path} cannot be written by user id {os.geteuid()}: check owner and mode")


def _lock(path: Path) -> int:
    lock = path.with_name(f"{path.name}.lock")
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreAddressError(f"the store's lock file {lock} cannot be opened: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise StoreInUseError(
            f"another s3warden works on the store {path}: stop it first, or give this one a store of its own"
        ) from None
    return descriptor
