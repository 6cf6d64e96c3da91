"""Publishing to SNS topics, typed.

Takes a topic's ARN and a message, hands on nothing: it is published, or an AwsError is raised. It never cuts a message
to SNS's limits; who wrote the message knows what can be spared.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from s3warden.aws.errors import translated


class Clients(Protocol):
    """What is needed of `session.Sessions`."""

    async def client(self, service: str, *, region: str | None = None, account: str | None = None) -> Any:
        """The SDK's client."""


class Sns:
    """SNS through the clients of `clients`, always with the own identity: a foreign topic's policy lets it in."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

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
        """Publish one message; `message` is what `structured` made.

        An attribute that is a list goes as `String.Array`. `group_id` and `dedup_id` only for a FIFO topic. Raises
        AwsError.
        """
        fifo = {"MessageGroupId": group_id, "MessageDeduplicationId": dedup_id} if group_id else {}
        client = await self._clients.client("sns", region=region_of(topic_arn))
        with translated("Publish"):
            await client.publish(
                TopicArn=topic_arn,
                Subject=subject,
                Message=message,
                MessageStructure="json",
                MessageAttributes={name: _attribute(value) for name, value in attributes.items()},
                **fifo,
            )


def structured(body: str, readable: str) -> str:
    """A message of which e-mail subscribers get `readable`, and everybody else `body`."""
    return json.dumps({"default": body, "email": readable}, separators=(",", ":"))


def region_of(arn: str) -> str | None:
    """The region in an ARN; ValueError where `arn` is no ARN of a topic."""
    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or parts[2] != "sns" or not parts[5]:
        raise ValueError("not the ARN of an SNS topic")
    return parts[3] or None


def _attribute(value: str | Sequence[str]) -> dict[str, str]:
    if isinstance(value, str):
        return {"DataType": "String", "StringValue": value}
    return {"DataType": "String.Array", "StringValue": json.dumps(list(value))}
