"""Findings, their history, the outbox, and a place for single values."""

import sqlalchemy as sa
from alembic import op

from s3warden.store.schema import UtcTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    _findings()
    _outbox()
    op.create_table(
        "meta",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )


def _findings() -> None:
    op.create_table(
        "findings",
        sa.Column("fingerprint", sa.Text, primary_key=True),
        sa.Column("rule_id", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("open", sa.Boolean, nullable=False),
        sa.Column("resolved_at", UtcTime),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "finding_history",
        sa.Column("fingerprint", sa.Text, primary_key=True),
        sa.Column("sequence", sa.BigInteger, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("drift", sa.Boolean, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("destination", sa.Text, nullable=False),
        sa.Column("group_key", sa.Text, nullable=False),
        sa.Column("dedup_key", sa.Text, nullable=False),
        sa.Column("rank", sa.SmallInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("enqueued_at", UtcTime, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt_at", UtcTime, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.UniqueConstraint("destination", "dedup_key", name="outbox_dedup"),
        sqlite_autoincrement=True,
    )
    waits = sa.text("state = 'pending'")
    due: list[str | sa.TextClause] = ["destination", sa.text("rank DESC"), "id"]
    op.create_index("outbox_due", "outbox", due, sqlite_where=waits, postgresql_where=waits)
    group = ["destination", "group_key", "id"]
    op.create_index("outbox_group", "outbox", group, sqlite_where=waits, postgresql_where=waits)
