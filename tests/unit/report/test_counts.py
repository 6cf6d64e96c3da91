"""What is counted: by rule, by control, and each check once."""

from collections import Counter

from s3warden.model.finding import Evidence, RuleResult, Severity, Verdict
from s3warden.model.framework import Framework
from s3warden.report.controls import CAVEAT, controls
from s3warden.report.scanned import Outcome
from s3warden.report.tally import Tally
from support.scans import BLOCK, HOME, LEAK, LEAKY, QUIET, SOUND, VERSIONING, scanned


def test_outcomes_by_rule_come_of_verdicts_and_findings() -> None:
    """What is accepted is told apart from what fails, and every check is in one of the five."""
    counts = scanned().outcomes()
    assert counts[LEAK] == Counter({Outcome.FAIL: 1, Outcome.PASS: 3})
    assert counts[VERSIONING] == Counter([Outcome.FAIL, Outcome.UNKNOWN, Outcome.EXEMPT, Outcome.PASS])
    assert counts["bucket-public-access-block"] == Counter({Outcome.PASS: 3, Outcome.NOT_APPLICABLE: 1})
    assert sum(each.total() for each in counts.values()) == scanned().checks


def test_a_control_has_the_checks_of_all_its_rules() -> None:
    """Two rules map to one control: their counts add up, the worst is its status, and who is concerned is named."""
    by_id = {row.id: row for row in controls(Framework.CIS_5_0, scanned(Framework.CIS_5_0))}
    row = by_id["2.1.4"]
    assert set(row.rules) == {BLOCK, "bucket-public-access-block"}
    assert {outcome: row.counts.get(outcome, 0) for outcome in Outcome} == {
        Outcome.FAIL: 1,
        Outcome.UNKNOWN: 0,
        Outcome.EXEMPT: 0,
        Outcome.PASS: 3,
        Outcome.NOT_APPLICABLE: 1,
    }
    assert (row.status, row.concerned) == ("fail", ((HOME, Outcome.FAIL),))


def test_a_control_without_an_enabled_rule_is_not_checked() -> None:
    """Never counted as passed; the rules that would check it are named."""
    rows = controls(Framework.CIS_5_0, scanned(Framework.CIS_5_0))
    unchecked = [row for row in rows if not row.rules]
    assert unchecked
    assert all(row.off and row.status == "not checked" and not row.counts for row in unchecked)


def test_controls_stand_in_the_order_of_the_framework() -> None:
    """2.9 before 2.10."""
    ids = [row.id for row in controls(Framework.SECURITY_HUB, scanned(Framework.SECURITY_HUB))]
    assert ids.index("S3.8") < ids.index("S3.14")


def test_no_report_claims_compliance() -> None:
    """A mapping is a pointer."""
    assert "map to" in CAVEAT
    assert "compl" not in CAVEAT.lower()


def test_what_is_looked_at_twice_counts_once() -> None:
    """As it was found last; what is gone does not count."""
    tally = Tally()

    def told(verdict: Verdict) -> list[RuleResult]:
        return [RuleResult(LEAK, verdict, Severity.LOW, Evidence(""))]

    tally.judged(LEAKY, told(Verdict.UNKNOWN))
    tally.judged(LEAKY, told(Verdict.PASS))
    tally.judged(QUIET, told(Verdict.PASS))
    tally.judged(SOUND, told(Verdict.FAIL))
    tally.judged(SOUND, [])
    assert tally.counts() == {LEAK: {Verdict.PASS: 2}}
    assert list(tally.having(Verdict.PASS)) == [(LEAKY, LEAK), (QUIET, LEAK)]
    assert tally._rows[LEAKY] is tally._rows[QUIET]
