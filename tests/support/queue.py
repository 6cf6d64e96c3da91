"""A queue in memory that behaves like SQS where it matters: visibility, receipts, receive counts, long polls."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from s3warden.aws.errors import AwsError
from s3warden.aws.sqs import Message, QueueAddress, QueueAttributes
from support import virtual


@dataclass
class Stored:
    """One message on the queue."""

    id: str
    body: str
    visible_at: float
    receives: int = 0
    receipt: str = ""


@dataclass
class FakeQueue:
    """Answers like `aws.sqs.Sqs` on virtual time, and records every call. `down` makes every call fail."""

    redrive: bool = True
    latency: float = 0.05
    down: AwsError | None = None
    refuse_deletes: int = 0
    twice: bool = False
    messages: dict[str, Stored] = field(default_factory=dict)
    deleted: list[list[str]] = field(default_factory=list)
    extended: list[tuple[float, list[str], int]] = field(default_factory=list)
    receives: list[int] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def send(self, *bodies: str) -> None:
        """Put messages on the queue; the body is the id."""
        for body in bodies:
            self.messages[body] = Stored(body, body, virtual.now())
        self._changed.set()

    def show(self, id_: str) -> None:
        """End the time for which a message is hidden."""
        self.messages[id_].visible_at = virtual.now()
        self._changed.set()

    @property
    def left(self) -> list[str]:
        """What is still on the queue."""
        return list(self.messages)

    def hidden_for(self, id_: str) -> float:
        """For how many more seconds a message is hidden."""
        return round(self.messages[id_].visible_at - virtual.now(), 1)

    async def receive(self, queue: QueueAddress, *, limit: int, wait: int, visibility: int) -> list[Message]:
        """Poll until something is visible or `wait` is over."""
        self.receives.append(limit)
        await self._answer(queue)
        until = virtual.now() + wait
        while not (ready := self._visible()) and virtual.now() < until:
            self._changed.clear()
            soonest = min([until, *(stored.visible_at for stored in self.messages.values())])
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(soonest):
                    await self._changed.wait()
        taken = [self._take(stored, visibility) for stored in ready[:limit]]
        return [message for message in taken for _ in range(1 + self.twice)]

    async def delete(self, queue: QueueAddress, receipts: Sequence[str]) -> list[str]:
        """Delete by receipt; the first `refuse_deletes` receipts are refused."""
        await self._answer(queue)
        assert len(receipts) <= 10
        assert len(set(receipts)) == len(receipts)
        self.deleted.append(list(receipts))
        refused = list(receipts)[: self.refuse_deletes]
        self.refuse_deletes -= len(refused)
        for receipt in receipts:
            if receipt not in refused:
                self.messages.pop(receipt.partition("#")[0], None)
        return refused

    async def extend(self, queue: QueueAddress, receipts: Sequence[str], seconds: int) -> list[str]:
        """Hide by receipt; an old receipt is refused."""
        await self._answer(queue)
        assert len(receipts) <= 10
        self.extended.append((virtual.now(), list(receipts), seconds))
        refused = []
        for receipt in receipts:
            stored = self.messages.get(receipt.partition("#")[0])
            if stored is None or stored.receipt != receipt:
                refused.append(receipt)
            else:
                stored.visible_at = virtual.now() + seconds
                self._changed.set()
        return refused

    async def attributes(self, queue: QueueAddress) -> QueueAttributes:
        """The settings."""
        await self._answer(queue)
        return QueueAttributes(visibility=30, redrive=self.redrive)

    async def _answer(self, queue: QueueAddress) -> None:
        self.asked.add(queue.url)
        await asyncio.sleep(self.latency)
        if self.down is not None:
            raise self.down

    def _visible(self) -> list[Stored]:
        return [stored for stored in self.messages.values() if stored.visible_at <= virtual.now()]

    def _take(self, stored: Stored, visibility: int) -> Message:
        stored.receives += 1
        stored.receipt = f"{stored.id}#{stored.receives}"
        stored.visible_at = virtual.now() + visibility
        return Message(stored.id, stored.receipt, stored.body, stored.receives, datetime(2026, 1, 1, tzinfo=UTC))


@dataclass
class FakePulse:
    """Records beats and conditions like `telemetry.health.Health`."""

    conditions: dict[str, tuple[bool, str]] = field(default_factory=dict)
    expected: dict[str, float] = field(default_factory=dict)
    beats: dict[str, int] = field(default_factory=dict)

    def expect(self, name: str, within: float) -> None:
        """A loop to watch."""
        self.expected[name] = within

    def beat(self, name: str) -> None:
        """A beat."""
        self.beats[name] = self.beats.get(name, 0) + 1

    def forget(self, name: str) -> None:
        """A loop no more to watch, or a condition no more to ask for."""
        self.expected.pop(name, None)
        self.conditions.pop(name, None)

    def set_ready(self, condition: str, ok: bool, detail: str = "") -> None:
        """A condition."""
        self.conditions[condition] = (ok, detail)
