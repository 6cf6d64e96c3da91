"""The values a condition key can take in the requests of one kind of caller, and sets of such values.

A `Choice` is a short list of candidate values, one for each class of values that the documents tell apart; a set is
a bit mask. A `Text` has too many values for that; a set is a list of constraints, solved by the pattern search.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from s3warden.detect.exposure.budget import Budget, Exhausted
from s3warden.detect.exposure.emptiness import witness
from s3warden.detect.exposure.glob import Pattern
from s3warden.detect.exposure.normal import Condition
from s3warden.detect.exposure.values import Span, date, ip_range, number


class Choice:
    """A variable with candidate values. `views` gives, for each key it carries, its value in each candidate.

    `is_open` where the candidates stand for classes of numbers or addresses, which patterns over text do not respect.
    """

    __slots__ = ("full", "is_open", "name", "views")

    def __init__(self, name: str, views: Mapping[str, tuple[str | None, ...]], *, is_open: bool = False) -> None:
        self.name = name
        self.views = views
        self.is_open = is_open
        self.full = (1 << len(next(iter(views.values())))) - 1

    def pick(self, mask: int) -> dict[str, str | None]:
        """The values of the keys in the first candidate of `mask`."""
        at = (mask & -mask).bit_length() - 1
        return {key: values[at] for key, values in self.views.items()}


def choice(key: str, *values: str | None) -> Choice:
    """A variable for one key alone."""
    return Choice(key, {key: values})


class TextLit(NamedTuple):
    """A constraint on a text: the value is in one of `patterns` (or in none, unless `inside`).

    `some` is None for a key with one value; for a key with many it says whether one value must do, or each.
    """

    absent: bool
    patterns: tuple[Pattern, ...]
    inside: bool
    some: bool | None = None

    def negated(self) -> "TextLit":
        """The constraint that holds exactly where this one does not."""
        return TextLit(not self.absent, self.patterns, not self.inside, None if self.some is None else not self.some)


Values: TypeAlias = tuple[str, ...] | None
Bar: TypeAlias = Callable[[str], Pattern | None]

Shape: TypeAlias = Pattern | tuple[Pattern, ...] | None
"""What a value must look like: one pattern, one of several, or anything."""

_REFINEMENTS = 24


def fits(shape: Shape, value: str) -> bool:
    """Whether a value has a shape."""
    if shape is None:
        return True
    return any(one.matches(value) for one in ((shape,) if isinstance(shape, Pattern) else shape))


@dataclass(eq=False, slots=True)
class Text:
    """A variable whose values are texts. `bar` gives, for a value beyond the caller's reach, what to leave out."""

    name: str
    sample: str
    optional: bool
    shape: Shape = None
    bar: Bar | None = None
    present: bool = True

    def solve(self, lits: Sequence[TextLit], budget: Budget) -> tuple[Values] | None:
        """Values under all constraints, wrapped so that absence (None) is not taken for failure. Raises Exhausted."""
        if self.optional and all(lit.absent for lit in lits):
            return (None,)
        if not self.present:
            return None
        each = [lit for lit in lits if not lit.some]
        some = [lit for lit in lits if lit.some]
        found: list[str] = []
        for lit in some or (None,):
            value = self._value([*each, lit] if lit else each, budget)
            if value is None:
                return None
            found.append(value)
        return (tuple(found),)

    def _value(self, lits: Sequence[TextLit], budget: Budget) -> str | None:
        wanted = [self.shape] if isinstance(self.shape, Pattern) else []
        barred: list[Pattern] = []
        groups: list[tuple[Pattern, ...]] = [self.shape] if isinstance(self.shape, tuple) else []
        for lit in lits:
            if not lit.inside:
                barred += lit.patterns
            elif len(lit.patterns) == 1:
                wanted.append(lit.patterns[0])
            else:
                groups.append(lit.patterns)
        groups.sort(key=len)
        return self._branch(wanted, barred, groups, budget)

    def _branch(
        self, wanted: list[Pattern], barred: list[Pattern], groups: list[tuple[Pattern, ...]], budget: Budget
    ) -> str | None:
        if not groups:
            return self._reachable(wanted, barred, budget)
        for pattern in groups[0]:
            budget.spend()
            found = self._branch([*wanted, pattern], barred, groups[1:], budget)
            if found is not None:
                return found
        return None

    def _reachable(self, wanted: list[Pattern], barred: list[Pattern], budget: Budget) -> str | None:
        if self.bar is not None and any(_shut(self.bar, pattern.prefix) for pattern in wanted):
            return None
        for _ in range(_REFINEMENTS):
            found = witness(wanted, barred, self.sample, budget)
            beyond = self.bar(found) if found is not None and self.bar is not None else None
            if beyond is None:
                return found
            barred = [*barred, beyond]
        raise Exhausted


def _shut(bar: Bar, prefix: str) -> bool:
    """Whether everything that begins with `prefix` is beyond the caller's reach."""
    beyond = bar(prefix)
    return beyond is not None and beyond.pieces is not None and len(beyond.pieces) > 1 and not beyond.pieces[-1]


Domain: TypeAlias = Choice | Text


def mask_of(candidates: Sequence[str | None], condition: Condition, patterns: Sequence[Pattern]) -> int | None:
    """The candidates for which a condition on a key with one value holds; None if that cannot be said."""
    operator = condition.operator
    if operator.base == "Null":
        return _bits(("true" if value is None else "false") in condition.values for value in candidates)
    mask = 0
    for index, value in enumerate(candidates):
        if value is None:
            holds: bool | None = operator.when_absent
        else:
            holds = compare(operator.base, value, condition, patterns)
            if holds is None:
                return None
            holds = holds != operator.negated
        if holds:
            mask |= 1 << index
    return mask


def _bits(flags: Iterable[bool]) -> int:
    return sum(1 << index for index, flag in enumerate(flags) if flag)


def compare(base: str, value: str, condition: Condition, patterns: Sequence[Pattern]) -> bool | None:
    """Whether `value` equals one of the condition's values as `base` compares; None if it is of another kind."""
    if base in {"StringEquals", "BinaryEquals"}:
        return value in condition.values if not patterns else any(pattern.matches(value) for pattern in patterns)
    if base in {"StringLike", "ArnLike", "StringEqualsIgnoreCase"}:
        return any(pattern.matches(value) for pattern in patterns)
    if base == "Bool":
        return value.lower() in condition.values
    return _compare_span(base, value, condition.spans)


def _compare_span(base: str, value: str, spans: Sequence[Span]) -> bool | None:
    point = ip_range(value) if base == "IpAddress" else date(value) if base.startswith("Date") else number(value)
    if point is None:
        return None
    at = point.low
    if base == "IpAddress":
        return any(span.family == point.family and span.low <= at <= span.high for span in spans)
    return any(_ORDER[base.removeprefix("Numeric").removeprefix("Date")](at, span.low) for span in spans)


_ORDER: Mapping[str, Callable[[float, float], bool]] = {
    "Equals": lambda a, b: a == b,
    "LessThan": lambda a, b: a < b,
    "LessThanEquals": lambda a, b: a <= b,
    "GreaterThan": lambda a, b: a > b,
    "GreaterThanEquals": lambda a, b: a >= b,
}
