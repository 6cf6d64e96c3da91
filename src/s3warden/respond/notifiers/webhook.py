"""A generic webhook: our own JSON or the shape of Alertmanager, signed as Standard Webhooks 1.0.0 says."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import aiohttp

from s3warden.model.alert import Delivery, Notification
from s3warden.model.secret import Secret
from s3warden.respond import alertmanager
from s3warden.respond.document import document, encode, fitted, happened_at, kind, timestamp
from s3warden.respond.post import Answer, post, verdict

LIMIT = 1024 * 1024
PREFIX = "whsec_"


class Format(StrEnum):
    """The shape of the body."""

    S3WARDEN = "s3warden"
    ALERTMANAGER = "alertmanager"


class Webhook:
    """One receiver. `secret` signs the requests; without it they go unsigned. `timeout` in seconds.

    A secret that is not `whsec_` and base64 raises ValueError.
    """

    batch = 1
    parallel = 8

    def __init__(
        self,
        name: str,
        url: Secret,
        session: aiohttp.ClientSession,
        *,
        secret: Secret | None = None,
        body_format: Format = Format.S3WARDEN,
        timeout: float = 5.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.name = name
        self._url = url
        self._session = session
        self._key = key_of(secret) if secret is not None else None
        self._format = body_format
        self._timeout = timeout
        self._clock = clock

    async def send(self, notifications: Sequence[Notification]) -> Delivery:
        """One request about one notification."""
        (notification,) = notifications
        body = encode(self._body(notification))
        headers = {"Content-Type": "application/json", "User-Agent": "s3warden"}
        headers |= self._signed(message_id(notification), body)
        answer = await post(self._session, self._url, body, headers, within=self._timeout)
        return verdict(answer) if isinstance(answer, Answer) else answer

    def _body(self, notification: Notification) -> dict[str, Any]:
        if self._format is Format.ALERTMANAGER:
            return alertmanager.body(notification, receiver=self.name)
        return {
            "type": kind(notification),
            "timestamp": timestamp(happened_at(notification)),
            "data": fitted(document(notification), LIMIT),
        }

    def _signed(self, name: str, body: bytes) -> dict[str, str]:
        sent_at = int(self._clock().timestamp())
        headers = {"webhook-id": name, "webhook-timestamp": str(sent_at)}
        if self._key is not None:
            headers["webhook-signature"] = sign(self._key.reveal(), name, sent_at, body)
        return headers


def message_id(notification: Notification) -> str:
    """The same over every attempt, so that the receiver can drop a repeat; without dots, since a dot ends it."""
    return f"msg_{hashlib.sha256(notification.dedup_key.encode()).hexdigest()[:32]}"


def key_of(secret: Secret) -> Secret:
    """The HMAC key within `whsec_…`, still as base64 text; ValueError if it is none."""
    text = secret.reveal()
    encoded = text.removeprefix(PREFIX)
    try:
        size = len(base64.b64decode(encoded, validate=True))
    except binascii.Error as error:
        raise ValueError("the signing secret is not whsec_ followed by base64") from error
    if not text.startswith(PREFIX) or not 24 <= size <= 64:
        raise ValueError("the signing secret must be whsec_ followed by 24 to 64 bytes in base64")
    return Secret(encoded)


def sign(key: str, name: str, sent_at: int, body: bytes) -> str:
    """The value of webhook-signature. `key` is base64, `sent_at` Unix seconds."""
    signed = f"{name}.{sent_at}.".encode() + body
    mac = hmac.new(base64.b64decode(key), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(mac).decode()}"
