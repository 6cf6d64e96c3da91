"""Reads which S3 Storage Lens dashboards an account has. Source: the S3 Control API reference."""

from collections.abc import Collection, Mapping
from functools import partial
from types import MappingProxyType

from s3warden.collect.access_points import AccountReader
from s3warden.collect.aspects import AspectRead
from s3warden.collect.regions import by_region, every_item
from s3warden.collect.shapes import Answer, flag, text
from s3warden.model.bucket import AccountRef, Present, Reading, Regional, Unreadable
from s3warden.model.services import StorageLens, StorageLenses

FIRST_REGIONS: Mapping[str, str] = MappingProxyType(
    {"aws": "us-east-1", "aws-us-gov": "us-gov-west-1", "aws-cn": "cn-north-1"}
)
"""By partition, the region where the dashboard is at home that every account has from the start."""
_ITEMS = "StorageLensConfigurationList"


def _lens(item: Answer) -> StorageLens:
    return StorageLens(text(item.get("Id"), "Id"), flag(item.get("IsEnabled", False), "IsEnabled"))


LIST = AspectRead("ListStorageLensConfigurations", "s3:ListStorageLensConfigurations", _lens)


class LensReads:
    """Reads dashboards through `reader`."""

    def __init__(self, reader: AccountReader) -> None:
        self._reader = reader

    async def of_account(self, ref: AccountRef, regions: Collection[str]) -> Present[Regional[StorageLenses]]:
        """The dashboards by home region: where the account has buckets, and where its first dashboard is."""
        default = FIRST_REGIONS.get(ref.partition)
        places = {*regions, *([default] if default and regions else [])}
        return await by_region(places, partial(self._listed, ref))

    async def _listed(self, ref: AccountRef, region: str) -> Reading[StorageLenses]:
        async def ask(**page: object) -> Answer:
            # S3 Control leaves an empty list out.
            return {_ITEMS: (), **await self._reader.account(ref, LIST.operation, region=region, **page)}

        listed = await every_item(ask, LIST, _lens, items=_ITEMS, paging="NextToken")
        if isinstance(listed, Unreadable):
            return listed
        return Present(StorageLenses(tuple(sorted(listed, key=lambda lens: lens.id))))
