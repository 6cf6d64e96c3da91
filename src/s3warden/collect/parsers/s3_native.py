"""Takes the events that S3 itself sends about objects, and hands on that they ask for nothing.

They never speak of a bucket's configuration, and they come at the rate of the objects. That includes `Object ACL
Updated`: an object's ACL is no part of what is read of a bucket.
"""

from s3warden.collect.envelope import Envelope
from s3warden.collect.reasons import SkipReason
from s3warden.model.event import Skip

KIND = "s3_native"
DETAIL_TYPES = (
    "Object Access Tier Changed",
    "Object ACL Updated",
    "Object Created",
    "Object Deleted",
    "Object Restore Completed",
    "Object Restore Expired",
    "Object Restore Initiated",
    "Object Storage Class Changed",
    "Object Tags Added",
    "Object Tags Deleted",
)


def parse(event: Envelope) -> Skip:
    """Always a skip."""
    return Skip(SkipReason.OBJECT_LEVEL, KIND, event.trigger(event.detail_type))
