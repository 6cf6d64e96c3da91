"""The choice among the rules: by id, glob, category, framework, severity and pack.

| pattern | names |
|---|---|
| `bucket-versioning`, `bucket-acl-*` | one rule by its id, several by a glob over ids |
| `exposure` | the rules of a category |
| `cis-5.0` | the rules that map to a control of a framework |
| `severity>=high`, `severity=low`, `severity<=medium` | the rules that are of these severities by themselves |
| `default` | the pack of rules that everybody should hear of |
| `all`, `*` | every rule |

Takes patterns, hands on rules in their own order. It must never take a pattern that names nothing for a wish.
"""

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from s3warden.detect.rule import Rule
from s3warden.model.finding import Severity
from s3warden.model.framework import Framework
from s3warden.model.rule import Category

ALL, DEFAULT = "all", "default"

_SEVERITY = re.compile(r"severity\s*(?P<sign>>=|<=|==?)\s*(?P<name>\S*)")
_COMPARED: Mapping[str, Callable[[int, int], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "=": operator.eq,
    "==": operator.eq,
}


class UnknownRuleError(ValueError):
    """Patterns that name no rule, each with the words that may have been meant; its text has a line for each."""

    def __init__(self, patterns: Sequence[str], rules: Sequence[Rule]) -> None:
        self.suggestions = {pattern: _near(pattern, rules) for pattern in patterns}
        super().__init__("\n".join(_complaint(pattern, near) for pattern, near in self.suggestions.items()))


def select(rules: Sequence[Rule], enable: Iterable[str], disable: Iterable[str] = ()) -> tuple[Rule, ...]:
    """The rules that `enable` names and `disable` does not, in their own order.

    Raises UnknownRuleError with all patterns that name nothing.
    """
    enable, disable = tuple(enable), tuple(disable)
    unknown = [p for p in dict.fromkeys((*enable, *disable)) if not _means_something(p, rules)]
    if unknown:
        raise UnknownRuleError(unknown, rules)
    return tuple(
        rule
        for rule in rules
        if any(names(pattern, rule) for pattern in enable) and not any(names(pattern, rule) for pattern in disable)
    )


def names(pattern: str, rule: Rule) -> bool:
    """Whether the pattern is one for this rule."""
    info = rule.info
    if pattern == DEFAULT:
        return info.default
    if pattern in (ALL, info.category):
        return True
    if any(control.framework == pattern for control in info.maps):
        return True
    severity = _SEVERITY.fullmatch(pattern)
    if severity is not None:
        return _ranks(severity, info.severity)
    return fnmatchcase(info.id, pattern)


def _means_something(pattern: str, rules: Sequence[Rule]) -> bool:
    severity = _SEVERITY.fullmatch(pattern)
    # That no rule is of a severity is no mistake in the spelling of it.
    known = severity is not None and severity["name"].lower() in list(Severity)
    return known or any(names(pattern, rule) for rule in rules)


def _ranks(wanted: re.Match[str], severity: Severity) -> bool:
    name = wanted["name"].lower()
    return name in list(Severity) and _COMPARED[wanted["sign"]](severity.rank, Severity(name).rank)


def _near(pattern: str, rules: Sequence[Rule]) -> tuple[str, ...]:
    severity = _SEVERITY.fullmatch(pattern)
    if severity is not None:
        close = get_close_matches(severity["name"].lower(), list(Severity), n=2, cutoff=0.5)
        return tuple(f"severity{severity['sign']}{name}" for name in close)
    frameworks = {control.framework.value for rule in rules for control in rule.info.maps}
    words = [*(rule.info.id for rule in rules), *Category, *sorted(frameworks), ALL, DEFAULT]
    return tuple(get_close_matches(pattern, words, n=2, cutoff=0.75))


def _complaint(pattern: str, near: Sequence[str]) -> str:
    meant = f"; did you mean {' or '.join(near)}?" if near else ""
    if pattern in list(Framework):
        return f"no rule maps to {Framework(pattern).label} ({pattern}){meant}"
    return f"no rule is called {pattern!r}{meant}"
