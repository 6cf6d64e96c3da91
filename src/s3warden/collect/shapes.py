"""Takes single parts out of AWS's parsed answers, each with the shape that AWS documents, or raises `ShapeError`.

A damaged answer must never pass for "not configured", so nothing here has a default.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import TypeAlias

Answer: TypeAlias = Mapping[str, object]


class ShapeError(Exception):
    """The answer does not have the shape that AWS documents."""


def mapping(value: object, name: str) -> Answer:
    if not isinstance(value, Mapping):
        raise ShapeError(f"{name} is missing or has no parts")
    return value


def sequence(value: object, name: str) -> list[object] | tuple[object, ...]:
    if not isinstance(value, list | tuple):
        raise ShapeError(f"{name} is missing or no list")
    return value


def text(value: object, name: str) -> str:
    if not isinstance(value, str) or not value:
        raise ShapeError(f"{name} is missing or no text")
    return value


def optional_text(value: object, name: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise ShapeError(f"{name} is no text")
    return value


def one_of(value: object, name: str, *allowed: str) -> str:
    if not isinstance(value, str) or value not in allowed:
        raise ShapeError(f"{name} is none of {', '.join(allowed)}")
    return value


def flag(value: object, name: str) -> bool:
    if not isinstance(value, bool):
        raise ShapeError(f"{name} is neither true nor false")
    return value


def optional_number(value: object, name: str) -> int | None:
    """A whole number from 0 on."""
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
        raise ShapeError(f"{name} is no whole number")
    return value


def optional_date(value: object, name: str) -> str | None:
    """A point in time, as ISO 8601 text; it may be given as such."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ShapeError(f"{name} is no date") from None
    if value is not None and not isinstance(value, date):
        raise ShapeError(f"{name} is no date")
    return None if value is None else value.isoformat()


def texts(value: object, name: str) -> tuple[str, ...]:
    """A list of texts; one that is missing is damaged, an empty one is not."""
    return tuple(text(item, name) for item in sequence(value, name))


def optional_mapping(value: object, name: str) -> Answer:
    """A part that may be left out, which is the same as empty."""
    return {} if value is None else mapping(value, name)


def enabled(value: object, name: str) -> bool:
    """AWS's `Enabled` or `Disabled`."""
    return one_of(value, name, "Enabled", "Disabled") == "Enabled"
