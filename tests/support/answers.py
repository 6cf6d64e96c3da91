"""For each aspect an answer as AWS's API reference shows it, parsed, and the value that it means."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from s3warden.model.bucket import Aspect
from s3warden.model.configuration import (
    ALL_USERS,
    Accelerate,
    Acl,
    Document,
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
        {"LoggingEnabled": {"TargetBucket": "logs", "TargetPrefix": "b/"}},
        Logging("logs", "b/"),
    ),
    Aspect.VERSIONING: ({"Status": "Enabled", "MFADelete": "Enabled"}, Versioning("Enabled", mfa_delete=True)),
    Aspect.LIFECYCLE: (
        {"Rules": [{"Status": "Enabled", "Expiration": {"Date": datetime(2027, 1, 1, tzinfo=UTC)}}]},
        Document('{"Rules":[{"Expiration":{"Date":"2027-01-01T00:00:00+00:00"},"Status":"Enabled"}]}'),
    ),
    Aspect.REPLICATION: (
        {"ReplicationConfiguration": {"Role": "r", "Rules": []}},
        Document('{"ReplicationConfiguration":{"Role":"r","Rules":[]}}'),
    ),
    Aspect.OBJECT_LOCK: (
        {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}},
        Document('{"ObjectLockConfiguration":{"ObjectLockEnabled":"Enabled"}}'),
    ),
    Aspect.NOTIFICATION: ({"EventBridgeConfiguration": {}}, Document('{"EventBridgeConfiguration":{}}')),
    Aspect.WEBSITE: ({"RedirectAllRequestsTo": {"HostName": "example.com"}}, Website("example.com")),
    Aspect.CORS: (
        {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]},
        Document('{"CORSRules":[{"AllowedMethods":["GET"],"AllowedOrigins":["*"]}]}'),
    ),
    Aspect.TAGGING: (
        {"TagSet": [{"Key": "Role", "Value": "web"}, {"Key": "Name", "Value": ""}]},
        Tags((("Name", ""), ("Role", "web"))),
    ),
    Aspect.REQUEST_PAYMENT: ({"Payer": "Requester"}, RequestPayment("Requester")),
    Aspect.ACCELERATE: ({"Status": "Suspended"}, Accelerate("Suspended")),
}
