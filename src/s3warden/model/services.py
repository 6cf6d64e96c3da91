"""The security services of an account that look at S3, as AWS's answers mean them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Macie:
    """Macie in one region, where it is set up: `ENABLED` or `PAUSED`."""

    status: str


@dataclass(frozen=True, slots=True)
class MacieDiscovery:
    """Macie's automated search for sensitive data: `ENABLED` or `DISABLED`."""

    status: str


@dataclass(frozen=True, slots=True)
class MacieCoverage:
    """What Macie says of one bucket.

    `error` is its code for why it cannot look into the bucket, empty where it can. `monitored` by automated discovery,
    `in_job` by a periodic job. `sensitivity` is its score from 1 to 99, -1 where it could not look, None without one.
    """

    error: str
    monitored: bool
    in_job: bool
    sensitivity: int | None = None


@dataclass(frozen=True, slots=True)
class MacieFindings:
    """How many findings about one bucket nobody has put aside: those of high severity, and all."""

    high: int
    total: int


class AnalyzerKind(StrEnum):
    """Whose resources an analyzer of external access watches."""

    ACCOUNT = "ACCOUNT"
    ORGANIZATION = "ORGANIZATION"


@dataclass(frozen=True, slots=True)
class Analyzer:
    """An analyzer of external access. `status` is AWS's word, `ACTIVE` where all is well."""

    arn: str
    name: str
    kind: AnalyzerKind
    status: str


@dataclass(frozen=True, slots=True)
class Analyzers:
    """The analyzers of external access that watch an account in one region, by ARN."""

    analyzers: tuple[Analyzer, ...]

    @property
    def active(self) -> tuple[Analyzer, ...]:
        """Those that work."""
        return tuple(analyzer for analyzer in self.analyzers if analyzer.status == "ACTIVE")


@dataclass(frozen=True, slots=True)
class AccessFinding:
    """An open finding of Access Analyzer about a bucket.

    `principal` says who has access, `actions` to do what, `sources` by what: `POLICY`, `BUCKET_ACL`, …. `restricted` is
    AWS's word on resource control policies: `APPLICABLE` where one exists and was not taken into account.
    """

    id: str
    public: bool
    principal: str
    actions: tuple[str, ...]
    sources: tuple[str, ...]
    restricted: str = ""


@dataclass(frozen=True, slots=True)
class AccessFindings:
    """The open findings about one bucket, by id, of at least one active analyzer."""

    findings: tuple[AccessFinding, ...]


@dataclass(frozen=True, slots=True)
class Detector:
    """GuardDuty in one region. `s3_events`: whether it looks at the data events of S3.

    `administrator` is the account that decides what GuardDuty does here, empty for none. It is asked for only where S3
    is not looked at, and None where that could not be read.
    """

    enabled: bool
    s3_events: bool
    administrator: str | None = ""


@dataclass(frozen=True, slots=True)
class BackupCondition:
    """A condition on a tag: StringEquals, StringNotEquals, StringLike or StringNotLike."""

    operator: str
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class BackupSelection:
    """What a plan backs up: by ARN or pattern, by any tag of `any_tag` or all `conditions`; never `not_resources`."""

    plan: str
    name: str
    resources: tuple[str, ...] = ()
    not_resources: tuple[str, ...] = ()
    any_tag: tuple[BackupCondition, ...] = ()
    conditions: tuple[BackupCondition, ...] = ()


@dataclass(frozen=True, slots=True)
class BackupPlan:
    """A backup plan."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class BackupSelections:
    """All selections of all backup plans in one region, and the plans, those that take in nothing among them."""

    selections: tuple[BackupSelection, ...]
    plans: tuple[BackupPlan, ...] = ()


@dataclass(frozen=True, slots=True)
class LastBackup:
    """When AWS Backup last made a recovery point of the bucket. UTC."""

    at: datetime


@dataclass(frozen=True, slots=True)
class MetricFilter:
    """A metric filter on a log group that a trail feeds. `alarmed`: an alarm on its metric tells somebody."""

    name: str
    log_group: str
    pattern: str
    alarmed: bool


@dataclass(frozen=True, slots=True)
class MetricFilters:
    """The metric filters on the log groups that the trails of one region feed.

    `log_groups` are the ARNs of those groups that are the account's own.
    """

    filters: tuple[MetricFilter, ...]
    log_groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StorageLens:
    """An S3 Storage Lens dashboard, and whether it is on."""

    id: str
    enabled: bool


@dataclass(frozen=True, slots=True)
class StorageLenses:
    """The dashboards of an account that are at home in one region, by id."""

    dashboards: tuple[StorageLens, ...]


@dataclass(frozen=True, slots=True)
class OrganizationBlock:
    """What the organisation's S3 policies say of public access in the account: `all` of it is blocked, or `none`.

    `mode` is empty for an account that is in an organisation with no such policy in effect.
    """

    mode: str
