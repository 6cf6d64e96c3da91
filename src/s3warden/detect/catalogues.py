"""What other catalogues ask about S3: each control in our words, and why there is no rule for it where there is none.

Which rule answers to a control stands at the rule (`RuleInfo.maps`); this is the other side of it, so that nothing is
left out unsaid. Ids are those of Security Hub's controls for S3, AWS Config's managed rules, Prowler 5.46, Cloud
Custodian 0.9.53 (filters), CloudSploit of December 2025, the CIS AWS Foundations Benchmark 1.4 to 7.0, and Cloud
Conformity's S3-001 to S3-029 with what of its other services bears on buckets.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from s3warden.model.framework import Framework


@dataclass(frozen=True, slots=True)
class Asked:
    """A control of another catalogue: its id there, what it asks, and a remark; where no rule maps to it, why not."""

    id: str
    what: str
    remark: str = ""


_LATENT = "A grant without effect is told by bucket-acl-latent-public instead."
_CONFORMITY = (
    Asked("S3-001", "The ACL lets everyone read", _LATENT),
    Asked("S3-002", "The ACL lets everyone read the ACL", _LATENT),
    Asked("S3-003", "The ACL lets everyone write", _LATENT),
    Asked("S3-004", "The ACL lets everyone change the ACL", _LATENT),
    Asked("S3-005", "The ACL gives everyone full control", _LATENT),
    Asked("S3-006", "The ACL lets every AWS account read", _LATENT),
    Asked("S3-007", "The ACL lets every AWS account read the ACL", _LATENT),
    Asked("S3-008", "The ACL lets every AWS account write", _LATENT),
    Asked("S3-009", "The ACL lets every AWS account change the ACL", _LATENT),
    Asked("S3-010", "The ACL gives every AWS account full control", _LATENT),
    Asked("S3-011", "Access logging is on"),
    Asked("S3-012", "Versioning is on"),
    Asked("S3-013", "MFA delete is on"),
    Asked("S3-014", "The policy is public"),
    Asked("S3-015", "Another account that is not trusted has access"),
    Asked("S3-016", "Uploads must ask for encryption"),
    Asked("S3-017", "Plain http is refused"),
    Asked("S3-018", "The name is DNS-compliant"),
    Asked("S3-019", "A website is served from the bucket"),
    Asked("S3-020", "There is a lifecycle configuration"),
    Asked("S3-021", "Default encryption is on"),
    Asked("S3-022", "The configuration changed", "Off by default; what a change opens or closes is told anyway."),
    Asked("S3-023", "Object Lock is on"),
    Asked("S3-024", "Transfer acceleration is on"),
    Asked("S3-025", "The default key is a customer's own"),
    Asked("S3-026", "Block public access is on for the bucket"),
    Asked("S3-027", "Block public access is on for the account"),
    Asked("S3-028", "The bucket key is on"),
    Asked("S3-029", "Macie has findings on the bucket"),
    # Of other services, and about buckets or what guards them.
    Asked("CT-002", "The trail's bucket has access logging"),
    Asked("CT-003", "The trail's bucket is not public"),
    Asked("CT-004", "The trail's bucket has MFA delete"),
    Asked("CT-011", "The trail delivers its logs"),
    Asked("CT-012", "Object events are logged by CloudTrail"),
    Asked("CT-014", "The trail writes to the bucket that is meant for it"),
    Asked("IAM-065", "Access Analyzer is on"),
    Asked("KMS-004", "No key is scheduled for deletion", "Judged for the keys that buckets use."),
    Asked("Route53-011", "DNS names lead to what is there", "Judged for names that lead to buckets."),
)
_SECURITY_HUB = (
    Asked("S3.1", "Block public access is on for the account"),
    Asked("S3.2", "The bucket is not publicly readable"),
    Asked("S3.3", "The bucket is not publicly writable"),
    Asked("S3.4", "Default encryption is on", "Absent from AWS's current list."),
    Asked("S3.5", "Plain http is refused"),
    Asked("S3.6", "Other accounts may not administer the bucket"),
    Asked("S3.7", "Replication goes to another region"),
    Asked("S3.8", "Block public access is on for the bucket"),
    Asked("S3.9", "Access logging is on"),
    Asked("S3.10", "Versioned buckets have a lifecycle"),
    Asked("S3.11", "Event notifications are configured"),
    Asked("S3.12", "ACLs are not used to manage access"),
    Asked("S3.13", "There is a lifecycle configuration"),
    Asked("S3.14", "Versioning is on"),
    Asked("S3.15", "Object Lock is on"),
    Asked("S3.17", "The default key is one of KMS"),
    Asked("S3.19", "Access points block public access"),
    Asked("S3.20", "MFA delete is on"),
    Asked("S3.22", "Object writes are logged by CloudTrail"),
    Asked("S3.23", "Object reads are logged by CloudTrail"),
    Asked("S3.24", "Multi-region access points block public access"),
    Asked("S3.25", "Directory buckets have a lifecycle"),
    Asked("CloudTrail.6", "The trail's bucket is not public"),
    Asked("CloudTrail.7", "The trail's bucket has access logging"),
    Asked("CloudFront.12", "CloudFront's S3 origins exist"),
    Asked("CloudFront.13", "CloudFront's S3 origins use origin access control"),
    Asked("Macie.1", "Macie is on"),
    Asked("GuardDuty.10", "GuardDuty's S3 protection is on"),
)
_CONFIG = (
    Asked("cloudfront-s3-origin-non-existent-bucket", "CloudFront's S3 origins exist"),
    Asked("cloudtrail-s3-bucket-public-access-prohibited", "The trail's bucket is not public"),
    Asked("cloudtrail-s3-dataevents-enabled", "Object events are logged by CloudTrail"),
    Asked("iam-external-access-analyzer-enabled", "Access Analyzer is on"),
    Asked("s3-access-point-public-access-blocks", "Access points block public access"),
    Asked("s3-account-level-public-access-blocks", "Block public access is on for the account, on change"),
    Asked("s3-account-level-public-access-blocks-periodic", "Block public access is on for the account, periodic"),
    Asked("s3-bucket-acl-prohibited", "ACLs are not used to manage access"),
    Asked("s3-bucket-blacklisted-actions-prohibited", "Other accounts may not administer the bucket"),
    Asked("s3-bucket-cross-region-replication-enabled", "Replication goes to another region"),
    Asked("s3-bucket-default-lock-enabled", "Object Lock is on"),
    Asked("s3-bucket-level-public-access-prohibited", "Block public access is on for the bucket"),
    Asked("s3-bucket-logging-enabled", "Access logging is on"),
    Asked("s3-bucket-mfa-delete-enabled", "MFA delete is on"),
    Asked("s3-bucket-policy-grantee-check", "Everyone whom the policy admits is on a list"),
    Asked("s3-bucket-policy-not-more-permissive", "The policy allows no more than a given one"),
    Asked("s3-bucket-public-read-prohibited", "The bucket is not publicly readable"),
    Asked("s3-bucket-public-write-prohibited", "The bucket is not publicly writable"),
    Asked("s3-bucket-replication-enabled", "Replication is on"),
    Asked("s3-bucket-server-side-encryption-enabled", "Default encryption is on"),
    Asked("s3-bucket-ssl-requests-only", "Plain http is refused"),
    Asked("s3-bucket-versioning-enabled", "Versioning is on"),
    Asked("s3-default-encryption-kms", "The default key is one of KMS"),
    Asked("s3-event-notifications-enabled", "Event notifications are configured"),
    Asked("s3-last-backup-recovery-point-created", "A recent backup exists"),
    Asked("s3-lifecycle-policy-check", "There is a lifecycle configuration"),
    Asked("s3-resources-protected-by-backup-plan", "A backup plan covers the bucket"),
    Asked("s3-version-lifecycle-policy-check", "Versioned buckets have a lifecycle"),
)
_PROWLER = (
    Asked("accessanalyzer_enabled", "Access Analyzer is on"),
    Asked("accessanalyzer_enabled_without_findings", "Access Analyzer has no open finding"),
    Asked("cloudfront_distributions_s3_origin_access_control", "CloudFront's S3 origins use origin access control"),
    Asked("cloudfront_distributions_s3_origin_non_existent_bucket", "CloudFront's S3 origins exist"),
    Asked("cloudtrail_bucket_requires_mfa_delete", "The trail's bucket has MFA delete"),
    Asked("cloudtrail_logs_s3_bucket_access_logging_enabled", "The trail's bucket has access logging"),
    Asked("cloudtrail_logs_s3_bucket_is_not_publicly_accessible", "The trail's bucket is not public"),
    Asked("cloudtrail_s3_dataevents_read_enabled", "Object reads are logged by CloudTrail"),
    Asked("cloudtrail_s3_dataevents_write_enabled", "Object writes are logged by CloudTrail"),
    Asked("cloudwatch_log_metric_filter_for_s3_bucket_policy_changes", "An alarm tells of changed buckets"),
    Asked("guardduty_s3_protection_enabled", "GuardDuty's S3 protection is on"),
    Asked("kms_cmk_not_deleted_unintentionally", "No key is scheduled for deletion", "Judged for keys of buckets."),
    Asked("kms_key_not_publicly_accessible", "No key is open to everyone", "Judged for keys of buckets."),
    Asked("macie_automated_sensitive_data_discovery_enabled", "Macie looks for sensitive data by itself"),
    Asked("macie_is_enabled", "Macie is on"),
    Asked("s3_access_point_public_access_block", "Access points block public access"),
    Asked("s3_account_level_public_access_blocks", "Block public access is on for the account"),
    Asked("s3_bucket_acl_prohibited", "ACLs are disabled"),
    Asked("s3_bucket_cross_account_access", "Another account has access"),
    Asked("s3_bucket_cross_region_replication", "Replication goes to another region"),
    Asked("s3_bucket_default_encryption", "Default encryption is on", "Deprecated there; kept for old partitions."),
    Asked("s3_bucket_event_notifications_enabled", "Event notifications are configured"),
    Asked("s3_bucket_kms_encryption", "The default key is one of KMS"),
    Asked("s3_bucket_level_public_access_block", "Block public access is on for the bucket"),
    Asked("s3_bucket_lifecycle_enabled", "There is a lifecycle configuration"),
    Asked("s3_bucket_no_mfa_delete", "MFA delete is on"),
    Asked("s3_bucket_object_lock", "Object Lock is on"),
    Asked("s3_bucket_object_public", "Objects are not public by their own ACL", "Judged by whether any may be."),
    Asked("s3_bucket_object_versioning", "Versioning is on"),
    Asked("s3_bucket_policy_public_write_access", "The policy lets everyone write"),
    Asked("s3_bucket_public_access", "The bucket is public"),
    Asked("s3_bucket_public_list_acl", "The ACL lets everyone list"),
    Asked("s3_bucket_public_write_acl", "The ACL lets everyone write"),
    Asked("s3_bucket_secure_transport_policy", "Plain http is refused"),
    Asked("s3_bucket_server_access_logging_enabled", "Access logging is on"),
    Asked("s3_bucket_shadow_resource_vulnerability", "A name that a service would take is a stranger's"),
    Asked("s3_multi_region_access_point_public_access_block", "Multi-region access points block public access"),
)
_COMPARED = "A filter for any attribute; a rule of one's own in the configuration does the same."
_CUSTODIAN = (
    Asked("bucket-encryption", "Default encryption is as wanted"),
    Asked("bucket-logging", "Access logging is as wanted"),
    Asked("bucket-notification", "Event notifications are as wanted"),
    Asked("bucket-replication", "Replication is as wanted"),
    Asked("check-public-block", "Block public access is on for the bucket"),
    Asked("configure-lifecycle", "The lifecycle is as wanted", "An action there."),
    Asked("cross-account", "Another account has access"),
    Asked("data-events", "Object events are logged by CloudTrail"),
    Asked("global-grants", "The ACL grants to everyone or every AWS account"),
    Asked("has-statement", "The policy has a statement of a given form"),
    Asked("intelligent-tiering", "Intelligent tiering is as wanted"),
    Asked("inventory", "An inventory is configured as wanted"),
    Asked("is-log-target", "Access logs of other buckets arrive here"),
    Asked("lock-configuration", "Object Lock is as wanted"),
    Asked("metrics", "A CloudWatch metric passes a threshold", "Sizes, numbers of objects and days without requests."),
    Asked("missing-policy-statement", "The policy lacks a statement of a given form"),
    Asked("no-encryption-statement", "Uploads must ask for encryption"),
    Asked("ownership", "Object ownership is as wanted"),
    Asked("tag", "A tag is there", "Tags that are wanted are settings of the rule."),
    Asked("value", "Any attribute has a value", _COMPARED),
    Asked("access-analyzer", "Access Analyzer is on"),
    Asked("check-macie", "Macie is on"),
    Asked("s3-public-block", "Block public access is on for the account"),
    Asked("mismatch-s3-origin", "CloudFront's S3 origins are the account's own"),
    Asked("s3-access-point", "Access points have the values asked for"),
    Asked("s3-access-point.cross-account", "Another account has access by an access point"),
    Asked("s3-access-point-multi.cross-account", "Another account has access by a multi-region access point"),
    Asked("lakeformation-s3-cross-account", "Lake Formation leads to buckets of the account"),
    Asked("s3-storage-lens", "A Storage Lens configuration is as wanted", "A resource there."),
    Asked("s3-table-bucket.cross-account", "Another account has access to a table bucket"),
    Asked("s3files-file-system.cross-account", "Another account has access to a file system of S3 Files"),
    Asked("s3-table-bucket.replication", "A table bucket is replicated where it may be"),
)
_CLOUDSPLOIT = (
    Asked("accessAnalyzerActiveFindings", "Access Analyzer has no open finding"),
    Asked("bucketAllUsersAcl", "The ACL grants to everyone"),
    Asked("bucketAllUsersPolicy", "The policy admits everyone"),
    Asked("bucketDnsCompliantName", "The name is DNS-compliant"),
    Asked("bucketEncryption", "Default encryption is on"),
    Asked("bucketEncryptionInTransit", "Plain http is refused"),
    Asked("bucketEnforceEncryption", "Uploads must ask for encryption"),
    Asked("bucketLifecycleConfiguration", "There is a lifecycle configuration"),
    Asked("bucketLogging", "Access logging is on"),
    Asked("bucketMFADeleteEnabled", "MFA delete is on"),
    Asked("bucketPolicyCloudFrontOac", "Only one distribution may read, by origin access control"),
    Asked("bucketPolicyCloudFrontOai", "Only one distribution may read, by origin access identity"),
    Asked("bucketPublicAccessBlock", "Block public access is on for the bucket"),
    Asked("bucketSecureTransportEnabled", "Plain http is refused"),
    Asked("bucketTransferAcceleration", "Transfer acceleration is on"),
    Asked("bucketVersioning", "Versioning is on"),
    Asked("bucketWebsiteEnabled", "A website is served from the bucket"),
    Asked("cloudtrailBucketAccessLogging", "The trail's bucket has access logging"),
    Asked("cloudtrailBucketDelete", "The trail's bucket has MFA delete"),
    Asked("cloudtrailBucketPrivate", "The trail's bucket is not public"),
    Asked("cloudtrailDataEvents", "Object events are logged by CloudTrail"),
    Asked("cloudtrailDeliveryFailing", "The trail delivers its logs"),
    Asked("cloudtrailObjectLock", "The trail's bucket has Object Lock"),
    Asked("cloudtrailS3Bucket", "The trail writes to the bucket that is meant for it"),
    Asked("danglingDnsRecords", "DNS names lead to buckets that exist"),
    Asked("objectLevelReadEventLogging", "Object reads are logged by CloudTrail"),
    Asked("objectLevelWriteEventLogging", "Object writes are logged by CloudTrail"),
    Asked("publicS3Origin", "CloudFront's S3 origins use origin access control"),
    Asked("s3BucketHasTags", "The bucket has tags"),
    Asked("s3Encryption", "The policy or the default demands encryption"),
    Asked("s3ProtectionEnabled", "GuardDuty's S3 protection is on"),
    Asked("versionedBucketsLC", "Versioned buckets have a lifecycle"),
)
_ALARM = "An alarm tells of changed buckets"
_BLOCKED = "Block public access is on"
_MACIE = "Data in S3 is discovered and classified, Macie is on"
_MFA = "MFA delete is on"
_READS = "Object reads are logged by CloudTrail"
_TLS = "Plain http is refused"
_WRITES = "Object writes are logged by CloudTrail"
_TRAIL_LOGGED = "The trail's bucket has access logging"
_TRAIL_PRIVATE = "The trail's bucket is not public"


def _before_six(logging: str, writes: str, reads: str, *more: Asked) -> tuple[Asked, ...]:
    """The benchmark from 2.0 to 5.0, whose section on logging was renumbered in 3.0."""
    return (
        Asked("2.1.1", _TLS),
        Asked("2.1.2", _MFA),
        Asked("2.1.3", _MACIE),
        Asked("2.1.4", _BLOCKED),
        *more,
        Asked(logging, _TRAIL_LOGGED),
        Asked(writes, _WRITES),
        Asked(reads, _READS),
        Asked("4.8", _ALARM),
    )


_SINCE_SIX = (
    Asked("3.1.1", _TLS),
    Asked("3.1.2", _MFA),
    Asked("3.1.3", _MACIE),
    Asked("3.1.4", _BLOCKED),
    Asked("4.4", _TRAIL_LOGGED),
    Asked("4.8", _WRITES),
    Asked("4.9", _READS),
    Asked("5.8", _ALARM),
)
CATALOGUES: Mapping[Framework, tuple[Asked, ...]] = MappingProxyType(
    {
        Framework.CONFORMITY: _CONFORMITY,
        Framework.SECURITY_HUB: _SECURITY_HUB,
        Framework.CONFIG: _CONFIG,
        Framework.PROWLER: _PROWLER,
        Framework.CUSTODIAN: _CUSTODIAN,
        Framework.CLOUDSPLOIT: _CLOUDSPLOIT,
        Framework.CIS_1_4: (
            Asked("2.1.1", "Default encryption is on"),
            Asked("2.1.2", _TLS),
            Asked("2.1.3", _MFA),
            Asked("2.1.4", _MACIE),
            Asked("2.1.5", _BLOCKED),
            Asked("3.3", _TRAIL_PRIVATE),
            Asked("3.6", _TRAIL_LOGGED),
            Asked("3.10", _WRITES),
            Asked("3.11", _READS),
            Asked("4.8", _ALARM),
        ),
        Framework.CIS_2_0: _before_six("3.6", "3.10", "3.11", Asked("3.3", _TRAIL_PRIVATE)),
        Framework.CIS_3_0: _before_six("3.4", "3.8", "3.9"),
        Framework.CIS_4_0: _before_six("3.4", "3.8", "3.9"),
        Framework.CIS_5_0: _before_six("3.4", "3.8", "3.9"),
        Framework.CIS_6_0: _SINCE_SIX,
        Framework.CIS_7_0: (Asked("2.21", "No policy of a resource is open to everyone"), *_SINCE_SIX),
    }
)
"""Every control of these catalogues that is about S3, in the order of each catalogue."""
