"""Messages that a queue may hold although nobody should have sent them, drawn from a seed."""

import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from support.cloud import Bucket, change, wrapped

STRANGER = "799999999999"
_POISON = (
    "",
    "not json",
    "{",
    "[" * 5000,
    "null",
    "[]",
    "42",
    '"text"',
    "{}",
    '{"a": NaN',
    "\ufeff",
    "\u0000\u0001\u0002",
    '{"detail-type": 7, "source": [], "detail": null}',
    '{"source": "aws.s3", "detail-type": "AWS API Call via CloudTrail"}',
    '{"source": "aws.s3", "detail-type": "AWS API Call via CloudTrail", "detail": {}}',
    '{"Type": "Notification", "Message": "{{{"}',
)


def poison(draw: random.Random) -> str:
    """A body that nobody can read: one of a few kinds, with some noise that makes it unlike the others."""
    body = draw.choice(_POISON)
    # Noise where it changes nothing: white space after a text that is no JSON anyway, or around one that is.
    return body + " " * draw.randint(0, 40)


def foreign(draw: random.Random, bucket: Bucket) -> str:
    """A good event of an account that is not guarded."""
    stranger = Bucket(f"stranger-{draw.randint(1, 10**9)}", STRANGER)
    return change(stranger, draw.choice(("PutBucketAcl", "PutBucketPolicy", "DeleteBucket")))


def stale(draw: random.Random, bucket: Bucket) -> str:
    """An event of a guarded bucket that comes long after it happened, in any order."""
    when = datetime.now(UTC) - timedelta(seconds=draw.randint(60, 86_400))
    body = change(bucket, draw.choice(("PutBucketAcl", "PutBucketTagging", "PutBucketVersioning")), when)
    return wrapped(body) if draw.random() < 0.3 else body


def idle(draw: random.Random, bucket: Bucket) -> str:
    """An event that asks for nothing: a read, a call that failed, an object, another service."""
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("GetBucketAcl", {"readOnly": True}),
        ("PutBucketAcl", {"errorCode": "AccessDenied"}),
        ("PutObject", {"eventCategory": "Data", "managementEvent": False}),
        ("CreateTrail", {"eventSource": "cloudtrail.amazonaws.com"}),
    ]
    name, changes = draw.choice(kinds)
    return change(bucket, name, **changes)


def huge(draw: random.Random, bucket: Bucket) -> str:
    """An event near the size that SQS allows."""
    padding = {"bucketName": bucket.name, "padding": "x" * draw.randint(250_000, 900_000)}
    return change(bucket, "PutBucketTagging", requestParameters=padding)


HARMLESS: Mapping[str, Callable[[random.Random, Bucket], str]] = MappingProxyType(
    {"foreign": foreign, "stale": stale, "idle": idle, "huge": huge}
)
