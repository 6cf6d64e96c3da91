"""For each aspect an answer as AWS's API reference shows it, parsed, and the value that it means."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from s3warden.model.bucket import Aspect
from s3warden.model.configuration import (
    ALL_USERS,
    Abac,
    Accelerate,
    Acl,
    Encryption,
    EncryptionRule,
    Grant,
    GranteeKind,
    Logging,
    Ownership,
    Policy,
    PolicyStatus,
    PublicAccessBlock,
    RequestPayment,
    Tags,
    Versioning,
    Website,
)
from s3warden.model.storage import (
    Analytics,
    AnalyticsConfiguration,
    Cors,
    CorsRule,
    Inventory,
    InventoryConfiguration,
    Lifecycle,
    LifecycleRule,
    Notification,
    NotificationTarget,
    ObjectLock,
    Replication,
    ReplicationRule,
    Selection,
    Tiering,
    TieringConfiguration,
    Transition,
)

_BLOCK = {
    "PublicAccessBlockConfiguration": {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": False,
        "BlockPublicPolicy": True,
        "RestrictPublicBuckets": False,
    }
}

ANSWERS: Mapping[Aspect, tuple[dict[str, Any], object]] = {
    Aspect.ACL: (
        {
            "Owner": {"ID": "owner"},
            "Grants": [
                {"Grantee": {"Type": "CanonicalUser", "ID": "owner"}, "Permission": "FULL_CONTROL"},
                {"Grantee": {"Type": "Group", "URI": ALL_USERS}, "Permission": "READ"},
                {"Grantee": {"Type": "AmazonCustomerByEmail", "EmailAddress": "a@b.c"}, "Permission": "WRITE_ACP"},
            ],
        },
        Acl(
            "owner",
            (
                Grant(GranteeKind.CANONICAL_USER, "owner", "FULL_CONTROL"),
                Grant(GranteeKind.GROUP, ALL_USERS, "READ"),
                Grant(GranteeKind.EMAIL, "a@b.c", "WRITE_ACP"),
            ),
        ),
    ),
    Aspect.POLICY: ({"Policy": '{"Statement": []}'}, Policy('{"Statement": []}')),
    Aspect.POLICY_STATUS: ({"PolicyStatus": {"IsPublic": True}}, PolicyStatus(is_public=True)),
    Aspect.PUBLIC_ACCESS_BLOCK: (_BLOCK, PublicAccessBlock(True, False, True, False)),
    Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: (_BLOCK, PublicAccessBlock(True, False, True, False)),
    Aspect.OWNERSHIP: (
        {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}},
        Ownership("BucketOwnerEnforced"),
    ),
    Aspect.ENCRYPTION: (
        {
            "ServerSideEncryptionConfiguration": {
                "Rules": [
                    {
                        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "key"},
                        "BucketKeyEnabled": True,
                        "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]},
                    }
                ]
            }
        },
        Encryption((EncryptionRule("aws:kms", "key", bucket_key=True, blocked_types=("SSE-C",)),)),
    ),
    Aspect.LOGGING: (
        {
            "LoggingEnabled": {
                "TargetBucket": "logs",
                "TargetPrefix": "b/",
                "TargetGrants": [{"Grantee": {"Type": "CanonicalUser", "ID": "reader"}, "Permission": "READ"}],
                "TargetObjectKeyFormat": {"PartitionedPrefix": {"PartitionDateSource": "DeliveryTime"}},
            }
        },
        Logging("logs", "b/", "DeliveryTime", (Grant(GranteeKind.CANONICAL_USER, "reader", "READ"),)),
    ),
    Aspect.VERSIONING: ({"Status": "Enabled", "MFADelete": "Enabled"}, Versioning("Enabled", mfa_delete=True)),
    Aspect.LIFECYCLE: (
        {
            "Rules": [
                {
                    "ID": "old",
                    "Status": "Enabled",
                    "Filter": {
                        "And": {
                            "Prefix": "tmp/",
                            "Tags": [{"Key": "keep", "Value": "no"}],
                            "ObjectSizeGreaterThan": 1,
                            "ObjectSizeLessThan": 9,
                        }
                    },
                    "Expiration": {"Date": datetime(2027, 1, 1, tzinfo=UTC)},
                    "Transitions": [{"Days": 30, "StorageClass": "GLACIER"}],
                    "NoncurrentVersionExpiration": {"NoncurrentDays": 90, "NewerNoncurrentVersions": 3},
                    "NoncurrentVersionTransitions": [{"NoncurrentDays": 30, "StorageClass": "STANDARD_IA"}],
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
                },
                {"Status": "Disabled", "Prefix": "", "Expiration": {"Days": 5}},
                {"Status": "Enabled", "Filter": {}, "Expiration": {"ExpiredObjectDeleteMarker": True}},
                {"Status": "Enabled", "Filter": {"Tag": {"Key": "k", "Value": "v"}}, "Expiration": {"Days": 1}},
            ],
            "TransitionDefaultMinimumObjectSize": "all_storage_classes_128K",
        },
        Lifecycle(
            (
                LifecycleRule(
                    enabled=True,
                    selection=Selection("tmp/", (("keep", "no"),), 1, 9),
                    id="old",
                    expires_on="2027-01-01T00:00:00+00:00",
                    transitions=(Transition("GLACIER", 30),),
                    noncurrent_days=90,
                    newer_noncurrent=3,
                    noncurrent_transitions=(Transition("STANDARD_IA", 30),),
                    aborts_after=7,
                ),
                LifecycleRule(enabled=False, expires_after=5),
                LifecycleRule(enabled=True, expired_delete_markers=True),
                LifecycleRule(enabled=True, selection=Selection(tags=(("k", "v"),)), expires_after=1),
            ),
            "all_storage_classes_128K",
        ),
    ),
    Aspect.REPLICATION: (
        {
            "ReplicationConfiguration": {
                "Role": "r",
                "Rules": [
                    {
                        "ID": "far",
                        "Status": "Enabled",
                        "Filter": {"Prefix": ""},
                        "Destination": {
                            "Bucket": "arn:aws:s3:::copy",
                            "Account": "444455556666",
                            "AccessControlTranslation": {"Owner": "Destination"},
                            "EncryptionConfiguration": {"ReplicaKmsKeyID": "key"},
                            "ReplicationTime": {"Status": "Enabled", "Time": {"Minutes": 15}},
                            "Metrics": {"Status": "Enabled"},
                        },
                        "SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}},
                        "DeleteMarkerReplication": {"Status": "Enabled"},
                    },
                    {"Status": "Disabled", "Prefix": "a/", "Destination": {"Bucket": "arn:aws:s3:::copy"}},
                ],
            }
        },
        Replication(
            "r",
            (
                ReplicationRule(
                    enabled=True,
                    destination="arn:aws:s3:::copy",
                    id="far",
                    account="444455556666",
                    owner_override=True,
                    replica_key="key",
                    kms_objects=True,
                    delete_markers=True,
                    time_control=True,
                    metrics=True,
                ),
                ReplicationRule(enabled=False, destination="arn:aws:s3:::copy", selection=Selection("a/")),
            ),
        ),
    ),
    Aspect.OBJECT_LOCK: (
        {
            "ObjectLockConfiguration": {
                "ObjectLockEnabled": "Enabled",
                "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Years": 2}},
            }
        },
        ObjectLock("GOVERNANCE", 730),
    ),
    Aspect.NOTIFICATION: (
        {
            "TopicConfigurations": [{"Id": "t", "TopicArn": "arn:topic", "Events": ["s3:ObjectCreated:*"]}],
            "QueueConfigurations": [{"Id": "q", "QueueArn": "arn:queue", "Events": ["s3:ObjectRemoved:*"]}],
            "LambdaFunctionConfigurations": [
                {"LambdaFunctionArn": "arn:function", "Events": ["s3:ObjectTagging:Put", "s3:ObjectAcl:Put"]}
            ],
            "EventBridgeConfiguration": {},
        },
        Notification(
            (
                NotificationTarget("arn:function", ("s3:ObjectTagging:Put", "s3:ObjectAcl:Put")),
                NotificationTarget("arn:queue", ("s3:ObjectRemoved:*",), "q"),
                NotificationTarget("arn:topic", ("s3:ObjectCreated:*",), "t"),
            ),
            event_bridge=True,
        ),
    ),
    Aspect.WEBSITE: (
        {
            "IndexDocument": {"Suffix": "index.html"},
            "RoutingRules": [
                {"Redirect": {"HostName": "a.example"}, "Condition": {"KeyPrefixEquals": "old/"}},
                {"Redirect": {"ReplaceKeyWith": "x"}},
            ],
        },
        Website(routing_hosts=("a.example",)),
    ),
    Aspect.CORS: (
        {
            "CORSRules": [
                {
                    "AllowedMethods": ["GET"],
                    "AllowedOrigins": ["*"],
                    "AllowedHeaders": ["x-*"],
                    "ExposeHeaders": ["ETag"],
                    "MaxAgeSeconds": 60,
                }
            ]
        },
        Cors((CorsRule(("*",), ("GET",), ("x-*",), ("ETag",), 60),)),
    ),
    Aspect.INVENTORY: (
        {
            "InventoryConfigurationList": [
                {
                    "Id": "weekly",
                    "IsEnabled": False,
                    "IncludedObjectVersions": "Current",
                    "Schedule": {"Frequency": "Weekly"},
                    "Destination": {"S3BucketDestination": {"Bucket": "arn:aws:s3:::lists", "Format": "CSV"}},
                },
                {
                    "Id": "daily",
                    "IsEnabled": True,
                    "IncludedObjectVersions": "All",
                    "Schedule": {"Frequency": "Daily"},
                    "Filter": {"Prefix": "a/"},
                    "OptionalFields": ["Size", "EncryptionStatus"],
                    "Destination": {
                        "S3BucketDestination": {
                            "Bucket": "arn:aws:s3:::lists",
                            "AccountId": "444455556666",
                            "Format": "CSV",
                            "Encryption": {"SSEKMS": {"KeyId": "key"}},
                        }
                    },
                },
            ],
            "IsTruncated": False,
        },
        Inventory(
            (
                InventoryConfiguration(
                    "daily",
                    enabled=True,
                    destination="arn:aws:s3:::lists",
                    frequency="Daily",
                    account="444455556666",
                    encryption="key",
                    all_versions=True,
                    fields=("EncryptionStatus", "Size"),
                    prefix="a/",
                ),
                InventoryConfiguration("weekly", enabled=False, destination="arn:aws:s3:::lists", frequency="Weekly"),
            )
        ),
    ),
    Aspect.ANALYTICS: (
        {
            "AnalyticsConfigurationList": [
                {"Id": "shown", "StorageClassAnalysis": {}},
                {
                    "Id": "exported",
                    "Filter": {"Prefix": "a/"},
                    "StorageClassAnalysis": {
                        "DataExport": {
                            "OutputSchemaVersion": "V_1",
                            "Destination": {
                                "S3BucketDestination": {
                                    "Format": "CSV",
                                    "BucketAccountId": "444455556666",
                                    "Bucket": "arn:aws:s3:::analyses",
                                    "Prefix": "ledger/",
                                }
                            },
                        }
                    },
                },
            ],
            "IsTruncated": False,
        },
        Analytics(
            (
                AnalyticsConfiguration("exported", "arn:aws:s3:::analyses", "444455556666"),
                AnalyticsConfiguration("shown"),
            )
        ),
    ),
    Aspect.INTELLIGENT_TIERING: (
        {
            "IntelligentTieringConfigurationList": [
                {"Id": "all", "Status": "Enabled", "Tierings": [{"AccessTier": "ARCHIVE_ACCESS", "Days": 90}]},
                {
                    "Id": "b",
                    "Status": "Disabled",
                    "Filter": {"Prefix": "b/"},
                    "Tierings": [{"AccessTier": "DEEP_ARCHIVE_ACCESS", "Days": 180}],
                },
            ],
            "IsTruncated": False,
        },
        Tiering(
            (
                TieringConfiguration("all", enabled=True, tiers=(("ARCHIVE_ACCESS", 90),)),
                TieringConfiguration(
                    "b", enabled=False, tiers=(("DEEP_ARCHIVE_ACCESS", 180),), selection=Selection("b/")
                ),
            )
        ),
    ),
    Aspect.TAGGING: (
        {"TagSet": [{"Key": "Role", "Value": "web"}, {"Key": "Name", "Value": ""}]},
        Tags((("Name", ""), ("Role", "web"))),
    ),
    Aspect.REQUEST_PAYMENT: ({"Payer": "Requester"}, RequestPayment("Requester")),
    Aspect.ABAC: ({"AbacStatus": {"Status": "Enabled"}}, Abac(enabled=True)),
    Aspect.ACCELERATE: ({"Status": "Suspended"}, Accelerate("Suspended")),
}
