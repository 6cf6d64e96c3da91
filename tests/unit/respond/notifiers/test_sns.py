"""What is published to a topic."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3warden.aws.errors import AwsError
from s3warden.model.alert import Delivered, Delivery, Postponed, Refused
from s3warden.model.bucket import Cause
from s3warden.model.finding import Severity
from s3warden.respond.notifiers.sns import LIMIT, SnsTopic, attributes, compose, subject
from support.alerts import ACCOUNT, alert, digest_notification, notification, resolved

TOPIC = "arn:aws-us-gov:sns:us-gov-west-1:111122223333:alerts"


class RecordingSns:
    """Takes what is published, or raises."""

    def __init__(self, error: AwsError | None = None) -> None:
        self.error = error
        self.published: list[dict[str, Any]] = []

    async def publish(
        self,
        topic_arn: str,
        *,
        subject: str,
        message: str,
        attributes: Mapping[str, str | Sequence[str]],
        group_id: str | None = None,
        dedup_id: str | None = None,
    ) -> None:
        if self.error is not None:
            raise self.error
        self.published.append(
            {
                "topic": topic_arn,
                "subject": subject,
                "message": message,
                "attributes": attributes,
                "group": group_id,
                "dedup": dedup_id,
            }
        )


def test_message_has_json_for_machines_and_text_for_mail() -> None:
    """Subscribers get the document; people with e-mail get the words."""
    message, truncated = compose(notification(1, alert()))
    found = json.loads(message)
    assert json.loads(found["default"])["alerts"][0]["rule_id"] == "bucket-acl-public"
    assert found["email"].startswith("[CRITICAL] bucket payroll-exports: anyone can list it\nWho: Admin/alice")
    assert not truncated


def test_filter_attributes() -> None:
    """One value as text, several as a list, nothing empty."""
    assert attributes(notification(1, alert()), truncated=False) == {
        "severity": "critical",
        "status": "firing",
        "truncated": "false",
        "rule_id": "bucket-acl-public",
        "account_id": "111122223333",
        "category": "exposure",
    }
    two = notification(1, alert(), alert(rule_id="bucket-tags", category="", severity=Severity.LOW))
    assert attributes(two, truncated=True)["rule_id"] == ["bucket-acl-public", "bucket-tags"]
    assert attributes(digest_notification(), truncated=False) == {
        "severity": "critical",
        "status": "digest",
        "truncated": "false",
    }


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (notification(1, alert()), "[CRITICAL] bucket payroll-exports: anyone can list it"),
        (notification(1, alert(), alert()), "[CRITICAL] bucket payroll-exports: anyone can list it (+1 more)"),
        (notification(1, resolved(subject=ACCOUNT)), "[RESOLVED] account 111122223333: Bucket is public by ACL"),
        (notification(1, alert(summary="für alle\noffen 😀")), "[CRITICAL] bucket payroll-exports: fur alle offen ?"),
        (
            digest_notification(),
            "s3warden: 33 findings in 40 buckets of 3 accounts, 1 live exposure",
        ),
    ],
)
def test_subject_reads_well(message: Any, expected: str) -> None:
    """ASCII, one line, the headline first."""
    assert subject(message) == expected


@given(st.text(max_size=300))
def test_subject_is_always_one_that_sns_takes(summary: str) -> None:
    """Fewer than 100 printable ASCII characters, whatever the text."""
    found = subject(notification(1, alert(summary=summary)))
    assert 0 < len(found) < 100
    assert found.isascii()
    assert found.isprintable()


@given(st.text(alphabet=st.sampled_from('"\\\n😀é<'), min_size=1, max_size=50), st.integers(1, 40))
def test_message_always_fits(text: str, count: int) -> None:
    """Quotes within quotes grow; the message stays below 256 KiB and says that it was cut."""
    alerts = [alert(summary=text, why=text * 40, details=tuple((f"k{n}", text * 40) for n in range(9)))] * count
    message, truncated = compose(notification(1, *alerts))
    assert len(message) <= LIMIT
    assert json.loads(json.loads(message)["default"])["truncated"] == truncated


async def test_fifo_topic_gets_group_and_dedup_ids() -> None:
    """Both follow the notification's keys, in characters that SNS takes."""
    sns = RecordingSns()
    for number in (1, 1, 2):
        assert await SnsTopic("t", f"{TOPIC}.fifo", sns).send([notification(number, group="g")]) == Delivered()
    first, again, other = sns.published
    assert first["dedup"] == again["dedup"] != other["dedup"]
    assert first["group"] == other["group"]
    assert all(len(value) == 64 for value in (first["dedup"], first["group"]))


async def test_ordinary_topic_gets_none() -> None:
    """An ordinary topic refuses FIFO parameters."""
    sns = RecordingSns()
    await SnsTopic("t", TOPIC, sns).send([notification(1)])
    assert (sns.published[0]["group"], sns.published[0]["dedup"]) == (None, None)


@pytest.mark.parametrize(
    ("error", "delivery"),
    [
        (AwsError("Throttled", cause=Cause.THROTTLED, retry_after=3.0), Postponed("throttled", "Throttled: ", 3.0)),
        (AwsError("AuthorizationError", "no", cause=Cause.DENIED), Postponed("denied", "AuthorizationError: no")),
        (AwsError("NotFound", "Topic does not exist"), Refused("not_found", "NotFound: Topic does not exist")),
        (AwsError("InvalidParameter", "bad"), Refused("invalid", "InvalidParameter: bad")),
        (AwsError("InternalError", status=500), Postponed("error", "InternalError: ")),
    ],
)
async def test_failures_are_told_apart(error: AwsError, delivery: Delivery) -> None:
    """What may be mended from outside is tried again; a missing topic and a malformed message are not."""
    assert await SnsTopic("t", TOPIC, RecordingSns(error)).send([notification(1)]) == delivery


@pytest.mark.parametrize("arn", ["", "alerts", "arn:aws:sqs:eu-west-1:1:q", "arn:aws:sns:eu-west-1:1:"])
def test_topic_must_be_a_topic(arn: str) -> None:
    """A wrong ARN is found when the notifier is built, not at the first alert."""
    with pytest.raises(ValueError, match="SNS topic"):
        SnsTopic("t", arn, RecordingSns())
