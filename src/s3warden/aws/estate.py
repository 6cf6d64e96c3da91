"""What there is to guard: the accounts, and the buckets of each.

Takes the operator's choice of accounts, regions and names, hands on references. A bucket that is there is listed, even
if nothing more can be learnt about it. `listing` never raises: what could not be listed is named with its cause.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeAlias

import structlog

from s3warden.aws.calls import Calls
from s3warden.aws.errors import AwsError, malformed
from s3warden.aws.organization import Accounts, Organization
from s3warden.aws.session import Identity
from s3warden.model.bucket import AccountRef, BucketRef, Cause
from s3warden.model.event import Listing

EVERYWHERE = "*"

_PAGE = 1000
# A refusal that another region's endpoint need not share: policies may refuse by region.
_REGIONAL = frozenset({Cause.SCP, Cause.DENIED})
# What GetBucketLocation says of the two oldest regions.
_OLD_LOCATIONS = {None: "us-east-1", "": "us-east-1", "EU": "eu-west-1"}

_log = structlog.get_logger(__name__)
_Place: TypeAlias = tuple[str, datetime | None]


class Home(Protocol):
    """What is needed of `session.Sessions`."""

    @property
    def home_region(self) -> str:
        """The region whose endpoint is asked for lists."""

    async def identify(self) -> Identity:
        """Who we are."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What the operator wants guarded.

    `accounts` are ids; none and no `organization` means the own account. `include` and `exclude` choose among the
    accounts of the organisation, by the id of an account, a unit or a root; excluded accounts are left out of
    `accounts` too. No `regions` means all but `excluded_regions`. `prefix` is that of bucket names.
    """

    accounts: tuple[str, ...] = ()
    organization: bool = False
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    excluded_regions: tuple[str, ...] = ()
    prefix: str = ""

    def covers(self, region: str) -> bool:
        """Whether buckets of `region` are guarded."""
        return (not self.regions or region in self.regions) and region not in self.excluded_regions


class Estate:
    """The accounts and buckets within `scope`."""

    def __init__(self, home: Home, calls: Calls, scope: Scope) -> None:
        self._home = home
        self._calls = calls
        self._scope = scope
        self._members: Accounts | None = None
        self._regions: dict[AccountRef, dict[_Place, str]] = {}

    async def accounts(self) -> tuple[AccountRef, ...]:
        """The accounts to guard.

        While Organizations does not answer, those it named last. AwsError when it never did, or when AWS does not even
        tell who we are.
        """
        identity = await self._home.identify()
        own = AccountRef(identity.partition, identity.account)
        chosen = [id_ for id_ in self._scope.accounts if id_ not in self._scope.exclude]
        if self._scope.organization:
            chosen += await self._organization(own)
        elif not self._scope.accounts:
            chosen = [own.account]
        return tuple(AccountRef(own.partition, id_) for id_ in dict.fromkeys(chosen))

    @property
    def closed(self) -> tuple[str, ...]:
        """Ids of the accounts that the organisation had when it was last asked, and that AWS closed or suspended."""
        return () if self._members is None else self._members.closed

    async def units(self) -> Mapping[str, frozenset[str]]:
        """For each account of the organisation the ids of the units above it, and of the root. Raises AwsError."""
        identity = await self._home.identify()
        return await Organization(self._calls, AccountRef(identity.partition, identity.account)).units()

    async def listing(self, account: AccountRef) -> Listing:
        """The buckets of `account` within the scope. Failures are keyed by region, or `*` for all; values are causes.

        One endpoint lists the buckets of all regions. Where a policy refuses that, each enabled region is asked for
        its own.
        """
        items: list[Mapping[str, Any]] = []
        failures: dict[str, str] = {}
        try:
            async for item in self._buckets(account):
                items.append(item)  # noqa: PERF401 - the pages before a failing one are worth keeping
        except AwsError as error:
            if not items and error.cause in _REGIONAL:
                return await self._by_region(account, error)
            failures[EVERYWHERE] = error.cause
        return Listing(account, await self._located(account, items), failures)

    async def enabled_regions(self, account: AccountRef) -> frozenset[str]:
        """The regions that are switched on for `account`. Raises AwsError."""
        answer = await self._calls.ask(account, "ec2", "DescribeRegions")
        if not answer.get("Regions"):
            raise malformed("DescribeRegions", "the answer names no region")
        return frozenset(str(region.get("RegionName")) for region in answer["Regions"])

    async def _organization(self, own: AccountRef) -> tuple[str, ...]:
        try:
            self._members = await Organization(self._calls, own).accounts(self._scope.include, self._scope.exclude)
        except AwsError as error:
            if self._members is None:
                raise
            known = len(self._members.active)
            _log.warning("organization_unreadable", cause=error.cause, detail=error.message, known=known)
        return self._members.active

    async def _by_region(self, account: AccountRef, refusal: AwsError) -> Listing:
        """Ask every region for its own buckets, after `refusal` to list them all at once."""
        wanted, enabled = frozenset(self._scope.regions), frozenset[str]()
        try:
            enabled = await self.enabled_regions(account)
        except AwsError as error:
            if not wanted:
                return Listing(account, (), {EVERYWHERE: refusal.cause})
            _log.warning("regions_unreadable", account_id=account.account, cause=error.cause, detail=error.message)
        off = wanted - enabled if enabled else frozenset[str]()
        asked = sorted(region for region in (wanted or enabled) - off if self._scope.covers(region))
        parts = await asyncio.gather(*(self._region(account, region) for region in asked))
        failures = {region: part.cause for region, part in zip(asked, parts, strict=True) if isinstance(part, AwsError)}
        buckets = [bucket for part in parts if not isinstance(part, AwsError) for bucket in part]
        return Listing(account, tuple(buckets), {**failures, **dict.fromkeys(off, Cause.REGION_OFF)})

    async def _region(self, account: AccountRef, region: str) -> list[BucketRef] | AwsError:
        try:
            return [_ref(account, region, item) async for item in self._buckets(account, region)]
        except AwsError as error:
            return error

    async def _buckets(self, account: AccountRef, region: str | None = None) -> AsyncIterator[Mapping[str, Any]]:
        """The raw items of ListBuckets, page by page; of one region only if given, asked at its own endpoint."""
        # Without any parameter AWS leaves BucketRegion out.
        params: dict[str, object] = {"MaxBuckets": _PAGE}
        if self._scope.prefix:
            params["Prefix"] = self._scope.prefix
        if region is not None:
            params["BucketRegion"] = region
        while True:
            answer = await self._calls.ask(account, "s3", "ListBuckets", region=region, **params)
            if "Buckets" not in answer:
                raise malformed("ListBuckets", "the answer has no list of buckets")
            for item in answer["Buckets"]:
                if not item.get("Name"):
                    raise malformed("ListBuckets", "a bucket has no name")
                yield item
            if not answer.get("ContinuationToken"):
                return
            params["ContinuationToken"] = answer["ContinuationToken"]

    async def _located(self, account: AccountRef, items: list[Mapping[str, Any]]) -> tuple[BucketRef, ...]:
        regions = await asyncio.gather(*(self._region_of(account, item) for item in items))
        # A bucket's region never changes; a bucket made anew under the same name has another creation date.
        self._regions[account] = {
            _place(item): region
            for item, region in zip(items, regions, strict=True)
            if region is not None and not item.get("BucketRegion")
        }
        refs = (
            _ref(account, region or self._home.home_region, item)
            for item, region in zip(items, regions, strict=True)
            if region is None or self._scope.covers(region)
        )
        return tuple(refs)

    async def _region_of(self, account: AccountRef, item: Mapping[str, Any]) -> str | None:
        """Where the bucket lives; None if that cannot be found out."""
        told = item.get("BucketRegion") or self._regions.get(account, {}).get(_place(item))
        if told:
            return str(told)
        try:
            answer = await self._calls.ask(account, "s3", "HeadBucket", Bucket=item["Name"])
            told = answer.get("BucketRegion")
        except AwsError as error:
            told = error.bucket_region
        return str(told) if told else await self._location(account, str(item["Name"]))

    async def _location(self, account: AccountRef, name: str) -> str | None:
        try:
            answer = await self._calls.ask(account, "s3", "GetBucketLocation", Bucket=name)
        except AwsError as error:
            return error.bucket_region
        constraint = answer.get("LocationConstraint")
        return _OLD_LOCATIONS.get(constraint, constraint)


def _place(item: Mapping[str, Any]) -> _Place:
    return str(item["Name"]), item.get("CreationDate")


def _ref(account: AccountRef, region: str, item: Mapping[str, Any]) -> BucketRef:
    return BucketRef(account.partition, account.account, region, str(item["Name"]))
