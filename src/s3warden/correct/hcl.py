"""Pieces of HCL, the language of Terraform: strings, values, names, blocks. Pure."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any


def commented(document: object) -> list[str]:
    """A document as comments."""
    return [f"#   {line}" for line in json.dumps(document, indent=2, ensure_ascii=False).splitlines()]


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


def policy(document: Any, name: str = "policy") -> Iterator[str]:
    """The argument that has a policy."""
    text = json.dumps(document["Policy"], indent=2, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")
    first, *rest = text.splitlines()
    yield f"{name} = jsonencode({first}"
    yield from rest[:-1]
    yield f"{rest[-1]})" if rest else ")"
