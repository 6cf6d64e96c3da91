"""The shape of a state: its readings without the bucket's own name. Equal shapes have equal verdicts, but for the name.

Most estates are made from a few templates, so that what differs from bucket to bucket is the name in the policy, in a
tag and in the settings of the logs. There it is replaced by a placeholder. A state with its name anywhere else, with a
wildcard that could tell names apart, or with a policy that speaks of time, has no shape and is judged by itself.
"""

import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from s3warden.detect.exposure.memo import PLACEHOLDER, replaced, speaks_of_time, tells_no_names
from s3warden.model.bucket import ABSENT, Aspect, BucketRef, BucketState, Present, Reading
from s3warden.model.configuration import Logging, Policy, Tags
from s3warden.model.readings import Readings

Cells: TypeAlias = tuple[Reading[object], ...]

# Whatever looks like a bucket's name, an old one with capitals or underscores too, with the dots of host names in it.
_WORDS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")

# A text as Python writes it; only there a value can mention a name.
_TEXTS = re.compile(r"'[^'\\]*(?:\\.[^'\\]*)*'" + r'|"[^"\\]*(?:\\.[^"\\]*)*"')


class _Mark:
    """Stands for what is the bucket's own; no text is equal to it."""


_NAME: Final = _Mark()
OWN: Final = Present(_Mark())
"""Stands for a reading that no verdict of a shape hangs on."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What all states of one shape have in common.

    `cells` are the readings without the name, `around` those of the account: shapes are told apart by the identity of
    these, which live as long as the shape. `text` has all texts in the cells.
    """

    cells: Cells
    around: Mapping[Aspect, Reading[object]]
    text: str

    def state(self, like: BucketState) -> BucketState:
        """The state of the placeholder's bucket, made of `like`, one of this shape."""
        positions = like.readings.positions if isinstance(like.readings, Readings) else {}
        return replace(like, ref=replace(like.ref, name=PLACEHOLDER), readings=Readings(positions, self.cells))


@dataclass(frozen=True, slots=True)
class _Template:
    """How the name is taken out of one aspect: a key that is equal for equal templates, and the reading made of it.

    None where the name cannot be taken out, or where the value has a placeholder of its own.
    """

    key: Callable[[Any, BucketRef], Hashable]
    make: Callable[[Any], Reading[object] | None]


class Shapes:
    """Finds the shapes of states whose readings are shared objects, as the cache makes them.

    `own` are aspects that no verdict of a shape hangs on; only whether they are configured is part of it.
    """

    def __init__(self, size: int = 2048, own: frozenset[Aspect] = frozenset()) -> None:
        self._size = size
        self._own = own
        self._templates = tuple((aspect, made) for aspect, made in _TEMPLATES.items() if aspect not in own)
        self._words: dict[int, tuple[object, frozenset[str]]] = {}
        self._bare: dict[tuple[Aspect, Hashable], Reading[object] | None] = {}
        self._known: dict[tuple[Hashable, ...], Shape] = {}

    def of(self, state: BucketState) -> Shape | None:
        """The shape of `state`; None where it has none."""
        readings, account, ref = state.readings, state.account, state.ref
        if not isinstance(readings, Readings) or account is None or ref.name in self._names_in(account.readings):
            return None
        cells = self._bared(readings, ref)
        if cells is None:
            return None
        around = account.readings
        key = (ref.account, ref.region, ref.partition, id(around), id(readings.positions), *map(id, cells))
        shape = self._known.get(key)
        if shape is None:
            if len(self._known) >= self._size:
                self._known.clear()
            text = "\n".join(_TEXTS.findall("\n".join(map(repr, cells))))
            shape = self._known[key] = Shape(tuple(cells), around, text)
        return None if ref.name in shape.text else shape

    def _bared(self, readings: Readings, ref: BucketRef) -> list[Reading[object]] | None:
        """The readings without the name and what is the bucket's own; None where the name cannot be taken out."""
        cells, positions = list(readings.cells), readings.positions
        for aspect in self._own:
            at = positions.get(aspect, -1)
            if at >= 0 and isinstance(cells[at], Present):
                cells[at] = OWN
        for aspect, template in self._templates:
            at = positions.get(aspect, -1)
            cell = ABSENT if at < 0 else cells[at]
            if isinstance(cell, Present):
                bare = self._without_name(aspect, template, template.key(cell.value, ref))
                if bare is None:
                    return None
                cells[at] = bare
        return cells

    def _without_name(self, aspect: Aspect, template: _Template, key: Hashable) -> Reading[object] | None:
        try:
            return self._bare[aspect, key]
        except KeyError:
            if len(self._bare) >= self._size:
                self._bare.clear()
            return self._bare.setdefault((aspect, key), template.make(key))

    def _names_in(self, around: object) -> frozenset[str]:
        """The names that the readings of an account may mention."""
        known = self._words.get(id(around))
        if known is None:
            if len(self._words) >= self._size:
                self._words.clear()
            known = self._words[id(around)] = (around, _names(repr(around)))
        return known[1]


def _policy_key(policy: Policy, ref: BucketRef) -> tuple[str, str]:
    # A placeholder that was there before is no name: such a text is marked by its partition, which no template has.
    partition = ref.partition if PLACEHOLDER not in policy.text else ""
    return partition, str(replaced(policy.text, f":s3:::{ref.name}"))


def _policy(key: tuple[str, str]) -> Reading[object] | None:
    partition, text = key
    bare = Present(Policy(text))
    if not partition or "\\" in text or speaks_of_time(text) or not tells_no_names(text, partition):
        return None
    return bare


def _tags_key(tags: Tags, ref: BucketRef) -> tuple[str | _Mark, ...]:
    name = ref.name
    return tuple([part for key, text in tags.pairs for part in (key, _NAME if text == name else text)])


def _tags(key: tuple[str | _Mark, ...]) -> Reading[object] | None:
    if any(PLACEHOLDER in text for text in key if isinstance(text, str)):
        return None
    texts = [text if isinstance(text, str) else PLACEHOLDER for text in key]
    return Present(Tags(tuple(zip(texts[::2], texts[1::2], strict=True))))


def _logging_key(logging: Logging, ref: BucketRef) -> tuple[object, ...]:
    name, prefix = ref.name, logging.target_prefix
    target = _NAME if logging.target_bucket == name else logging.target_bucket
    foreign = PLACEHOLDER in prefix
    return foreign, target, prefix.replace(name, PLACEHOLDER), logging.key_format, logging.grants


def _logging(key: tuple[Any, ...]) -> Reading[object] | None:
    foreign, target, prefix, key_format, grants = key
    if foreign:
        return None
    return Present(Logging(PLACEHOLDER if target is _NAME else target, prefix, key_format, grants))


_TEMPLATES: Mapping[Aspect, _Template] = MappingProxyType(
    {
        Aspect.POLICY: _Template(_policy_key, _policy),
        Aspect.TAGGING: _Template(_tags_key, _tags),
        Aspect.LOGGING: _Template(_logging_key, _logging),
        # Each bucket's own, and over when its time is: rules that look at them say so by `by_name`.
        Aspect.CHANGES: _Template(lambda _changes, _ref: None, lambda _key: OWN),
    }
)


def _names(text: str) -> frozenset[str]:
    """The words of a text, and of a host name each part up to a dot: a bucket's name may stand before its endpoint."""
    found: set[str] = set()
    for word in _WORDS.findall(text) + _WORDS.findall(text.lower()):
        parts = word.split(".")
        found.update(".".join(parts[:count]) for count in range(1, len(parts) + 1))
    return frozenset(found)
