"""OCSF 1.5 Compliance Findings (class 2003), as a JSON array: what Security Lake and its readers take.

What could not be decided has the status `Warning`, which the schema keeps for results that miss information. What is
exempt keeps its `Fail`, and the finding is `Suppressed`.

Source: the OCSF schema, version 1.5.0, class Compliance Finding and its objects.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, TextIO

from s3warden.model.bucket import BucketRef
from s3warden.model.finding import Severity
from s3warden.report.fields import write_array
from s3warden.report.scanned import Check, Outcome, Scanned

_CLASS, _CATEGORY, _CREATE = 2003, 2, 1
_SEVERITIES: Final[Mapping[Severity, tuple[int, str]]] = {
    Severity.INFO: (1, "Informational"),
    Severity.LOW: (2, "Low"),
    Severity.MEDIUM: (3, "Medium"),
    Severity.HIGH: (4, "High"),
    Severity.CRITICAL: (5, "Critical"),
}
_COMPLIANCE: Final[Mapping[Outcome, tuple[int, str]]] = {
    Outcome.PASS: (1, "Pass"),
    Outcome.UNKNOWN: (2, "Warning"),
    Outcome.FAIL: (3, "Fail"),
    Outcome.EXEMPT: (3, "Fail"),
}
_NEW, _SUPPRESSED = (1, "New"), (3, "Suppressed")


def write(scanned: Scanned, stream: TextIO, passed: bool) -> None:
    """Put the array on `stream`, one finding a line."""
    write_array((event(check, scanned) for check in scanned.each(passed=passed)), stream)


def event(check: Check, scanned: Scanned) -> dict[str, Any]:
    """One finding."""
    severity_id, severity = _SEVERITIES[check.severity]
    status_id, status = _SUPPRESSED if check.outcome is Outcome.EXEMPT else _NEW
    compliance_id, compliance = _COMPLIANCE[check.outcome]
    exempt = check.finding.exempt if check.finding else None
    controls = list(scanned.controls_of(check.rule))
    return {
        "activity_id": _CREATE,
        "activity_name": "Create",
        "category_uid": _CATEGORY,
        "category_name": "Findings",
        "class_uid": _CLASS,
        "class_name": "Compliance Finding",
        "type_uid": _CLASS * 100 + _CREATE,
        "type_name": "Compliance Finding: Create",
        "time": _milliseconds(scanned.at),
        "severity_id": severity_id,
        "severity": severity,
        "status_id": status_id,
        "status": status,
        **({"comment": str(exempt)} if exempt else {}),
        "message": check.summary,
        "metadata": {
            "version": "1.5.0",
            "profiles": ["cloud"],
            "uid": check.fingerprint,
            "event_code": check.rule.id,
            "product": {"name": "s3warden", "vendor_name": "s3warden", "version": scanned.version or None},
        },
        "cloud": {
            "provider": "AWS",
            "account": {"uid": check.subject.account, "type": "AWS Account", "type_id": 10},
            "region": scanned.region_of(check),
        },
        "finding_info": {
            "uid": check.fingerprint,
            "title": check.rule.title,
            "desc": check.rule.why or check.rule.title,
            "types": [check.rule.category.value],
            "created_time": _milliseconds(check.finding.first_seen if check.finding else check.at),
            "modified_time": _milliseconds(check.at),
        },
        "compliance": {
            "control": check.rule.id,
            "requirements": controls,
            "standards": [scanned.framework.label] if scanned.framework else _standards(check),
            "status": compliance,
            "status_id": compliance_id,
        },
        "resources": [_resource(check, scanned)],
        "remediation": {
            "desc": check.rule.cli or check.rule.title,
            "references": list(check.rule.references),
        },
        "unmapped": {"live": bool(check.finding and check.finding.evidence.live), "outcome": check.outcome.value},
    }


def _standards(check: Check) -> list[str]:
    # The schema asks for a standard; the rule itself is one where no other asks the same.
    return list(dict.fromkeys(control.framework.label for control in check.rule.maps)) or ["s3warden"]


def _resource(check: Check, scanned: Scanned) -> dict[str, Any]:
    subject = check.subject
    bucket = isinstance(subject, BucketRef)
    return {
        "uid": subject.arn
        if isinstance(subject, BucketRef)
        else f"arn:{subject.partition}:iam::{subject.account}:root",
        "name": subject.name if isinstance(subject, BucketRef) else subject.account,
        "type": "AwsS3Bucket" if bucket else "AwsAccount",
        "cloud_partition": subject.partition,
        "region": scanned.region_of(check),
    }


def _milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)
