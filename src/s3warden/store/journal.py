"""The journal of remediations and the audit log, as the rest of the program sees them.

Takes entries together with the lines of the audit log and the messages that tell of them, and makes all three durable
in one transaction; hands back what is unfinished, what was done to a subject, and what people ask. It decides nothing.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

import structlog
from sqlalchemy import Row, Select, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from s3warden.model.alert import Notification
from s3warden.model.remediation import AuditEntry, AuditRecord, Remediation, Request, Stage
from s3warden.store import auditing
from s3warden.store.chain import Flaw, Link
from s3warden.store.codec import UndecodableError, decode_remediation, decode_request, storable
from s3warden.store.errors import StoreError
from s3warden.store.schema import NOT_ENDED, TIMED, UNANSWERED, incidents, remediations, requests
from s3warden.store.writes import Writes, commit_writes, journal_writes, request_writes

log = structlog.get_logger("s3warden.store")

_COLUMNS = (remediations.c.id, remediations.c.body, remediations.c.plan, remediations.c.checksum)
_PORTION = 1000

Reading: TypeAlias = Callable[[], AbstractAsyncContextManager[AsyncConnection]]
Transaction: TypeAlias = Callable[[Callable[[AsyncConnection], Awaitable[int]]], Awaitable[int]]


class AmbiguousIdError(StoreError):
    """Several entries begin with what was given for an id."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries are wanted. `before` is a moment: only what changed earlier, for the next page."""

    stage: Stage | None = None
    subject: str | None = None
    rule_id: str | None = None
    before: datetime | None = None


class JournalReader:
    """Reads the journal; every method raises StoreError if the database does not do what was asked."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    async def find(self, prefix: str) -> Remediation | None:
        """The entry whose id begins so. Raises AmbiguousIdError, and UndecodableError where it was tampered with."""
        wanted = storable(prefix)
        query = select(*_COLUMNS).where(remediations.c.id.startswith(wanted, autoescape=True)).limit(2)
        async with self._reading() as connection:
            rows = (await connection.execute(query)).all()
        if len(rows) > 1 and all(row.id != prefix for row in rows):
            raise AmbiguousIdError(f"several remediations begin with {prefix!r}: give more of the id")
        row = next((row for row in rows if row.id == prefix), rows[0] if rows else None)
        return None if row is None else decode_remediation(row.body, row.plan, row.checksum)

    async def latest(self, limit: int, wanted: Filter = Filter()) -> list[Remediation]:
        """At most `limit` entries, the latest change first. What cannot be read is left out and logged."""
        table = remediations.c
        conditions = [
            *([table.stage == wanted.stage.value] if wanted.stage is not None else []),
            *([table.subject == storable(wanted.subject)] if wanted.subject is not None else []),
            *([table.rule_id == storable(wanted.rule_id)] if wanted.rule_id is not None else []),
            *([table.changed_at < wanted.before] if wanted.before is not None else []),
        ]
        return await self._entries(
            select(*_COLUMNS).where(*conditions).order_by(table.changed_at.desc(), table.id).limit(limit)
        )

    async def unfinished(self) -> list[Remediation]:
        """The entries that have not ended, oldest first."""
        return await self._entries(select(*_COLUMNS).where(NOT_ENDED).order_by(remediations.c.created_at))

    async def about(self, subject: str, since: datetime, limit: int = 100) -> list[Remediation]:
        """At most `limit` entries about a subject that changed after `since`, the latest first."""
        table = remediations.c
        chosen = select(*_COLUMNS).where(table.subject == storable(subject), table.changed_at > since)
        return await self._entries(chosen.order_by(table.changed_at.desc()).limit(limit))

    async def ended_since(self, since: datetime) -> list[Remediation]:
        """The entries that ended after `since`, oldest first."""
        table = remediations.c
        chosen = select(*_COLUMNS).where(table.changed_at > since, table.ended_at > since)
        return await self._entries(chosen.order_by(table.ended_at))

    async def timed(self) -> list[Remediation]:
        """The time-boxed fixes that still stand, the next to end first."""
        return await self._entries(select(*_COLUMNS).where(TIMED).order_by(remediations.c.until))

    async def request(self, id_: str) -> Request | None:
        """One request, with its answer if there is one."""
        async with self._reading() as connection:
            body: str | None = await connection.scalar(select(requests.c.body).where(requests.c.id == id_))
        return None if body is None else decode_request(body)

    async def requests(self) -> list[Request]:
        """What waits for an answer, oldest first."""
        query = select(requests.c.body).where(UNANSWERED).order_by(requests.c.at)
        async with self._reading() as connection:
            return [decode_request(body) for body in await connection.scalars(query)]

    async def audit(self, after: int, limit: int) -> list[AuditRecord]:
        """At most `limit` records of the audit log after number `after`, in order."""
        async with self._reading() as connection:
            return await auditing.page(connection, after, limit)

    async def verify_audit(self) -> Link | Flaw:
        """The last link of the audit log, or the first place where it does not hold."""
        async with self._reading() as connection:
            return await auditing.verified(connection)

    async def _entries(self, query: Select[Any]) -> list[Remediation]:
        async with self._reading() as connection:
            return [entry async for entry in _readable(await connection.execute(query))]


class Journal(JournalReader):
    """The journal of the daemon that has the store, which may write."""

    def __init__(
        self,
        reading: Reading,
        write: Callable[[Writes], Awaitable[None]],
        transaction: Transaction,
        clock: Callable[[], datetime],
    ) -> None:
        super().__init__(reading)
        self._write = write
        self._transaction = transaction
        self._clock = clock

    async def record(
        self,
        entries: Sequence[Remediation] = (),
        audit: Sequence[AuditEntry] = (),
        notifications: Sequence[Notification] = (),
    ) -> None:
        """Store entries, the audit lines and the messages that tell of them, in one transaction; may be repeated."""
        messages = commit_writes((), notifications, self._clock()) if notifications else {}
        await self._write({**messages, **journal_writes(entries, audit)})

    async def answer(self, request: Request) -> None:
        """Store the answer to a request, unless it has one."""
        await self._write(request_writes(request))

    async def prune(self, before: datetime) -> int:
        """Forget what ended, was answered, recorded or audited before `before`; gives the number of rows."""
        table = remediations.c
        old = select(table.id).where(table.ended_at < before, table.until.is_(None)).limit(_PORTION)
        answered = select(requests.c.id).where(requests.c.answered_at < before).limit(_PORTION)
        over = select(incidents.c.id).where(incidents.c.closed_at < before).limit(_PORTION)
        removed = 0
        for work in (
            lambda link: _rows(link, delete(remediations).where(table.id.in_(old))),
            lambda link: _rows(link, delete(requests).where(requests.c.id.in_(answered))),
            lambda link: _rows(link, delete(incidents).where(incidents.c.id.in_(over))),
            lambda link: auditing.prune(link, before, _PORTION),
        ):
            portion = _PORTION
            while portion == _PORTION:
                portion = await self._transaction(work)
                removed += portion
        return removed


async def _rows(connection: AsyncConnection, statement: Any) -> int:
    count: int = (await connection.execute(statement)).rowcount
    return count


async def _readable(rows: Iterable[Row[Any]]) -> AsyncIterator[Remediation]:
    for row in rows:
        try:
            yield decode_remediation(row.body, row.plan, row.checksum)
        except UndecodableError as error:
            # The place in the code says nothing: the row is at fault.
            log.error("remediation_unreadable", remediation_id=row.id, error=str(error))  # noqa: TRY400
