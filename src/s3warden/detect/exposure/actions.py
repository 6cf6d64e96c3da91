"""The S3 actions that concern a bucket or its objects: class and resource type of each.

Sets of actions are integers, one bit for each row of the table. Source of rows and resource types: the service
authorisation reference for Amazon S3. The classes are ours (docs/exposure.md).
"""

import re
from functools import lru_cache

from s3warden.detect.exposure.glob import glob

READ, LIST, WRITE, DELETE = "read", "list", "write", "delete"
READ_ACP, WRITE_ACP, POLICY, OTHER = "read_acp", "write_acp", "policy", "other"
CLASSES = (READ, LIST, WRITE, DELETE, READ_ACP, WRITE_ACP, POLICY, OTHER)

_NAMED: dict[str, str] = {
    "GetObject": READ, "GetObjectVersion": READ, "GetObjectTorrent": READ,
    "ListBucket": LIST, "ListBucketVersions": LIST, "ListBucketMultipartUploads": LIST,
    "PutObject": WRITE,
    "DeleteObject": DELETE, "DeleteObjectVersion": DELETE, "DeleteBucket": DELETE,
    "GetBucketAcl": READ_ACP, "GetObjectAcl": READ_ACP, "GetObjectVersionAcl": READ_ACP,
    "PutBucketAcl": WRITE_ACP, "PutObjectAcl": WRITE_ACP, "PutObjectVersionAcl": WRITE_ACP,
    "GetBucketPolicy": POLICY, "PutBucketPolicy": POLICY, "DeleteBucketPolicy": POLICY,
}  # fmt: skip

_ON_OBJECTS = (
    "GetObject GetObjectVersion GetObjectTorrent PutObject DeleteObject DeleteObjectVersion GetObjectAcl "
    "GetObjectVersionAcl PutObjectAcl PutObjectVersionAcl AbortMultipartUpload BypassGovernanceRetention "
    "DeleteObjectTagging DeleteObjectVersionTagging GetObjectAttributes GetObjectVersionAttributes "
    "GetObjectLegalHold GetObjectRetention GetObjectTagging GetObjectVersionTagging GetObjectVersionTorrent "
    "GetObjectVersionForReplication InitiateReplication ListMultipartUploadParts ObjectOwnerOverrideToBucketOwner "
    "PutObjectLegalHold PutObjectRetention PutObjectTagging PutObjectVersionTagging ReplicateDelete "
    "ReplicateObject ReplicateTags RestoreObject UpdateObjectEncryption"
)
_ON_BUCKET = (
    "ListBucket ListBucketVersions ListBucketMultipartUploads DeleteBucket GetBucketAcl PutBucketAcl "
    "GetBucketPolicy PutBucketPolicy DeleteBucketPolicy CreateBucket CreateBucketMetadataTableConfiguration "
    "DeleteBucketMetadataTableConfiguration DeleteBucketWebsite GetAccelerateConfiguration "
    "GetAnalyticsConfiguration GetBucketAbac GetBucketCORS GetBucketLocation GetBucketLogging "
    "GetBucketMetadataTableConfiguration GetBucketNotification GetBucketObjectLockConfiguration "
    "GetBucketOwnershipControls GetBucketPolicyStatus GetBucketPublicAccessBlock GetBucketRequestPayment "
    "GetBucketTagging GetBucketVersioning GetBucketWebsite GetEncryptionConfiguration "
    "GetIntelligentTieringConfiguration GetInventoryConfiguration GetLifecycleConfiguration "
    "GetMetricsConfiguration GetReplicationConfiguration ListTagsForResource PutAccelerateConfiguration "
    "PutAnalyticsConfiguration PutBucketAbac PutBucketCORS PutBucketLogging PutBucketNotification "
    "PutBucketObjectLockConfiguration PutBucketOwnershipControls PutBucketPublicAccessBlock "
    "PutBucketRequestPayment PutBucketTagging PutBucketVersioning PutBucketWebsite PutEncryptionConfiguration "
    "PutIntelligentTieringConfiguration PutInventoryConfiguration PutLifecycleConfiguration "
    "PutMetricsConfiguration PutReplicationConfiguration TagResource UntagResource "
    "UpdateBucketMetadataInventoryTableConfiguration UpdateBucketMetadataJournalTableConfiguration"
)

NAMES: tuple[str, ...] = tuple(f"s3:{name}" for name in f"{_ON_OBJECTS} {_ON_BUCKET}".split())
LOWER: tuple[str, ...] = tuple(name.lower() for name in NAMES)
INDEX: dict[str, int] = {name: index for index, name in enumerate(LOWER)}
CLASS: tuple[str, ...] = tuple(_NAMED.get(name.removeprefix("s3:"), OTHER) for name in NAMES)

ALL = (1 << len(NAMES)) - 1
OBJECT = (1 << len(_ON_OBJECTS.split())) - 1
BUCKET = ALL & ~OBJECT
OF_CLASS: dict[str, int] = {
    name: sum(1 << index for index, found in enumerate(CLASS) if found == name) for name in CLASSES
}

# A bucket ACL permission and the actions it stands for; writing creates objects, it does not touch those of others.
ACL_ACTIONS: dict[str, tuple[str, ...]] = {
    "READ": ("s3:listbucket", "s3:listbucketversions", "s3:listbucketmultipartuploads"),
    "WRITE": ("s3:putobject",),
    "READ_ACP": ("s3:getbucketacl",),
    "WRITE_ACP": ("s3:putbucketacl",),
}
ACL_ACTIONS["FULL_CONTROL"] = tuple(action for actions in tuple(ACL_ACTIONS.values()) for action in actions)


def names(actions: int) -> list[str]:
    """The names of a set of actions, in the order of the table."""
    return [name for index, name in enumerate(NAMES) if actions >> index & 1]


def first(actions: int) -> str:
    """The name of the first action of a set that is not empty."""
    return NAMES[(actions & -actions).bit_length() - 1]


@lru_cache(maxsize=4096)
def matching(pattern: str) -> int:
    """The actions that a policy's action `pattern`, in lower case, stands for."""
    if pattern in {"*", "s3:*"}:
        return ALL
    if "*" not in pattern and "?" not in pattern:
        index = INDEX.get(pattern)
        return 0 if index is None else 1 << index
    first_piece, *rest = (_piece(piece) for piece in pattern.split("*"))
    # Atomic groups: each piece is found once, at the first place, so that many stars cost no backtracking.
    middle = "".join(f"(?>.*?{piece})" for piece in rest[:-1] if piece)
    expression = re.compile(first_piece + middle + (f".*{rest[-1]}" if rest else ""), re.DOTALL)
    return sum(1 << index for index, name in enumerate(LOWER) if expression.fullmatch(name))


def _piece(text: str) -> str:
    return ".".join(re.escape(part) for part in text.split("?"))


# Known to S3, but about an account, an access point or a job: no bucket policy can hand them out.
_ELSEWHERE = glob("s3:*")


@lru_cache(maxsize=4096)
def might_be_new(pattern: str) -> bool:
    """Whether an action pattern names no action of the table and yet could be one that AWS has added since."""
    return not matching(pattern) and _ELSEWHERE.matches(pattern)
