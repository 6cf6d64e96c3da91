"""What a sweep does not ask: only what follows, never what is hidden behind something unreadable."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain

import pytest

from s3warden.aws.errors import AwsError
from s3warden.collect.aspects import ASPECTS
from s3warden.collect.fetch import Fetch
from s3warden.collect.spared import ACLS_DISABLED, NOT_PUBLIC
from s3warden.model.bucket import ABSENT, Aspect, BucketRef, BucketState, Cause, Present, Unreadable
from s3warden.model.configuration import Acl, Ownership, Policy
from support.answers import ANSWERS

REF = BucketRef("aws", "111122223333", "eu-west-1", "b")
NOW = datetime(2026, 11, 23, tzinfo=UTC)
SPARED = (Aspect.ACL, Aspect.POLICY_STATUS, Aspect.REPLICATION, Aspect.OBJECT_LOCK)
SOURCES = (Aspect.OWNERSHIP, Aspect.POLICY, Aspect.VERSIONING)
WANTED = frozenset({*SPARED, *SOURCES})
OPERATIONS = {ASPECTS[aspect].operation: aspect for aspect in (*WANTED, Aspect.TAGGING)}
NONE = {
    Aspect.POLICY: AwsError("NoSuchBucketPolicy", status=404),
    Aspect.VERSIONING: {},
    Aspect.OWNERSHIP: {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}},
}


class Reader:
    """Answers by aspect, in the shapes of AWS's documentation unless told otherwise; records what it was asked."""

    def __init__(self, answers: Mapping[Aspect, object]) -> None:
        self.answers = {**{aspect: ANSWERS[aspect][0] for aspect in OPERATIONS.values()}, **answers}
        self.asked: list[Aspect] = []

    async def bucket(self, ref: BucketRef, operation: str, **_parameters: object) -> Mapping[str, object]:
        """The answer."""
        assert ref == REF
        aspect = OPERATIONS[operation]
        self.asked.append(aspect)
        answer = self.answers[aspect]
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, Mapping)
        return answer

    async def account(self, *_args: object, **_parameters: object) -> Mapping[str, object]:
        """Nobody asks."""
        raise AssertionError

    async def service(self, *_args: object, **_parameters: object) -> Mapping[str, object]:
        """Nobody may ask about other buckets."""
        raise AwsError("AccessDenied", status=403, cause=Cause.DENIED)


async def look(
    answers: Mapping[Aspect, object],
    *,
    sparing: bool = True,
    wanted: frozenset[Aspect] = WANTED,
    previous: BucketState | None = None,
) -> tuple[BucketState, set[Aspect]]:
    """The state, and what was asked for it, each at most once."""
    reader = Reader(answers)
    state = await Fetch(reader, clock=lambda: NOW).bucket(REF, wanted, previous, sparing=sparing)
    assert len(set(reader.asked)) == len(reader.asked)
    return state, set(reader.asked)


async def test_what_follows_is_not_asked() -> None:
    """ACLs disabled, no policy, versioning never enabled: three calls in place of seven."""
    state, asked = await look(NONE)
    assert asked == set(SOURCES)
    assert state.reading(Aspect.ACL) == ACLS_DISABLED
    assert {state.reading(a) for a in SPARED if a is not Aspect.ACL} == {ABSENT}


async def test_an_event_asks_all_at_once() -> None:
    """Whoever waits for the answer does not wait for a second step."""
    _, asked = await look(NONE, sparing=False)
    assert asked == WANTED


async def test_what_does_not_follow_is_asked() -> None:
    """With ACLs enabled, a policy and versioning, everything is read."""
    enabled = {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}}
    allowing = {"Policy": '{"Statement": [{"Effect": "Allow"}]}'}
    state, asked = await look({Aspect.OWNERSHIP: enabled, Aspect.POLICY: allowing})
    assert asked == WANTED
    assert all(state.reading(aspect) == Present(ANSWERS[aspect][1]) for aspect in SPARED)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("trouble", [AwsError("AccessDenied", status=403, cause=Cause.DENIED), {"Status": 7}])
async def test_nothing_follows_from_what_could_not_be_read(source: Aspect, trouble: object) -> None:
    """A refused or damaged answer hides nothing else: what hangs on it is asked after all."""
    state, asked = await look({**NONE, source: trouble})
    hanging = {
        Aspect.OWNERSHIP: {Aspect.ACL},
        Aspect.POLICY: {Aspect.ACL, Aspect.POLICY_STATUS},
        Aspect.VERSIONING: {Aspect.REPLICATION, Aspect.OBJECT_LOCK},
    }
    assert isinstance(state.reading(source), Unreadable)
    assert asked == {*SOURCES, *hanging[source]}


async def test_suspended_versioning_tells_nothing() -> None:
    """It was enabled once, and a replication may be left from that time."""
    _, asked = await look({**NONE, Aspect.VERSIONING: {"Status": "Suspended"}})
    assert {Aspect.REPLICATION, Aspect.OBJECT_LOCK} <= asked


@pytest.mark.parametrize("word", ['"CanonicalUser"', '"canonicaluser"', '"\\u0043anonicalUser"'])
async def test_an_owner_named_by_its_canonical_id_is_told_from_others(word: str) -> None:
    """Only the ACL tells the owner's canonical id: with one in the policy it is read."""
    policy = f'{{"Statement": [{{"Principal": {{{word}: "79a5"}}}}]}}'
    _, asked = await look({**NONE, Aspect.POLICY: {"Policy": policy}})
    assert Aspect.ACL in asked


@pytest.mark.parametrize(
    ("text", "spared"),
    [
        ('{"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}]}', True),
        ('{"Statement": [{"Effect": "Deny"}, {"Effect": "Allow"}]}', False),
        ('{"Statement": [{"Effect": "\\u0041llow"}]}', False),
        ('{"Statement": [{"Effect": "Deny"}, {"Eff', False),
        ('["Deny"]', False),
    ],
)
async def test_a_policy_that_allows_nothing_is_not_public(text: str, spared: bool) -> None:
    """AWS is not asked whether a policy without any Allow is public."""
    state, asked = await look({**NONE, Aspect.POLICY: {"Policy": text}})
    assert (Aspect.POLICY_STATUS not in asked) is spared
    expected = NOT_PUBLIC if spared else Present(ANSWERS[Aspect.POLICY_STATUS][1])
    assert state.reading(Aspect.POLICY_STATUS) == expected


async def test_without_its_source_an_aspect_is_read_like_any_other() -> None:
    """Which rules are enabled decides what is wanted; a source that nobody wants is not read for this alone."""
    _, asked = await look(NONE, wanted=frozenset(SPARED))
    assert asked == set(SPARED)


@pytest.mark.parametrize(
    ("answers", "read", "more"),
    [
        (
            {Aspect.POLICY: {"Policy": '{"Statement": [{"Principal": {"CanonicalUser": "79a5"}}]}'}},
            Aspect.POLICY,
            {Aspect.ACL},
        ),
        ({Aspect.POLICY: {"Policy": '{"Statement": [{"Effect": "Allow"}]}'}}, Aspect.POLICY, {Aspect.POLICY_STATUS}),
        ({Aspect.OWNERSHIP: AwsError("OwnershipControlsNotFoundError", status=404)}, Aspect.OWNERSHIP, {Aspect.ACL}),
        ({Aspect.VERSIONING: {"Status": "Enabled"}}, Aspect.VERSIONING, {Aspect.REPLICATION, Aspect.OBJECT_LOCK}),
        ({}, Aspect.POLICY, set()),
        ({}, Aspect.TAGGING, set()),
    ],
)
async def test_what_was_inferred_is_read_once_it_follows_no_more(
    answers: Mapping[Aspect, object], read: Aspect, more: set[Aspect]
) -> None:
    """An event has one aspect read; what a sweep had inferred from the one before is asked with it."""
    before, _ = await look(NONE)
    after, asked = await look({**NONE, **answers}, sparing=False, wanted=frozenset({read}), previous=before)
    assert asked == {read, *more}
    assert all(after.reading(aspect) == Present(ANSWERS[aspect][1]) for aspect in more)


async def test_what_follows_from_a_new_policy_takes_the_place_of_what_followed_from_the_old_one() -> None:
    """A policy that only denies has a status where there was none, and nobody has to be asked for it."""
    before, _ = await look(NONE)
    answers = {**NONE, Aspect.POLICY: {"Policy": '{"Statement": [{"Effect": "Deny"}]}'}}
    after, asked = await look(answers, sparing=False, wanted=frozenset({Aspect.POLICY}), previous=before)
    assert asked == {Aspect.POLICY}
    assert after.reading(Aspect.POLICY_STATUS) == NOT_PUBLIC


async def test_a_bucket_that_is_gone_costs_one_step() -> None:
    """Nothing follows from a bucket that is not there, and nothing more is asked."""
    gone = AwsError("NoSuchBucket", status=404)
    state, asked = await look(dict.fromkeys(WANTED, gone))
    assert not state.exists
    assert asked == set(SOURCES)


async def test_a_bucket_deleted_between_the_steps_is_gone() -> None:
    """The whole second step finds it missing."""
    state, _ = await look(dict.fromkeys(SPARED, AwsError("NoSuchBucket", status=404)))
    assert state == BucketState(REF, NOW, exists=False)


def test_the_inferred_acl_grants_nobody_anything() -> None:
    """It has no grants, and is told from a real answer by its unknown owner."""
    assert ACLS_DISABLED.value == Acl("", ())
    real = [value for _, value in ANSWERS.values() if isinstance(value, Acl | Ownership | Policy)]
    assert ACLS_DISABLED.value not in list(chain(real))


async def test_what_hangs_on_a_reading_is_read_with_it() -> None:
    """Versioning was switched on, so replication is read; where it leads to is not left as it was without it."""
    before, _ = await look(NONE)
    before = replace(before, readings={**before.readings, Aspect.REPLICATION_DESTINATIONS: ABSENT})
    answers = {**NONE, Aspect.VERSIONING: {"Status": "Enabled"}}
    after, _ = await look(answers, sparing=False, wanted=frozenset({Aspect.VERSIONING}), previous=before)
    assert after.reading(Aspect.REPLICATION_DESTINATIONS) != ABSENT
