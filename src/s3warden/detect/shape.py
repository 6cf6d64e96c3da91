"""The shape of a state: its readings without the bucket's own name. Equal shapes have equal verdicts, but for the name.

Most estates are made from a few templates, so that what differs from bucket to bucket is the name in the policy, in a
tag and in the settings of the logs. There it is replaced by a placeholder. A state with its name anywhere else, with a
wildcard that could tell names apart, or with a policy that speaks of time, has no shape and is judged by itself.
"""

import re
from collections.abc import Callable, Container, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, TypeAlias

from s3warden.detect.exposure.memo import PLACEHOLDER, replaced, speaks_of_time, tells_no_names
from s3warden.model.bucket import ABSENT, Aspect, BucketRef, BucketState, Present, Reading
from s3warden.model.configuration import Logging, Policy, Tags
from s3warden.model.readings import Readings

Cells: TypeAlias = tuple[Reading[object], ...]

# Whatever looks like a bucket's name, an old one with capitals or underscores too, with the dots of host names in it.
_WORDS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Shape:
    """`key` is equal for states of one shape as long as `cells`, the readings without the name, are alive."""

    key: tuple[Hashable, ...]
    cells: Cells

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


class _Texts:
    """What was made of a value, by its identity, which stays its own as long as the value is kept here."""

    def __init__(self, size: int, make: Callable[[object], Container[str]]) -> None:
        self._size = size
        self._make = make
        self._known: dict[int, tuple[object, Container[str]]] = {}

    def mention(self, values: Iterable[object], name: str) -> bool:
        """Whether `name` is in what is made of one of `values`."""
        for value in values:
            if value is ABSENT:
                continue
            known = self._known.get(id(value))
            if known is None:
                if len(self._known) >= self._size:
                    self._known.clear()
                known = self._known[id(value)] = (value, self._make(value))
            if name in known[1]:
                return True
        return False


class Shapes:
    """Finds the shapes of states whose readings are shared objects, as the cache makes them."""

    def __init__(self, size: int = 8192) -> None:
        self._size = size
        self._texts = _Texts(size, repr)
        self._words = _Texts(size, lambda value: _names(repr(value)))
        self._templates: dict[Hashable, Reading[object] | None] = {}

    def of(self, state: BucketState) -> Shape | None:
        """The shape of `state`; None where it has none."""
        readings, account, ref = state.readings, state.account, state.ref
        if not isinstance(readings, Readings) or account is None:
            return None
        if self._words.mention((account.readings,), ref.name):
            return None
        cells = list(readings.cells)
        for aspect, template in _TEMPLATES.items():
            at = readings.positions.get(aspect, -1)
            cell = ABSENT if at < 0 else cells[at]
            if isinstance(cell, Present):
                bare = self._bare(template, template.key(cell.value, ref))
                if bare is None:
                    return None
                cells[at] = bare
        if self._texts.mention(cells, ref.name):
            return None
        key = (ref.account, ref.region, ref.partition, id(account.readings), id(readings.positions), *map(id, cells))
        return Shape(key, tuple(cells))

    def _bare(self, template: _Template, key: Hashable) -> Reading[object] | None:
        try:
            return self._templates[key]
        except KeyError:
            if len(self._templates) >= self._size:
                self._templates.clear()
            return self._templates.setdefault(key, template.make(key))


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


def _tags_key(tags: Tags, ref: BucketRef) -> tuple[bool, Tags]:
    name = ref.name
    foreign = any(PLACEHOLDER in text for pair in tags.pairs for text in pair)
    return foreign, Tags(tuple([(key, PLACEHOLDER if text == name else text) for key, text in tags.pairs]))


def _logging_key(logging: Logging, ref: BucketRef) -> tuple[bool, Logging]:
    name = ref.name
    target = PLACEHOLDER if logging.target_bucket == name else logging.target_bucket
    bare = replace(logging, target_bucket=target, target_prefix=logging.target_prefix.replace(name, PLACEHOLDER))
    return PLACEHOLDER in logging.target_prefix, bare


def _unless_foreign(key: tuple[bool, Tags | Logging]) -> Reading[object] | None:
    foreign, bare = key
    return None if foreign else Present(bare)


_TEMPLATES: Mapping[Aspect, _Template] = MappingProxyType(
    {
        Aspect.POLICY: _Template(_policy_key, _policy),
        Aspect.TAGGING: _Template(_tags_key, _unless_foreign),
        Aspect.LOGGING: _Template(_logging_key, _unless_foreign),
    }
)


def _names(text: str) -> frozenset[str]:
    """The words of a text, and of a host name each part up to a dot: a bucket's name may stand before its endpoint."""
    found: set[str] = set()
    for word in _WORDS.findall(text) + _WORDS.findall(text.lower()):
        parts = word.split(".")
        found.update(".".join(parts[:count]) for count in range(1, len(parts) + 1))
    return frozenset(found)
