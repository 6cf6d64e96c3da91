"""What S3's answers about copies, messages, logs and lists mean: where a bucket's content or its news go. Pure.

Sources: GetBucketReplication, GetBucketNotificationConfiguration, GetBucketLogging, ListBucketInventoryConfigurations
and ListBucketAnalyticsConfigurations in the S3 API reference.
"""

from s3warden.collect.grants import grant
from s3warden.collect.selections import selection
from s3warden.collect.shapes import (
    Answer,
    ShapeError,
    enabled,
    flag,
    mapping,
    one_of,
    optional_mapping,
    optional_text,
    sequence,
    text,
    texts,
)
from s3warden.model.configuration import SIMPLE_PREFIX, Logging
from s3warden.model.storage import (
    Analytics,
    AnalyticsConfiguration,
    Inventory,
    InventoryConfiguration,
    Notification,
    NotificationTarget,
    Replication,
    ReplicationRule,
)

INVENTORIES = "InventoryConfigurationList"
ANALYSES = "AnalyticsConfigurationList"
_TARGETS = {
    "TopicConfigurations": "TopicArn",
    "QueueConfigurations": "QueueArn",
    "LambdaFunctionConfigurations": "LambdaFunctionArn",
}


def replication(answer: Answer) -> Replication:
    """The replication rules of a bucket, at least one."""
    found = mapping(answer.get("ReplicationConfiguration"), "ReplicationConfiguration")
    rules = tuple(_replication_rule(mapping(rule, "Rule")) for rule in sequence(found.get("Rules"), "Rules"))
    if not rules:
        raise ShapeError("Rules is empty")
    return Replication(text(found.get("Role"), "Role"), rules)


def _replication_rule(rule: Answer) -> ReplicationRule:
    target = mapping(rule.get("Destination"), "Destination")
    criteria = optional_mapping(rule.get("SourceSelectionCriteria"), "SourceSelectionCriteria")
    encryption = optional_mapping(target.get("EncryptionConfiguration"), "EncryptionConfiguration")
    return ReplicationRule(
        enabled=enabled(rule.get("Status"), "Status"),
        destination=text(target.get("Bucket"), "Destination.Bucket"),
        selection=selection(rule),
        id=optional_text(rule.get("ID"), "ID") or "",
        account=optional_text(target.get("Account"), "Destination.Account"),
        owner_override="AccessControlTranslation" in target,
        replica_key=optional_text(encryption.get("ReplicaKmsKeyID"), "ReplicaKmsKeyID"),
        kms_objects=_switch(criteria, "SseKmsEncryptedObjects"),
        delete_markers=_switch(rule, "DeleteMarkerReplication"),
        time_control=_switch(target, "ReplicationTime"),
        metrics=_switch(target, "Metrics"),
    )


def _switch(parent: Answer, name: str) -> bool:
    """A part that says `Enabled` or `Disabled`; one that is left out is off."""
    return name in parent and enabled(mapping(parent[name], name).get("Status"), f"{name}.Status")


def notification(answer: Answer) -> Notification | None:
    """Whom a bucket tells of what happens to its objects."""
    targets = [
        _target(mapping(item, name), arn)
        for name, arn in _TARGETS.items()
        for item in sequence(answer.get(name, ()), name)
    ]
    bridge = "EventBridgeConfiguration" in answer
    if bridge:
        mapping(answer["EventBridgeConfiguration"], "EventBridgeConfiguration")
    if not targets and not bridge:
        if answer:
            raise ShapeError("the answer names nobody who is told")
        return None
    return Notification(tuple(sorted(targets)), bridge)


def _target(item: Answer, arn: str) -> NotificationTarget:
    return NotificationTarget(
        text(item.get(arn), arn), texts(item.get("Events"), "Events"), optional_text(item.get("Id"), "Id") or ""
    )


def logging(answer: Answer) -> Logging | None:
    """Server access logging."""
    if "LoggingEnabled" not in answer:
        return None
    target = mapping(answer["LoggingEnabled"], "LoggingEnabled")
    return Logging(
        text(target.get("TargetBucket"), "TargetBucket"),
        optional_text(target.get("TargetPrefix"), "TargetPrefix") or "",
        _key_format(optional_mapping(target.get("TargetObjectKeyFormat"), "TargetObjectKeyFormat")),
        tuple(grant(each) for each in sequence(target.get("TargetGrants", ()), "TargetGrants")),
    )


def _key_format(chosen: Answer) -> str:
    if "PartitionedPrefix" not in chosen:
        return SIMPLE_PREFIX
    source = mapping(chosen["PartitionedPrefix"], "PartitionedPrefix").get("PartitionDateSource", "EventTime")
    return one_of(source, "PartitionDateSource", "EventTime", "DeliveryTime")


def inventory(answer: Answer) -> Inventory | None:
    """All inventories of a bucket."""
    items = [mapping(item, INVENTORIES) for item in sequence(answer.get(INVENTORIES), INVENTORIES)]
    found = sorted(map(one_inventory, items), key=lambda each: each.id)
    return Inventory(tuple(found)) if found else None


def one_inventory(item: Answer) -> InventoryConfiguration:
    """One inventory of a bucket."""
    target = mapping(mapping(item.get("Destination"), "Destination").get("S3BucketDestination"), "S3BucketDestination")
    schedule = mapping(item.get("Schedule"), "Schedule")
    chosen = optional_mapping(item.get("Filter"), "Filter")
    versions = one_of(item.get("IncludedObjectVersions"), "IncludedObjectVersions", "All", "Current")
    return InventoryConfiguration(
        id=text(item.get("Id"), "Id"),
        enabled=flag(item.get("IsEnabled"), "IsEnabled"),
        destination=text(target.get("Bucket"), "Destination.Bucket"),
        frequency=one_of(schedule.get("Frequency"), "Frequency", "Daily", "Weekly"),
        account=optional_text(target.get("AccountId"), "AccountId"),
        encryption=_encryption(optional_mapping(target.get("Encryption"), "Encryption")),
        all_versions=versions == "All",
        fields=tuple(sorted(texts(item.get("OptionalFields", ()), "OptionalFields"))),
        prefix=optional_text(chosen.get("Prefix"), "Prefix") or "",
    )


def _encryption(chosen: Answer) -> str | None:
    if "SSEKMS" in chosen:
        return text(mapping(chosen["SSEKMS"], "SSEKMS").get("KeyId"), "KeyId")
    return "SSE-S3" if "SSES3" in chosen else None


def analytics(answer: Answer) -> Analytics | None:
    """All storage class analyses of a bucket."""
    items = [mapping(item, ANALYSES) for item in sequence(answer.get(ANALYSES), ANALYSES)]
    found = sorted((_analysis(item) for item in items), key=lambda each: each.id)
    return Analytics(tuple(found)) if found else None


def _analysis(item: Answer) -> AnalyticsConfiguration:
    name = text(item.get("Id"), "Id")
    analysis = mapping(item.get("StorageClassAnalysis"), "StorageClassAnalysis")
    if "DataExport" not in analysis:
        return AnalyticsConfiguration(name)
    export = mapping(mapping(analysis["DataExport"], "DataExport").get("Destination"), "Destination")
    target = mapping(export.get("S3BucketDestination"), "S3BucketDestination")
    account = optional_text(target.get("BucketAccountId"), "BucketAccountId")
    return AnalyticsConfiguration(name, text(target.get("Bucket"), "Destination.Bucket"), account)
