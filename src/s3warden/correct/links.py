"""Links by which people decide from an alert: signed, good for a while, for one plan and one receiver.

A link says what would be decided and on whose behalf; whether it was used before is the journal's business. Pure: the
moment and the nonce are given.

Source: RFC 2104 (HMAC), RFC 4648 section 5 (the URL-safe alphabet).
"""

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from s3warden.model.secret import Secret

_VERSION = 1
_LONGEST = 1024
# Long keys are hashed by HMAC itself; a short one can be tried out offline by whoever has one link.
SHORTEST_KEY = 32


class Answer(StrEnum):
    """What a link answers."""

    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Link:
    """One answer that may be given. `digest` is the plan's; `by` is the receiver that the link was sent to.

    `nonce` tells one link from another, so that each is used once. `until` is UTC, to the second.
    """

    remediation: str
    digest: str
    answer: Answer
    by: str
    nonce: str
    until: datetime


@dataclass(frozen=True, slots=True)
class BadLink:
    """Why a link is no good. `reason` is a stable code: `malformed`, `forged`, `expired`."""

    reason: str
    detail: str


def signed(link: Link, key: Secret) -> str:
    """The link as text for a URL. Raises ValueError for a key shorter than 32 bytes."""
    body = json.dumps(
        [
            _VERSION,
            link.remediation,
            link.digest,
            link.answer.value,
            link.by,
            link.nonce,
            int(link.until.timestamp()),
        ],
        separators=(",", ":"),
    ).encode()
    return f"{_text(body)}.{_text(_seal(body, key))}"


def opened(token: str, key: Secret, at: datetime) -> Link | BadLink:
    """The link that a text stands for at the moment `at`. Says nothing of a text that it did not sign itself."""
    if len(token) > _LONGEST:
        return BadLink("malformed", "The link is longer than any that s3warden makes.")
    body_text, dot, seal_text = token.partition(".")
    try:
        body, seal = _bytes(body_text), _bytes(seal_text)
    except (binascii.Error, ValueError):
        return BadLink("malformed", "The link is damaged; copy it from the message again.")
    if not dot or not hmac.compare_digest(seal, _seal(body, key)):
        return BadLink("forged", "The link was not made by this s3warden, or was changed on its way.")
    version, remediation, digest, answer, by, nonce, until = json.loads(body)
    if version != _VERSION:
        return BadLink("malformed", "The link was made by another version of s3warden.")
    link = Link(remediation, digest, Answer(answer), by, nonce, datetime.fromtimestamp(until, UTC))
    if at >= link.until:
        return BadLink("expired", f"The link was good until {link.until.isoformat()}.")
    return link


def _seal(body: bytes, key: Secret) -> bytes:
    secret = key.reveal().encode()
    if len(secret) < SHORTEST_KEY:
        raise ValueError(f"the key that signs links must have at least {SHORTEST_KEY} bytes")
    return hmac.new(secret, b"s3warden link\0" + body, hashlib.sha256).digest()


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    # The decoder of the standard library passes over what it does not know; a link has one spelling only.
    data = base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _text(data) != text:
        raise ValueError("not in the form that it was made in")
    return data
