"""The contract of a source: where word of changes comes from.

A source takes word from outside and hands it to the callable it was given; it keeps what it took until the callable
says what became of it. It never judges what it carries.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias

from s3warden.model.event import Outcome, Poison

Handle: TypeAlias = Callable[[str], Awaitable[Outcome | Poison]]
"""Takes a message's body; ends when everything it asks for is done and the message may be answered for."""


class Source(Protocol):
    """Runs until cancelled or drained."""

    @property
    def name(self) -> str:
        """What names this source in logs."""

    async def run(self) -> None:
        """Take word and hand it on. Trouble outside is retried and shown; it never ends the source."""

    def stop_intake(self) -> None:
        """Take nothing new from now on."""

    async def drain(self, deadline: float) -> None:
        """Finish what was taken or give it back, until `deadline` of the clock; `run` then ends."""


class Pulse(Protocol):
    """What is needed of `telemetry.health.Health`."""

    def expect(self, name: str, within: float) -> None:
        """The loop `name` is to beat every `within` seconds."""

    def beat(self, name: str) -> None:
        """The loop `name` turns."""

    def forget(self, name: str) -> None:
        """The loop `name` has ended as it should."""

    def set_ready(self, condition: str, ok: bool, detail: str = "") -> None:
        """Say whether `condition` holds."""
