"""Reads the multi-region access points of an account: which there are, the buckets behind them, their policies.

Takes an account, hands on one reading for all its buckets. What fails of one point is unreadable within the value; a
list that fails makes the whole reading unreadable.

Sources: the S3 API reference for calls and codes, the S3 user guide for what a multi-region access point is.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

from s3warden.aws.errors import AwsError
from s3warden.collect.access_points import AccountReader
from s3warden.collect.aspects import AspectRead, public_access_block
from s3warden.collect.pages import Page, every_page, page_of
from s3warden.collect.shapes import Answer, ShapeError, mapping, optional_text, sequence, text
from s3warden.model.bucket import ABSENT, NOT_READ, AccountRef, Cause, Present, Reading, Unreadable
from s3warden.model.configuration import (
    MultiRegionAccessPoint,
    MultiRegionAccessPoints,
    MultiRegionBucket,
    Policy,
    PublicAccessBlock,
)

HOMES: Mapping[str, str] = MappingProxyType({"aws": "us-west-2"})
"""By partition, the one region whose endpoint answers; a partition that is missing has no such access points.

The SDK's data does not tell; the API reference names the region with each operation.
"""


@dataclass(frozen=True, slots=True)
class Policies:
    """The policy in force and the one on its way to all regions."""

    established: Policy | None
    proposed: Policy | None


def _page(answer: Answer) -> Page:
    return page_of(answer, "AccessPoints")


def _block(item: Answer) -> PublicAccessBlock:
    return public_access_block(item, "PublicAccessBlock")


def _policies(answer: Answer) -> Policies:
    document = mapping(answer.get("Policy"), "Policy")
    established, proposed = (_policy(document, name) for name in ("Established", "Proposed"))
    # Once it is in force everywhere AWS goes on calling it proposed, too.
    return Policies(established, None if proposed == established else proposed)


def _policy(document: Answer, name: str) -> Policy | None:
    told = optional_text(mapping(document.get(name, {}), name).get("Policy"), f"{name}.Policy")
    return Policy(told) if told else None


LIST = AspectRead("ListMultiRegionAccessPoints", "s3:ListMultiRegionAccessPoints", _page)
BLOCK = AspectRead(LIST.operation, LIST.iam_action, _block)
POLICY = AspectRead(
    "GetMultiRegionAccessPointPolicy",
    "s3:GetMultiRegionAccessPointPolicy",
    _policies,
    absent_codes=frozenset({"NoSuchMultiRegionAccessPointPolicy"}),
)


class MultiRegionReads:
    """Reads multi-region access points through `reader`."""

    def __init__(self, reader: AccountReader) -> None:
        self._reader = reader

    async def of_account(self, ref: AccountRef) -> Reading[MultiRegionAccessPoints]:
        """The account's multi-region access points; Absent if it has none."""
        region = HOMES.get(ref.partition)
        if region is None:
            return ABSENT
        ask = partial(self._reader.account, ref, region=region)
        try:
            pages = await every_page(partial(ask, LIST.operation), _page)
            listed = [_described(item) for page in pages for item in page.items]
        except ShapeError as error:
            return Unreadable(Cause.MALFORMED, f"{LIST.operation}: {error}")
        except AwsError as error:
            return LIST.failed(error)
        read = await asyncio.gather(*(POLICY.reading(ask(POLICY.operation, Name=point.name)) for point in listed))
        points = [completed(point, policies) for point, policies in zip(listed, read, strict=True)]
        return Present(MultiRegionAccessPoints(tuple(sorted(points, key=lambda each: each.name)))) if points else ABSENT


def _described(item: Answer) -> MultiRegionAccessPoint:
    """What the list tells of a point; its policy is not read yet."""
    return MultiRegionAccessPoint(
        name=text(item.get("Name"), "Name"),
        alias=optional_text(item.get("Alias"), "Alias") or "",
        status=text(item.get("Status"), "Status"),
        buckets=tuple(sorted(_bucket(mapping(each, "Region")) for each in sequence(item.get("Regions"), "Regions"))),
        block=BLOCK.understood(item),
        policy=NOT_READ,
    )


def _bucket(item: Answer) -> MultiRegionBucket:
    return MultiRegionBucket(
        name=text(item.get("Bucket"), "Bucket"),
        region=optional_text(item.get("Region"), "Region") or "",
        account=optional_text(item.get("BucketAccountId"), "BucketAccountId"),
    )


def completed(point: MultiRegionAccessPoint, read: Reading[Policies]) -> MultiRegionAccessPoint:
    """The point with its policies as they were read."""
    if not isinstance(read, Present):
        return replace(point, policy=read)
    established = read.value.established
    policy = ABSENT if established is None else Present(established)
    return replace(point, policy=policy, proposed=read.value.proposed)
