"""Carries out a plan, step by step: look, note the intent, write, read back, note what came of it.

Takes an entry of the journal that is allowed to go on, hands it on with the progress of each step, and with the trouble
that stopped it, if any did. Each call may have happened although nobody said so: before any write the setting is read
again, and what is as wanted already counts as written. It never judges a finding and never plans anew.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from weakref import WeakValueDictionary

import structlog

from s3warden.aws.errors import AwsError
from s3warden.correct.book import Book
from s3warden.model.action import Call, Step
from s3warden.model.bucket import AccountRef
from s3warden.model.remediation import MADE, Remediation, StepState

log = structlog.get_logger("s3warden.remediation")

# Another change to the same bucket is under way: "try again", says S3's list of error codes.
_BUSY = frozenset({"ConflictException", "OperationAborted"})
# What a write is refused with while an earlier step of the same plan has not reached all of S3 yet.
_LAGGING = frozenset(
    {
        "AccessControlListNotSupported",
        "InvalidBucketAclWithObjectOwnership",
        "InvalidBucketState",
        "InvalidTargetBucketForLogging",
        "MalformedPolicy",
    }
)


class Why(StrEnum):
    """Why the steps were not all made. Closed: it is a metric label."""

    CHANGED = "changed_meanwhile"
    KILLED = "killed"
    DENIED = "denied"
    THROTTLED = "throttled"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What stopped a remediation at step `number`, counted from 0; `detail` says it in a sentence."""

    why: Why
    detail: str
    number: int


class Reads(Protocol):
    """What reads a setting."""

    async def now(self, account: AccountRef, step: Step) -> str | None:
        """What the read of `step` answers at this moment, in the form of its `before` and `after`. Raises AwsError."""

    async def completed(self, account: AccountRef, call: Call) -> Call | None:
        """The call with what AWS chose in it, None where there is nothing to be called. Raises AwsError."""


class Writes(Protocol):
    """What writes a setting, tried once."""

    async def make(self, account: AccountRef, call: Call) -> None:
        """Make the call as the writing role of the account. Raises AwsError."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a write is tried and a read repeated until it shows the write; waits in seconds, doubling."""

    tries: int = 5
    looks: int = 7
    first: float = 0.1
    longest: float = 5.0

    def wait(self, attempt: int, fraction: float) -> float:
        """Seconds after `attempt` (from 1); `fraction` in 0..1 spreads callers over the second half."""
        span = min(self.longest, self.first * 2.0 ** (attempt - 1))
        return span * (0.5 + 0.5 * fraction)


DEFAULT_PATIENCE = Patience()


def _never() -> str | None:
    return None


@dataclass(slots=True)
class Applier:
    """Carries out plans. `killed` names the kill switch that is on, and is asked right before each write."""

    reads: Reads
    writes: Writes
    book: Book
    killed: Callable[[], str | None] = _never
    patience: Patience = DEFAULT_PATIENCE
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: Callable[[], float] = field(default=random.random)
    # Remediations of several subjects may write one setting, as the policy of the bucket that receives logs.
    _writing: WeakValueDictionary[tuple[Call, str], asyncio.Lock] = field(default_factory=WeakValueDictionary)

    async def apply(self, entry: Remediation) -> tuple[Remediation, Trouble | None]:
        """Make the steps that are not made yet, in order, until one cannot be made. Raises StoreError."""
        for number in range(len(_steps(entry))):
            if entry.progress[number].state in MADE:
                continue
            entry, trouble = await self._make(entry, number)
            if trouble is not None:
                return entry, trouble
        return entry, None

    async def settle(self, entry: Remediation) -> Remediation:
        """Find out what became of calls that were about to be made when the process ended. Raises StoreError.

        One that left no trace counts as not made; where that cannot be read, it stays an intention.
        """
        for number, step in enumerate(_steps(entry)):
            if entry.progress[number].state is StepState.INTENDED:
                found = await self._look(entry, step)
                if not isinstance(found, AwsError) and _taken(step, found):
                    entry = await self._settled(entry, number, found)
        return entry

    async def arrived(self, entry: Remediation) -> Remediation:
        """Read again what AWS was still carrying out when it was read last. Raises StoreError."""
        for number in entry.on_their_way:
            step = _steps(entry)[number]
            found = await self._look(entry, step)
            if not isinstance(found, AwsError) and not step.may_come(found):
                entry = await self._settled(entry, number, found)
        return entry

    async def _make(self, entry: Remediation, number: int) -> tuple[Remediation, Trouble | None]:
        lock = self._writing.setdefault((_steps(entry)[number].read, entry.subject.account), asyncio.Lock())
        async with lock:
            return await self._made(entry, number)

    async def _made(self, entry: Remediation, number: int) -> tuple[Remediation, Trouble | None]:
        step = _steps(entry)[number]
        for attempt in range(1, self.patience.tries + 1):
            found = await self._look(entry, step)
            if isinstance(found, AwsError):
                return await self._failed(entry, number, found, reading=True)
            if _taken(step, found):
                return await self._settled(entry, number, found), None
            try:
                call = await self.reads.completed(_account(entry), step.call)
            except AwsError as error:
                return await self._failed(entry, number, error, reading=True)
            if found != step.before or call is None:
                return entry, Trouble(Why.CHANGED, f"{step.attribute} was changed by somebody else meanwhile.", number)
            switch = self.killed()
            if switch is not None:
                return entry, Trouble(Why.KILLED, f"The kill switch was turned on: {switch}.", number)
            entry = await self._intend(entry, number)
            try:
                await self.writes.make(_account(entry), call)
            except AwsError as error:
                if attempt == self.patience.tries or not _worth_another_try(error, entry):
                    return await self._given_up(entry, number, error)
                log.warning("write_retried", **_about(entry, step), error=str(error), attempt=attempt)
                await self.sleep(self.patience.wait(attempt, self.chance()))
            else:
                return await self._settled(entry, number, await self._read_back(entry, step)), None
        raise AssertionError("the last try ends in one way or the other")

    async def _given_up(self, entry: Remediation, number: int, error: AwsError) -> tuple[Remediation, Trouble | None]:
        """The last try failed, as far as anybody said: what is there now tells the truth."""
        step = _steps(entry)[number]
        found = await self._look(entry, step)
        if not isinstance(found, AwsError) and _taken(step, found):
            return await self._settled(entry, number, found), None
        return await self._failed(entry, number, error)

    async def _look(self, entry: Remediation, step: Step) -> str | AwsError | None:
        try:
            return await self.reads.now(_account(entry), step)
        except AwsError as error:
            return error

    async def _read_back(self, entry: Remediation, step: Step) -> str | None:
        """What is there after the write: as wanted at once, or after a while, or as it stays."""
        found: str | None = step.before
        for attempt in range(1, self.patience.looks + 1):
            now = await self._look(entry, step)
            if not isinstance(now, AwsError):
                found = now
                # Neither the one nor the other is AWS's own form of what was written, or somebody's next change.
                if found != step.before:
                    return found
            if attempt < self.patience.looks:
                await self.sleep(self.patience.wait(attempt, self.chance()))
        return found

    async def _intend(self, entry: Remediation, number: int) -> Remediation:
        step, at = _steps(entry)[number], self.book.clock()
        tries = entry.progress[number].tries + 1
        noted = entry.step(number, at, state=StepState.INTENDED, tries=tries, intended_at=at)
        return await self.book.write(noted, "intended", {**_told(number, step), "tries": tries})

    async def _settled(self, entry: Remediation, number: int, found: str | None) -> Remediation:
        """The setting is as it was read just now; by this remediation's own call if one was ever made."""
        step, at = _steps(entry)[number], self.book.clock()
        ours = entry.progress[number].tries > 0
        state = StepState.WRITTEN if ours else StepState.NEEDLESS
        noted = entry.step(number, at, state=state, written_at=at if ours else None, read_back=found, error="")
        noted = await self.book.write(noted, state.value, {**_told(number, step), "as_wanted": found == step.after})
        log.info("step_written" if ours else "step_needless", **_about(entry, step), as_wanted=found == step.after)
        return noted

    async def _failed(
        self, entry: Remediation, number: int, error: AwsError, *, reading: bool = False
    ) -> tuple[Remediation, Trouble]:
        step, at = _steps(entry)[number], self.book.clock()
        why = Why.UNREADABLE if reading else _why(error)
        noted = entry.step(number, at, state=StepState.FAILED, error=str(error))
        told = {**_told(number, step), "error": str(error), "reason": why.value}
        noted = await self.book.write(noted, "failed", told)
        return noted, Trouble(why, f"{step.summary}: {error}", number)


def _steps(entry: Remediation) -> tuple[Step, ...]:
    return entry.plan.steps if entry.plan is not None else ()


def _taken(step: Step, found: str | None) -> bool:
    """Whether nobody has to make the call any more: it is as wanted, or AWS is about to make it so."""
    return found == step.after or step.on_its_way(found)


def _account(entry: Remediation) -> AccountRef:
    return AccountRef(entry.subject.partition, entry.subject.account)


def _worth_another_try(error: AwsError, entry: Remediation) -> bool:
    return error.transient or error.code in _BUSY or (error.code in _LAGGING and bool(entry.written))


def _why(error: AwsError) -> Why:
    if error.denied:
        return Why.DENIED
    if error.throttled:
        return Why.THROTTLED
    return Why.UNREACHABLE if error.transient else Why.REFUSED


def _told(number: int, step: Step) -> dict[str, object]:
    call = step.call
    return {"step": number, "attribute": step.attribute, "service": call.service, "operation": call.operation}


def _about(entry: Remediation, step: Step) -> dict[str, object]:
    return {
        "remediation_id": entry.id,
        "subject": entry.subject.key,
        "rule_id": entry.rule_id,
        "attribute": step.attribute,
        "operation": step.call.operation,
    }
