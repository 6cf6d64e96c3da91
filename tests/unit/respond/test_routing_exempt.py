"""Who is told of findings that are accepted risks: nobody, while they are."""

from dataclasses import replace

import pytest

from s3warden.model.exemption import Exempt
from s3warden.model.finding import ChangeKind, Finding, FindingChange, Severity, Verdict
from s3warden.respond.render import alert_text
from s3warden.respond.routing import Destination, Plan, Routing
from support.alerts import change, finding, rule

RULES = {info.id: info for info in (rule("bucket-acl-public"), rule("bucket-public-effective"))}
AGREED = Exempt("assets", "team-web", "static files", "SEC-1")
LEAK = finding()
HELD = replace(LEAK, exempt=AGREED)


def plan(*changes: FindingChange, before: Finding | None = None, baseline: bool = False) -> Plan:
    """What is planned where `before` is open."""
    known = [] if before is None else [before]
    routing = Routing([Destination("all")], RULES)
    return routing.plan(changes, baseline=RULES if baseline else (), known=lambda _subject: known)


def heard(found: Plan) -> list[tuple[str, str]]:
    """Status and reason of each alert."""
    return [(alert.status.value, alert.reason) for n in found.notifications for alert in n.alerts]


@pytest.mark.parametrize(
    "step",
    [
        change(ChangeKind.OPENED, HELD),
        change(ChangeKind.UPDATED, HELD, "changed"),
        change(ChangeKind.UPDATED, HELD, "escalated"),
        change(ChangeKind.UPDATED, HELD, "exempted"),
        change(ChangeKind.RESOLVED, HELD, "fixed"),
        change(ChangeKind.RESUMED, HELD),
    ],
)
def test_nobody_hears_of_an_exempt_finding(step: FindingChange) -> None:
    """Whatever happens to it, while nobody had heard of it before."""
    found = plan(step, before=HELD)
    assert heard(found) == []
    assert not found.changes[0].finding.notified


def test_a_told_finding_that_becomes_exempt_ends_for_those_who_heard() -> None:
    """With the reason, the exemption, its owner and ticket; from then on it counts as told to nobody."""
    told = replace(LEAK, notified=True)
    found = plan(change(ChangeKind.UPDATED, replace(told, exempt=AGREED), "exempted"), before=told)
    assert heard(found) == [("resolved", "exempted")]
    assert not found.changes[0].finding.notified
    text = alert_text(found.notifications[0].alerts[0])
    assert "Ended: accepted, still open by exemption assets (team-web, SEC-1): static files, open for" in text


@pytest.mark.parametrize("verdict", [Verdict.FAIL])
def test_the_end_of_an_exemption_is_news(verdict: Verdict) -> None:
    """It fires for everybody, and says what does not hold any more."""
    lapsed = ("exemption assets (a.toml:1) does not hold: more is open than was approved",)
    step = change(ChangeKind.UPDATED, replace(LEAK, verdict=verdict, lapsed=lapsed), "exemption_ended")
    found = plan(step, before=HELD)
    assert heard(found) == [("firing", "exemption_ended")]
    assert found.changes[0].finding.notified
    text = alert_text(found.notifications[0].alerts[0])
    assert "exempt no more: exemption assets (a.toml:1) does not hold: more is open than was approved" in text
    assert "Update: exempt no more, open for" in text


def test_an_exempt_finding_speaks_for_no_other() -> None:
    """The verdict on the whole bucket is accepted; the rule that names the grant is not, and pages."""
    whole = finding("bucket-public-effective", exempt=AGREED)
    found = plan(change(ChangeKind.OPENED, whole), change(ChangeKind.OPENED, LEAK))
    assert [alert.rule_id for n in found.notifications for alert in n.alerts] == ["bucket-acl-public"]


def test_the_first_sweep_tells_of_no_accepted_leak() -> None:
    """Not even of one that is live and critical."""
    assert heard(plan(change(ChangeKind.OPENED, HELD), baseline=True)) == []


def test_the_first_sweep_tells_of_a_leak_that_its_context_plays_down() -> None:
    """By itself it is critical and works now: it does not wait for the digest."""
    weighed = replace(LEAK, severity=Severity.HIGH, base_severity=Severity.CRITICAL, reasons=("development (-1)",))
    assert heard(plan(change(ChangeKind.OPENED, weighed), baseline=True)) == [("firing", "")]


def test_the_severity_says_how_it_came_about() -> None:
    """In the text that people read."""
    weighed = replace(LEAK, severity=Severity.HIGH, base_severity=Severity.CRITICAL, reasons=("harmless data (-1)",))
    (note,) = plan(change(ChangeKind.OPENED, weighed)).notifications
    assert "severity: high, by itself critical; harmless data (-1)" in alert_text(note.alerts[0])
