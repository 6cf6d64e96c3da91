"""What own rules see of a bucket and of an account: the fields, their types, and the aspect that each comes from.

`bucket.<field>` and `account.<field>` are all there is; the page docs/own-rules.md is written from these tables. Takes
a state, hands on a map with nothing but the fields that were asked for. Pure. It must never show what could not be
read, nor what was only read in part: that raises UnreadableError.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from s3warden.detect.own.shapes import CONFIGURED, STRING, HiddenError, Plain, Type, optional, plain, regional
from s3warden.detect.rule import Kind, UnreadableError
from s3warden.model.bucket import Absent, Aspect, BucketState, Reading, State
from s3warden.model.changes import Changes
from s3warden.model.configuration import (
    Abac,
    Accelerate,
    AccessPoints,
    Acl,
    Encryption,
    EncryptionRule,
    Logging,
    MultiRegionAccessPoints,
    Ownership,
    Policy,
    PolicyStatus,
    PublicAccessBlock,
    RequestPayment,
    Tags,
    Versioning,
    Website,
)
from s3warden.model.keys import Key, KeyRotation
from s3warden.model.objects import ObjectAcls
from s3warden.model.origins import Distributions, DnsRecords
from s3warden.model.other_buckets import FileSystems, ObjectLambdaPoints, OtherBuckets, TableReplications
from s3warden.model.references import Destinations, LogTarget, References
from s3warden.model.services import (
    AccessFindings,
    Analyzers,
    BackupSelections,
    Detector,
    LastBackup,
    Macie,
    MacieCoverage,
    MacieDiscovery,
    MacieFindings,
    MetricFilters,
    OrganizationBlock,
    StorageLenses,
)
from s3warden.model.storage import Analytics, Cors, Inventory, Lifecycle, Notification, ObjectLock, Replication, Tiering
from s3warden.model.trails import EventDataStores, Trails
from s3warden.model.usage import RequestMetrics, StorageMetrics


@dataclass(frozen=True, eq=False)
class Field:
    """One field: what it is, in a few words, and where it comes from. Without an aspect it is part of the name."""

    meaning: str
    type: Type
    aspect: Aspect | None = None


def _field(aspect: Aspect, kind: type, meaning: str) -> Field:
    return Field(meaning, optional(kind), aspect)


_IMPLIED: Mapping[Aspect, Any] = MappingProxyType(
    {
        Aspect.OWNERSHIP: Ownership("ObjectWriter"),
        Aspect.ENCRYPTION: Encryption((EncryptionRule("AES256"),)),
        Aspect.REQUEST_PAYMENT: RequestPayment("BucketOwner"),
    }
)
"""How AWS behaves while the aspect is not configured, where that is not nothing."""

_SERVICES: Mapping[str, tuple[Aspect, type, str]] = MappingProxyType(
    {
        "analyzers": (Aspect.ANALYZERS, Analyzers, "access analyzers"),
        "backup_selections": (Aspect.BACKUP_SELECTIONS, BackupSelections, "what AWS Backup is told to save"),
        "directory_buckets": (Aspect.DIRECTORY_BUCKETS, OtherBuckets, "directory buckets"),
        "event_data_stores": (Aspect.EVENT_DATA_STORES, EventDataStores, "stores of CloudTrail Lake"),
        "file_systems": (Aspect.FILE_SYSTEMS, FileSystems, "file systems of S3 Files, with the bucket of each"),
        "foreign_access_points": (
            Aspect.FOREIGN_ACCESS_POINTS,
            References,
            "buckets of others behind the account's access points",
        ),
        "guardduty": (Aspect.GUARDDUTY, Detector, "GuardDuty"),
        "lake_locations": (Aspect.LAKE_LOCATIONS, Destinations, "buckets that Lake Formation gives access to"),
        "macie": (Aspect.MACIE, Macie, "Macie: `ENABLED` or `PAUSED`"),
        "macie_discovery": (Aspect.MACIE_DISCOVERY, MacieDiscovery, "Macie's automated discovery"),
        "metric_filters": (Aspect.METRIC_FILTERS, MetricFilters, "metric filters over the trails' logs"),
        "object_lambda_points": (Aspect.OBJECT_LAMBDA_POINTS, ObjectLambdaPoints, "Object Lambda access points"),
        "storage_lenses": (Aspect.STORAGE_LENSES, StorageLenses, "Storage Lens dashboards"),
        "table_buckets": (Aspect.TABLE_BUCKETS, OtherBuckets, "table buckets"),
        "table_replications": (Aspect.TABLE_REPLICATIONS, TableReplications, "where table buckets are replicated to"),
        "trails": (Aspect.TRAILS, Trails, "the trails that record what happens in the region"),
        "vector_buckets": (Aspect.VECTOR_BUCKETS, OtherBuckets, "vector buckets"),
    }
)
"""What is read of an account region by region."""

_WHOLE: Mapping[str, Field] = MappingProxyType(
    {
        "id": Field("the account's 12 digits", STRING),
        "partition": Field("`aws`, `aws-cn`, …", STRING),
        "distributions": _field(Aspect.DISTRIBUTIONS, Distributions, "CloudFront distributions with buckets behind"),
        "dns_records": _field(Aspect.DNS_RECORDS, DnsRecords, "public DNS records that lead to S3"),
        "multi_region_access_points": _field(
            Aspect.MULTI_REGION_ACCESS_POINTS, MultiRegionAccessPoints, "multi-region access points"
        ),
        "organization_block": _field(
            Aspect.ORGANIZATION_BLOCK, OrganizationBlock, "what the organisation's policies say of public access"
        ),
        "outside_names": _field(
            Aspect.OUTSIDE_NAMES, Destinations, "buckets that distributions, records and access points lead to"
        ),
        "shadow_names": _field(
            Aspect.SHADOW_NAMES, Destinations, "names that AWS services will use, and whose they are"
        ),
        "public_access_block": _field(
            Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK, PublicAccessBlock, "the account's public access block"
        ),
    }
)

ACCOUNT: Mapping[str, Field] = MappingProxyType(
    {
        **_WHOLE,
        **{
            name: Field(f"{text}, by region", regional(kind), aspect)
            for name, (aspect, kind, text) in _SERVICES.items()
        },
    }
)
"""The account, in rules about accounts."""

BESIDE: Mapping[str, Field] = MappingProxyType(
    {
        **_WHOLE,
        **{
            name: Field(f"{text}, in the bucket's region", optional(kind), aspect)
            for name, (aspect, kind, text) in _SERVICES.items()
        },
    }
)
"""The account, in rules about buckets."""

BUCKET: Mapping[str, Field] = MappingProxyType(
    {
        "name": Field("the bucket's name", STRING),
        "arn": Field("its ARN", STRING),
        "region": Field("where it lives", STRING),
        "abac": _field(Aspect.ABAC, Abac, "attribute-based access control: whether tags count in policies"),
        "accelerate": _field(Aspect.ACCELERATE, Accelerate, "transfer acceleration: `Enabled` or `Suspended`"),
        "access_findings": _field(Aspect.ACCESS_FINDINGS, AccessFindings, "open findings of Access Analyzer"),
        "access_points": _field(Aspect.ACCESS_POINTS, AccessPoints, "the access points of the own account"),
        "acl": _field(Aspect.ACL, Acl, "owner and grants"),
        "analytics": _field(Aspect.ANALYTICS, Analytics, "storage class analyses"),
        "analytics_destinations": _field(
            Aspect.ANALYTICS_DESTINATIONS, Destinations, "whose the buckets are that they are exported to"
        ),
        "changes": _field(
            Aspect.CHANGES,
            Changes,
            "the latest calls that changed the bucket's configuration, within `rules.changes_within`",
        ),
        "cors": _field(Aspect.CORS, Cors, "cross-origin rules"),
        "default_key": _field(Aspect.DEFAULT_KEY, Key, "the KMS key that new objects are encrypted with"),
        "encryption": _field(Aspect.ENCRYPTION, Encryption, "default encryption"),
        "intelligent_tiering": _field(Aspect.INTELLIGENT_TIERING, Tiering, "archive configurations"),
        "inventory": _field(Aspect.INVENTORY, Inventory, "inventories"),
        "inventory_destinations": _field(Aspect.INVENTORY_DESTINATIONS, Destinations, "whose their destinations are"),
        "key_policy": _field(Aspect.KEY_POLICY, Policy, "the policy of the default key"),
        "key_rotation": _field(Aspect.KEY_ROTATION, KeyRotation, "the rotation of the default key"),
        "last_backup": _field(Aspect.LAST_BACKUP, LastBackup, "when AWS Backup saved the bucket last"),
        "lifecycle": _field(Aspect.LIFECYCLE, Lifecycle, "lifecycle rules"),
        "log_target": _field(Aspect.LOG_TARGET, LogTarget, "whose the target of the access logs is"),
        "logging": _field(Aspect.LOGGING, Logging, "where access logs go"),
        "macie_coverage": _field(Aspect.MACIE_COVERAGE, MacieCoverage, "what Macie knows of the bucket"),
        "macie_findings": _field(Aspect.MACIE_FINDINGS, MacieFindings, "how many findings of Macie are open"),
        "notification": _field(Aspect.NOTIFICATION, Notification, "whom the bucket tells of its objects"),
        "object_acl": _field(Aspect.OBJECT_ACL, ObjectAcls, "the ACLs of objects that events named"),
        "object_lock": _field(Aspect.OBJECT_LOCK, ObjectLock, "Object Lock and its default retention"),
        "ownership": _field(Aspect.OWNERSHIP, Ownership, "object ownership"),
        "policy": _field(Aspect.POLICY, Policy, "the statements of the bucket policy"),
        "policy_status": _field(Aspect.POLICY_STATUS, PolicyStatus, "AWS's own verdict on the policy"),
        "public_access_block": _field(Aspect.PUBLIC_ACCESS_BLOCK, PublicAccessBlock, "the bucket's own block"),
        "referrers": _field(Aspect.REFERRERS, References, "what in the guarded accounts relies on the bucket"),
        "replication": _field(Aspect.REPLICATION, Replication, "where objects are copied"),
        "replication_destinations": _field(
            Aspect.REPLICATION_DESTINATIONS, Destinations, "whose the destinations of replication are"
        ),
        "request_metrics": _field(Aspect.REQUEST_METRICS, RequestMetrics, "when objects were asked for"),
        "request_payment": _field(Aspect.REQUEST_PAYMENT, RequestPayment, "who pays: `BucketOwner` or `Requester`"),
        "storage_metrics": _field(Aspect.STORAGE_METRICS, StorageMetrics, "what lay in the bucket, day by day"),
        "tags": _field(Aspect.TAGGING, Tags, "the bucket's tags by key"),
        "versioning": _field(Aspect.VERSIONING, Versioning, "`Enabled` or `Suspended`; empty where it never was on"),
        "website": _field(Aspect.WEBSITE, Website, "static website hosting"),
    }
)

ROOTS: Mapping[Kind, Mapping[str, Mapping[str, Field]]] = MappingProxyType(
    {Kind.BUCKET: {"bucket": BUCKET, "account": BESIDE}, Kind.ACCOUNT: {"account": ACCOUNT}}
)
"""What a rule of each kind may speak of."""


def needs(kind: Kind, used: Iterable[tuple[str, str]]) -> frozenset[Aspect]:
    """The aspects behind these fields, each given as root and name."""
    aspects = (ROOTS[kind][root][name].aspect for root, name in used)
    return frozenset(aspect for aspect in aspects if aspect is not None)


def view(state: State, kind: Kind, used: Collection[tuple[str, str]]) -> dict[str, dict[str, Plain]]:
    """The fields of `used` as they are in `state`.

    Raises UnreadableError where one of them could not be read in full, RuleFailedError where one is too large, and
    TypeError where a reading is not what the field is made for.
    """
    made: dict[str, dict[str, Plain]] = {root: {} for root in ROOTS[kind]}
    for root, name in used:
        field = ROOTS[kind][root][name]
        made[root][name] = _named(state, root, name) if field.aspect is None else _read(state, field, field.aspect)
    return made


def empty(kind: Kind, used: Collection[tuple[str, str]]) -> dict[str, dict[str, Plain]]:
    """The fields of `used` where nothing at all is configured."""
    made: dict[str, dict[str, Plain]] = {root: {} for root in ROOTS[kind]}
    for root, name in used:
        made[root][name] = _absent(ROOTS[kind][root][name])
    return made


def _named(state: State, root: str, name: str) -> str:
    if isinstance(state, BucketState) and root == "bucket":
        return str(getattr(state.ref, name))
    return state.ref.account if name == "id" else state.ref.partition


def _read(state: State, field: Field, aspect: Aspect) -> Plain:
    reading = state.reading(aspect)
    if isinstance(reading, Absent):
        return _absent(field)
    try:
        return _plain(reading, field)
    except HiddenError as error:
        raise UnreadableError(aspect, error.reading) from None


def _absent(field: Field) -> Plain:
    implied = None if field.aspect is None else _IMPLIED.get(field.aspect)
    return field.type.empty if implied is None else {**plain(implied, field.type), CONFIGURED: False}


# Most buckets share their settings: one view of each serves them all. CEL copies what it is given.
@lru_cache(maxsize=4096)
def _plain(reading: Reading[object], field: Field) -> Plain:
    return plain(reading, field.type)
