"""Reads the newer kinds of buckets of an account, region by region: who may reach them, and how they encrypt.

Takes an account and regions, hands on one reading for each kind. Where a region is not among those that are known to
have a kind, and nobody answers there, there is none; in the others silence is a failure like any. The policies of
single tables are not read.

Sources: the API references of Amazon S3 (directory buckets), Amazon S3 Tables and Amazon S3 Vectors, the service
authorization reference for the permissions, and the regions in the user guide as of 2025.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from s3warden.aws.errors import AwsError
from s3warden.collect.aspects import AspectRead
from s3warden.collect.aspects import policy as bucket_policy
from s3warden.collect.pages import follow
from s3warden.collect.regions import by_region
from s3warden.collect.services import ServiceReader
from s3warden.collect.shapes import Answer, ShapeError, mapping, optional_text, sequence, text
from s3warden.model.bucket import ABSENT, Absent, AccountRef, Cause, Present, Reading, Regional, Unreadable
from s3warden.model.configuration import Policy
from s3warden.model.other_buckets import BucketKind, OtherBucket, OtherBuckets

T = TypeVar("T")
_SILENT = frozenset({"NoSuchEndpoint", "EndpointConnectionError"})
_EVERY = frozenset(
    {"us-east-1", "us-east-2", "us-west-2", "eu-west-1", "eu-central-1", "eu-north-1", "ap-south-1", "ap-northeast-1"}
)


def _named_policy(name: str) -> Callable[[Answer], Policy]:
    return lambda answer: Policy(text(answer.get(name), name))


def _listing(name: str, sent: str, answered: str) -> Callable[[Answer], tuple[tuple[Answer, ...], Mapping[str, str]]]:
    """A parser for a page of the list `name`; the token of the next page is `answered`, and `sent` back."""

    def parse(answer: Answer) -> tuple[tuple[Answer, ...], Mapping[str, str]]:
        items = tuple(mapping(item, name) for item in sequence(answer.get(name), name))
        token = optional_text(answer.get(answered), answered)
        return items, {sent: token} if token else {}

    return parse


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
    """How a kind is read: its service, its calls, and how a bucket is named in its lists and in its calls."""

    kind: BucketKind
    service: str
    regions: frozenset[str]
    listing: AspectRead[tuple[tuple[Answer, ...], Mapping[str, str]]]
    policy: AspectRead[Policy]
    encryption: AspectRead[str]
    lifecycle: AspectRead[bool] | None
    name: str
    parameter: str


DIRECTORY = _Kind(
    BucketKind.DIRECTORY,
    "s3",
    _EVERY - {"eu-central-1"},
    AspectRead(
        "ListDirectoryBuckets",
        "s3express:ListAllMyDirectoryBuckets",
        _listing("Buckets", "ContinuationToken", "ContinuationToken"),
    ),
    AspectRead(
        "GetBucketPolicy", "s3express:GetBucketPolicy", bucket_policy, absent_codes=frozenset({"NoSuchBucketPolicy"})
    ),
    AspectRead(
        "GetBucketEncryption",
        "s3express:GetEncryptionConfiguration",
        _rules_encryption,
        absent_codes=frozenset({"ServerSideEncryptionConfigurationNotFoundError"}),
    ),
    AspectRead(
        "GetBucketLifecycleConfiguration",
        "s3express:GetLifecycleConfiguration",
        _expires,
        absent_codes=frozenset({"NoSuchLifecycleConfiguration"}),
    ),
    "Name",
    "Bucket",
)
TABLE = _Kind(
    BucketKind.TABLE,
    "s3tables",
    _EVERY,
    AspectRead(
        "ListTableBuckets",
        "s3tables:ListTableBuckets",
        _listing("tableBuckets", "continuationToken", "continuationToken"),
    ),
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
    "arn",
    "tableBucketARN",
)
VECTOR = _Kind(
    BucketKind.VECTOR,
    "s3vectors",
    _EVERY - {"eu-north-1"},
    AspectRead("ListVectorBuckets", "s3vectors:ListVectorBuckets", _listing("vectorBuckets", "nextToken", "nextToken")),
    AspectRead(
        "GetVectorBucketPolicy",
        "s3vectors:GetVectorBucketPolicy",
        _named_policy("policy"),
        absent_codes=frozenset({"NotFoundException"}),
    ),
    AspectRead("GetVectorBucket", "s3vectors:GetVectorBucket", _vector_encryption),
    None,
    "vectorBucketName",
    "vectorBucketName",
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


async def listed(
    kind: _Kind, reader: ServiceReader, ref: AccountRef, region: str
) -> tuple[str, ...] | Absent | Unreadable:
    """What the calls of the kind name its buckets by, in one region; Absent where AWS does not have the kind."""
    ask = partial(reader.service, ref, kind.service, kind.listing.operation, region=region)
    try:
        items = await follow(ask, kind.listing.parse)  # type: ignore[arg-type]
        return tuple(_name(kind, item) for item in items)
    except ShapeError as error:
        return Unreadable(Cause.MALFORMED, f"{kind.listing.operation}: {error}")
    except AwsError as error:
        if error.code in _SILENT and region not in kind.regions:
            return ABSENT
        return kind.listing.failed(error)


def _name(kind: _Kind, item: Answer) -> str:
    name = text(item.get(kind.name), kind.name)
    # Every directory bucket's name ends like this; an endpoint that lists others has not understood the question.
    if kind.kind is BucketKind.DIRECTORY and not name.endswith("--x-s3"):
        raise ShapeError(f"{kind.name} is no name of a directory bucket")
    return name


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
