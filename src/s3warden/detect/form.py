"""Whether a statement of a policy has the form of a part of one: what operators require and forbid is given in parts.

Each element of the part has to be in the statement: the same texts in any order, actions and condition keys without
case, of a condition at least the keys that are given. `*` in a Sid stands for any text.
"""

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any


def has_form(statement: Mapping[str, Any], part: Mapping[str, Any]) -> bool:
    """Whether a statement has every element of `part`, both as JSON has them."""
    return all(element in statement and _same(element, statement[element], part[element]) for element in part)


def _same(element: str, found: object, wanted: object) -> bool:
    match element:
        case "Sid":
            return fnmatchcase(str(found), str(wanted))
        case "Condition":
            return _conditions(wanted) <= _conditions(found)
        case "Action" | "NotAction":
            return {text.lower() for text in _texts(found)} == {text.lower() for text in _texts(wanted)}
        case "Principal" | "NotPrincipal":
            return _principals(found) == _principals(wanted)
    return _texts(found) == _texts(wanted)


def _texts(value: object) -> frozenset[str]:
    listed = value if isinstance(value, list) else [value]
    # JSON's own true and numbers mean the same as their texts.
    return frozenset(each if isinstance(each, str) else json.dumps(each) for each in listed)


def _principals(value: object) -> frozenset[tuple[str, str]]:
    by_kind = value if isinstance(value, Mapping) else {"AWS": value}
    return frozenset((kind, name) for kind, names in by_kind.items() for name in _texts(names))


def _conditions(value: object) -> frozenset[tuple[str, str, frozenset[str]]]:
    if not isinstance(value, Mapping):
        return frozenset()
    return frozenset(
        (operator, key.lower(), _texts(values))
        for operator, keys in value.items()
        if isinstance(keys, Mapping)
        for key, values in keys.items()
    )
