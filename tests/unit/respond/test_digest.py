"""The state of the estate in one message."""

from datetime import datetime

from s3warden.model.alert import Alert, AlertStatus, Digest
from s3warden.model.bucket import BucketRef
from s3warden.model.exemption import Exempt
from s3warden.model.finding import Finding, Severity, Verdict
from s3warden.respond import blocks
from s3warden.respond.digest import LIVE, Coverage, compose, notifications
from s3warden.respond.render import digest_text
from s3warden.respond.routing import Routing
from support.alerts import NIGHT, finding, posture, rule

RULES = {info.id: info for info in (rule("bucket-acl-public"), rule("bucket-tags"), rule("bucket-encryption"))}
COVERAGE = Coverage(accounts=3, buckets=40, checks=600, checks_unknown=6, unknown_by_cause={"rcp": 1, "scp": 5})


def composed(*findings: Finding, coverage: Coverage = COVERAGE, at: datetime = NIGHT) -> Digest:
    """The digest of these findings."""
    routing = Routing((), RULES)

    def alert(of: Finding) -> Alert:
        return routing.describe(of, AlertStatus.FIRING, at=at)

    return compose(findings, coverage, at=at, rules=RULES, alert=alert)


def bucket(name: str) -> BucketRef:
    """A bucket."""
    return BucketRef("aws", "111122223333", "eu-west-1", name)


def test_live_exposure_comes_first_then_severity_then_number() -> None:
    """A live finding outranks a more severe one that is not live."""
    found = composed(
        *(posture("bucket-tags", Severity.HIGH, subject=bucket(f"b{n}")) for n in range(5)),
        posture("bucket-encryption", Severity.CRITICAL),
        finding("bucket-acl-public", severity=Severity.MEDIUM),
    )
    assert [(line.rule_id, line.findings) for line in found.lines] == [
        ("bucket-acl-public", 1),
        ("bucket-encryption", 1),
        ("bucket-tags", 5),
    ]
    assert [alert.rule_id for alert in found.live] == ["bucket-acl-public"]


def test_lines_name_a_few_examples() -> None:
    """Three buckets stand for all."""
    found = composed(*(posture("bucket-tags", subject=bucket(f"b{n}")) for n in range(9)))
    assert found.lines[0].examples == ("b0", "b1", "b2")


def test_unknown_is_coverage_not_a_finding() -> None:
    """What could not be read counts as unknown and is no line of its own."""
    found = composed(posture("bucket-tags", verdict=Verdict.UNKNOWN))
    assert found.lines == ()
    assert (found.checks, found.checks_unknown) == (600, 6)
    assert found.unknown_by_cause == (("scp", 5), ("rcp", 1))


def test_what_is_exempt_is_counted_and_in_no_line() -> None:
    """Neither among the live ones; the text and the message for Slack say how many there are."""
    held = Exempt("assets", "team-web", "static files")
    found = composed(
        finding("bucket-acl-public", exempt=held), posture("bucket-tags", exempt=held), posture("bucket-encryption")
    )
    assert found.exempt == 2
    assert found.live == ()
    assert [line.rule_id for line in found.lines] == ["bucket-encryption"]
    assert "Exempt, and in none of these lines: 2 findings." in digest_text(found)
    (message,) = notifications(found, ["all"], kind="daily")
    assert "Exempt, and in none of these lines: 2 findings." in str(blocks.message([message]))


def test_live_list_is_bounded_but_counted() -> None:
    """An estate on fire still makes one message; the line of the rule counts every exposure."""
    found = composed(*(finding(subject=bucket(f"b{n:03}")) for n in range(LIVE + 50)))
    assert len(found.live) == LIVE
    assert found.lines[0].findings == LIVE + 50


def test_each_destination_gets_one_with_the_same_key() -> None:
    """One message a destination; digests of another kind or moment have other keys."""
    found = composed(finding())
    first, second = notifications(found, ["a", "b"], kind="baseline")
    assert (first.destination, second.destination) == ("a", "b")
    assert first.dedup_key == second.dedup_key
    assert first.severity is Severity.CRITICAL
    assert first.dedup_key != notifications(found, ["a"], kind="daily")[0].dedup_key


def test_clean_estate_is_told_too() -> None:
    """No finding makes a digest of severity info, not silence."""
    (message,) = notifications(composed(), ["a"], kind="baseline")
    assert message.severity is Severity.INFO
    assert message.digest is not None
