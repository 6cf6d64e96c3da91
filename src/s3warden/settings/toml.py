"""Values as TOML text, and the effective settings with their origins. Nothing secret comes through here."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from s3warden.settings.leaves import leaves, variable
from s3warden.settings.load import Loaded
from s3warden.settings.places import key_text


def toml_value(value: Any) -> str:
    """One value as TOML: texts quoted, lists and tables in line, secrets and durations as they show themselves."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if type(value) in {int, float}:
        return str(value)
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json", exclude_none=True)
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{_key(str(key))} = {toml_value(item)}" for key, item in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(toml_value(item) for item in value)}]"
    # TOML's basic strings take JSON's escapes, but for characters beyond the basic plane and DEL.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    bare = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    return name if bare else json.dumps(name, ensure_ascii=False)


def shown_toml(loaded: Loaded) -> str:
    """The effective settings as TOML, each with its origin behind it; what is not set is a comment."""
    return "\n".join(_lines(loaded)) + "\n"


def _lines(loaded: Loaded) -> Iterator[str]:
    table: tuple[str, ...] = ()
    for path, value, origin in effective(loaded):
        if path[:-1] != table:
            table = path[:-1]
            yield f"\n[{key_text(table)}]"
        text = f"# {path[-1]} is not set" if value is None else f"{path[-1]} = {toml_value(value)}"
        yield f"{text}  # {origin}"


def shown_json(loaded: Loaded) -> str:
    """The effective settings as JSON: for each path its value, its origin and its variable."""
    document = {
        key_text(path): {"value": _plain(value), "origin": origin, "variable": variable(path)}
        for path, value, origin in effective(loaded)
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def effective(loaded: Loaded) -> Iterator[tuple[tuple[str, ...], Any, str]]:
    """Path, value and origin of every setting, the top level first."""
    for path in sorted(leaves(), key=lambda path: len(path) > 1):
        value: Any = loaded.settings
        for name in path:
            value = getattr(value, name)
        yield path, value, loaded.origins.get(path, "default")


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value if value is None or type(value) in {bool, int, float} else str(value)
