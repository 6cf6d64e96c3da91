"""Publishing to an emulated SNS, read back from a subscribed queue."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from s3warden.aws.session import SessionConfig, Sessions
from s3warden.aws.sns import Sns
from s3warden.model.alert import Delivered, Refused
from s3warden.respond.notifiers.sns import SnsTopic
from support.alerts import alert, digest_notification, notification
from support.moto import CREDENTIALS, start_moto

REGION = "eu-west-1"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """An emulated AWS for this module."""
    with start_moto() as url:
        yield url


@pytest.fixture
async def sessions(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sessions]:
    """Clients that talk to the emulator."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    async with Sessions(SessionConfig(region="us-east-1", endpoint_url=endpoint)) as running:
        yield running


@dataclass(frozen=True)
class Subscribed:
    """A topic in another region than the own, with a queue that hears it."""

    arn: str
    queue_url: str
    sqs: Any

    async def messages(self) -> list[dict[str, Any]]:
        """What the queue has got, envelopes of SNS."""
        answer = await self.sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in answer.get("Messages", [])]


async def subscribe(sessions: Sessions, name: str, policy: dict[str, list[str]] | None = None) -> Subscribed:
    """A topic with a subscribed queue, and a filter policy where one is given."""
    sns, sqs = await sessions.client("sns", region=REGION), await sessions.client("sqs", region=REGION)
    fifo = {"FifoTopic": "true"} if name.endswith(".fifo") else {}
    topic = await sns.create_topic(Name=name, Attributes=fifo)
    queue = await sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true"} if fifo else {})
    attributes = await sqs.get_queue_attributes(QueueUrl=queue["QueueUrl"], AttributeNames=["QueueArn"])
    await sns.subscribe(
        TopicArn=topic["TopicArn"],
        Protocol="sqs",
        Endpoint=attributes["Attributes"]["QueueArn"],
        Attributes={"FilterPolicy": json.dumps(policy)} if policy else {},
    )
    return Subscribed(topic["TopicArn"], queue["QueueUrl"], sqs)


async def test_alert_arrives_at_a_subscribed_queue(sessions: Sessions) -> None:
    """The document, the subject and the attributes are what a subscriber gets."""
    subscribed = await subscribe(sessions, "alerts")
    topic = SnsTopic("topic", subscribed.arn, Sns(sessions))
    assert await topic.send([notification(1, alert(), alert(rule_id="bucket-tags"))]) == Delivered()
    (envelope,) = await subscribed.messages()
    assert envelope["Subject"] == "[CRITICAL] bucket payroll-exports: anyone can list it (+1 more)"
    assert json.loads(envelope["Message"])["schema"] == "s3warden/notification/1"
    assert envelope["MessageAttributes"]["severity"] == {"Type": "String", "Value": "critical"}
    assert envelope["MessageAttributes"]["rule_id"]["Type"] == "String.Array"
    assert json.loads(envelope["MessageAttributes"]["rule_id"]["Value"]) == ["bucket-acl-public", "bucket-tags"]


async def test_filter_policy_picks_by_attributes(sessions: Sessions) -> None:
    """A subscriber of one rule hears that rule, also out of a list, and no digest."""
    subscribed = await subscribe(sessions, "filtered", {"rule_id": ["bucket-tags"]})
    topic = SnsTopic("topic", subscribed.arn, Sns(sessions))
    for message in (
        notification(1, alert()),
        notification(2, alert(), alert(rule_id="bucket-tags")),
        digest_notification(),
    ):
        assert await topic.send([message]) == Delivered()
    heard = [json.loads(envelope["Message"])["id"] for envelope in await subscribed.messages()]
    assert heard == [notification(2).dedup_key]


async def test_fifo_topic_drops_the_repeat(sessions: Sessions) -> None:
    """What is sent twice after a crash arrives once."""
    subscribed = await subscribe(sessions, "ordered.fifo")
    topic = SnsTopic("topic", subscribed.arn, Sns(sessions))
    for number in (1, 1, 2):
        assert await topic.send([notification(number, group="g")]) == Delivered()
    heard = [json.loads(envelope["Message"])["id"] for envelope in await subscribed.messages()]
    assert heard == [notification(1).dedup_key, notification(2).dedup_key]


async def test_missing_topic_is_refused(sessions: Sessions) -> None:
    """A deleted topic is final and says so."""
    topic = SnsTopic("topic", "arn:aws:sns:eu-west-1:123456789012:never-made", Sns(sessions))
    delivery = await topic.send([notification(1)])
    assert isinstance(delivery, Refused)
    assert delivery.reason == "not_found"


async def test_largest_message_is_taken(sessions: Sessions) -> None:
    """A message cut to size passes the emulator's own limit."""
    subscribed = await subscribe(sessions, "large")
    giant = alert(details=tuple((f"statement {n}", '"' * 100_000) for n in range(9)))
    assert await SnsTopic("topic", subscribed.arn, Sns(sessions)).send([notification(1, *[giant] * 30)]) == Delivered()
    (envelope,) = await subscribed.messages()
    assert envelope["MessageAttributes"]["truncated"]["Value"] == "true"
