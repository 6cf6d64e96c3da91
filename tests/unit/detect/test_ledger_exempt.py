"""The ledger and accepted risks: every row of its second table."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from s3warden.detect.ledger import Ledger
from s3warden.model.bucket import BucketRef, Cause
from s3warden.model.event import Origin
from s3warden.model.exemption import Exempt
from s3warden.model.finding import Evidence, Finding, FindingChange, Reason, RuleResult, Severity, Verdict

BUCKET = BucketRef("aws", "111122223333", "eu-west-1", "example")
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
AGREED = Exempt("assets", "team-web", "agreed", "SEC-1")
OTHER = Exempt("other", "team-web", "agreed", "SEC-2")
FAILS = RuleResult("a-rule", Verdict.FAIL, Severity.HIGH, Evidence("Because.", {"fact": "x"}, live=True))
EXEMPT = replace(FAILS, exempt=AGREED)
UNREAD = replace(FAILS, verdict=Verdict.UNKNOWN, cause=Cause.SCP)
PASSES = replace(FAILS, verdict=Verdict.PASS)


def told(*looks: RuleResult) -> tuple[list[str], Finding | None]:
    """What each look gives, as `kind reason`, and the finding that is open after all of them."""
    ledger, steps = Ledger(), []
    for minute, look in enumerate(looks):
        at = START + timedelta(minutes=minute)
        changes: Sequence[FindingChange] = ledger.compare(BUCKET, (look,), (), at=at, origin=Origin.EVENT)
        ledger.apply(changes)
        steps.append(" ".join(f"{c.kind} {c.reason}".strip() for c in changes))
    return steps, next(iter(ledger.findings()), None)


@pytest.mark.parametrize(
    ("looks", "steps", "exempt"),
    [
        ((EXEMPT,), ["opened"], AGREED),
        ((EXEMPT, EXEMPT), ["opened", ""], AGREED),
        ((FAILS, EXEMPT), ["opened", "updated exempted"], AGREED),
        ((EXEMPT, FAILS), ["opened", "updated exemption_ended"], None),
        ((EXEMPT, replace(FAILS, exempt=OTHER)), ["opened", "updated exempted"], OTHER),
        ((EXEMPT, UNREAD), ["opened", "updated exemption_ended"], None),
        ((EXEMPT, replace(UNREAD, exempt=AGREED)), ["opened", "updated unreadable"], AGREED),
        (
            (EXEMPT, replace(UNREAD, exempt=AGREED), EXEMPT),
            ["opened", "updated unreadable", "updated readable"],
            AGREED,
        ),
        (
            (EXEMPT, replace(UNREAD, exempt=AGREED), UNREAD),
            ["opened", "updated unreadable", "updated exemption_ended"],
            None,
        ),
        ((FAILS, replace(UNREAD, exempt=AGREED)), ["opened", "updated unreadable"], None),
        ((replace(UNREAD, exempt=AGREED),), ["opened unreadable"], None),
        ((UNREAD, EXEMPT), ["opened unreadable", "opened readable"], AGREED),
    ],
)
def test_what_becomes_of_an_exemption(looks: tuple[RuleResult, ...], steps: list[str], exempt: Exempt | None) -> None:
    """It begins and ends by what was decided, and what could not be read makes nothing exempt."""
    found, finding = told(*looks)
    assert found == steps
    assert finding is not None
    assert finding.exempt == exempt


def test_an_exempt_finding_resolves_as_any_other() -> None:
    """And its last step still says by what it was exempt."""
    steps, finding = told(EXEMPT, PASSES)
    assert steps == ["opened", "resolved fixed"]
    assert finding is None


def test_the_facts_of_an_exempt_finding_are_kept_up_to_date() -> None:
    """A change of the facts that the exemption still covers is a step like any other."""
    wider = replace(EXEMPT, evidence=Evidence("Because.", {"fact": "y"}, live=True))
    steps, finding = told(EXEMPT, wider)
    assert steps == ["opened", "updated changed"]
    assert finding is not None
    assert finding.evidence.details["fact"] == "y"


def test_the_end_of_an_exemption_says_why() -> None:
    """In the words of the decision; where nobody mentions it any more it was withdrawn."""
    lapsed = ("exemption assets (a.toml:1) does not hold: it ended",)
    _, ended = told(EXEMPT, replace(FAILS, lapsed=lapsed))
    _, withdrawn = told(EXEMPT, FAILS)
    assert ended is not None
    assert withdrawn is not None
    assert ended.lapsed == lapsed
    assert withdrawn.lapsed == (
        "exemption assets does not hold: it was withdrawn, or is for other buckets or rules now",
    )


def test_an_end_comes_before_what_the_facts_say() -> None:
    """Wider and exempt no more is one step, told as the end of the exemption."""
    ledger = Ledger()
    ledger.apply(ledger.compare(BUCKET, (replace(EXEMPT, severity=Severity.LOW),), (), at=START, origin=Origin.EVENT))
    (change,) = ledger.compare(BUCKET, (FAILS,), (), at=START + timedelta(minutes=1), origin=Origin.EVENT)
    assert (change.reason, change.finding.severity) == (Reason.EXEMPTION_ENDED, Severity.HIGH)


def test_the_context_travels_with_the_finding() -> None:
    """What moved the severity is stored with it, and renewed when it moves again."""
    weighed = replace(FAILS, severity=Severity.CRITICAL, base_severity=Severity.HIGH, reasons=("sensitive data (+1)",))
    steps, finding = told(weighed, FAILS)
    assert steps == ["opened", "updated eased"]
    assert finding is not None
    assert (finding.base_severity, finding.reasons) == (None, ())
    _, finding = told(weighed)
    assert finding is not None
    assert (finding.base_severity, finding.reasons) == (Severity.HIGH, ("sensitive data (+1)",))
