"""The rules, one module a topic. The choice among them is made in `detect.selection`.

A new rule is one entry in its topic's `RULES`; a new topic is one module and one entry here. The order is the order in
which people see rules: what is exposed first.
"""

from collections.abc import Iterable, Sequence

from s3warden.detect.rule import Rule, RuleOptions
from s3warden.detect.rules import (
    access_points,
    acl,
    acl_grantees,
    cross_account,
    destinations,
    encryption,
    exposure,
    keys,
    log_targets,
    logging,
    name,
    ownership,
    policy,
    policy_content,
    policy_limits,
    public_access_block,
    services,
    statements,
    tags,
    transport,
    versioning,
)
from s3warden.detect.selection import UnknownRuleError, select
from s3warden.model.bucket import Aspect

__all__ = ["RULES", "Rule", "RuleOptions", "UnknownRuleError", "find", "needs", "select"]

RULES: tuple[Rule, ...] = (
    *exposure.RULES,
    *acl.RULES,
    *acl_grantees.RULES,
    *policy.RULES,
    *public_access_block.RULES,
    *cross_account.RULES,
    *access_points.RULES,
    *services.RULES,
    *statements.RULES,
    *policy_limits.RULES,
    *policy_content.RULES,
    *ownership.RULES,
    *transport.RULES,
    *encryption.RULES,
    *logging.RULES,
    *versioning.RULES,
    *tags.RULES,
    *name.RULES,
    *keys.RULES,
    *log_targets.RULES,
    *destinations.RULES,
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
