"""From an outbox through the dispatch to receivers over real HTTP, with the outbox in memory and in a real store."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
from prometheus_client import CollectorRegistry

from s3warden.model.finding import Severity
from s3warden.model.secret import Secret
from s3warden.respond.dispatch import Dispatch
from s3warden.respond.notifier import Notifier
from s3warden.respond.notifiers.slack import Slack
from s3warden.respond.notifiers.webhook import Webhook
from s3warden.respond.pace import Backoff
from s3warden.respond.worker import Limits
from s3warden.store.store import Store
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


@asynccontextmanager
async def delivering(store: Store, notifier: Notifier) -> AsyncIterator[Dispatch]:
    """A dispatch that works the store's outbox until the end of the block."""
    dispatch = Dispatch(
        store,
        [notifier],
        metrics=Metrics(CollectorRegistry()),
        health=RecordedHealth(),
        limits={notifier.name: QUICK},
        draw=random.Random(1),
    )
    running = asyncio.create_task(dispatch.run())
    try:
        yield dispatch
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_store_outbox_is_emptied_with_each_group_in_order(tmp_path: Path) -> None:
    """Trouble on the way changes neither number nor order: what is stored arrives, and nothing waits at the end."""
    url = f"sqlite:///{tmp_path / 'store.db'}"
    sent = [replace(notification(n, group=f"g{n % 5}"), destination="hook") for n in range(40)]
    async with (
        await Store.open(url, metrics=Metrics(CollectorRegistry())) as store,
        serving(Receiver()) as hook,
        aiohttp.ClientSession() as session,
        delivering(store, Webhook("hook", Secret(hook.url), session)) as dispatch,
    ):
        hook.will(*[Reply(random.Random(n).choice([200, 200, 200, 503])) for n in range(40)])
        for one in sent:
            await store.commit((), [one])
            dispatch.wake()
        assert await dispatch.flush(asyncio.get_running_loop().time() + 20)
        assert await store.pending() == {}
    taken = [request.json["data"]["id"] for request in hook.taken]
    assert sorted(taken) == sorted(one.dedup_key for one in sent)
    for group in range(5):
        expected = [one.dedup_key for one in sent if one.group_key == f"g{group}"]
        assert [key for key in taken if key in expected] == expected


async def test_what_waits_survives_a_restart(tmp_path: Path) -> None:
    """A daemon that ends during an outage leaves its messages to the next one, the worst first."""
    url = f"sqlite:///{tmp_path / 'store.db'}"
    low = notification(1, alert(severity=Severity.LOW, live=False))
    metrics = Metrics(CollectorRegistry())
    async with serving(Receiver(otherwise=Reply(503))) as slack, aiohttp.ClientSession() as session:
        async with (
            await Store.open(url, metrics=metrics) as store,
            delivering(store, Slack("oncall", Secret(slack.url), session)) as dispatch,
        ):
            await store.commit((), [low, notification(2)])
            dispatch.wake()
            await dispatch.flush(asyncio.get_running_loop().time() + 0.3)
        assert not slack.taken
        slack.otherwise = Reply()
        async with (
            await Store.open(url, metrics=metrics) as store,
            delivering(store, Slack("oncall", Secret(slack.url), session)),
        ):
            (request,) = await slack.takes(1)
    assert len(slack.taken) == 1
    assert request.json["text"] == "s3warden: 1 critical, 1 low on bucket payroll-exports"
