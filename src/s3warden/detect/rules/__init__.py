"""The rules, one module a topic, and the choice among them.

A new rule is one entry in its topic's `RULES`; a new topic is one module and one entry here. The order is the order in
which people see rules: what is exposed first.
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from s3warden.detect.rule import Rule, RuleOptions
from s3warden.detect.rules import (
    access_points,
    acl,
    cross_account,
    encryption,
    exposure,
    logging,
    name,
    ownership,
    policy,
    public_access_block,
    services,
    statements,
    tags,
    transport,
    versioning,
)
from s3warden.model.bucket import Aspect
from s3warden.model.rule import Category

__all__ = ["RULES", "Rule", "RuleOptions", "UnknownRuleError", "find", "needs", "select"]

RULES: tuple[Rule, ...] = (
    *exposure.RULES,
    *acl.RULES,
    *policy.RULES,
    *public_access_block.RULES,
    *cross_account.RULES,
    *access_points.RULES,
    *services.RULES,
    *statements.RULES,
    *ownership.RULES,
    *transport.RULES,
    *encryption.RULES,
    *logging.RULES,
    *versioning.RULES,
    *tags.RULES,
    *name.RULES,
)


class UnknownRuleError(ValueError):
    """Patterns that name no rule, each with the ids that may have been meant; `message` has a line for each."""

    def __init__(self, patterns: Sequence[str], rules: Sequence[Rule]) -> None:
        words = [*(rule.info.id for rule in rules), *Category]
        self.suggestions = {pattern: tuple(get_close_matches(pattern, words, n=2, cutoff=0.75)) for pattern in patterns}
        super().__init__("\n".join(_complaint(pattern, near) for pattern, near in self.suggestions.items()))


def _complaint(pattern: str, near: Sequence[str]) -> str:
    return f"no rule is called {pattern!r}" + (f"; did you mean {' or '.join(near)}?" if near else "")


def select(
    rules: Sequence[Rule] = RULES, enable: Iterable[str] = ("*",), disable: Iterable[str] = ()
) -> tuple[Rule, ...]:
    """The rules that `enable` names and `disable` does not, in their own order.

    A pattern is a rule id, a glob over ids (`bucket-acl-*`) or a category (`exposure`). Raises UnknownRuleError with
    all patterns that name nothing.
    """
    enable, disable = tuple(enable), tuple(disable)
    unknown = [p for p in dict.fromkeys((*enable, *disable)) if not any(_names(p, rule) for rule in rules)]
    if unknown:
        raise UnknownRuleError(unknown, rules)
    return tuple(
        rule
        for rule in rules
        if any(_names(pattern, rule) for pattern in enable) and not any(_names(pattern, rule) for pattern in disable)
    )


def find(rule_id: str, rules: Sequence[Rule] = RULES) -> Rule:
    """The rule with this id; raises UnknownRuleError with near misses."""
    for rule in rules:
        if rule.info.id == rule_id:
            return rule
    raise UnknownRuleError([rule_id], rules)


def needs(rules: Iterable[Rule]) -> frozenset[Aspect]:
    """Every aspect that one of `rules` looks at."""
    return frozenset[Aspect]().union(*(rule.info.needs | rule.info.hints for rule in rules))


def _names(pattern: str, rule: Rule) -> bool:
    return pattern == rule.info.category or fnmatchcase(rule.info.id, pattern)
