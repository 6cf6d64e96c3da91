"""One leak, one page: what is silent beside what."""

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3warden.detect.rules import RULES
from s3warden.model.alert import AlertStatus
from s3warden.model.bucket import BucketRef, Subject
from s3warden.model.finding import ChangeKind, Evidence, Finding, FindingChange, Severity, Verdict
from s3warden.model.rule import Category
from s3warden.respond.digest import Coverage, compose
from s3warden.respond.inhibition import INHIBITIONS
from s3warden.respond.routing import Destination, Known, Plan, Routing
from support.alerts import ACCOUNT, NIGHT, PUT_ACL, change, finding, posture

WHOLE, BY_ACL, BY_POLICY = "bucket-public-effective", "bucket-acl-public-read", "bucket-policy-public"
INFOS = {each.info.id: each.info for each in RULES}
ALL, PAGER = Destination("all"), Destination("pager", min_severity=Severity.CRITICAL)


def knowing(*findings: Finding) -> Known:
    """A ledger that holds these."""

    def known(subject: Subject) -> Iterable[Finding]:
        return [f for f in findings if f.subject == subject]

    return known


def plan(*changes: FindingChange, known: Iterable[Finding] = (), baseline: bool = False) -> Plan:
    """What is planned for these changes."""
    return Routing((ALL, PAGER), INFOS).plan(changes, baseline=INFOS if baseline else (), known=knowing(*known))


def opened(of: Finding) -> FindingChange:
    """An opening."""
    return change(ChangeKind.OPENED, of)


def told(found: Plan) -> set[tuple[str, ...]]:
    """The rules that each message tells of."""
    return {tuple(alert.rule_id for alert in message.alerts) for message in found.notifications}


@pytest.mark.parametrize("baseline", [False, True])
def test_opening_together_gives_one_page(baseline: bool) -> None:
    """Whatever rules see of it, one leak that opens is told once; all of it is stored."""
    found = plan(*(opened(finding(name)) for name in (BY_ACL, WHOLE, BY_POLICY)), baseline=baseline)
    assert told(found) == {(WHOLE,)}
    assert [c.finding.notified for c in found.changes] == [False, True, False]


def test_what_opens_later_beside_it_is_silent_and_ends_in_silence() -> None:
    """A second grant changes the evidence of the whole; the rule by name says nothing of its own."""
    source = finding(WHOLE, notified=True)
    assert told(plan(opened(finding(BY_ACL)), known=[source])) == set()
    quiet = finding(BY_ACL)
    ended = replace(quiet, resolved_at=NIGHT)
    assert told(plan(change(ChangeKind.RESOLVED, ended, "fixed"), known=[source, quiet])) == set()


def test_a_rule_by_name_speaks_up_where_the_whole_does_not() -> None:
    """Unknown, over, of another bucket, or not enabled: then nobody speaks for it."""
    other = BucketRef("aws", ACCOUNT.account, "eu-west-1", "another")
    for source in (
        finding(WHOLE, verdict=Verdict.UNKNOWN),
        finding(WHOLE, resolved_at=NIGHT),
        finding(WHOLE, subject=other),
        finding("bucket-encryption"),
    ):
        assert told(plan(opened(finding(BY_ACL)), known=[source])) == {(BY_ACL,)}
    over = change(ChangeKind.RESOLVED, finding(WHOLE, resolved_at=NIGHT, notified=True), "fixed")
    assert (BY_ACL,) in told(plan(over, opened(finding(BY_ACL)), known=[finding(WHOLE, notified=True)]))


def test_only_what_is_as_bad_and_as_live_speaks_for_another() -> None:
    """A pager that hears of critical findings only must not lose one to a milder source."""
    milder = finding(WHOLE, severity=Severity.HIGH, notified=True)
    dormant = posture(WHOLE, Severity.CRITICAL)
    for source in (milder, dormant):
        assert (BY_ACL,) in told(plan(opened(finding(BY_ACL)), known=[source]))


def test_what_was_told_to_nobody_speaks_for_nothing() -> None:
    """A source that only the first digest named is silent about its changes; the new grant must not be silent too."""
    latent = "bucket-acl-latent-public"
    source, grant = posture("bucket-public-latent"), posture(latent)
    grown = change(ChangeKind.UPDATED, replace(source, sequence=2), "changed")
    assert told(plan(grown, opened(grant), known=[source])) == {(latent,)}
    heard = replace(source, notified=True)
    assert told(plan(opened(grant), known=[heard])) == set()


def test_a_destination_of_some_categories_hears_what_its_source_would_not_tell_it() -> None:
    """The source is of another category than what it explains, and so it explains nothing to this destination."""
    source, by_name = finding(WHOLE, notified=True), finding("bucket-policy-spoofable-condition")
    only = Destination("access", categories=frozenset({Category.ACCESS}))
    found = Routing((ALL, only), INFOS).plan([opened(by_name)], known=knowing(source))
    assert "access" in {message.destination for message in found.notifications}


def test_account_explains_objects_that_may_be_public() -> None:
    """A block removed from an account is one message, not one for each bucket in it."""
    cause = finding("account-public-access-block", ACCOUNT, severity=Severity.HIGH, trigger=PUT_ACL, notified=True)
    objects = posture("bucket-objects-may-be-public", trigger=PUT_ACL)
    assert told(plan(opened(objects), known=[cause])) == set()
    assert told(plan(opened(objects))) == {("bucket-objects-may-be-public",)}


def test_every_name_in_the_table_is_a_rule() -> None:
    """A source that is no rule would never inhibit, a target that is none could be anything; nobody inhibits itself."""
    for inhibition in INHIBITIONS:
        assert {inhibition.source, *inhibition.targets} <= INFOS.keys()
        assert inhibition.source not in inhibition.targets


def test_digest_names_each_live_cause_once_and_counts_everything() -> None:
    """The list of live exposure has a bucket once; the lines by rule have it under each."""
    findings = [finding(WHOLE), finding(BY_ACL), finding(BY_POLICY)]
    routing = Routing((ALL,), INFOS)
    digest = compose(
        findings,
        Coverage(1, 1, 3),
        at=NIGHT,
        rules=INFOS,
        alert=lambda each: routing.alert(opened(each), AlertStatus.FIRING),
    )
    assert [alert.rule_id for alert in digest.live] == [WHOLE]
    assert sorted(line.rule_id for line in digest.lines) == sorted([WHOLE, BY_ACL, BY_POLICY])


@given(st.data())
def test_no_live_leak_is_silent_for_want_of_a_speaker(data: st.DataObject) -> None:
    """Of any set of live findings that open together, the worst is told to every destination that takes it."""
    names = [*{i.source for i in INHIBITIONS if not i.account}, *{t for i in INHIBITIONS for t in i.targets}]
    chosen = data.draw(st.lists(st.sampled_from(sorted(set(names))), min_size=1, unique=True))
    findings = [
        finding(
            name,
            severity=data.draw(st.sampled_from(Severity)),
            evidence=Evidence("open", {"fact": name}, live=data.draw(st.booleans())),
        )
        for name in chosen
    ]
    found = plan(*map(opened, findings))
    for destination in (ALL, PAGER):
        due = [f for f in findings if f.severity.rank >= destination.min_severity.rank]
        heard = [m for m in found.notifications if m.destination == destination.name]
        assert bool(heard) == bool(due)
        if due:
            worst = max(f.severity.rank for f in due)
            assert max(alert.severity.rank for m in heard for alert in m.alerts) == worst


def test_table_has_no_circle() -> None:
    """Two findings that speak for each other would both be silent: whoever speaks is at last told himself."""
    sources = {i.source: i.targets for i in INHIBITIONS if not i.account}
    for source, targets in sources.items():
        assert not any(source in sources.get(target, frozenset()) for target in targets)
