"""The tables, and the versions that they went through.

Bodies are JSON texts of `codec`; what a query needs to know of them stands in columns of its own. Times are UTC.
"""

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
)
from sqlalchemy.types import TypeDecorator

REVISIONS: Final = ("0001", "0002", "0003", "0004")
"""Every version of the schema, oldest first. The last is what this code works with."""

PENDING: Final = "pending"
DELIVERED: Final = "delivered"
REFUSED: Final = "refused"


class UtcTime(TypeDecorator[datetime]):
    """An aware moment. SQLite knows no time zones, so that it is kept there as naive UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC. Raises ValueError for a naive time, whose meaning nobody knows."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a time zone cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


# SQLite numbers rows by itself only in a column declared INTEGER, which holds 64 bits there.
_ROW_ID = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData()

findings = Table(
    "findings",
    metadata,
    Column("fingerprint", Text, primary_key=True),
    Column("rule_id", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("open", Boolean, nullable=False),
    Column("resolved_at", UtcTime),
    Column("body", Text, nullable=False),
)

finding_history = Table(
    "finding_history",
    metadata,
    Column("fingerprint", Text, primary_key=True),
    Column("sequence", BigInteger, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("reason", Text, nullable=False),
    Column("drift", Boolean, nullable=False),
    Column("body", Text, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", _ROW_ID, primary_key=True, autoincrement=True),
    Column("destination", Text, nullable=False),
    Column("group_key", Text, nullable=False),
    Column("dedup_key", Text, nullable=False),
    # Never lower than that of a later message of the same group: ordered by it, groups stay in order.
    Column("rank", SmallInteger, nullable=False),
    Column("body", Text, nullable=False),
    Column("enqueued_at", UtcTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", UtcTime, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("settled_at", UtcTime),
    UniqueConstraint("destination", "dedup_key", name="outbox_dedup"),
    # A number is never given out twice, not even after the highest row was pruned.
    sqlite_autoincrement=True,
)

meta = Table(
    "meta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

remediations = Table(
    "remediations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("rule_id", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("result", Text),
    Column("reason", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    Column("until", UtcTime),
    Column("version", BigInteger, nullable=False),
    # The plan holds what an undo writes back, so that it stands apart under a checksum: SHA-256 of the text.
    Column("plan", Text),
    Column("checksum", Text),
    Column("body", Text, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    # Tells an entry that is written again after a lost answer from another one with the same words.
    Column("entry", Text, nullable=False, unique=True),
    Column("at", UtcTime, nullable=False),
    Column("kind", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False),
)

requests = Table(
    "requests",
    metadata,
    Column("id", Text, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("answered_at", UtcTime),
    Column("body", Text, nullable=False),
)

incidents = Table(
    "incidents",
    metadata,
    Column("id", Text, primary_key=True),
    Column("bucket", Text, nullable=False),
    Column("closed_at", UtcTime, nullable=False),
    Column("body", Text, nullable=False),
)

# Spelt out, not bound: SQLite uses a partial index only where it can read the condition.
WAITS = outbox.c.state == literal_column(f"'{PENDING}'")

Index("outbox_due", outbox.c.destination, outbox.c.rank.desc(), outbox.c.id, sqlite_where=WAITS, postgresql_where=WAITS)
Index("outbox_group", outbox.c.destination, outbox.c.group_key, outbox.c.id, sqlite_where=WAITS, postgresql_where=WAITS)
# What the pruning looks for.
_settled = outbox.c.settled_at.is_not(None)
Index("outbox_settled", outbox.c.settled_at, sqlite_where=_settled, postgresql_where=_settled)
_resolved = findings.c.resolved_at.is_not(None)
Index("findings_resolved", findings.c.resolved_at, sqlite_where=_resolved, postgresql_where=_resolved)
Index("finding_history_at", finding_history.c.at)
# What the worker takes up at a start, what is listed, what the guard asks about a subject, and what ends by itself.
NOT_ENDED = remediations.c.stage != literal_column("'ended'")
Index("remediations_open", remediations.c.created_at, sqlite_where=NOT_ENDED, postgresql_where=NOT_ENDED)
Index("remediations_changed", remediations.c.changed_at)
Index("remediations_subject", remediations.c.subject, remediations.c.changed_at)
TIMED = remediations.c.until.is_not(None)
Index("remediations_until", remediations.c.until, sqlite_where=TIMED, postgresql_where=TIMED)
Index("audit_at", audit.c.at)
UNANSWERED = requests.c.answered_at.is_(None)
Index("requests_waiting", requests.c.at, sqlite_where=UNANSWERED, postgresql_where=UNANSWERED)
Index("incidents_closed", incidents.c.closed_at)
