"""When a message left the outbox, and what the pruning looks for."""

import sqlalchemy as sa
from alembic import op

from s3warden.store.schema import UtcTime

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column and the indexes; what was settled before counts from when it was written."""
    op.add_column("outbox", sa.Column("settled_at", UtcTime))
    op.execute("UPDATE outbox SET settled_at = enqueued_at WHERE state <> 'pending'")
    settled = sa.text("settled_at IS NOT NULL")
    op.create_index("outbox_settled", "outbox", ["settled_at"], sqlite_where=settled, postgresql_where=settled)
    over = sa.text("resolved_at IS NOT NULL")
    op.create_index("findings_resolved", "findings", ["resolved_at"], sqlite_where=over, postgresql_where=over)
    op.create_index("finding_history_at", "finding_history", ["at"])
