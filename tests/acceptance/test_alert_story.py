"""The story of one alert from end to end, told by the AWS CLI to an emulated AWS and read at the far ends."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from support.awscli import Cli
from support.cloud import Bucket, change
from support.daemon import Daemon
from support.faults import FaultProxy
from support.moto import CREDENTIALS, HOME_ACCOUNT, start_moto
from support.receivers import Receiver, serving, slack_texts, throttled

BUCKET = "invented-ledger"
PAYER = b"<RequestPaymentConfiguration><Payer>BucketOwner</Payer></RequestPaymentConfiguration>"
# Long enough for a second message to come, if there is one: retries begin below a second.
QUIET_SECONDS = 6.0


@dataclass
class Inbox:
    """What a queue got that is subscribed to the topic of alerts."""

    cli: Cli
    url: str
    messages: list[dict[str, Any]] = field(default_factory=list)

    async def fetch(self) -> None:
        """Take what there is now."""
        options = ["--max-number-of-messages", "10", "--wait-time-seconds", "1"]
        answer = await self.cli("sqs", "receive-message", "--queue-url", self.url, *options)
        for message in (answer or {}).get("Messages", []):
            self.messages.append(json.loads(json.loads(message["Body"])["Message"]))
            receipt = message["ReceiptHandle"]
            await self.cli("sqs", "delete-message", "--queue-url", self.url, "--receipt-handle", receipt)

    def kinds(self) -> list[str]:
        """What the messages are, in order."""
        return [message["type"] for message in self.messages]


@dataclass
class Stage:
    """The emulated AWS with all its queues, and the two receivers of alerts."""

    cli: Cli
    endpoint: str
    events: str
    topic: str
    inbox: Inbox
    slack: Receiver

    async def until(self, posts: int, messages: int, within: float = 60.0) -> None:
        """Wait until both receivers have so many; then see that no more come."""
        deadline = time.monotonic() + within
        while len(self.slack.taken) < posts or len(self.inbox.messages) < messages:
            kinds = [slack_texts(post.json)[0] for post in self.slack.taken], self.inbox.kinds()
            assert time.monotonic() < deadline, f"in vain for {posts} posts and {messages} messages: {kinds}"
            await self.inbox.fetch()
        quiet = time.monotonic() + QUIET_SECONDS
        while time.monotonic() < quiet:
            await self.inbox.fetch()
            await asyncio.sleep(0.5)
        assert (len(self.slack.taken), len(self.inbox.messages)) == (posts, messages)


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """The URL of an emulated AWS."""
    with start_moto() as url:
        yield url


async def _queue(cli: Cli, name: str, **attributes: str) -> tuple[str, str]:
    url = (await cli("sqs", "create-queue", "--queue-name", name, "--attributes", json.dumps(attributes)))["QueueUrl"]
    answer = await cli("sqs", "get-queue-attributes", "--queue-url", url, "--attribute-names", "QueueArn")
    return url, answer["Attributes"]["QueueArn"]


@pytest.fixture
async def stage(moto: str) -> AsyncIterator[Stage]:
    """A private bucket, the queue of events with its dead-letter queue, a topic with a queue subscribed, a Slack."""
    cli = Cli(moto, CREDENTIALS)
    place = "LocationConstraint=eu-west-1"
    await cli("s3api", "create-bucket", "--bucket", BUCKET, "--create-bucket-configuration", place)
    _, dead = await _queue(cli, "events-dead", VisibilityTimeout="30")
    redrive = json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 3})
    events, _ = await _queue(cli, "events", RedrivePolicy=redrive)
    inbox, inbox_arn = await _queue(cli, "inbox", VisibilityTimeout="30")
    topic = (await cli("sns", "create-topic", "--name", "alerts"))["TopicArn"]
    await cli("sns", "subscribe", "--topic-arn", topic, "--protocol", "sqs", "--notification-endpoint", inbox_arn)
    async with serving(Receiver()) as slack, FaultProxy(moto) as proxy:
        # moto names no payer, which S3 always does.
        proxy.answer("GetBucketRequestPayment", body=PAYER)
        yield Stage(cli, proxy.url, events, topic, Inbox(cli, inbox), slack)


@pytest.fixture
async def daemon(stage: Stage, tmp_path: Path) -> AsyncIterator[Daemon]:
    """The daemon at that AWS, told of the topic and the Slack."""
    settings = {
        "queues": [{"url": stage.events, "region": "eu-west-1"}],
        "destinations": [
            {"type": "sns", "name": "topic", "topic_arn": stage.topic},
            {"type": "slack", "name": "channel", "webhook_url": stage.slack.url},
        ],
        "aws": {"endpoint_url": stage.endpoint, "region": "eu-west-1"},
        "events": {"poll": "1s"},
    }
    async with Daemon(tmp_path, settings, CREDENTIALS) as ready_to_start:
        yield ready_to_start


async def _set_acl(stage: Stage, acl: str, folder: Path) -> None:
    """Change the bucket's ACL and put CloudTrail's event of it on the queue, both by the AWS CLI."""
    await stage.cli("s3api", "put-bucket-acl", "--bucket", BUCKET, "--acl", acl)
    body = folder / f"{acl}.json"
    body.write_text(change(Bucket(BUCKET, HOME_ACCOUNT), "PutBucketAcl"))
    await stage.cli("sqs", "send-message", "--queue-url", stage.events, "--message-body", f"file://{body}")


async def test_an_opened_bucket_is_told_once_and_its_closing_too(stage: Stage, daemon: Daemon, tmp_path: Path) -> None:
    """One digest, one alert and one resolve at each receiver, although Slack refuses the alert twice."""
    await daemon.start()
    await daemon.until_ready()
    await stage.until(posts=1, messages=1)
    assert stage.inbox.kinds() == ["digest"]
    assert [line["rule_id"] for line in stage.inbox.messages[0]["digest"]["live"]] == []

    stage.slack.will(throttled(1), throttled(1))
    await _set_acl(stage, "public-read", tmp_path)
    await stage.until(posts=2, messages=2)
    assert [request.status for request in stage.slack.requests] == [200, 429, 429, 200]
    opened = stage.inbox.messages[1]
    assert opened["type"] == "alert.firing"
    (alert,) = opened["alerts"]
    assert (alert["rule_id"], alert["severity"], alert["live"]) == ("bucket-public-effective", "critical", True)
    assert (alert["subject"]["bucket"], alert["subject"]["account_id"]) == (BUCKET, HOME_ACCOUNT)
    assert alert["trigger"]["name"] == "PutBucketAcl"
    assert alert["trigger"]["actor"]["principal"].endswith("assumed-role/deployer/sam")
    post = "\n".join(slack_texts(stage.slack.taken[1].json))
    for expected in (BUCKET, "deployer/sam", "PutBucketAcl", "ACL grant READ for AllUsers"):
        assert expected in post

    await _set_acl(stage, "private", tmp_path)
    await stage.until(posts=3, messages=3)
    closed = stage.inbox.messages[2]
    assert (closed["type"], closed["group"]) == ("alert.resolved", opened["group"])
    (end,) = closed["alerts"]
    assert (end["fingerprint"], end["reason"]) == (alert["fingerprint"], "fixed")
    assert BUCKET in "\n".join(slack_texts(stage.slack.taken[2].json))
    assert await daemon.stop() == 0
    assert daemon.complaints() == []
