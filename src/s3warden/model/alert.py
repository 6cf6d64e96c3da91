"""Who is told: alerts, the messages that carry them, and what became of a delivery."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from s3warden.model.bucket import Subject
from s3warden.model.event import Trigger
from s3warden.model.exemption import Exempt
from s3warden.model.finding import Severity


class AlertStatus(StrEnum):
    """Alertmanager's two words."""

    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Fix:
    """How to fix a finding: AWS CLI lines and a Terraform snippet, with the subject's own names filled in."""

    cli: str = ""
    terraform: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    """One finding's news, with all that the reader on call needs. Times are UTC.

    `fingerprint` names the finding, `sequence` the step in its history. `category` is the rule's, as text.
    `incident` names the record that the end of an exposure left. `base_severity` and `reasons` say how the severity
    came about where its context counts. `exempt` is the accepted risk by which it ended; `lapsed` are those that were
    written for it and do not hold. `links` are what the reader may do at once: words and URLs, each for one receiver.
    """

    fingerprint: str
    sequence: int
    status: AlertStatus
    rule_id: str
    title: str
    severity: Severity
    subject: Subject
    summary: str
    details: tuple[tuple[str, str], ...]
    why: str
    fix: Fix
    starts_at: datetime
    at: datetime
    live: bool = False
    trigger: Trigger | None = None
    reason: str = ""
    runbook_url: str = ""
    category: str = ""
    incident: str = ""
    links: tuple[tuple[str, str], ...] = ()
    base_severity: Severity | None = None
    reasons: tuple[str, ...] = ()
    exempt: Exempt | None = None
    lapsed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DigestLine:
    """One row of a digest: how many findings of a rule, over how many subjects, with a few named."""

    rule_id: str
    title: str
    severity: Severity
    findings: int
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Digest:
    """The state of the estate in one message: sent at the end of the first sweep ever, and as a daily report.

    `new_rules` are the ids of rules that were switched on, where the message is only about what these found. `exempt`
    counts the findings that are accepted, which are in none of the lines.
    """

    at: datetime
    accounts: int
    buckets: int
    live: tuple[Alert, ...]
    lines: tuple[DigestLine, ...]
    checks: int
    checks_unknown: int
    unknown_by_cause: tuple[tuple[str, int], ...] = ()
    failures: tuple[str, ...] = ()
    new_rules: tuple[str, ...] = ()
    exempt: int = 0


@dataclass(frozen=True, slots=True)
class Notice:
    """A word to people about something that is no finding. `kind` is a stable code; one thing a line."""

    kind: str
    at: datetime
    title: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Notification:
    """One message for one destination: alerts that belong together (a group), a digest, or a notice.

    `dedup_key` is the same over every repeat of this message, so that a receiver can drop the second. `group_key`
    stays the same over the life of the cause: the resolve has the key of the opening.
    """

    destination: str
    group_key: str
    dedup_key: str
    severity: Severity
    alerts: tuple[Alert, ...] = ()
    digest: Digest | None = None
    correlation: tuple[str, ...] = field(default=())
    notice: Notice | None = None


@dataclass(frozen=True, slots=True)
class Delivered:
    """The destination took the message."""


@dataclass(frozen=True, slots=True)
class Postponed:
    """Not taken, worth another try. `reason` is a stable code; `retry_after` in seconds, where it was named."""

    reason: str
    detail: str = ""
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Not taken, and will never be: wrong address, revoked credentials, malformed. `reason` is a stable code."""

    reason: str
    detail: str = ""


Delivery: TypeAlias = Delivered | Postponed | Refused
