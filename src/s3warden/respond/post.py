"""One HTTP POST to an address that is a secret, with everything bounded: time, redirects, size of the answer.

Takes a session from outside (which knows proxies and certificates) and hands on an answer or why there is none. The
address must leave neither through an error text nor through the detail of a delivery.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp

from s3warden.model.alert import Delivered, Delivery, Postponed, Refused
from s3warden.model.secret import Secret
from s3warden.respond.render import line, shorten

ANSWER_LIMIT = 4096
DETAIL_LIMIT = 200
_LATER = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `text` is the beginning of the body; `retry_after` in seconds, where it was named."""

    status: int
    text: str = ""
    retry_after: float | None = None


async def post(
    session: aiohttp.ClientSession, url: Secret, body: bytes, headers: Mapping[str, str], *, within: float
) -> Answer | Postponed | Refused:
    """The answer, or why there is none. `within` is in seconds, from the first byte to the last."""
    try:
        async with session.post(
            url.reveal(),
            data=body,
            headers=headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=within),
        ) as response:
            text = await _beginning(response)
            retry_after = seconds(response.headers.get("Retry-After"), datetime.now(UTC))
            return Answer(response.status, text.replace(url.reveal(), "***"), retry_after)
    except TimeoutError:
        return Postponed("timeout")
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError):
        return Refused("invalid_url")
    except aiohttp.ClientSSLError as error:
        return Postponed("tls", type(error).__name__)
    except (aiohttp.ClientError, OSError) as error:
        return Postponed("unreachable", type(error).__name__)


def verdict(answer: Answer) -> Delivery:
    """What a status code means for delivery: 2xx taken, 408, 425, 429 and 5xx later, anything else never."""
    if 200 <= answer.status < 300:
        return Delivered()
    detail = shorten(line(answer.text), DETAIL_LIMIT)
    if answer.status == 429:
        return Postponed("rate_limited", detail, answer.retry_after)
    if answer.status in _LATER or answer.status >= 500:
        return Postponed(f"http_{answer.status}", detail, answer.retry_after)
    return Refused(f"http_{answer.status}", detail)


def seconds(retry_after: str | None, now: datetime) -> float | None:
    """Seconds from a Retry-After header, which holds seconds or a date (RFC 9110, 10.2.3)."""
    if not retry_after:
        return None
    if retry_after.isdecimal():
        return float(retry_after)
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - now).total_seconds())
    except (TypeError, ValueError):
        return None


async def _beginning(response: aiohttp.ClientResponse) -> str:
    """At most `ANSWER_LIMIT` bytes of the body as text."""
    body = b""
    while len(body) < ANSWER_LIMIT and (chunk := await response.content.read(ANSWER_LIMIT - len(body))):
        body += chunk
    return body.decode("utf-8", errors="replace")
