"""Delivery: takes what waits in the outbox to its destinations, one watched worker each.

A message leaves the outbox only when its destination took it, or refused it for good. A message may be sent twice
after a crash, never lost; the second carries the same dedup key. A slow or dead destination delays no other.
"""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from s3warden.respond.notifier import Notifier
from s3warden.respond.outbox import Health, Outbox
from s3warden.respond.worker import Context, Limits, Worker
from s3warden.telemetry.metrics import Metrics


class Dispatch:
    """Runs a worker for each notifier. `limits` by destination name; what is not named gets the default."""

    def __init__(
        self,
        outbox: Outbox,
        notifiers: Sequence[Notifier],
        *,
        metrics: Metrics,
        health: Health,
        limits: Mapping[str, Limits] | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        draw: random.Random | None = None,
    ) -> None:
        context = Context(outbox, metrics, health, clock, draw or random.Random())  # noqa: S311 - jitter, no secret
        self._workers = tuple(
            Worker(notifier, (limits or {}).get(notifier.name, Limits()), context) for notifier in notifiers
        )

    async def run(self) -> None:
        """Deliver until cancelled. A worker that dies takes the others and this call with it, so that it is seen."""
        async with asyncio.TaskGroup() as tasks:
            for worker in self._workers:
                tasks.create_task(worker.run(), name=worker.task_name)
            # With no destination there is nothing to do, but that is no end.
            await asyncio.get_running_loop().create_future()

    def wake(self) -> None:
        """Something was committed: look at once."""
        for worker in self._workers:
            worker.wake()

    async def flush(self, deadline: float) -> bool:
        """Wait until all that can go before `deadline` (loop time) has gone. False if the time ran out.

        A message whose next try is later than the deadline is not waited for. `run` must be running.
        """
        for worker in self._workers:
            worker.hurry(deadline)
        try:
            async with asyncio.timeout_at(deadline):
                for worker in self._workers:
                    await worker.quiet.wait()
        except TimeoutError:
            return False
        return True
