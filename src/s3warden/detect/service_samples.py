"""Services of an account made by hand for the examples of rules: all of them on, in the one region with a bucket."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from s3warden.model.bucket import Absent, Aspect, Present, Reading, Regional, Unreadable
from s3warden.model.references import Reference, References, Use
from s3warden.model.services import (
    AccessFinding,
    AccessFindings,
    Analyzer,
    AnalyzerKind,
    Analyzers,
    BackupSelection,
    BackupSelections,
    Detector,
    LastBackup,
    Macie,
    MacieCoverage,
    MacieDiscovery,
    MacieFindings,
    MetricFilter,
    MetricFilters,
    OrganizationBlock,
    StorageLens,
    StorageLenses,
)
from s3warden.model.trails import BasicSelector, EventDataStores, Selectors, Trail, Trails, TrailStatus
from s3warden.model.usage import RequestMetrics, StorageCount, StorageMetrics

PARTITION = "aws"
REGION = "eu-west-1"
TRAIL_BUCKET = "example-trail-logs"
S3 = f"arn:{PARTITION}:s3"
_MADE = datetime(2025, 1, 1, tzinfo=UTC)
_EARLIER = datetime(2025, 12, 24, tzinfo=UTC)
_YESTERDAY = datetime(2025, 12, 31, tzinfo=UTC)
_TRAIL = f"arn:{PARTITION}:cloudtrail:eu-west-1:111122223333:trail/main"
ALL_OBJECTS = Selectors((BasicSelector(reads=True, writes=True, management=True, objects=(S3,)),))
SETTINGS_ONLY = Selectors((BasicSelector(reads=True, writes=True, management=True),))


def here(value: object, region: str = REGION) -> Present[object]:
    """A service that was read in one region: a reading, or the value of one."""
    reading = value if isinstance(value, Present | Absent | Unreadable) else Present(value)
    return Present(Regional(((region, reading),)))


def trail(
    selectors: Reading[Selectors] | Selectors = SETTINGS_ONLY,
    *,
    logging: bool = True,
    error: str = "",
    bucket: str = TRAIL_BUCKET,
    status: Reading[TrailStatus] | None = None,
) -> Trail:
    """A trail of all regions called `main`."""
    return Trail(
        arn=_TRAIL,
        name="main",
        home_region=REGION,
        bucket=bucket,
        status=Present(TrailStatus(logging, error)) if status is None else status,
        selectors=Present(selectors) if isinstance(selectors, Selectors) else selectors,
        multi_region=True,
    )


def trails(*found: Trail) -> Present[object]:
    """The trails that record the region."""
    return here(Trails(found))


def feeds(bucket: str) -> Present[References]:
    """A trail of a guarded account delivers to this bucket."""
    return Present(References((Reference(Use.TRAIL, bucket, "444455556666", _TRAIL),)))


def findings(*found: AccessFinding) -> Present[AccessFindings]:
    """The open findings about the bucket."""
    return Present(AccessFindings(found))


SOUND: Mapping[Aspect, Reading[object]] = MappingProxyType(
    {
        Aspect.TRAILS: trails(trail(ALL_OBJECTS)),
        Aspect.EVENT_DATA_STORES: here(EventDataStores(())),
        Aspect.METRIC_FILTERS: here(
            MetricFilters(
                (
                    MetricFilter(
                        "s3",
                        "trail",
                        "PutBucketAcl PutBucketPolicy PutBucketCors PutBucketLifecycle PutBucketReplication "
                        "DeleteBucketPolicy DeleteBucketCors DeleteBucketLifecycle DeleteBucketReplication",
                        alarmed=True,
                    ),
                )
            )
        ),
        Aspect.MACIE: here(Macie("ENABLED")),
        Aspect.MACIE_DISCOVERY: here(MacieDiscovery("ENABLED")),
        Aspect.MACIE_COVERAGE: Present(MacieCoverage("", monitored=True, in_job=False, sensitivity=1)),
        Aspect.MACIE_FINDINGS: Present(MacieFindings(high=0, total=0)),
        Aspect.ANALYZERS: here(Analyzers((Analyzer("arn", "external", AnalyzerKind.ACCOUNT, "ACTIVE"),))),
        Aspect.ACCESS_FINDINGS: findings(),
        Aspect.GUARDDUTY: here(Detector(enabled=True, s3_events=True)),
        Aspect.BACKUP_SELECTIONS: here(BackupSelections((BackupSelection("daily", "all buckets", (f"{S3}:::*",)),))),
        Aspect.LAST_BACKUP: Present(LastBackup(_YESTERDAY)),
        Aspect.STORAGE_METRICS: Present(
            StorageMetrics(
                _MADE, _YESTERDAY, *(StorageCount(day, 10**9, 1000) for day in (_YESTERDAY, _EARLIER, _EARLIER))
            )
        ),
        Aspect.REQUEST_METRICS: Present(RequestMetrics("EntireBucket", _MADE, _YESTERDAY)),
        Aspect.STORAGE_LENSES: here(StorageLenses((StorageLens("default-account-dashboard", enabled=True),))),
        Aspect.ORGANIZATION_BLOCK: Present(OrganizationBlock("all")),
    }
)
"""What is read where all services are on."""
