"""Reads what is true now of one bucket or account.

Takes a reference and the aspects that somebody needs, hands on a new state. Each read that fails is an `Unreadable`
reading of its own; it replaces what was known before, since what can no longer be read must not look fine. Never
judges, and never raises for what AWS answers.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Protocol, TypeAlias

from s3warden.aws.errors import AwsError, shorten
from s3warden.collect.aspects import ASPECTS, Answer, AspectRead, ShapeError
from s3warden.model.bucket import (
    ABSENT,
    ACCOUNT_ASPECTS,
    BUCKET_ASPECTS,
    AccountRef,
    AccountState,
    Aspect,
    BucketRef,
    BucketState,
    Cause,
    Present,
    Reading,
    Unreadable,
)

__all__ = ["ASPECTS", "BucketReader", "Fetch", "passing"]

Readings: TypeAlias = Mapping[Aspect, Reading[object]]

_PASSING = frozenset({Cause.THROTTLED, Cause.UNREACHABLE, Cause.CREDENTIALS})


def passing(reading: Reading[object]) -> Cause | None:
    """The cause why `reading` failed, if it is one that passes by itself: another read may well succeed."""
    return reading.cause if isinstance(reading, Unreadable) and reading.cause in _PASSING else None


class BucketReader(Protocol):
    """What reads one sub-resource by the name of its operation. Raises AwsError and nothing else."""

    async def bucket(self, ref: BucketRef, operation: str) -> Mapping[str, object]:
        """The parsed answer of an S3 operation on the bucket."""

    async def account(self, ref: AccountRef, operation: str) -> Mapping[str, object]:
        """The parsed answer of an S3 Control operation on the account."""


class Fetch:
    """Turns reads into states. `clock` gives UTC; a state carries the time when its reading began."""

    def __init__(self, reader: BucketReader, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._reader = reader
        self._clock = clock

    async def bucket(
        self,
        ref: BucketRef,
        aspects: Iterable[Aspect],
        previous: BucketState | None = None,
        account: AccountState | None = None,
    ) -> BucketState:
        """The bucket with `aspects` read anew, all at once, and the others as `previous` had them.

        Account aspects among them are left to `account`, the method; `account`, the state, is carried along. A bucket
        that AWS says is gone has `exists` False and no readings.
        """
        began = self._clock()
        wanted = sorted(BUCKET_ASPECTS.intersection(aspects))
        outcomes = await asyncio.gather(*(self._read_bucket(ref, ASPECTS[aspect]) for aspect in wanted))
        readings = dict(zip(wanted, outcomes, strict=True))
        if any(reading is _GONE for reading in outcomes) and not await self._still_there(ref, outcomes):
            return BucketState(ref, began, account=account, exists=False)
        known = previous.readings if previous is not None and previous.ref == ref else {}
        return BucketState(ref, began, {**known, **readings}, account=account)

    async def account(
        self, ref: AccountRef, aspects: Iterable[Aspect], previous: AccountState | None = None
    ) -> AccountState:
        """The account with `aspects` read anew and the others as `previous` had them."""
        began = self._clock()
        wanted = sorted(ACCOUNT_ASPECTS.intersection(aspects))
        outcomes = await asyncio.gather(*(self._read_account(ref, ASPECTS[aspect]) for aspect in wanted))
        known = previous.readings if previous is not None and previous.ref == ref else {}
        return AccountState(ref, began, {**known, **dict(zip(wanted, outcomes, strict=True))})

    async def _read_bucket(self, ref: BucketRef, read: AspectRead) -> Reading[object]:
        try:
            answer = await self._reader.bucket(ref, read.operation)
        except AwsError as error:
            return _GONE if error.gone else _failed(read, error)
        return _understood(read, answer)

    async def _read_account(self, ref: AccountRef, read: AspectRead) -> Reading[object]:
        try:
            answer = await self._reader.account(ref, read.operation)
        except AwsError as error:
            return _failed(read, error)
        return _understood(read, answer)

    async def _still_there(self, ref: BucketRef, outcomes: Iterable[Reading[object]]) -> bool:
        """Whether a bucket exists that not every read called missing.

        S3 has been seen to answer NoSuchBucket for buckets that exist, so one stray answer must not close findings.
        """
        if all(outcome is _GONE for outcome in outcomes):
            return False
        try:
            await self._reader.bucket(ref, "HeadBucket")
        except AwsError as error:
            return not (error.gone or error.status == 404)
        return True


# What a read gives when AWS knows no such bucket: should the bucket turn out to exist, it is a failed read like others.
_GONE = Unreadable(Cause.ERROR, "NoSuchBucket")


def _failed(read: AspectRead, error: AwsError) -> Reading[object]:
    if error.code in read.absent_codes:
        return ABSENT
    return Unreadable(error.cause, shorten(f"{error.code}: {error.message}"))


def _understood(read: AspectRead, answer: Answer) -> Reading[object]:
    try:
        value = read.parse(answer)
    except ShapeError as error:
        return Unreadable(Cause.MALFORMED, f"{read.operation}: {error}")
    return ABSENT if value is None else Present(value)
