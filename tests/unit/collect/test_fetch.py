"""Every aspect under every kind of answer: read, absent, refused, damaged, gone."""

import copy
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3warden.aws.errors import AwsError
from s3warden.collect.aspects import ASPECTS
from s3warden.collect.fetch import READS, Fetch
from s3warden.model.bucket import (
    ABSENT,
    ACCOUNT_ASPECTS,
    BUCKET_ASPECTS,
    NOT_READ,
    AccountRef,
    AccountState,
    Aspect,
    BucketRef,
    BucketState,
    Cause,
    Present,
    Unreadable,
)
from s3warden.model.configuration import PublicAccessBlock, Versioning
from support.answers import ANSWERS

REF = BucketRef("aws", "111122223333", "eu-west-1", "b")
ACCOUNT = AccountRef("aws", "111122223333")
NOW = datetime(2026, 11, 23, tzinfo=UTC)
EARLIER = datetime(2026, 11, 22, tzinfo=UTC)


class FakeReader:
    """Answers by operation, and records what it was asked. An exception is raised."""

    def __init__(self, answers: Mapping[str, object]) -> None:
        self.answers = dict(answers)
        self.asked: list[str] = []

    async def bucket(self, ref: BucketRef, operation: str, **_parameters: object) -> Mapping[str, object]:
        """The answer for `operation`; a refusal where there is none."""
        assert ref == REF
        return self._answer(operation)

    async def account(self, ref: AccountRef, operation: str, **_parameters: object) -> Mapping[str, object]:
        """The same for the account."""
        assert ref == ACCOUNT
        return self._answer(operation)

    async def service(
        self, ref: AccountRef, service: str, operation: str, **_parameters: object
    ) -> Mapping[str, object]:
        """The answer of another service, told apart by its name."""
        assert ref == ACCOUNT
        return self._answer(f"{service}:{operation}")

    def _answer(self, operation: str) -> Mapping[str, object]:
        self.asked.append(operation)
        answer = self.answers.get(operation, AwsError("AccessDenied", status=403, cause=Cause.DENIED))
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, Mapping)
        return answer


class PagedReader(FakeReader):
    """Answers with one page after the other, whatever is asked, and records the tokens."""

    def __init__(self, pages: list[object]) -> None:
        super().__init__({})
        self.pages = iter(pages)
        self.tokens: list[object] = []

    async def bucket(self, ref: BucketRef, operation: str, **parameters: object) -> Mapping[str, object]:
        """The next page."""
        self.tokens.append(parameters.get("ContinuationToken"))
        self.answers[operation] = next(self.pages)
        return await super().bucket(ref, operation)


def fetch(reader: FakeReader) -> Fetch:
    """A fetch at NOW."""
    return Fetch(reader, clock=lambda: NOW)


async def read(aspect: Aspect, answer: object) -> object:
    """The reading of one aspect from one answer."""
    reader = FakeReader({ASPECTS[aspect].operation: answer})
    if aspect in ACCOUNT_ASPECTS:
        return (await fetch(reader).account(ACCOUNT, [aspect])).reading(aspect)
    return (await fetch(reader).bucket(REF, [aspect])).reading(aspect)


@pytest.mark.parametrize("aspect", ASPECTS)
async def test_a_documented_answer_is_present(aspect: Aspect) -> None:
    """Each aspect's answer as AWS documents it becomes its value."""
    answer, value = ANSWERS[aspect]
    assert await read(aspect, answer) == Present(value)


@pytest.mark.parametrize("aspect", ASPECTS)
@pytest.mark.parametrize("cause", Cause)
async def test_a_failed_read_is_unreadable_with_its_cause(aspect: Aspect, cause: Cause) -> None:
    """No failure, whatever its cause, makes an aspect absent or present."""
    reading = await read(aspect, AwsError("SomeCode", "said AWS", cause=cause, status=400))
    assert reading == Unreadable(cause, "SomeCode: said AWS")


@pytest.mark.parametrize(
    "code",
    [
        *("MethodNotAllowed", "NotImplemented", "UnsupportedOperation", "UnsupportedArgument", "InvalidRequest"),
        *("AccessDenied", "NoSuchKey", "404", "InternalError", "NoSuchConfiguration", "NotFound"),
    ],
)
@pytest.mark.parametrize("aspect", ASPECTS)
async def test_codes_that_do_not_mean_absent_are_unreadable(aspect: Aspect, code: str) -> None:
    """Only the codes in the table mean that nothing is configured; the likes of MethodNotAllowed do not."""
    assert isinstance(await read(aspect, AwsError(code, status=405)), Unreadable)


@pytest.mark.parametrize(
    ("aspect", "code"), [(aspect, code) for aspect, entry in ASPECTS.items() for code in sorted(entry.absent_codes)]
)
async def test_the_codes_of_the_table_mean_absent(aspect: Aspect, code: str) -> None:
    """AWS's own way to say that nothing is configured."""
    assert await read(aspect, AwsError(code, status=404)) == ABSENT


@pytest.mark.parametrize("aspect", [Aspect.LOGGING, Aspect.VERSIONING, Aspect.ACCELERATE, Aspect.NOTIFICATION])
async def test_an_empty_answer_means_absent_where_aws_has_no_code_for_it(aspect: Aspect) -> None:
    """These four are never answered by an error."""
    assert await read(aspect, {}) == ABSENT


@pytest.mark.parametrize("aspect", [aspect for aspect, entry in ASPECTS.items() if entry.paged])
async def test_a_whole_list_without_items_is_absent(aspect: Aspect) -> None:
    """S3 leaves an empty list out of its answer, but never whether there is more."""
    assert await read(aspect, {"IsTruncated": False}) == ABSENT


@pytest.mark.parametrize("aspect", [aspect for aspect, entry in ASPECTS.items() if entry.paged])
async def test_a_list_is_read_to_its_end(aspect: Aspect) -> None:
    """All pages count; the second is asked for with the token of the first."""
    answer, value = ANSWERS[aspect]
    name = ASPECTS[aspect].paged or ""
    first, second = ({**answer, name: [item]} for item in answer[name])
    reader = PagedReader([{**first, "IsTruncated": True, "NextContinuationToken": "more"}, second])
    assert (await Fetch(reader).bucket(REF, [aspect])).reading(aspect) == Present(value)
    assert reader.tokens == [None, "more"]


@pytest.mark.parametrize("aspect", [aspect for aspect, entry in ASPECTS.items() if entry.paged])
async def test_a_list_that_breaks_off_is_unreadable(aspect: Aspect) -> None:
    """A page that fails, or leads back to itself, takes the whole list with it."""
    answer, _ = ANSWERS[aspect]
    again = {**answer, "IsTruncated": True, "NextContinuationToken": "more"}
    broken: list[tuple[list[object], Cause]] = [
        ([again, AwsError("SlowDown", status=503, cause=Cause.THROTTLED)], Cause.THROTTLED),
        ([again, again], Cause.MALFORMED),
        ([{**answer, "IsTruncated": True}], Cause.MALFORMED),
    ]
    for pages, cause in broken:
        reading = (await Fetch(PagedReader(pages)).bucket(REF, [aspect])).reading(aspect)
        assert isinstance(reading, Unreadable)
        assert reading.cause is cause


async def test_no_tags_are_absent() -> None:
    """An empty set is the same as none."""
    assert await read(Aspect.TAGGING, {"TagSet": []}) == ABSENT


@pytest.mark.parametrize(
    "aspect", sorted(set(ASPECTS) - {Aspect.LOGGING, Aspect.VERSIONING, Aspect.ACCELERATE, Aspect.NOTIFICATION})
)
async def test_an_empty_answer_is_malformed_elsewhere(aspect: Aspect) -> None:
    """An answer without its content is damaged, never absent."""
    reading = await read(aspect, {})
    assert isinstance(reading, Unreadable)
    assert reading.cause is Cause.MALFORMED


def _damages(value: object) -> list[object]:
    """Every way to take one part of `value` away or to replace it by something of another kind."""
    parts: list[tuple[object, object]] = []
    if isinstance(value, dict):
        parts = list(value.items())
    elif isinstance(value, list):
        parts = list(enumerate(value))
    damaged: list[object] = []
    for key, part in parts:
        for replacement in (None, 7, b"bytes", object(), *_damages(part)):
            other = copy.copy(value)
            other[key] = replacement  # type: ignore[index]
            damaged.append(other)
        if isinstance(value, dict):
            damaged.append({k: v for k, v in value.items() if k != key})
    return damaged


@pytest.mark.parametrize("aspect", ASPECTS)
async def test_a_damaged_answer_never_reads_as_absent(aspect: Aspect) -> None:
    """Take any part away, or change its kind: the reading is malformed or still a value, and nothing is raised."""
    answer, _ = ANSWERS[aspect]
    for damaged in _damages(answer):
        reading = await read(aspect, damaged)
        assert damaged in ({}, {"IsTruncated": False}) or reading != ABSENT, damaged
        if isinstance(reading, Unreadable):
            assert reading.cause is Cause.MALFORMED


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.binary(max_size=3) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=3),
    max_leaves=8,
)
_NAMES = st.sampled_from(sorted({name for answer, _ in ANSWERS.values() for name in answer}))


@given(st.sampled_from(sorted(ASPECTS)), st.dictionaries(_NAMES | st.text(max_size=5), _json, max_size=4))
def test_no_answer_raises(aspect: Aspect, answer: dict[str, object]) -> None:
    """Whatever the answer, it becomes a value, nothing, or a ShapeError."""
    from s3warden.collect.shapes import ShapeError

    try:
        value = ASPECTS[aspect].parse(answer)
    except ShapeError:
        return
    assert value is None or hash(value) is not None


async def test_only_what_is_asked_is_read_and_the_rest_is_kept() -> None:
    """Other readings stay as they were; the state carries the time of this reading and the account."""
    reader = FakeReader({"GetBucketVersioning": {"Status": "Enabled"}})
    before = BucketState(REF, EARLIER, {Aspect.ACL: ABSENT, Aspect.VERSIONING: ABSENT})
    account = AccountState(ACCOUNT, EARLIER)
    after = await fetch(reader).bucket(REF, [Aspect.VERSIONING, Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK], before, account)
    assert reader.asked == ["GetBucketVersioning"]
    assert after.readings == {Aspect.ACL: ABSENT, Aspect.VERSIONING: Present(Versioning("Enabled"))}
    assert after.read_at == NOW
    assert after.account is account
    assert after.reading(Aspect.POLICY) == NOT_READ


async def test_a_read_that_fails_now_replaces_what_was_read_before() -> None:
    """What can no longer be read must not go on looking fine."""
    before = BucketState(REF, EARLIER, {Aspect.VERSIONING: Present(Versioning("Enabled"))})
    after = await fetch(FakeReader({})).bucket(REF, [Aspect.VERSIONING], before)
    assert isinstance(after.reading(Aspect.VERSIONING), Unreadable)


async def test_a_bucket_that_is_gone_has_no_readings() -> None:
    """Neither new nor old ones."""
    gone = AwsError("NoSuchBucket", status=404)
    reader = FakeReader(dict.fromkeys((READS[a][0].operation for a in BUCKET_ASPECTS if READS[a]), gone))
    before = BucketState(REF, EARLIER, {Aspect.ACL: ABSENT})
    after = await fetch(reader).bucket(REF, BUCKET_ASPECTS, before)
    assert after == BucketState(REF, NOW, exists=False)
    assert "HeadBucket" not in reader.asked


@pytest.mark.parametrize(
    ("head", "exists"),
    [
        ({}, True),
        (AwsError("403", status=403, cause=Cause.DENIED), True),
        (AwsError("ReadTimeoutError", cause=Cause.UNREACHABLE), True),
        (AwsError("404", status=404), False),
    ],
)
async def test_contradicting_answers_are_settled_by_one_more_call(head: object, exists: bool) -> None:
    """Some reads found the bucket and some did not: it is gone only if AWS says so again."""
    reader = FakeReader(
        {"GetBucketAcl": AwsError("NoSuchBucket", status=404), "GetBucketVersioning": {}, "HeadBucket": head}
    )
    state = await fetch(reader).bucket(REF, [Aspect.ACL, Aspect.VERSIONING])
    assert state.exists is exists
    assert isinstance(state.reading(Aspect.ACL), Unreadable)


@pytest.mark.parametrize(("head", "exists"), [({}, True), (AwsError("404", status=404), False)])
async def test_a_single_read_is_not_believed_that_a_bucket_is_gone(head: object, exists: bool) -> None:
    """An event may ask for one aspect only: its answer alone must not close all findings of the bucket."""
    reader = FakeReader({"GetBucketVersioning": AwsError("NoSuchBucket", status=404), "HeadBucket": head})
    before = BucketState(REF, EARLIER, {Aspect.ACL: ABSENT})
    state = await fetch(reader).bucket(REF, [Aspect.VERSIONING], before)
    assert state.exists is exists
    assert (state.reading(Aspect.ACL) == ABSENT) is exists


async def test_a_bucket_made_anew_elsewhere_starts_afresh() -> None:
    """Readings of a bucket of the same name in another region are not carried over."""
    other = BucketState(BucketRef("aws", "111122223333", "us-east-1", "b"), EARLIER, {Aspect.ACL: ABSENT})
    after = await fetch(FakeReader({})).bucket(REF, [], other)
    assert not after.readings


async def test_an_account_keeps_its_other_readings_too() -> None:
    """The account's state is read and kept like a bucket's."""
    aspect = Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK
    before = AccountState(ACCOUNT, EARLIER, {aspect: Present(PublicAccessBlock(True, True, True, True))})
    kept = await fetch(FakeReader({})).account(ACCOUNT, [], before)
    lost = await fetch(FakeReader({})).account(ACCOUNT, [aspect], before)
    assert kept.readings == before.readings
    assert isinstance(lost.reading(aspect), Unreadable)


def test_the_table_covers_every_aspect() -> None:
    """Each aspect has its calls, and each permission only reads."""
    assert set(READS) == set(Aspect)
    actions = [call.iam_action.partition(":")[2] for calls in READS.values() for call in calls]
    assert all(action.startswith(("Get", "List", "Describe")) for action in actions)
    assert len({entry.iam_action for entry in ASPECTS.values()}) == len(ASPECTS)


def test_what_aws_implies_is_a_value_of_the_same_kind() -> None:
    """An absent aspect behaves like some configured one, or like nothing at all."""
    for aspect, entry in ASPECTS.items():
        assert entry.implied is None or type(entry.implied) is type(ANSWERS[aspect][1])
        assert entry.implied is None or entry.absent_codes or aspect is Aspect.REQUEST_PAYMENT
