"""The services beside S3 whose calls can change a verdict, and what is to be read again after them. Data, no decisions.

Which service a call is of is what CloudTrail's eventSource says before its first dot; names of calls come without the
date of the API that some services add. A call that changes something and that nobody has listed reads again all that is
read of its service.

A call concerns the account in whose trail it is recorded, unless the service's `reach` tells otherwise.

Sources: the API references of the services for what a call does, their chapters on CloudTrail for how it is recorded.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from s3warden.collect import key_calls, organization_calls, reach
from s3warden.collect.triggers import Call
from s3warden.model.bucket import Aspect
from s3warden.model.event import Level, Target

Reach: TypeAlias = Callable[[str, Mapping[str, object], Target], tuple[Target, ...]]
"""Whom a call concerns: its name, its record, and the account where it was recorded; nobody where it has no effect."""


@dataclass(frozen=True, slots=True)
class Service:
    """What is watched of a service.

    `aspects` is all that is read of it, `calls` what the known calls change. `idle` are known, too, and change nothing
    that is read.
    """

    aspects: frozenset[Aspect]
    calls: Mapping[str, Call]
    idle: frozenset[str] = frozenset()
    reach: Reach = reach.here

    def call(self, name: str) -> Call:
        """What a call of this name changes."""
        return self.calls.get(name) or Call(self.aspects, level=Level.ACCOUNT)


def _calls(names: str | Iterable[str], *aspects: Aspect, urgent: bool = False) -> dict[str, Call]:
    words = names.split() if isinstance(names, str) else names
    return dict.fromkeys(words, Call(frozenset(aspects), urgent, Level.ACCOUNT))


def _watched(*calls: Mapping[str, Call], idle: str = "", reaches: Reach = reach.here) -> Service:
    known = {name: call for group in calls for name, call in group.items()}
    aspects = frozenset[Aspect]().union(*(call.aspects for call in known.values()))
    return Service(aspects, MappingProxyType(known), frozenset(idle.split()), reaches)


# AWS answers for an account with the block in effect, so a policy that blocks, or no longer does, is seen there.
_ORGANIZATIONS = Service(
    aspects=frozenset({Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK, Aspect.ORGANIZATION_BLOCK}),
    calls=_calls(
        organization_calls.CHANGES, Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK, Aspect.ORGANIZATION_BLOCK, urgent=True
    ),
    idle=organization_calls.IDLE,
    reach=organization_calls.reach,
)
# What stops a trail also stops the events that we live on.
_CLOUDTRAIL = _watched(
    _calls("CreateTrail UpdateTrail DeleteTrail", Aspect.TRAILS, Aspect.METRIC_FILTERS, urgent=True),
    _calls("StartLogging StopLogging PutEventSelectors", Aspect.TRAILS, urgent=True),
    _calls(
        "CreateEventDataStore UpdateEventDataStore DeleteEventDataStore RestoreEventDataStore "
        "StartEventDataStoreIngestion StopEventDataStoreIngestion",
        Aspect.EVENT_DATA_STORES,
    ),
    idle="AddTags RemoveTags PutInsightSelectors StartQuery CancelQuery GenerateQuery StartImport StopImport "
    "CreateChannel UpdateChannel DeleteChannel PutResourcePolicy DeleteResourcePolicy EnableFederation "
    "DisableFederation CreateDashboard UpdateDashboard DeleteDashboard StartDashboardRefresh PutEventConfiguration",
    reaches=reach.of_trails,
)
_MACIE = _watched(
    _calls("EnableMacie DisableMacie UpdateMacieSession UpdateMemberSession", Aspect.MACIE, Aspect.MACIE_DISCOVERY),
    _calls("CreateMember DeleteMember DisassociateMember DisassociateFromAdministratorAccount", Aspect.MACIE),
    _calls("AcceptInvitation EnableOrganizationAdminAccount DisableOrganizationAdminAccount", Aspect.MACIE),
    _calls("UpdateAutomatedDiscoveryConfiguration BatchUpdateAutomatedDiscoveryAccounts", Aspect.MACIE_DISCOVERY),
    idle="CreateClassificationJob UpdateClassificationJob CreateAllowList UpdateAllowList DeleteAllowList "
    "CreateCustomDataIdentifier DeleteCustomDataIdentifier CreateFindingsFilter UpdateFindingsFilter "
    "DeleteFindingsFilter CreateInvitations DeclineInvitations DeleteInvitations CreateSampleFindings "
    "PutClassificationExportConfiguration PutFindingsPublicationConfiguration UpdateOrganizationConfiguration "
    "UpdateClassificationScope UpdateResourceProfile UpdateResourceProfileDetections UpdateRevealConfiguration "
    "UpdateSensitivityInspectionTemplate TagResource UntagResource TestCustomDataIdentifier SearchResources",
    reaches=reach.of_members,
)
_ACCESS_ANALYZER = _watched(
    _calls("CreateAnalyzer UpdateAnalyzer DeleteAnalyzer", Aspect.ANALYZERS),
    # Findings themselves are told of by events of their own.
    idle="ApplyArchiveRule CreateArchiveRule UpdateArchiveRule DeleteArchiveRule UpdateFindings StartResourceScan "
    "CreateAccessPreview StartPolicyGeneration CancelPolicyGeneration GenerateFindingRecommendation ValidatePolicy "
    "CheckAccessNotGranted CheckNoNewAccess CheckNoPublicAccess TagResource UntagResource",
    reaches=reach.of_analyzers,
)
_GUARDDUTY = _watched(
    _calls("CreateDetector UpdateDetector DeleteDetector UpdateMemberDetectors", Aspect.GUARDDUTY),
    _calls("StartMonitoringMembers StopMonitoringMembers CreateMembers DeleteMembers", Aspect.GUARDDUTY),
    _calls("DisassociateMembers DisassociateFromAdministratorAccount AcceptAdministratorInvitation", Aspect.GUARDDUTY),
    idle="ArchiveFindings UnarchiveFindings CreateSampleFindings UpdateFindingsFeedback CreateFilter UpdateFilter "
    "DeleteFilter CreateIPSet UpdateIPSet DeleteIPSet CreateThreatIntelSet UpdateThreatIntelSet DeleteThreatIntelSet "
    "CreatePublishingDestination UpdatePublishingDestination DeletePublishingDestination InviteMembers "
    "DeclineInvitations DeleteInvitations UpdateOrganizationConfiguration UpdateMalwareScanSettings StartMalwareScan "
    "CreateMalwareProtectionPlan UpdateMalwareProtectionPlan DeleteMalwareProtectionPlan "
    "EnableOrganizationAdminAccount DisableOrganizationAdminAccount TagResource UntagResource",
    reaches=reach.of_members,
)
_BACKUP = _watched(
    _calls(
        "CreateBackupPlan UpdateBackupPlan DeleteBackupPlan CreateBackupSelection DeleteBackupSelection "
        "BackupSelectionDeletedDueToSLRDeletion",
        Aspect.BACKUP_SELECTIONS,
    ),
    idle="StartBackupJob StopBackupJob StartCopyJob StartRestoreJob StartReportJob BackupJobStarted BackupJobCompleted "
    "BackupDeleted BackupTransitionedToCold CopyJobStarted CopyJobCompleted RestoreStarted RestoreCompleted "
    "ReportJobStarted ReportJobCompleted RecoveryPointCreated RecoveryPointDeleted DeleteRecoveryPoint "
    "UpdateRecoveryPointLifecycle DisassociateRecoveryPoint CreateBackupVault DeleteBackupVault "
    "CreateLogicallyAirGappedBackupVault PutBackupVaultAccessPolicy DeleteBackupVaultAccessPolicy "
    "PutBackupVaultLockConfiguration DeleteBackupVaultLockConfiguration PutBackupVaultNotifications "
    "DeleteBackupVaultNotifications CreateFramework UpdateFramework DeleteFramework CreateReportPlan UpdateReportPlan "
    "DeleteReportPlan TagResource UntagResource",
)
_LOGS = _watched(
    _calls("PutMetricFilter DeleteMetricFilter DeleteLogGroup", Aspect.METRIC_FILTERS),
    idle="CreateLogGroup CreateLogStream DeleteLogStream PutLogEvents PutRetentionPolicy DeleteRetentionPolicy "
    "PutSubscriptionFilter DeleteSubscriptionFilter PutResourcePolicy DeleteResourcePolicy PutQueryDefinition "
    "DeleteQueryDefinition StartQuery StopQuery StartLiveTail FilterLogEvents TestMetricFilter CreateExportTask "
    "CancelExportTask AssociateKmsKey DisassociateKmsKey PutDestination PutDestinationPolicy DeleteDestination "
    "PutAccountPolicy DeleteAccountPolicy PutDataProtectionPolicy DeleteDataProtectionPolicy CreateDelivery "
    "DeleteDelivery PutDeliverySource PutDeliveryDestination PutIndexPolicy DeleteIndexPolicy PutTransformer "
    "DeleteTransformer TagLogGroup UntagLogGroup TagResource UntagResource",
)
_MONITORING = _watched(
    _calls("PutMetricAlarm DeleteAlarms EnableAlarmActions DisableAlarmActions", Aspect.METRIC_FILTERS),
    idle="PutMetricData PutDashboard DeleteDashboards PutCompositeAlarm SetAlarmState PutAnomalyDetector "
    "DeleteAnomalyDetector PutInsightRule DeleteInsightRules EnableInsightRules DisableInsightRules "
    "PutManagedInsightRules PutMetricStream DeleteMetricStream StartMetricStreams StopMetricStreams TagResource "
    "UntagResource",
)

_KEY_ASPECTS = (Aspect.DEFAULT_KEY, Aspect.KEY_ROTATION, Aspect.KEY_POLICY)
_KMS = Service(
    aspects=frozenset(_KEY_ASPECTS),
    calls=_calls(key_calls.CHANGES, *_KEY_ASPECTS) | _calls(key_calls.WIDENS, *_KEY_ASPECTS, urgent=True),
    idle=key_calls.IDLE,
    reach=key_calls.reach,
)
# Both are recorded in one region, whichever region the bucket is in.
_CLOUDFRONT = _watched(
    _calls(
        "CopyDistribution CreateDistribution CreateDistributionWithTags DeleteDistribution UpdateDistribution "
        "UpdateDistributionWithStagingConfig",
        Aspect.DISTRIBUTIONS,
    ),
    idle="CreateInvalidation TagResource UntagResource",
)
_ROUTE_53 = _watched(
    _calls("ChangeResourceRecordSets CreateHostedZone DeleteHostedZone", Aspect.DNS_RECORDS),
    idle="ChangeTagsForResource CreateHealthCheck DeleteHealthCheck UpdateHealthCheck",
)

_EXPRESS = _watched(
    _calls(
        "CreateBucket DeleteBucket PutBucketPolicy DeleteBucketPolicy PutBucketEncryption PutBucketLifecycle "
        "PutBucketLifecycleConfiguration DeleteBucketLifecycle",
        Aspect.DIRECTORY_BUCKETS,
    ),
    idle="CreateSession CreateAccessPoint DeleteAccessPoint PutAccessPointPolicy DeleteAccessPointPolicy "
    "PutAccessPointScope DeleteAccessPointScope TagResource UntagResource",
)
_TABLES = _watched(
    _calls("CreateTableBucket DeleteTableBucket", Aspect.TABLE_BUCKETS, Aspect.TABLE_REPLICATIONS),
    _calls(
        "PutTableBucketPolicy DeleteTableBucketPolicy PutTableBucketEncryption DeleteTableBucketEncryption",
        Aspect.TABLE_BUCKETS,
    ),
    _calls("PutTableBucketReplication DeleteTableBucketReplication", Aspect.TABLE_REPLICATIONS),
    idle="CreateNamespace DeleteNamespace CreateTable DeleteTable RenameTable UpdateTableMetadataLocation "
    "PutTablePolicy DeleteTablePolicy PutTableMaintenanceConfiguration PutTableBucketMaintenanceConfiguration "
    "PutTableReplication DeleteTableReplication PutTableBucketStorageClass TagResource UntagResource",
)
_VECTORS = _watched(
    _calls(
        "CreateVectorBucket DeleteVectorBucket PutVectorBucketPolicy DeleteVectorBucketPolicy", Aspect.VECTOR_BUCKETS
    ),
    idle="CreateIndex DeleteIndex PutVectors DeleteVectors TagResource UntagResource",
)
# All of its calls are recorded, says its user guide; by which source and names is inferred from the API.
_FILES = _watched(
    _calls("CreateFileSystem DeleteFileSystem PutFileSystemPolicy DeleteFileSystemPolicy", Aspect.FILE_SYSTEMS),
    idle="CreateMountTarget UpdateMountTarget DeleteMountTarget CreateAccessPoint DeleteAccessPoint "
    "PutSynchronizationConfiguration TagResource UntagResource",
)
_LAKE = _watched(
    _calls("RegisterResource DeregisterResource UpdateResource", Aspect.LAKE_LOCATIONS),
    idle="GrantPermissions RevokePermissions BatchGrantPermissions BatchRevokePermissions PutDataLakeSettings "
    "CreateLFTag UpdateLFTag DeleteLFTag AddLFTagsToResource RemoveLFTagsFromResource CreateDataCellsFilter "
    "UpdateDataCellsFilter DeleteDataCellsFilter",
)

SERVICES: Mapping[str, Service] = MappingProxyType(
    {
        "organizations": _ORGANIZATIONS,
        "kms": _KMS,
        "cloudfront": _CLOUDFRONT,
        "route53": _ROUTE_53,
        "cloudtrail": _CLOUDTRAIL,
        "macie2": _MACIE,
        "access-analyzer": _ACCESS_ANALYZER,
        "guardduty": _GUARDDUTY,
        "backup": _BACKUP,
        "logs": _LOGS,
        "monitoring": _MONITORING,
        "s3express": _EXPRESS,
        "s3tables": _TABLES,
        "s3vectors": _VECTORS,
        "s3files": _FILES,
        "lakeformation": _LAKE,
    }
)
"""By the name that CloudTrail's eventSource begins with."""

NAMES = frozenset(name for service in SERVICES.values() for name in service.calls)
"""The calls that are known: a closed set, fit for a metric label."""
