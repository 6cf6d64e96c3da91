"""Takes the events that S3 itself sends about objects, and hands on the object whose ACL was changed.

The others never speak of anything that is read, and they come at the rate of the objects: they ask for nothing.

Source: "Amazon S3 events" in the user guide on EventBridge; keys come as they are, not URL-encoded.
"""

from s3warden.collect.envelope import Envelope
from s3warden.collect.fields import bucket_name, clean, mapping, object_name
from s3warden.collect.reasons import PoisonReason, RefreshReason, SkipReason
from s3warden.model.bucket import Aspect
from s3warden.model.event import Actor, Level, Parsed, Poison, Refresh, Skip, Target, Trigger

KIND = "s3_native"
ACL_UPDATED = "Object ACL Updated"
DETAIL_TYPES = (
    "Object Access Tier Changed",
    ACL_UPDATED,
    "Object Created",
    "Object Deleted",
    "Object Restore Completed",
    "Object Restore Expired",
    "Object Restore Initiated",
    "Object Storage Class Changed",
    "Object Tags Added",
    "Object Tags Deleted",
)
_PRINCIPAL_LIMIT, _ADDRESS_LIMIT = 128, 64


def parse(event: Envelope) -> Parsed:
    """The object whose ACL was changed, or a skip."""
    if event.detail_type != ACL_UPDATED:
        return Skip(SkipReason.OBJECT_LEVEL, KIND, event.trigger(event.detail_type))
    if event.detail is None:
        return Poison(PoisonReason.NO_DETAIL, event.detail_type)
    trigger, told = _trigger(event), mapping(event.detail.get("object"))
    given = mapping(event.detail.get("bucket")).get("name")
    bucket, named = bucket_name(given), object_name(told.get("key"), told.get("version-id"))
    if bucket is None:
        return Skip(SkipReason.BAD_BUCKET_NAME if given else SkipReason.NO_BUCKET, KIND, trigger)
    # S3 sends its events to the account that owns the bucket.
    aspects = frozenset({Aspect.OBJECT_ACL})
    target = Target(Level.BUCKET, event.account, event.region, bucket, aspects, object=named)
    return Refresh((target,), trigger, RefreshReason.CHANGE, KIND, urgent=True)


def _trigger(event: Envelope) -> Trigger:
    """Who did it, as far as S3 tells: an account number or a service, and an address."""
    detail = mapping(event.detail)
    requester = clean(detail.get("requester"), _PRINCIPAL_LIMIT)
    address = clean(detail.get("source-ip-address"), _ADDRESS_LIMIT)
    who = Actor(requester, source_ip=address or None) if requester else None
    return event.trigger(event.detail_type, actor=who)
