"""Who is told what about the changes of one commit."""

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3warden.model.alert import AlertStatus, Notification
from s3warden.model.bucket import BucketRef, Subject
from s3warden.model.event import Trigger
from s3warden.model.finding import ChangeKind, Finding, FindingChange, Severity, Verdict
from s3warden.model.incident import incident_id
from s3warden.model.rule import Category
from s3warden.respond.routing import Destination, Known, Plan, Routing, group_key
from support.alerts import ACCOUNT, BUCKET, NIGHT, PUT_ACL, change, finding, posture, rule

RULES = {
    info.id: info
    for info in (
        rule("bucket-acl-public"),
        rule("bucket-tags", Category.GOVERNANCE, Severity.LOW),
        rule("bucket-encryption", Category.ENCRYPTION, Severity.MEDIUM),
        rule("account-public-access-block", Category.EXPOSURE, Severity.HIGH),
        rule("bucket-public-access-block", Category.EXPOSURE, Severity.MEDIUM),
    )
}
ALL = Destination("all")
PAGER = Destination("pager", min_severity=Severity.CRITICAL)


def knowing(*findings: Finding) -> Known:
    """A ledger that holds these."""

    def known(subject: Subject) -> Iterable[Finding]:
        return [f for f in findings if f.subject == subject]

    return known


def plan(
    *changes: FindingChange, to: Iterable[Destination] = (ALL,), baseline: bool = False, known: Known | None = None
) -> Plan:
    """What is planned for these changes."""
    return Routing(tuple(to), RULES).plan(changes, baseline=RULES if baseline else (), known=known or knowing())


def told(found: Plan) -> list[tuple[str, str, tuple[str, ...]]]:
    """Destination, status and rules of each message."""
    return [
        (n.destination, n.alerts[0].status.value, tuple(alert.rule_id for alert in n.alerts))
        for n in found.notifications
    ]


def opened(of: Finding) -> FindingChange:
    """An opening."""
    return change(ChangeKind.OPENED, of)


def test_opening_is_told_and_marked() -> None:
    """The change handed back says that somebody was told, so that the resolve will be told too."""
    found = plan(opened(finding()))
    assert told(found) == [("all", "firing", ("bucket-acl-public",))]
    assert found.changes[0].finding.notified


def test_alert_carries_what_the_reader_needs() -> None:
    """Rule text, filled fix, evidence, actor and category are in the alert."""
    (message,) = plan(opened(finding())).notifications
    (alert,) = message.alerts
    assert alert.title == "Title of bucket-acl-public"
    assert alert.fix.cli == "aws s3api put-bucket-acl --bucket payroll-exports --acl private"
    assert alert.details == (("grant", "AllUsers READ"),)
    assert alert.trigger == PUT_ACL
    assert alert.category == "exposure"
    assert message.correlation == ("event-1",)


def test_changes_of_one_commit_are_one_message_the_worst_first() -> None:
    """One subject, one status, one destination: one message, live exposure at its head."""
    found = plan(opened(posture("bucket-tags", Severity.LOW)), opened(finding()), opened(posture("bucket-encryption")))
    assert told(found) == [("all", "firing", ("bucket-acl-public", "bucket-encryption", "bucket-tags"))]
    assert found.notifications[0].severity is Severity.CRITICAL


def test_opening_and_ending_in_one_commit_are_two_messages_of_one_group() -> None:
    """The group is the subject; the two messages have different dedup keys."""
    ended = posture("bucket-encryption", notified=True, resolved_at=NIGHT)
    found = plan(opened(finding()), change(ChangeKind.RESOLVED, ended, "fixed"))
    assert [status for _, status, _ in told(found)] == ["firing", "resolved"]
    assert {n.group_key for n in found.notifications} == {group_key(BUCKET)}
    assert len({n.dedup_key for n in found.notifications}) == 2


def test_dedup_key_is_the_same_for_the_same_step_and_another_for_the_next() -> None:
    """A repeat after a crash can be dropped; the next step of the same finding can not."""

    def key(of: Finding) -> str:
        return plan(opened(of)).notifications[0].dedup_key

    assert key(finding()) == key(finding())
    assert key(finding()) != key(finding(sequence=2))


@pytest.mark.parametrize("reason", ["unreadable", "readable", "cause"])
def test_what_s3warden_could_see_is_no_news(reason: str) -> None:
    """An update that says nothing about AWS itself is told to nobody."""
    known = finding(notified=True)
    found = plan(change(ChangeKind.UPDATED, known, reason), known=knowing(known))
    assert found.notifications == ()


@pytest.mark.parametrize("reason", ["changed", "escalated", "eased"])
def test_changed_evidence_of_a_told_finding_is_news(reason: str) -> None:
    """Who was told of the opening hears how it went on."""
    known = finding(notified=True)
    found = plan(change(ChangeKind.UPDATED, replace(known, sequence=2), reason), known=knowing(known))
    assert told(found) == [("all", "firing", ("bucket-acl-public",))]
    assert found.notifications[0].alerts[0].reason == reason


def test_untold_finding_is_told_once_it_escalates_but_not_when_it_merely_changes() -> None:
    """A finding of the baseline digest stays there until it gets worse."""
    known = posture("bucket-encryption")
    worse = replace(known, severity=Severity.CRITICAL)
    assert plan(change(ChangeKind.UPDATED, known, "changed"), known=knowing(known)).notifications == ()
    found = plan(change(ChangeKind.UPDATED, worse, "escalated"), known=knowing(known))
    assert told(found) == [("all", "firing", ("bucket-encryption",))]
    assert found.changes[0].finding.notified


def test_resumed_pages_nobody() -> None:
    """A restart is no news."""
    found = plan(change(ChangeKind.RESUMED, finding(notified=True)), change(ChangeKind.RESUMED, finding("bucket-tags")))
    assert found.notifications == ()


def test_unknown_is_not_alerted_one_by_one() -> None:
    """What could not be read is in the digest and the metrics."""
    found = plan(opened(finding(verdict=Verdict.UNKNOWN)))
    assert found.notifications == ()
    assert not found.changes[0].finding.notified


def test_end_is_told_only_where_the_beginning_was() -> None:
    """A silent opening has a silent end."""
    assert plan(change(ChangeKind.RESOLVED, finding(notified=False), "fixed")).notifications == ()
    assert told(plan(change(ChangeKind.RESOLVED, finding(notified=True), "fixed"))) == [
        ("all", "resolved", ("bucket-acl-public",))
    ]


def test_the_end_of_an_exposure_names_its_record() -> None:
    """Who reads that a leak is closed is told where its window is written down; other ends have no record."""
    leak = finding("bucket-public-effective", notified=True, resolved_at=NIGHT)
    for ended, record in ((leak, incident_id(leak) or ""), (finding(notified=True, resolved_at=NIGHT), "")):
        [notification] = plan(change(ChangeKind.RESOLVED, ended, "fixed"), known=knowing(ended)).notifications
        assert notification.alerts[0].incident == record
    assert incident_id(leak)


def test_destination_may_decline_the_end() -> None:
    """Without send_resolved nothing is said of the end."""
    quiet = Destination("quiet", send_resolved=False)
    assert plan(change(ChangeKind.RESOLVED, finding(notified=True), "fixed"), to=[quiet]).notifications == ()


def test_severity_and_category_choose_the_destination() -> None:
    """Each destination hears what it asked for, and nothing is marked as told that nobody heard."""
    crypto = Destination("crypto", categories=frozenset({Category.ENCRYPTION}))
    found = plan(
        opened(finding()), opened(posture("bucket-encryption")), opened(posture("bucket-tags")), to=[PAGER, crypto]
    )
    assert told(found) == [("pager", "firing", ("bucket-acl-public",)), ("crypto", "firing", ("bucket-encryption",))]
    assert [c.finding.notified for c in found.changes] == [True, True, False]


def test_falling_below_a_threshold_ends_the_alert_there() -> None:
    """The pager hears that it is over; who listens to everything hears that it eased."""
    known = finding(notified=True)
    eased = replace(known, severity=Severity.MEDIUM, sequence=2)
    found = plan(change(ChangeKind.UPDATED, eased, "eased"), to=[ALL, PAGER], known=knowing(known))
    assert told(found) == [
        ("all", "firing", ("bucket-acl-public",)),
        ("pager", "resolved", ("bucket-acl-public",)),
    ]


def test_baseline_tells_only_what_is_live_and_critical() -> None:
    """The first sweep ever pages for open doors and leaves the rest to the digest."""
    asleep = finding("bucket-encryption", severity=Severity.CRITICAL, evidence=posture("x").evidence)
    found = plan(opened(finding()), opened(asleep), opened(posture("bucket-tags")), baseline=True)
    assert told(found) == [("all", "firing", ("bucket-acl-public",))]
    assert [c.finding.notified for c in found.changes] == [True, False, False]


REMOVED = Trigger("DeleteAccountPublicAccessBlock", "aws.s3", "event-9", NIGHT)
SOURCE = finding("account-public-access-block", ACCOUNT, severity=Severity.HIGH, trigger=REMOVED, notified=True)


def bucket_block(trigger: Trigger | None, subject: Subject = BUCKET) -> FindingChange:
    """The opening that the account's finding may explain."""
    return opened(posture("bucket-public-access-block", subject=subject, trigger=trigger))


@pytest.mark.parametrize("trigger", [None, REMOVED, replace(REMOVED, event_id="event-9-again")])
def test_cause_at_the_account_is_named_once(trigger: Trigger | None) -> None:
    """Openings that the account explains are silent, and so are their ends."""
    found = plan(bucket_block(trigger), known=knowing(SOURCE))
    assert found.notifications == ()
    assert not found.changes[0].finding.notified


def test_bucket_with_a_cause_of_its_own_is_told_all_the_same() -> None:
    """Someone removed this bucket's own block: that is news, whatever the account looks like."""
    own = Trigger("DeleteBucketPublicAccessBlock", "aws.s3", "event-10", NIGHT)
    assert plan(bucket_block(own), known=knowing(SOURCE)).notifications != ()


def test_nothing_else_is_inhibited() -> None:
    """Another account, another rule, an account unknown or told to nobody, and a live exposure are told."""
    elsewhere = BucketRef("aws", "444455556666", "eu-west-1", "other")
    assert plan(bucket_block(None, elsewhere), known=knowing(SOURCE)).notifications != ()
    assert plan(opened(posture("bucket-tags")), known=knowing(SOURCE)).notifications != ()
    assert plan(bucket_block(None), known=knowing(replace(SOURCE, verdict=Verdict.UNKNOWN))).notifications != ()
    assert plan(bucket_block(None), known=knowing(replace(SOURCE, notified=False))).notifications != ()
    live = opened(finding("bucket-public-access-block", trigger=None))
    assert plan(live, known=knowing(SOURCE)).notifications != ()


@given(st.data())
def test_every_destination_hears_beginnings_and_ends_in_turn(data: st.DataObject) -> None:
    """Over any history of a finding no destination hears an end first, or is left with an open alert."""
    destinations = (ALL, PAGER, Destination("high", min_severity=Severity.HIGH))
    current = finding(severity=data.draw(st.sampled_from(Severity)), sequence=1)
    firing: dict[str, bool] = {d.name: False for d in destinations}

    def step(of: FindingChange, before: Finding | None) -> Finding:
        found = plan(of, to=destinations, known=knowing(*([before] if before else [])))
        for message in found.notifications:
            listen(message)
        return found.changes[0].finding

    def listen(message: Notification) -> None:
        ends = message.alerts[0].status is AlertStatus.RESOLVED
        assert not ends or firing[message.destination]
        firing[message.destination] = not ends

    current = step(opened(current), None)
    for sequence in range(2, data.draw(st.integers(2, 8))):
        severity = data.draw(st.sampled_from(Severity))
        delta = severity.rank - current.severity.rank
        reason = (
            "escalated" if delta > 0 else "eased" if delta < 0 else data.draw(st.sampled_from(["changed", "readable"]))
        )
        after = replace(current, severity=severity, sequence=sequence)
        current = step(change(ChangeKind.UPDATED, after, reason), current)
    step(change(ChangeKind.RESOLVED, replace(current, sequence=99), "fixed"), current)
    assert not any(firing.values())
