"""What is known of a bucket and of its account: references, aspects, readings, states."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import chain
from types import MappingProxyType
from typing import Generic, TypeAlias, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True, order=True)
class AccountRef:
    """One AWS account: `partition` as in an ARN (`aws`, `aws-us-gov`, …), `account` as 12 digits."""

    partition: str
    account: str

    @property
    def key(self) -> str:
        """The text that names this account in findings, logs and the store."""
        return f"{self.partition}:{self.account}"

    @property
    def owner(self) -> "AccountRef":
        """Itself: every subject has an account."""
        return self

    def __str__(self) -> str:
        return f"account {self.account}"


@dataclass(frozen=True, slots=True, order=True)
class BucketRef:
    """One general purpose bucket. `region` is where it lives; names are unique within a partition."""

    partition: str
    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        """The bucket's ARN, which carries neither account nor region."""
        return f"arn:{self.partition}:s3:::{self.name}"

    @property
    def key(self) -> str:
        """The text that names this bucket in findings, logs and the store; the region is not part of its identity."""
        return f"{self.partition}:{self.account}:{self.name}"

    @property
    def owner(self) -> AccountRef:
        """The account that owns the bucket."""
        return AccountRef(self.partition, self.account)

    def __str__(self) -> str:
        return self.name


Subject: TypeAlias = AccountRef | BucketRef


class Aspect(StrEnum):
    """One separately readable part of a bucket's or an account's configuration."""

    ACL = "acl"
    POLICY = "policy"
    POLICY_STATUS = "policy_status"
    PUBLIC_ACCESS_BLOCK = "public_access_block"
    OWNERSHIP = "ownership"
    ENCRYPTION = "encryption"
    LOGGING = "logging"
    VERSIONING = "versioning"
    LIFECYCLE = "lifecycle"
    REPLICATION = "replication"
    OBJECT_LOCK = "object_lock"
    NOTIFICATION = "notification"
    WEBSITE = "website"
    CORS = "cors"
    TAGGING = "tagging"
    REQUEST_PAYMENT = "request_payment"
    ACCELERATE = "accelerate"
    ABAC = "abac"
    INVENTORY = "inventory"
    ANALYTICS = "analytics"
    INTELLIGENT_TIERING = "intelligent_tiering"
    ACCESS_POINTS = "access_points"
    REFERRERS = "referrers"
    DEFAULT_KEY = "default_key"
    KEY_ROTATION = "key_rotation"
    KEY_POLICY = "key_policy"
    LOG_TARGET = "log_target"
    REPLICATION_DESTINATIONS = "replication_destinations"
    INVENTORY_DESTINATIONS = "inventory_destinations"
    ANALYTICS_DESTINATIONS = "analytics_destinations"
    OBJECT_ACL = "object_acl"
    CHANGES = "changes"
    MACIE_COVERAGE = "macie_coverage"
    MACIE_FINDINGS = "macie_findings"
    ACCESS_FINDINGS = "access_findings"
    LAST_BACKUP = "last_backup"
    STORAGE_METRICS = "storage_metrics"
    REQUEST_METRICS = "request_metrics"
    ACCOUNT_PUBLIC_ACCESS_BLOCK = "account_public_access_block"
    MULTI_REGION_ACCESS_POINTS = "multi_region_access_points"
    DISTRIBUTIONS = "distributions"
    DNS_RECORDS = "dns_records"
    OUTSIDE_NAMES = "outside_names"
    LAKE_LOCATIONS = "lake_locations"
    SHADOW_NAMES = "shadow_names"
    FOREIGN_ACCESS_POINTS = "foreign_access_points"
    DIRECTORY_BUCKETS = "directory_buckets"
    TABLE_BUCKETS = "table_buckets"
    TABLE_REPLICATIONS = "table_replications"
    VECTOR_BUCKETS = "vector_buckets"
    FILE_SYSTEMS = "file_systems"
    OBJECT_LAMBDA_POINTS = "object_lambda_points"
    ORGANIZATION_BLOCK = "organization_block"
    TRAILS = "trails"
    EVENT_DATA_STORES = "event_data_stores"
    METRIC_FILTERS = "metric_filters"
    MACIE = "macie"
    MACIE_DISCOVERY = "macie_discovery"
    ANALYZERS = "analyzers"
    GUARDDUTY = "guardduty"
    BACKUP_SELECTIONS = "backup_selections"
    STORAGE_LENSES = "storage_lenses"

    # Enum's own is written in Python, and aspects are looked up a hundred times for each bucket.
    __hash__ = str.__hash__


ACCOUNT_ASPECTS = frozenset(
    {
        Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK,
        Aspect.MULTI_REGION_ACCESS_POINTS,
        Aspect.DISTRIBUTIONS,
        Aspect.DNS_RECORDS,
        Aspect.OUTSIDE_NAMES,
        Aspect.LAKE_LOCATIONS,
        Aspect.SHADOW_NAMES,
        Aspect.FOREIGN_ACCESS_POINTS,
        Aspect.DIRECTORY_BUCKETS,
        Aspect.TABLE_BUCKETS,
        Aspect.TABLE_REPLICATIONS,
        Aspect.VECTOR_BUCKETS,
        Aspect.FILE_SYSTEMS,
        Aspect.OBJECT_LAMBDA_POINTS,
        Aspect.ORGANIZATION_BLOCK,
        Aspect.TRAILS,
        Aspect.EVENT_DATA_STORES,
        Aspect.METRIC_FILTERS,
        Aspect.MACIE,
        Aspect.MACIE_DISCOVERY,
        Aspect.ANALYZERS,
        Aspect.GUARDDUTY,
        Aspect.BACKUP_SELECTIONS,
        Aspect.STORAGE_LENSES,
    }
)
BUCKET_ASPECTS = frozenset(Aspect) - ACCOUNT_ASPECTS


class Cause(StrEnum):
    """Why something could not be read, or (UNDECIDED) be decided once read. Closed: it is a metric label."""

    SCP = "scp"
    RCP = "rcp"
    BUCKET_POLICY = "bucket_policy"
    ROLE_PERMISSION = "role_permission"
    DENIED = "denied"
    ASSUME_ROLE = "assume_role"
    CREDENTIALS = "credentials"
    REGION_OFF = "region_off"
    THROTTLED = "throttled"
    UNREACHABLE = "unreachable"
    MALFORMED = "malformed"
    NOT_READ = "not_read"
    UNDECIDED = "undecided"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Present(Generic[T_co]):
    """The aspect was read and is configured; `value` is one of the types of `model.configuration`."""

    value: T_co


@dataclass(frozen=True, slots=True)
class Absent:
    """The aspect was read and is not configured."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The aspect could not be read. Never to be taken for `Absent`. `detail` is AWS's own text, shortened."""

    cause: Cause
    detail: str = ""


Reading: TypeAlias = Present[T_co] | Absent | Unreadable
ABSENT = Absent()
NOT_READ = Unreadable(Cause.NOT_READ, "not read yet")


def unreadable_parts(reading: Reading[object]) -> tuple[Unreadable, ...]:
    """What of a reading failed: all of it, or parts of its value, which tells them as `unreadable`."""
    match reading:
        case Unreadable():
            return (reading,)
        case Present(value=value):
            return getattr(value, "unreadable", ())
    return ()


@dataclass(frozen=True, slots=True)
class Regional(Generic[T_co]):
    """One service of an account, region by region, in the regions where the account has buckets."""

    regions: tuple[tuple[str, Reading[T_co]], ...]

    def __iter__(self) -> Iterator[tuple[str, Reading[T_co]]]:
        return iter(self.regions)

    def of(self, region: str) -> Reading[T_co]:
        """The reading of one region; `NOT_READ` for one that nobody has asked about."""
        return next((reading for name, reading in self.regions if name == region), NOT_READ)

    def known(self, kind: type[T]) -> Iterator[T]:
        """What could be read, region after region; the evaluation of a rule tells of the rest."""
        for _, reading in self.regions:
            if isinstance(reading, Present) and isinstance(reading.value, kind):
                yield reading.value

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """Why some regions are not known."""
        return tuple(chain.from_iterable(unreadable_parts(reading) for _, reading in self.regions))


_EMPTY: Mapping[Aspect, "Reading[object]"] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class AccountState:
    """The readings of one account. `read_at` is UTC."""

    ref: AccountRef
    read_at: datetime
    readings: Mapping[Aspect, Reading[object]] = field(default_factory=lambda: _EMPTY)

    def reading(self, aspect: Aspect) -> Reading[object]:
        """The reading of `aspect`; `NOT_READ` where nobody has asked AWS yet."""
        return self.readings.get(aspect, NOT_READ)


@dataclass(frozen=True, slots=True)
class BucketState:
    """The readings of one bucket together with those of its account. `read_at` is UTC.

    `exists` is False for a bucket that AWS says is gone: a state, not an error.
    """

    ref: BucketRef
    read_at: datetime
    readings: Mapping[Aspect, Reading[object]] = field(default_factory=lambda: _EMPTY)
    account: AccountState | None = None
    exists: bool = True

    def reading(self, aspect: Aspect) -> Reading[object]:
        """The reading of `aspect`; `NOT_READ` where nobody has asked AWS yet.

        Account aspects are included; of what is read region by region it is the part for the bucket's own region.
        """
        if aspect in ACCOUNT_ASPECTS:
            reading = NOT_READ if self.account is None else self.account.reading(aspect)
            if isinstance(reading, Present) and isinstance(reading.value, Regional):
                return reading.value.of(self.ref.region)
            return reading
        return self.readings.get(aspect, NOT_READ)


State: TypeAlias = AccountState | BucketState
