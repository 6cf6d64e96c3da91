"""What a bucket keeps, for how long, where it copies it and whom it tells: the values of these aspects.

AWS's own names throughout. Days are days since the object was made, unless told otherwise; dates are ISO 8601 texts.
"""

from dataclasses import dataclass

DAYS_OF_A_YEAR = 365
ENABLED = "Enabled"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which objects a rule takes; with nothing set, all of them. Sizes in bytes."""

    prefix: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    larger_than: int | None = None
    smaller_than: int | None = None

    @property
    def everything(self) -> bool:
        """Whether the rule takes every object of the bucket."""
        return self == EVERYTHING


EVERYTHING = Selection()


@dataclass(frozen=True, slots=True)
class Transition:
    """A move to another storage class, after `days` or on `date`; of old versions, `days` since they became old."""

    storage_class: str
    days: int | None = None
    date: str | None = None


@dataclass(frozen=True, slots=True)
class LifecycleRule:
    """One lifecycle rule.

    `expires_after` or `expires_on` ends current versions; `noncurrent_days` ends old ones, of which the latest
    `newer_noncurrent` stay. `aborts_after` is in days since an upload in parts began.
    """

    enabled: bool
    selection: Selection = EVERYTHING
    id: str = ""
    expires_after: int | None = None
    expires_on: str | None = None
    expired_delete_markers: bool = False
    transitions: tuple[Transition, ...] = ()
    noncurrent_days: int | None = None
    newer_noncurrent: int | None = None
    noncurrent_transitions: tuple[Transition, ...] = ()
    aborts_after: int | None = None

    @property
    def expires(self) -> bool:
        """Whether current versions end by it."""
        return self.expires_after is not None or self.expires_on is not None

    @property
    def acts(self) -> bool:
        """Whether the rule is switched on and would do anything at all."""
        return self.enabled and (
            self.expires
            or self.expired_delete_markers
            or bool(self.transitions or self.noncurrent_transitions)
            or self.noncurrent_days is not None
            or self.aborts_after is not None
        )


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """The lifecycle rules of a bucket. `minimum_size` says which small objects are never moved, as AWS words it."""

    rules: tuple[LifecycleRule, ...]
    minimum_size: str | None = None

    @property
    def acting(self) -> tuple[LifecycleRule, ...]:
        """The rules that do something."""
        return tuple(rule for rule in self.rules if rule.acts)


@dataclass(frozen=True, slots=True)
class ReplicationRule:
    """One replication rule. `destination` is the ARN of a bucket, `account` its owner where the rule names one.

    `owner_override` hands the copies to that owner. `replica_key` encrypts the copies; `kms_objects` says whether
    objects under KMS keys are copied at all. `time_control` is replication within 15 minutes, `metrics` its measuring.
    """

    enabled: bool
    destination: str
    selection: Selection = EVERYTHING
    id: str = ""
    account: str | None = None
    owner_override: bool = False
    replica_key: str | None = None
    kms_objects: bool = False
    delete_markers: bool = False
    time_control: bool = False
    metrics: bool = False

    @property
    def bucket(self) -> str:
        """The name of the destination bucket."""
        return self.destination.rpartition(":")[2]


@dataclass(frozen=True, slots=True)
class Replication:
    """The replication of a bucket; `role` is the ARN of the IAM role that copies."""

    role: str
    rules: tuple[ReplicationRule, ...]

    @property
    def acting(self) -> tuple[ReplicationRule, ...]:
        """The rules that are switched on."""
        return tuple(rule for rule in self.rules if rule.enabled)


@dataclass(frozen=True, slots=True)
class ObjectLock:
    """Object Lock. `mode` (`GOVERNANCE` or `COMPLIANCE`) and `days` are what new objects get; None without a default.

    AWS counts in days or in years; a year is 365 days here.
    """

    mode: str | None = None
    days: int | None = None


@dataclass(frozen=True, slots=True, order=True)
class NotificationTarget:
    """Whom a bucket tells of `events`: the ARN of a topic, a queue or a function."""

    arn: str
    events: tuple[str, ...]
    id: str = ""


@dataclass(frozen=True, slots=True)
class Notification:
    """Whom a bucket tells of what happens to its objects; `event_bridge` where it tells EventBridge of everything."""

    targets: tuple[NotificationTarget, ...] = ()
    event_bridge: bool = False


@dataclass(frozen=True, slots=True)
class CorsRule:
    """Which pages of other origins may call the bucket from a browser. `max_age` in seconds."""

    origins: tuple[str, ...]
    methods: tuple[str, ...]
    headers: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()
    max_age: int | None = None


@dataclass(frozen=True, slots=True)
class Cors:
    """The cross-origin rules of a bucket; for a request the first that fits counts."""

    rules: tuple[CorsRule, ...]


@dataclass(frozen=True, slots=True)
class InventoryConfiguration:
    """One inventory. `destination` is the ARN of a bucket, `account` its owner where it is named.

    `frequency` is `Daily` or `Weekly`. `encryption` is `SSE-S3`, the id of a KMS key, or None: then the destination's
    default holds. `fields` are the optional columns.
    """

    id: str
    enabled: bool
    destination: str
    frequency: str
    account: str | None = None
    encryption: str | None = None
    all_versions: bool = False
    fields: tuple[str, ...] = ()
    prefix: str = ""

    @property
    def bucket(self) -> str:
        """The name of the destination bucket."""
        return self.destination.rpartition(":")[2]


@dataclass(frozen=True, slots=True)
class Inventory:
    """All inventories of a bucket, by id."""

    configurations: tuple[InventoryConfiguration, ...]

    @property
    def acting(self) -> tuple[InventoryConfiguration, ...]:
        """Those that are switched on."""
        return tuple(each for each in self.configurations if each.enabled)


@dataclass(frozen=True, slots=True)
class AnalyticsConfiguration:
    """One storage class analysis. `destination` is the ARN of the bucket that it is exported to, None if it is not.

    `account` is that bucket's owner where it is named.
    """

    id: str
    destination: str | None = None
    account: str | None = None

    @property
    def bucket(self) -> str | None:
        """The name of the destination bucket."""
        return None if self.destination is None else self.destination.rpartition(":")[2]


@dataclass(frozen=True, slots=True)
class Analytics:
    """All storage class analyses of a bucket, by id."""

    configurations: tuple[AnalyticsConfiguration, ...]


@dataclass(frozen=True, slots=True)
class TieringConfiguration:
    """One archive configuration of Intelligent-Tiering: after how many days without access objects go to which tier."""

    id: str
    enabled: bool
    tiers: tuple[tuple[str, int], ...]
    selection: Selection = EVERYTHING


@dataclass(frozen=True, slots=True)
class Tiering:
    """All Intelligent-Tiering configurations of a bucket, by id."""

    configurations: tuple[TieringConfiguration, ...]

    @property
    def acting(self) -> tuple[TieringConfiguration, ...]:
        """Those that are switched on."""
        return tuple(each for each in self.configurations if each.enabled)
