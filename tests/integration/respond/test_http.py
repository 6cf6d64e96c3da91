"""Slack and webhooks over real HTTP."""

import json
from collections.abc import AsyncIterator
from datetime import datetime
from itertools import count

import aiohttp
import pytest

from s3warden.model.alert import Delivered, Delivery, Postponed, Refused
from s3warden.model.secret import Secret
from s3warden.respond.notifiers.slack import Slack
from s3warden.respond.notifiers.webhook import Format, Webhook
from support.alerts import NIGHT, alert, digest_notification, notification
from support.moto import free_port
from support.receivers import OK, Receiver, Reply, serving, slack_complaints, throttled, verified

SIGNING = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver that says ok until told otherwise."""
    async with serving(Receiver()) as running:
        yield running


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """The session that the application shares."""
    async with aiohttp.ClientSession(trust_env=True) as running:
        yield running


def slack(receiver: Receiver, session: aiohttp.ClientSession, timeout: float = 5.0) -> Slack:
    """A Slack notifier for this receiver."""
    return Slack("oncall", Secret(receiver.url), session, timeout=timeout)


def webhook(receiver: Receiver, session: aiohttp.ClientSession, **options: object) -> Webhook:
    """A webhook notifier for this receiver."""
    return Webhook("hook", Secret(receiver.url), session, **options)  # type: ignore[arg-type]


async def test_slack_message_arrives(receiver: Receiver, session: aiohttp.ClientSession) -> None:
    """One request with a message that Slack would take."""
    assert await slack(receiver, session).send([notification(1), notification(2)]) == Delivered()
    (request,) = receiver.requests
    assert request.headers["Content-Type"] == "application/json"
    assert slack_complaints(request.json) == []
    assert request.json["text"].startswith("s3warden: 2 critical")


@pytest.mark.parametrize(
    ("reply", "delivery"),
    [
        (throttled(7), Postponed("rate_limited", "rate_limited", 7.0)),
        (throttled(None), Postponed("rate_limited", "rate_limited")),
        (Reply(503, "upstream"), Postponed("http_503", "upstream")),
        (Reply(500, "rollup_error"), Postponed("http_500", "rollup_error")),
        (Reply(404, "no_service"), Refused("no_service", "no_service")),
        (Reply(410, "channel_is_archived"), Refused("channel_is_archived", "channel_is_archived")),
        (Reply(400, "invalid_payload"), Refused("invalid_payload", "invalid_payload")),
        (Reply(403, "made_up_by_somebody"), Refused("http_403", "made_up_by_somebody")),
        (Reply(200, "<html>log in</html>"), Postponed("unexpected_answer", "<html>log in</html>")),
        (Reply(302, "", {"Location": "/elsewhere"}), Refused("http_302", "")),
    ],
)
async def test_slack_answers(
    receiver: Receiver, session: aiohttp.ClientSession, reply: Reply, delivery: Delivery
) -> None:
    """Each of Slack's answers has its meaning; a redirect is not followed."""
    receiver.will(reply)
    assert await slack(receiver, session).send([notification(1)]) == delivery
    assert len(receiver.requests) == 1


async def test_hanging_receiver_is_a_timeout(receiver: Receiver, session: aiohttp.ClientSession) -> None:
    """A receiver that never answers costs the timeout, no more."""
    receiver.will(Reply(hang=5.0))
    assert await slack(receiver, session, timeout=0.05).send([notification(1)]) == Postponed("timeout")


async def test_nobody_listening_is_postponed_without_the_address(session: aiohttp.ClientSession) -> None:
    """The reason says unreachable; the address, which is a secret, appears nowhere."""
    url = f"http://127.0.0.1:{free_port()}/services/canary"
    delivery = await Slack("oncall", Secret(url), session).send([notification(1)])
    assert isinstance(delivery, Postponed)
    assert delivery.reason == "unreachable"
    assert "canary" not in repr(delivery)


@pytest.mark.parametrize("url", ["canary", "http://", "ftp://127.0.0.1/canary"])
async def test_address_that_is_none_is_refused(session: aiohttp.ClientSession, url: str) -> None:
    """No amount of trying mends a wrong address; it is not shown either."""
    delivery = await Slack("oncall", Secret(url), session).send([notification(1)])
    assert isinstance(delivery, Refused)
    assert delivery.reason == "invalid_url"
    assert "canary" not in repr(delivery)


async def test_answer_that_echoes_the_address_is_masked(receiver: Receiver, session: aiohttp.ClientSession) -> None:
    """A proxy's error page likes to repeat the address."""
    receiver.will(Reply(502, f"cannot reach {receiver.url}"))
    delivery = await slack(receiver, session).send([notification(1)])
    assert delivery == Postponed("http_502", "cannot reach ***")


async def test_endless_answer_is_read_to_its_limit(receiver: Receiver, session: aiohttp.ClientSession) -> None:
    """Ten megabytes of error page become 200 characters."""
    receiver.will(Reply(500, "x" * 10_000_000))
    delivery = await slack(receiver, session).send([notification(1)])
    assert isinstance(delivery, Postponed)
    assert len(delivery.detail) == 200


async def test_webhook_is_signed_and_described(receiver: Receiver, session: aiohttp.ClientSession) -> None:
    """The body has type, time and data, and the receiver can check who sent it."""
    hook = webhook(receiver, session, secret=Secret(SIGNING))
    assert await hook.send([notification(1, alert())]) == Delivered()
    (request,) = receiver.requests
    assert verified(request, SIGNING)
    assert request.json["type"] == "alert.firing"
    assert request.json["timestamp"] == "2026-03-14T03:10:00.000000Z"
    assert request.json["data"]["alerts"][0]["rule_id"] == "bucket-acl-public"
    assert SIGNING not in repr(request)


async def test_webhook_id_and_body_are_the_same_over_attempts_and_time_is_not(
    receiver: Receiver, session: aiohttp.ClientSession
) -> None:
    """A retry is the same message, signed anew."""
    receiver.will(Reply(500), OK)
    ticks = count()

    def clock() -> datetime:
        return NIGHT.replace(second=next(ticks))

    hook = webhook(receiver, session, secret=Secret(SIGNING), clock=clock)
    assert await hook.send([notification(1)]) == Postponed("http_500", "ok")
    assert await hook.send([notification(1)]) == Delivered()
    first, second = receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 1
    assert verified(first, SIGNING)
    assert verified(second, SIGNING)


async def test_webhook_without_secret_is_unsigned(receiver: Receiver, session: aiohttp.ClientSession) -> None:
    """No secret, no signature; the id is there all the same."""
    assert await webhook(receiver, session).send([notification(1)]) == Delivered()
    assert "webhook-signature" not in receiver.requests[0].headers
    assert receiver.requests[0].headers["webhook-id"].startswith("msg_")


async def test_webhook_speaks_alertmanager(receiver: Receiver, session: aiohttp.ClientSession) -> None:
    """The other shape has no envelope of ours."""
    hook = webhook(receiver, session, body_format=Format.ALERTMANAGER)
    assert await hook.send([digest_notification()]) == Delivered()
    assert json.loads(receiver.requests[0].body)["version"] == "4"
    assert receiver.requests[0].json["receiver"] == "hook"


@pytest.mark.parametrize(
    ("reply", "delivery"),
    [
        (Reply(202), Delivered()),
        (Reply(408, ""), Postponed("http_408")),
        (throttled(3), Postponed("rate_limited", "rate_limited", 3.0)),
        (Reply(502, ""), Postponed("http_502")),
        (Reply(422, "what?"), Refused("http_422", "what?")),
        (Reply(307, "", {"Location": "http://169.254.169.254/"}), Refused("http_307")),
    ],
)
async def test_webhook_answers(
    receiver: Receiver, session: aiohttp.ClientSession, reply: Reply, delivery: Delivery
) -> None:
    """Taken, later or never; redirects lead nowhere."""
    receiver.will(reply)
    assert await webhook(receiver, session).send([notification(1)]) == delivery
    assert len(receiver.requests) == 1
