"""What is known of unfinished remediations, and the one way to change it: stored first, believed afterwards.

Takes an entry and what happened to it, writes journal, audit log and messages in one transaction, and only then lets
the rest of the program see it. After an error of the store the entry is what it was, as after a crash.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Protocol

import structlog

from s3warden.model.alert import Notification
from s3warden.model.finding import Finding
from s3warden.model.remediation import AuditEntry, Remediation, Stage

log = structlog.get_logger("s3warden.remediation")

# Crockford's base 32 in lower case: no i, l, o or u, so that nothing is mistyped. 50 bits.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_ID_LENGTH = 10


class Ledger(Protocol):
    """The part of the store that the book is kept in."""

    async def record(
        self,
        entries: Sequence[Remediation] = (),
        audit: Sequence[AuditEntry] = (),
        notifications: Sequence[Notification] = (),
    ) -> None:
        """Make all of it durable in one transaction. Raises StoreError."""


def new_id() -> str:
    """A short id that can be typed."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_ID_LENGTH))


@dataclass(slots=True)
class Book:
    """The unfinished entries, by id; `clock` gives UTC."""

    store: Ledger
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    draw: Callable[[], str] = new_id
    # Called when messages wait in the store.
    told: Callable[[], None] = lambda: None
    _open: dict[str, Remediation] = field(default_factory=dict)
    _by_finding: dict[str, str] = field(default_factory=dict)

    def restore(self, entries: Sequence[Remediation]) -> None:
        """Take up what an earlier life left unfinished."""
        for entry in entries:
            self._keep(entry)

    def of(self, fingerprint: str) -> Remediation | None:
        """The unfinished entry about a finding, undoings not counted."""
        id_ = self._by_finding.get(fingerprint)
        return None if id_ is None else self._open.get(id_)

    def known(self, prefix: str) -> Remediation | None:
        """The unfinished entry whose id begins so, if it is the only one."""
        found = [entry for id_, entry in self._open.items() if id_.startswith(prefix)]
        return found[0] if len(found) == 1 else None

    def unfinished(self) -> tuple[Remediation, ...]:
        """All entries that have not ended, in the order in which they came."""
        return tuple(self._open.values())

    def about(self, finding: Finding) -> Remediation:
        """The entry about a finding: the unfinished one, or a new one that is not stored yet."""
        known = self.of(finding.fingerprint)
        if known is not None:
            return known
        at = self.clock()
        return Remediation(
            id=self.draw(),
            fingerprint=finding.fingerprint,
            rule_id=finding.rule_id,
            subject=finding.subject,
            evidence=finding.evidence.digest,
            created_at=at,
            changed_at=at,
            stage=Stage.HELD,
            trigger=finding.trigger,
            version=0,
        )

    async def write(
        self,
        entry: Remediation,
        kind: str,
        told: Mapping[str, object] = MappingProxyType({}),
        *,
        others: Sequence[Remediation] = (),
        notifications: Sequence[Notification] = (),
    ) -> Remediation:
        """Store the entry as it is now, with one line for the audit log. Raises StoreError; then nothing changed.

        `told` is what the line says beyond what it is about. `others` are entries that change with it.
        """
        body = {"remediation": entry.id, "subject": entry.subject.key, "rule_id": entry.rule_id, **told}
        await self.store.record((entry, *others), (AuditEntry(entry.changed_at, kind, body),), notifications)
        for each in (entry, *others):
            self._keep(each)
        if notifications:
            self.told()
        return entry

    async def postpone(self, entry: Remediation, detail: str, again: datetime | None) -> None:
        """Store when an entry that waits is looked at again, and its sentence as it is now. Raises StoreError.

        That is no news: `changed_at` stays, and the audit log is not told.
        """
        if (detail, again) != (entry.detail, entry.retry_at):
            entry = replace(entry, detail=detail, retry_at=again, version=entry.version + 1)
            await self.store.record((entry,))
            self._keep(entry)

    def _keep(self, entry: Remediation) -> None:
        if entry.stage is Stage.ENDED:
            self._open.pop(entry.id, None)
            if self._by_finding.get(entry.fingerprint) == entry.id:
                del self._by_finding[entry.fingerprint]
            return
        self._open[entry.id] = entry
        if entry.undo_of is None:
            self._by_finding[entry.fingerprint] = entry.id
