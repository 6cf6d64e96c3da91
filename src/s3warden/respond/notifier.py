"""The contract of a destination: takes notifications, says what became of them.

A notifier keeps no queue, does no retry and writes no log: the dispatch does. It never raises for what the other side
answers, and no address or secret of it leaves through a `Delivery`.
"""

from collections.abc import Sequence
from typing import Protocol

from s3warden.model.alert import Delivery, Notification


class Notifier(Protocol):
    """One destination.

    `batch` is how many notifications one message can hold; where it is 1, `parallel` is how many messages may be
    under way at once.
    """

    @property
    def name(self) -> str:
        """The destination's name in the settings; a metric label."""

    @property
    def batch(self) -> int:
        """How many notifications `send` takes at most."""

    @property
    def parallel(self) -> int:
        """How many calls of `send` may be under way at once; 1 where `batch` is greater than 1."""

    async def send(self, notifications: Sequence[Notification]) -> Delivery:
        """Send all of them as one message: all are delivered, or none."""
