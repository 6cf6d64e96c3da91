"""Whether an exemption is about a subject, and if not, what says so.

Takes what is known of a subject, hands on a `Mismatch`, or None. What could not be read matches nothing: tags that are
unreadable never exempt by tag, and an account whose units are not known never by unit.

The semantics are frozen: within a field one match is enough (union), every field that is given must match
(intersection), globs know `*` and `?` only, and case counts.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from s3warden.model.bucket import Absent, Aspect, BucketRef, State, Subject, Unreadable
from s3warden.model.configuration import Tags
from s3warden.model.exemption import Scope


@dataclass(frozen=True, slots=True)
class Place:
    """A subject with what scopes ask about it. `tags` None or `units` None: could not be read, with the reason."""

    subject: Subject
    tags: tuple[tuple[str, str], ...] | None
    units: frozenset[str] | None
    tags_unread: str = ""


def place_of(state: State, units: frozenset[str] | None) -> Place:
    """The place of a state. `units` are those that the account is below, its root included; None if not known."""
    reading = state.reading(Aspect.TAGGING)
    if isinstance(reading, Unreadable):
        return Place(state.ref, None, units, reading.cause.value.replace("_", " "))
    tags = () if isinstance(reading, Absent) else _pairs(reading.value)
    return Place(state.ref, tags, units)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Why a scope is not about a place. `unread`: only because something could not be read, it might be."""

    text: str
    unread: bool = False


def mismatch(scope: Scope, place: Place) -> Mismatch | None:
    """Why `scope` is not about `place`; None if it is. What is known not to match comes before what is not known."""
    tests = (
        (scope.accounts, _account),
        (scope.units, _units),
        (scope.buckets, _bucket),
        (scope.arns, _arn),
        (scope.tags, _tags),
    )
    found = [why for given, test in tests if given and (why := test(given, place)) is not None]
    return min(found, key=lambda why: why.unread, default=None)


def may_concern(scope: Scope, subject: Subject) -> bool:
    """Whether `scope` could be about a subject of which nothing but its name is known."""
    place = Place(subject, (), frozenset())
    tests: tuple[tuple[tuple[str, ...], _Test], ...] = (
        (scope.accounts, _account),
        (scope.buckets, _bucket),
        (scope.arns, _arn),
    )
    return all(test(given, place) is None for given, test in tests if given)


_Test: TypeAlias = Callable[[tuple[str, ...], Place], Mismatch | None]


def _account(given: tuple[str, ...], place: Place) -> Mismatch | None:
    if place.subject.account in given:
        return None
    return Mismatch(f"account {place.subject.account} is not among its accounts")


def _units(given: tuple[str, ...], place: Place) -> Mismatch | None:
    if place.units is None:
        return Mismatch(f"the units of account {place.subject.account} are not known", unread=True)
    if place.units.isdisjoint(given):
        return Mismatch(f"account {place.subject.account} is below none of its units")
    return None


def _bucket(given: tuple[str, ...], place: Place) -> Mismatch | None:
    if not isinstance(place.subject, BucketRef):
        return Mismatch("it names buckets, and the finding is about the account")
    name = place.subject.name
    return None if _any(given, name) else Mismatch(f"the name {name} matches none of its buckets")


def _arn(given: tuple[str, ...], place: Place) -> Mismatch | None:
    if not isinstance(place.subject, BucketRef):
        return Mismatch("it names ARNs of buckets, and the finding is about the account")
    arn = place.subject.arn
    return None if _any(given, arn) else Mismatch(f"{arn} matches none of its ARNs")


def _tags(given: tuple[str, ...], place: Place) -> Mismatch | None:
    if not isinstance(place.subject, BucketRef):
        return Mismatch("it names tags of buckets, and the finding is about the account")
    if place.tags is None:
        return Mismatch(f"the bucket's tags could not be read ({place.tags_unread}), so no tag counts", unread=True)
    for wanted in given:
        key, _, value = wanted.partition("=")
        if any(key == name and _glob(value).fullmatch(found) for name, found in place.tags):
            return None
    return Mismatch("the bucket has none of its tags")


def matches(pattern: str, text: str) -> bool:
    """Whether the whole text matches a glob: `*` any text, `?` one character; case counts."""
    return _glob(pattern).fullmatch(text) is not None


def _any(globs: Iterable[str], text: str) -> bool:
    return any(_glob(glob).fullmatch(text) for glob in globs)


def any_of(globs: Iterable[str]) -> re.Pattern[str]:
    """One pattern for several globs; for none of them one that matches nothing."""
    return re.compile("|".join(map(_expression, dict.fromkeys(globs))) or r"(?!)", re.DOTALL)


@lru_cache(maxsize=4096)
def _glob(pattern: str) -> re.Pattern[str]:
    return re.compile(_expression(pattern), re.DOTALL)


def _expression(pattern: str) -> str:
    words = {"*": ".*", "?": "."}
    return "".join(words.get(char) or re.escape(char) for char in pattern)


def _pairs(value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, Tags):
        raise TypeError(f"tags are a {type(value).__name__}, not Tags")
    return value.pairs
