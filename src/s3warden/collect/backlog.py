"""What waits for a refresh, and what goes next: the pure half of the refresh queue.

Takes requests with the moment they came; hands out tickets, at most one per subject at a time, the most important
origin first and the accounts within an origin in turn. It reads no clock and starts nothing.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from enum import Enum, auto
from heapq import heappop, heappush
from itertools import count
from typing import Generic, TypeVar

from s3warden.model.event import Origin, RefreshRequest

W = TypeVar("W")

PRIORITY = (Origin.EVENT, Origin.ACCOUNT, Origin.EXEMPTION, Origin.RECHECK, Origin.SWEEP)


class Place(Enum):
    """Where a ticket stands."""

    BLOCKED = auto()
    TIMED = auto()
    READY = auto()
    TAKEN = auto()


@dataclass(slots=True, eq=False)
class Ticket(Generic[W]):
    """One waiting look at one subject, and all who wait for it.

    `due` is when its quiet period ends. `settle_by` is the hard cap of the quiet period, counted from the first event.
    `timer` is the moment of its live entry among the timers.
    """

    request: RefreshRequest
    due: float
    place: Place = Place.BLOCKED
    settle_by: float | None = None
    timer: float | None = None
    waiters: list[W] = field(default_factory=list)


Lane = OrderedDict[str, "OrderedDict[str, Ticket[W]]"]


class Backlog(Generic[W]):
    """Waiting tickets by subject. `quiet` and `max_delay` are seconds; waiters are opaque."""

    def __init__(self, *, quiet: float, max_delay: float) -> None:
        self._quiet = quiet
        self._max_delay = max_delay
        self._waiting: dict[str, Ticket[W]] = {}
        self._running: set[str] = set()
        self._lanes: dict[Origin, Lane[W]] = {origin: OrderedDict() for origin in PRIORITY}
        self._timers: list[tuple[float, int, Ticket[W]]] = []
        self._order = count()
        self._bulk = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def bulk(self) -> int:
        """How many of the waiting tickets no event asks for."""
        return self._bulk

    def holds(self, request: RefreshRequest) -> bool:
        """Whether `request` would join a waiting ticket and so takes no room."""
        return request.subject.key in self._waiting

    def add(self, request: RefreshRequest, waiter: W, now: float) -> None:
        """Put `request` in, merged with what already waits for its subject."""
        key = request.subject.key
        ticket = self._waiting.get(key)
        if ticket is None:
            ticket = self._waiting[key] = Ticket(request, due=now)
        else:
            self._leave_lane(ticket)
            self._bulk -= is_bulk(ticket.request)
            ticket.request = ticket.request.merge(request)
        self._bulk += is_bulk(ticket.request)
        ticket.waiters.append(waiter)
        self._settle(ticket, request, now)
        if key not in self._running:
            self._place(ticket, now)

    def take(self, now: float) -> Ticket[W] | None:
        """The next ticket to run, or None. Its subject is held back until `finish`."""
        self._ripen(now)
        for lane in self._lanes.values():
            if lane:
                account, tickets = next(iter(lane.items()))
                key, ticket = tickets.popitem(last=False)
                # The account goes to the end of its lane: a noisy one waits for its turn like the others.
                lane.move_to_end(account)
                if not tickets:
                    del lane[account]
                return self._taken(key, ticket)
        return None

    def finish(self, key: str, now: float) -> None:
        """The run of `key` has ended: what came for it meanwhile may go."""
        self._running.discard(key)
        ticket = self._waiting.get(key)
        if ticket is not None:
            self._place(ticket, now)

    def next_due(self) -> float | None:
        """When the next quiet period may end; None if none is under way. It may be early, never late."""
        return self._timers[0][0] if self._timers else None

    def hurry(self, now: float) -> None:
        """End all quiet periods now and for good."""
        self._quiet = 0.0
        for key, ticket in self._waiting.items():
            ticket.due = min(ticket.due, now)
            if key not in self._running:
                self._leave_lane(ticket)
                self._place(ticket, now)

    def drop_sweeps(self) -> list[Ticket[W]]:
        """Give up what only a sweep asks for, and return it: the next start sweeps anyway."""
        left = [ticket for ticket in self._waiting.values() if ticket.request.origin is Origin.SWEEP]
        for ticket in left:
            self._leave_lane(ticket)
            # A timer that still holds it rings for nothing.
            ticket.place = Place.TAKEN
            del self._waiting[ticket.request.subject.key]
        self._bulk -= len(left)
        return left

    def clear(self) -> list[Ticket[W]]:
        """Give up all that waits and return it."""
        left = list(self._waiting.values())
        self._waiting.clear()
        self._timers.clear()
        for lane in self._lanes.values():
            lane.clear()
        self._bulk = 0
        return left

    def _settle(self, ticket: Ticket[W], request: RefreshRequest, now: float) -> None:
        if ticket.request.urgent:
            ticket.due = min(ticket.due, now)
        elif request.origin is Origin.EVENT:
            if ticket.settle_by is None:
                ticket.settle_by = now + self._max_delay
            ticket.due = min(ticket.settle_by, now + self._quiet)

    def _place(self, ticket: Ticket[W], now: float) -> None:
        if ticket.due <= now:
            self._make_ready(ticket)
        else:
            ticket.place = Place.TIMED
            self._arm(ticket)

    def _make_ready(self, ticket: Ticket[W]) -> None:
        ticket.place = Place.READY
        lane = self._lanes[ticket.request.origin]
        account = ticket.request.subject.account
        lane.setdefault(account, OrderedDict())[ticket.request.subject.key] = ticket

    def _leave_lane(self, ticket: Ticket[W]) -> None:
        if ticket.place is not Place.READY:
            return
        lane = self._lanes[ticket.request.origin]
        account = ticket.request.subject.account
        del lane[account][ticket.request.subject.key]
        if not lane[account]:
            del lane[account]
        ticket.place = Place.BLOCKED

    def _arm(self, ticket: Ticket[W]) -> None:
        # One live timer a ticket: one that rings too early is armed again then, so a storm does not pile timers up.
        if ticket.timer is None or ticket.timer > ticket.due:
            ticket.timer = ticket.due
            heappush(self._timers, (ticket.due, next(self._order), ticket))

    def _ripen(self, now: float) -> None:
        while self._timers and self._timers[0][0] <= now:
            rang, _, ticket = heappop(self._timers)
            if ticket.timer != rang:
                continue
            ticket.timer = None
            if ticket.place is Place.TIMED:
                self._place(ticket, now)

    def _taken(self, key: str, ticket: Ticket[W]) -> Ticket[W]:
        ticket.place = Place.TAKEN
        del self._waiting[key]
        self._bulk -= is_bulk(ticket.request)
        self._running.add(key)
        return ticket


def is_bulk(request: RefreshRequest) -> bool:
    """Whether no event asks for `request`: such work may fill only a part of the queue."""
    return request.origin is not Origin.EVENT
