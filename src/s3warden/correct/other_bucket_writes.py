"""The table of writes on directory, table and vector buckets: their policies, table buckets' encryption, lifecycles.

A place is the ARN of a bucket, with the setting behind it where that is not the policy. The policy of a table or
vector bucket of which nothing would be left is deleted, as that of an access point; that of a directory bucket never,
since the call for it is the one that deletes bucket policies. Directory buckets take no expected owner. Pure: it calls
nobody.

Sources: the API references of Amazon S3, Amazon S3 Tables and Amazon S3 Vectors for the operations and permissions.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar

from s3warden.collect import other_buckets
from s3warden.collect.aspects import AspectRead
from s3warden.collect.shapes import Answer
from s3warden.correct.remedy import Edit
from s3warden.correct.service_row import ServiceWriting, Whole, in_regions
from s3warden.correct.views import policy_view
from s3warden.model.bucket import ABSENT, Aspect, Reading
from s3warden.model.configuration import Policy
from s3warden.model.other_buckets import OtherBucket, OtherBuckets

T = TypeVar("T")
ENCRYPTION = "#encryption"
LIFECYCLE = "#lifecycle"


def arn_of(place: str) -> str:
    """The bucket of a place."""
    return place.partition("#")[0]


def name_of(place: str) -> str:
    """Its name."""
    return arn_of(place).rpartition("/")[2]


def _is_policy(place: str) -> bool:
    return "#" not in place


def _directory(place: str) -> Mapping[str, object]:
    return {"Bucket": name_of(place)}


def _table(place: str) -> Mapping[str, object]:
    return {"tableBucketARN": arn_of(place)}


def _vector(place: str) -> Mapping[str, object]:
    return {"vectorBucketName": name_of(place)}


def _part(name: str) -> Callable[[Answer], Mapping[str, object]]:
    return lambda answer: {name: answer[name]}


def _policy(name: str) -> Callable[[Answer], Answer | None]:
    return lambda answer: policy_view({"Policy": answer[name]})


def _left(
    change: Callable[[OtherBucket, Reading[T]], OtherBucket], read: AspectRead[T]
) -> Callable[[Reading[object], Edit], Reading[object]]:
    """The regional reading with one bucket changed to what `read` makes of the answer."""

    def left(reading: Reading[object], edit: Edit) -> Reading[object]:
        arn = arn_of(edit.place or "")
        new: Reading[T] = ABSENT if edit.after is None else read.understood(edit.after)

        def changed(known: OtherBuckets) -> OtherBuckets:
            return OtherBuckets(tuple(change(each, new) if each.arn == arn else each for each in known))

        return in_regions(reading, OtherBuckets, changed)

    return left


def _with_policy(each: OtherBucket, new: Reading[Policy]) -> OtherBucket:
    return replace(each, policy=new)


_DIRECTORY_POLICY = Whole(other_buckets.DIRECTORY.policy.operation, _directory, "PutBucketPolicy", _part("Policy"))
DIRECTORY_POLICY = ServiceWriting(
    "s3",
    other_buckets.DIRECTORY.policy,
    policy_view,
    _DIRECTORY_POLICY.calls,
    _left(_with_policy, other_buckets.DIRECTORY.policy),
    ("s3express:PutBucketPolicy",),
    takes=_is_policy,
)
_DIRECTORY_LIFECYCLE = Whole(
    other_buckets.LIFECYCLE.operation,
    _directory,
    "PutBucketLifecycleConfiguration",
    lambda answer: {"LifecycleConfiguration": {"Rules": answer["Rules"]}},
    "DeleteBucketLifecycle",
)
DIRECTORY_LIFECYCLE = ServiceWriting(
    "s3",
    other_buckets.LIFECYCLE,
    _part("Rules"),
    _DIRECTORY_LIFECYCLE.calls,
    _left(lambda each, new: replace(each, lifecycle=new), other_buckets.LIFECYCLE),
    ("s3express:PutLifecycleConfiguration",),
    takes=lambda place: place.endswith(LIFECYCLE),
)
_TABLE_POLICY = Whole(
    other_buckets.TABLE.policy.operation,
    _table,
    "PutTableBucketPolicy",
    _part("resourcePolicy"),
    "DeleteTableBucketPolicy",
)
TABLE_POLICY = ServiceWriting(
    "s3tables",
    other_buckets.TABLE.policy,
    _policy("resourcePolicy"),
    _TABLE_POLICY.calls,
    _left(_with_policy, other_buckets.TABLE.policy),
    ("s3tables:PutTableBucketPolicy", "s3tables:DeleteTableBucketPolicy"),
    takes=_is_policy,
    removal=_TABLE_POLICY.removal,
)
_TABLE_ENCRYPTION = Whole(
    other_buckets.TABLE.encryption.operation,
    _table,
    "PutTableBucketEncryption",
    _part("encryptionConfiguration"),
    "DeleteTableBucketEncryption",
)
TABLE_ENCRYPTION = ServiceWriting(
    "s3tables",
    other_buckets.TABLE.encryption,
    _part("encryptionConfiguration"),
    _TABLE_ENCRYPTION.calls,
    _left(lambda each, new: replace(each, encryption=new), other_buckets.TABLE.encryption),
    ("s3tables:PutTableBucketEncryption", "s3tables:DeleteTableBucketEncryption"),
    takes=lambda place: place.endswith(ENCRYPTION),
)
_VECTOR_POLICY = Whole(
    other_buckets.VECTOR.policy.operation, _vector, "PutVectorBucketPolicy", _part("policy"), "DeleteVectorBucketPolicy"
)
VECTOR_POLICY = ServiceWriting(
    "s3vectors",
    other_buckets.VECTOR.policy,
    _policy("policy"),
    _VECTOR_POLICY.calls,
    _left(_with_policy, other_buckets.VECTOR.policy),
    ("s3vectors:PutVectorBucketPolicy", "s3vectors:DeleteVectorBucketPolicy"),
    removal=_VECTOR_POLICY.removal,
)
ROWS: Mapping[Aspect, tuple[ServiceWriting, ...]] = MappingProxyType(
    {
        Aspect.DIRECTORY_BUCKETS: (DIRECTORY_POLICY, DIRECTORY_LIFECYCLE),
        Aspect.TABLE_BUCKETS: (TABLE_POLICY, TABLE_ENCRYPTION),
        Aspect.VECTOR_BUCKETS: (VECTOR_POLICY,),
    }
)
