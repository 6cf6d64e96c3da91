"""An SNS topic: JSON for machines, readable text for e-mail subscribers, attributes for filter policies."""

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Protocol

from s3warden.aws.errors import AwsError
from s3warden.aws.sns import region_of, structured
from s3warden.model.alert import Delivered, Delivery, Notification, Postponed, Refused
from s3warden.respond.document import document, encode, fitted, kind, status
from s3warden.respond.render import digest_title, headline, line, shorten, text

# 256 KiB is what a topic takes by default, attributes included.
LIMIT = 250_000
SUBJECT = 99
READABLE = 10_000
LEAST = 4096
FIFO = ".fifo"
# A topic that is not there, and messages that will never be taken. All other refusals may be mended from outside
# (a policy, a role, a key), so they are tried again.
_FINAL = frozenset(
    {"EndpointDisabled", "InvalidParameter", "InvalidParameterException", "InvalidParameterValue", "NotFound"}
    | {"NotFoundException", "ValidationError", "ValidationException"}
)


class Publisher(Protocol):
    """What is needed of `aws.sns.Sns`."""

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
        """Publish one message. Raises AwsError."""


class SnsTopic:
    """One topic. An ARN that is none raises ValueError."""

    batch = 1
    # Enough for the rate at which topics are published to, also where an answer takes a third of a second.
    parallel = 32

    def __init__(self, name: str, topic_arn: str, sns: Publisher) -> None:
        region_of(topic_arn)
        self.name = name
        self._topic_arn = topic_arn
        self._sns = sns

    async def send(self, notifications: Sequence[Notification]) -> Delivery:
        """One message about one notification."""
        (notification,) = notifications
        message, truncated = compose(notification)
        fifo = self._topic_arn.endswith(FIFO)
        try:
            await self._sns.publish(
                self._topic_arn,
                subject=subject(notification),
                message=message,
                attributes=attributes(notification, truncated=truncated),
                group_id=fifo_id(notification.group_key) if fifo else None,
                dedup_id=fifo_id(notification.dedup_key) if fifo else None,
            )
        except AwsError as error:
            return _failure(error)
        return Delivered()


def compose(notification: Notification) -> tuple[str, bool]:
    """The message, and whether something had to be left out."""
    readable = shorten(text(notification), READABLE)
    whole = document(notification)
    limit = LIMIT
    while True:
        body = fitted(whole, limit)
        message = structured(encode(body).decode(), readable)
        # JSON within JSON grows by its quotes, by how much depends on the text.
        if len(message) <= LIMIT or limit < LEAST:
            return message, body["truncated"]
        limit //= 2


def subject(notification: Notification) -> str:
    """At most 99 printable ASCII characters: what SNS takes as a subject."""
    if notification.digest is not None:
        title = f"s3warden: {digest_title(notification.digest)}"
    elif notification.notice is not None:
        title = f"s3warden: {notification.notice.title}"
    else:
        others = len(notification.alerts) - 1
        title = headline(notification.alerts[0]) + (f" (+{others} more)" if others else "")
    decomposed = unicodedata.normalize("NFKD", line(title))
    printable = "".join(char if " " <= char <= "~" else "?" for char in decomposed if not unicodedata.combining(char))
    return printable if len(printable) <= SUBJECT else f"{printable[: SUBJECT - 3]}..."


def attributes(notification: Notification, *, truncated: bool) -> dict[str, str | Sequence[str]]:
    """What subscribers can filter by. One value goes as text, several as a list."""
    alerts = notification.alerts
    found: dict[str, list[str]] = {
        "rule_id": sorted({alert.rule_id for alert in alerts}),
        "account_id": sorted({alert.subject.account for alert in alerts}),
        "category": sorted({alert.category for alert in alerts if alert.category}),
    }
    return {
        "severity": notification.severity.value,
        "status": status(notification).value if notification.alerts else kind(notification),
        "truncated": "true" if truncated else "false",
        **{name: values[0] if len(values) == 1 else values for name, values in found.items() if values},
    }


def fifo_id(key: str) -> str:
    """`key` as 64 hexadecimal digits: SNS takes at most 128 characters, and not every one."""
    return hashlib.sha256(key.encode()).hexdigest()


def _failure(error: AwsError) -> Delivery:
    detail = f"{error.code}: {error.message}"
    if error.code in _FINAL:
        return Refused("not_found" if error.code.startswith("NotFound") else "invalid", detail)
    return Postponed(error.cause.value, detail, error.retry_after)
