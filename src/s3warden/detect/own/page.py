"""The view as a table for people: every field that an own rule may speak of."""

from collections.abc import Iterator

from s3warden.detect.own.shapes import Type
from s3warden.detect.own.view import ROOTS, Field
from s3warden.detect.rule import Kind


def fields_markdown() -> str:
    """All fields of `bucket` and `account` as Markdown tables."""
    return "\n".join(_lines()).rstrip("\n") + "\n"


def _lines() -> Iterator[str]:
    yield "# What own rules may speak of\n"
    yield "<!-- Made by `s3warden rules fields`; a test holds the two equal. -->\n"
    yield "How to read this page, and how to write a rule: [own-rules.md](own-rules.md).\n"
    for root, fields in ROOTS[Kind.BUCKET].items():
        yield f"## `{root}`\n"
        yield "| field | type | meaning |"
        yield "| --- | --- | --- |"
        for name, field in fields.items():
            yield from _rows(f"{root}.{name}", field)
        yield ""


def _rows(path: str, field: Field) -> Iterator[str]:
    yield f"| `{path}` | {field.type} | {field.meaning} |"
    for inner, kind in _members(path, field.type):
        yield f"| `{inner}` | {kind} | |"


def _members(path: str, kind: Type) -> Iterator[tuple[str, Type]]:
    """What is in a record, or in the records of a list (`[]`) or map (`[key]`)."""
    if kind.item is not None:
        yield from _members(f"{path}[{'key' if kind.name == 'map' else ''}]", kind.item)
    for name, each in kind.fields.items():
        yield f"{path}.{name}", each
        yield from _members(f"{path}.{name}", each)
