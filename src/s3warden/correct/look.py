"""Reads what a plan rests on, and what became of it: AWS's own answers, and the state parsed from these very answers.

Takes a subject and aspects, hands on a `Look`: never two reads of which one is parsed and the other written back. It
only reads; what AWS refuses is an unreadable part of the state, as in a fetch, and has no document.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime

from s3warden.aws.errors import AwsError, malformed
from s3warden.collect import alarms, backups
from s3warden.collect.aspects import ASPECTS
from s3warden.collect.cache import Cache
from s3warden.collect.derived import DERIVED
from s3warden.collect.fetch import BucketReader, Fetch
from s3warden.collect.shapes import Answer, ShapeError, text
from s3warden.correct import alarm_writes, placed_answers
from s3warden.correct.chosen import completed
from s3warden.correct.object_acl import ObjectRef
from s3warden.correct.recorder import Answers, Recorder
from s3warden.correct.remedy import Documents, Look
from s3warden.correct.steps import seen, source
from s3warden.model.action import Call, Step
from s3warden.model.bucket import (
    ABSENT,
    ACCOUNT_ASPECTS,
    Absent,
    AccountRef,
    Aspect,
    BucketRef,
    BucketState,
    Present,
    State,
    Subject,
    Unreadable,
)
from s3warden.model.keys import Key
from s3warden.model.objects import ObjectAcls
from s3warden.model.references import LogTarget, Use


def _no_objects(_bucket: BucketRef) -> ObjectAcls:
    return ObjectAcls()


def _always() -> bool:
    return True


class Looks:
    """Looks at subjects through `reader`. Calls are made in their turn and tried again by what is behind it.

    What other subjects have to do with one is looked up in `cache`; without it that is not read. `whole` tells whether
    all of them were read by now. `objects` are those of a bucket that events named.
    """

    def __init__(
        self,
        reader: BucketReader,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        cache: Cache | None = None,
        whole: Callable[[], bool] = _always,
        objects: Callable[[BucketRef], ObjectAcls] = _no_objects,
    ) -> None:
        self._reader = reader
        self._whole = whole
        self._clock = clock
        self._cache = cache
        self._objects = objects

    async def at(self, subject: Subject, aspects: Iterable[Aspect], regions: Collection[str] = ()) -> Look:
        """The subject with these aspects, freshly read; of a bucket the account's among them, too.

        `regions` are where the account has buckets, a bucket's own among them. Raises nothing of AWS's.
        """
        asked = frozenset(aspects)
        wanted = asked.union(*(DERIVED.get(aspect, frozenset[Aspect]()) for aspect in asked))
        regions = {*regions, subject.region} if isinstance(subject, BucketRef) else regions
        recorder = Recorder(self._reader)
        fetch = Fetch(recorder, self._clock)
        if self._cache is not None:
            fetch.neighbours.beside(self._cache, anew=True)
        owner = subject.owner
        account = await fetch.account(owner, wanted & ACCOUNT_ASPECTS, regions=regions)
        if isinstance(subject, AccountRef):
            return Look(account, _documents(account, wanted, recorder))
        state = await fetch.bucket(subject, wanted - ACCOUNT_ASPECTS, account=account, named=self._objects(subject))
        return Look(
            state,
            _documents(state, wanted, recorder) if state.exists else {},
            target=_target(state, recorder),
            key_users=self._key_users(state),
            whole=self._whole(),
        )

    def _key_users(self, state: State) -> tuple[str, ...] | None:
        """The other buckets with the same default key, by whichever name they call it."""
        key, ref = state.reading(Aspect.DEFAULT_KEY), state.ref
        if self._cache is None or not isinstance(key, Present) or not isinstance(key.value, Key):
            return None
        names = {name for name in (key.value.named, key.value.arn) if name is not None}
        pointing = (self._cache.referring_to(state.ref.partition, name).used_as(Use.KEY) for name in names)
        users = {each.holder for found in pointing for each in found}
        return tuple(sorted(users - {ref.name if isinstance(ref, BucketRef) else ""}))

    async def object_acl(self, ref: ObjectRef) -> Answer:
        """The ACL of an object. Raises AwsError."""
        owner, region = ref.bucket.owner, ref.bucket.region
        return plain_answer(await self._reader.service(owner, "s3", "GetObjectAcl", region=region, **ref.parameters))

    async def now(self, account: AccountRef, step: Step) -> str | None:
        """What the read of `step` answers at this moment, in the form of its `before` and `after`. Raises AwsError."""
        read = source(step.attribute)
        try:
            call = await completed(self._reader, account, step.read)
            if call is None:
                return None
            answer = await self._reader.service(
                account, call.service, call.operation, region=call.region, **call.arguments
            )
        except AwsError as error:
            if read.failed(error) == ABSENT:
                return None
            raise
        understood = read.understood(answer)
        if isinstance(understood, Unreadable):
            raise malformed(call.operation, understood.detail)
        return seen(step.attribute, plain_answer(answer))

    async def completed(self, account: AccountRef, call: Call) -> Call | None:
        """The call with what AWS chose in it, None where there is nothing to be called. Raises AwsError."""
        return await completed(self._reader, account, call)


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


def _target(state: State, recorder: Recorder) -> Look | None:
    """The bucket that the logs go to, by the very readings by which rules judge their source."""
    reading, ref = state.reading(Aspect.LOG_TARGET), state.ref
    if not isinstance(reading, Present) or not isinstance(reading.value, LogTarget) or not isinstance(ref, BucketRef):
        return None
    target, standing = reading.value, reading.value.standing
    if not target.settings.items or not isinstance(standing, Present):
        return None
    place = replace(ref, name=target.name, region=standing.value.region or ref.region)
    found = BucketState(place, state.read_at, dict(target.settings.items))
    return Look(found, _documents(found, frozenset(found.readings), recorder))


def _documents(state: State, wanted: frozenset[Aspect], recorder: Recorder) -> Documents:
    found: dict[Aspect, Answer | None] = {}
    name = state.ref.name if isinstance(state.ref, BucketRef) else ""
    for aspect in wanted & ASPECTS.keys():
        match state.reading(aspect):
            case Absent():
                found[aspect] = None
            case Present() if aspect in ACCOUNT_ASPECTS:
                found[aspect] = plain_answer(recorder.of_account[ASPECTS[aspect].operation])
            case Present():
                found[aspect] = plain_answer(recorder.answered(name, ASPECTS[aspect]))
    found |= {aspect: by_place(recorder.of_services) for aspect, by_place in _PLACED.items() if aspect in wanted}
    for aspect in wanted & placed_answers.ASPECTS:
        answers = placed_answers.placed(state, aspect, recorder.of_services)
        found[aspect] = {place: plain_answer(answer) for place, answer in answers.items()}
    return found


def _by_region(operation: str) -> Callable[[Answers], Answer]:
    return lambda answers: {
        str(region): plain_answer(answer) for (name, region, _), answer in answers.items() if name == operation
    }


def _by_name(operation: str) -> Callable[[Answers], Answer]:
    return lambda answers: {
        about: plain_answer(answer) for (name, _, about), answer in answers.items() if name == operation
    }


def _detectors(answers: Answers) -> Answer:
    found = ((region, about, answer) for (name, region, about), answer in answers.items() if name == "GetDetector")
    return {str(region): {**plain_answer(answer), "DetectorId": about} for region, about, answer in found}


def _alarms(answers: Answers) -> Answer:
    """Our filter in each log group and our alarm in each region, as the reads of their steps answer them."""
    found: dict[str, Answer] = {}
    for (operation, region, _), answer in answers.items():
        try:
            if operation == alarms.FILTERS.operation and (ours := alarm_writes.ours(answer, alarm_writes.FILTERS)):
                group = text(ours.get("logGroupName"), "logGroupName")
                found[f"{region}:{group}"] = plain_answer({alarm_writes.FILTERS: [ours]})
            if operation == alarms.ALARMS.operation and (ours := alarm_writes.ours(answer, alarm_writes.ALARMS)):
                found[str(region)] = plain_answer({alarm_writes.ALARMS: [ours]})
        except ShapeError:
            # The state has it as unreadable.
            continue
    return found


def _selections(answers: Answers) -> Answer:
    """What backup plans take in, by region, plan and name."""
    found: dict[str, Answer] = {}
    for (operation, region, about), answer in answers.items():
        selection = answer.get("BackupSelection")
        if operation == backups.SELECTION.operation and isinstance(selection, Mapping):
            place = f"{region}:{about.partition(' ')[0]}:{selection.get('SelectionName')}"
            found[place] = plain_answer(answer)
    return found


_PLACED: Mapping[Aspect, Callable[[Answers], Answer]] = {
    Aspect.DEFAULT_KEY: _by_name("DescribeKey"),
    Aspect.KEY_ROTATION: _by_name("GetKeyRotationStatus"),
    Aspect.KEY_POLICY: _by_name("GetKeyPolicy"),
    Aspect.OBJECT_ACL: _by_name("GetObjectAcl"),
    Aspect.MACIE: _by_region("GetMacieSession"),
    Aspect.MACIE_DISCOVERY: _by_region("GetAutomatedDiscoveryConfiguration"),
    Aspect.GUARDDUTY: _detectors,
    Aspect.TRAILS: _by_name("GetEventSelectors"),
    Aspect.METRIC_FILTERS: _alarms,
    Aspect.BACKUP_SELECTIONS: _selections,
}
