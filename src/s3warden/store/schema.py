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

REVISIONS: Final = ("0001", "0002")
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
