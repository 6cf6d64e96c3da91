"""CEL expressions, checked before they are believed and compiled once.

CEL has no loops without end, but the library has no limit of time either; so what can be slow is refused by its form: a
text that is too long, loops in loops in loops, `map` where it copies the view over and over, lists added to lists and
looped over. What is left was measured to end within half a second even over a view that is full to its bounds.

A name that the view does not have is refused too, where the text alone shows it. Pure; nothing is evaluated here.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final

import cel

from s3warden.detect.own.shapes import Type
from s3warden.detect.own.view import ROOTS
from s3warden.detect.rule import Kind

LENGTH: Final = 2000
"""Characters of an expression."""
DEPTH: Final = 2
"""Loops within each other."""
LOOPS: Final = 8
"""Loops of an expression altogether."""
NESTED: Final = 2
"""Loops of an expression that stand within another."""

_TOKEN = re.compile(
    r"""
      (?P<space>\s+|//[^\n]*)
    | (?P<text>(?:[rRbB]{0,2})(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<number>[0-9][0-9A-Za-z.]*)
    | (?P<sign>&&|\|\||[=!<>]=|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_FLAT, _COPYING = frozenset({"all", "exists", "exists_one"}), frozenset({"map", "filter"})
_FUNCTIONS = frozenset(
    {
        "all", "bytes", "contains", "double", "duration", "dyn", "endsWith", "exists", "exists_one", "filter",
        "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getFullYear", "getHours", "getMilliseconds",
        "getMinutes", "getMonth", "getSeconds", "has", "int", "map", "matches", "size", "startsWith", "string",
        "timestamp", "type", "uint",
    }
)  # fmt: skip
_WORDS = frozenset({"true", "false", "null", "in"})


class ExpressionError(ValueError):
    """The expression cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression. `used` are the fields that it speaks of, each as root and name."""

    source: str
    used: frozenset[tuple[str, str]]
    program: cel.Program

    def value(self, view: Mapping[str, object]) -> object:
        """What it comes to over a view that has these fields. Raises what CEL raises: any exception."""
        return self.program.execute(dict(view))


def compiled(source: str, kind: Kind) -> Expression:
    """The expression for rules of `kind`. Raises ExpressionError."""
    if len(source) > LENGTH:
        raise ExpressionError(f"has {len(source)} characters; {LENGTH} is the limit")
    reader = _Reader([token for token in _tokens(source) if token.kind != "space"], kind)
    reader.read()
    try:
        program = cel.compile(source)
    except ValueError as error:
        raise ExpressionError(f"is not CEL: {_first_line(error)}") from None
    return Expression(source, frozenset(reader.used), program)


def _first_line(error: ValueError) -> str:
    # "Failed to parse expression '…': ERROR: <input>:1:5: what is wrong", then a drawing of the place.
    return str(error).partition("ERROR: <input>:")[2].partition("\n")[0] or "it cannot be parsed"


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


def _tokens(source: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(source):
        yield _Token(str(match.lastgroup), match.group())


@dataclass(slots=True)
class _Loop:
    """One pair of brackets; `name` where it is a loop's, with the variable that it binds and the type of that."""

    name: str = ""
    variable: str = ""
    item: Type | None = None


@dataclass(slots=True)
class _Reader:
    """Reads the tokens once, from left to right."""

    tokens: Sequence[_Token]
    kind: Kind
    used: set[tuple[str, str]] = field(default_factory=set)
    _open: list[_Loop] = field(default_factory=list)
    _loops: int = 0
    _nested: int = 0
    # The type of the path that ends at the token before, None where it is not known.
    _here: Type | None = None
    # Whether the brackets that closed last were those of `map` or `filter`.
    _closed_copy: bool = False

    def read(self) -> None:
        """Raises ExpressionError for what must not be."""
        position = 0
        while position < len(self.tokens):
            position = self._step(position)

    def _text(self, position: int) -> str:
        return self.tokens[position].text if 0 <= position < len(self.tokens) else ""

    def _step(self, position: int) -> int:
        token = self.tokens[position]
        if token.kind == "name":
            return self._name(position)
        if token.text == "(":
            self._open.append(_Loop())
        elif token.text == ")" and self._open:
            self._closed_copy = self._open.pop().name in _COPYING
        if token.text != ".":
            self._here = None
        return position + 1

    def _name(self, position: int) -> int:
        name, after = self._text(position), self._text(position + 1)
        if self._text(position - 1) == ".":
            return self._loop(position) if after == "(" and name in _FLAT | _COPYING else self._member(position)
        if after == "(":
            self._known_function(name)
            return position + 1
        bound = next((loop for loop in reversed(self._open) if loop.variable == name), None)
        if bound is not None:
            self._here = bound.item
            return position + 1
        if name in ROOTS[self.kind]:
            return self._root(position)
        if name not in _WORDS:
            raise ExpressionError(f"nothing is called `{name}` here{_meant(name, [*ROOTS[self.kind], *_WORDS])}")
        self._here = None
        return position + 1

    def _known_function(self, name: str) -> None:
        if name not in _FUNCTIONS:
            raise ExpressionError(f"there is no function `{name}`{_meant(name, sorted(_FUNCTIONS))}")

    def _root(self, position: int) -> int:
        root, name = self._text(position), self._text(position + 2)
        fields = ROOTS[self.kind][root]
        if self._text(position + 1) != "." or self._text(position + 3) == "(":
            raise ExpressionError(f"`{root}` must be followed by a field, as in `{root}.{next(iter(fields))}`")
        if name not in fields:
            raise ExpressionError(f"`{root}` has no field `{name}`{_meant(name, list(fields))}")
        if any(loop.name == "map" for loop in self._open):
            raise ExpressionError("within `map` only its own variable may be used: else the view is copied many times")
        self.used.add((root, name))
        self._here = fields[name].type
        return position + 3

    def _member(self, position: int) -> int:
        name = self._text(position)
        if self._text(position + 1) == "(":
            self._known_function(name)
            self._here = None
            return position + 1
        if self._here is not None and self._here.name == "record" and name not in self._here.fields:
            raise ExpressionError(f"there is no `.{name}` in this place{_meant(name, list(self._here.fields))}")
        if self._here is not None:
            self._here = self._here.item if self._here.name == "map" else self._here.fields.get(name)
        return position + 1

    def _loop(self, position: int) -> int:
        """`list.exists(variable, …)`: the brackets are opened, the variable is bound."""
        name, variable = self._text(position), self._text(position + 2)
        before = self._text(position - 2)
        self._loops += 1
        if self._loops > LOOPS:
            raise ExpressionError(f"has more than {LOOPS} loops (`all`, `exists`, `map` …)")
        nested = [loop for loop in self._open if loop.name]
        if len(nested) >= DEPTH:
            raise ExpressionError(f"has more than {DEPTH} loops (`all`, `exists`, `map` …) within each other")
        self._nested += bool(nested)
        if self._nested > NESTED:
            raise ExpressionError(f"has more than {NESTED} loops that stand within another")
        if nested and name in _COPYING:
            raise ExpressionError(f"`{name}` must not stand within another loop: use `exists` or `all` there")
        if before == "}" or (before == "]" and name in _COPYING) or (before == ")" and not self._closed_copy):
            raise ExpressionError(f"`{name}` needs a field of the view before it, not something computed")
        if variable in ROOTS[self.kind] or not variable.isidentifier() or self._text(position + 3) != ",":
            raise ExpressionError(f"`{name}` needs a variable of its own first, as in `{name}(x, …)`")
        item = self._here.item if self._here is not None and self._here.name == "list" else None
        self._open.append(_Loop(name, variable, item))
        self._here = None
        return position + 4


def _meant(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    return f"; did you mean `{near[0]}`?" if near else ""
