"""The AWS Security Finding Format, as a JSON array: what `BatchImportFindings` of Security Hub takes, 100 at a time.

Severity and types are given as the provider's, so that what people set in Security Hub stays. What is exempt is
archived; what could not be decided has the status WARNING.

Source: the Security Hub API reference, AwsSecurityFinding; "AWS Security Finding Format syntax" of its user guide.
"""

from collections.abc import Mapping
from typing import Any, Final, TextIO

from s3warden.detect.proofs import cut
from s3warden.model.bucket import BucketRef
from s3warden.model.finding import Severity
from s3warden.report.fields import utc, write_array
from s3warden.report.scanned import Check, Outcome, Scanned

_LABELS: Final[Mapping[Severity, str]] = {
    Severity.INFO: "INFORMATIONAL",
    Severity.LOW: "LOW",
    Severity.MEDIUM: "MEDIUM",
    Severity.HIGH: "HIGH",
    Severity.CRITICAL: "CRITICAL",
}
_STATUSES: Final[Mapping[Outcome, str]] = {
    Outcome.PASS: "PASSED",
    Outcome.UNKNOWN: "WARNING",
    Outcome.FAIL: "FAILED",
    Outcome.EXEMPT: "FAILED",
}
_TYPES: Final = ["Software and Configuration Checks/AWS Security Best Practices"]
# Lengths that Security Hub takes, in characters.
_TITLE, _DESCRIPTION, _RECOMMENDATION, _RELATED, _RELATED_COUNT = 256, 1024, 512, 64, 32


def write(scanned: Scanned, stream: TextIO, passed: bool) -> None:
    """Put the array on `stream`, one finding a line."""
    write_array((finding(check, scanned) for check in scanned.each(passed=passed)), stream)


def finding(check: Check, scanned: Scanned) -> dict[str, Any]:
    """One finding, for the Security Hub of the account and region that it is about."""
    subject, region, own = check.subject, scanned.region_of(check), check.subject.account
    severity = {"Label": _LABELS[check.severity]}
    exempt = check.finding.exempt if check.finding else None
    related = [each[:_RELATED] for each in scanned.controls_of(check.rule)][:_RELATED_COUNT]
    return {
        "SchemaVersion": "2018-10-08",
        "Id": f"s3warden/{check.fingerprint}",
        "ProductArn": f"arn:{subject.partition}:securityhub:{region}:{own}:product/{own}/default",
        "GeneratorId": f"s3warden/{check.rule.id}",
        "AwsAccountId": own,
        "Types": _TYPES,
        "CreatedAt": utc(check.finding.first_seen if check.finding else check.at),
        "UpdatedAt": utc(scanned.at),
        "Severity": severity,
        "Title": cut(check.rule.title, _TITLE),
        "Description": cut(check.summary, _DESCRIPTION),
        "Remediation": {"Recommendation": _recommendation(check)},
        "ProductFields": {
            "s3warden/rule_id": check.rule.id,
            "s3warden/outcome": check.outcome.value,
            "s3warden/live": str(bool(check.finding and check.finding.evidence.live)).lower(),
            **({"s3warden/exemption": exempt.id} if exempt else {}),
        },
        "Resources": [_resource(check, region)],
        "Compliance": {
            "Status": _STATUSES[check.outcome],
            **({"RelatedRequirements": related} if related else {}),
        },
        "RecordState": "ARCHIVED" if exempt else "ACTIVE",
        "FindingProviderFields": {"Severity": severity, "Types": _TYPES},
    }


def _recommendation(check: Check) -> dict[str, str]:
    text = {"Text": cut(check.rule.why or check.rule.title, _RECOMMENDATION)}
    return {**text, "Url": check.rule.references[0]} if check.rule.references else text


def _resource(check: Check, region: str) -> dict[str, Any]:
    subject = check.subject
    kind, id_ = (
        ("AwsS3Bucket", subject.arn)
        if isinstance(subject, BucketRef)
        else ("AwsAccount", f"AWS::::Account:{subject.account}")
    )
    return {"Type": kind, "Id": id_, "Partition": subject.partition, "Region": region}
