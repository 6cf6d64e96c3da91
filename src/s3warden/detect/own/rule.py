"""An own rule: from what the operator wrote to a rule like any other.

`pass_when` says what has to hold, `applies_when` for whom; `message` is told where it does not hold. Whatever an
expression does but say true or false, the verdict is unknown, never a pass. Pure.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from s3warden.detect.own.expression import Expression, ExpressionError, compiled
from s3warden.detect.own.shapes import Plain
from s3warden.detect.own.view import needs, view
from s3warden.detect.rule import (
    Judgement,
    Kind,
    Rule,
    RuleFailedError,
    RuleOptions,
    UnreadableError,
    always,
    fails,
    not_applicable,
    passes,
)
from s3warden.model.bucket import State
from s3warden.model.finding import Severity
from s3warden.model.framework import Control
from s3warden.model.rule import Category, RuleInfo

PREFIX: Final = "own-"
MOST: Final = 100
"""So many own rules at most: each has series of its own in the metrics."""

_SHOWN = 200
_PART = re.compile(r"\{\{(?P<source>.*?)\}\}", re.DOTALL)
_UNSHOWN = "?"


@dataclass(frozen=True, slots=True)
class Written:
    """What the operator wrote. `cli` and `terraform` are the fix, in which names in braces are filled in."""

    id: str
    title: str
    severity: Severity
    category: Category
    kind: Kind
    pass_when: str
    applies_when: str = ""
    message: str = ""
    why: str = ""
    cli: str = ""
    terraform: str = ""
    references: tuple[str, ...] = ()
    maps: tuple[Control, ...] = ()

    @property
    def revision(self) -> str:
        """Stays the same as long as the rule finds the same."""
        parts = (self.kind.value, self.pass_when, self.applies_when)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class OwnCheck:
    """The compiled expressions of one rule; a check as rules have it."""

    kind: Kind
    pass_when: Expression
    applies_when: Expression | None
    message: "Message"

    @property
    def used(self) -> frozenset[tuple[str, str]]:
        """The fields without which there is no verdict."""
        return self.pass_when.used | (self.applies_when.used if self.applies_when else frozenset())

    def __call__(self, state: State, _options: RuleOptions) -> Judgement:
        """The judgement on a state. Raises UnreadableError, or RuleFailedError where there is none."""
        return self.judge(view(state, self.kind, self.used), state)

    def judge(self, seen: Mapping[str, Plain], state: State | None = None) -> Judgement:
        """The judgement on a view; what only the message asks for is looked up in `state`."""
        if self.applies_when is not None and not _truth(self.applies_when, seen):
            return not_applicable("The rule's own condition leaves this one out.")
        if _truth(self.pass_when, seen):
            return passes("The rule's own condition holds.")
        text, parts = self.message.filled(self._with_hints(seen, state))
        return fails(text, parts)

    def _with_hints(self, seen: Mapping[str, Plain], state: State | None) -> Mapping[str, Plain]:
        if state is None:
            return seen
        mixed = {root: dict(fields) for root, fields in seen.items()}
        for root, name in sorted(self.message.used - self.used):
            try:
                mixed[root] |= view(state, self.kind, [(root, name)])[root]
            except (UnreadableError, RuleFailedError):
                continue
        return mixed


def _truth(expression: Expression, seen: Mapping[str, Plain]) -> bool:
    try:
        value = expression.value(seen)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is no verdict
        raise RuleFailedError(_shortened(f"`{expression.source}` failed: {_what(error)}")) from None
    if not isinstance(value, bool):
        raise RuleFailedError(_shortened(f"`{expression.source}` is neither true nor false but {type(value).__name__}"))
    return value


def _what(error: Exception) -> str:
    # A KeyError shows nothing but the key; the library's other errors are sentences, with advice behind the colon.
    return f"there is no {error}" if isinstance(error, KeyError) else str(error).partition(":")[0]


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


@dataclass(frozen=True, slots=True)
class Message:
    """A text with expressions between double braces."""

    text: str
    parts: Mapping[str, Expression] = field(default_factory=dict)

    @property
    def used(self) -> frozenset[tuple[str, str]]:
        """The fields that the parts speak of."""
        return frozenset[tuple[str, str]]().union(*(part.used for part in self.parts.values()))

    def filled(self, seen: Mapping[str, Plain]) -> tuple[str, dict[str, str]]:
        """The text, and the values of its parts by their source: they decide whether a finding has changed."""
        values = {source: _shown(part, seen) for source, part in self.parts.items()}
        return _PART.sub(lambda match: values[match["source"].strip()], self.text), values


def _shown(part: Expression, seen: Mapping[str, Plain]) -> str:
    """A part that comes to nothing spoils neither the verdict nor the rest of the text."""
    try:
        value: Any = part.value(seen)
    except Exception:  # noqa: BLE001 - as above
        return _UNSHOWN
    return _shortened(value if isinstance(value, str) else json.dumps(value, default=str, sort_keys=True))


def message(text: str, kind: Kind) -> Message:
    """The message of a rule of this kind. Raises ExpressionError."""
    sources = [match["source"].strip() for match in _PART.finditer(text)]
    return Message(text, {source: compiled(source, kind) for source in sources})


def check_of(written: Written) -> OwnCheck:
    """The check. Raises ExpressionError, with the name of the part that cannot be used."""
    return OwnCheck(
        kind=written.kind,
        pass_when=_part("pass_when", written.pass_when, written.kind),
        applies_when=_part("applies_when", written.applies_when, written.kind) if written.applies_when else None,
        message=_message_of(written),
    )


def _part(name: str, source: str, kind: Kind) -> Expression:
    try:
        return compiled(source, kind)
    except ExpressionError as error:
        raise ExpressionError(f"`{name}` {error}") from None


def _message_of(written: Written) -> Message:
    try:
        return message(written.message or f"{written.title}.", written.kind)
    except ExpressionError as error:
        raise ExpressionError(f"`message` {error}") from None


def rule_of(written: Written) -> Rule:
    """The rule. Raises ExpressionError."""
    check = check_of(written)
    aspects = needs(written.kind, check.used)
    info = RuleInfo(
        id=written.id,
        title=written.title,
        severity=written.severity,
        category=written.category,
        needs=aspects,
        why=written.why,
        cli=written.cli,
        terraform=written.terraform,
        console="",
        cloudformation="",
        verify="",
        maps=written.maps,
        # Whoever writes a rule wants it applied.
        default=True,
        references=written.references,
        hints=needs(written.kind, check.message.used) - aspects,
    )
    return Rule(info, written.kind, check, revision=written.revision, by_name=always)
