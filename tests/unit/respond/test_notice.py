"""A word to people about something that is no finding, in every form in which messages go out."""

import re
from dataclasses import replace
from pathlib import Path

from s3warden.model.alert import Notice, Notification
from s3warden.model.finding import Severity
from s3warden.respond import alertmanager
from s3warden.respond.blocks import MAX_BLOCKS, MAX_TEXT, message, size_of
from s3warden.respond.document import document, happened_at, kind
from s3warden.respond.notifiers.sns import attributes, subject
from s3warden.respond.render import text
from support.alerts import NIGHT

NOTICE = Notice(
    "exemption-ends", NIGHT, "exemption assets ends in 3 d", ("It holds back 2 findings.", "Owner: team-web")
)
TOLD = Notification("all", "s3warden/exemption-ends/assets", "key", Severity.MEDIUM, notice=NOTICE)


def test_as_text() -> None:
    """The title, and a line for each thing."""
    assert text(TOLD) == "exemption assets ends in 3 d\n- It holds back 2 findings.\n- Owner: team-web"


def test_as_json() -> None:
    """All of its fields, each of them in the documentation."""
    found = document(TOLD)
    assert found["type"] == kind(TOLD) == "notice"
    assert found["notice"] == {
        "kind": "exemption-ends",
        "at": "2026-03-14T03:10:00.000000Z",
        "title": NOTICE.title,
        "lines": list(NOTICE.lines),
    }
    assert happened_at(TOLD) == NIGHT
    page = (Path(__file__).parents[3] / "docs/notifications.md").read_text(encoding="utf-8")
    assert all(re.search(f"`{name}`", page) for name in ("notice", *found["notice"]))


def test_for_slack() -> None:
    """A header and the lines, which parse no markup of others."""
    body = message([TOLD])
    assert body["text"] == "s3warden: exemption assets ends in 3 d"
    header, lines = body["blocks"]
    assert header["text"]["text"] == "s3warden: exemption assets ends in 3 d"
    assert lines["text"] == {
        "type": "plain_text",
        "text": "• It holds back 2 findings.\n• Owner: team-web",
        "emoji": False,
    }


def test_a_long_one_keeps_to_slacks_limits() -> None:
    """What does not fit is counted."""
    blocks = message([replace(TOLD, notice=replace(NOTICE, lines=("x" * 1000,) * 500))])["blocks"]
    assert len(blocks) <= MAX_BLOCKS
    assert sum(map(size_of, blocks)) <= MAX_TEXT
    assert re.search(r"and \d+ more", blocks[-1]["text"]["text"])


def test_for_sns() -> None:
    """A subject, and attributes by which subscribers can tell it from alerts."""
    assert subject(TOLD) == "s3warden: exemption assets ends in 3 d"
    assert attributes(TOLD, truncated=False) == {"severity": "medium", "status": "notice", "truncated": "false"}


def test_for_alertmanager() -> None:
    """One alert named after its kind."""
    (alert,) = alertmanager.body(TOLD, receiver="all")["alerts"]
    assert alert["labels"] == {"alertname": "s3warden-exemption-ends", "severity": "medium"}
    assert alert["annotations"] == {"summary": NOTICE.title, "description": text(TOLD)}
    assert alert["startsAt"] == "2026-03-14T03:10:00.000000Z"
