"""Reads the access points of a bucket: which there are, each one's own public access block, and its policy.

Takes a bucket, hands on one reading. What fails of one point is unreadable within the value; a list that fails makes
the whole reading unreadable, since a point that nobody listed must not pass for one that does not exist. It knows only
the points that the bucket's own account has made: AWS lists those of another account to that account alone.

Sources: the S3 API reference for calls and codes, the S3 user guide for what an access point is.
"""

import asyncio
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Protocol, TypeAlias

from s3warden.aws.errors import AwsError
from s3warden.collect.aspects import AspectRead, policy, public_access_block
from s3warden.collect.batches import Batches
from s3warden.collect.pages import Page, every_page, page_of
from s3warden.collect.shapes import Answer, ShapeError, mapping, one_of, optional_text, text
from s3warden.model.bucket import ABSENT, NOT_READ, AccountRef, BucketRef, Cause, Present, Reading, Unreadable
from s3warden.model.configuration import AccessPoint, AccessPoints

_Place: TypeAlias = tuple[AccountRef, str]


def _page(answer: Answer) -> Page:
    return page_of(answer, "AccessPointList")


def _bucket(answer: Answer) -> tuple[str, str | None]:
    return text(answer.get("Bucket"), "Bucket"), optional_text(answer.get("BucketAccountId"), "BucketAccountId")


_NO_SUCH_POINT = frozenset({"NoSuchAccessPoint"})
LIST = AspectRead("ListAccessPoints", "s3:ListAccessPoints", _page)
BLOCK = AspectRead("GetAccessPoint", "s3:GetAccessPoint", public_access_block, absent_codes=_NO_SUCH_POINT)
BUCKET = AspectRead("GetAccessPoint", "s3:GetAccessPoint", _bucket, absent_codes=_NO_SUCH_POINT)
POLICY = AspectRead(
    "GetAccessPointPolicy", "s3:GetAccessPointPolicy", policy, absent_codes=frozenset({"NoSuchAccessPointPolicy"})
)


class AccountReader(Protocol):
    """What asks S3 Control. Raises AwsError and nothing else."""

    async def account(
        self, ref: AccountRef, operation: str, *, region: str | None = None, **parameters: object
    ) -> Answer:
        """The parsed answer of an operation on the account or on something in it; from `region`, if one is given."""


class AccessPointReads:
    """Reads access points through `reader`."""

    def __init__(self, reader: AccountReader) -> None:
        self._reader = reader
        self._lists = _Lists(reader)

    async def of_bucket(self, ref: BucketRef) -> Reading[AccessPoints]:
        """The bucket's access points; Absent if it has none, `aspects.GONE` if AWS knows no such bucket."""
        try:
            listed = [_described(ref, item) for item in await self._lists.of(ref)]
        except ShapeError as error:
            return Unreadable(Cause.MALFORMED, f"{LIST.operation}: {error}")
        except AwsError as error:
            return LIST.failed(error)
        points = await asyncio.gather(*(self._completed(ref, point) for point in listed))
        found = sorted((point for point in points if point is not None), key=lambda point: point.name)
        return Present(AccessPoints(tuple(found))) if found else ABSENT

    async def bucket_of(self, account: AccountRef, region: str, name: str) -> Reading[BucketRef]:
        """The bucket behind an access point of the account; Absent if there is no such access point."""
        asked = self._reader.account(account, BUCKET.operation, region=region, Name=name)
        reading = await BUCKET.reading(asked)
        if not isinstance(reading, Present):
            return reading
        bucket, owner = reading.value
        return Present(BucketRef(account.partition, owner or account.account, region, bucket))

    async def _completed(self, ref: BucketRef, point: AccessPoint) -> AccessPoint | None:
        """The point with all its parts; None if it was deleted after it was listed."""
        ask = partial(self._reader.account, ref.owner, region=ref.region, Name=point.name)
        block, own = await asyncio.gather(
            BLOCK.reading(ask(BLOCK.operation)),
            POLICY.reading(ask(POLICY.operation)),
        )
        return None if block == ABSENT else replace(point, block=block, policy=own)


def _described(ref: BucketRef, item: Answer) -> AccessPoint:
    """What the list tells of a point; its other parts are not read yet."""
    name = text(item.get("Name"), "Name")
    origin = one_of(item.get("NetworkOrigin"), "NetworkOrigin", "Internet", "VPC")
    network = mapping(item.get("VpcConfiguration"), "VpcConfiguration") if origin == "VPC" else None
    return AccessPoint(
        name=name,
        arn=f"arn:{ref.partition}:s3:{ref.region}:{ref.account}:accesspoint/{name}",
        network_origin=origin,
        block=NOT_READ,
        policy=NOT_READ,
        vpc=None if network is None else text(network.get("VpcId"), "VpcId"),
        bucket_account=optional_text(item.get("BucketAccountId"), "BucketAccountId"),
    )


class _Lists:
    """Lists access points by account and region, and splits the lists by bucket.

    Who asks while a list is under way does not wait for that one, since it began before he asked: all who ask wait
    together for the next one.
    """

    def __init__(self, reader: AccountReader) -> None:
        self._reader = reader
        self._batches = Batches(self._listed)
        self._pages: dict[_Place, int] = {}

    async def of(self, ref: BucketRef) -> tuple[Answer, ...]:
        """The items about the bucket. Raises AwsError and ShapeError."""
        listed = await self._batches.of((ref.owner, ref.region), ref.name)
        if not isinstance(listed, tuple):
            raise listed
        return tuple(item for item in listed if _is_about(ref, item))

    async def _listed(self, place: _Place, buckets: frozenset[str]) -> tuple[Answer, ...] | AwsError | ShapeError:
        account, region = place
        ask = partial(self._reader.account, account, LIST.operation, region=region)
        try:
            # A list of everything may have more pages than there are buckets to ask for.
            if len(buckets) > self._pages.get(place, 1):
                pages = await every_page(ask, _page)
                self._pages[place] = len(pages)
            else:
                lists = [await every_page(partial(ask, Bucket=name), _page) for name in sorted(buckets)]
                pages = list(chain.from_iterable(lists))
        except (AwsError, ShapeError) as error:
            return error
        return tuple(item for page in pages for item in page.items)


def _is_about(ref: BucketRef, item: Answer) -> bool:
    owner = optional_text(item.get("BucketAccountId"), "BucketAccountId")
    return text(item.get("Bucket"), "Bucket") == ref.name and owner in {None, ref.account}
