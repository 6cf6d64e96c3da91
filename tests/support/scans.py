"""A scan's result with one of everything, and names that mean mischief."""

from datetime import UTC, datetime

from s3warden.detect.rules import RULES
from s3warden.model.bucket import AccountRef, BucketRef, Cause, Subject
from s3warden.model.exemption import Exempt
from s3warden.model.finding import Evidence, Finding, RuleResult, Severity, Verdict, fingerprint
from s3warden.model.framework import Framework
from s3warden.report.scanned import Scanned, worst_first
from s3warden.report.tally import Tally

AT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
HOME = AccountRef("aws", "111122223333")
LEAKY, QUIET, SOUND = (BucketRef("aws", HOME.account, "eu-west-1", name) for name in ("leaky", "quiet", "sound"))
CHINESE = BucketRef("aws-cn", "444455556666", "cn-north-1", "far-away")
MISCHIEF = '=HYPERLINK("https://evil.example")<script>alert(1)</script>'
INFOS = {rule.info.id: rule.info for rule in RULES}
LEAK, VERSIONING, BLOCK = "bucket-acl-public-read", "bucket-versioning", "account-public-access-block"
APPLIED = (LEAK, VERSIONING, BLOCK, "bucket-public-access-block")
ACCEPTED = Exempt("EX-1", "data-team", "=cmd|' /C calc'!A0", "SEC-7", datetime(2026, 6, 1, tzinfo=UTC))


def found(rule_id: str, subject: Subject, verdict: Verdict = Verdict.FAIL, **more: object) -> Finding:
    """A finding of the first scan."""
    live = bool(more.pop("live", False))
    values = {
        "severity": INFOS[rule_id].severity,
        "evidence": Evidence(MISCHIEF, {"fact": MISCHIEF}, live),
        "first_seen": AT,
        "changed_at": AT,
        **more,
    }
    return Finding(fingerprint(rule_id, subject), rule_id, subject, verdict, **values)  # type: ignore[arg-type]


def scanned(framework: Framework | None = None) -> Scanned:
    """Four buckets and an account: live, unknown, exempt, failing, passing and not applicable."""
    findings = (
        found(LEAK, LEAKY, live=True),
        found(VERSIONING, LEAKY, Verdict.UNKNOWN, cause=Cause.SCP),
        found(VERSIONING, QUIET, exempt=ACCEPTED),
        found(VERSIONING, CHINESE, severity=Severity.INFO),
        found(BLOCK, HOME),
    )
    tally = Tally()
    rows: dict[Subject, dict[str, Verdict]] = {
        LEAKY: {LEAK: Verdict.FAIL, VERSIONING: Verdict.UNKNOWN, "bucket-public-access-block": Verdict.PASS},
        QUIET: {LEAK: Verdict.PASS, VERSIONING: Verdict.FAIL, "bucket-public-access-block": Verdict.PASS},
        SOUND: {LEAK: Verdict.PASS, VERSIONING: Verdict.PASS, "bucket-public-access-block": Verdict.NOT_APPLICABLE},
        CHINESE: {LEAK: Verdict.PASS, VERSIONING: Verdict.FAIL, "bucket-public-access-block": Verdict.PASS},
        HOME: {BLOCK: Verdict.FAIL},
    }
    for subject, row in rows.items():
        tally.judged(subject, [RuleResult(id_, v, Severity.LOW, Evidence("")) for id_, v in row.items()])
    return Scanned(
        findings=tuple(sorted(findings, key=worst_first)),
        rules={rule_id: INFOS[rule_id] for rule_id in APPLIED},
        tally=tally,
        known=INFOS,
        accounts=2,
        buckets=4,
        checks=13,
        started_at=AT,
        ended_at=AT,
        failures=(f"account 999999999999: {MISCHIEF}",),
        listed=False,
        framework=framework,
        home_region="eu-west-1",
        version="0.1.0",
    )
