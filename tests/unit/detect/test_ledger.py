"""The ledger: every step of a finding, one by one."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from s3warden.detect.ledger import Ledger
from s3warden.model.bucket import AccountRef, BucketRef, Cause
from s3warden.model.event import Actor, Origin, Trigger
from s3warden.model.finding import (
    ChangeKind,
    Evidence,
    Finding,
    FindingChange,
    Reason,
    RuleResult,
    Severity,
    Verdict,
    fingerprint,
)

BUCKET = BucketRef("aws", "111122223333", "eu-west-1", "example")
ACCOUNT = AccountRef("aws", "111122223333")
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACTOR = Actor("arn:aws:iam::111122223333:user/mallory", "IAMUser")


def result(
    verdict: Verdict = Verdict.FAIL,
    *,
    rule_id: str = "a-rule",
    severity: Severity = Severity.HIGH,
    fact: str = "x",
    live: bool = False,
    cause: Cause | None = None,
) -> RuleResult:
    """A verdict of one rule."""
    if verdict is Verdict.UNKNOWN and cause is None:
        cause = Cause.SCP
    return RuleResult(rule_id, verdict, severity, Evidence("Because.", {"fact": fact}, live), cause)


UNKNOWN = result(Verdict.UNKNOWN)
PASS = result(Verdict.PASS)


class Story:
    """A ledger that is looked at once a minute; each look is applied at once."""

    def __init__(self, findings: Sequence[Finding] = ()) -> None:
        self.ledger = Ledger(findings)
        self.now = START

    def look(
        self,
        *results: RuleResult,
        triggers: Sequence[Trigger] = (),
        origin: Origin = Origin.EVENT,
        ended: Reason | None = None,
        known_before: bool = False,
        subject: BucketRef | AccountRef = BUCKET,
    ) -> tuple[FindingChange, ...]:
        self.now += timedelta(minutes=1)
        changes = self.ledger.compare(
            subject, results, triggers, at=self.now, origin=origin, ended=ended, known_before=known_before
        )
        self.ledger.apply(changes)
        return changes

    def restarted(self) -> "Story":
        """The same estate after a restart: the store knows the open findings."""
        story = Story(self.ledger.findings())
        story.now = self.now
        return story


def told(changes: Sequence[FindingChange]) -> list[tuple[str, str]]:
    """Kind and reason of each change."""
    return [(change.kind.value, change.reason) for change in changes]


def trigger(name: str, at: datetime | None = START, actor: Actor | None = ACTOR) -> Trigger:
    """A change that someone made."""
    return Trigger(name, "s3", f"id-of-{name}", at, actor)


def test_failure_opens() -> None:
    """The first failure opens a finding with all that is known of it."""
    story = Story()
    put = trigger("PutBucketAcl")
    [change] = story.look(result(live=True), triggers=[put])
    assert change.kind is ChangeKind.OPENED
    assert change.finding == Finding(
        fingerprint=fingerprint("a-rule", BUCKET),
        rule_id="a-rule",
        subject=BUCKET,
        verdict=Verdict.FAIL,
        severity=Severity.HIGH,
        evidence=Evidence("Because.", {"fact": "x"}, live=True),
        first_seen=story.now,
        changed_at=story.now,
        trigger=put,
        sequence=change.finding.sequence,
    )
    assert story.ledger.findings() == story.ledger.of(BUCKET) == (change.finding,)


def test_compare_remembers_nothing() -> None:
    """Until the changes are applied, the same look gives the same changes."""
    ledger = Ledger()
    looks = [ledger.compare(BUCKET, [result()], (), at=START, origin=Origin.SWEEP) for _ in range(2)]
    assert looks[0] == looks[1]
    assert len(ledger) == 0


def test_passing_rule_opens_nothing() -> None:
    """PASS and NOT_APPLICABLE of a rule without finding are no news."""
    assert Story().look(PASS, result(Verdict.NOT_APPLICABLE, rule_id="b-rule")) == ()


def test_same_failure_is_no_news() -> None:
    """Nothing is told twice, whatever the sentence for people says."""
    story = Story()
    story.look(result())
    again = replace(result(), evidence=Evidence("In other words.", {"fact": "x"}))
    assert story.look(again) == ()


@pytest.mark.parametrize(
    ("after", "reason"),
    [
        (result(fact="y"), "changed"),
        (result(severity=Severity.CRITICAL), "escalated"),
        (result(live=True), "escalated"),
        (result(severity=Severity.LOW), "eased"),
        (result(severity=Severity.LOW, live=True), "escalated"),
    ],
)
def test_other_facts_update(after: RuleResult, reason: str) -> None:
    """Facts, severity and liveness make an update, and the reason says in which direction."""
    story = Story()
    [opened] = story.look(result(), triggers=[trigger("PutBucketAcl")])
    [change] = story.look(after)
    assert told([change]) == [("updated", reason)]
    assert change.finding.evidence == after.evidence
    assert change.finding.severity is after.severity
    assert change.finding.first_seen == opened.finding.first_seen
    assert change.finding.changed_at == story.now
    assert change.finding.trigger == opened.finding.trigger
    assert change.finding.sequence > opened.finding.sequence


def test_exposure_that_ends_eases() -> None:
    """What was live and now only lies dormant has eased."""
    story = Story()
    story.look(result(live=True))
    assert told(story.look(result())) == [("updated", "eased")]


def test_failure_that_cannot_be_read_again_stays_open() -> None:
    """A failure is not resolved by blindness: it is updated once, and keeps its evidence."""
    story = Story()
    [opened] = story.look(result())
    [change] = story.look(UNKNOWN)
    assert told([change]) == [("updated", "unreadable")]
    assert change.finding.verdict is Verdict.FAIL
    assert change.finding.evidence == opened.finding.evidence
    assert (change.finding.unknown_since, change.finding.cause) == (story.now, Cause.SCP)
    assert story.look(UNKNOWN) == ()
    assert story.look(result(Verdict.UNKNOWN, cause=Cause.THROTTLED)) == ()


def test_failure_that_is_readable_again_is_updated_once() -> None:
    """The blind spell ends with one update; the failure is as old as it was."""
    story = Story()
    [opened] = story.look(result())
    story.look(UNKNOWN)
    [change] = story.look(result())
    assert told([change]) == [("updated", "readable")]
    assert (change.finding.unknown_since, change.finding.cause) == (None, None)
    assert change.finding.changed_at == opened.finding.changed_at
    assert story.look(result()) == ()


def test_failure_that_changed_while_it_was_unreadable() -> None:
    """One update tells both: readable again, and other facts."""
    story = Story()
    story.look(result())
    story.look(UNKNOWN)
    [change] = story.look(result(fact="y"))
    assert told([change]) == [("updated", "changed")]
    assert (change.finding.unknown_since, change.finding.cause) == (None, None)


def test_unknown_opens_as_unknown() -> None:
    """What could not be read is a finding of its own kind."""
    [change] = Story().look(UNKNOWN)
    assert told([change]) == [("opened", "unreadable")]
    assert (change.finding.verdict, change.finding.cause) == (Verdict.UNKNOWN, Cause.SCP)


def test_unknown_changes_with_its_cause_only() -> None:
    """Another text of the same denial is no news; another cause is."""
    story = Story()
    story.look(UNKNOWN)
    assert story.look(result(Verdict.UNKNOWN, fact="other words")) == ()
    [change] = story.look(result(Verdict.UNKNOWN, cause=Cause.THROTTLED))
    assert told([change]) == [("updated", "cause")]
    assert change.finding.cause is Cause.THROTTLED


def test_unknown_that_turns_out_to_fail_opens_now() -> None:
    """The failure is new: it has the finding's name, its own beginning, and is told."""
    story = Story()
    [unknown] = story.look(UNKNOWN)
    put = trigger("PutBucketPolicy")
    [change] = story.look(result(), triggers=[put])
    assert told([change]) == [("opened", "readable")]
    assert change.finding.fingerprint == unknown.finding.fingerprint
    assert change.finding.sequence > unknown.finding.sequence
    assert (change.finding.first_seen, change.finding.cause, change.finding.notified) == (story.now, None, False)
    assert change.finding.trigger == put
    assert len(story.ledger) == 1


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (result(), PASS, "fixed"),
        (result(), result(Verdict.NOT_APPLICABLE), "not_applicable"),
        (UNKNOWN, PASS, "readable"),
        (UNKNOWN, result(Verdict.NOT_APPLICABLE), "not_applicable"),
    ],
)
def test_end_has_a_reason(before: RuleResult, after: RuleResult, reason: str) -> None:
    """Each way in which a finding ends is told apart."""
    story = Story()
    [opened] = story.look(before)
    [change] = story.look(after)
    assert told([change]) == [("resolved", reason)]
    assert change.finding.resolved_at == story.now
    assert change.finding.evidence == opened.finding.evidence
    assert not change.finding.is_open
    assert story.ledger.findings() == ()
    assert story.look(after) == ()


def test_failure_unreadable_for_a_while_resolves_as_fixed() -> None:
    """Readable again and passing: the failure was fixed."""
    story = Story()
    story.look(result())
    story.look(UNKNOWN)
    assert told(story.look(PASS)) == [("resolved", "fixed")]


def test_rule_that_is_not_asked_any_more_resolves() -> None:
    """A disabled rule leaves no open finding behind."""
    story = Story()
    story.look(result(), result(rule_id="b-rule"))
    assert told(story.look(result())) == [("resolved", "rule_disabled")]
    assert [finding.rule_id for finding in story.ledger.findings()] == ["a-rule"]


def test_deleted_bucket_ends_all_its_findings() -> None:
    """Failures and unknowns of a bucket that is gone resolve; those of others stay."""
    story = Story()
    other = replace(BUCKET, name="other")
    story.look(result(), result(Verdict.UNKNOWN, rule_id="b-rule"))
    story.look(result(), subject=other)
    assert told(story.look(ended=Reason.BUCKET_DELETED)) == [("resolved", "bucket_deleted")] * 2
    assert story.ledger.subjects() == (other,)


@pytest.mark.parametrize("subject", [ACCOUNT, BUCKET])
def test_what_is_guarded_no_longer_was_not_deleted(subject: AccountRef | BucketRef) -> None:
    """A bucket goes with its account, and the end says so; it is no drift, since nothing changed in AWS."""
    story = Story()
    story.look(result(), subject=subject)
    [change] = story.look(ended=Reason.ACCOUNT_LEFT, subject=subject, origin=Origin.SWEEP, known_before=True)
    assert (told([change]), change.drift) == ([("resolved", "account_left")], False)


def test_account_and_bucket_are_two_subjects() -> None:
    """What is said of an account touches no bucket in it."""
    story = Story()
    story.look(result())
    story.look(result(), subject=ACCOUNT)
    assert story.look(subject=ACCOUNT)[0].finding.subject == ACCOUNT
    assert [finding.subject for finding in story.ledger.findings()] == [BUCKET]


def test_restart_resumes_once_and_keeps_the_step() -> None:
    """A known finding seen again after a restart is no step of its history."""
    before = Story()
    [opened] = before.look(result())
    story = before.restarted()
    [change] = story.look(result())
    assert told([change]) == [("resumed", "")]
    assert change.finding == opened.finding
    assert change.id == opened.id
    assert story.look(result()) == ()


def test_resumed_findings_share_what_is_equal() -> None:
    """After a restart the copies that the store made give way to the parts that everybody shares."""
    before = Story()
    before.look(result())
    [known] = before.ledger.findings()
    copy = replace(
        known, subject=replace(BUCKET), evidence=replace(known.evidence, details=dict(known.evidence.details))
    )
    story, seen = Story([copy]), result()
    [change] = story.look(seen)
    assert change.finding == known
    assert change.finding.subject is BUCKET
    assert change.finding.evidence is seen.evidence


@pytest.mark.parametrize(
    ("after", "kind"),
    [(result(fact="y"), "updated"), (UNKNOWN, "updated"), (PASS, "resolved")],
)
def test_restart_tells_what_changed_meanwhile(after: RuleResult, kind: str) -> None:
    """What changed while nobody looked is told as itself, and not resumed afterwards."""
    before = Story()
    before.look(result())
    story = before.restarted()
    assert [change.kind for change in story.look(after)] == [kind]
    assert story.look(after) == ()


def test_unknown_and_unreadable_findings_resume_too() -> None:
    """Neither an unknown nor a failure in a blind spell makes noise at a restart."""
    before = Story()
    before.look(result(), result(Verdict.UNKNOWN, rule_id="b-rule"))
    before.look(UNKNOWN, result(Verdict.UNKNOWN, rule_id="b-rule"))
    story = before.restarted()
    changes = story.look(UNKNOWN, result(Verdict.UNKNOWN, rule_id="b-rule"))
    assert told(changes) == [("resumed", "")] * 2


def test_finding_that_comes_back_has_a_new_step() -> None:
    """The same name, a new beginning, and an id that the history has not seen: also after a restart."""
    story = Story()
    [first] = story.look(result())
    [resolved] = story.look(PASS)
    [second] = story.restarted().look(result())
    assert second.finding.fingerprint == first.finding.fingerprint
    assert first.finding.sequence < resolved.finding.sequence < second.finding.sequence


def test_steps_rise_while_the_clock_stands_still_or_steps_back() -> None:
    """Sequence numbers do not repeat, whatever the clock does."""
    ledger = Ledger()
    ids: list[str] = []
    for minute, verdict in enumerate([Verdict.FAIL, Verdict.PASS, Verdict.FAIL, Verdict.PASS]):
        at = START if minute < 2 else START - timedelta(hours=1)
        changes = ledger.compare(BUCKET, [result(verdict)], (), at=at, origin=Origin.EVENT)
        ledger.apply(changes)
        ids += [change.id for change in changes]
    assert len(ids) == len(set(ids)) == 4
    assert [int(step.split("/")[1]) for step in ids] == sorted(int(step.split("/")[1]) for step in ids)


def test_applying_twice_does_no_harm() -> None:
    """A commit that is reported twice changes nothing."""
    story = Story()
    opened = story.look(result())
    story.ledger.apply(opened)
    assert len(story.ledger) == 1
    resolved = story.look(PASS)
    story.ledger.apply(resolved)
    assert len(story.ledger) == 0


@pytest.mark.parametrize(
    ("triggers", "expected"),
    [
        ([], None),
        ([trigger("Early"), trigger("Late", START + timedelta(seconds=1))], "Late"),
        ([trigger("Late", START + timedelta(seconds=1)), trigger("Early")], "Late"),
        ([trigger("First"), trigger("Second")], "Second"),
        ([trigger("Someone"), trigger("Finding", START + timedelta(hours=1), None)], "Someone"),
        ([trigger("Finding", START, None)], "Finding"),
        ([trigger("Dated"), trigger("Undated", None)], "Dated"),
    ],
)
def test_latest_change_that_someone_made_is_blamed(triggers: list[Trigger], expected: str | None) -> None:
    """By the time of the event, then by arrival; a detector's finding only where nobody is named."""
    [change] = Story().look(result(), triggers=triggers)
    assert (change.finding.trigger.name if change.finding.trigger else None) == expected


def test_resolve_names_who_ended_it_or_nobody() -> None:
    """The one who opened the leak is not thanked for its end."""
    story = Story()
    story.look(result(), triggers=[trigger("PutBucketAcl")])
    [change] = story.look(PASS)
    assert change.finding.trigger is None
    story.look(result(), triggers=[trigger("PutBucketAcl")])
    [change] = story.look(PASS, triggers=[trigger("DeleteBucketPolicy")])
    assert change.finding.trigger == trigger("DeleteBucketPolicy")


@pytest.mark.parametrize("origin", [Origin.SWEEP, Origin.RECHECK])
def test_change_that_no_event_told_is_drift(origin: Origin) -> None:
    """A sweep that finds something new on a bucket that was looked at before has found drift."""
    story = Story()
    looks = [
        story.look(verdict, origin=origin, known_before=True)
        for verdict in (result(), result(fact="y"), result(live=True), result(), PASS)
    ]
    assert [change.drift for changes in looks for change in changes] == [True] * 5
    story.look(result())
    gone = story.look(origin=origin, known_before=True, ended=Reason.BUCKET_DELETED)
    assert [change.drift for change in gone] == [True]


@pytest.mark.parametrize(
    ("origin", "known_before", "triggers"),
    [
        (Origin.SWEEP, False, []),
        (Origin.SWEEP, True, [trigger("PutBucketAcl")]),
        (Origin.EVENT, True, []),
        (Origin.ACCOUNT, True, []),
    ],
)
def test_first_looks_and_events_are_no_drift(origin: Origin, known_before: bool, triggers: list[Trigger]) -> None:
    """Drift needs a sweep, an earlier look and the absence of any event."""
    [change] = Story().look(result(), origin=origin, known_before=known_before, triggers=triggers)
    assert not change.drift


def test_what_only_we_see_differently_is_no_drift() -> None:
    """Reads that fail or work again, and rules switched off, say nothing about a change in AWS."""
    story = Story()
    looks = [
        story.look(*results, origin=Origin.SWEEP, known_before=True)
        for results in ((UNKNOWN,), (result(),), (UNKNOWN,), (result(),), ())
    ]
    assert [told(changes) for changes in looks] == [
        [("opened", "unreadable")],
        [("opened", "readable")],
        [("updated", "unreadable")],
        [("updated", "readable")],
        [("resolved", "rule_disabled")],
    ]
    assert not any(change.drift for changes in looks for change in changes)


def test_region_of_the_subject_follows_the_last_look() -> None:
    """A bucket's region is no part of its identity; the finding tells the present one."""
    story = Story()
    story.look(result())
    moved = replace(BUCKET, region="us-east-1")
    [change] = story.look(result(fact="y"), subject=moved)
    assert change.finding.subject == moved
    assert len(story.ledger) == 1
