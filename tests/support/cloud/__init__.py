"""Our own fake AWS, small and fast: what moto does not do, or not for thousands of messages."""

from support.cloud.queues import Queue, Stored
from support.cloud.server import HOME, REGION, FakeCloud, Published, keys
from support.cloud.trail import change, object_acl_updated, wrapped
from support.cloud.world import ALL_ON, PUBLIC_READ, TAGS, Bucket, StoredObject, World

__all__ = [
    "ALL_ON",
    "HOME",
    "PUBLIC_READ",
    "REGION",
    "TAGS",
    "Bucket",
    "FakeCloud",
    "Published",
    "Queue",
    "Stored",
    "StoredObject",
    "World",
    "change",
    "keys",
    "object_acl_updated",
    "wrapped",
]
