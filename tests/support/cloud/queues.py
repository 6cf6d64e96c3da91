"""An SQS queue as the daemon can tell it apart from nothing: visibility, receipts, receive counts, redrive.

Thousands of messages cost no more per call than ten: those to be had are in order, those hidden in a heap.
"""

import asyncio
import heapq
import itertools
import time
from collections import deque
from dataclasses import dataclass, field

MAX_HIDDEN = 12 * 3600


@dataclass
class Stored:
    """A message that was sent. `receipt` is that of the latest delivery; `visible_at` is monotonic seconds."""

    id: str
    body: str
    sent_at: float
    receives: int = 0
    receipt: str = ""
    visible_at: float = 0.0


@dataclass
class Queue:
    """One queue. Messages received `max_receives` times go to `dead_letters` in place of another delivery."""

    name: str
    account: str
    region: str
    visibility: int = 30
    dead_letters: "Queue | None" = None
    max_receives: int = 3
    messages: dict[str, Stored] = field(default_factory=dict)
    sent: int = 0
    deleted: set[str] = field(default_factory=set)
    dead: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._ids = itertools.count(1)
        self._ready: deque[str] = deque()
        self._hidden: list[tuple[float, str]] = []
        self._changed = asyncio.Event()

    @property
    def arn(self) -> str:
        """The queue's ARN."""
        return f"arn:aws:sqs:{self.region}:{self.account}:{self.name}"

    @property
    def is_empty(self) -> bool:
        """Whether no message is left, hidden ones included."""
        return not self.messages

    def send(self, body: str) -> str:
        """Put a message in; its id."""
        stored = Stored(f"{self.name}-{next(self._ids)}", body, time.time())
        self.messages[stored.id] = stored
        self.sent += 1
        self._ready.append(stored.id)
        self._changed.set()
        return stored.id

    def hasten(self) -> None:
        """Let the visibility of all hidden messages run out, as if much time had passed."""
        for id_ in dict.fromkeys(id_ for _, id_ in self._hidden if self._is_hidden(id_)):
            self.messages[id_].visible_at = 0.0
            self._ready.append(id_)
        self._hidden.clear()
        self._changed.set()

    async def receive(self, limit: int, wait: float, visibility: int | None) -> list[Stored]:
        """Up to `limit` messages, waiting up to `wait` seconds for the first."""
        deadline = time.monotonic() + wait
        while True:
            self._uncover()
            taken = self._take(limit, self.visibility if visibility is None else visibility)
            left = deadline - time.monotonic()
            if taken or left <= 0:
                return taken
            self._changed.clear()
            until_next = self._hidden[0][0] - time.monotonic() if self._hidden else left
            try:
                async with asyncio.timeout(max(0.01, min(left, until_next))):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def delete(self, receipt: str) -> None:
        """Delete by receipt. As in SQS, an old receipt is no error and deletes nothing."""
        stored = self._of(receipt)
        if stored is not None and stored.receipt == receipt:
            del self.messages[stored.id]
            self.deleted.add(stored.id)

    def hide(self, receipt: str, seconds: int) -> bool:
        """Change the visibility of a message in flight; whether that was possible."""
        stored = self._of(receipt)
        if stored is None or stored.receipt != receipt or not self._is_hidden(stored.id):
            return False
        stored.visible_at = time.monotonic() + min(seconds, MAX_HIDDEN)
        heapq.heappush(self._hidden, (stored.visible_at, stored.id))
        self._changed.set()
        return True

    def _of(self, receipt: str) -> Stored | None:
        return self.messages.get(receipt.partition("#")[0])

    def _is_hidden(self, id_: str) -> bool:
        stored = self.messages.get(id_)
        return stored is not None and stored.visible_at > 0

    def _uncover(self) -> None:
        now = time.monotonic()
        while self._hidden and self._hidden[0][0] <= now:
            at, id_ = heapq.heappop(self._hidden)
            stored = self.messages.get(id_)
            # An entry whose time is not the message's own was replaced by a later one.
            if stored is not None and stored.visible_at == at:
                stored.visible_at = 0.0
                self._ready.append(id_)

    def _take(self, limit: int, visibility: int) -> list[Stored]:
        taken: list[Stored] = []
        while self._ready and len(taken) < limit:
            stored = self.messages.get(self._ready.popleft())
            if stored is None:
                continue
            if self.dead_letters is not None and stored.receives >= self.max_receives:
                del self.messages[stored.id]
                self.dead.add(stored.id)
                self.dead_letters.send(stored.body)
                continue
            stored.receives += 1
            stored.receipt = f"{stored.id}#{stored.receives}"
            stored.visible_at = time.monotonic() + visibility
            heapq.heappush(self._hidden, (stored.visible_at, stored.id))
            taken.append(stored)
        return taken
