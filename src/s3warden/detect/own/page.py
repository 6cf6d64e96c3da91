"""The view as a table for people: every field that an own rule may speak of."""

from collections.abc import Iterator, Mapping

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
    beside = ROOTS[Kind.BUCKET]["account"]
    yield from _table("`bucket`", "bucket", ROOTS[Kind.BUCKET]["bucket"])
    yield from _table("`account` in rules about buckets", "account", beside)
    account = ROOTS[Kind.ACCOUNT]["account"]
    regional = {name: field for name, field in account.items() if field.type is not beside[name].type}
    yield from _table("`account` in rules about accounts, where it differs", "account", regional)


def _table(title: str, root: str, fields: Mapping[str, Field]) -> Iterator[str]:
    yield f"## {title}\n"
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
