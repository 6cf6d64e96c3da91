"""Which changes of a bucket are remembered, whose are expected, and that a finding tells exactly what is known."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3warden.detect.changes import LIMIT, RULE, expected, facts, known_changes, remembered
from s3warden.detect.rule import RuleOptions
from s3warden.detect.samples import ACCOUNT, READ_AT, bucket
from s3warden.model.bucket import ABSENT, Aspect, Present
from s3warden.model.changes import Change, Changes
from s3warden.model.finding import Evidence, Finding
from support.scenes import finding

OPTIONS = RuleOptions()
NONE = Changes(())
SESSION = "arn:aws:sts::111122223333:assumed-role/deploy/run-7"
TEXT = st.text(max_size=40)
CHANGES = st.builds(
    Change,
    call=TEXT,
    at=st.integers(0, 10**6).map(lambda seconds: READ_AT - timedelta(seconds=seconds)),
    event_id=TEXT,
    principal=TEXT,
    source_ip=TEXT,
    user_agent=TEXT,
    aspects=st.lists(st.sampled_from(Aspect), unique=True, max_size=5).map(tuple),
    own=st.booleans(),
)


def change(name: str, hours: float = 1, **more: object) -> Change:
    """A change of a while ago."""
    return replace(Change("PutBucketTagging", READ_AT - timedelta(hours=hours), name), **more)  # type: ignore[arg-type]


def after(known: Changes, *made: Change, options: RuleOptions = OPTIONS, hours: float = 0) -> Changes:
    """What is known after a look that these changes led to, some hours after the samples' own time."""
    return remembered(known, made, replace(bucket(), read_at=READ_AT + timedelta(hours=hours)), options)


def ids(known: Changes) -> list[str]:
    """The names of the events, in order."""
    return [each.event_id for each in known.items]


def holding(details: dict[str, str]) -> Finding:
    """An open finding with these details."""
    return replace(finding(RULE), evidence=Evidence("Changed.", details))


def test_a_change_is_remembered_once_and_for_its_time() -> None:
    """Whoever delivers the event again makes no second one of it."""
    known = after(NONE, change("a"))
    assert ids(known) == ["a"]
    assert after(known, change("a")) == known
    assert after(known, hours=22) == known
    assert after(known, hours=24) == NONE


def test_an_event_that_comes_too_late_is_no_news() -> None:
    """As one that is replayed from an archive."""
    assert after(NONE, change("a", hours=30)) == NONE


def test_a_change_that_is_over_stays_beside_one_that_is_not() -> None:
    """Else the finding would be told anew because of the time; the next change does away with it."""
    known = after(NONE, change("a", hours=20), change("b", hours=1))
    assert ids(after(known, hours=10)) == ["a", "b"]
    assert ids(after(known, change("c", hours=-9), hours=10)) == ["b", "c"]
    assert after(known, hours=30) == NONE


def test_the_latest_are_kept_and_those_of_others_before_s3wardens_own() -> None:
    """However many there are, and in whatever order their events come."""
    many = [change(str(at), hours=9 - at) for at in range(LIMIT + 3)]
    assert ids(after(NONE, *reversed(many))) == ["3", "4", "5", "6", "7"]
    fixes = [change(f"fix-{at}", hours=0.5, own=True) for at in range(LIMIT)]
    assert "b" in ids(after(after(NONE, change("b", hours=2)), *fixes))


def test_who_is_expected_pushes_nobody_out() -> None:
    """A deploy tool that changes a bucket many times must not hide what somebody else did before."""
    options = RuleOptions(expected_changers=("deploy",))
    deploys = [change(f"run-{at}", hours=0, principal=SESSION) for at in range(2 * LIMIT)]
    assert ids(after(after(NONE, change("a"), options=options), *deploys, options=options)) == ["a"]


def test_a_later_look_adds_what_it_shows() -> None:
    """S3 may answer with the old configuration for a while, and with another one never."""
    known = after(NONE, change("a"))
    seen = after(known, change("a", aspects=(Aspect.TAGGING,)))
    assert seen.items[0].aspects == (Aspect.TAGGING,)
    assert after(seen, change("a")) == seen


@pytest.mark.parametrize(
    ("pattern", "principal", "holds"),
    [
        ("deploy", SESSION, True),
        ("dep*", SESSION, True),
        ("deploy", SESSION.replace(ACCOUNT.account, "444455556666"), False),
        ("deploy", "arn:aws:iam::111122223333:user/deploy", False),
        ("arn:aws:iam::111122223333:role/deploy", SESSION, True),
        ("arn:aws:iam::*:role/deploy", SESSION.replace(ACCOUNT.account, "444455556666"), True),
        ("arn:aws:sts::111122223333:assumed-role/deploy/*", SESSION, True),
        ("arn:aws:iam::111122223333:user/ops/*", "arn:aws:iam::111122223333:user/ops/sam", True),
        ("cloudformation.amazonaws.com", "cloudformation.amazonaws.com", True),
        ("Deploy", SESSION, False),
        ("run-7", SESSION, False),
        ("deploy", "", False),
    ],
)
def test_who_is_expected(pattern: str, principal: str, holds: bool) -> None:
    """By ARN, by service, or by the name of a role of the own account; sessions have the names that users choose."""
    options = RuleOptions(expected_changers=("nobody", pattern))
    assert expected(change("a", principal=principal), ACCOUNT.account, options) is holds


@given(st.lists(CHANGES, max_size=LIMIT))
def test_a_finding_tells_exactly_what_is_known(items: list[Change]) -> None:
    """So a restart changes nothing about it, and tells nobody anything twice."""
    known = Changes(tuple(items))
    told = facts(known)
    assert all(text.isascii() and text.isprintable() for text in told.values())
    assert known_changes(None, [holding(told)]) == known
    assert facts(known_changes(None, [holding(told)])) == told


def test_what_is_known_comes_before_what_a_finding_tells() -> None:
    """The finding speaks only where nobody has looked at the bucket since the start."""
    named, known = Changes((change("a"),)), Changes((change("b"),))
    found = [holding(facts(named))]
    assert known_changes(bucket({Aspect.CHANGES: Present(known)}), found) == known
    assert known_changes(bucket({Aspect.CHANGES: ABSENT}), found) == NONE
    assert known_changes(replace(bucket(), readings={}), found) == named


@pytest.mark.parametrize("text", ["broken", "[1]", "7", '[{"call": "x"}]', '[{"at": 7}]', '[{"at": "soon"}]', "null"])
def test_what_no_finding_of_ours_says_is_forgotten(text: str) -> None:
    """A store that somebody wrote in makes no look fail."""
    assert known_changes(None, [holding({"changes": text})]) == NONE
    assert known_changes(None, [holding({"other": text}), finding("bucket-name")]) == NONE
