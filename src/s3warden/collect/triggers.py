"""What the known S3 calls change: CloudTrail's eventName to the aspects to read again. Data, no decisions.

CloudTrail's names are not the API's (PutBucketLifecycle, PutAccountPublicAccessBlock). Sources: the S3 user guide's
chapter on CloudTrail, records seen, detection rules of others. Where no record was seen and the two candidates differ,
both are listed. A call that is missing here is no mistake: with a bucket in it, the whole bucket is read.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from s3warden.model.bucket import BUCKET_ASPECTS, Aspect
from s3warden.model.event import Level


@dataclass(frozen=True, slots=True)
class Call:
    """What a successful call changes. `urgent` when it can widen access, so that no quiet period is waited for.

    `beside` is read along: whether what changed takes effect hangs on it, and the event that told of it may be lost.
    """

    aspects: frozenset[Aspect]
    urgent: bool = False
    level: Level = Level.BUCKET
    beside: frozenset[Aspect] = frozenset()

    @property
    def reads(self) -> frozenset[Aspect]:
        """All that is to be read again."""
        return self.aspects | self.beside


def _changes(*aspects: Aspect) -> Call:
    return Call(frozenset(aspects))


def _widens(*aspects: Aspect, beside: Iterable[Aspect] = ()) -> Call:
    return Call(frozenset(aspects), urgent=True, beside=frozenset(beside))


def _of_account(aspect: Aspect, *, urgent: bool = False) -> Call:
    return Call(frozenset({aspect}), urgent, Level.ACCOUNT)


_ACCOUNT_BLOCK = _of_account(Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK, urgent=True)
_BUCKET_ACL = _widens(Aspect.ACL, beside=[Aspect.OWNERSHIP, Aspect.PUBLIC_ACCESS_BLOCK])
_BUCKET_POLICY = _widens(Aspect.POLICY, Aspect.POLICY_STATUS, beside=[Aspect.PUBLIC_ACCESS_BLOCK])
# GetBucketAcl answers the ACL in effect: with IgnorePublicAcls gone, grants come to light that were not seen before.
_BUCKET_BLOCK = _widens(Aspect.PUBLIC_ACCESS_BLOCK, beside=[Aspect.ACL])
# With BucketOwnerEnforced the API answers another ACL than without.
_OWNERSHIP = _widens(Aspect.OWNERSHIP, Aspect.ACL)
# A new access point lets nobody in before it has a policy, which takes a call of its own.
_ACCESS_POINT = _changes(Aspect.ACCESS_POINTS)
_ACCESS_POINT_POLICY = _widens(Aspect.ACCESS_POINTS)
_MULTI_REGION = _of_account(Aspect.MULTI_REGION_ACCESS_POINTS)
_MULTI_REGION_POLICY = _of_account(Aspect.MULTI_REGION_ACCESS_POINTS, urgent=True)
_OBJECT_LAMBDA = _of_account(Aspect.OBJECT_LAMBDA_POINTS)
_OBJECT_LAMBDA_POLICY = _of_account(Aspect.OBJECT_LAMBDA_POINTS, urgent=True)

# Who changes the ACL of one object opens it to strangers, if ACLs have effect in the bucket.
_OBJECT_ACL = _widens(Aspect.OBJECT_ACL)
_STORAGE_LENS = _of_account(Aspect.STORAGE_LENSES)

CREATE_BUCKET = "CreateBucket"
PUT_OBJECT_ACL = "PutObjectAcl"

CALLS: Mapping[str, Call] = MappingProxyType(
    {
        "PutAccountPublicAccessBlock": _ACCOUNT_BLOCK,
        "DeleteAccountPublicAccessBlock": _ACCOUNT_BLOCK,
        CREATE_BUCKET: Call(BUCKET_ASPECTS),
        "DeleteBucket": Call(BUCKET_ASPECTS),
        "PutBucketAcl": _BUCKET_ACL,
        PUT_OBJECT_ACL: _OBJECT_ACL,
        "PutBucketPolicy": _BUCKET_POLICY,
        "DeleteBucketPolicy": _BUCKET_POLICY,
        "PutBucketPublicAccessBlock": _BUCKET_BLOCK,
        "DeleteBucketPublicAccessBlock": _BUCKET_BLOCK,
        "PutBucketOwnershipControls": _OWNERSHIP,
        "DeleteBucketOwnershipControls": _OWNERSHIP,
        "PutBucketEncryption": _changes(Aspect.ENCRYPTION),
        "DeleteBucketEncryption": _changes(Aspect.ENCRYPTION),
        "PutBucketVersioning": _changes(Aspect.VERSIONING),
        "PutBucketLifecycle": _changes(Aspect.LIFECYCLE),
        "DeleteBucketLifecycle": _changes(Aspect.LIFECYCLE),
        "PutBucketLogging": _changes(Aspect.LOGGING),
        "PutBucketNotification": _changes(Aspect.NOTIFICATION),
        "PutBucketReplication": _changes(Aspect.REPLICATION),
        "DeleteBucketReplication": _changes(Aspect.REPLICATION),
        "PutBucketTagging": _changes(Aspect.TAGGING),
        "DeleteBucketTagging": _changes(Aspect.TAGGING),
        "TagResource": _changes(Aspect.TAGGING),
        "UntagResource": _changes(Aspect.TAGGING),
        "PutBucketAbac": _widens(Aspect.ABAC),
        "PutBucketWebsite": _changes(Aspect.WEBSITE),
        "DeleteBucketWebsite": _changes(Aspect.WEBSITE),
        "PutBucketCors": _changes(Aspect.CORS),
        "DeleteBucketCors": _changes(Aspect.CORS),
        "PutBucketRequestPayment": _changes(Aspect.REQUEST_PAYMENT),
        "PutAccelerateConfiguration": _changes(Aspect.ACCELERATE),
        "PutBucketAccelerateConfiguration": _changes(Aspect.ACCELERATE),
        "PutBucketObjectLockConfiguration": _changes(Aspect.OBJECT_LOCK),
        "PutObjectLockConfiguration": _changes(Aspect.OBJECT_LOCK),
        "PutInventoryConfiguration": _changes(Aspect.INVENTORY),
        "PutBucketInventoryConfiguration": _changes(Aspect.INVENTORY),
        "DeleteInventoryConfiguration": _changes(Aspect.INVENTORY),
        "DeleteBucketInventoryConfiguration": _changes(Aspect.INVENTORY),
        "PutAnalyticsConfiguration": _changes(Aspect.ANALYTICS),
        "PutBucketAnalyticsConfiguration": _changes(Aspect.ANALYTICS),
        "DeleteAnalyticsConfiguration": _changes(Aspect.ANALYTICS),
        "DeleteBucketAnalyticsConfiguration": _changes(Aspect.ANALYTICS),
        "PutIntelligentTieringConfiguration": _changes(Aspect.INTELLIGENT_TIERING),
        "PutBucketIntelligentTieringConfiguration": _changes(Aspect.INTELLIGENT_TIERING),
        "DeleteIntelligentTieringConfiguration": _changes(Aspect.INTELLIGENT_TIERING),
        "DeleteBucketIntelligentTieringConfiguration": _changes(Aspect.INTELLIGENT_TIERING),
        "PutMetricsConfiguration": _changes(Aspect.REQUEST_METRICS),
        "PutBucketMetricsConfiguration": _changes(Aspect.REQUEST_METRICS),
        "DeleteMetricsConfiguration": _changes(Aspect.REQUEST_METRICS),
        "DeleteBucketMetricsConfiguration": _changes(Aspect.REQUEST_METRICS),
        "CreateAccessPoint": _ACCESS_POINT,
        "DeleteAccessPoint": _ACCESS_POINT,
        "PutAccessPointPolicy": _ACCESS_POINT_POLICY,
        "DeleteAccessPointPolicy": _ACCESS_POINT_POLICY,
        "PutAccessPointScope": _ACCESS_POINT_POLICY,
        "DeleteAccessPointScope": _ACCESS_POINT_POLICY,
        "CreateAccessPointForObjectLambda": _OBJECT_LAMBDA,
        "DeleteAccessPointForObjectLambda": _OBJECT_LAMBDA,
        "PutAccessPointPolicyForObjectLambda": _OBJECT_LAMBDA_POLICY,
        "DeleteAccessPointPolicyForObjectLambda": _OBJECT_LAMBDA_POLICY,
        "CreateMultiRegionAccessPoint": _MULTI_REGION,
        "DeleteMultiRegionAccessPoint": _MULTI_REGION,
        "PutMultiRegionAccessPointPolicy": _MULTI_REGION_POLICY,
        "PutStorageLensConfiguration": _STORAGE_LENS,
        "DeleteStorageLensConfiguration": _STORAGE_LENS,
    }
)

OBJECT_CALLS = frozenset(
    {
        "AbortMultipartUpload",
        "CompleteMultipartUpload",
        "CopyObject",
        "CreateMultipartUpload",
        "CreateSession",
        "DeleteObject",
        "DeleteObjects",
        "DeleteObjectTagging",
        "InitiateMultipartUpload",
        "PostObject",
        "PutObject",
        "PutObjectLegalHold",
        "PutObjectRetention",
        "PutObjectTagging",
        "RenameObject",
        "RestoreObject",
        "UpdateObjectEncryption",
        "UploadPart",
        "UploadPartCopy",
        "WriteGetObjectResponse",
    }
)
"""Calls on objects that change nothing that is read. Their records carry eventCategory `Data`, but for those of before
2020."""

READ_VERBS = ("Get", "List", "Head", "Describe", "Select")
"""EventBridge's own test for read-only calls knows Get, List and Describe; S3 has two more."""

UNKNOWN_OUTCOMES = frozenset(
    {
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "ServiceUnavailable",
        "ServiceUnavailableException",
    }
)
"""Error codes of the 5xx kind: the call may have taken effect all the same. Any other code means it has not."""
