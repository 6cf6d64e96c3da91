"""The store's outbox and health as delivery sees them, in memory, for tests of delivery."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count

from s3warden.model.alert import Notification


@dataclass(frozen=True)
class Waiting:
    """One entry of the outbox."""

    id: int
    notification: Notification
    attempts: int
    enqueued_at: datetime
    until: datetime


@dataclass
class MemoryOutbox:
    """Records what became of each message; the next `broken` calls fail. Unlike the store it ranks by age alone."""

    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    entries: dict[int, Waiting] = field(default_factory=dict)
    taken: list[int] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)
    postponed: list[tuple[tuple[int, ...], str]] = field(default_factory=list)
    broken: int = 0
    settled_at: dict[int, datetime] = field(default_factory=dict)
    _ids: Iterator[int] = field(default_factory=lambda: count(1))

    def put(self, *notifications: Notification) -> list[int]:
        """Commit these."""
        ids = [next(self._ids) for _ in notifications]
        self.entries |= {
            id_: Waiting(id_, n, 0, self.clock(), self.clock()) for id_, n in zip(ids, notifications, strict=True)
        }
        return ids

    def _fail(self) -> None:
        if self.broken:
            self.broken -= 1
            raise ConnectionError("the database is away")

    async def due(self, destination: str, now: datetime, limit: int) -> Sequence[Waiting]:
        self._fail()
        mine = [e for e in self.entries.values() if e.notification.destination == destination]
        found: list[Waiting] = []
        held: set[str] = set()
        for entry in sorted(mine, key=lambda e: e.id):
            if entry.until > now:
                held.add(entry.notification.group_key)
            elif entry.notification.group_key not in held:
                found.append(entry)
        return found[:limit]

    async def next_due(self, destination: str) -> datetime | None:
        mine = (e.until for e in self.entries.values() if e.notification.destination == destination)
        return min(mine, default=None)

    async def delivered(self, ids: Sequence[int], at: datetime) -> None:
        self._fail()
        self.taken += ids
        for id_ in ids:
            self.settled_at[id_] = at
            del self.entries[id_]

    async def postpone(self, ids: Sequence[int], until: datetime, reason: str) -> None:
        self._fail()
        self.postponed.append((tuple(ids), reason))
        for id_ in ids:
            entry = self.entries[id_]
            self.entries[id_] = replace(entry, attempts=entry.attempts + 1, until=until)

    async def refuse(self, ids: Sequence[int], reason: str, at: datetime) -> None:
        self._fail()
        for id_ in ids:
            self.refused[id_] = reason
            self.settled_at[id_] = at
            del self.entries[id_]

    async def pending(self) -> Mapping[str, int]:
        names = [e.notification.destination for e in self.entries.values()]
        return {name: names.count(name) for name in names}


@dataclass
class RecordedHealth:
    """What was reported to health; `past` keeps the conditions as they were when they were forgotten."""

    expected: dict[str, float] = field(default_factory=dict)
    beats: list[str] = field(default_factory=list)
    conditions: dict[str, tuple[bool, str]] = field(default_factory=dict)
    past: dict[str, tuple[bool, str]] = field(default_factory=dict)

    def expect(self, name: str, within: float) -> None:
        self.expected[name] = within

    def beat(self, name: str) -> None:
        self.beats.append(name)

    def forget(self, name: str) -> None:
        self.expected.pop(name, None)
        if name in self.conditions:
            self.past[name] = self.conditions.pop(name)

    def set_ready(self, condition: str, ok: bool, detail: str = "") -> None:
        self.conditions[condition] = (ok, detail)
