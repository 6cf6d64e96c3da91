"""What forms of a report share: a check as flat fields, times, and a JSON array with one item a line."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TextIO

from s3warden.model.bucket import AccountRef, BucketRef, Subject
from s3warden.report.scanned import Check, Scanned
from s3warden.respond.document import exemption


def fields(check: Check, scanned: Scanned) -> dict[str, object]:
    """One check, flat, for machines."""
    finding = check.finding
    evidence = finding.evidence if finding else None
    return {
        "fingerprint": check.fingerprint,
        "rule_id": check.rule.id,
        "title": check.rule.title,
        "verdict": finding.verdict.value if finding else check.outcome.value,
        "outcome": check.outcome.value,
        "severity": check.severity.value,
        "base_severity": ((finding.base_severity if finding else None) or check.severity).value,
        "severity_reasons": list(finding.reasons) if finding else [],
        "exemption": exemption(finding.exempt) if finding and finding.exempt else None,
        "lapsed_exemptions": list(finding.lapsed) if finding else [],
        "live": evidence.live if evidence else False,
        **place(check.subject),
        "summary": check.summary,
        "details": dict(evidence.details) if evidence else {},
        "cause": finding.cause.value if finding and finding.cause else None,
        "maps_to": list(scanned.controls_of(check.rule)),
    }


def place(subject: Subject) -> dict[str, object]:
    """Where it is."""
    match subject:
        case AccountRef():
            return {"account": subject.account, "region": None, "bucket": None, "arn": None}
        case BucketRef():
            return {
                "account": subject.account,
                "region": subject.region,
                "bucket": subject.name,
                "arn": subject.arn,
            }


def utc(at: datetime) -> str:
    """ISO 8601 in UTC, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def write_array(items: Iterable[Mapping[str, object]], stream: TextIO) -> None:
    """Put a JSON array on `stream`, one item a line, without holding it as a whole."""
    stream.write("[")
    stream.writelines(f"{',' if number else ''}\n{json.dumps(item)}" for number, item in enumerate(items))
    stream.write("\n]\n")
