"""The settings as documents: the example file and the reference page, written from the tree itself.

Takes the sections with their descriptions, defaults and examples, hands on text. So no setting can be missing from the
documents, and no document can promise what the code does not have.
"""

import textwrap
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from s3warden.settings.leaves import leaves, members, variable
from s3warden.settings.sections import Settings
from s3warden.settings.toml import toml_value

_WIDTH = 110
_RULE = "# " + "-" * 20
_HEAD = """\
# Settings of s3warden.
#
# Every setting is here with its meaning. Lines that begin with `#name =` are switched off; they show the default, or
# an example where there is none. The address of one queue is enough to begin with.
#
# Flags beat the environment, the environment beats this file. A variable is called S3WARDEN_ and then the path with
# two underscores between its parts: S3WARDEN_LOG__LEVEL=debug. Lists are JSON, or texts with commas between them.
# Durations have a unit: 500ms, 30s, 5m, 6h, 1d.
# Secrets are given by reference: env:NAME, file:/path, secretsmanager:<ARN or name>#key, ssm:/name.
#
# `s3warden config validate --config FILE` checks a file, `s3warden config show` prints what is in effect and why.
"""


def example() -> str:
    """An example file with every setting, all of them switched off."""
    return "\n".join([_HEAD, *_plain(), *_lists(), *_sections()])


def _plain() -> Iterator[str]:
    for name, field in Settings.model_fields.items():
        if not members(field):
            yield _entry(name, field)
    queues = Settings.model_fields["queues"]
    (queue,) = members(queues)
    url = toml_value([_shown(queue.model_fields["url"])])
    yield f"{_comment(queues.description or '')}\n#queues = {url}\n"


def _lists() -> Iterator[str]:
    for name, field in Settings.model_fields.items():
        if not _is_section(field):
            for kind in members(field):
                yield f"{_RULE}\n{_comment(kind.__doc__ or '')}\n#[[{name}]]"
                yield from (_entry(key, member, kind.__name__.lower()) for key, member in _in_order(kind))


def _sections() -> Iterator[str]:
    for name, field in Settings.model_fields.items():
        if _is_section(field):
            (section,) = members(field)
            yield f"{_RULE}\n{_comment(section.__doc__ or '')}\n[{name}]"
            yield from (_entry(key, member) for key, member in section.model_fields.items())


def _entry(name: str, field: FieldInfo, kind: str = "") -> str:
    # Names are unique, so the examples are called after their kinds.
    value = kind if name == "name" else _shown(field)
    return f"{_comment(field.description or '')}\n#{name} = {toml_value(value)}\n"


def _comment(text: str) -> str:
    return "\n".join(f"# {line}" for line in textwrap.wrap(text, _WIDTH))


def reference() -> str:
    """The reference page in Markdown: a table for each section."""
    return "\n".join(_page())


def _page() -> Iterator[str]:
    yield "# Settings\n"
    yield (
        "Written from the code by `s3warden config example --format markdown`. `s3warden config example` prints the\n"
        "same as a file to start from. Flags beat the environment, the environment beats the file, the file beats the\n"
        "defaults. Unknown settings are refused, and everything that is wrong is told at once.\n"
    )
    yield (
        "Durations have a unit (`500ms`, `30s`, `5m`, `6h`, `1d`). Lists in variables are JSON, or texts with commas\n"
        "between them; an empty variable counts as not set. Secrets are references: `env:NAME`, `file:/path`,\n"
        "`secretsmanager:<ARN or name>#key` or `ssm:<name>`; a secret written into the file works and is warned of.\n"
        "They are read when they are needed, believed for five minutes, and never shown.\n"
    )
    yield "`S3WARDEN_CONFIG` names the file where `--config` does not.\n"
    yield "## Top level\n"
    yield from _table({(name,): field for name, field in Settings.model_fields.items() if not _is_section(field)})
    for name, field in Settings.model_fields.items():
        if _is_section(field):
            (section,) = members(field)
            yield f"## `[{name}]`\n\n{section.__doc__}\n"
            yield from _table({(name, key): member for key, member in section.model_fields.items()})
    for name, field in Settings.model_fields.items():
        for kind in () if _is_section(field) else members(field):
            which = f": {kind.__name__.lower()}" if len(members(field)) > 1 else ""
            yield f"## `[[{name}]]`{which}\n\n{kind.__doc__}\n"
            yield from _table({(key,): member for key, member in _in_order(kind)}, variables=False)


def _table(fields: dict[tuple[str, ...], FieldInfo], *, variables: bool = True) -> Iterator[str]:
    yield "| setting | default | meaning |" + (" variable |" if variables else "")
    yield "| --- | --- | --- |" + (" --- |" if variables else "")
    known = leaves()
    for path, field in fields.items():
        cells = [f"`{path[-1]}`", _default(field), (field.description or "").replace("|", "&#124;")]
        if variables and path in known:
            cells.append(f"`{variable(path)}`")
        yield f"| {' | '.join(cells)} |"
    yield ""


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    return "none" if _is_empty(field.default) else f"`{toml_value(field.default)}`"


def _is_section(field: FieldInfo) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)


def _in_order(kind: type[BaseModel]) -> list[tuple[str, FieldInfo]]:
    """The fields of a list's member: what must be there first, the kind above all."""
    fields = list(kind.model_fields.items())
    return sorted(fields, key=lambda item: (item[0] != "type", not item[1].is_required()))


def _shown(field: FieldInfo) -> Any:
    """What stands behind the name: the default, or an example where the default says nothing."""
    default = field.default
    if default is PydanticUndefined or _is_empty(default):
        if field.examples:
            return field.examples[0]
        literal = getattr(field.annotation, "__args__", ("",))
        return literal[0] if field.is_required() else default
    return default


def _is_empty(value: object) -> bool:
    return value is None or value in ((), {})
