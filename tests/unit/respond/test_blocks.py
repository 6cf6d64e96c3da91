"""Slack messages: what the reader sees, and Slack's limits under hostile text."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from s3warden.model.alert import Alert, Digest, DigestLine, Fix
from s3warden.model.finding import Severity
from s3warden.respond.blocks import escape, message
from support.alerts import ALICE, BUCKET, PUT_ACL, alert, digest, digest_notification, notification, resolved
from support.receivers import slack_complaints, slack_texts

# Formatted text: a label, a label above a code block that ends where we end it, or the link to the runbook.
OURS = re.compile(r"\*[A-Z][a-z ]+\*(\n```\n((?!```).)*\n```)?|<[^<>|]*\|Runbook>", re.DOTALL)


def texts(*alerts: Alert) -> list[str]:
    """The texts of the message about these alerts of one group."""
    return slack_texts(message([notification(1, *alerts)]))


def test_page_reads_well_at_ten_past_three() -> None:
    """Headline, who, what, where, when, proof, risk, fix."""
    assert texts(alert(runbook_url="https://runbooks.example/acl?a=1&b=2")) == [
        "[CRITICAL] bucket payroll-exports: anyone can list it",
        "[CRITICAL] bucket payroll-exports: anyone can list it",
        "*Who*",
        "Admin/alice (111122223333) from 203.0.113.9 with Terraform",
        "*What*",
        "PutBucketAcl",
        "*Where*",
        "account 111122223333, eu-west-1",
        "*When*",
        "2026-03-14 03:09:56 UTC",
        "*Decisive facts*\n```\ngrant: AllUsers READ\n```",
        "Why it matters: Anyone can list the names of all objects.",
        "*Fix*\n```\naws s3api put-bucket-acl --bucket payroll-exports --acl private\n```",
        f"rule bucket-acl-public, finding {alert().fingerprint[:12]}",
        "<https://runbooks.example/acl?a=1&amp;b=2|Runbook>",
    ]


def test_resolve_is_short() -> None:
    """What ended, how long it was open, by whom; no fix and no risk any more."""
    found = texts(resolved())
    assert found[0] == "[RESOLVED] bucket payroll-exports: Bucket is public by ACL"
    assert found[found.index("*Ended*") + 1] == "fixed, open for 7 min"
    assert not [text for text in found if "Fix" in text or "Why" in text]


def test_critical_comes_first_and_resolves_last() -> None:
    """In a burst the worst is told in full at the top, the others in a line each."""
    low = alert(severity=Severity.LOW, live=False, summary="tags are missing")
    body = message([notification(1, resolved()), notification(2, low), notification(3, low), notification(4, alert())])
    found = slack_texts(body)
    assert found[0] == "s3warden: 1 critical, 2 low, 1 resolved on bucket payroll-exports"
    assert found[2] == "[CRITICAL] bucket payroll-exports: anyone can list it"
    lines = found[-1].split("\n")
    assert lines[0].startswith("🔵 [LOW] bucket payroll-exports: tags are missing (account 111122223333, eu-west-1; ")
    assert lines[1] == "✅ [RESOLVED] bucket payroll-exports: Bucket is public by ACL, fixed, open for 7 min"


def test_sixty_alerts_are_all_told_in_one_message() -> None:
    """A full batch of ordinary alerts fits: nothing is only counted."""
    burst = [notification(n, alert(subject=replace(BUCKET, name=f"bucket-{n:03}"), trigger=PUT_ACL)) for n in range(60)]
    body = message(burst)
    assert slack_complaints(body) == []
    told = "\n".join(slack_texts(body)[1:])
    assert all(f"bucket-{n:03}" in told for n in range(60))


def test_what_does_not_fit_is_counted_by_severity() -> None:
    """An overlong burst ends in the number of what was left out."""
    long = "x" * 500
    burst = [notification(n, alert(summary=long, details=(("policy", long * 5),))) for n in range(60)]
    burst += [notification(99, resolved())]
    body = message(burst)
    assert slack_complaints(body) == []
    last = slack_texts(body)[-1]
    told = "\n".join(slack_texts(body)[1:]).count("[CRITICAL]")
    assert last == f"… and {61 - told} more: {60 - told} critical, 1 resolved"


def test_policy_text_cannot_format_or_mention() -> None:
    """A star stays a star, a backtick does not end the code, and nobody is called."""
    hostile = "```*bold* <!channel> & <https://evil.example|click>"
    mean = alert(
        summary=hostile,
        details=(("statement", hostile),),
        trigger=replace(PUT_ACL, name=hostile, actor=replace(ALICE, user_agent=hostile, principal=hostile)),
    )
    body = message([notification(1, mean)])
    assert slack_complaints(body) == []
    assert not [text for text in slack_texts(body) if "<" in text]
    for text in _formatted(body):
        assert re.fullmatch(r"\*[A-Z][a-z ]+\*(\n```[^`]*```)?", text, re.DOTALL)
    assert "*" not in body["text"]


def test_command_can_be_copied_as_it_is() -> None:
    """Backticks of a command survive; Slack ends the code only at three of them."""
    command = "aws s3api get-bucket-acl --query 'Grants[?(x) == `false`]' --bucket `cat name`"
    assert f"*Fix*\n```\n{command}\n```" in texts(alert(fix=Fix(command)))


def test_digest_shows_live_exposure_coverage_and_blind_spots() -> None:
    """Counts first, then what was not seen, then what is open, then the rest by rule."""
    found = slack_texts(message([digest_notification()]))
    assert found == [
        "s3warden: 33 findings in 40 buckets of 3 accounts, 1 live exposure",
        "s3warden digest",
        "33 findings in 40 buckets of 3 accounts, 1 live exposure",
        "*Coverage*",
        "594 of 600 checks could be decided (99.0 %). Not decided: scp: 4, bucket_policy: 2.",
        "*Could not be listed*",
        "account 444455556666: the role cannot be assumed",
        "*Live exposure*",
        "🔴 [CRITICAL] bucket payroll-exports: anyone can list it (account 111122223333, eu-west-1)",
        "*By rule*",
        "🔴 1 x Bucket is public by ACL (payroll-exports)\n🔵 32 x Required tags are missing (a, b, c)",
    ]


def _formatted(body: dict[str, Any]) -> list[str]:
    parts = [block["text"] for block in body["blocks"] if "text" in block]
    parts += [part for block in body["blocks"] for part in block.get("fields", []) + block.get("elements", [])]
    return [part["text"] for part in parts if part["type"] == "mrkdwn"]


hostile_text = st.text(alphabet=st.one_of(st.characters(), st.sampled_from("&<>*_~`|\n😀")), max_size=40).flatmap(
    lambda text: st.integers(1, 300).map(lambda times: text * times)
)
alerts = st.builds(
    lambda summary, key, value, why, cli, agent, severity, ended: (resolved if ended else alert)(
        summary=summary,
        title=summary,
        details=((key, value),) * 3,
        why=why,
        fix=Fix(cli),
        severity=severity,
        runbook_url=value,
        trigger=replace(PUT_ACL, name=key, actor=replace(ALICE, user_agent=agent, principal=agent, source_ip=key)),
    ),
    *[hostile_text] * 6,
    st.sampled_from(Severity),
    st.booleans(),
)


@given(st.lists(alerts, min_size=1, max_size=12), st.integers(1, 8))
def test_any_text_stays_inside_the_limits(told: Sequence[Alert], times: int) -> None:
    """Slack takes every message, whatever the texts; and none of them is parsed."""
    body = message([notification(n, one) for n, one in enumerate(list(told) * times)])
    assert slack_complaints(body) == []
    for text in slack_texts(body):
        text.encode()
        unescaped = re.sub(r"&(amp|lt|gt);", "", text)
        assert "&" not in unescaped
        assert "<" not in unescaped or unescaped.endswith("|Runbook>")
    assert all(OURS.fullmatch(text) for text in _formatted(body))


@given(st.lists(hostile_text, max_size=60), st.lists(alerts, max_size=30))
def test_any_digest_stays_inside_the_limits(lines: Sequence[str], live: Sequence[Alert]) -> None:
    """The same for digests of any size; coverage is always told."""
    rules = tuple(DigestLine("r", text, Severity.HIGH, 1, (text,)) for text in lines)
    told: Digest = digest(live=tuple(live), lines=rules, failures=tuple(lines))
    body = message([replace(digest_notification(), digest=told)])
    assert slack_complaints(body) == []
    assert "*Coverage*" in slack_texts(body)


@given(st.text(), st.integers(1, 200))
def test_escaped_text_is_never_too_long_and_never_cut_in_an_entity(text: str, limit: int) -> None:
    """Cutting happens between characters, not within what stands for one."""
    found = escape(text, limit)
    assert len(found.encode("utf-16-le")) // 2 <= limit
    assert re.sub(r"&(amp|lt|gt);", "", found).count("&") == 0
