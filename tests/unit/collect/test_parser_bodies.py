"""What is around the event: wrappings, missing envelopes, and bodies that are no events at all."""

import json
from typing import Any

import pytest

from s3warden.collect.envelope import MAX_BODY
from s3warden.collect.parser import PARSERS, parse
from s3warden.model.event import Poison, Refresh, Skip
from support.cloudtrail import ADMINISTRATOR, BUCKET, CALLER, DROP, OWNER, call, envelope, record

EXPECTED = parse(call())


def sns(message: object, kind: str = "Notification") -> str:
    """`message` as SNS delivers it without raw delivery."""
    return json.dumps({"Type": kind, "TopicArn": f"arn:aws:sns:eu-west-1:{OWNER}:topic", "Message": message})


def skipped(body: str) -> str:
    """The reason for which `body` is skipped."""
    parsed = parse(body)
    assert isinstance(parsed, Skip), parsed
    return parsed.reason


def poisoned(body: str) -> str:
    """The reason for which `body` cannot be understood."""
    parsed = parse(body)
    assert isinstance(parsed, Poison), parsed
    return parsed.reason


def test_case_27_sns_wrapping_changes_nothing() -> None:
    """Wrapped as text or as an object, it is the same event."""
    assert parse(sns(call())) == EXPECTED
    assert parse(sns(json.loads(call()))) == EXPECTED


@pytest.mark.parametrize(
    ("message", "reason"), [("hello", "not_json"), ("", "empty"), ("[]", "not_an_object"), (7, "not_an_event")]
)
def test_case_27_sns_around_no_event_is_poison(message: object, reason: str) -> None:
    """SNS carries any text."""
    assert poisoned(sns(message)) == reason


def test_case_27_sns_in_sns_is_not_followed() -> None:
    """One wrapping is unpacked, not a pile of them."""
    assert poisoned(sns(sns(call()))) == "not_an_event"


@pytest.mark.parametrize("kind", ["SubscriptionConfirmation", "UnsubscribeConfirmation"])
def test_case_27_subscription_is_skipped(kind: str) -> None:
    """The URL in it is never followed: the parser does no I/O."""
    body = {"Type": kind, "Message": "You have chosen", "SubscribeURL": "https://sns.example/", "Token": "t"}
    assert skipped(json.dumps(body)) == "subscription"


def test_case_27_s3_test_event_is_skipped() -> None:
    """S3 sends one when a bucket's notifications are set up, bare or through SNS."""
    body = json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": BUCKET})
    assert skipped(body) == "test_event"
    assert skipped(sns(body)) == "test_event"


def test_case_27_s3_notification_is_skipped() -> None:
    """An object notification says nothing of the bucket's configuration."""
    notification = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": BUCKET}}}
    assert skipped(json.dumps({"Records": [notification]})) == "s3_notification"


def test_case_28_detail_as_text_is_unpacked() -> None:
    """Some senders put the detail in as JSON text."""
    assert parse(json.dumps(envelope(json.dumps(record())))) == EXPECTED


@pytest.mark.parametrize("detail", [None, DROP, [], 7, "", "oops", "[]"])
def test_case_28_missing_detail_is_poison(detail: object) -> None:
    """An S3 call without its record cannot be understood."""
    assert poisoned(json.dumps(envelope(detail))) == "no_detail"


def test_case_28_empty_detail_of_another_event_is_skipped() -> None:
    """EventBridge Scheduler's default is the bare text of an empty object."""
    assert skipped(json.dumps(envelope("{}", source="aws.scheduler", detail_type="Scheduled Event"))) == "other_event"
    assert poisoned(json.dumps(envelope("{}"))) == "no_event_name"


@pytest.mark.parametrize("detail_type", [DROP, None, "", 7])
def test_case_28_missing_detail_type_is_told_by_the_record(detail_type: object) -> None:
    """A CloudTrail record is recognised by its own fields."""
    assert parse(json.dumps(envelope(record(), detail_type=detail_type))) == EXPECTED
    assert poisoned(json.dumps(envelope({"a": 1}, detail_type=detail_type))) == "not_an_event"


@pytest.mark.parametrize("source", [DROP, None, "", 7])
def test_case_28_missing_source_is_poison(source: object) -> None:
    """Without a source nobody can tell AWS from a look-alike."""
    assert poisoned(json.dumps(envelope(record(), source=source))) == "not_an_event"


def test_case_28_bare_record_is_read() -> None:
    """A rule's input path can strip the envelope off."""
    found = parse(json.dumps(record()))
    assert isinstance(found, Refresh)
    assert isinstance(EXPECTED, Refresh)
    assert (found.targets, found.trigger.source) == (EXPECTED.targets, "aws.s3")


def test_case_28_bare_record_of_another_source_is_not() -> None:
    """The record's own source decides, with its domain."""
    assert skipped(json.dumps(record(eventSource="sts.amazonaws.com"))) == "other_service"
    assert skipped(json.dumps(record(eventSource="s3.look-alike.example"))) == "foreign_source"
    assert skipped(json.dumps(record(eventSource="s3"))) == "foreign_source"


def test_case_28_log_file_is_read_as_a_whole() -> None:
    """Each record counts, a broken one sinks none of the others, and nobody is blamed for all of them."""
    records: list[object] = [
        7,
        record("GetBucketAcl"),
        record("PutBucketTagging", "one"),
        record("PutBucketAcl", "one"),
        record("PutBucketLogging", "two", resources=DROP, recipientAccountId=CALLER),
        record(eventName=""),
    ]
    found = parse(json.dumps({"Records": records}))
    assert isinstance(found, Refresh)
    assert [(t.account, t.bucket, sorted(t.aspects)) for t in found.targets] == [
        (OWNER, "one", ["acl", "ownership", "public_access_block", "tagging"]),
        (CALLER, "two", ["logging"]),
    ]
    assert found.urgent
    assert found.trigger.actor is None


def test_case_28_log_file_with_one_change_keeps_its_actor() -> None:
    """One change has one author."""
    found = parse(json.dumps({"Records": [record("GetBucketAcl"), record()]}))
    assert isinstance(found, Refresh)
    assert found.trigger.name == "PutBucketPolicy"
    assert found.trigger.actor is not None


@pytest.mark.parametrize(
    ("records", "kind", "reason"),
    [
        ([], Skip, "no_records"),
        ([record("GetBucketAcl")], Skip, "read_only"),
        ([record(eventName=""), record("GetBucketAcl")], Skip, "read_only"),
        ([record(eventName="")], Poison, "no_event_name"),
        ([7, None], Poison, "not_an_event"),
        ({}, Poison, "not_an_event"),
    ],
)
def test_case_28_log_file_without_a_change(records: object, kind: type, reason: str) -> None:
    """A log file may hold nothing for us, or nothing at all."""
    parsed = parse(json.dumps({"Records": records}))
    assert isinstance(parsed, kind)
    assert isinstance(parsed, Skip | Poison)
    assert parsed.reason == reason


def test_case_28_notice_of_a_log_file_is_skipped() -> None:
    """The file itself is not fetched."""
    assert skipped(json.dumps({"s3Bucket": "trail", "s3ObjectKey": ["AWSLogs/x.json.gz"]})) == "log_file_notice"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "empty"),
        (" \n\t", "empty"),
        ("\ufeff", "empty"),
        ("hello", "not_json"),
        (call()[:400], "not_json"),
        (call() + "x", "not_json"),
        ('{"a": ' + "9" * 5000 + "}", "not_json"),
        ("[" * 100_000, "too_deep"),
        ('{"detail":' * 100_000, "too_deep"),
        ("null", "not_an_object"),
        ("7", "not_an_object"),
        ("NaN", "not_an_object"),
        ("[]", "not_an_object"),
        ('"x"', "not_an_object"),
        ("{}", "not_an_event"),
        ('{"a": 1}', "not_an_event"),
        (" " * MAX_BODY + "{}", "too_large"),
    ],
)
def test_case_29_body_that_is_no_event_is_poison(body: str, reason: str) -> None:
    """Whatever is on the queue, it has a name and ends nothing."""
    assert poisoned(body) == reason


def test_case_29_poison_shows_a_short_printable_excerpt() -> None:
    """Enough to recognise it by, not enough to hurt a log."""
    parsed = parse("\x1b[2Jjunk\u202e" + "x" * 5000)
    assert isinstance(parsed, Poison)
    assert parsed.detail.startswith("[2Jjunk x")
    assert parsed.detail.isprintable()
    assert len(parsed.detail) <= 200


def test_case_29_detail_too_deep_is_poison() -> None:
    """Text within text is decoded with the same care."""
    assert poisoned(json.dumps(envelope("[" * 100_000))) == "no_detail"


def test_case_29_byte_order_mark_is_ignored() -> None:
    """The event behind it is a good one."""
    assert parse("\ufeff" + call()) == EXPECTED


def test_case_29_nan_in_a_field_nobody_reads_does_not_hurt() -> None:
    """Python writes NaN, so somebody's pipeline does."""
    assert parse(call(responseElements=float("nan"))) == EXPECTED


def test_case_29_of_duplicate_keys_the_last_counts() -> None:
    """As every other reader has it; the verdict comes from a fresh read anyway."""
    body = call().replace('"awsRegion": "eu-west-1"', '"awsRegion": "us-east-1", "awsRegion": "eu-west-1"')
    assert body.count("awsRegion") == 2
    assert parse(body) == EXPECTED


def test_case_29_lone_surrogates_do_not_get_through() -> None:
    """They would crash whoever encodes them."""
    found = parse(call(userAgent="\ud800agent", eventID="\udfffid"))
    assert isinstance(found, Refresh)
    assert found.trigger.event_id == "id"
    repr(found).encode()


@pytest.mark.parametrize("source", ["custom.s3", "aws", "AWS.s3", "s3.amazonaws.com", "xaws.s3"])
def test_case_37_look_alike_from_another_source_is_ignored(source: str) -> None:
    """Only AWS can put events whose source starts with `aws.`."""
    assert skipped(json.dumps(envelope(record(), source=source))) == "foreign_source"


@pytest.mark.parametrize(
    ("source", "detail_type", "reason"),
    [
        ("aws.sts", "AWS API Call via CloudTrail", "other_service"),
        ("aws.ec2", "AWS Service Event via CloudTrail", "other_service"),
        ("aws.signin", "AWS Console Sign In via CloudTrail", "other_event"),
        ("aws.access-analyzer", "Access Preview State Change", "other_event"),
        ("aws.s3", "Something New", "other_event"),
        ("aws.health", "AWS Health Event", "other_event"),
    ],
)
def test_other_events_are_skipped_with_a_reason(source: str, detail_type: str, reason: str) -> None:
    """What is on the queue and not for us is counted by kind."""
    assert skipped(json.dumps(envelope({}, source=source, detail_type=detail_type))) == reason


def test_envelope_account_is_only_the_last_resort() -> None:
    """An event forwarded by a hub keeps its origin, but the record knows better than any envelope."""
    found = parse(json.dumps(envelope(record(), account=ADMINISTRATOR)))
    assert isinstance(found, Refresh)
    assert found.targets[0].account == OWNER


def test_every_parser_survives_an_empty_detail() -> None:
    """Nothing is demanded that is not used."""
    empty: dict[str, Any] = {}
    for source, detail_type in PARSERS:
        assert not isinstance(parse(json.dumps(envelope(empty, source=source, detail_type=detail_type))), Refresh)
