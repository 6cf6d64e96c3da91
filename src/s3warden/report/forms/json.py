"""One JSON document: the figures of the scan, the controls where a framework is reported, and every finding."""

import json
from typing import TextIO

from s3warden.report.controls import CAVEAT, ControlRow, controls
from s3warden.report.fields import fields, place
from s3warden.report.scanned import Outcome, Scanned


def write(scanned: Scanned, stream: TextIO, passed: bool) -> None:
    """Put the document on `stream`."""
    json.dump(document(scanned, passed=passed), stream, indent=2)
    stream.write("\n")


def document(scanned: Scanned, *, passed: bool) -> dict[str, object]:
    """The report as JSON has it."""
    return {
        "complete": scanned.complete,
        "partial": scanned.partial,
        "started_at": scanned.started_at.isoformat() if scanned.started_at else None,
        "ended_at": scanned.ended_at.isoformat() if scanned.ended_at else None,
        "accounts": scanned.accounts,
        "buckets": scanned.buckets,
        "coverage": {
            "checks": scanned.checks,
            "unknown": len(scanned.unknown),
            "unknown_by_cause": dict(scanned.unknown_by_cause),
        },
        "failures": list(scanned.failures),
        "exempt": len(scanned.exempt),
        **_framework(scanned),
        "findings": [fields(check, scanned) for check in scanned.each(passed=passed)],
    }


def _framework(scanned: Scanned) -> dict[str, object]:
    if scanned.framework is None:
        return {}
    rows = [_control(row) for row in controls(scanned.framework, scanned)]
    named = {"id": scanned.framework.value, "title": scanned.framework.label, "note": CAVEAT}
    return {"framework": {**named, "controls": rows}}


def _control(row: ControlRow) -> dict[str, object]:
    return {
        "id": row.id,
        "status": row.status.replace(" ", "_"),
        "rules": list(row.rules),
        "rules_not_enabled": list(row.off),
        "counts": {outcome.value: row.counts.get(outcome, 0) for outcome in Outcome},
        "concerned": [{**place(subject), "outcome": outcome.value} for subject, outcome in row.concerned],
    }
