"""The end of an exposure leaves one record, with both sides and what is known of the logs; other ends leave none."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from s3warden.detect.incidents import access_logs, data_events, incident
from s3warden.detect.samples import DENIED, bucket
from s3warden.detect.service_samples import ALL_OBJECTS, trail, trails
from s3warden.model.bucket import ABSENT, NOT_READ, Aspect, Present, Reading
from s3warden.model.configuration import Logging
from s3warden.model.event import Actor, Trigger
from s3warden.model.finding import (
    ChangeKind,
    Evidence,
    Finding,
    FindingChange,
    Severity,
    Verdict,
    fingerprint,
)
from s3warden.model.incident import Coverage, Log, incident_id

OPENED = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
STATE = bucket({Aspect.LOGGING: ABSENT})
RULE = "bucket-public-effective"
ALICE = Trigger("PutBucketAcl", "aws.s3", "e-1", OPENED - timedelta(seconds=3), Actor("alice"))
BOB = Trigger("PutBucketAcl", "aws.s3", "e-2", OPENED + timedelta(hours=1), Actor("bob"))
BEFORE = Finding(
    fingerprint(RULE, STATE.ref),
    RULE,
    STATE.ref,
    Verdict.FAIL,
    Severity.CRITICAL,
    Evidence("Anyone on the internet can list.", {"actions": "list"}, live=True),
    OPENED,
    OPENED,
    trigger=ALICE,
)
CLOSED = OPENED + timedelta(hours=1)
AFTER = FindingChange(
    ChangeKind.RESOLVED, replace(BEFORE, trigger=BOB, resolved_at=CLOSED, sequence=2), CLOSED, "fixed"
)


def test_the_record_names_both_sides() -> None:
    """Who opened it and who closed it, when, and what was possible meanwhile."""
    record = incident(BEFORE, AFTER, STATE)
    assert record is not None
    assert (record.opened_by, record.closed_by) == (ALICE, BOB)
    assert (record.opened_at, record.found_at, record.closed_at) == (ALICE.event_time, OPENED, CLOSED)
    assert (record.possible, record.reason) == ("list", "fixed")
    assert [(source.name, source.coverage) for source in record.sources] == [
        (Log.ACCESS, Coverage.NOT_LOGGED),
        (Log.DATA_EVENTS, data_events(STATE).coverage),
    ]


def test_without_an_event_the_opening_is_not_known() -> None:
    """A sweep knows only when it found the exposure."""
    record = incident(replace(BEFORE, trigger=None), AFTER, STATE)
    assert record is not None
    assert record.opened_at is None
    assert record.found_at == OPENED


def test_one_name_for_one_opening() -> None:
    """A repeat names the same record; the next opening is another one."""
    again = replace(BEFORE, first_seen=CLOSED)
    assert incident_id(BEFORE) == incident_id(AFTER.finding)
    assert incident_id(BEFORE) != incident_id(again)


@pytest.mark.parametrize(
    "change",
    [
        replace(AFTER, kind=ChangeKind.UPDATED),
        replace(AFTER, finding=replace(AFTER.finding, rule_id="bucket-versioning")),
        replace(AFTER, finding=replace(AFTER.finding, verdict=Verdict.UNKNOWN)),
        replace(AFTER, finding=replace(AFTER.finding, evidence=replace(BEFORE.evidence, live=False))),
    ],
    ids=["not over", "another rule", "never known", "not live"],
)
def test_what_leaves_no_record(change: FindingChange) -> None:
    """Only the end of a live exposure is written down."""
    assert incident(BEFORE, change, STATE) is None


@pytest.mark.parametrize(
    ("reading", "coverage", "place"),
    [
        (Present(Logging("logs", "a/")), Coverage.LOGGED, "s3://logs/a/"),
        (ABSENT, Coverage.NOT_LOGGED, ""),
        (DENIED, Coverage.NOT_KNOWN, ""),
        (NOT_READ, Coverage.NOT_KNOWN, ""),
        (None, Coverage.NOT_KNOWN, ""),
    ],
)
def test_what_is_known_of_the_logs(reading: Reading[object] | None, coverage: Coverage, place: str) -> None:
    """What could not be read is not known; it is never taken for "not logged"."""
    source = access_logs(reading)
    assert (source.coverage, source.place) == (coverage, place)


@pytest.mark.parametrize(
    ("reading", "coverage"),
    [
        (trails(trail(ALL_OBJECTS)), Coverage.LOGGED),
        (ABSENT, Coverage.NOT_LOGGED),
        (DENIED, Coverage.NOT_KNOWN),
    ],
)
def test_what_is_known_of_data_events(reading: Reading[object], coverage: Coverage) -> None:
    """A trail that records reads of all objects could tell; one that cannot be read leaves it open."""
    assert data_events(bucket({Aspect.TRAILS: reading})).coverage is coverage


def test_of_a_bucket_that_nobody_read_nothing_is_known() -> None:
    """No state is no answer."""
    assert data_events(None).coverage is Coverage.NOT_KNOWN
