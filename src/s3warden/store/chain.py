"""The chain of the audit log: each record's hash covers its content and the hash before it.

Whoever changes, removes or inserts a record later breaks the chain there, unless he writes all that follows anew; keep
the last hash somewhere else to notice that too. Pure.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from s3warden.model.action import canonical
from s3warden.model.remediation import AuditEntry, AuditRecord
from s3warden.store.codec import storable

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Link:
    """The last record of a chain: its number and hash. Before the first there is number 0 with `GENESIS`."""

    seq: int = 0
    hash: str = GENESIS


@dataclass(frozen=True, slots=True)
class Flaw:
    """The first place where the chain does not hold."""

    seq: int
    what: str


def chained(entries: Iterable[AuditEntry], last: Link) -> Sequence[AuditRecord]:
    """The entries as records that follow upon `last`."""
    records = []
    for entry in entries:
        # As the databases keep it: to the microsecond, in UTC; text that no database takes is spelt out.
        at, kind = entry.at.astimezone(UTC), storable(entry.kind)
        body = storable(canonical(entry.body))
        seq = last.seq + 1
        digest = _hash(seq, at, kind, body, last.hash)
        records.append(AuditRecord(seq, at, kind, body, last.hash, digest))
        last = Link(seq, digest)
    return records


def check(records: Iterable[AuditRecord], last: Link) -> Link | Flaw:
    """The last link of `records`, which are to follow upon `last`; the first flaw where they do not hold together."""
    for record in records:
        if record.seq != last.seq + 1:
            return Flaw(last.seq + 1, f"missing: the next record is number {record.seq}")
        if record.previous != last.hash:
            return Flaw(record.seq, "does not follow upon the record before it")
        if record.hash != _hash(record.seq, record.at, record.kind, record.body, record.previous):
            return Flaw(record.seq, "was changed after it was written")
        last = Link(record.seq, record.hash)
    return last


def _hash(seq: int, at: datetime, kind: str, body: str, previous: str) -> str:
    parts = (previous, str(seq), at.astimezone(UTC).isoformat(timespec="microseconds"), kind, body)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
