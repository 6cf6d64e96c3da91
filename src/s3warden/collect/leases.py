"""Which messages are in hand, and until when the queue hides them from others: the pure half of the heartbeat.

Takes messages with the moment they were received, hands on the receipts that need more time. It calls nobody and
reads no clock.
"""

from dataclasses import dataclass

from s3warden.aws.sqs import MAX_VISIBILITY, Message

# SQS counts its twelve hours from its own receive, a little before ours.
_MARGIN = 60


@dataclass(slots=True)
class Lease:
    """One message in hand: every receipt it came with, when the last came and how long that one holds."""

    receipts: list[str]
    taken: float
    until: float


@dataclass(frozen=True, slots=True)
class Extension:
    """Ask the queue to hide `receipt` of message `id` for `seconds` from now."""

    id: str
    receipt: str
    seconds: int


class Leases:
    """Leases by message id; `visibility` is how many seconds each receive or extension lasts."""

    def __init__(self, visibility: int) -> None:
        self._visibility = visibility
        self._held: dict[str, Lease] = {}

    def __len__(self) -> int:
        return len(self._held)

    def take(self, message: Message, now: float) -> bool:
        """Note a received message; False if it is in hand already, and then its receipt is kept with the others."""
        lease = self._held.get(message.id)
        until = now + self._visibility
        if lease is None:
            self._held[message.id] = Lease([message.receipt], now, until)
            return True
        lease.receipts = [*(r for r in lease.receipts if r != message.receipt), message.receipt]
        lease.taken, lease.until = now, until
        return False

    def due(self, now: float) -> list[Extension]:
        """What has used a quarter of its time. Beyond the twelve hours of SQS there is nothing to ask for."""
        extensions = []
        for id_, lease in self._held.items():
            seconds = int(min(self._visibility, lease.taken + MAX_VISIBILITY - _MARGIN - now))
            if lease.until - now < self._visibility * 0.75 and now + seconds > lease.until:
                extensions.append(Extension(id_, lease.receipts[-1], seconds))
        return extensions

    def extended(self, extension: Extension, now: float) -> None:
        """The queue granted `extension`."""
        lease = self._held.get(extension.id)
        if lease is not None and lease.receipts[-1] == extension.receipt:
            lease.until = now + extension.seconds

    def release(self, message_id: str) -> list[str]:
        """The message is answered for: all receipts it came with."""
        return self._held.pop(message_id).receipts
