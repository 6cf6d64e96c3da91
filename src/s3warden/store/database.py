"""The two kinds of database, behind one contract: a pool to read from, and the one connection that may write.

Takes the operator's URL. Whoever has the writing connection has the store to himself: no second daemon gets one while
the first lives, and a killed one leaves nothing locked. No password ever leaves here in a text.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from sqlalchemy import Table
from sqlalchemy.dialects.postgresql.dml import Insert as PostgresInsert
from sqlalchemy.dialects.sqlite.dml import Insert as SqliteInsert
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from s3warden.store.errors import StoreAddressError, StoreInUseError, StoreUnavailableError

# Classes of SQLSTATE: connection, rollback for no fault of ours, resources, lock, operator intervention.
_PASSING_STATES = frozenset({"08", "40", "53", "55", "57"})


class Database(Protocol):
    """One database. `name` is what people call it."""

    @property
    def name(self) -> str:
        """For logs and errors: without user or password."""

    @property
    def engine(self) -> AsyncEngine:
        """To read from."""

    @property
    def insert(self) -> Callable[[Table], SqliteInsert | PostgresInsert]:
        """The engine's own INSERT, which knows ON CONFLICT."""

    async def writer(self) -> AsyncConnection:
        """The connection that may write. Raises StoreInUseError while another daemon has it."""

    def visitor(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection that may write beside the daemon, for one short transaction."""

    def present(self) -> None:
        """Raises StoreAddressError where there is nothing that could be read."""

    async def close(self) -> None:
        """Close every connection, and let others write."""


def database(url: str) -> Database:
    """What `url` names: `sqlite:///relative`, `sqlite:////absolute`, `postgresql://…`. Raises StoreAddressError."""
    scheme, separator, _ = url.partition("://")
    match scheme.partition("+")[0] if separator else "":
        case "sqlite":
            from s3warden.store.sqlite import Sqlite  # noqa: PLC0415 - each driver only where it is used

            return Sqlite(url)
        case "postgresql" | "postgres":
            from s3warden.store.postgres import Postgres  # noqa: PLC0415

            return Postgres(url)
        case _:
            raise StoreAddressError("the store's URL must begin with sqlite:/// or postgresql://")


@asynccontextmanager
async def reading(base: Database) -> AsyncIterator[AsyncConnection]:
    """A connection to read from. Raises StoreUnavailableError where the database does not do what is asked."""
    async with answering(base), base.engine.connect() as connection:
        yield connection


@asynccontextmanager
async def answering(base: Database) -> AsyncIterator[None]:
    """Within it, what the driver raises becomes a StoreUnavailableError."""
    try:
        yield
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        raise StoreUnavailableError(f"{base.name} does not answer: {cause(error)}") from error


def cause(error: Exception) -> str:
    """What went wrong, in the driver's own words, without statement and rows."""
    origin = getattr(error, "orig", None) or error
    return f"{type(origin).__name__}: {origin}"


def passes(error: BaseException) -> bool:
    """Whether another try may succeed: nothing is wrong with what was to be written."""
    if isinstance(error, OSError | TimeoutError | StoreInUseError):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    state = getattr(error.orig if isinstance(error, DBAPIError) else error, "sqlstate", None)
    if isinstance(state, str):
        return state[:2] in _PASSING_STATES
    return isinstance(error, OperationalError | InterfaceError)
