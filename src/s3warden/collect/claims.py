"""Reads two things about names that others may own: where Lake Formation gives access, and names that services predict.

Takes an account and regions, hands on readings. Sources: ListResources of the Lake Formation API reference; the names
that AWS services give to buckets of their own, as published research on shadow resources lists them (2024).
"""

import asyncio
from collections.abc import Collection
from functools import partial

from s3warden.collect.aspects import AspectRead
from s3warden.collect.regions import by_region, every_item
from s3warden.collect.services import ServiceReader
from s3warden.collect.shapes import Answer, ShapeError, optional_text, text
from s3warden.collect.standings import Standings
from s3warden.model.bucket import ABSENT, AccountRef, Present, Reading, Regional
from s3warden.model.other_buckets import LakeLocation
from s3warden.model.references import Destination, Destinations, Reference, Use

_S3_ARN = 6
SHADOWS = (
    ("AWS Glue", "aws-glue-assets-{account}-{region}"),
    ("Amazon SageMaker", "sagemaker-{region}-{account}"),
    ("Amazon EMR", "aws-emr-studio-{account}-{region}"),
    ("AWS CodeStar", "aws-codestar-{region}-{account}"),
    ("AWS CDK", "cdk-hnb659fds-assets-{account}-{region}"),
)
"""Services that put into a bucket of a name that anybody can work out from account and region."""


def _location(item: Answer) -> LakeLocation:
    path = text(item.get("ResourceArn"), "ResourceArn")
    if len(path.split(":", 5)) != _S3_ARN:
        raise ShapeError("ResourceArn is no ARN")
    return LakeLocation(path, optional_text(item.get("RoleArn"), "RoleArn") or "")


LIST = AspectRead("ListResources", "lakeformation:ListResources", _location)


async def lake_locations(
    reader: ServiceReader, standings: Standings, ref: AccountRef, regions: Collection[str]
) -> Present[Regional[Destinations]]:
    """The buckets that Lake Formation gives access to, region by region, each with its standing."""

    async def of_region(region: str) -> Reading[Destinations]:
        ask = partial(reader.service, ref, "lakeformation", LIST.operation, region=region)
        found = await every_item(ask, LIST, _location, items="ResourceInfoList", paging="NextToken")
        if not isinstance(found, tuple):
            return found
        places = {each.bucket: each for each in found}
        named = [
            Reference(Use.LAKE, name, ref.account, each.path, detail=region) for name, each in sorted(places.items())
        ]
        return await _standing(standings, ref, named)

    return await by_region(regions, of_region)


async def shadow_names(standings: Standings, ref: AccountRef, regions: Collection[str]) -> Reading[Destinations]:
    """The names that services would give to buckets of the account, each with its standing."""
    named = [
        Reference(Use.SHADOW, pattern.format(account=ref.account, region=region), ref.account, service, ref.account)
        for region in sorted(regions)
        for service, pattern in SHADOWS
    ]
    return await _standing(standings, ref, named)


async def _standing(standings: Standings, ref: AccountRef, named: list[Reference]) -> Reading[Destinations]:
    read = await asyncio.gather(*(standings.of(ref, each.target, each.owner) for each in named))
    found = tuple(Destination(each.target, (each,), reading) for each, reading in zip(named, read, strict=True))
    return Present(Destinations(found)) if found else ABSENT
