"""What may be forgotten: findings long resolved, steps of findings that are not open, messages long settled."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Delete, delete, select, tuple_

from s3warden.store.schema import finding_history, findings, outbox


def prune_statements(before: datetime, limit: int) -> Iterator[Delete]:
    """Statements that each remove at most `limit` rows; to be repeated while they remove that many."""
    # The history before the finding: without the finding, a step still waiting to be removed would have no parent.
    yield _history(before, limit)
    old = select(findings.c.fingerprint).where(findings.c.resolved_at < before).limit(limit)
    yield delete(findings).where(findings.c.fingerprint.in_(old))
    settled = select(outbox.c.id).where(outbox.c.settled_at < before).limit(limit)
    yield delete(outbox).where(outbox.c.id.in_(settled))


def _history(before: datetime, limit: int) -> Delete:
    still_open = select(findings.c.fingerprint).where(
        findings.c.fingerprint == finding_history.c.fingerprint, findings.c.open
    )
    step = (finding_history.c.fingerprint, finding_history.c.sequence)
    old = select(*step).where(finding_history.c.at < before, ~still_open.exists()).limit(limit)
    return delete(finding_history).where(tuple_(*step).in_(old))
