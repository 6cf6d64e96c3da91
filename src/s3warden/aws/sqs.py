"""Calls to SQS, typed and in batches of at most ten.

Takes a queue's address, hands on messages as SQS gave them. It keeps nothing, never retries beyond what the client
does, and never decides what becomes of a message. Everything raised is an AwsError.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Protocol
from urllib.parse import urlsplit

from botocore import xform_name

from s3warden.aws.errors import translated

BATCH = 10
MAX_VISIBILITY = 43_200
MAX_WAIT = 20


@dataclass(frozen=True, slots=True)
class QueueAddress:
    """Where a queue is. `region` None means the own region; `account` is whose role reads it, None the own identity."""

    url: str
    region: str | None = None
    account: str | None = None

    @classmethod
    def parse(cls, url: str, *, region: str | None = None, account: str | None = None) -> "QueueAddress":
        """The address of the queue at `url`, with the region that the URL tells unless one is given."""
        return cls(url, region or region_of(url), account)

    @property
    def name(self) -> str:
        """The queue's name, the last part of its URL."""
        return urlsplit(self.url).path.rstrip("/").rpartition("/")[2]

    @property
    def label(self) -> str:
        """What names this queue in logs and metrics, like the end of its ARN: region, owner and name."""
        owner = urlsplit(self.url).path.strip("/").rpartition("/")[0]
        return f"{self.region or ''}:{owner}:{self.name}"


@dataclass(frozen=True, slots=True)
class Message:
    """One delivery of a message. `receive_count` is 1 the first time; `sent_at` is UTC, `group` the MessageGroupId."""

    id: str
    receipt: str
    body: str
    receive_count: int = 1
    sent_at: datetime | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class QueueAttributes:
    """What matters of a queue's settings: seconds of visibility, and whether bad messages ever leave it."""

    visibility: int
    redrive: bool
    max_receives: int | None = None


class Clients(Protocol):
    """What is needed of `session.Sessions`."""

    async def client(self, service: str, *, region: str | None = None, account: str | None = None) -> Any:
        """The SDK's client."""


class Sqs:
    """SQS through the clients of `clients`."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    async def receive(self, queue: QueueAddress, *, limit: int, wait: int, visibility: int) -> list[Message]:
        """Up to `limit` (1 to 10) messages, hidden from others for `visibility` seconds; waits up to `wait` seconds.

        An entry without a receipt cannot be answered for and is left out: it comes back by itself.
        """
        answer = await self._call(
            queue,
            "ReceiveMessage",
            MaxNumberOfMessages=min(limit, BATCH),
            WaitTimeSeconds=min(wait, MAX_WAIT),
            VisibilityTimeout=visibility,
            MessageSystemAttributeNames=["ApproximateReceiveCount", "SentTimestamp", "MessageGroupId"],
        )
        with translated("ReceiveMessage"):
            return [message for message in map(_message, answer.get("Messages") or []) if message is not None]

    async def delete(self, queue: QueueAddress, receipts: Sequence[str]) -> list[str]:
        """Delete up to ten messages; the receipts that SQS refused."""
        return await self._batch(queue, "DeleteMessageBatch", receipts, {})

    async def extend(self, queue: QueueAddress, receipts: Sequence[str], seconds: int) -> list[str]:
        """Hide up to ten messages for `seconds` from now, 0 to give them back; the receipts that SQS refused."""
        return await self._batch(queue, "ChangeMessageVisibilityBatch", receipts, {"VisibilityTimeout": seconds})

    async def attributes(self, queue: QueueAddress) -> QueueAttributes:
        """The queue's settings."""
        answer = await self._call(queue, "GetQueueAttributes", AttributeNames=["VisibilityTimeout", "RedrivePolicy"])
        attributes = answer.get("Attributes") or {}
        policy = _redrive(attributes.get("RedrivePolicy"))
        return QueueAttributes(
            visibility=_number(attributes.get("VisibilityTimeout")) or 30,
            redrive=bool(policy),
            max_receives=_number(policy.get("maxReceiveCount")),
        )

    async def _batch(
        self, queue: QueueAddress, operation: str, receipts: Sequence[str], extra: Mapping[str, object]
    ) -> list[str]:
        # Ids must differ within a batch, and so must receipts: one delivered twice may have one receipt twice.
        unique = list(dict.fromkeys(receipts))
        entries = [{"Id": str(at), "ReceiptHandle": receipt, **extra} for at, receipt in enumerate(unique)]
        answer = await self._call(queue, operation, Entries=entries)
        with translated(operation):
            return [unique[int(entry["Id"])] for entry in answer.get("Failed") or []]

    async def _call(self, queue: QueueAddress, operation: str, **params: object) -> Mapping[str, Any]:
        client = await self._clients.client("sqs", region=queue.region, account=queue.account)
        with translated(operation):
            answer: Mapping[str, Any] = await getattr(client, xform_name(operation))(QueueUrl=queue.url, **params)
            return answer


def region_of(url: str) -> str | None:
    """The region that a queue's URL tells: `[vpce-….]sqs.REGION.…`, `sqs-fips.REGION.…`, the old `REGION.queue.…`.

    None where the host has no such form: an emulator, or the oldest host `queue.…`.
    """
    labels = (urlsplit(url).hostname or "").split(".")
    for before, after in pairwise(labels):
        if before in {"sqs", "sqs-fips"} and _looks_like_region(after):
            return after
        if after == "queue" and _looks_like_region(before):
            return before
    return None


def _looks_like_region(label: str) -> bool:
    return label.count("-") >= 2 and label[-1:].isdigit()


def _message(entry: Any) -> Message | None:
    if not isinstance(entry, Mapping) or not entry.get("ReceiptHandle"):
        return None
    attributes = entry.get("Attributes") or {}
    receipt = str(entry["ReceiptHandle"])
    return Message(
        id=str(entry.get("MessageId") or receipt),
        receipt=receipt,
        body=str(entry.get("Body") or ""),
        receive_count=_number(attributes.get("ApproximateReceiveCount")) or 1,
        sent_at=_moment(attributes.get("SentTimestamp")),
        group=attributes.get("MessageGroupId"),
    )


def _number(value: object) -> int | None:
    text = str(value)
    return int(text) if text.isdecimal() and len(text) < 20 else None


def _moment(value: object) -> datetime | None:
    milliseconds = _number(value)
    try:
        return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, OSError, ValueError):
        return None


def _redrive(text: object) -> Mapping[str, object]:
    try:
        policy = json.loads(str(text)) if text else {}
    except ValueError:
        return {}
    return policy if isinstance(policy, dict) else {}
