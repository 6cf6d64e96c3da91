"""A look at the store of a daemon that runs: reads the journal beside it and leaves requests, and writes nothing else.

The daemon alone may change findings and the journal. A visitor needs no lock: both databases let others read, and one
row more is put in by a transaction of its own.
"""

from functools import partial
from typing import Self

from sqlalchemy import select, text

from s3warden.model.finding import Finding
from s3warden.model.remediation import Request
from s3warden.store.codec import decode_finding
from s3warden.store.database import Database, answering, database, reading
from s3warden.store.errors import StoreVersionError
from s3warden.store.incidents import IncidentReader
from s3warden.store.journal import JournalReader
from s3warden.store.schema import REVISIONS, findings
from s3warden.store.writes import Step, request_writes, statements


class Visit:
    """An open visit. Made by `open`; raises StoreError where the database does not do what is asked."""

    def __init__(self, base: Database) -> None:
        self._database = base
        self._reading = partial(reading, base)
        self.journal = JournalReader(self._reading)
        self.incidents = IncidentReader(self._reading)

    @classmethod
    async def open(cls, url: str) -> Self:
        """Look into the store at `url`, which a daemon of this version has to have made.

        Raises StoreAddressError, StoreVersionError or StoreUnavailableError.
        """
        visit = cls(database(url))
        try:
            await visit._check()
        except BaseException:
            await visit.close()
            raise
        return visit

    async def close(self) -> None:
        """Let go of the database."""
        await self._database.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def ask(self, request: Request) -> None:
        """Leave a request for the daemon."""
        statement = statements(self._database.insert)[Step.REQUEST]
        async with answering(self._database), self._database.visitor() as connection, connection.begin():
            await connection.execute(statement, list(request_writes(request)[Step.REQUEST]))

    async def open_findings(self) -> list[Finding]:
        """The findings that stand. Raises UndecodableError for one that cannot be read."""
        query = select(findings.c.body).where(findings.c.open)
        async with self._reading() as connection:
            return [decode_finding(row.body) for row in await connection.execute(query)]

    async def _check(self) -> None:
        self._database.present()
        async with self._reading() as connection:
            found = await connection.scalar(text("SELECT version_num FROM alembic_version"))
        if found != REVISIONS[-1]:
            raise StoreVersionError(
                f"{self._database.name} has schema {found}, this version of s3warden works with {REVISIONS[-1]}: "
                "start the daemon of this version once, it brings the schema up to date"
            )
