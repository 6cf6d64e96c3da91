"""From an outbox through the dispatch to receivers over real HTTP."""

import asyncio
import random

import aiohttp
from prometheus_client import CollectorRegistry

from s3warden.model.secret import Secret
from s3warden.respond.dispatch import Dispatch
from s3warden.respond.notifiers.slack import Slack
from s3warden.respond.pace import Backoff
from s3warden.respond.worker import Limits
from s3warden.telemetry.metrics import Metrics
from support.alerts import alert, notification, resolved
from support.outbox import MemoryOutbox, RecordedHealth
from support.receivers import Receiver, Reply, serving, throttled

QUICK = Limits(rate=50.0, burst=5, backoff=Backoff(base=0.05, cap=0.2))


async def test_throttled_slack_gets_each_message_exactly_once() -> None:
    """Two answers of 429 and an error: the opening and the end arrive once each, in this order."""
    outbox = MemoryOutbox()
    async with serving(Receiver()) as slack, aiohttp.ClientSession() as session:
        slack.will(throttled(1), throttled(1), Reply(503))
        dispatch = Dispatch(
            outbox,
            [Slack("oncall", Secret(slack.url), session)],
            metrics=Metrics(CollectorRegistry()),
            health=RecordedHealth(),
            limits={"oncall": QUICK},
            draw=random.Random(1),
        )
        running = asyncio.create_task(dispatch.run())
        outbox.put(notification(1, alert(), group="g"))
        dispatch.wake()
        assert await dispatch.flush(asyncio.get_running_loop().time() + 10)
        outbox.put(notification(2, resolved(), group="g"))
        dispatch.wake()
        assert await dispatch.flush(asyncio.get_running_loop().time() + 5)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert [request.status for request in slack.requests] == [429, 429, 503, 200, 200]
    assert [request.json["text"].split("]")[0] for request in slack.taken] == ["[CRITICAL", "[RESOLVED"]
    assert outbox.taken == [1, 2]
