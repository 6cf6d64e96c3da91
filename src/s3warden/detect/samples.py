"""States made by hand for the examples of rules: a sound bucket in a sound account, and what differs from it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from s3warden.detect import service_samples as services
from s3warden.detect.surroundings import SOUND_NEIGHBOURS
from s3warden.model.bucket import (
    ABSENT,
    ACCOUNT_ASPECTS,
    AccountRef,
    AccountState,
    Aspect,
    BucketRef,
    BucketState,
    Cause,
    Present,
    Reading,
    Unreadable,
)
from s3warden.model.configuration import (
    Abac,
    Accelerate,
    AccessPoint,
    AccessPoints,
    Acl,
    Encryption,
    EncryptionRule,
    Grant,
    GranteeKind,
    Logging,
    MultiRegionAccessPoint,
    MultiRegionAccessPoints,
    MultiRegionBucket,
    Ownership,
    Policy,
    PolicyStatus,
    PublicAccessBlock,
    RequestPayment,
    Tags,
    Versioning,
)
from s3warden.model.storage import (
    Inventory,
    InventoryConfiguration,
    Lifecycle,
    LifecycleRule,
    Notification,
    ObjectLock,
    Replication,
    ReplicationRule,
    Tiering,
    TieringConfiguration,
)

READ_AT = datetime(2026, 1, 1, tzinfo=UTC)
ACCOUNT = AccountRef("aws", "111122223333")
BUCKET = "example-data"
OWNER = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"
OWNER_GRANT = Grant(GranteeKind.CANONICAL_USER, OWNER, "FULL_CONTROL")
ALL_ON = PublicAccessBlock(
    block_public_acls=True, ignore_public_acls=True, block_public_policy=True, restrict_public_buckets=True
)
KEY = f"arn:{ACCOUNT.partition}:kms:eu-west-1:{ACCOUNT.account}:key/0d5c2f6a-1b7e-4c39-9a51-3e8f7d2b6c40"
DENIED = Unreadable(Cause.ROLE_PERMISSION, "not authorized to perform this action")
ARN = f"arn:{ACCOUNT.partition}:s3:::{BUCKET}"
TLS_ONLY: Mapping[str, object] = MappingProxyType(
    {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [ARN, f"{ARN}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
)


def policy(*statements: Mapping[str, object], version: str = "2012-10-17") -> Present[Policy]:
    """A bucket policy of these statements."""
    return Present(Policy(json.dumps({"Version": version, "Statement": list(map(dict, statements))})))


def by_policy(*statements: Mapping[str, object], public: bool = True) -> dict[Aspect, Reading[object]]:
    """The readings of a bucket policy, with AWS's status of it."""
    return {Aspect.POLICY: policy(*statements), Aspect.POLICY_STATUS: Present(PolicyStatus(is_public=public))}


def allow(
    principal: object = "*", actions: object = "s3:GetObject", resource: object = f"{ARN}/*", **more: object
) -> Mapping[str, object]:
    """An Allow statement, to everyone to read objects unless told otherwise; `more` are further elements of it."""
    return {"Effect": "Allow", "Principal": principal, "Action": actions, "Resource": resource, **more}


def service(name: str) -> str:
    """The principal of an AWS service in the usual partition."""
    return ".".join((name, "amazonaws", "com"))  # noqa: FLY002 - no host of AWS is spelled out in code


def granting(*given: tuple[str, str]) -> Present[Acl]:
    """An ACL with these grants, each a group's URI and a permission, beside the owner's."""
    return Present(Acl(OWNER, (OWNER_GRANT, *(Grant(GranteeKind.GROUP, uri, permission) for uri, permission in given))))


_COPY = ReplicationRule(
    enabled=True,
    destination=f"arn:{ACCOUNT.partition}:s3:::example-replica",
    id="everything",
    replica_key=KEY,
    kms_objects=True,
    delete_markers=True,
)
_LIST = InventoryConfiguration(
    "all",
    enabled=True,
    destination=f"arn:{ACCOUNT.partition}:s3:::example-lists",
    frequency="Daily",
    encryption="SSE-S3",
    fields=("EncryptionStatus", "ObjectAccessControlList", "ObjectLockMode"),
)
_SOUND: Mapping[Aspect, Reading[object]] = MappingProxyType(
    {
        Aspect.ACL: Present(Acl(OWNER, (OWNER_GRANT,))),
        Aspect.POLICY: policy(TLS_ONLY),
        Aspect.POLICY_STATUS: Present(PolicyStatus(is_public=False)),
        Aspect.REQUEST_PAYMENT: Present(RequestPayment("BucketOwner")),
        Aspect.ACCESS_POINTS: ABSENT,
        Aspect.REFERRERS: ABSENT,
        Aspect.OBJECT_ACL: ABSENT,
        Aspect.CHANGES: ABSENT,
        **SOUND_NEIGHBOURS,
        Aspect.MULTI_REGION_ACCESS_POINTS: ABSENT,
        **services.SOUND,
        Aspect.PUBLIC_ACCESS_BLOCK: Present(ALL_ON),
        Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: Present(ALL_ON),
        Aspect.OWNERSHIP: Present(Ownership("BucketOwnerEnforced")),
        Aspect.ENCRYPTION: Present(
            Encryption((EncryptionRule("aws:kms", KEY, bucket_key=True, blocked_types=("SSE-C",)),))
        ),
        Aspect.LOGGING: Present(Logging("example-logs", "example-data/")),
        Aspect.VERSIONING: Present(Versioning("Enabled")),
        Aspect.LIFECYCLE: Present(
            Lifecycle(
                (LifecycleRule(enabled=True, noncurrent_days=90, expired_delete_markers=True, aborts_after=7),),
            )
        ),
        Aspect.REPLICATION: Present(Replication(f"arn:{ACCOUNT.partition}:iam::{ACCOUNT.account}:role/copy", (_COPY,))),
        Aspect.OBJECT_LOCK: Present(ObjectLock("GOVERNANCE", 30)),
        Aspect.NOTIFICATION: Present(Notification(event_bridge=True)),
        Aspect.INVENTORY: Present(Inventory((_LIST,))),
        Aspect.ANALYTICS: ABSENT,
        Aspect.INTELLIGENT_TIERING: Present(
            Tiering((TieringConfiguration("all", enabled=True, tiers=(("ARCHIVE_ACCESS", 90),)),))
        ),
        Aspect.ACCELERATE: Present(Accelerate("Enabled")),
        Aspect.ABAC: Present(Abac(enabled=False)),
        Aspect.WEBSITE: ABSENT,
        Aspect.CORS: ABSENT,
        Aspect.TAGGING: Present(
            Tags((("Environment", "prod"), ("Name", BUCKET), ("Owner", "data-team"), ("Role", "storage")))
        ),
    }
)
_UNGUARDED: Mapping[Aspect, Reading[object]] = MappingProxyType(
    {Aspect.OWNERSHIP: ABSENT, Aspect.PUBLIC_ACCESS_BLOCK: ABSENT, Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: ABSENT}
)


def bucket(readings: Mapping[Aspect, Reading[object]] | None = None, *, name: str = BUCKET) -> BucketState:
    """A sound bucket in a sound account, but for `readings`, those of the account included."""
    mixed = {**_SOUND, **(readings or {})}
    return BucketState(
        ref=BucketRef(ACCOUNT.partition, ACCOUNT.account, "eu-west-1", name),
        read_at=READ_AT,
        readings={aspect: reading for aspect, reading in mixed.items() if aspect not in ACCOUNT_ASPECTS},
        account=AccountState(
            ACCOUNT, READ_AT, {aspect: reading for aspect, reading in mixed.items() if aspect in ACCOUNT_ASPECTS}
        ),
    )


def unguarded(readings: Mapping[Aspect, Reading[object]] | None = None) -> BucketState:
    """A bucket that no layer protects: ACLs work, nothing is blocked in bucket or account; but for `readings`."""
    return bucket({**_UNGUARDED, **(readings or {})})


def account(block: Reading[object], multi_region: Reading[object] = ABSENT) -> AccountState:
    """An account with this reading of its public access block, and of its multi-region access points."""
    readings = {Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: block, Aspect.MULTI_REGION_ACCESS_POINTS: multi_region}
    return AccountState(ACCOUNT, READ_AT, readings)


def account_with(readings: Mapping[Aspect, Reading[object]]) -> AccountState:
    """An account with these readings and no others."""
    return AccountState(ACCOUNT, READ_AT, readings)


def points(*found: AccessPoint) -> Present[AccessPoints]:
    """The access points of a bucket."""
    return Present(AccessPoints(found))


def point(
    *statements: Mapping[str, object], block: Reading[PublicAccessBlock] = ABSENT, origin: str = "Internet"
) -> AccessPoint:
    """An access point called `data`, without a policy unless there are `statements`."""
    arn = f"arn:{ACCOUNT.partition}:s3:eu-west-1:{ACCOUNT.account}:accesspoint/data"
    own: Reading[Policy] = policy(*statements) if statements else ABSENT
    return AccessPoint("data", arn, origin, block, own)


def multi_region(
    *,
    block: Reading[PublicAccessBlock] = ABSENT,
    status: str = "READY",
    bucket_account: str = ACCOUNT.account,
    bucket_name: str = BUCKET,
) -> Present[MultiRegionAccessPoints]:
    """One multi-region access point called `everywhere`, without a policy, with one bucket behind it."""
    behind = (MultiRegionBucket(bucket_name, "eu-west-1", bucket_account),)
    found = MultiRegionAccessPoint("everywhere", "mabcdefghijkl.mrap", status, behind, block, ABSENT)
    return Present(MultiRegionAccessPoints((found,)))


def flags(*, acls: bool = False, ignore: bool = False, policy: bool = False, restrict: bool = False) -> Present[object]:
    """A public access block with these flags on: BlockPublicAcls, Ignore…, BlockPublicPolicy, Restrict…."""
    return Present(
        PublicAccessBlock(
            block_public_acls=acls,
            ignore_public_acls=ignore,
            block_public_policy=policy,
            restrict_public_buckets=restrict,
        )
    )
