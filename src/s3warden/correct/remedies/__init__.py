"""The remedies, one module a topic, and which rule each mends."""

from s3warden.correct.remedies import (
    account_services,
    backups,
    change_alarms,
    cross_account,
    demands,
    encryption,
    exposure,
    inventories,
    key_policies,
    keys,
    lifecycle,
    logging,
    notifications,
    object_acls,
    object_events,
    origins,
    outsiders,
    ownership,
    public_access_block,
    replication,
    retention,
    spending,
    statements,
    tags,
    versioning,
    websites,
)
from s3warden.correct.remedy import Remedy

REMEDIES: tuple[Remedy, ...] = (
    *exposure.REMEDIES,
    *object_acls.REMEDIES,
    *public_access_block.REMEDIES,
    *cross_account.REMEDIES,
    *outsiders.REMEDIES,
    *statements.REMEDIES,
    *origins.REMEDIES,
    *ownership.REMEDIES,
    *demands.REMEDIES,
    *encryption.REMEDIES,
    *versioning.REMEDIES,
    *logging.REMEDIES,
    *inventories.REMEDIES,
    *lifecycle.REMEDIES,
    *retention.REMEDIES,
    *tags.REMEDIES,
    *notifications.REMEDIES,
    *replication.REMEDIES,
    *spending.REMEDIES,
    *websites.REMEDIES,
    *key_policies.REMEDIES,
    *keys.REMEDIES,
    *object_events.REMEDIES,
    *backups.REMEDIES,
    *change_alarms.REMEDIES,
    *account_services.REMEDIES,
)


def remedies_for(rule_id: str) -> tuple[Remedy, ...]:
    """The remedies of a rule, the smallest change first; none where a person has to do it."""
    return tuple(remedy for remedy in REMEDIES if rule_id in remedy.rules)
