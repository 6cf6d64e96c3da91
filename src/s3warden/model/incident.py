"""The record of an exposure that is over: from when to when, by whom, what was possible, and who could tell its use."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from s3warden.model.bucket import BucketRef
from s3warden.model.event import Trigger
from s3warden.model.finding import Finding, Verdict

RECORDED = frozenset({"bucket-public-effective", "bucket-public-authenticated"})
"""The rules whose findings speak for a whole exposure: each of its ends is written down once."""


class Coverage(StrEnum):
    """Whether a log of requests was kept while the bucket was open, as far as the settings at its end tell."""

    LOGGED = "logged"
    NOT_LOGGED = "not_logged"
    NOT_KNOWN = "not_known"


class Log(StrEnum):
    """The kinds of logs that have requests in them, by the name that people use."""

    ACCESS = "server access logs"
    DATA_EVENTS = "CloudTrail data events"


@dataclass(frozen=True, slots=True)
class Source:
    """A log that may show who used the exposure; `place` is where it is, "" if nowhere."""

    name: Log
    coverage: Coverage
    place: str = ""


@dataclass(frozen=True, slots=True)
class Incident:
    """One exposure from its opening to its end. Times are UTC.

    `opened_at` is the time of the call that opened it, where an event told; `found_at` when s3warden saw it, so that
    without an event the exposure began at an unknown time before. `closed_at` is when it was seen closed. `possible` is
    what strangers could do, in the words of the finding; `facts` the decisive facts at the end.
    """

    id: str
    fingerprint: str
    rule_id: str
    bucket: BucketRef
    summary: str
    possible: str
    facts: tuple[tuple[str, str], ...]
    found_at: datetime
    closed_at: datetime
    reason: str
    opened_at: datetime | None = None
    opened_by: Trigger | None = None
    closed_by: Trigger | None = None
    sources: tuple[Source, ...] = ()


def incident_id(finding: Finding) -> str | None:
    """The name of the record that the end of `finding` leaves; None where it leaves none.

    The same for the same opening, so that a repeat writes nothing twice.
    """
    if finding.rule_id not in RECORDED or finding.verdict is not Verdict.FAIL or not finding.evidence.live:
        return None
    text = f"{finding.fingerprint}\0{finding.first_seen.isoformat()}"
    return f"inc-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
