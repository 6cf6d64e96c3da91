"""The journal of remediations, the audit log, and what people ask of a running daemon."""

import sqlalchemy as sa
from alembic import op

from s3warden.store.schema import UtcTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the tables."""
    _remediations()
    op.create_table(
        "audit",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("entry", sa.Text, nullable=False, unique=True),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("previous", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
    )
    op.create_index("audit_at", "audit", ["at"])
    op.create_table(
        "requests",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("answered_at", UtcTime),
        sa.Column("body", sa.Text, nullable=False),
    )
    waiting = sa.text("answered_at IS NULL")
    op.create_index("requests_waiting", "requests", ["at"], sqlite_where=waiting, postgresql_where=waiting)


def _remediations() -> None:
    op.create_table(
        "remediations",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("rule_id", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("result", sa.Text),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("changed_at", UtcTime, nullable=False),
        sa.Column("ended_at", UtcTime),
        sa.Column("until", UtcTime),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("plan", sa.Text),
        sa.Column("checksum", sa.Text),
        sa.Column("body", sa.Text, nullable=False),
    )
    open_ = sa.text("stage <> 'ended'")
    op.create_index("remediations_open", "remediations", ["created_at"], sqlite_where=open_, postgresql_where=open_)
    op.create_index("remediations_changed", "remediations", ["changed_at"])
    op.create_index("remediations_subject", "remediations", ["subject", "changed_at"])
    timed = sa.text("until IS NOT NULL")
    op.create_index("remediations_until", "remediations", ["until"], sqlite_where=timed, postgresql_where=timed)
