"""The types of the view, taken from the model's own types, and values as these types have them.

A value of the model goes in, what CEL knows comes out: texts, numbers, lists, maps. What is not configured has the
empty value of its type, so that an expression never stumbles over it; a record that may be missing says so in
`configured`. Pure. It must never make something of what could not be read: that raises `HiddenError`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from types import MappingProxyType, UnionType
from typing import Any, TypeAlias, Union, get_args, get_origin, get_type_hints

from s3warden.detect.rule import RuleFailedError
from s3warden.model.bucket import Absent, Present, Regional, Unreadable
from s3warden.model.configuration import Policy, Tags
from s3warden.model.references import Settings

Plain: TypeAlias = Any

ITEMS = 200
"""A list or a map of the view has at most so many items: beyond that an own rule is unknown."""

CONFIGURED = "configured"
_NONE: Mapping[str, "Type"] = MappingProxyType({})


class HiddenError(Exception):
    """A part of the value could not be read."""

    def __init__(self, reading: Unreadable) -> None:
        super().__init__(reading.cause)
        self.reading = reading


@dataclass(frozen=True, eq=False)
class Type:
    """`name` is `bool`, `string`, `int`, `double`, `timestamp`, `list`, `map`, `record` or `any`.

    Lists and maps have an `item`, records have `fields`. `empty` is what stands for a missing value.
    """

    name: str
    empty: Plain = None
    item: "Type | None" = None
    fields: Mapping[str, "Type"] = field(default_factory=lambda: _NONE)

    def __str__(self) -> str:
        inner = f" of {self.item}" if self.item is not None else ""
        return f"{self.name}{inner}"


BOOL, STRING, INT = Type("bool", False), Type("string", ""), Type("int", 0)
ANY, NUMBER, DOUBLE, TIMESTAMP = Type("any"), Type("int or null"), Type("double", 0.0), Type("timestamp or null")
TEXTS = Type("list", [], STRING)


def listed(item: Type) -> Type:
    """A list of `item`."""
    return Type("list", [], item)


def record(members: Mapping[str, Type], *, optional: bool = False) -> Type:
    """A record; an optional one says in `configured` whether it is there."""
    whole = {CONFIGURED: BOOL, **members} if optional else dict(members)
    return Type("record", {name: each.empty for name, each in whole.items()}, fields=whole)


_CONDITION = record({"operator": STRING, "key": STRING, "values": TEXTS})
_STATEMENT = record(
    {
        "sid": STRING,
        "effect": STRING,
        "principals": TEXTS,
        "not_principals": TEXTS,
        "actions": TEXTS,
        "not_actions": TEXTS,
        "resources": TEXTS,
        "not_resources": TEXTS,
        "conditions": listed(_CONDITION),
    }
)
_POLICY = record({"statements": listed(_STATEMENT)})
_TAGS = Type("map", {}, STRING)


@cache
def type_of(hint: Any) -> Type:
    """The type that the view has for a type of the model. TypeError for one that it has no form for."""
    simple = _SIMPLE.get(hint)
    if simple is not None:
        return simple
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _union(arguments)
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        return _several_of(arguments[0])
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return STRING
    if isinstance(hint, type) and is_dataclass(hint):
        hints = get_type_hints(hint)
        shown = (each.name for each in fields(hint) if hints[each.name] is not Settings)
        return record({name: type_of(hints[name]) for name in shown})
    raise TypeError(f"the view has no form for {hint}")


def _several_of(hint: Any) -> Type:
    """Pairs of a text and something are a map, all else is a list."""
    pair = get_args(hint) if get_origin(hint) is tuple else ()
    if len(pair) == 2 and pair[0] is str:
        return Type("map", {}, type_of(pair[1]))
    return listed(type_of(hint))


_SIMPLE: Mapping[Any, Type] = {
    bool: BOOL,
    str: STRING,
    int: INT,
    float: DOUBLE,
    datetime: TIMESTAMP,
    Policy: _POLICY,
    Tags: _TAGS,
}


def _union(arguments: tuple[Any, ...]) -> Type:
    """A reading, or what may be None."""
    inner = [each for each in arguments if each not in (Absent, Unreadable, type(None))]
    if len(inner) != 1:
        raise TypeError(f"the view has no form for a choice of {arguments}")
    hint = get_args(inner[0])[0] if get_origin(inner[0]) is Present else inner[0]
    if hint is int:
        return NUMBER
    return _optional(type_of(hint))


def _optional(kind: Type) -> Type:
    return record(kind.fields, optional=True) if kind.name == "record" else kind


def optional(hint: Any) -> Type:
    """The type of an aspect with values of the type `hint`: where it is a record, it says whether it is there."""
    return _optional(type_of(hint))


def regional(hint: Any) -> Type:
    """The type of an aspect that has a value of the type `hint` in each region: a map by region."""
    return Type("map", {}, optional(hint))


def plain(value: Any, kind: Type) -> Plain:
    """The value as `kind` has it.

    Raises HiddenError where a part could not be read, RuleFailedError where it is too large for the view, or is not
    what it should be.
    """
    if isinstance(value, Unreadable):
        raise HiddenError(value)
    if value is None or isinstance(value, Absent):
        return kind.empty
    if isinstance(value, Present):
        return plain(value.value, kind)
    match kind.name:
        case "record":
            return _record(value, kind)
        case "list":
            return [plain(each, kind.item or ANY) for each in _bounded(value)]
        case "map":
            return {key: plain(each, kind.item or ANY) for key, each in _bounded(_pairs(value))}
    return str(value) if isinstance(value, StrEnum) else value


def _record(value: Any, kind: Type) -> Plain:
    made: Plain
    if isinstance(value, Policy):
        made = {"statements": _statements(value.text)}
    else:
        made = {name: plain(getattr(value, name), each) for name, each in kind.fields.items() if name != CONFIGURED}
    return {CONFIGURED: True, **made} if CONFIGURED in kind.fields else made


def _pairs(value: Any) -> Any:
    match value:
        case Tags():
            return value.pairs
        case Regional():
            return value.regions
    return value


def _bounded(items: Any) -> list[Any]:
    found = list(items)
    if len(found) > ITEMS:
        raise RuleFailedError(f"a setting has {len(found)} parts; own rules look at {ITEMS} at most")
    return found


def _json(text: str) -> Plain:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise RuleFailedError("a document of the bucket is not JSON") from None


def _statements(text: str) -> list[Plain]:
    """The statements of a policy: single texts are lists of one, principals carry their kind but for AWS accounts."""
    document = _json(text)
    found = document.get("Statement") if isinstance(document, dict) else None
    found = [found] if isinstance(found, dict) else found
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise RuleFailedError("the policy has no list of statements")
    return [_statement(each) for each in _bounded(found)]


def _statement(source: Mapping[str, Any]) -> Plain:
    return {
        "sid": str(source.get("Sid", "")),
        "effect": str(source.get("Effect", "")),
        "principals": _principals(source.get("Principal")),
        "not_principals": _principals(source.get("NotPrincipal")),
        "actions": _texts(source.get("Action")),
        "not_actions": _texts(source.get("NotAction")),
        "resources": _texts(source.get("Resource")),
        "not_resources": _texts(source.get("NotResource")),
        "conditions": _conditions(source.get("Condition")),
    }


def _principals(value: Any) -> list[str]:
    if not isinstance(value, dict):
        return _texts(value)
    named = ((kind, name) for kind, names in value.items() for name in _texts(names))
    return _bounded(name if kind == "AWS" else f"{kind}:{name}" for kind, name in named)


def _conditions(value: Any) -> list[Plain]:
    if value is None:
        return []
    if not isinstance(value, dict) or not all(isinstance(keys, dict) for keys in value.values()):
        raise RuleFailedError("a statement of the policy has a Condition that is not one")
    found = (
        {"operator": operator, "key": key, "values": _texts(values)}
        for operator, keys in value.items()
        for key, values in keys.items()
    )
    return _bounded(found)


def _texts(value: Any) -> list[str]:
    if value is None:
        return []
    # AWS takes numbers and truth values where it means texts.
    return [each if isinstance(each, str) else json.dumps(each) for each in _bounded(_several(value))]


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
