"""The words that people on call read."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3warden.model.event import Actor, Trigger
from s3warden.respond import render
from support.alerts import ACCOUNT, ALICE, BUCKET, NIGHT, alert, digest, digest_notification, notification, resolved


def test_alert_reads_as_a_page() -> None:
    """Who, what, where, when, the decisive fact, the risk and the fix, in this order."""
    assert render.alert_text(alert()) == (
        "[CRITICAL] bucket payroll-exports: anyone can list it\n"
        "Who: Admin/alice (111122223333) from 203.0.113.9 with Terraform\n"
        "What: PutBucketAcl\n"
        "Where: account 111122223333, eu-west-1\n"
        "When: 2026-03-14 03:09:56 UTC\n"
        "grant: AllUsers READ\n"
        "Why it matters: Anyone can list the names of all objects.\n"
        "Fix:\n"
        "aws s3api put-bucket-acl --bucket payroll-exports --acl private"
    )


def test_resolved_tells_how_long_it_was_open_and_who_closed_it() -> None:
    """Short: what ended, how, by whom."""
    assert render.alert_text(resolved()) == (
        "[RESOLVED] bucket payroll-exports: Bucket is public by ACL\n"
        "Ended: fixed, open for 7 min\n"
        "Who: Admin/alice (111122223333) from 203.0.113.9 with Terraform\n"
        "What: PutBucketAcl\n"
        "Where: account 111122223333, eu-west-1\n"
        "When: 2026-03-14 03:09:56 UTC"
    )


def test_a_fix_says_how_to_take_it_back() -> None:
    """Who reads that s3warden closed something has the command at hand; nobody else's change is its to undo."""
    own = Trigger("Remediation", "s3warden", "remediation/k7m2", NIGHT, Actor("s3warden, remediation k7m2"))
    assert "Take it back: s3warden undo k7m2" in render.alert_text(resolved(trigger=own))
    for other in (
        resolved(),
        alert(trigger=own),
        resolved(trigger=replace(own, source="aws.s3")),
        resolved(trigger=None),
    ):
        assert render.undo(other) == ""


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("escalated", "worse than before, open for 20 min"),
        ("eased", "less severe than before, open for 20 min"),
        ("changed", "the facts have changed, open for 20 min"),
    ],
)
def test_update_is_told_apart_from_an_opening(reason: str, words: str) -> None:
    """A second message about the same bucket says first what is new."""
    later = alert(reason=reason, at=NIGHT + timedelta(minutes=20))
    assert render.facts(later)[0] == ("Update", words)
    assert "Update" not in dict(render.facts(alert()))


def test_headline_names_the_bucket_once() -> None:
    """A summary that already names it is not prefixed."""
    named = alert(summary="bucket payroll-exports is public: anyone can list it")
    assert render.headline(named) == "[CRITICAL] bucket payroll-exports is public: anyone can list it"
    account = alert(subject=ACCOUNT, summary="the block of public access was removed")
    assert render.headline(account) == "[CRITICAL] account 111122223333: the block of public access was removed"


def test_unknown_actor_is_said_not_guessed() -> None:
    """A sweep's finding names nobody; a source without identity says so."""
    assert render.who(alert(trigger=None)) == "not known: found by a sweep, no event told of it"
    silent = Trigger("S3 Bucket Finding", "aws.macie", "e", NIGHT)
    assert render.who(alert(trigger=silent)) == "not known: aws.macie does not tell"
    assert render.when(alert(trigger=None)) == "2026-03-14 03:10:00 UTC (found)"


@pytest.mark.parametrize(
    ("principal", "short"),
    [
        ("arn:aws:sts::111122223333:assumed-role/Admin/alice", "Admin/alice (111122223333)"),
        ("arn:aws-us-gov:iam::111122223333:user/division/team/bob", "bob (111122223333)"),
        ("arn:aws:iam::111122223333:root", "root of 111122223333"),
        ("arn:aws-cn:sts::111122223333:federated-user/carol", "carol (111122223333)"),
        ("config.example", "config.example"),
        ("anonymous", "anonymous"),
        ("", "not known"),
        ("arn:broken", "arn:broken"),
    ],
)
def test_principal_is_short_but_complete(principal: str, short: str) -> None:
    """Role sessions keep both names; odd values stay as they are."""
    assert render.principal(Actor(principal)) == short


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (ALICE.user_agent, "Terraform"),
        ("aws-cli/2.15.0 Python/3.11 Linux/5.10 exe/x86_64", "AWS CLI"),
        ("[S3Console/0.4, aws-internal/3 aws-sdk-java/1.11]", "AWS console"),
        ("Boto3/1.34 md/Botocore#1.34", "boto3"),
        ("aws-sdk-go-v2/1.30 os/linux", "AWS SDK"),
        ("[my-tool/1.0 extra]", "my-tool/1.0"),
    ],
)
def test_tool_has_the_name_that_people_use(user_agent: str, name: str) -> None:
    """Common tools by name, others by the beginning of what they say."""
    assert render.tool(user_agent) == name


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "0 s"), (45, "45 s"), (420, "7 min"), (3600, "1 h"), (12_000, "3 h 20 min"), (187_200, "2 d 4 h")],
)
def test_duration_in_words(seconds: int, words: str) -> None:
    """Two units at most."""
    assert render.duration(timedelta(seconds=seconds)) == words


def test_partition_is_named_where_it_is_unusual() -> None:
    """GovCloud and China must not be taken for the commercial partition."""
    assert render.where(replace(BUCKET, partition="aws-cn")).endswith("partition aws-cn")


def test_digest_leads_with_exposure_and_admits_what_was_not_seen() -> None:
    """Counts, live exposure, rules, coverage, blind spots."""
    assert render.digest_text(digest()).splitlines() == [
        "33 findings in 40 buckets of 3 accounts, 1 live exposure",
        "",
        "Live exposure:",
        "- [CRITICAL] bucket payroll-exports: anyone can list it (account 111122223333, eu-west-1)",
        "",
        "By rule:",
        "- 1 x [CRITICAL] Bucket is public by ACL (payroll-exports)",
        "- 32 x [LOW] Required tags are missing (a, b, c)",
        "",
        "Coverage: 594 of 600 checks could be decided (99.0 %). Not decided: scp: 4, bucket_policy: 2.",
        "",
        "Could not be listed:",
        "- account 444455556666: the role cannot be assumed",
    ]


def test_coverage_never_rounds_up_to_all() -> None:
    """One unknown check in a million is still not 100 %."""
    assert "(99.9 %)" in render.coverage(digest(checks=1_000_000, checks_unknown=1))


@given(st.text())
def test_clean_text_can_always_be_sent(text: str) -> None:
    """No control characters, no lone surrogates, no marks that turn the direction of reading."""
    cleaned = render.clean(text)
    cleaned.encode()
    assert not set(cleaned) & set("\x00\x1b\r\u202e\u2066\u200b")
    assert "\n" not in render.line(text)


def test_message_text_joins_alerts_or_tells_the_digest() -> None:
    """One text for a notification, whatever it holds."""
    both = render.text(notification(1, alert(), resolved()))
    assert both == f"{render.alert_text(alert())}\n\n{render.alert_text(resolved())}"
    assert render.text(digest_notification()) == render.digest_text(digest())
