"""What is to be looked at and when: one entry a finding, one subject at a time. Pure: the moment is given.

A finding that is put in again takes its new time. Bounded: what finds no room is remembered as lost, so that whoever
feeds it does so again once there is room.
"""

import heapq
import itertools
from collections.abc import Collection
from dataclasses import dataclass, field

from s3warden.model.bucket import Subject


@dataclass(frozen=True, slots=True)
class Item:
    """A finding by its fingerprint, and what it is about. `due` is monotonic seconds."""

    fingerprint: str
    subject: Subject
    due: float


@dataclass(slots=True)
class Agenda:
    """At most `capacity` items."""

    capacity: int
    lost: bool = False
    _items: dict[str, Item] = field(default_factory=dict)
    _heap: list[tuple[float, int, str]] = field(default_factory=list)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, fingerprint: str) -> bool:
        return fingerprint in self._items

    def put(self, item: Item) -> None:
        """Look at it when it is due, whatever was planned for it before."""
        if item.fingerprint not in self._items and len(self._items) >= self.capacity:
            self.lost = True
            return
        self._items[item.fingerprint] = item
        heapq.heappush(self._heap, (item.due, next(self._numbers), item.fingerprint))

    def take(self, now: float, busy: Collection[str]) -> Item | None:
        """The next item that is due and whose subject is not `busy`, by its key; it is taken out."""
        later = []
        found = None
        while self._heap and self._heap[0][0] <= now:
            entry = heapq.heappop(self._heap)
            item = self._items.get(entry[2])
            if item is None or item.due != entry[0]:
                continue
            if item.subject.key in busy:
                later.append(entry)
                continue
            found = self._items.pop(item.fingerprint)
            break
        for entry in later:
            heapq.heappush(self._heap, entry)
        return found

    def next_due(self) -> float | None:
        """When something is due next, as far as is known; it may turn out to be nothing."""
        return self._heap[0][0] if self._heap else None
