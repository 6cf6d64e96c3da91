"""A seeded stream of changes to the fake AWS, each told by an event, and what must be found wrong at the end.

Only rules whose verdict can be told from the world at a glance are driven, so that the truth is computed here, by other
code than the product's.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from support.cloud import PUBLIC_READ, TAGS, Bucket, FakeCloud, Queue, change


@dataclass(frozen=True)
class Topic:
    """One thing that is right or wrong with a bucket: who is wrong, how to flip it, which call that is."""

    rule_id: str
    is_wrong: Callable[[Bucket], bool]
    flip: Callable[[Bucket], str]


def _flip_acl(bucket: Bucket) -> str:
    bucket.grants = [] if bucket.grants else [PUBLIC_READ]
    return "PutBucketAcl"


def _flip_policy(bucket: Bucket) -> str:
    if bucket.policy is None:
        bucket.publish_by_policy()
        return "PutBucketPolicy"
    bucket.policy = None
    return "DeleteBucketPolicy"


def _flip_tags(bucket: Bucket) -> str:
    bucket.tags = dict(TAGS) if "Owner" not in bucket.tags else {"Name": "x"}
    return "PutBucketTagging"


def _flip_versioning(bucket: Bucket) -> str:
    bucket.versioning = "Suspended" if bucket.versioning == "Enabled" else "Enabled"
    return "PutBucketVersioning"


TOPICS = (
    Topic("bucket-acl-public-read", lambda bucket: PUBLIC_READ in bucket.grants, _flip_acl),
    Topic("bucket-policy-public", lambda bucket: bucket.has_public_policy, _flip_policy),
    Topic("bucket-required-tags", lambda bucket: "Owner" not in bucket.tags, _flip_tags),
    Topic("bucket-versioning", lambda bucket: bucket.versioning != "Enabled", _flip_versioning),
)
RULES: Mapping[str, list[str]] = {"enable": [topic.rule_id for topic in TOPICS]}


@dataclass
class Driver:
    """Changes buckets of `cloud` at random and puts the events into `queue`."""

    cloud: FakeCloud
    queue: Queue
    seed: int
    changes: int = 0
    sent: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    def make_one(self) -> Bucket:
        """One change of one bucket, and its event."""
        bucket = self.random.choice(sorted(self.cloud.world.buckets.values(), key=lambda each: each.name))
        call = self.random.choice(TOPICS).flip(bucket)
        self.changes += 1
        self.sent.append(self.queue.send(change(bucket, call)))
        return bucket

    def wrong(self) -> set[tuple[str, str]]:
        """Rule and bucket of all that is wrong now."""
        buckets = self.cloud.world.buckets.values()
        return {(topic.rule_id, bucket.name) for bucket in buckets for topic in TOPICS if topic.is_wrong(bucket)}
