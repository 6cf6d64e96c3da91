"""How `s3warden incident` prints."""

import json
from dataclasses import replace
from datetime import timedelta

from s3warden.cli.incident import Format, listing, printed
from s3warden.model.incident import Incident
from support.alerts import BUCKET, NIGHT

RECORD = Incident(
    "inc-00aa11bb22cc",
    "f" * 32,
    "bucket-public-effective",
    BUCKET,
    "Anyone can list.",
    "list",
    (),
    NIGHT,
    NIGHT,
    "fixed",
)


def test_one_line_for_each_record() -> None:
    """The list tells when, how long, and which bucket; an empty one says so."""
    closed = NIGHT + timedelta(hours=2)
    [line] = listing([replace(RECORD, closed_at=closed)]).splitlines()
    assert line.split() == [RECORD.id, "2026-03-14", "05:10:00", "UTC", "open", "for", "2", "h", BUCKET.name]
    assert listing([]).startswith("No exposure has ended")


def test_both_forms() -> None:
    """Text for people, JSON for machines, of the same record."""
    assert printed(RECORD, [], Format.TEXT).startswith(f"{RECORD.id}: bucket {BUCKET.name} was exposed")
    assert json.loads(printed(RECORD, [], Format.JSON))["id"] == RECORD.id
