"""The outgoing messages: what is due, in which order, and how much waits."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, Select, func, literal_column, select

from s3warden.model.alert import Notification
from s3warden.store.codec import decode_notification
from s3warden.store.schema import PENDING, WAITS, outbox


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """One message waiting for delivery. `id` rises in the order of commits; `attempts` failed so far."""

    id: int
    notification: Notification
    attempts: int
    enqueued_at: datetime


def due_query(destination: str, now: datetime, limit: int) -> Select[tuple[int, str, int, datetime]]:
    """Messages that may go now: the most severe first, then the oldest.

    A message behind one of its group that must wait still waits too. Ordered by rank, groups stay in order, since
    nothing in the outbox ranks lower than what comes after it in its group.
    """
    earlier = outbox.alias("earlier")
    held = (
        select(earlier.c.id)
        .where(
            earlier.c.destination == outbox.c.destination,
            earlier.c.group_key == outbox.c.group_key,
            earlier.c.id < outbox.c.id,
            earlier.c.state == literal_column(f"'{PENDING}'"),
            earlier.c.next_attempt_at > now,
        )
        .exists()
    )
    return (
        select(outbox.c.id, outbox.c.body, outbox.c.attempts, outbox.c.enqueued_at)
        .where(outbox.c.destination == destination, WAITS, outbox.c.next_attempt_at <= now, ~held)
        .order_by(outbox.c.rank.desc(), outbox.c.id)
        .limit(limit)
    )


def next_due_query(destination: str) -> Select[tuple[datetime]]:
    """When the next message may go."""
    return select(func.min(outbox.c.next_attempt_at)).where(outbox.c.destination == destination, WAITS)


def pending_query() -> Select[tuple[str, int]]:
    """How many messages wait, by destination."""
    return select(outbox.c.destination, func.count().label("waiting")).where(WAITS).group_by(outbox.c.destination)


def entry(row: Row[tuple[int, str, int, datetime]]) -> OutboxEntry:
    """A row of `due_query` as a message. Raises UndecodableError."""
    return OutboxEntry(row.id, decode_notification(row.body), row.attempts, row.enqueued_at)
