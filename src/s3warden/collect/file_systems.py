"""Reads the file systems that S3 Files makes of an account's buckets, region by region: whom their policies let in.

Takes an account and regions, hands on readings. Mount targets and the security groups in front of them are not read:
whom the network lets through is the VPC's to say. Sources: the S3 Files API reference for the calls, which the SDK does
not know by itself, and the chapter "How S3 Files works with IAM" of the user guide. That a file system without a policy
is answered with ResourceNotFoundException is how Cloud Custodian takes it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from functools import partial

from s3warden.collect.aspects import AspectRead
from s3warden.collect.other_buckets import KNOWN
from s3warden.collect.regions import by_region, every_item
from s3warden.collect.services import ServiceReader
from s3warden.collect.shapes import Answer, ShapeError, text
from s3warden.model.bucket import ABSENT, AccountRef, Present, Reading, Regional
from s3warden.model.configuration import Policy
from s3warden.model.other_buckets import FileSystem, FileSystems

_SERVICE = "s3files"
_BUCKET = ":s3:::"


def _listed(item: Answer) -> tuple[str, str]:
    """Id and bucket."""
    place, _, bucket = text(item.get("bucket"), "bucket").partition(_BUCKET)
    if not place.startswith("arn:") or not bucket:
        raise ShapeError("bucket is no ARN of a bucket")
    return text(item.get("fileSystemId"), "fileSystemId"), bucket


LIST = AspectRead("ListFileSystems", "s3files:ListFileSystems", _listed)
POLICY = AspectRead(
    "GetFileSystemPolicy",
    "s3files:GetFileSystemPolicy",
    lambda answer: Policy(text(answer.get("policy"), "policy")),
    absent_codes=frozenset({"ResourceNotFoundException"}),
)


async def of_account(
    reader: ServiceReader, ref: AccountRef, regions: Collection[str]
) -> Present[Regional[FileSystems]]:
    """The account's file systems, region by region; Absent where there are none."""
    return await by_region(regions, partial(_of_region, reader, ref))


async def _of_region(reader: ServiceReader, ref: AccountRef, region: str) -> Reading[FileSystems]:
    ask = partial(reader.service, ref, _SERVICE, region=region)
    listed = await every_item(
        partial(ask, LIST.operation), LIST, _listed, items="fileSystems", expected=region in KNOWN
    )
    if not isinstance(listed, tuple):
        return listed
    arn = f"arn:{ref.partition}:{_SERVICE}:{region}:{ref.account}:file-system"
    found = await asyncio.gather(*(_file_system(ask, arn, *each) for each in sorted(listed)))
    return Present(FileSystems(tuple(found))) if found else ABSENT


async def _file_system(ask: Callable[..., Awaitable[Answer]], arn: str, name: str, bucket: str) -> FileSystem:
    return FileSystem(name, f"{arn}/{name}", bucket, await POLICY.reading(ask(POLICY.operation, fileSystemId=name)))
