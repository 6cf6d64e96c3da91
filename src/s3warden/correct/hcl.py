"""Pieces of HCL, the language of Terraform: strings, values, names, blocks. Pure."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

_NONE: Mapping[str, str] = MappingProxyType({})


def quoted(text: object) -> str:
    """A string of HCL."""
    plain = json.dumps(str(text), ensure_ascii=False)
    return plain.replace("${", "$${").replace("%{", "%%{")


def label(place: str) -> str:
    """A name for a resource, from that of what it is about."""
    name = re.sub(r"[^A-Za-z0-9_-]", "_", place)
    return name if re.match(r"[A-Za-z_]", name) else f"_{name}"


def block(head: str, inner: Sequence[str]) -> list[str]:
    """A block with these lines in it."""
    return [f"{head} {{", *(f"  {line}" if line else "" for line in inner), "}"]


def literal(value: object) -> str:
    """A value as HCL spells it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value) if isinstance(value, int) else quoted(value)


def snake(name: str) -> str:
    """A name of the API as the provider spells it."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def listed(value: object) -> str:
    """A list of strings, or a value."""
    return f"[{', '.join(map(quoted, value))}]" if isinstance(value, list) else literal(value)


def structure(document: Mapping[str, Any], names: Mapping[str, str] = _NONE) -> Iterator[str]:
    """A structure of the API, as the provider has most of them: one in it is a block, a list of them repeats the block.

    `names` are those that the provider spells in its own way. A list with nothing in it says nothing.
    """
    for key, value in sorted(document.items(), key=lambda item: _nests(item[1])):
        name = names.get(key, snake(key))
        if _nests(value):
            for each in [value] if isinstance(value, Mapping) else value:
                yield from block(name, [*structure(each, names)])
        elif value != []:
            yield f"{name} = {listed(value)}"


def _nests(value: object) -> bool:
    return isinstance(value, Mapping) or (isinstance(value, list) and any(isinstance(each, Mapping) for each in value))


def policy(document: Any, name: str = "policy") -> Iterator[str]:
    """The argument that has a policy."""
    text = json.dumps(document["Policy"], indent=2, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")
    first, *rest = text.splitlines()
    yield f"{name} = jsonencode({first}"
    yield from rest[:-1]
    yield f"{rest[-1]})" if rest else ")"
