"""The rules, one module a topic. The choice among them is made in `detect.selection`.

A new rule is one entry in its topic's `RULES`; a new topic is one module and one entry here. The order is the order in
which people see rules: what is exposed first.
"""

from collections.abc import Iterable, Sequence

from s3warden.detect.rule import Rule, RuleOptions
from s3warden.detect.rules import (
    access_logs,
    access_points,
    acl,
    acl_grantees,
    attributes,
    backups,
    blind_spot,
    change_alarm,
    changes,
    claims,
    cross_account,
    dangling,
    destinations,
    encryption,
    encryption_keys,
    expiry,
    exposure,
    file_systems,
    inventories,
    keys,
    lifecycle,
    locks,
    log_buckets,
    log_targets,
    logging,
    name,
    notifications,
    object_acls,
    object_lambda,
    object_owners,
    origins,
    other_buckets,
    ownership,
    point_places,
    policy,
    policy_content,
    policy_limits,
    policy_size,
    presigned,
    public_access_block,
    redirects,
    region,
    replication,
    replication_regions,
    security_services,
    services,
    spending,
    statements,
    table_replications,
    tags,
    trail_buckets,
    trails,
    transport,
    usage,
    versioning,
    websites,
)
from s3warden.detect.selection import UnknownRuleError, select
from s3warden.model.bucket import Aspect

__all__ = ["RULES", "Rule", "RuleOptions", "UnknownRuleError", "find", "needs", "select"]

RULES: tuple[Rule, ...] = (
    *exposure.RULES,
    *acl.RULES,
    *object_acls.RULES,
    *acl_grantees.RULES,
    *policy.RULES,
    *public_access_block.RULES,
    *cross_account.RULES,
    *access_points.RULES,
    *services.RULES,
    *statements.RULES,
    *policy_limits.RULES,
    *policy_content.RULES,
    *policy_size.RULES,
    *ownership.RULES,
    *object_owners.RULES,
    *websites.RULES,
    *redirects.RULES,
    *blind_spot.RULES,
    *presigned.RULES,
    *transport.RULES,
    *encryption.RULES,
    *encryption_keys.RULES,
    *logging.RULES,
    *access_logs.RULES,
    *notifications.RULES,
    *inventories.RULES,
    *versioning.RULES,
    *locks.RULES,
    *replication.RULES,
    *replication_regions.RULES,
    *expiry.RULES,
    *lifecycle.RULES,
    *spending.RULES,
    *usage.RULES,
    *region.RULES,
    *tags.RULES,
    *attributes.RULES,
    *name.RULES,
    *keys.RULES,
    *log_targets.RULES,
    *log_buckets.RULES,
    *destinations.RULES,
    *origins.RULES,
    *dangling.RULES,
    *security_services.RULES,
    *trails.RULES,
    *trail_buckets.RULES,
    *change_alarm.RULES,
    *changes.RULES,
    *backups.RULES,
    *claims.RULES,
    *other_buckets.RULES,
    *table_replications.RULES,
    *file_systems.RULES,
    *object_lambda.RULES,
    *point_places.RULES,
)


def find(rule_id: str, rules: Sequence[Rule] = RULES) -> Rule:
    """The rule with this id; raises UnknownRuleError with near misses."""
    for rule in rules:
        if rule.info.id == rule_id:
            return rule
    raise UnknownRuleError([rule_id], rules)


def needs(rules: Iterable[Rule]) -> frozenset[Aspect]:
    """Every aspect that one of `rules` looks at."""
    return frozenset[Aspect]().union(*(rule.looks for rule in rules))
