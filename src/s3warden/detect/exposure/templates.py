"""Policy variables: texts with `${...}` in them, split once and resolved for each kind of caller.

Takes value and resource texts, hands on patterns. A text without variables costs one look for `${`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from s3warden.detect.exposure.glob import ONE, STAR, Pattern, Token, arn_like, exact, folded, glob, tokenised


@dataclass(frozen=True, slots=True)
class Variable:
    """`${key}` or `${key, 'default'}`; the key in lower case."""

    key: str
    default: str | None


Part = str | Token | Variable


@lru_cache(maxsize=2048)
def split(text: str, *, wild: bool) -> tuple[Part, ...] | None:
    """The parts of a text in a policy that knows variables; None if a variable is not closed or not understood."""
    parts: list[Part] = []
    rest = text
    while rest:
        plain, opened, rest = rest.partition("${")
        parts += _wildcards(plain) if wild else [plain] if plain else []
        if not opened:
            break
        inner, closed, rest = rest.partition("}")
        if not closed:
            return None
        if inner in {"*", "?", "$"}:
            parts.append(inner)
            continue
        key, comma, default = inner.partition(",")
        default = default.strip()
        if not key.strip() or (comma and not (len(default) > 1 and default[0] == default[-1] == "'")):
            return None
        parts.append(Variable(key.strip().lower(), default[1:-1] if comma else None))
    return tuple(parts)


def _wildcards(text: str) -> list[Part]:
    parts: list[Part] = []
    literal = ""
    for char in text:
        if char in "*?":
            if literal:
                parts.append(literal)
                literal = ""
            parts.append(STAR if char == "*" else ONE)
        else:
            literal += char
    return [*parts, literal] if literal else parts


WILD = frozenset({"StringLike", "ArnLike"})
"""The operators whose values have wildcards."""


def variables_of(text: str, *, wild: bool) -> tuple[Variable, ...]:
    """The variables a text mentions."""
    if "${" not in text:
        return ()
    return tuple(part for part in split(text, wild=wild) or () if isinstance(part, Variable))


class Unresolved(Exception):  # noqa: N818 - a verdict, not a failure
    """The value of a variable is up to the caller, or the text is not understood: the pattern is undecided."""


def pattern(base: str, text: str, resolve: Callable[[Variable], str | None] | None) -> Pattern | None:
    """The pattern a value stands for under operator `base`, or under `Resource`; None if nothing can match.

    `resolve` gives the text of a variable or None if the request lacks it, and may raise Unresolved; it is None for
    a policy that does not know variables.
    """
    wild = base in WILD or base == "Resource"
    if resolve is None or "${" not in text:
        return _plain(base, text)
    parts = split(text, wild=wild)
    if parts is None:
        raise Unresolved
    resolved: list[str | Token] = []
    for part in parts:
        if isinstance(part, Variable):
            value = resolve(part)
            if value is None:
                return None
            resolved.append(value)
        else:
            resolved.append(part)
    if base == "StringEqualsIgnoreCase":
        return folded("".join(part for part in resolved if isinstance(part, str)))
    if base == "ArnLike":
        return _arn(tuple(resolved))
    return tokenised(
        token for part in resolved for token in ([(char, False) for char in part] if isinstance(part, str) else [part])
    )


@lru_cache(maxsize=4096)
def _plain(base: str, text: str) -> Pattern:
    if base in {"StringLike", "Resource"}:
        return glob(text)
    if base == "ArnLike":
        return _arn(tuple(part for part in _wildcards(text) if not isinstance(part, Variable)))
    return folded(text) if base == "StringEqualsIgnoreCase" else exact(text)


def _arn(parts: tuple[str | Token, ...]) -> Pattern:
    if parts == (STAR,):
        return glob("*")
    found = arn_like(parts)
    if found is None:
        raise Unresolved
    return found
