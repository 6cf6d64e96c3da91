"""The record of an incident reads well, asks the right log, and quotes what others chose."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from s3warden.model.bucket import BucketRef
from s3warden.model.event import Actor, Trigger
from s3warden.model.finding import ChangeKind, Evidence, Finding, FindingChange, Severity, Verdict
from s3warden.model.incident import Coverage, Incident, Log, Source
from s3warden.respond.incidents import document, queries, text

OPENED = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
CLOSED = OPENED + timedelta(minutes=47)
BUCKET = BucketRef("aws", "111122223333", "eu-west-1", "example-data")
ALICE = Trigger(
    "PutBucketAcl",
    "aws.s3",
    "e-1",
    OPENED,
    Actor("arn:aws:iam::111122223333:user/alice", "IAMUser", "111122223333", "203.0.113.7", "aws-cli/2.1"),
)
RECORD = Incident(
    "inc-0123456789ab",
    "f" * 32,
    "bucket-public-effective",
    BUCKET,
    "Anyone on the internet can list.",
    "list",
    (("actions", "list"), ("granted_by", "the ACL grant READ")),
    OPENED + timedelta(seconds=4),
    CLOSED,
    "fixed",
    OPENED,
    ALICE,
    None,
    (Source(Log.ACCESS, Coverage.LOGGED, "s3://logs/example/"),),
)


def with_sources(*sources: Source) -> Incident:
    """The record with other logs."""
    return replace(RECORD, sources=sources)


def test_it_answers_the_questions() -> None:
    """When it was opened and closed, by whom, how long, what was possible, and where to look for its use."""
    told = text(RECORD)
    for words in (
        "2026-11-25 12:00:00 UTC, by alice (111122223333) from 203.0.113.7 with AWS CLI (PutBucketAcl)",
        "by somebody whom no event named",
        "Open for 47 min",
        "granted by: the ACL grant READ",
        "s3://logs/example/",
        "FROM s3_access_logs",
    ):
        assert words in told


def test_an_unknown_opening_is_said() -> None:
    """Without an event the window is a lower bound."""
    told = text(replace(RECORD, opened_at=None, opened_by=None))
    assert "at an unknown time before it was found" in told
    assert "at least 46 min" in told


@pytest.mark.parametrize(
    ("sources", "words", "count"),
    [
        ((Source(Log.ACCESS, Coverage.NOT_LOGGED),), "It cannot be known", 0),
        ((Source(Log.ACCESS, Coverage.NOT_KNOWN),), "not known whether", 1),
        ((Source(Log.ACCESS, Coverage.NOT_LOGGED), Source(Log.DATA_EVENTS, Coverage.LOGGED)), "were logged", 1),
    ],
)
def test_what_can_be_known_of_its_use(sources: tuple[Source, ...], words: str, count: int) -> None:
    """Where nothing was logged it says so, and offers no query that would find nothing and look like an answer."""
    record = with_sources(*sources)
    assert words in text(record)
    assert len(queries(record)) == count


def test_queries_look_a_little_wider() -> None:
    """Requests are logged late: the window of a query is wider than the exposure."""
    record = with_sources(Source(Log.ACCESS, Coverage.LOGGED), Source(Log.DATA_EVENTS, Coverage.LOGGED))
    athena, lake = (query for _, query in queries(record))
    assert "'2026-11-25T11:55:00+00:00'" in athena
    assert "'2026-11-25T12:52:00+00:00'" in athena
    assert "TIMESTAMP '2026-11-25 11:55:00' AND TIMESTAMP '2026-11-25 12:52:00'" in lake


def test_names_cannot_leave_their_quotes() -> None:
    """A bucket's name has no quotes, but what is shown need not come from AWS."""
    [(_, query)] = queries(replace(RECORD, bucket=replace(BUCKET, name="x' OR 1=1 --")))
    assert "bucket_name = 'x'' OR 1=1 --'" in query


def test_the_time_line_has_the_steps_of_this_exposure() -> None:
    """What changed meanwhile is told; what was before this opening is not."""
    finding = Finding(
        "f" * 32, RECORD.rule_id, BUCKET, Verdict.FAIL, Severity.CRITICAL, Evidence("Anyone can write."), OPENED, OPENED
    )
    steps = [
        FindingChange(kind, finding, at, reason)
        for kind, at, reason in (
            (ChangeKind.OPENED, OPENED - timedelta(days=1), ""),
            (ChangeKind.OPENED, RECORD.found_at, ""),
            (ChangeKind.UPDATED, OPENED + timedelta(minutes=9), "escalated"),
            (ChangeKind.RESOLVED, CLOSED, "fixed"),
        )
    ]
    told = text(RECORD, steps)
    assert "2026-11-25 12:09:00 UTC  escalated: Anyone can write." in told
    assert "2026-11-24" not in told


def test_for_machines() -> None:
    """The same as JSON."""
    told = json.loads(document(RECORD))
    assert told["opened_by"]["principal"] == "arn:aws:iam::111122223333:user/alice"
    assert told["closed_by"] is None
    assert told["logs"] == [{"name": "server access logs", "coverage": "logged", "place": "s3://logs/example/"}]
    assert len(told["queries"]) == 1
