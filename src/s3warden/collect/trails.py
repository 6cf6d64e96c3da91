"""Reads CloudTrail: which trails record what happens in a region of an account, whether they do, and what they select.

Takes an account and the regions where it has buckets, hands on one reading for each. A trail is listed in every region
that it records, and described once. What fails of one trail is unreadable within the value.

A trail of the organisation is listed in every member account, too, but AWS answers some questions about it to its owner
alone: where a member is refused, the owner is asked, if he is one of the guarded accounts. If he is not, the list still
tells whether anybody has chosen what the trail selects; if nobody has, it selects what a new trail does.

Sources: the CloudTrail API reference for calls, shapes and the organisation's trails in member accounts.
"""

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import replace
from functools import partial
from typing import TypeVar

from s3warden.collect.aspects import AspectRead
from s3warden.collect.batches import Batches
from s3warden.collect.regions import Listed, by_region, every_item
from s3warden.collect.selectors import selectors
from s3warden.collect.services import ServiceReader
from s3warden.collect.shapes import Answer, ShapeError, flag, mapping, optional_text, sequence, text
from s3warden.collect.shared import PASSING
from s3warden.model.bucket import NOT_READ, AccountRef, Present, Reading, Regional, Unreadable
from s3warden.model.trails import BasicSelector, EventDataStore, EventDataStores, Selectors, Trail, Trails, TrailStatus

T = TypeVar("T")
_SERVICE = "cloudtrail"
_INGESTING = frozenset({"ENABLED", "STARTING_INGESTION"})
_DESCRIBED = ("EventDataStoreArn", "Name", "Status")


# What a trail records until somebody tells it otherwise: all management events, and nothing else.
_USUAL = Present(Selectors((BasicSelector(reads=True, writes=True, management=True),)))


def _trails(answer: Answer) -> tuple[Trail, ...]:
    return tuple(_trail(mapping(item, "trail")) for item in sequence(answer.get("trailList"), "trailList"))


def _trail(item: Answer) -> Trail:
    arn = text(item.get("TrailARN"), "TrailARN")
    if arn.count(":") < 5:
        raise ShapeError("TrailARN is no ARN")
    return Trail(
        arn=arn,
        name=text(item.get("Name"), "Name"),
        home_region=text(item.get("HomeRegion"), "HomeRegion"),
        bucket=text(item.get("S3BucketName"), "S3BucketName"),
        status=NOT_READ,
        selectors=NOT_READ if flag(item.get("HasCustomEventSelectors", True), "HasCustomEventSelectors") else _USUAL,
        prefix=optional_text(item.get("S3KeyPrefix"), "S3KeyPrefix") or "",
        multi_region=flag(item.get("IsMultiRegionTrail", False), "IsMultiRegionTrail"),
        organization=flag(item.get("IsOrganizationTrail", False), "IsOrganizationTrail"),
        log_group=optional_text(item.get("CloudWatchLogsLogGroupArn"), "CloudWatchLogsLogGroupArn"),
    )


def _status(answer: Answer) -> TrailStatus:
    error = optional_text(answer.get("LatestDeliveryError"), "LatestDeliveryError")
    return TrailStatus(flag(answer.get("IsLogging"), "IsLogging"), error or "")


def _store(answer: Answer) -> EventDataStore:
    arn, name, status = (text(answer.get(part), part) for part in _DESCRIBED)
    return EventDataStore(
        arn=arn,
        name=name,
        ingesting=status in _INGESTING,
        multi_region=flag(answer.get("MultiRegionEnabled", False), "MultiRegionEnabled"),
        organization=flag(answer.get("OrganizationEnabled", False), "OrganizationEnabled"),
        selectors=selectors(answer),
    )


def _store_arn(item: Answer) -> str:
    return text(item.get("EventDataStoreArn"), "EventDataStoreArn")


LIST = AspectRead("DescribeTrails", "cloudtrail:DescribeTrails", _trails)
STATUS = AspectRead("GetTrailStatus", "cloudtrail:GetTrailStatus", _status)
SELECTORS = AspectRead("GetEventSelectors", "cloudtrail:GetEventSelectors", selectors)
LIST_STORES = AspectRead("ListEventDataStores", "cloudtrail:ListEventDataStores", _store_arn)
STORE = AspectRead("GetEventDataStore", "cloudtrail:GetEventDataStore", _store)


class TrailReads:
    """Reads trails and event data stores through `reader`. `guarded` are the accounts that may be asked for others."""

    def __init__(self, reader: ServiceReader) -> None:
        self._reader = reader
        self._as_owner = Batches(self._described_by_owner)
        self.guarded: frozenset[AccountRef] = frozenset()

    async def of_account(self, ref: AccountRef, regions: Collection[str]) -> Present[Regional[Trails]]:
        """The trails that record each region."""
        found = await by_region(regions, partial(self.listed, ref))
        every = {trail.arn: trail for _, reading in found.value for trail in _of(reading)}
        described = await asyncio.gather(*(self._described(ref, trail) for trail in every.values()))
        known = {trail.arn: trail for trail in described}
        return Present(Regional(tuple((region, _with(reading, known)) for region, reading in found.value)))

    async def listed(self, ref: AccountRef, region: str) -> Reading[Trails]:
        """The trails that record a region, without their status and selectors."""
        asked = self._reader.service(ref, _SERVICE, LIST.operation, region=region, includeShadowTrails=True)
        reading = await LIST.reading(asked)
        if not isinstance(reading, Present):
            return reading
        return Present(Trails(tuple(sorted(reading.value, key=lambda trail: trail.arn))))

    async def stores(self, ref: AccountRef, regions: Collection[str]) -> Present[Regional[EventDataStores]]:
        """The event data stores that are at home in each region."""
        return await by_region(regions, partial(self._stores, ref))

    async def _described(self, ref: AccountRef, trail: Trail) -> Trail:
        ask = partial(self._reader.service, ref, _SERVICE, region=trail.home_region)
        status, chosen = await asyncio.gather(
            STATUS.reading(ask(STATUS.operation, Name=trail.arn)),
            SELECTORS.reading(ask(SELECTORS.operation, TrailName=trail.arn)),
        )
        owner = AccountRef(ref.partition, trail.owner)
        refused = isinstance(status, Unreadable) or isinstance(chosen, Unreadable)
        if refused and owner != ref and owner in self.guarded:
            theirs = await self._as_owner.of((owner, trail.arn, trail.home_region))
            status, chosen = _better(status, theirs[0]), _better(chosen, theirs[1])
        if not (isinstance(chosen, Unreadable) and chosen.cause in PASSING):
            chosen = _better(chosen, trail.selectors)
        return replace(trail, status=status, selectors=chosen)

    async def _described_by_owner(
        self, place: tuple[AccountRef, str, str], _names: frozenset[str]
    ) -> tuple[Reading[TrailStatus], Reading[Selectors]]:
        owner, arn, region = place
        ask = partial(self._reader.service, owner, _SERVICE, region=region)
        return await asyncio.gather(
            STATUS.reading(ask(STATUS.operation, Name=arn)),
            SELECTORS.reading(ask(SELECTORS.operation, TrailName=arn)),
        )

    async def _stores(self, ref: AccountRef, region: str) -> Reading[EventDataStores]:
        ask = partial(self._reader.service, ref, _SERVICE, region=region)
        arns: Listed[str] = await every_item(
            partial(ask, LIST_STORES.operation), LIST_STORES, _store_arn, items="EventDataStores", paging="NextToken"
        )
        if isinstance(arns, Unreadable):
            return arns
        read = await asyncio.gather(*(STORE.reading(ask(STORE.operation, EventDataStore=arn)) for arn in sorted(arns)))
        failed = next((each for each in read if isinstance(each, Unreadable)), None)
        if failed is not None:
            return failed
        return Present(EventDataStores(tuple(each.value for each in read if isinstance(each, Present))))


def _of(reading: Reading[Trails]) -> Iterable[Trail]:
    return reading.value.trails if isinstance(reading, Present) else ()


def _with(reading: Reading[Trails], known: dict[str, Trail]) -> Reading[Trails]:
    if not isinstance(reading, Present):
        return reading
    return Present(Trails(tuple(known[trail.arn] for trail in reading.value.trails)))


def _better(own: Reading[T], owners: Reading[T]) -> Reading[T]:
    """What the account itself was told, else what the owner was told; if both were refused, why the account was."""
    return owners if isinstance(own, Unreadable) and isinstance(owners, Present) else own
