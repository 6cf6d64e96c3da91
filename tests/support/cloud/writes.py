"""What writes to S3 do to the world of the fake AWS.

Each write changes the attribute that the reads show; what the fake has no attribute for is kept as the document that
was put, and comes back as it is. `history` of the world tells who wrote what, in order.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from support.cloud.answers import RefusalError
from support.cloud.world import Bucket, StoredObject, World

_FLAGS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_XSI_TYPE = f"{{{_XSI}}}type"
_CANNED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "private": (),
    "public-read": (("AllUsers", "READ"),),
    "public-read-write": (("AllUsers", "READ"), ("AllUsers", "WRITE")),
    "authenticated-read": (("AuthenticatedUsers", "READ"),),
}


@dataclass(frozen=True)
class Write:
    """One write: the operation, and what changes the bucket by the request's body."""

    operation: str
    change: Callable[[World, Bucket, str], None]


def put(key: str) -> Write:
    """The write that a PUT on the sub-resource `key` is."""
    if key not in PUTS:
        raise RefusalError("NotImplemented", f"this fake cannot put ?{key}", 501)
    return PUTS[key]


def delete(key: str) -> Write:
    """The write that a DELETE of the sub-resource `key` is."""
    if key not in DELETES:
        raise RefusalError("NotImplemented", f"this fake cannot delete ?{key}", 501)
    return DELETES[key]


def canned(name: str | None) -> str:
    """The body that a canned ACL stands for; empty where none is named."""
    if name is None:
        return ""
    grants = "".join(
        f"<Grant><Grantee xmlns:xsi='{_XSI}' xsi:type='Group'><URI>{group}</URI></Grantee>"
        f"<Permission>{permission}</Permission></Grant>"
        for group, permission in _CANNED[name]
    )
    return f"<AccessControlPolicy><AccessControlList>{grants}</AccessControlList></AccessControlPolicy>"


def flags(body: str) -> tuple[bool, bool, bool, bool]:
    """The four flags of a block of public access; one that is not given is off."""
    first, second, third, fourth = (_text(body, name) == "true" for name in _FLAGS)
    return first, second, third, fourth


def _root(body: str) -> ET.Element:
    root = ET.fromstring(body)  # noqa: S314 - written by our own client
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def _text(body: str, name: str) -> str | None:
    found = next(_root(body).iter(name), None)
    return None if found is None else found.text or ""


def object_acl(key: str) -> Write:
    """The write that a PUT of the ACL of an object is."""

    def change(world: World, bucket: Bucket, body: str) -> None:
        if key not in bucket.objects:
            raise RefusalError("NoSuchKey", "The specified key does not exist.")
        _acl(world, bucket, body, bucket.objects[key])

    return Write("PutObjectAcl", change)


def _acl(world: World, bucket: Bucket, body: str, of: Bucket | StoredObject | None = None) -> None:
    of = of or bucket
    grants, users = [], []
    for grant in _root(body).iter("Grant"):
        grantee = grant.find("Grantee")
        assert grantee is not None
        permission = grant.findtext("Permission", "")
        if grantee.get(_XSI_TYPE) == "Group":
            grants.append((grantee.findtext("URI", "").rpartition("/")[2], permission))
        elif (grantee.findtext("ID", ""), permission) != (bucket.account, "FULL_CONTROL"):
            users.append((grantee.findtext("ID", ""), permission))
    if bucket.ownership == "BucketOwnerEnforced":
        raise RefusalError("AccessControlListNotSupported", "The bucket does not allow ACLs", 400)
    if grants and any(block is not None and block[0] for block in (bucket.block, world.accounts.get(bucket.account))):
        raise RefusalError("AccessDenied", "public ACLs are blocked", 403)
    of.grants, of.users = grants, users


def _policy(world: World, bucket: Bucket, body: str) -> None:
    try:
        json.loads(body)
    except ValueError:
        raise RefusalError("MalformedPolicy", "This policy contains invalid Json", 400) from None
    before, bucket.policy = bucket.policy, body
    blocks = (bucket.block, world.accounts.get(bucket.account))
    if bucket.has_public_policy and any(block is not None and block[2] for block in blocks):
        bucket.policy = before
        raise RefusalError("AccessDenied", "public policies are blocked by BlockPublicPolicy", 403)


def _block(_: World, bucket: Bucket, body: str) -> None:
    bucket.block = flags(body)


def _ownership(_: World, bucket: Bucket, body: str) -> None:
    wanted = _text(body, "ObjectOwnership")
    if wanted == "BucketOwnerEnforced" and (bucket.grants or bucket.users):
        raise RefusalError("InvalidBucketAclWithObjectOwnership", "Bucket cannot have ACLs set", 400)
    bucket.ownership = wanted


def _encryption(_: World, bucket: Bucket, body: str) -> None:
    bucket.algorithm = _text(body, "SSEAlgorithm")
    bucket.documents["encryption"] = body


def _versioning(_: World, bucket: Bucket, body: str) -> None:
    bucket.versioning = _text(body, "Status") or ""


def _logging(_: World, bucket: Bucket, body: str) -> None:
    bucket.logs_to = _text(body, "TargetBucket")
    bucket.logs_under = _text(body, "TargetPrefix") or ""


def _tagging(_: World, bucket: Bucket, body: str) -> None:
    bucket.tags = {tag.findtext("Key", ""): tag.findtext("Value", "") for tag in _root(body).iter("Tag")}


def _kept(key: str) -> Callable[[World, Bucket, str], None]:
    def change(_world: World, bucket: Bucket, body: str) -> None:
        bucket.documents[key] = body

    return change


def _dropped(key: str) -> Callable[[World, Bucket, str], None]:
    def change(_world: World, bucket: Bucket, _body: str) -> None:
        bucket.documents.pop(key, None)

    return change


def _set(**values: object) -> Callable[[World, Bucket, str], None]:
    def change(_world: World, bucket: Bucket, _body: str) -> None:
        for name, value in values.items():
            setattr(bucket, name, value)

    return change


def _no_encryption(world: World, bucket: Bucket, body: str) -> None:
    # As S3 does since 2023: there is always some encryption.
    bucket.algorithm = "AES256"
    _dropped("encryption")(world, bucket, body)


def _no_tags(_: World, bucket: Bucket, _body: str) -> None:
    bucket.tags = {}


PUTS: Mapping[str, Write] = {
    "acl": Write("PutBucketAcl", _acl),
    "cors": Write("PutBucketCors", _kept("cors")),
    "encryption": Write("PutBucketEncryption", _encryption),
    "lifecycle": Write("PutBucketLifecycleConfiguration", _kept("lifecycle")),
    "logging": Write("PutBucketLogging", _logging),
    "notification": Write("PutBucketNotificationConfiguration", _kept("notification")),
    "ownershipControls": Write("PutBucketOwnershipControls", _ownership),
    "policy": Write("PutBucketPolicy", _policy),
    "publicAccessBlock": Write("PutPublicAccessBlock", _block),
    "replication": Write("PutBucketReplication", _kept("replication")),
    "tagging": Write("PutBucketTagging", _tagging),
    "versioning": Write("PutBucketVersioning", _versioning),
    "website": Write("PutBucketWebsite", _kept("website")),
}
DELETES: Mapping[str, Write] = {
    "cors": Write("DeleteBucketCors", _dropped("cors")),
    "encryption": Write("DeleteBucketEncryption", _no_encryption),
    "lifecycle": Write("DeleteBucketLifecycle", _dropped("lifecycle")),
    "ownershipControls": Write("DeleteBucketOwnershipControls", _set(ownership=None)),
    "policy": Write("DeleteBucketPolicy", _set(policy=None)),
    "publicAccessBlock": Write("DeletePublicAccessBlock", _set(block=None)),
    "replication": Write("DeleteBucketReplication", _dropped("replication")),
    "tagging": Write("DeleteBucketTagging", _no_tags),
    "website": Write("DeleteBucketWebsite", _dropped("website")),
}
