"""The worker of one destination: takes its messages from the outbox in order, sends, notes what became of them.

Messages of one group go in the order in which they were written. Nothing a notifier raises ends a worker, and nothing
the store raises makes it send again what was taken.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ParamSpec, TypeVar

import structlog

from s3warden.model.alert import AlertStatus, Delivered, Delivery, Notification, Postponed, Refused
from s3warden.respond.notifier import Notifier
from s3warden.respond.outbox import Entry, Health, Outbox
from s3warden.respond.pace import Backoff, TokenBucket
from s3warden.telemetry.metrics import Metrics

log = structlog.get_logger("s3warden.dispatch")

P = ParamSpec("P")
T = TypeVar("T")

POLL = 5.0
MAX_PAUSE = 3600.0
# After so many failures in a row one message is tried every POLL seconds: a destination that is down need not be asked
# for each one that waits.
DOWN = 8
# The clock on the wall and the clock of the loop do not tick together: who looks too early finds nothing.
TICK = 0.01


@dataclass(frozen=True, slots=True)
class Limits:
    """How one destination is to be treated: messages a second, burst, seconds a call may take, waits between tries."""

    rate: float = 1.0
    burst: int = 3
    timeout: float = 30.0
    backoff: Backoff = field(default_factory=Backoff)


@dataclass(frozen=True, slots=True)
class Context:
    """What all workers share."""

    outbox: Outbox
    metrics: Metrics
    health: Health
    clock: Callable[[], datetime]
    draw: random.Random


class Worker:
    """Works the outbox of one destination.

    Two waits keep a worker from sending at all: the destination asked for a pause (`_gate`), or its rate is used up
    (`_bucket`). A message that failed otherwise waits alone, with what is behind it in its group: the store holds both
    back, and `_retries` tells when to look again.
    """

    def __init__(self, notifier: Notifier, limits: Limits, context: Context) -> None:
        self.quiet = asyncio.Event()
        self.task_name = f"dispatch:{notifier.name}"
        self._notifier = notifier
        self._limits = limits
        self._in = context
        self._bucket = TokenBucket(limits.rate, limits.burst)
        self._wakeup = asyncio.Event()
        self._gate = 0.0
        self._retries: list[float] = []
        self._alone: set[int] = set()
        self._failures = 0
        self._deadline: float | None = None
        self._counted = -POLL

    def wake(self) -> None:
        """Look into the outbox at once."""
        if not self._too_late(self._gate):
            self.quiet.clear()
        self._wakeup.set()

    def hurry(self, deadline: float) -> None:
        """The process ends at `deadline` (loop time): report quiet as soon as nothing more can go before."""
        self._deadline = deadline
        self.wake()
        if self._too_late(self._gate):
            self.quiet.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        health = self._in.health
        health.expect(self.task_name, self._limits.timeout + 6 * POLL)
        health.set_ready(self._condition, ok=True, detail="nothing refused so far")
        try:
            await self._work()
        finally:
            health.forget(self.task_name)
            health.forget(self._condition)

    async def _work(self) -> None:
        first = await self._stored(self._in.outbox.next_due, self._notifier.name)
        if first is not None:
            # What an earlier life of the daemon postponed.
            self._retries.append(_now() + (first - self._in.clock()).total_seconds() + TICK)
        while True:
            self._in.health.beat(self.task_name)
            if await self._wait_for_leave():
                continue
            # Cleared before the look, not after: a commit between the two must lead to another look.
            self._wakeup.clear()
            entries = await self._take()
            await self._count(idle=not entries)
            if entries:
                await self._round(entries)
            else:
                await self._rest()

    async def _wait_for_leave(self) -> bool:
        """Wait for pause and rate; True if it had to wait, a slice of at most `POLL` seconds."""
        now = _now()
        delay = max(self._gate - now, self._bucket.delay(now))
        if delay <= 0:
            return False
        if self._too_late(now + delay):
            self.quiet.set()
        await asyncio.sleep(min(delay, POLL))
        return True

    async def _rest(self) -> None:
        """Nothing can be sent now: until a commit, the next retry, or the next poll."""
        now = _now()
        self._retries = [moment for moment in self._retries if moment > now]
        retry = min(self._retries, default=None)
        if not self._wakeup.is_set() and (retry is None or self._too_late(retry)):
            self.quiet.set()
        try:
            async with asyncio.timeout(POLL if retry is None else min(POLL, retry - now)):
                await self._wakeup.wait()
        except TimeoutError:
            pass

    def _too_late(self, moment: float) -> bool:
        return self._deadline is not None and moment >= self._deadline

    async def _take(self) -> Sequence[Entry]:
        """What may go now, as much as the rate allows."""
        batch = self._notifier.batch
        parallel = 1 if self._failures > DOWN else self._notifier.parallel
        want = batch if batch > 1 else min(parallel, self._bucket.available(_now()))
        return await self._stored(self._in.outbox.due, self._notifier.name, self._in.clock(), want)

    async def _round(self, entries: Sequence[Entry]) -> None:
        async with asyncio.TaskGroup() as tasks:
            for lane in self._lanes(entries):
                tasks.create_task(self._lane(lane))

    def _lanes(self, entries: Sequence[Entry]) -> list[list[list[Entry]]]:
        """What may be under way at once: each lane is a list of messages in order, each message a list of entries."""
        if self._notifier.batch > 1:
            return [[self._first_message(entries)]]
        groups: dict[str, list[list[Entry]]] = {}
        for entry in entries:
            groups.setdefault(entry.notification.group_key, []).append([entry])
        return list(groups.values())

    def _first_message(self, entries: Sequence[Entry]) -> list[Entry]:
        """The longest start of `entries` that makes one message.

        What is no alert goes alone, and so does what was refused in company.
        """
        message: list[Entry] = []
        for entry in entries:
            alone = not entry.notification.alerts or entry.id in self._alone
            if message and alone:
                break
            message.append(entry)
            if alone:
                break
        return message

    async def _lane(self, messages: Sequence[Sequence[Entry]]) -> None:
        for entries in messages:
            self._bucket.take(1)
            delivery = await self._send([entry.notification for entry in entries])
            self._in.health.beat(self.task_name)
            await self._settle(entries, delivery)
            if isinstance(delivery, Postponed):
                return

    async def _send(self, notifications: Sequence[Notification]) -> Delivery:
        self._in.metrics.notifications.labels(self._notifier.name).inc()
        try:
            async with asyncio.timeout(self._limits.timeout):
                return await self._notifier.send(notifications)
        except TimeoutError:
            return Postponed("timeout")
        except Exception as error:  # noqa: BLE001 - one broken notifier must not stop the others; it is shown and retried
            # The text of the error may hold the address, which is a secret; its type may not.
            return Postponed("error", type(error).__name__)

    async def _settle(self, entries: Sequence[Entry], delivery: Delivery) -> None:
        match delivery:
            case Delivered():
                await self._delivered(entries)
            case Postponed():
                await self._postponed(entries, delivery)
            case Refused() if len(entries) > 1:
                # One malformed message must not take the others with it: each gets a try of its own.
                self._failed(delivery)
                self._alone.update(entry.id for entry in entries)
            case Refused():
                await self._refused(entries[0], delivery)

    async def _delivered(self, entries: Sequence[Entry]) -> None:
        at = self._in.clock()
        await self._stored(self._in.outbox.delivered, [entry.id for entry in entries], at)
        self._alone.difference_update(entry.id for entry in entries)
        if self._failures > DOWN:
            log.info("destination_recovered", destination=self._notifier.name, failures=self._failures)
        self._failures = 0
        self._in.health.set_ready(self._condition, ok=True)
        for entry in entries:
            self._measure(entry, at)
            log.info("notification_delivered", **self._about(entry))

    def _measure(self, entry: Entry, at: datetime) -> None:
        name = self._notifier.name
        self._in.metrics.notification_delay.labels(name).observe(max(0.0, (at - entry.enqueued_at).total_seconds()))
        for alert in entry.notification.alerts:
            event_time = alert.trigger.event_time if alert.trigger else None
            if event_time is not None and alert.status is AlertStatus.FIRING:
                self._in.metrics.event_lag.labels("notify").observe(max(0.0, (at - event_time).total_seconds()))

    async def _postponed(self, entries: Sequence[Entry], delivery: Postponed) -> None:
        self._failed(delivery)
        self._failures += 1
        if self._failures > DOWN:
            self._gate = max(self._gate, _now() + POLL)
        attempts = entries[0].attempts + 1
        if delivery.retry_after:
            wait = min(delivery.retry_after, MAX_PAUSE)
            self._gate = max(self._gate, _now() + wait + TICK)
        else:
            wait = self._limits.backoff.wait(attempts, self._in.draw)
        self._retries.append(_now() + wait + TICK)
        if _rarely(attempts) and _rarely(self._failures):
            log.warning(
                "notification_postponed",
                reason=delivery.reason,
                detail=delivery.detail or None,
                attempts=attempts,
                messages=len(entries),
                retry_in=round(wait, 1),
                **self._about(entries[0]),
            )
        until = self._in.clock() + timedelta(seconds=wait)
        await self._stored(self._in.outbox.postpone, [entry.id for entry in entries], until, delivery.reason)

    async def _refused(self, entry: Entry, delivery: Refused) -> None:
        self._failed(delivery)
        self._in.metrics.notifications_refused.labels(self._notifier.name, delivery.reason).inc()
        self._in.health.set_ready(self._condition, ok=False, detail=delivery.reason)
        log.error("notification_refused", reason=delivery.reason, detail=delivery.detail or None, **self._about(entry))
        at = self._in.clock()
        await self._stored(self._in.outbox.refuse, [entry.id], delivery.reason, at)
        self._alone.discard(entry.id)

    def _failed(self, delivery: Postponed | Refused) -> None:
        self._in.metrics.notifications_failed.labels(self._notifier.name, delivery.reason).inc()

    async def _count(self, *, idle: bool) -> None:
        """Show how much waits; while there is much to do once a second at most, since it is a query."""
        if idle or _now() - self._counted >= 1.0:
            self._counted = _now()
            pending = await self._stored(self._in.outbox.pending)
            self._in.metrics.outbox_pending.labels(self._notifier.name).set(pending.get(self._notifier.name, 0))

    async def _stored(self, call: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """The answer of the store, asked until it answers: a message sent must be noted, not sent again."""
        failures = 0
        while True:
            try:
                return await call(*args, **kwargs)
            except Exception as error:  # noqa: BLE001 - whatever the store's driver raises, it passes or the operator acts
                failures += 1
                if _rarely(failures):
                    log.warning("outbox_unavailable", destination=self._notifier.name, error=type(error).__name__)
                self._in.health.beat(self.task_name)
                await asyncio.sleep(min(POLL, self._limits.backoff.wait(failures, self._in.draw)))

    @property
    def _condition(self) -> str:
        return f"destination:{self._notifier.name}"

    def _about(self, entry: Entry) -> dict[str, object]:
        notification = entry.notification
        return {
            "destination": self._notifier.name,
            "notification_id": entry.id,
            "dedup_key": notification.dedup_key,
            "event_id": notification.correlation[0] if notification.correlation else None,
        }


def _rarely(count: int) -> bool:
    """True at 1, 2, 4, 8, …: an outage of a day must not fill the log."""
    return count & (count - 1) == 0


def _now() -> float:
    return asyncio.get_running_loop().time()
