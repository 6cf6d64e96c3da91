"""SARIF 2.1.0, for code scanning and viewers of results.

A bucket is no file: its place is a logical location, and an address `s3://NAME` beside it for readers that insist on
one. What is unknown is of the kind `open`, what is exempt is suppressed, and both keep their severity in `properties`.

Source: Static Analysis Results Interchange Format (SARIF) Version 2.1.0, OASIS Standard, sections 3.13 to 3.58.
"""

import json
from collections.abc import Mapping
from typing import Any, Final, TextIO

from s3warden.model.bucket import BucketRef, Subject
from s3warden.model.finding import Severity
from s3warden.model.rule import RuleInfo
from s3warden.report.fields import utc
from s3warden.report.scanned import Check, Outcome, Scanned

_LEVELS: Final[Mapping[Severity, str]] = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
# The numbers by which code scanning tells critical from high, and so on.
_NUMBERS: Final[Mapping[Severity, str]] = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.0",
    Severity.LOW: "3.0",
    Severity.INFO: "0.0",
}
_KINDS: Final[Mapping[Outcome, str]] = {
    Outcome.FAIL: "fail",
    Outcome.EXEMPT: "fail",
    Outcome.UNKNOWN: "open",
    Outcome.PASS: "pass",
    Outcome.NOT_APPLICABLE: "notApplicable",
}


def write(scanned: Scanned, stream: TextIO, passed: bool) -> None:
    """Put the log on `stream`."""
    json.dump(document(scanned, passed=passed), stream, indent=2)
    stream.write("\n")


def document(scanned: Scanned, *, passed: bool) -> dict[str, Any]:
    """The whole log: one run."""
    places = {rule_id: index for index, rule_id in enumerate(scanned.rules)}
    return {
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "s3warden",
                        **({"version": scanned.version} if scanned.version else {}),
                        "rules": [_rule(info, scanned) for info in scanned.rules.values()],
                    }
                },
                "invocations": [_invocation(scanned)],
                "results": [_result(check, places[check.rule.id]) for check in scanned.each(passed=passed)],
            }
        ],
    }


def _rule(info: RuleInfo, scanned: Scanned) -> dict[str, Any]:
    steps = "\n\n".join(each for each in (info.why, info.cli) if each)
    return {
        "id": info.id,
        "name": info.id,
        "shortDescription": {"text": f"{info.title}."},
        **({"fullDescription": {"text": info.why}} if info.why else {}),
        **({"help": {"text": steps}} if steps else {}),
        **({"helpUri": info.references[0]} if info.references else {}),
        "defaultConfiguration": {"level": _LEVELS[info.severity]},
        "properties": {
            "tags": ["security", info.category.value],
            "security-severity": _NUMBERS[info.severity],
            "mapsTo": list(scanned.controls_of(info)),
        },
    }


def _result(check: Check, index: int) -> dict[str, Any]:
    kind = _KINDS[check.outcome]
    exempt = check.finding.exempt if check.finding else None
    return {
        "ruleId": check.rule.id,
        "ruleIndex": index,
        "kind": kind,
        # The standard has no level beside the kind `fail`.
        "level": _LEVELS[check.severity] if kind == "fail" else "none",
        "message": {"text": check.summary},
        "locations": [_location(check.subject)],
        "partialFingerprints": {"s3warden/v1": check.fingerprint},
        # Without a status of its own a suppression is an accepted one.
        **({"suppressions": [{"kind": "external", "justification": str(exempt)}]} if exempt else {}),
        "properties": {
            "outcome": check.outcome.value,
            "severity": check.severity.value,
            "live": bool(check.finding and check.finding.evidence.live),
            "account": check.subject.account,
        },
    }


def _location(subject: Subject) -> dict[str, Any]:
    if isinstance(subject, BucketRef):
        name, uri = subject.arn, f"s3://{subject.name}"
    else:
        name, uri = str(subject), f"aws://{subject.account}"
    return {
        "physicalLocation": {"artifactLocation": {"uri": uri}},
        "logicalLocations": [{"fullyQualifiedName": name, "kind": "resource"}],
    }


def _invocation(scanned: Scanned) -> dict[str, Any]:
    times = {"startTimeUtc": scanned.started_at, "endTimeUtc": scanned.ended_at}
    return {
        "executionSuccessful": scanned.listed and not scanned.partial,
        **{name: utc(at) for name, at in times.items() if at},
        "toolExecutionNotifications": [
            {"level": "error", "message": {"text": f"Not listed: {failure}"}} for failure in scanned.failures
        ],
    }
