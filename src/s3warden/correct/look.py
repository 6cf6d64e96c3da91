"""Reads what a plan rests on, and what became of it: AWS's own answers, and the state parsed from these very answers.

Takes a subject and aspects, hands on a `Look`: never two reads of which one is parsed and the other written back. It
only reads; what AWS refuses is an unreadable part of the state, as in a fetch, and has no document.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, date, datetime

from s3warden.aws.errors import AwsError
from s3warden.collect.aspects import ASPECTS
from s3warden.collect.cache import Cache
from s3warden.collect.fetch import BucketReader, Fetch
from s3warden.collect.shapes import Answer
from s3warden.correct.remedy import Documents, Look
from s3warden.correct.writes import seen, writing
from s3warden.model.action import Step
from s3warden.model.bucket import ACCOUNT_ASPECTS, Absent, AccountRef, Aspect, BucketRef, Present, State, Subject


class Looks:
    """Looks at subjects through `reader`. Calls are made in their turn and tried again by what is behind it.

    What other subjects have to do with one is looked up in `cache`; without it that is not read.
    """

    def __init__(
        self,
        reader: BucketReader,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        cache: Cache | None = None,
    ) -> None:
        self._reader = reader
        self._clock = clock
        self._cache = cache

    async def at(self, subject: Subject, aspects: Iterable[Aspect], regions: Collection[str] = ()) -> Look:
        """The subject with these aspects, freshly read; of a bucket the account's among them, too.

        `regions` are where the account has buckets. Raises nothing of AWS's.
        """
        wanted = frozenset(aspects)
        recorder = _Recorder(self._reader)
        fetch = Fetch(recorder, self._clock)
        if self._cache is not None:
            fetch.neighbours.beside(self._cache)
        owner = subject if isinstance(subject, AccountRef) else subject.owner
        account = await fetch.account(owner, wanted & ACCOUNT_ASPECTS, regions=regions)
        if isinstance(subject, AccountRef):
            return Look(account, _documents(account, wanted, recorder))
        state = await fetch.bucket(subject, wanted - ACCOUNT_ASPECTS, account=account)
        return Look(state, _documents(state, wanted, recorder) if state.exists else {})

    async def now(self, account: AccountRef, step: Step) -> str | None:
        """What the read of `step` answers at this moment, in the form of its `before` and `after`. Raises AwsError."""
        call = step.read
        try:
            answer = await self._reader.service(
                account, call.service, call.operation, region=call.region, **call.arguments
            )
        except AwsError as error:
            if error.code in writing(step.attribute).absent_codes:
                return None
            raise
        return seen(step.attribute, plain_answer(answer))


class _Recorder:
    """A reader that keeps what it was answered, by the operation's name."""

    def __init__(self, reader: BucketReader) -> None:
        self._reader = reader
        self.of_bucket: dict[str, Answer] = {}
        self.of_account: dict[str, Answer] = {}

    async def bucket(self, ref: BucketRef, operation: str, **parameters: object) -> Answer:
        answer = await self._reader.bucket(ref, operation, **parameters)
        if not parameters:
            self.of_bucket[operation] = answer
        return answer

    async def account(
        self, ref: AccountRef, operation: str, *, region: str | None = None, **parameters: object
    ) -> Answer:
        answer = await self._reader.account(ref, operation, region=region, **parameters)
        if not parameters:
            self.of_account[operation] = answer
        return answer

    async def service(
        self, ref: AccountRef, service: str, operation: str, *, region: str | None = None, **parameters: object
    ) -> Answer:
        return await self._reader.service(ref, service, operation, region=region, **parameters)


def plain_answer(answer: Answer) -> dict[str, object]:
    """The answer in values that JSON knows: a date becomes its ISO form, which the SDK takes back."""
    return {key: _plain(value) for key, value in answer.items()}


def _plain(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return plain_answer(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _documents(state: State, wanted: frozenset[Aspect], recorder: _Recorder) -> Documents:
    found: dict[Aspect, Answer | None] = {}
    for aspect in wanted & ASPECTS.keys():
        answers = recorder.of_account if aspect in ACCOUNT_ASPECTS else recorder.of_bucket
        match state.reading(aspect):
            case Absent():
                found[aspect] = None
            case Present():
                found[aspect] = plain_answer(answers[ASPECTS[aspect].operation])
    return found
