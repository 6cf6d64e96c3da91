"""Delivery on a virtual clock: hours of outage in milliseconds."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from s3warden.model.alert import Delivered, Delivery, Notice, Notification, Postponed, Refused
from s3warden.respond.dispatch import Dispatch
from s3warden.respond.pace import Backoff
from s3warden.respond.worker import Limits
from s3warden.telemetry.metrics import Metrics
from support import virtual
from support.alerts import NIGHT, alert, digest_notification, notification
from support.outbox import MemoryOutbox, RecordedHealth

FAST = Limits(rate=1000.0, burst=1000, backoff=Backoff(base=1.0, cap=60.0))


def clock() -> datetime:
    """The virtual clock as a time of day."""
    return NIGHT + timedelta(seconds=virtual.now())


@dataclass
class Recorder:
    """A destination that answers what `answers` says for a message, and records when it was asked."""

    name: str = "oncall"
    batch: int = 1
    parallel: int = 1
    answers: Callable[[Sequence[Notification]], Delivery | Exception | Awaitable[Delivery]] = lambda _: Delivered()
    calls: list[tuple[float, tuple[str, ...]]] = field(default_factory=list)

    async def send(self, notifications: Sequence[Notification]) -> Delivery:
        self.calls.append((virtual.now(), tuple(n.dedup_key for n in notifications)))
        answer = self.answers(notifications)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Delivered | Postponed | Refused) else await answer

    @property
    def times(self) -> list[float]:
        """Seconds since the first call."""
        return [at - self.calls[0][0] for at, _ in self.calls]


class Scene:
    """A dispatch over a memory outbox."""

    def __init__(self, *notifiers: Recorder, limits: Limits = FAST) -> None:
        self.outbox = MemoryOutbox(clock)
        self.health = RecordedHealth()
        self.registry = CollectorRegistry()
        self.dispatch = Dispatch(
            self.outbox,
            notifiers,
            metrics=Metrics(self.registry),
            health=self.health,
            limits={notifier.name: limits for notifier in notifiers},
            clock=clock,
            draw=random.Random(1),
        )

    def commit(self, *notifications: Notification) -> list[int]:
        """What the pipeline does."""
        ids = self.outbox.put(*notifications)
        self.dispatch.wake()
        return ids

    def play(self, story: Callable[[], Awaitable[None]]) -> None:
        """Run the dispatch beside the story, and end it after."""

        async def main() -> None:
            running = asyncio.create_task(self.dispatch.run())
            try:
                await story()
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

        virtual.run(main())

    def metric(self, name: str, **labels: str) -> float | None:
        """The value of a metric."""
        return self.registry.get_sample_value(f"s3warden_{name}", labels)


def failing(times: int, answer: Delivery | Exception) -> Callable[[object], Delivery | Exception]:
    """Answer so many times with `answer`, then take everything."""
    left = iter([answer] * times)
    return lambda _: next(left, Delivered())


def test_commit_is_delivered_without_polling_delay() -> None:
    """The wake of a commit is enough; nothing waits for the next poll."""
    oncall = Recorder()
    scene = Scene(oncall)

    async def story() -> None:
        await asyncio.sleep(2.0)
        scene.commit(notification(1))
        await asyncio.sleep(0.01)
        assert scene.outbox.taken == [1]

    scene.play(story)


def test_missed_wake_costs_one_poll() -> None:
    """What another process put into the outbox is found within five seconds."""
    oncall = Recorder()
    scene = Scene(oncall)

    async def story() -> None:
        await asyncio.sleep(1.0)
        scene.outbox.put(notification(1))
        await asyncio.sleep(5.0)
        assert scene.outbox.taken == [1]

    scene.play(story)


def test_rate_limited_twice_ends_with_exactly_one_delivered() -> None:
    """Retry-After is honoured to the second, and the message is sent again, not dropped."""
    oncall = Recorder(answers=failing(2, Postponed("rate_limited", retry_after=30.0)))
    scene = Scene(oncall)

    async def story() -> None:
        scene.commit(notification(1))
        await asyncio.sleep(100)

    scene.play(story)
    assert oncall.times == pytest.approx([0.0, 30.0, 60.0], abs=0.1)
    assert scene.outbox.taken == [1]
    assert scene.metric("notifications_failed_total", destination="oncall", reason="rate_limited") == 2


def test_pause_asked_for_holds_for_every_message() -> None:
    """While the destination asks for a pause, a new alert does not go either."""
    oncall = Recorder(answers=failing(1, Postponed("rate_limited", retry_after=30.0)))
    scene = Scene(oncall)

    async def story() -> None:
        scene.commit(notification(1))
        await asyncio.sleep(1)
        scene.commit(notification(2))
        await asyncio.sleep(100)

    scene.play(story)
    assert [keys for _, keys in oncall.calls[1:]] == [(notification(1).dedup_key,), (notification(2).dedup_key,)]
    assert oncall.times[1] == pytest.approx(30.0, abs=0.1)


def test_outage_is_retried_ever_more_rarely_and_without_end() -> None:
    """A day of errors: no attempt is the last, and the waits grow to the cap."""
    oncall = Recorder(answers=failing(1000, Postponed("http_503")))
    scene = Scene(oncall)

    async def story() -> None:
        scene.commit(notification(1))
        await asyncio.sleep(86_400)

    scene.play(story)
    waits = [later - earlier for earlier, later in zip(oncall.times, oncall.times[1:], strict=False)]
    assert waits[0] <= 1.1
    assert min(waits[10:]) >= 30.0
    assert max(waits) <= 60.1
    assert scene.outbox.taken == [1]


def test_failing_group_does_not_delay_the_others() -> None:
    """One message that the receiver cannot stomach waits alone; what came later goes on time."""
    bad = notification(1)
    oncall = Recorder(answers=lambda told: Postponed("http_500") if bad in told else Delivered())
    scene = Scene(oncall)

    async def story() -> None:
        scene.commit(bad)
        await asyncio.sleep(300)
        scene.commit(notification(2))
        await asyncio.sleep(5)
        assert scene.outbox.taken == [2]

    scene.play(story)


def test_destination_that_is_down_is_probed_not_hammered() -> None:
    """An outage with a thousand messages waiting costs one try every five seconds; then all of them go."""
    hook = Recorder(parallel=8, answers=lambda _: Delivered() if virtual.now() > 2000 else Postponed("unreachable"))
    scene = Scene(hook)

    async def story() -> None:
        scene.commit(*(notification(n) for n in range(1000)))
        await asyncio.sleep(900)
        assert len(hook.calls) <= 900 / 5 + 20
        await asyncio.sleep(300)

    with capture_logs() as lines:
        scene.play(story)
    assert len(scene.outbox.taken) == 1000
    assert len([line for line in lines if line["event"] == "notification_postponed"]) < 12


def test_order_within_a_group_is_kept_over_retries() -> None:
    """The end is never told before the beginning, even if only the beginning failed."""
    first, second = notification(1, group="g"), notification(2, group="g")
    oncall = Recorder(parallel=8, answers=failing(3, Postponed("http_503")))
    scene = Scene(oncall)

    async def story() -> None:
        scene.commit(first)
        await asyncio.sleep(0.1)
        scene.commit(second, notification(3))
        await asyncio.sleep(60)

    scene.play(story)
    assert [id_ for id_ in scene.outbox.taken if id_ != 3] == [1, 2]


def test_group_held_with_a_long_tail_does_not_stop_the_others() -> None:
    """Fifty messages behind a failing one are skipped to find what may go."""
    oncall = Recorder(answers=lambda told: Postponed("http_500") if told[0].group_key == "g" else Delivered())
    scene = Scene(oncall)

    async def story() -> None:
        scene.commit(*(notification(n, group="g") for n in range(50)), notification(99))
        await asyncio.sleep(0.5)

    scene.play(story)
    assert scene.outbox.taken == [51]


def test_slow_destination_delays_nobody() -> None:
    """Each destination has its own worker; a hang ends in a timeout of its own."""

    async def hang() -> Delivery:
        await asyncio.sleep(1e6)
        return Delivered()

    slow, quick = Recorder("slow", answers=lambda _: hang()), Recorder("quick")
    scene = Scene(slow, quick)

    async def story() -> None:
        scene.commit(replace(notification(1), destination="slow"), replace(notification(2), destination="quick"))
        await asyncio.sleep(0.01)
        assert scene.outbox.taken == [2]
        await asyncio.sleep(31)
        assert scene.outbox.postponed[0] == ((1,), "timeout")

    scene.play(story)


def test_crash_of_a_notifier_is_postponed_not_fatal() -> None:
    """A bug in one notifier is counted and retried."""
    oncall = Recorder(answers=failing(1, ValueError("https://hooks.example/secret")))
    scene = Scene(oncall)

    async def story() -> None:
        scene.commit(notification(1))
        await asyncio.sleep(5)

    scene.play(story)
    assert scene.outbox.postponed == [((1,), "error")]
    assert scene.outbox.taken == [1]


def test_refusal_is_final_and_visible() -> None:
    """A dead hook is counted, shown in health, and not tried again; the next success clears it."""
    oncall = Recorder(answers=failing(1, Refused("no_service")))
    scene = Scene(oncall)

    async def story() -> None:
        scene.commit(notification(1))
        await asyncio.sleep(1)
        assert scene.health.conditions["destination:oncall"] == (False, "no_service")
        scene.commit(notification(2))
        await asyncio.sleep(1)

    scene.play(story)
    assert scene.outbox.refused == {1: "no_service"}
    assert scene.outbox.taken == [2]
    assert len(oncall.calls) == 2
    assert scene.metric("notifications_refused_total", destination="oncall", reason="no_service") == 1
    assert scene.health.past["destination:oncall"] == (True, "")
    assert scene.health.conditions == {}


def test_malformed_message_does_not_take_its_company_with_it() -> None:
    """A refused batch is sent again one by one: the good ones arrive, the bad one is given up."""
    bad = notification(2)
    oncall = Recorder(batch=60, answers=lambda told: Refused("invalid_blocks") if bad in told else Delivered())
    scene = Scene(oncall)

    async def story() -> None:
        scene.commit(notification(1), bad, notification(3))
        await asyncio.sleep(1)

    scene.play(story)
    assert scene.outbox.taken == [1, 3]
    assert scene.outbox.refused == {2: "invalid_blocks"}


def test_burst_becomes_few_messages_at_the_rate_allowed() -> None:
    """500 alerts at one message a second: batches, none lost, in order."""
    slack = Recorder(batch=60)
    scene = Scene(slack, limits=Limits(rate=1.0, burst=3))

    async def story() -> None:
        scene.commit(*(notification(n) for n in range(500)))
        await asyncio.sleep(30)

    scene.play(story)
    assert scene.outbox.taken == list(range(1, 501))
    assert len(slack.calls) == 9
    assert slack.times[-1] == pytest.approx(6.0, abs=0.1)


def test_digest_is_a_message_of_its_own() -> None:
    """A digest is not mixed with alerts, and keeps its place among them."""
    slack = Recorder(batch=60)
    scene = Scene(slack)

    async def story() -> None:
        scene.commit(notification(1), digest_notification(), notification(2), notification(3))
        await asyncio.sleep(1)

    scene.play(story)
    assert [len(keys) for _, keys in slack.calls] == [1, 1, 2]


def test_a_notice_is_a_message_of_its_own() -> None:
    """Mixed with alerts it would be left out of the message that tells them."""
    slack = Recorder(batch=60)
    scene = Scene(slack)
    notice = replace(notification(9), alerts=(), notice=Notice("exemption-ends", NIGHT, "it ends"))

    async def story() -> None:
        scene.commit(notification(1), notice, notification(2), notification(3))
        await asyncio.sleep(1)

    scene.play(story)
    assert [len(keys) for _, keys in slack.calls] == [1, 1, 2]


def test_many_messages_are_under_way_at_once_where_the_destination_allows() -> None:
    """Eight requests of 30 ms each run side by side."""

    async def slowly() -> Delivery:
        await asyncio.sleep(0.03)
        return Delivered()

    topic = Recorder(parallel=8, answers=lambda _: slowly())
    scene = Scene(topic)

    async def story() -> None:
        scene.commit(*(notification(n) for n in range(100)))
        await asyncio.sleep(0.03 * 13 + 0.01)

    scene.play(story)
    assert len(scene.outbox.taken) == 100


def test_store_that_fails_is_asked_again_and_nothing_is_sent_twice() -> None:
    """What was taken is noted as taken, however long the store is away."""
    oncall = Recorder()
    scene = Scene(oncall)

    async def outage(_: object) -> None:
        scene.outbox.broken = 5

    async def taken() -> Delivery:
        await outage(None)
        return Delivered()

    oncall.answers = lambda _: taken()

    async def story() -> None:
        scene.commit(notification(1))
        await asyncio.sleep(60)

    scene.play(story)
    assert len(oncall.calls) == 1
    assert scene.outbox.taken == [1]


def test_death_of_a_worker_ends_the_run() -> None:
    """A side task that dies is seen: it takes the whole dispatch with it."""
    scene = Scene(Recorder())
    scene.dispatch._workers[0]._retries = None  # type: ignore[assignment]

    async def main() -> None:
        with pytest.raises(ExceptionGroup):
            await scene.dispatch.run()

    virtual.run(main())


def test_flush_sends_what_waits_and_returns_at_once() -> None:
    """Shutdown waits for the outbox, not for the deadline."""
    oncall = Recorder(batch=10)
    scene = Scene(oncall, limits=Limits(rate=1.0, burst=1))

    async def story() -> None:
        scene.commit(*(notification(n) for n in range(30)))
        before = virtual.now()
        assert await scene.dispatch.flush(before + 25)
        assert len(scene.outbox.taken) == 30
        assert virtual.now() - before < 5

    scene.play(story)


def test_flush_does_not_wait_for_what_cannot_go_in_time() -> None:
    """A destination that asked for a minute is left for the next start."""
    oncall = Recorder(answers=failing(9, Postponed("rate_limited", retry_after=60.0)))
    scene = Scene(oncall)

    async def story() -> None:
        scene.commit(notification(1))
        await asyncio.sleep(1)
        before = virtual.now()
        assert await scene.dispatch.flush(before + 25)
        assert virtual.now() - before < 1
        assert scene.outbox.taken == []

    scene.play(story)


def test_flush_gives_up_at_the_deadline() -> None:
    """A destination that hangs does not keep the process alive."""

    async def hang() -> Delivery:
        await asyncio.sleep(1e6)
        return Delivered()

    scene = Scene(Recorder(answers=lambda _: hang()))

    async def story() -> None:
        scene.commit(notification(1))
        await asyncio.sleep(0.1)
        before = virtual.now()
        assert not await scene.dispatch.flush(before + 10)
        assert virtual.now() - before == pytest.approx(10)

    scene.play(story)


def test_figures_are_shown() -> None:
    """Attempts, delay, event lag and backlog are measured; the worker beats."""
    oncall = Recorder()
    scene = Scene(oncall)

    async def story() -> None:
        scene.commit(notification(1, alert()))
        await asyncio.sleep(2)

    scene.play(story)
    assert scene.metric("notifications_total", destination="oncall") == 1
    assert scene.metric("notification_delay_seconds_count", destination="oncall") == 1
    assert scene.metric("event_lag_seconds_count", stage="notify") == 1
    assert scene.metric("outbox_pending", destination="oncall") == 0
    assert "dispatch:oncall" in scene.health.beats


def test_worker_announces_itself_and_leaves_nothing_behind() -> None:
    """Liveness watches the worker while it runs; a new life of the daemon starts with a clean sheet."""
    scene = Scene(Recorder())

    async def story() -> None:
        await asyncio.sleep(0.1)
        assert scene.health.expected == {"dispatch:oncall": 60.0}
        assert scene.health.conditions["destination:oncall"][0]

    scene.play(story)
    assert scene.health.expected == {}
    assert scene.health.conditions == {}


ANSWERS = st.sampled_from(
    [
        Delivered(),
        Postponed("http_503"),
        Postponed("rate_limited", retry_after=7.0),
        Postponed("timeout"),
        ValueError("crash"),
    ]
)


@settings(max_examples=60)
@given(
    groups=st.lists(st.integers(0, 4), min_size=1, max_size=40),
    answers=st.lists(ANSWERS, max_size=60),
    gaps=st.lists(st.sampled_from([0.0, 0.001, 1.0, 20.0]), min_size=40, max_size=40),
    broken=st.lists(st.integers(0, 3), min_size=40, max_size=40),
    shape=st.sampled_from([(1, 1), (1, 8), (60, 1), (3, 1)]),
)
def test_everything_is_taken_once_and_in_order(
    groups: list[int],
    answers: list[Delivery | Exception],
    gaps: list[float],
    broken: list[int],
    shape: tuple[int, int],
) -> None:
    """Whatever the destination answers and however often the store fails: each message once, each group in order."""
    left = iter(answers)
    oncall = Recorder(batch=shape[0], parallel=shape[1], answers=lambda _: next(left, Delivered()))
    taken: list[str] = []
    send = oncall.send

    async def recorded(notifications: Sequence[Notification]) -> Delivery:
        delivery = await send(notifications)
        if isinstance(delivery, Delivered):
            taken.extend(notification.dedup_key for notification in notifications)
        return delivery

    oncall.send = recorded  # type: ignore[method-assign]
    scene = Scene(oncall)
    sent = [notification(number, group=f"g{group}") for number, group in enumerate(groups)]

    async def story() -> None:
        for one, gap, failures in zip(sent, gaps, broken, strict=False):
            scene.outbox.broken = failures
            scene.commit(one)
            await asyncio.sleep(gap)
        await asyncio.sleep(7200)

    scene.play(story)
    assert sorted(taken) == sorted(one.dedup_key for one in sent)
    for group in {one.group_key for one in sent}:
        expected = [one.dedup_key for one in sent if one.group_key == group]
        assert [key for key in taken if key in expected] == expected
    assert scene.outbox.entries == {}


def test_without_destinations_the_dispatch_still_runs() -> None:
    """A daemon that only stores and counts has nobody to tell; an end of its dispatch would end it."""

    async def scene() -> bool:
        running = asyncio.create_task(Scene().dispatch.run())
        done, _ = await asyncio.wait({running}, timeout=60)
        running.cancel()
        return not done

    assert virtual.run(scene())
