"""Reads the Object Lambda access points of an account, region by region: whom their policies let in.

Takes an account and regions, hands on readings. Two things need no call: block public access is on for every one of
them and cannot be edited (GetAccessPointForObjectLambda), and its function has to be of the same account and region
(user guide, best practices for S3 Object Lambda). The service has been closed to new customers since 7 November 2025;
what AWS answers to accounts without it is not documented, so that a refusal stays a refusal.

Sources: the S3 Control API reference for the calls, Terraform's provider for the code of a missing policy.
"""

import asyncio
from collections.abc import Collection
from functools import partial

from s3warden.collect.access_points import AccountReader
from s3warden.collect.aspects import AspectRead, policy
from s3warden.collect.regions import by_region, every_item
from s3warden.collect.shapes import Answer, text
from s3warden.model.bucket import ABSENT, AccountRef, Present, Reading, Regional
from s3warden.model.other_buckets import ObjectLambdaPoint, ObjectLambdaPoints


def _name(item: Answer) -> str:
    return text(item.get("Name"), "Name")


LIST = AspectRead("ListAccessPointsForObjectLambda", "s3:ListAccessPointsForObjectLambda", _name)
POLICY = AspectRead(
    "GetAccessPointPolicyForObjectLambda",
    "s3:GetAccessPointPolicyForObjectLambda",
    policy,
    absent_codes=frozenset({"NoSuchAccessPointPolicy"}),
)


async def of_account(
    reader: AccountReader, ref: AccountRef, regions: Collection[str]
) -> Present[Regional[ObjectLambdaPoints]]:
    """The account's Object Lambda access points, region by region; Absent where there are none."""
    return await by_region(regions, partial(_of_region, reader, ref))


async def _of_region(reader: AccountReader, ref: AccountRef, region: str) -> Reading[ObjectLambdaPoints]:
    ask = partial(reader.account, ref, LIST.operation, region=region)
    names = await every_item(ask, LIST, _name, items="ObjectLambdaAccessPointList", paging="NextToken")
    if not isinstance(names, tuple):
        return names
    found = await asyncio.gather(*(_point(reader, ref, region, name) for name in sorted(names)))
    return Present(ObjectLambdaPoints(tuple(found))) if found else ABSENT


async def _point(reader: AccountReader, ref: AccountRef, region: str, name: str) -> ObjectLambdaPoint:
    reading = await POLICY.reading(reader.account(ref, POLICY.operation, region=region, Name=name))
    arn = f"arn:{ref.partition}:s3-object-lambda:{region}:{ref.account}:accesspoint/{name}"
    return ObjectLambdaPoint(name, arn, reading)
