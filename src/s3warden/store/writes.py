"""What there is to write, as rows by step; and the statement of each step.

All statements may be repeated: a step of a finding's history and a message are recognised, an older state of a finding
never replaces a newer one, and a message that left the outbox does not come back.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from enum import Enum, auto
from typing import Any, TypeAlias
from uuid import uuid4

from sqlalchemy import Executable, Table, bindparam, select, update
from sqlalchemy.dialects.postgresql.dml import Insert as PostgresInsert
from sqlalchemy.dialects.sqlite.dml import Insert as SqliteInsert

from s3warden.model.alert import Notification
from s3warden.model.finding import ChangeKind, FindingChange
from s3warden.model.incident import Incident
from s3warden.model.remediation import AuditEntry, Remediation, Request
from s3warden.store.codec import (
    checksum,
    encode_finding,
    encode_incident,
    encode_notification,
    encode_plan,
    encode_remediation,
    encode_request,
    storable,
)
from s3warden.store.schema import (
    PENDING,
    UNANSWERED,
    WAITS,
    audit,
    finding_history,
    findings,
    incidents,
    meta,
    outbox,
    remediations,
    requests,
)


class Step(Enum):
    """The steps of one transaction, in their order."""

    FINDING = auto()
    HISTORY = auto()
    MESSAGE = auto()
    RAISE = auto()
    SETTLE = auto()
    POSTPONE = auto()
    META = auto()
    INCIDENT = auto()
    REMEDIATION = auto()
    REQUEST = auto()
    AUDIT = auto()


Row: TypeAlias = Mapping[str, object]
Writes: TypeAlias = Mapping[Step, Sequence[Row]]


def commit_writes(
    changes: Iterable[FindingChange],
    notifications: Iterable[Notification],
    enqueued_at: datetime,
    records: Iterable[Incident] = (),
) -> Writes:
    """New states of findings, their history, the messages about them, and the records of exposures that are over."""
    encoded = [(change, encode_finding(change.finding)) for change in changes]
    notifications = tuple(notifications)
    return {
        Step.FINDING: [_finding_row(change, body) for change, body in encoded],
        Step.HISTORY: [_history_row(change, body) for change, body in encoded if change.kind is not ChangeKind.RESUMED],
        Step.MESSAGE: [_message_row(each, enqueued_at) for each in notifications],
        Step.RAISE: [_raise_row(each) for each in notifications],
        Step.INCIDENT: [_incident_row(each) for each in records],
    }


def settle_writes(ids: Iterable[int], state: str, at: datetime, reason: str = "") -> Writes:
    """Messages that leave the outbox."""
    new = {"new_state": state, "new_reason": storable(reason), "new_settled_at": at}
    return {Step.SETTLE: [{"of_id": each, **new} for each in ids]}


def postpone_writes(ids: Iterable[int], until: datetime, reason: str) -> Writes:
    """Messages that wait for their next try."""
    return {Step.POSTPONE: [{"of_id": each, "until": until, "new_reason": storable(reason)} for each in ids]}


def meta_writes(key: str, value: str) -> Writes:
    """One single value."""
    return {Step.META: [{"key": storable(key), "value": storable(value)}]}


def journal_writes(remediations: Iterable[Remediation], entries: Iterable[AuditEntry]) -> Writes:
    """Entries of the journal, and the lines of the audit log about them; the chain is made as they are written."""
    return {
        Step.REMEDIATION: [_remediation_row(each) for each in remediations],
        Step.AUDIT: [{"entry": uuid4().hex, "what": each} for each in entries],
    }


def request_writes(request: Request) -> Writes:
    """A request, or its answer."""
    return {Step.REQUEST: [request_row(request)]}


def statements(insert: Callable[[Table], SqliteInsert | PostgresInsert]) -> Mapping[Step, Executable]:
    """The statement of each step, to be executed with its rows."""
    return {
        Step.FINDING: _upsert_finding(insert),
        Step.HISTORY: insert(finding_history).on_conflict_do_nothing(),
        Step.MESSAGE: insert(outbox).on_conflict_do_nothing(index_elements=["destination", "dedup_key"]),
        Step.RAISE: _raise_rank(),
        Step.SETTLE: _pending_by_id().values(
            state=bindparam("new_state"), reason=bindparam("new_reason"), settled_at=bindparam("new_settled_at")
        ),
        Step.POSTPONE: _pending_by_id().values(
            attempts=outbox.c.attempts + 1, next_attempt_at=bindparam("until"), reason=bindparam("new_reason")
        ),
        Step.META: _upsert_meta(insert),
        Step.INCIDENT: insert(incidents).on_conflict_do_nothing(),
        Step.REMEDIATION: _upsert_remediation(insert),
        Step.REQUEST: _upsert_request(insert),
        Step.AUDIT: insert(audit),
    }


def _upsert_finding(insert: Callable[[Table], SqliteInsert | PostgresInsert]) -> Executable:
    statement = insert(findings)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["fingerprint"],
        set_={column.name: new[column.name] for column in findings.columns if not column.primary_key},
        # The second half spares the write where nothing is new, as for everything that is seen again after a restart.
        where=(new.sequence >= findings.c.sequence) & (new.body != findings.c.body),
    )


def _upsert_meta(insert: Callable[[Table], SqliteInsert | PostgresInsert]) -> Executable:
    statement = insert(meta)
    return statement.on_conflict_do_update(index_elements=["key"], set_={"value": statement.excluded.value})


def _upsert_remediation(insert: Callable[[Table], SqliteInsert | PostgresInsert]) -> Executable:
    statement = insert(remediations)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["id"],
        set_={column.name: new[column.name] for column in remediations.columns if not column.primary_key},
        where=new.version > remediations.c.version,
    )


def _upsert_request(insert: Callable[[Table], SqliteInsert | PostgresInsert]) -> Executable:
    statement = insert(requests)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["id"], set_={"answered_at": new.answered_at, "body": new.body}, where=UNANSWERED
    )


def _raise_rank() -> Executable:
    # What waits before an urgent message of its group is as urgent: it must go first.
    new = outbox.alias("new")
    its_id = select(new.c.id).where(
        new.c.destination == bindparam("of_destination"), new.c.dedup_key == bindparam("of_dedup")
    )
    return (
        update(outbox)
        .where(
            outbox.c.destination == bindparam("of_destination"),
            outbox.c.group_key == bindparam("of_group"),
            WAITS,
            outbox.c.rank < bindparam("new_rank"),
            outbox.c.id < its_id.scalar_subquery(),
        )
        .values(rank=bindparam("new_rank"))
    )


def _pending_by_id() -> Any:
    return update(outbox).where(outbox.c.id == bindparam("of_id"), WAITS)


def _finding_row(change: FindingChange, body: str) -> Row:
    finding = change.finding
    return {
        "fingerprint": storable(finding.fingerprint),
        "rule_id": storable(finding.rule_id),
        "subject": storable(finding.subject.key),
        "severity": finding.severity.value,
        "sequence": finding.sequence,
        "open": finding.is_open,
        "resolved_at": finding.resolved_at,
        "body": body,
    }


def _history_row(change: FindingChange, body: str) -> Row:
    return {
        "fingerprint": storable(change.finding.fingerprint),
        "sequence": change.finding.sequence,
        "kind": change.kind.value,
        "at": change.at,
        "reason": storable(change.reason),
        "drift": change.drift,
        "body": body,
    }


def _message_row(notification: Notification, enqueued_at: datetime) -> Row:
    return {
        "destination": storable(notification.destination),
        "group_key": storable(notification.group_key),
        "dedup_key": storable(notification.dedup_key),
        "rank": notification.severity.rank,
        "body": encode_notification(notification),
        "enqueued_at": enqueued_at,
        "attempts": 0,
        "next_attempt_at": enqueued_at,
        "state": PENDING,
        "reason": "",
    }


def _remediation_row(entry: Remediation) -> Row:
    plan = encode_plan(entry.plan) if entry.plan is not None else None
    return {
        "id": entry.id,
        "fingerprint": storable(entry.fingerprint),
        "rule_id": storable(entry.rule_id),
        "subject": storable(entry.subject.key),
        "stage": entry.stage.value,
        "result": entry.result.value if entry.result is not None else None,
        "reason": storable(entry.reason),
        "created_at": entry.created_at,
        "changed_at": entry.changed_at,
        "ended_at": entry.ended_at,
        "until": entry.until,
        "version": entry.version,
        "plan": plan,
        "checksum": checksum(plan) if plan is not None else None,
        "body": encode_remediation(entry),
    }


def request_row(request: Request) -> Row:
    """A request as its row."""
    return {
        "id": request.id,
        "at": request.at,
        "answered_at": request.answered_at,
        "body": encode_request(request),
    }


def _incident_row(incident: Incident) -> Row:
    return {
        "id": incident.id,
        "bucket": storable(incident.bucket.key),
        "closed_at": incident.closed_at,
        "body": encode_incident(incident),
    }


def _raise_row(notification: Notification) -> Row:
    return {
        "of_destination": storable(notification.destination),
        "of_group": storable(notification.group_key),
        "of_dedup": storable(notification.dedup_key),
        "new_rank": notification.severity.rank,
    }
