"""Reads the ACLs of the objects that events named: of these alone, since nobody can look at every object.

Takes a bucket and what is known of its objects so far, hands on their ACLs as they are now. An object that is gone is
known no more; what is public, or could not be read, stays known before anything else. It lists no bucket.

Source: GetObjectAcl in the S3 API reference; the user guide on block public access, by which S3 answers with the ACL
that is in effect.
"""

import asyncio
from collections.abc import Mapping

from s3warden.collect.aspects import AspectRead, acl
from s3warden.collect.services import ServiceReader
from s3warden.model.bucket import ABSENT, Aspect, BucketRef, Present, Reading
from s3warden.model.configuration import Acl, Ownership, PublicAccessBlock
from s3warden.model.objects import ObjectAcl, ObjectAcls, ObjectName

LIMIT = 100
"""Of so many objects of one bucket the ACLs are kept."""

# A delete marker has no ACL: 404 where it is the current version, 405 where it is named.
_GONE = frozenset({"NoSuchKey", "NoSuchVersion", "MethodNotAllowed"})
READ = AspectRead("GetObjectAcl", "s3:GetObjectAcl", acl, _GONE)
READ_VERSION = AspectRead("GetObjectAcl", "s3:GetObjectVersionAcl", acl, _GONE)


async def object_acls(
    reader: ServiceReader, ref: BucketRef, known: Mapping[Aspect, Reading[object]]
) -> Reading[ObjectAcls]:
    """The ACLs of the objects that are known of the bucket so far, read anew."""
    reading = known.get(Aspect.OBJECT_ACL, ABSENT)
    before = reading.value if isinstance(reading, Present) and isinstance(reading.value, ObjectAcls) else ObjectAcls()
    found = await asyncio.gather(*(_acl(reader, ref, each.name) for each in before.items))
    read = [ObjectAcl(each.name, acl) for each, acl in zip(before.items, found, strict=True) if acl != ABSENT]
    latest = read[::-1]
    kept = frozenset(sorted(latest, key=lambda each: not each.matters)[:LIMIT])
    forgotten = before.forgotten or any(each.matters for each in read if each not in kept)
    # Where no ACL has any effect it does not matter any more which objects those were.
    forgotten = forgotten and not _without_effect(known)
    value = ObjectAcls(tuple(each for each in read if each in kept), forgotten)
    return Present(value) if kept or forgotten else ABSENT


def _without_effect(known: Mapping[Aspect, Reading[object]]) -> bool:
    match known.get(Aspect.PUBLIC_ACCESS_BLOCK):
        case Present(value=PublicAccessBlock(ignore_public_acls=True)):
            return True
    match known.get(Aspect.OWNERSHIP):
        case Present(value=Ownership(object_ownership="BucketOwnerEnforced")):
            return True
    return False


async def _acl(reader: ServiceReader, ref: BucketRef, name: ObjectName) -> Reading[Acl]:
    read = READ_VERSION if name.version else READ
    asked = reader.service(ref.owner, "s3", read.operation, region=ref.region, **parameters(ref, name))
    return await read.reading(asked)


def parameters(ref: BucketRef, name: ObjectName) -> dict[str, object]:
    """What a call about an object says of it."""
    version = {"VersionId": name.version} if name.version else {}
    return {"Bucket": ref.name, "Key": name.key, **version, "ExpectedBucketOwner": ref.account}
