"""Reads the newer kinds of buckets of an account, region by region: who may reach them, and how they encrypt.

Takes an account and regions, hands on one reading for each kind. Where a region is not among those that are known to
have a kind, and nobody answers there, there is none; in the others silence is a failure like any. The policies of
single tables are not read.

Sources: the API references of Amazon S3 (directory buckets), Amazon S3 Tables and Amazon S3 Vectors, the service
authorization reference for the permissions, and the regions in the user guide as of 2025.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from s3warden.collect.aspects import AspectRead
from s3warden.collect.aspects import policy as bucket_policy
from s3warden.collect.regions import Listed, by_region, every_item
from s3warden.collect.services import ServiceReader
from s3warden.collect.shapes import Answer, ShapeError, mapping, sequence, text
from s3warden.model.bucket import ABSENT, AccountRef, Present, Reading, Regional
from s3warden.model.configuration import Policy
from s3warden.model.other_buckets import BucketKind, OtherBucket, OtherBuckets

T = TypeVar("T")
KNOWN = frozenset(
    {"us-east-1", "us-east-2", "us-west-2", "eu-west-1", "eu-central-1", "eu-north-1", "ap-south-1", "ap-northeast-1"}
)

# "S3 Tables AWS Regions, endpoints, and service quotas" in the S3 user guide, as of 2026; later ones may lack here.
_TABLES = KNOWN | {
    *("af-south-1", "ap-east-1", "ap-northeast-2", "ap-northeast-3", "ap-south-2", "ap-southeast-1", "ap-southeast-2"),
    *("ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-7", "ca-central-1"),
}


def _named_policy(name: str) -> Callable[[Answer], Policy]:
    return lambda answer: Policy(text(answer.get(name), name))


def _table(item: Answer) -> str:
    return text(item.get("arn"), "arn")


def _vector(item: Answer) -> str:
    return text(item.get("vectorBucketName"), "vectorBucketName")


def _directory(item: Answer) -> str:
    name = text(item.get("Name"), "Name")
    # Every directory bucket's name ends like this; an endpoint that lists others has not understood the question.
    if not name.endswith("--x-s3"):
        raise ShapeError("Name is no name of a directory bucket")
    return name


def _rules_encryption(answer: Answer) -> str:
    name = "ServerSideEncryptionConfiguration"
    rules = sequence(mapping(answer.get(name), name).get("Rules"), "Rules")
    if not rules:
        raise ShapeError(f"{name} has no rule")
    default = mapping(rules[0], "Rule").get("ApplyServerSideEncryptionByDefault")
    return text(mapping(default, "ApplyServerSideEncryptionByDefault").get("SSEAlgorithm"), "SSEAlgorithm")


def _table_encryption(answer: Answer) -> str:
    return text(mapping(answer.get("encryptionConfiguration"), "encryptionConfiguration").get("sseAlgorithm"), "sse")


def _vector_encryption(answer: Answer) -> str:
    bucket = mapping(answer.get("vectorBucket"), "vectorBucket")
    return text(mapping(bucket.get("encryptionConfiguration"), "encryptionConfiguration").get("sseType"), "sseType")


def _expires(answer: Answer) -> bool:
    rules = (mapping(rule, "Rule") for rule in sequence(answer.get("Rules"), "Rules"))
    return any(rule.get("Status") == "Enabled" for rule in rules)


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a kind is read: its service, its calls, and how a bucket is named in them.

    `items` is the part of a list that has the buckets, `paging` its token for the next page; `name` finds in an item
    what calls about the bucket give as `parameter`.
    """

    kind: BucketKind
    service: str
    regions: frozenset[str]
    listing: AspectRead[str]
    items: str
    paging: str
    name: Callable[[Answer], str]
    parameter: str
    policy: AspectRead[Policy]
    encryption: AspectRead[str]
    lifecycle: AspectRead[bool] | None


LIFECYCLE = AspectRead(
    "GetBucketLifecycleConfiguration",
    "s3express:GetLifecycleConfiguration",
    _expires,
    absent_codes=frozenset({"NoSuchLifecycleConfiguration"}),
)
"""Of directory buckets alone."""
DIRECTORY = _Kind(
    BucketKind.DIRECTORY,
    "s3",
    KNOWN - {"eu-central-1"},
    AspectRead("ListDirectoryBuckets", "s3express:ListAllMyDirectoryBuckets", _directory),
    "Buckets",
    "ContinuationToken",
    _directory,
    "Bucket",
    AspectRead(
        "GetBucketPolicy", "s3express:GetBucketPolicy", bucket_policy, absent_codes=frozenset({"NoSuchBucketPolicy"})
    ),
    AspectRead(
        "GetBucketEncryption",
        "s3express:GetEncryptionConfiguration",
        _rules_encryption,
        absent_codes=frozenset({"ServerSideEncryptionConfigurationNotFoundError"}),
    ),
    LIFECYCLE,
)
TABLE = _Kind(
    BucketKind.TABLE,
    "s3tables",
    _TABLES,
    AspectRead("ListTableBuckets", "s3tables:ListTableBuckets", _table),
    "tableBuckets",
    "continuationToken",
    _table,
    "tableBucketARN",
    AspectRead(
        "GetTableBucketPolicy",
        "s3tables:GetTableBucketPolicy",
        _named_policy("resourcePolicy"),
        absent_codes=frozenset({"NotFoundException"}),
    ),
    AspectRead(
        "GetTableBucketEncryption",
        "s3tables:GetTableBucketEncryption",
        _table_encryption,
        absent_codes=frozenset({"NotFoundException"}),
    ),
    None,
)
VECTOR = _Kind(
    BucketKind.VECTOR,
    "s3vectors",
    KNOWN - {"eu-north-1"},
    AspectRead("ListVectorBuckets", "s3vectors:ListVectorBuckets", _vector),
    "vectorBuckets",
    "nextToken",
    _vector,
    "vectorBucketName",
    AspectRead(
        "GetVectorBucketPolicy",
        "s3vectors:GetVectorBucketPolicy",
        _named_policy("policy"),
        absent_codes=frozenset({"NotFoundException"}),
    ),
    AspectRead("GetVectorBucket", "s3vectors:GetVectorBucket", _vector_encryption),
    None,
)


def reads(kind: _Kind) -> tuple[AspectRead[object], ...]:
    """All calls that reading a kind may take."""
    every = (kind.listing, kind.policy, kind.encryption, kind.lifecycle)
    return tuple(each for each in every if each is not None)


async def of_account(
    kind: _Kind, reader: ServiceReader, ref: AccountRef, regions: Collection[str]
) -> Present[Regional[OtherBuckets]]:
    """The buckets of this kind region by region; Absent where there are none."""
    return await by_region(regions, partial(_of_region, kind, reader, ref))


async def _of_region(kind: _Kind, reader: ServiceReader, ref: AccountRef, region: str) -> Reading[OtherBuckets]:
    named = await listed(kind, reader, ref, region)
    if not isinstance(named, tuple):
        return named
    ask = partial(reader.service, ref, kind.service, region=region)
    found = await asyncio.gather(*(_bucket(kind, ask, ref, region, name) for name in named))
    return Present(OtherBuckets(tuple(sorted(found, key=lambda each: each.name)))) if found else ABSENT


async def listed(kind: _Kind, reader: ServiceReader, ref: AccountRef, region: str) -> Listed[str]:
    """What the calls of the kind name its buckets by, in one region."""
    ask = partial(reader.service, ref, kind.service, kind.listing.operation, region=region)
    return await every_item(
        ask, kind.listing, kind.name, items=kind.items, paging=kind.paging, expected=region in kind.regions
    )


async def _bucket(
    kind: _Kind, ask: Callable[..., Awaitable[Answer]], ref: AccountRef, region: str, name: str
) -> OtherBucket:
    async def part(call: AspectRead[T] | None) -> Reading[T]:
        return ABSENT if call is None else await call.reading(ask(call.operation, **{kind.parameter: name}))

    policy, encryption, lifecycle = await asyncio.gather(part(kind.policy), part(kind.encryption), part(kind.lifecycle))
    short = name.rpartition("/")[2]
    return OtherBucket(kind.kind, short, _arn(kind, ref, region, short), policy, encryption, lifecycle)


def _arn(kind: _Kind, ref: AccountRef, region: str, name: str) -> str:
    service = "s3express" if kind.kind is BucketKind.DIRECTORY else kind.service
    return f"arn:{ref.partition}:{service}:{region}:{ref.account}:bucket/{name}"
