"""The answers to a queue: deletes and give-backs, gathered into batches and tried again when they fail.

Takes receipts with what to do, hands them to SQS ten at a time. A delete that fails for good is counted and dropped:
the message comes back and is handled again, which is harmless. It never decides what becomes of a message.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from s3warden.aws.errors import AwsError
from s3warden.aws.sqs import BATCH, QueueAddress
from s3warden.telemetry.metrics import Metrics

log = structlog.get_logger(__name__)

_ATTEMPTS = 5
_AT_ONCE = 4
# Long enough to fill a batch in a storm, short beside the read that came before.
_LINGER = 0.02
_PAUSE = 1.0


class Answers(Protocol):
    """What is needed of `aws.sqs.Sqs`."""

    async def delete(self, queue: QueueAddress, receipts: Sequence[str]) -> list[str]:
        """Delete messages; the receipts refused."""

    async def extend(self, queue: QueueAddress, receipts: Sequence[str], seconds: int) -> list[str]:
        """Hide messages for `seconds` from now; the receipts refused."""


@dataclass(frozen=True, slots=True)
class _Answer:
    receipt: str
    hide: int | None
    attempt: int = 1


class Acks:
    """Sends answers while `run` runs, or when flushed."""

    def __init__(
        self, queue: QueueAddress, api: Answers, *, metrics: Metrics, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._queue = queue
        self._api = api
        self._metrics = metrics
        self._clock = clock
        self._waiting: dict[int | None, list[_Answer]] = {}
        self._wake = asyncio.Event()
        self._sending = asyncio.Lock()

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def delete(self, receipts: Iterable[str]) -> None:
        """The messages are done with."""
        self._add(_Answer(receipt, None) for receipt in receipts)

    def give_back(self, receipts: Iterable[str], seconds: int) -> None:
        """The messages are to come again in `seconds`."""
        self._add(_Answer(receipt, seconds) for receipt in receipts)

    async def run(self) -> None:
        """Send what comes until cancelled."""
        while True:
            await self._wake.wait()
            await asyncio.sleep(_LINGER)
            if not await self._send_waiting():
                await asyncio.sleep(_PAUSE)

    async def flush(self, deadline: float) -> None:
        """Send all that waits, until `deadline` of the clock."""
        try:
            async with asyncio.timeout(max(deadline - self._clock(), 0)):
                # Asked even when nothing waits: it also waits for a batch that is under way.
                taken = await self._send_waiting()
                while self._waiting:
                    if not taken:
                        await asyncio.sleep(_PAUSE)
                    taken = await self._send_waiting()
        except TimeoutError:
            log.warning("answers_lost", queue=self._queue.label, answers=len(self))

    def _add(self, answers: Iterable[_Answer]) -> None:
        for answer in answers:
            self._waiting.setdefault(answer.hide, []).append(answer)
            self._wake.set()

    async def _send_waiting(self) -> bool:
        """Send everything that waits now; whether the queue took all of it."""
        async with self._sending:
            waiting, self._waiting = self._waiting, {}
            self._wake.clear()
            batches = [answers[at : at + BATCH] for answers in waiting.values() for at in range(0, len(answers), BATCH)]
            taken = True
            for at in range(0, len(batches), _AT_ONCE):
                taken &= all(await asyncio.gather(*map(self._send, batches[at : at + _AT_ONCE])))
            return taken

    async def _send(self, batch: list[_Answer]) -> bool:
        receipts = [answer.receipt for answer in batch]
        hide = batch[0].hide
        try:
            if hide is None:
                refused = set(await self._api.delete(self._queue, receipts))
            else:
                refused = set(await self._api.extend(self._queue, receipts, hide))
        except AwsError as error:
            self._metrics.queue_errors.labels(self._queue.label, error.cause.value).inc()
            log.warning("answers_failed", queue=self._queue.label, code=error.code, error=error.message)
            refused = set(receipts)
        if hide is None:
            self._metrics.messages_deleted.labels(self._queue.label).inc(len(batch) - len(refused))
            self._metrics.messages_delete_failed.labels(self._queue.label).inc(len(refused))
        self._add(
            _Answer(answer.receipt, answer.hide, answer.attempt + 1)
            for answer in batch
            if answer.receipt in refused and answer.attempt < _ATTEMPTS
        )
        return not refused
