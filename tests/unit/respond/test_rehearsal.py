"""The notification of `notify test`."""

from s3warden.respond import blocks, rehearsal, render
from s3warden.respond.document import document
from support.alerts import NIGHT


def test_rehearsal_is_unmistakable_in_every_form() -> None:
    """Nobody may take it for a real alert, in Slack, by mail or in JSON."""
    message = rehearsal.test_notification("oncall", NIGHT)
    assert render.text(message).startswith("[INFO] bucket s3warden-test: this is a test of s3warden, nothing is wrong")
    assert "this is a test" in blocks.message([message])["text"]
    assert document(message)["alerts"][0]["rule_id"] == "notify-test"


def test_every_rehearsal_has_a_key_of_its_own() -> None:
    """A second test is not dropped as a repeat of the first."""
    first = rehearsal.test_notification("oncall", NIGHT)
    second = rehearsal.test_notification("oncall", NIGHT.replace(second=1))
    assert first.dedup_key != second.dedup_key
