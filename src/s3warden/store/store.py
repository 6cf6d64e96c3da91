"""The store: findings, their history, and the outbox, in SQLite or PostgreSQL.

Takes finding changes together with the messages about them and makes them durable in one transaction; hands back the
open findings after a restart, and messages until they are delivered. It decides nothing about either.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Self, TypeVar

import structlog
from sqlalchemy import Delete, Row, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from s3warden.model.alert import Notification
from s3warden.model.finding import Finding, FindingChange
from s3warden.model.incident import Incident
from s3warden.store.codec import UndecodableError, decode_finding, storable
from s3warden.store.database import Database, answering, cause, database, passes, reading
from s3warden.store.errors import StoreError, StoreUnavailableError
from s3warden.store.incidents import history_of
from s3warden.store.journal import Journal
from s3warden.store.migrations.migrate import migrate
from s3warden.store.outbox import OutboxEntry, due_query, entry, next_due_query, pending_query
from s3warden.store.pruning import prune_statements
from s3warden.store.schema import DELIVERED, REFUSED, findings, meta
from s3warden.store.writer import Writer
from s3warden.store.writes import commit_writes, meta_writes, postpone_writes, settle_writes, statements
from s3warden.telemetry.metrics import Metrics

log = structlog.get_logger("s3warden.store")

T = TypeVar("T")

PATIENCE = 10.0
_RETRY = 0.25
_PORTION = 1000


class Store:
    """An open store. Made by `open`; every method raises StoreError if the database does not do what was asked."""

    def __init__(self, base: Database, writer: Writer, clock: Callable[[], datetime]) -> None:
        self._database = base
        self._reading = partial(reading, base)
        self._writer = writer
        self._clock = clock
        self.journal = Journal(self._reading, writer.write, self._within, clock)

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        metrics: Metrics,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        patience: float = PATIENCE,
    ) -> Self:
        """Open the store at `url` and bring its schema up to date.

        A database that does not answer is waited for, `patience` seconds, now and in every commit; so is a predecessor
        that still runs. Raises StoreAddressError, StoreInUseError, StoreVersionError or StoreUnavailableError, and
        plain StoreError where no wait would help.
        """
        base = database(url)
        writer = Writer(base.writer, statements(base.insert), metrics=metrics, patience=patience)
        try:
            before, after = await _patiently(lambda: writer.transaction(lambda link: link.run_sync(migrate)), patience)
        except BaseException as error:
            await writer.close()
            await base.close()
            if isinstance(error, Exception) and not isinstance(error, StoreError):
                kind = StoreUnavailableError if passes(error) else StoreError
                raise kind(f"{base.name} cannot be used: {cause(error)}") from error
            raise
        log.info("store_opened", store=base.name, schema=after, schema_before=before)
        return cls(base, writer, clock)

    async def close(self) -> None:
        """Finish what is being written, then let go of the database."""
        await self._writer.close()
        await self._database.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def commit(
        self,
        changes: Sequence[FindingChange],
        notifications: Sequence[Notification],
        incidents: Sequence[Incident] = (),
    ) -> None:
        """Store changes, messages and records in one transaction; returns when they are durable.

        Repeating it does no harm.
        """
        await self._writer.write(commit_writes(changes, notifications, self._clock(), incidents))

    async def load_open(self) -> list[Finding]:
        """The findings that still stand. One that cannot be read is left out, and found anew by the next sweep."""
        found: list[Finding] = []
        async with self._reading() as connection:
            rows = await connection.stream(select(findings.c.fingerprint, findings.c.body).where(findings.c.open))
            # In portions, so that the other tasks get their turn between them.
            async for portion in rows.partitions(1000):
                found += _readable(portion)
        return found

    async def last_sequence(self) -> int:
        """The highest sequence number of any finding, open or resolved; 0 where there is none."""
        async with self._reading() as connection:
            return int(await connection.scalar(select(func.max(findings.c.sequence))) or 0)

    async def history(self, fingerprint: str) -> list[FindingChange]:
        """The steps of one finding, oldest first."""
        async with self._reading() as connection:
            return await history_of(connection, fingerprint)

    async def due(self, destination: str, now: datetime, limit: int) -> list[OutboxEntry]:
        """At most `limit` messages that may go to `destination` at `now`: most severe first, each group in order."""
        entries, broken = [], []
        async with self._reading() as connection:
            for row in await connection.execute(due_query(storable(destination), now, limit)):
                try:
                    entries.append(entry(row))
                except UndecodableError as error:
                    log.error("message_unreadable", notification_id=row.id, error=str(error))  # noqa: TRY400
                    broken.append(row.id)
        if broken:
            await self.refuse(broken, "unreadable", self._clock())
        return entries

    async def next_due(self, destination: str) -> datetime | None:
        """When the next message for `destination` may go; None if none waits."""
        async with self._reading() as connection:
            moment: datetime | None = await connection.scalar(next_due_query(storable(destination)))
            return moment

    async def pending(self) -> Mapping[str, int]:
        """How many messages wait, by destination; those with none are not named."""
        async with self._reading() as connection:
            return {row.destination: row.waiting for row in await connection.execute(pending_query())}

    async def delivered(self, ids: Sequence[int], at: datetime) -> None:
        """These messages were taken."""
        await self._writer.write(settle_writes(ids, DELIVERED, at))

    async def postpone(self, ids: Sequence[int], until: datetime, reason: str) -> None:
        """These messages were not taken; the next try is at `until`."""
        await self._writer.write(postpone_writes(ids, until, reason))

    async def refuse(self, ids: Sequence[int], reason: str, at: datetime) -> None:
        """These messages will never be taken."""
        await self._writer.write(settle_writes(ids, REFUSED, at, reason))

    async def get(self, key: str) -> str | None:
        """A single value that was put, or None."""
        async with self._reading() as connection:
            value: str | None = await connection.scalar(select(meta.c.value).where(meta.c.key == storable(key)))
            return value

    async def put(self, key: str, value: str) -> None:
        """Keep a single value."""
        await self._writer.write(meta_writes(key, value))

    async def prune(self, before: datetime, journal_before: datetime) -> int:
        """Forget what was over before `before`: resolved findings, the history of what is not open, settled messages.

        Journal, audit log and incidents go back to `journal_before`. Gives the number of rows removed. Works in
        portions, so that commits need not wait long for their turn.
        """
        removed = 0
        for statement in prune_statements(before, _PORTION):
            portion = _PORTION
            while portion == _PORTION:
                portion = await self._remove(statement)
                removed += portion
        return removed + await self.journal.prune(journal_before)

    async def _remove(self, statement: Delete) -> int:
        async with answering(self._database):
            return (await self._writer.transaction(lambda link: link.execute(statement))).rowcount

    async def _within(self, work: Callable[[AsyncConnection], Awaitable[int]]) -> int:
        async with answering(self._database):
            return await self._writer.transaction(work)


def _readable(rows: Iterable[Row[Any, Any]]) -> Iterator[Finding]:
    for row in rows:
        try:
            yield decode_finding(row.body)
        except UndecodableError as error:
            # The place in the code says nothing: the row is at fault.
            log.error("finding_unreadable", fingerprint=row.fingerprint, error=str(error))  # noqa: TRY400


async def _patiently(work: Callable[[], Awaitable[T]], patience: float) -> T:
    """Try until it works, or the error will not pass, or `patience` seconds are over."""
    deadline = asyncio.get_running_loop().time() + patience
    while True:
        try:
            return await work()
        except Exception as error:
            left = deadline - asyncio.get_running_loop().time()
            if not passes(error) or left <= 0:
                raise
            log.warning("store_awaited", error=cause(error))
            await asyncio.sleep(min(_RETRY, left))
