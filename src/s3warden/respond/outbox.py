"""What delivery needs of the store and of health: the two contracts that the dispatch is handed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from s3warden.model.alert import Notification


class Entry(Protocol):
    """One message waiting in the outbox."""

    @property
    def id(self) -> int:
        """Rises in the order in which messages were written."""

    @property
    def notification(self) -> Notification:
        """The message."""

    @property
    def attempts(self) -> int:
        """How often it was postponed so far."""

    @property
    def enqueued_at(self) -> datetime:
        """When it was committed."""


class Outbox(Protocol):
    """The part of the store that delivery works on."""

    async def due(self, destination: str, now: datetime, limit: int) -> Sequence[Entry]:
        """What may go to a destination at `now`, the most urgent first, each group in order.

        A message behind one of its group that must wait still is not among them.
        """

    async def next_due(self, destination: str) -> datetime | None:
        """When the next message for a destination may go; None if none waits."""

    async def delivered(self, ids: Sequence[int], at: datetime) -> None:
        """These were taken."""

    async def postpone(self, ids: Sequence[int], until: datetime, reason: str) -> None:
        """These were not taken; the next try is at `until`."""

    async def refuse(self, ids: Sequence[int], reason: str, at: datetime) -> None:
        """These will never be taken."""

    async def pending(self) -> Mapping[str, int]:
        """How many messages wait, by destination."""


class Health(Protocol):
    """The part of health that delivery reports to."""

    def expect(self, name: str, within: float) -> None:
        """The loop `name` is to beat at least every `within` seconds."""

    def beat(self, name: str) -> None:
        """The loop `name` is alive."""

    def forget(self, name: str) -> None:
        """The loop or condition `name` is no longer."""

    def set_ready(self, condition: str, ok: bool, detail: str = "") -> None:
        """Whether `condition` holds."""
