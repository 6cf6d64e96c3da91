"""Reads which of the account's own access points lead to buckets of other accounts.

Takes an account and regions, hands on readings. The points of own buckets are read with each bucket
(`access_points`); those of others belong to no bucket of ours. Source: ListAccessPoints of the S3 API reference.
"""

from collections.abc import Collection
from functools import partial

from s3warden.collect.access_points import LIST, AccountReader
from s3warden.collect.regions import by_region, every_item
from s3warden.collect.shapes import Answer, optional_text, text
from s3warden.model.bucket import ABSENT, AccountRef, Present, Reading, Regional
from s3warden.model.references import Reference, References, Use


async def of_account(reader: AccountReader, ref: AccountRef, regions: Collection[str]) -> Present[Regional[References]]:
    """The account's access points for buckets of other accounts, region by region; Absent where there are none."""

    def parse(region: str, item: Answer) -> Reference:
        owner = optional_text(item.get("BucketAccountId"), "BucketAccountId")
        name, bucket = text(item.get("Name"), "Name"), text(item.get("Bucket"), "Bucket")
        return Reference(Use.ACCESS_POINT, bucket, ref.account, name, owner, region)

    async def of_region(region: str) -> Reading[References]:
        ask = partial(reader.account, ref, LIST.operation, region=region)
        found = await every_item(ask, LIST, partial(parse, region), items="AccessPointList", paging="NextToken")
        if not isinstance(found, tuple):
            return found
        foreign = tuple(sorted(each for each in found if each.owner not in (None, ref.account)))
        return Present(References(foreign)) if foreign else ABSENT

    return await by_region(regions, of_region)
