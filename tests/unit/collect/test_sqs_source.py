"""The SQS source on virtual time, against a queue in memory: every outcome, every failure, the end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from s3warden.aws.errors import AwsError
from s3warden.aws.sqs import QueueAddress
from s3warden.collect.sources.sqs import SqsLimits, SqsSource
from s3warden.model.bucket import Cause
from s3warden.model.event import Done, Outcome, Poison, Retry, Skipped
from s3warden.telemetry.metrics import Metrics
from support import virtual
from support.queue import FakePulse, FakeQueue

ADDRESS = QueueAddress.parse("https://sqs.eu-west-1.example.com/111111111111/events")
LABEL = "eu-west-1:111111111111:events"
AT = datetime(2026, 1, 1, 0, 0, 7, tzinfo=UTC)
DENIED = AwsError("AccessDenied", "no", cause=Cause.DENIED, status=403)


@dataclass
class Path:
    """Stands for the pipeline: records the bodies it was given; `answer` tells the outcome."""

    answer: Callable[[str], Awaitable[Outcome | Poison]]
    handled: list[tuple[float, str]] = field(default_factory=list)
    running: int = 0
    most: int = 0

    async def __call__(self, body: str) -> Outcome | Poison:
        self.handled.append((virtual.now(), body))
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            return await self.answer(body)
        finally:
            self.running -= 1

    @property
    def bodies(self) -> list[str]:
        """The bodies, in order."""
        return [body for _, body in self.handled]


def always(outcome: Outcome | Poison, seconds: float = 0.0) -> Path:
    """A path with one answer."""

    async def answer(_: str) -> Outcome | Poison:
        await asyncio.sleep(seconds)
        return outcome

    return Path(answer)


@dataclass
class Bench:
    """One source at work with everything around it."""

    queue: FakeQueue
    path: Path
    source: SqsSource
    metrics: Metrics
    health: FakePulse
    task: "asyncio.Task[None]"

    def count(self, name: str, **labels: str) -> float | None:
        """One sample of the registry."""
        return self.metrics.registry.get_sample_value(f"s3warden_{name}", {"queue": LABEL, **labels})


@asynccontextmanager
async def at_work(queue: FakeQueue, path: Path, limits: SqsLimits | None = None) -> AsyncIterator[Bench]:
    """A running source; cancelled at the end of the block."""
    metrics, health = Metrics(CollectorRegistry()), FakePulse()
    source = SqsSource(
        ADDRESS,
        queue,
        path,
        limits=limits or SqsLimits(),
        metrics=metrics,
        health=health,
        clock=virtual.now,
        now=lambda: AT,
    )
    task = asyncio.create_task(source.run())
    try:
        yield Bench(queue, path, source, metrics, health, task)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def on_virtual_time(test: Callable[[], Coroutine[None, None, None]]) -> Callable[[], None]:
    """Run a test on a loop of its own whose time jumps."""

    def run() -> None:
        virtual.run(test())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


@on_virtual_time
async def test_done_and_skipped_are_deleted_in_batches() -> None:
    """What is dealt with leaves the queue, ten to a call."""
    queue = FakeQueue()
    queue.send(*[f"m{n}" for n in range(20)])
    async with at_work(queue, always(Done())) as bench:
        await asyncio.sleep(2)
        queue.send("skip")
        bench.path.answer = always(Skipped("read_only")).answer
        await asyncio.sleep(2)
        assert queue.left == []
        assert max(map(len, queue.deleted)) == 10
        assert len(queue.deleted) <= 4
        assert bench.count("messages_received_total") == 21
        assert bench.count("messages_deleted_total") == 21
        assert bench.count("queue_up") == 1
        assert bench.count("queue_last_message_timestamp_seconds") == AT.timestamp()
        assert bench.health.conditions == {f"queue:{LABEL}": (True, "")}
        lag = bench.metrics.registry.get_sample_value("s3warden_event_lag_seconds_sum", {"stage": "queue"})
        assert lag == 21 * 7


@on_virtual_time
async def test_a_message_is_deleted_only_after_its_work() -> None:
    """While the work runs, the message is on the queue."""
    queue = FakeQueue()
    queue.send("m")
    async with at_work(queue, always(Done(), seconds=30)):
        await asyncio.sleep(29)
        assert (queue.left, queue.deleted) == (["m"], [])
        await asyncio.sleep(3)
        assert queue.left == []


@on_virtual_time
async def test_retry_comes_back_later_and_later() -> None:
    """A message to be retried is hidden for a time that doubles with each receive, up to the longest."""
    queue = FakeQueue()
    queue.send("m")
    limits = SqsLimits(retry_first=10, retry_longest=35)
    async with at_work(queue, always(Retry("store")), limits) as bench:
        await asyncio.sleep(200)
        at = [moment for moment, _ in bench.path.handled]
        gaps = [round(later - earlier) for earlier, later in pairwise(at)]
        assert gaps[:5] == [10, 20, 35, 35, 35]
        assert queue.left == ["m"]
        assert bench.count("messages_returned_total", reason="store") == len(at)
        assert bench.count("messages_redelivered_total") == len(at) - 1


@on_virtual_time
async def test_a_crash_is_a_retry() -> None:
    """A handler that raises loses nothing and stops nothing."""
    queue = FakeQueue()
    queue.send("bad", "good")

    async def answer(body: str) -> Outcome:
        if body == "bad":
            raise RuntimeError("boom")
        return Done()

    async with at_work(queue, Path(answer)) as bench:
        with capture_logs() as logs:
            await asyncio.sleep(5)
        assert queue.left == ["bad"]
        assert "message_crashed" in [line["event"] for line in logs]
        assert bench.count("messages_returned_total", reason="crashed") == 1


@on_virtual_time
async def test_poison_is_left_to_the_redrive_policy() -> None:
    """Poison is counted, logged with a hash and its start, and comes back when its visibility ends, not otherwise."""
    queue = FakeQueue()
    queue.send("{\x1b[31m" + "x" * 500)
    async with at_work(queue, always(Poison("not_json", "at 0")), SqsLimits(visibility=60)) as bench:
        with capture_logs() as logs:
            await asyncio.sleep(50)
            assert len(bench.path.handled) == 1
            await asyncio.sleep(20)
        assert len(bench.path.handled) == 2
        assert (queue.deleted, queue.extended) == ([], [])
        assert bench.count("messages_poison_total", reason="not_json") == 2
        [line, _] = [line for line in logs if line["event"] == "message_poison"]
        assert (line["start"], len(line["sha256"])) == ("{[31m" + "x" * 194, 16)


@on_virtual_time
async def test_poison_on_a_queue_without_redrive_comes_back_less_and_less_often() -> None:
    """A queue that never lets go of a message is warned about once, and its poison is slowed down."""
    queue = FakeQueue(redrive=False)
    with capture_logs() as logs:
        async with at_work(queue, always(Poison("not_json")), SqsLimits(retry_first=100)) as bench:
            await asyncio.sleep(1)
            queue.send("poison")
            await asyncio.sleep(5)
            assert bench.count("queue_redrive_policy") == 0
            assert 90 < queue.hidden_for("poison") <= 100
    assert [line["event"] for line in logs].count("queue_without_redrive_policy") == 1


@on_virtual_time
async def test_the_heartbeat_keeps_long_work_hidden() -> None:
    """Work that outlasts the visibility many times is given to nobody else meanwhile."""
    queue = FakeQueue()
    queue.send(*[f"m{n}" for n in range(15)])
    async with at_work(queue, always(Done(), seconds=300), SqsLimits(visibility=20)) as bench:
        await asyncio.sleep(310)
        assert len(bench.path.handled) == 15
        assert queue.left == []
        assert {seconds for _, _, seconds in queue.extended} == {20}


@on_virtual_time
async def test_a_heartbeat_may_fail_twice() -> None:
    """Two failing heartbeats in a row do not make a message come twice."""
    queue = FakeQueue()
    queue.send("m")
    async with at_work(queue, always(Done(), seconds=300), SqsLimits(visibility=20, wait=1)) as bench:
        await asyncio.sleep(8)
        queue.down = DENIED
        await asyncio.sleep(8)
        queue.down = None
        await asyncio.sleep(20)
        assert bench.path.bodies == ["m"]
        assert (bench.count("queue_errors_total", reason="denied") or 0) >= 2


@on_virtual_time
async def test_the_heartbeat_ends_at_twelve_hours() -> None:
    """SQS hides no message for longer than twelve hours, so nothing is asked for beyond."""
    queue = FakeQueue()
    queue.send("m")
    async with at_work(queue, always(Done(), seconds=50_000), SqsLimits(visibility=3600, wait=20)):
        begin = virtual.now()
        await asyncio.sleep(43_100)
        last, _, seconds = queue.extended[-1]
        assert last + seconds - begin <= 43_200
        assert last + seconds - begin > 43_000


@on_virtual_time
async def test_a_duplicate_in_a_batch_is_handled_once() -> None:
    """One message twice in one answer is one piece of work, and its receipt is sent once."""
    queue = FakeQueue(twice=True)
    queue.send("a", "b")
    async with at_work(queue, always(Done(), seconds=1)) as bench:
        await asyncio.sleep(3)
        assert bench.path.bodies == ["a", "b"]
        assert queue.deleted == [["a#1", "b#1"]]


@on_virtual_time
async def test_every_receipt_of_a_message_is_deleted() -> None:
    """A message that came again while its work ran is handled once and deleted by both receipts."""
    queue = FakeQueue()
    queue.send("m")
    async with at_work(queue, always(Done(), seconds=30)) as bench:
        await asyncio.sleep(1)
        queue.show("m")
        await asyncio.sleep(35)
        assert bench.path.bodies == ["m"]
        assert queue.deleted == [["m#1", "m#2"]]
        assert bench.source._free == SqsLimits().in_flight - 2 * 10


@on_virtual_time
async def test_intake_is_bounded() -> None:
    """With all places taken nothing more is received, and the loop still shows that it lives."""
    queue = FakeQueue()
    queue.send(*[f"m{n}" for n in range(100)])
    async with at_work(queue, always(Done(), seconds=100), SqsLimits(in_flight=25, receivers=3)) as bench:
        await asyncio.sleep(90)
        assert len(bench.path.handled) == 25
        assert bench.path.most == 25
        assert min(bench.health.beats.values()) > 10
        await asyncio.sleep(320)
        assert len(set(bench.path.bodies)) == 100
        assert bench.path.most == 25


@on_virtual_time
async def test_answers_that_cannot_be_sent_stop_the_intake() -> None:
    """While the queue takes no deletes, no more is received than answers can wait."""
    queue = FakeQueue(refuse_deletes=100_000)
    queue.send(*[f"m{n}" for n in range(1000)])
    async with at_work(queue, always(Done()), SqsLimits(in_flight=20)) as bench:
        await asyncio.sleep(3)
        assert 20 <= len(bench.path.handled) <= 200


@on_virtual_time
async def test_a_refused_delete_is_tried_again() -> None:
    """A receipt that the queue refuses is counted and sent again; the others are not."""
    queue = FakeQueue(refuse_deletes=1)
    queue.send("a", "b", "c")
    async with at_work(queue, always(Done())) as bench:
        await asyncio.sleep(5)
        assert queue.left == []
        assert queue.deleted == [["a#1", "b#1", "c#1"], ["a#1"]]
        assert bench.count("messages_delete_failed_total") == 1


@on_virtual_time
async def test_a_delete_that_never_works_is_given_up() -> None:
    """After five tries a receipt is dropped: the message will come back by itself."""
    queue = FakeQueue(refuse_deletes=1000)
    queue.send("a")
    async with at_work(queue, always(Done())) as bench:
        await asyncio.sleep(30)
        assert bench.count("messages_delete_failed_total") == 5
        assert bench.count("messages_deleted_total") == 0


@pytest.mark.parametrize(
    "error",
    [
        DENIED,
        AwsError("AWS.SimpleQueueService.NonExistentQueue", "gone", status=400),
        AwsError("OverLimit", "too many in flight", status=403),
        AwsError("ConnectTimeoutError", "no answer", cause=Cause.UNREACHABLE),
    ],
)
def test_a_queue_that_does_not_answer_is_asked_again(error: AwsError) -> None:
    """Missing, denied or unreachable at the start and again later: shown, retried with back-off, and recovered from."""

    async def main() -> None:
        queue = FakeQueue(down=error)
        async with at_work(queue, always(Done()), SqsLimits(receivers=1)) as bench:
            for _ in range(2):
                queue.down, before = error, len(queue.receives)
                await asyncio.sleep(120)
                assert bench.count("queue_up") == 0
                assert bench.health.conditions[f"queue:{LABEL}"] == (False, f"{error.code}: {error.message}")
                assert 5 <= len(queue.receives) - before <= 9
                queue.down = None
                queue.send("m")
                await asyncio.sleep(40)
                assert bench.count("queue_up") == 1
                assert queue.left == []
            assert not bench.task.done()

    virtual.run(main())


@on_virtual_time
async def test_a_silent_queue_is_known_to_answer_at_once() -> None:
    """Whether the queue answers is told after the first call, not after a long poll; then polls are long."""
    queue = FakeQueue()
    async with at_work(queue, always(Done()), SqsLimits(receivers=1, wait=10)) as bench:
        await asyncio.sleep(1)
        assert bench.health.conditions == {f"queue:{LABEL}": (True, "")}
        await asyncio.sleep(60)
        assert len(queue.receives) <= 8


@on_virtual_time
async def test_a_drain_finishes_what_is_in_hand() -> None:
    """Work under way is finished and deleted, polls end by themselves, and run ends."""
    queue = FakeQueue()
    queue.send("m")
    async with at_work(queue, always(Done(), seconds=5), SqsLimits(wait=10)) as bench:
        await asyncio.sleep(1)
        await bench.source.drain(virtual.now() + 25)
        assert queue.left == []
        await bench.task
        assert bench.health.expected == {}


@on_virtual_time
async def test_a_drain_gives_back_what_does_not_end() -> None:
    """At the deadline, work that has not ended is given back, to be received by others at once."""
    queue = FakeQueue()
    queue.send("slow")
    async with at_work(queue, always(Done(), seconds=1000)) as bench:
        await asyncio.sleep(1)
        begin = virtual.now()
        await bench.source.drain(begin + 25)
        assert virtual.now() - begin <= 25
        assert queue.left == ["slow"]
        assert queue.hidden_for("slow") <= 0
        assert bench.count("messages_returned_total", reason="draining") == 1


@on_virtual_time
async def test_what_a_last_poll_brings_is_given_back() -> None:
    """A message that arrives in a poll under way at the stop is not lost: it is given back at once."""
    queue = FakeQueue()
    async with at_work(queue, always(Done())) as bench:
        await asyncio.sleep(1)
        bench.source.stop_intake()
        queue.send("late")
        await bench.source.drain(virtual.now() + 25)
        assert (bench.path.bodies, queue.left) == ([], ["late"])
        assert queue.hidden_for("late") <= 0


@on_virtual_time
async def test_a_refresh_given_up_in_the_drain_is_given_back_at_once() -> None:
    """Retry(draining) is nobody's fault, so the message does not wait."""
    queue = FakeQueue()
    queue.send("m")
    ended = asyncio.Event()

    async def answer(_: str) -> Outcome:
        await ended.wait()
        return Retry("draining")

    async with at_work(queue, Path(answer)) as bench:
        await asyncio.sleep(1)
        bench.source.stop_intake()
        ended.set()
        await bench.source.drain(virtual.now() + 25)
        assert queue.hidden_for("m") <= 0


@on_virtual_time
async def test_a_queue_that_is_asked_no_more_speaks_for_none() -> None:
    """After a reload with other queues neither its readiness nor its receivers are counted, however they ended."""
    async with at_work(FakeQueue(), always(Done())) as bench:
        await asyncio.sleep(1)
        assert set(bench.health.conditions) == {f"queue:{LABEL}"}
        assert bench.health.expected
    assert (bench.health.conditions, bench.health.expected) == ({}, {})


@on_virtual_time
async def test_receivers_cut_short_by_a_drain_are_not_missed() -> None:
    """A long poll may last longer than the drain."""
    async with at_work(FakeQueue(), always(Done()), SqsLimits(wait=20)) as bench:
        await asyncio.sleep(1)
        await bench.source.drain(virtual.now() + 5)
        await bench.task
        assert (bench.health.conditions, bench.health.expected) == ({}, {})
