"""The table of the account's services: which aspect is read by whom, with which calls, and how long it is believed.

Services are read region by region where the account has buckets, and only what an enabled rule needs. What is said of
single buckets is listed for many at once and split.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Protocol, TypeAlias

from s3warden.collect import (
    alarms,
    analyzers,
    backups,
    detectors,
    lenses,
    macie,
    metric_data,
    organization_block,
    request_metrics,
    storage_metrics,
    trails,
)
from s3warden.collect.access_points import AccountReader
from s3warden.collect.aspects import AspectRead
from s3warden.model.bucket import AccountRef, Aspect, BucketRef, Reading

_AccountRead: TypeAlias = Callable[[AccountRef, frozenset[str]], Awaitable[Reading[object]]]
_BucketRead: TypeAlias = Callable[[BucketRef], Awaitable[Reading[object]]]

READS: Mapping[Aspect, tuple[AspectRead[object], ...]] = MappingProxyType(
    {
        Aspect.TRAILS: (trails.LIST, trails.STATUS, trails.SELECTORS),
        Aspect.EVENT_DATA_STORES: (trails.LIST_STORES, trails.STORE),
        Aspect.METRIC_FILTERS: (trails.LIST, alarms.FILTERS, alarms.ALARMS),
        Aspect.MACIE: (macie.SESSION,),
        Aspect.MACIE_DISCOVERY: (macie.DISCOVERY,),
        Aspect.MACIE_COVERAGE: (macie.BUCKETS,),
        Aspect.MACIE_FINDINGS: (macie.FINDINGS,),
        Aspect.ANALYZERS: (analyzers.LIST,),
        Aspect.ACCESS_FINDINGS: (analyzers.LIST, analyzers.FINDINGS),
        Aspect.GUARDDUTY: (detectors.LIST, detectors.DETECTOR, detectors.ADMINISTRATOR),
        Aspect.BACKUP_SELECTIONS: (backups.PLANS, backups.SELECTIONS, backups.SELECTION),
        Aspect.LAST_BACKUP: (backups.PROTECTED,),
        Aspect.STORAGE_METRICS: (storage_metrics.BUCKETS, storage_metrics.METRICS, metric_data.DATA),
        Aspect.REQUEST_METRICS: (request_metrics.CONFIGURATIONS, metric_data.DATA),
        Aspect.STORAGE_LENSES: (lenses.LIST,),
        Aspect.ORGANIZATION_BLOCK: (organization_block.READ,),
    }
)
"""All calls that reading an aspect may take."""

REGIONAL: frozenset[Aspect] = frozenset(
    {
        Aspect.TRAILS,
        Aspect.EVENT_DATA_STORES,
        Aspect.METRIC_FILTERS,
        Aspect.MACIE,
        Aspect.MACIE_DISCOVERY,
        Aspect.ANALYZERS,
        Aspect.GUARDDUTY,
        Aspect.BACKUP_SELECTIONS,
        Aspect.STORAGE_LENSES,
        Aspect.LAKE_LOCATIONS,
        Aspect.SHADOW_NAMES,
        Aspect.FOREIGN_ACCESS_POINTS,
        Aspect.DIRECTORY_BUCKETS,
        Aspect.TABLE_BUCKETS,
        Aspect.TABLE_REPLICATIONS,
        Aspect.VECTOR_BUCKETS,
        Aspect.FILE_SYSTEMS,
        Aspect.OBJECT_LAMBDA_POINTS,
    }
)
"""Those of an account that are read region by region."""

# Events tell of nearly all changes; what is read so often anyway is of use where they do not come.
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
FRESHNESS: Mapping[Aspect, timedelta] = MappingProxyType(
    {
        Aspect.TRAILS: _HOUR,
        Aspect.EVENT_DATA_STORES: _HOUR,
        Aspect.METRIC_FILTERS: _DAY,
        Aspect.MACIE: _HOUR,
        Aspect.MACIE_DISCOVERY: _HOUR,
        Aspect.ANALYZERS: _HOUR,
        Aspect.GUARDDUTY: _HOUR,
        Aspect.BACKUP_SELECTIONS: _HOUR,
        Aspect.STORAGE_LENSES: _DAY,
        Aspect.DISTRIBUTIONS: _HOUR,
        Aspect.DNS_RECORDS: 6 * _HOUR,
        Aspect.LAKE_LOCATIONS: _DAY,
        Aspect.SHADOW_NAMES: _DAY,
        Aspect.FOREIGN_ACCESS_POINTS: _HOUR,
        Aspect.DIRECTORY_BUCKETS: _HOUR,
        Aspect.TABLE_BUCKETS: _HOUR,
        Aspect.TABLE_REPLICATIONS: _HOUR,
        Aspect.VECTOR_BUCKETS: _HOUR,
        Aspect.FILE_SYSTEMS: _HOUR,
        Aspect.OBJECT_LAMBDA_POINTS: _HOUR,
    }
)
"""How long a sweep believes what was read."""

PATIENT: frozenset[Aspect] = frozenset(READS)
"""What waits for the next sweep, or for an event about it, where reading it failed for what passes.

No verdict on a bucket's exposure hangs on it, so a service that is out of order must not hold up looks at buckets.
"""


class Reader(request_metrics.Reader, AccountReader, Protocol):
    """What asks S3, S3 Control and all other services. Raises AwsError and nothing else."""


class ServiceReads:
    """How each aspect of the account's services is read through `reader`.

    `security` is the number of the account that has the organisation's analyzers, if there is one. `clock` gives UTC.
    """

    def __init__(
        self,
        reader: Reader,
        security: str | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._trails = trails.TrailReads(reader)
        found_by = analyzers.AnalyzerReads(reader, security)
        sensitive = macie.MacieReads(reader)
        saved = backups.BackupReads(reader)
        organization = organization_block.OrganizationBlockReads(reader)
        self.account: Mapping[Aspect, _AccountRead] = {
            Aspect.TRAILS: self._trails.of_account,
            Aspect.EVENT_DATA_STORES: self._trails.stores,
            Aspect.METRIC_FILTERS: alarms.AlarmReads(reader, self._trails).of_account,
            Aspect.MACIE: sensitive.sessions,
            Aspect.MACIE_DISCOVERY: sensitive.discovery,
            Aspect.ANALYZERS: found_by.of_account,
            Aspect.GUARDDUTY: detectors.DetectorReads(reader).of_account,
            Aspect.BACKUP_SELECTIONS: saved.selections,
            Aspect.STORAGE_LENSES: lenses.LensReads(reader).of_account,
            Aspect.ORGANIZATION_BLOCK: lambda ref, _regions: organization.of_account(ref),
        }
        self.bucket: Mapping[Aspect, _BucketRead] = {
            Aspect.MACIE_COVERAGE: sensitive.coverage,
            Aspect.MACIE_FINDINGS: sensitive.findings,
            Aspect.ACCESS_FINDINGS: found_by.findings,
            Aspect.LAST_BACKUP: saved.last,
            Aspect.STORAGE_METRICS: storage_metrics.StorageMetricReads(reader, clock).of_bucket,
            Aspect.REQUEST_METRICS: request_metrics.RequestMetricReads(reader, clock).of_bucket,
        }

    def may_ask(self, accounts: frozenset[AccountRef]) -> None:
        """These accounts are guarded, so each may be asked for what concerns another one, too."""
        self._trails.guarded = accounts
