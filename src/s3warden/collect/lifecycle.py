"""What S3's answers about the life of objects mean: lifecycle rules, Object Lock, Intelligent-Tiering. Pure.

Sources: GetBucketLifecycleConfiguration, GetObjectLockConfiguration and ListBucketIntelligentTieringConfigurations in
the S3 API reference.
"""

from s3warden.collect.selections import selection
from s3warden.collect.shapes import (
    Answer,
    ShapeError,
    enabled,
    flag,
    mapping,
    one_of,
    optional_date,
    optional_mapping,
    optional_number,
    optional_text,
    sequence,
    text,
)
from s3warden.model.storage import (
    DAYS_OF_A_YEAR,
    EVERYTHING,
    Lifecycle,
    LifecycleRule,
    ObjectLock,
    Tiering,
    TieringConfiguration,
    Transition,
)

TIERINGS = "IntelligentTieringConfigurationList"


def lifecycle(answer: Answer) -> Lifecycle:
    """The lifecycle rules of a bucket, at least one."""
    rules = tuple(_rule(mapping(rule, "Rule")) for rule in sequence(answer.get("Rules"), "Rules"))
    if not rules:
        raise ShapeError("Rules is empty")
    name = "TransitionDefaultMinimumObjectSize"
    return Lifecycle(rules, optional_text(answer.get(name), name))


def _rule(rule: Answer) -> LifecycleRule:
    expiration = optional_mapping(rule.get("Expiration"), "Expiration")
    noncurrent = optional_mapping(rule.get("NoncurrentVersionExpiration"), "NoncurrentVersionExpiration")
    abort = optional_mapping(rule.get("AbortIncompleteMultipartUpload"), "AbortIncompleteMultipartUpload")
    return LifecycleRule(
        enabled=enabled(rule.get("Status"), "Status"),
        selection=selection(rule),
        id=optional_text(rule.get("ID"), "ID") or "",
        expires_after=optional_number(expiration.get("Days"), "Expiration.Days"),
        expires_on=optional_date(expiration.get("Date"), "Expiration.Date"),
        expired_delete_markers=flag(expiration.get("ExpiredObjectDeleteMarker", False), "ExpiredObjectDeleteMarker"),
        transitions=_transitions(rule, "Transitions", "Days"),
        noncurrent_days=optional_number(noncurrent.get("NoncurrentDays"), "NoncurrentDays"),
        newer_noncurrent=optional_number(noncurrent.get("NewerNoncurrentVersions"), "NewerNoncurrentVersions"),
        noncurrent_transitions=_transitions(rule, "NoncurrentVersionTransitions", "NoncurrentDays"),
        aborts_after=optional_number(abort.get("DaysAfterInitiation"), "DaysAfterInitiation"),
    )


def _transitions(rule: Answer, name: str, days: str) -> tuple[Transition, ...]:
    items = [mapping(item, name) for item in sequence(rule.get(name, ()), name)]
    return tuple(
        Transition(
            text(item.get("StorageClass"), "StorageClass"),
            optional_number(item.get(days), days),
            optional_date(item.get("Date"), "Date"),
        )
        for item in items
    )


def object_lock(answer: Answer) -> ObjectLock:
    """Object Lock, with the default retention of new objects."""
    lock = mapping(answer.get("ObjectLockConfiguration"), "ObjectLockConfiguration")
    one_of(lock.get("ObjectLockEnabled"), "ObjectLockEnabled", "Enabled")
    if "Rule" not in lock:
        return ObjectLock()
    default = mapping(mapping(lock["Rule"], "Rule").get("DefaultRetention"), "DefaultRetention")
    days = optional_number(default.get("Days"), "Days")
    years = optional_number(default.get("Years"), "Years")
    if (days is None) == (years is None):
        raise ShapeError("DefaultRetention has not one of Days and Years")
    mode = one_of(default.get("Mode"), "Mode", "GOVERNANCE", "COMPLIANCE")
    return ObjectLock(mode, days if years is None else years * DAYS_OF_A_YEAR)


def tiering(answer: Answer) -> Tiering | None:
    """All Intelligent-Tiering configurations of a bucket."""
    items = [mapping(item, TIERINGS) for item in sequence(answer.get(TIERINGS), TIERINGS)]
    found = sorted((_tiering(item) for item in items), key=lambda each: each.id)
    return Tiering(tuple(found)) if found else None


def _tiering(item: Answer) -> TieringConfiguration:
    tiers = [mapping(tier, "Tiering") for tier in sequence(item.get("Tierings"), "Tierings")]
    return TieringConfiguration(
        id=text(item.get("Id"), "Id"),
        enabled=enabled(item.get("Status"), "Status"),
        tiers=tuple((text(tier.get("AccessTier"), "AccessTier"), _days(tier)) for tier in tiers),
        selection=selection(item) if "Filter" in item else EVERYTHING,
    )


def _days(tier: Answer) -> int:
    days = optional_number(tier.get("Days"), "Days")
    if days is None:
        raise ShapeError("Tiering has no Days")
    return days
