"""Slack, by incoming webhook: many notifications in one message, the worst first."""

from collections.abc import Sequence

import aiohttp

from s3warden.model.alert import Delivered, Delivery, Notification, Postponed, Refused
from s3warden.model.secret import Secret
from s3warden.respond.blocks import message
from s3warden.respond.document import encode
from s3warden.respond.post import Answer, post, verdict
from s3warden.respond.render import line, shorten

# Slack's own words, as its changelog of 2016-05-17 and practice have them. Only these become a reason, because a
# reason is a metric label: who answers at the address must not be able to make up new ones.
KNOWN = frozenset(
    {
        "action_prohibited",
        "channel_is_archived",
        "channel_not_found",
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_payload",
        "invalid_token",
        "msg_blocks_too_long",
        "no_active_hooks",
        "no_service",
        "no_service_id",
        "no_team",
        "no_text",
        "posting_to_general_channel_denied",
        "team_disabled",
        "too_many_attachments",
        "user_not_found",
    }
)


class Slack:
    """One channel. `timeout` in seconds."""

    batch = 60
    parallel = 1

    def __init__(self, name: str, url: Secret, session: aiohttp.ClientSession, *, timeout: float = 10.0) -> None:
        self.name = name
        self._url = url
        self._session = session
        self._timeout = timeout

    async def send(self, notifications: Sequence[Notification]) -> Delivery:
        """One message about all of them."""
        body = encode(message(notifications))
        headers = {"Content-Type": "application/json"}
        answer = await post(self._session, self._url, body, headers, within=self._timeout)
        return _delivery(answer) if isinstance(answer, Answer) else answer


def _delivery(answer: Answer) -> Delivery:
    delivery = verdict(answer)
    text = answer.text.strip()
    match delivery:
        case Delivered() if text != "ok":
            # A proxy or a login page may answer 200; only Slack says ok.
            return Postponed("unexpected_answer", shorten(line(text), 100))
        case Refused():
            return Refused(text if text in KNOWN else delivery.reason, delivery.detail)
    return delivery
