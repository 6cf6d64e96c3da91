"""One SQS queue: messages in, answers out.

Takes messages by long polls, hands each body to `handle`, and answers the queue by the outcome: done and skipped are
deleted, retry is hidden for a growing time, poison is left to the queue's own redrive policy. While a message is in
hand it stays hidden from others. It never parses a body, never deletes before the outcome, and never ends because of
a message or of a queue that does not answer.
"""

import asyncio
import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol

import structlog

from s3warden.aws.errors import AwsError
from s3warden.aws.sqs import BATCH, Message, QueueAddress, QueueAttributes
from s3warden.collect.acks import Acks, Answers
from s3warden.collect.leases import Extension, Leases
from s3warden.collect.source import Handle, Pulse
from s3warden.model.event import Outcome, Poison, Retry
from s3warden.telemetry.metrics import Metrics

log = structlog.get_logger(__name__)

# Kept at the end of a drain for giving back what did not end.
_GIVE_BACK_SECONDS = 2.0
_FULL_POLL = 5.0
_INSPECT_SECONDS = 3600.0
# A call may take the SDK's timeouts over all its tries; a loop that is silent for longer is stuck.
_CALL_SECONDS = 180.0


class QueueApi(Answers, Protocol):
    """What is needed of `aws.sqs.Sqs`."""

    async def receive(self, queue: QueueAddress, *, limit: int, wait: int, visibility: int) -> list[Message]:
        """Up to `limit` messages."""

    async def attributes(self, queue: QueueAddress) -> QueueAttributes:
        """The queue's settings."""


@dataclass(frozen=True, slots=True)
class SqsLimits:
    """How much at once and how patiently. Times in seconds.

    `receivers` poll side by side, each up to `wait`; at most `in_flight` messages are in hand. A message is hidden for
    `visibility`, extended while in hand. A retry comes back after `retry_first`, doubling with each receive up to
    `retry_longest`. A queue that does not answer is asked again after 1 s, doubling up to `error_longest`.
    """

    receivers: int = 2
    in_flight: int = 200
    wait: int = 10
    visibility: int = 60
    retry_first: int = 15
    retry_longest: int = 900
    error_longest: float = 30.0

    def retry_after(self, receive_count: int) -> int:
        """For how long a message stays hidden that was received `receive_count` times."""
        return min(self.retry_longest, self.retry_first << min(max(receive_count - 1, 0), 16))


class SqsSource:
    """The messages of `queue`. `clock` is monotonic seconds, `now` UTC."""

    def __init__(
        self,
        queue: QueueAddress,
        api: QueueApi,
        handle: Handle,
        *,
        limits: SqsLimits,
        metrics: Metrics,
        health: Pulse,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._queue = queue
        self._label = queue.label
        self._api = api
        self._handle = handle
        self._limits = limits
        self._metrics = metrics
        self._health = health
        self._clock = clock
        self._now = now
        self._leases = Leases(limits.visibility)
        self._acks = Acks(queue, api, metrics=metrics, clock=clock)
        self._free = limits.in_flight
        self._freed = asyncio.Event()
        self._stopping = asyncio.Event()
        self._closed = asyncio.Event()
        self._receivers: list[asyncio.Task[None]] = []
        self._work: set[asyncio.Task[Outcome | Poison]] = set()
        self._up: bool | None = None
        self._redrive: bool | None = None

    @property
    def name(self) -> str:
        """What names this source in logs."""
        return f"queue {self._label}"

    async def run(self) -> None:
        """Receive, hand on and answer until cancelled or drained."""
        self._health.set_ready(f"queue:{self._label}", ok=False, detail="not asked yet")
        try:
            async with asyncio.TaskGroup() as group:
                self._receivers = [
                    group.create_task(self._receive(f"{self.name} receiver {number}"))
                    for number in range(self._limits.receivers)
                ]
                others = [group.create_task(each()) for each in (self._acks.run, self._keep_hidden, self._inspect)]
                await self._closed.wait()
                for task in (*self._receivers, *others):
                    task.cancel()
        finally:
            await _cancel(self._work)
            # The next settings may have other queues: one that is asked no more must speak for none of them.
            self._health.forget(f"queue:{self._label}")

    def stop_intake(self) -> None:
        """Receive nothing new. Polls under way end by themselves: cutting one loses what SQS has sent into it."""
        self._stopping.set()
        self._freed.set()

    async def drain(self, deadline: float) -> None:
        """Finish what is in hand and give the rest back, until `deadline` of the clock; `run` then ends."""
        self.stop_intake()
        pending = {*self._receivers, *self._work}
        if pending:
            await asyncio.wait(pending, timeout=max(deadline - _GIVE_BACK_SECONDS - self._clock(), 0))
        await _cancel({*self._receivers, *self._work})
        await self._acks.flush(deadline)
        self._closed.set()

    async def _receive(self, pulse: str) -> None:
        self._health.expect(pulse, self._limits.wait + self._limits.error_longest + _CALL_SECONDS)
        try:
            await self._poll(pulse)
        finally:
            # However it ended: a receiver that is gone on purpose must not be missed.
            self._health.forget(pulse)

    async def _poll(self, pulse: str) -> None:
        failures = 0
        while not self._stopping.is_set():
            self._health.beat(pulse)
            room = await self._room()
            if room == 0:
                continue
            taken = 0
            try:
                # A silent queue answers only at the end of a poll: so as to know at once that it answers, ask briefly.
                wait = self._limits.wait if self._up else 0
                messages = await self._api.receive(
                    self._queue, limit=room, wait=wait, visibility=self._limits.visibility
                )
                taken = self._accept(messages)
            except AwsError as error:
                failures += 1
                self._is_down(error)
            else:
                failures = 0
                self._is_up()
            finally:
                self._release(room - taken)
            if failures:
                await self._pause(min(2.0 ** (failures - 1), self._limits.error_longest))

    async def _room(self) -> int:
        """Reserve places for a batch; 0 when there were none for a while. Half a batch is the least worth a call."""
        if not self._has_room():
            self._freed.clear()
            await _wait(self._freed, _FULL_POLL)
        if not self._has_room() or self._stopping.is_set():
            return 0
        room = min(BATCH, self._free)
        self._free -= room
        return room

    def _has_room(self) -> bool:
        # Answers that wait count too: a queue that takes no deletes must not fill the memory.
        least = min(BATCH // 2, self._limits.in_flight)
        return self._free >= least and len(self._acks) <= self._limits.in_flight

    def _release(self, places: int) -> None:
        self._free += places
        self._freed.set()

    async def _pause(self, seconds: float) -> None:
        await _wait(self._stopping, seconds)

    def _accept(self, messages: list[Message]) -> int:
        """Start work on the messages; how many are new in hand."""
        return sum(self._accept_one(message) for message in messages)

    def _accept_one(self, message: Message) -> bool:
        self._count(message)
        if self._stopping.is_set():
            self._give_back([message.receipt], 0, "draining")
            return False
        if not self._leases.take(message, self._clock()):
            return False
        task = asyncio.create_task(self._work_on(message), name=f"message {message.id}")
        self._work.add(task)
        # Not at the end of the coroutine: a task cancelled before its first step never gets there.
        task.add_done_callback(partial(self._finished, message))
        return True

    def _count(self, message: Message) -> None:
        received = self._now()
        self._metrics.messages_received.labels(self._label).inc()
        self._metrics.queue_last_message.labels(self._label).set(received.timestamp())
        if message.receive_count > 1:
            self._metrics.messages_redelivered.labels(self._label).inc()
        elif message.sent_at is not None:
            age = (received - message.sent_at).total_seconds()
            self._metrics.event_lag.labels("queue").observe(max(age, 0.0))

    async def _work_on(self, message: Message) -> Outcome | Poison:
        structlog.contextvars.bind_contextvars(queue=self._label, message_id=message.id)
        try:
            return await self._handle(message.body)
        except Exception:
            # Whatever one message provokes must not stop the others; it comes back, and at last the redrive takes it.
            log.exception("message_crashed")
            return Retry("crashed")

    def _finished(self, message: Message, task: asyncio.Task[Outcome | Poison]) -> None:
        self._work.discard(task)
        self._release(1)
        receipts = self._leases.release(message.id)
        stopping = self._stopping.is_set()
        outcome = Retry("draining" if stopping else "crashed") if task.cancelled() else task.result()
        if isinstance(outcome, Retry):
            # In a drain nothing is wrong with the message: whoever comes next may have it at once.
            at_once = stopping and outcome.reason == "draining"
            self._give_back(receipts, 0 if at_once else self._retry_after(message), outcome.reason)
        elif isinstance(outcome, Poison):
            self._refuse(message, receipts, outcome)
        else:
            self._acks.delete(receipts)

    def _give_back(self, receipts: list[str], seconds: int, reason: str) -> None:
        self._metrics.messages_returned.labels(self._label, reason).inc()
        self._acks.give_back(receipts, seconds)

    def _retry_after(self, message: Message) -> int:
        return self._limits.retry_after(message.receive_count)

    def _refuse(self, message: Message, receipts: list[str], poison: Poison) -> None:
        self._metrics.messages_poison.labels(self._label, poison.reason).inc()
        log.warning(
            "message_poison",
            queue=self._label,
            message_id=message.id,
            reason=poison.reason,
            detail=poison.detail,
            receives=message.receive_count,
            sha256=hashlib.sha256(message.body.encode(errors="surrogatepass")).hexdigest()[:16],
            start="".join(c for c in message.body[:200] if c.isprintable()),
        )
        if self._redrive is False:
            # Nothing ever takes it away, so at least it comes back less and less often until the queue forgets it.
            self._acks.give_back(receipts, self._retry_after(message))

    async def _keep_hidden(self) -> None:
        """The heartbeat: four times in each visibility period, so that two may fail before a message comes twice."""
        while True:
            await asyncio.sleep(self._limits.visibility / 4)
            extensions = self._leases.due(self._clock())
            for at in range(0, len(extensions), BATCH):
                await self._extend(extensions[at : at + BATCH])

    async def _extend(self, extensions: list[Extension]) -> None:
        by_seconds: dict[int, list[Extension]] = {}
        for extension in extensions:
            by_seconds.setdefault(extension.seconds, []).append(extension)
        for seconds, group in by_seconds.items():
            now = self._clock()
            try:
                refused = await self._api.extend(self._queue, [each.receipt for each in group], seconds)
            except AwsError as error:
                self._metrics.queue_errors.labels(self._label, error.cause.value).inc()
                log.warning("heartbeat_failed", queue=self._label, code=error.code, error=error.message)
                continue
            for extension in group:
                if extension.receipt not in refused:
                    self._leases.extended(extension, now)

    async def _inspect(self) -> None:
        """Look now and then whether bad messages can ever leave the queue."""
        while True:
            try:
                redrive = (await self._api.attributes(self._queue)).redrive
            except AwsError as error:
                log.info("queue_attributes_unreadable", queue=self._label, code=error.code, error=error.message)
                await asyncio.sleep(self._limits.error_longest)
                continue
            self._metrics.queue_redrive.labels(self._label).set(redrive)
            if not redrive and self._redrive is not False:
                log.warning("queue_without_redrive_policy", queue=self._label)
            self._redrive = redrive
            await asyncio.sleep(_INSPECT_SECONDS)

    def _is_up(self) -> None:
        if self._up is not True:
            log.info("queue_up", queue=self._label)
        self._up = True
        self._metrics.queue_up.labels(self._label).set(1)
        self._health.set_ready(f"queue:{self._label}", ok=True)

    def _is_down(self, error: AwsError) -> None:
        if self._up is not False:
            log.warning("queue_down", queue=self._label, code=error.code, error=error.message)
        self._up = False
        self._metrics.queue_errors.labels(self._label, error.cause.value).inc()
        self._metrics.queue_up.labels(self._label).set(0)
        self._health.set_ready(f"queue:{self._label}", ok=False, detail=f"{error.code}: {error.message}")


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


async def _cancel(tasks: Iterable[asyncio.Task[Any]]) -> None:
    ending = list(tasks)
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)
