"""The records of exposures that are over, and the steps of the findings that they are about. Reads only."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from s3warden.model.finding import ChangeKind, FindingChange
from s3warden.model.incident import Incident
from s3warden.store.codec import decode_finding, decode_incident, storable
from s3warden.store.journal import AmbiguousIdError, Reading
from s3warden.store.schema import finding_history, incidents


class IncidentReader:
    """Reads records; every method raises StoreError if the database does not do what was asked."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    async def find(self, prefix: str) -> Incident | None:
        """The record whose id begins so. Raises AmbiguousIdError, and UndecodableError where it is damaged."""
        table = incidents.c
        query = select(table.id, table.body).where(table.id.startswith(storable(prefix), autoescape=True)).limit(2)
        async with self._reading() as connection:
            rows = (await connection.execute(query)).all()
        if len(rows) > 1:
            raise AmbiguousIdError(f"several incidents begin with {prefix!r}: give more of the id")
        return decode_incident(rows[0].body) if rows else None

    async def latest(self, limit: int) -> list[Incident]:
        """At most `limit` records, the latest end first."""
        query = select(incidents.c.body).order_by(incidents.c.closed_at.desc(), incidents.c.id).limit(limit)
        async with self._reading() as connection:
            return [decode_incident(body) for body in await connection.scalars(query)]

    async def steps(self, fingerprint: str) -> list[FindingChange]:
        """The steps of one finding, oldest first."""
        async with self._reading() as connection:
            return await history_of(connection, fingerprint)


async def history_of(connection: AsyncConnection, fingerprint: str) -> list[FindingChange]:
    """The steps of one finding, oldest first."""
    table = finding_history
    query = select(table).where(table.c.fingerprint == storable(fingerprint)).order_by(table.c.sequence)
    return [
        FindingChange(ChangeKind(row.kind), decode_finding(row.body), row.at, row.reason, row.drift)
        for row in await connection.execute(query)
    ]
