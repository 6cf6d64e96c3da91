"""What is wrong: verdicts of rules, findings with their history, and the changes between two looks."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from s3warden.model.bucket import Cause, Subject
from s3warden.model.event import Trigger
from s3warden.model.exemption import Exempt


class Severity(StrEnum):
    """How bad a finding is; `rank` orders them, critical highest."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for info to 4 for critical."""
        return list(Severity).index(self)


class Verdict(StrEnum):
    """What a rule says of a state. Unreadable is UNKNOWN, never PASS."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not_applicable"


_NO_DETAILS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a rule says what it says.

    `summary` is one sentence for people. `details` are the decisive facts (grant, statement, flag), and decide
    whether a finding changed. `live` marks an exposure that works right now, without another switch being flipped.
    """

    summary: str
    details: Mapping[str, str] = field(default_factory=lambda: _NO_DETAILS)
    live: bool = False

    @property
    def digest(self) -> str:
        """16 hexadecimal digits that stay equal as long as the decisive facts do."""
        text = "\0".join(f"{key}={value}" for key, value in sorted(self.details.items()))
        return hashlib.sha256(f"{self.live}\0{text}".encode(errors="surrogatepass")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One rule's verdict on one subject. `severity` is the rule's own, or another where the evidence asks for it.

    `base_severity` is what it was before its context was weighed, and `reasons` why it is another now; None and empty
    where the context changes nothing. `exempt` is the accepted risk that holds for it, `lapsed` those that were written
    for it and do not hold, each with why.
    """

    rule_id: str
    verdict: Verdict
    severity: Severity
    evidence: Evidence
    cause: Cause | None = None
    base_severity: Severity | None = None
    reasons: tuple[str, ...] = ()
    exempt: Exempt | None = None
    lapsed: tuple[str, ...] = ()


def fingerprint(rule_id: str, subject: Subject) -> str:
    """The finding's stable name, 32 hexadecimal digits: the same for the same rule and subject, for ever."""
    return hashlib.sha256(f"{rule_id}\0{subject.key}".encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that does not pass for a subject: `verdict` is FAIL or UNKNOWN. Times are UTC.

    `first_seen` is when this finding opened, `changed_at` when its evidence last changed, `resolved_at` when it ended.
    `trigger` is who did it, where an event told. `notified` is whether people were told of the opening, so that the
    resolve is told to the same people or to nobody. `unknown_since` is set while a known failure can't be read again.
    `base_severity`, `reasons`, `exempt` and `lapsed` are those of the verdict. While `exempt` nobody is told.
    """

    fingerprint: str
    rule_id: str
    subject: Subject
    verdict: Verdict
    severity: Severity
    evidence: Evidence
    first_seen: datetime
    changed_at: datetime
    cause: Cause | None = None
    trigger: Trigger | None = None
    notified: bool = False
    resolved_at: datetime | None = None
    unknown_since: datetime | None = None
    sequence: int = 1
    base_severity: Severity | None = None
    reasons: tuple[str, ...] = ()
    exempt: Exempt | None = None
    lapsed: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether the finding still stands."""
        return self.resolved_at is None

    @property
    def undecided(self) -> bool:
        """Whether the truth is not known: it never was, or a known failure cannot be read again."""
        return self.verdict is Verdict.UNKNOWN or self.unknown_since is not None


class ChangeKind(StrEnum):
    """What happened to a finding. RESUMED: known before the restart and still there; it is told to nobody."""

    OPENED = "opened"
    UPDATED = "updated"
    RESOLVED = "resolved"
    RESUMED = "resumed"


class Reason(StrEnum):
    """Why a finding changed: the codes in `FindingChange.reason`, which is empty where the kind says it all.

    ESCALATED, EASED: more or less severe, or live, than before. UNREADABLE, READABLE: reads began or ceased to fail.
    NOT_GUARDED: the bucket is out of the scope that the settings name, by its region or name. EXEMPTED: an exemption
    holds from now on; EXEMPTION_ENDED: it expired, was withdrawn, or more is open than was approved.
    """

    ESCALATED = "escalated"
    EASED = "eased"
    CHANGED = "changed"
    UNREADABLE = "unreadable"
    READABLE = "readable"
    CAUSE = "cause"
    FIXED = "fixed"
    NOT_APPLICABLE = "not_applicable"
    RULE_DISABLED = "rule_disabled"
    BUCKET_DELETED = "bucket_deleted"
    ACCOUNT_LEFT = "account_left"
    NOT_GUARDED = "not_guarded"
    EXEMPTED = "exempted"
    EXEMPTION_ENDED = "exemption_ended"


@dataclass(frozen=True, slots=True)
class FindingChange:
    """One step in a finding's history. `finding` is the finding after the step; `drift`: a sweep found it, no event."""

    kind: ChangeKind
    finding: Finding
    at: datetime
    reason: str = ""
    drift: bool = False

    @property
    def id(self) -> str:
        """Stable over repeats: fingerprint and sequence number of the step."""
        return f"{self.finding.fingerprint}/{self.finding.sequence}"
