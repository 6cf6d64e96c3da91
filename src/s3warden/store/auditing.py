"""The audit log in the database: how records are appended to the chain, read, verified and forgotten.

The oldest records may be pruned once they are older than the operator wants them kept; the link that the rest follows
upon is kept in `meta` then, so that the chain can still be verified.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import takewhile

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from s3warden.model.remediation import AuditEntry, AuditRecord
from s3warden.store.chain import GENESIS, Flaw, Link, chained, check
from s3warden.store.schema import audit, meta
from s3warden.store.writes import Row

ANCHOR = "audit_anchor"
_PAGE = 1000


async def chained_rows(connection: AsyncConnection, rows: Sequence[Row]) -> Sequence[Row]:
    """The rows of new entries, linked to the chain as it is in this transaction; what is there already is left out."""
    names = [str(row["entry"]) for row in rows]
    there = set(await connection.scalars(select(audit.c.entry).where(audit.c.entry.in_(names))))
    new = [(name, row["what"]) for name, row in zip(names, rows, strict=True) if name not in there]
    entries = [what for _, what in new if isinstance(what, AuditEntry)]
    records = chained(entries, await _last(connection))
    return [
        {
            "entry": name,
            "seq": record.seq,
            "at": record.at,
            "kind": record.kind,
            "body": record.body,
            "previous": record.previous,
            "hash": record.hash,
        }
        for (name, _), record in zip(new, records, strict=True)
    ]


async def _last(connection: AsyncConnection) -> Link:
    row = (await connection.execute(select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1))).first()
    return Link(row.seq, row.hash) if row is not None else await _anchor(connection)


async def _anchor(connection: AsyncConnection) -> Link:
    """What the oldest record follows upon."""
    text: str | None = await connection.scalar(select(meta.c.value).where(meta.c.key == ANCHOR))
    seq, _, digest = (text or f"0:{GENESIS}").partition(":")
    return Link(int(seq), digest)


async def page(connection: AsyncConnection, after: int, limit: int) -> list[AuditRecord]:
    """At most `limit` records after number `after`, in order."""
    query = select(audit).where(audit.c.seq > after).order_by(audit.c.seq).limit(limit)
    return [
        AuditRecord(row.seq, row.at, row.kind, row.body, row.previous, row.hash)
        for row in await connection.execute(query)
    ]


async def verified(connection: AsyncConnection) -> Link | Flaw:
    """The last link of the whole log, or the first flaw in it."""
    link = await _anchor(connection)
    while records := await page(connection, link.seq, _PAGE):
        found = check(records, link)
        if isinstance(found, Flaw):
            return found
        link = found
    return link


async def prune(connection: AsyncConnection, before: datetime, limit: int) -> int:
    """Forget the oldest records that are older than `before`, at most `limit`; gives how many."""
    oldest = select(audit.c.seq, audit.c.hash, audit.c.at).order_by(audit.c.seq).limit(limit)
    rows = (await connection.execute(oldest)).all()
    gone = list(takewhile(lambda row: row.at < before, rows))
    if not gone:
        return 0
    last = gone[-1]
    await connection.execute(delete(meta).where(meta.c.key == ANCHOR))
    await connection.execute(meta.insert().values(key=ANCHOR, value=f"{last.seq}:{last.hash}"))
    await connection.execute(delete(audit).where(audit.c.seq <= last.seq))
    return len(gone)
