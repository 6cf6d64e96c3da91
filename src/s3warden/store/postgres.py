"""PostgreSQL: the store on a server, for one daemon at a time.

The right to write is an advisory lock of the writing session: when the session ends, for whatever reason, so does the
right, and a write can never happen without it. The URL is read by the driver as libpq reads it (`sslmode`, `host`, …).
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import urlsplit

import asyncpg
from sqlalchemy import Table, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.dialects.postgresql.dml import Insert
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from s3warden.store.errors import StoreAddressError, StoreInUseError

_CONNECT_SECONDS = 10
_COMMAND_SECONDS = 30
# "S3WD": tells our lock from those of other programs in the same database. The schema tells two stores apart.
_LOCK_SPACE = 0x53335744
_CLAIM = select(func.pg_try_advisory_lock(_LOCK_SPACE, func.hashtext(func.coalesce(func.current_schema(), ""))))


class Postgres:
    """The database that `url` names."""

    insert: Callable[[Table], Insert] = staticmethod(insert)

    def __init__(self, url: str) -> None:
        self._url = f"postgresql://{url.partition('://')[2]}"
        self.name = _name(self._url)
        self.engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=self._connect,
            pool_size=3,
            max_overflow=0,
            pool_pre_ping=True,
            hide_parameters=True,
        )

    async def writer(self) -> AsyncConnection:
        """The connection that may write; it holds the lock until it is closed for real (`invalidate`)."""
        connection = await self.engine.connect()
        try:
            await self._claim(connection)
        except BaseException:
            await connection.invalidate()
            await connection.close()
            raise
        return connection

    async def _claim(self, connection: AsyncConnection) -> None:
        claimed = await connection.scalar(_CLAIM)
        # A session's lock outlives the transaction that took it.
        await connection.rollback()
        if not claimed:
            raise StoreInUseError(
                f"another s3warden works on {self.name}: stop it first, or give this one a database of its own"
            )

    def visitor(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection that may write beside the daemon, for one short transaction."""
        return self.engine.connect()

    def present(self) -> None:
        """A server that is not there is found out by asking it."""

    async def close(self) -> None:
        """Close every session."""
        await self.engine.dispose()

    async def _connect(self) -> Any:
        try:
            return await asyncpg.connect(self._url, timeout=_CONNECT_SECONDS, command_timeout=_COMMAND_SECONDS)
        except (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError) as error:
            raise StoreAddressError(f"{self.name} refused us: {error}") from None
        except (asyncpg.InterfaceError, ValueError) as error:
            # The driver's text may quote the URL.
            raise StoreAddressError(f"the store's URL is not understood ({type(error).__name__})") from None


def _name(url: str) -> str:
    try:
        parts = urlsplit(url)
        host = f" at {parts.hostname}" if parts.hostname else ""
    except ValueError:
        return "the PostgreSQL database"
    name = parts.path.strip("/")
    return f"the PostgreSQL database{f' {name}' if name else ''}{host}"
