"""Reads what is true now of one bucket or account.

Takes a reference and the aspects that somebody needs, hands on a new state. Each read that fails is an `Unreadable`
reading of its own; it replaces what was known before, since what can no longer be read must not look fine. Never
judges, and never raises for what AWS answers.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType
from typing import Protocol, TypeAlias

from s3warden.aws.errors import AwsError
from s3warden.collect import (
    access_points,
    account_services,
    claims,
    distributions,
    dns_records,
    file_systems,
    foreign_points,
    keys,
    multi_region,
    object_lambda,
    objects,
    other_buckets,
    standings,
    table_replications,
)
from s3warden.collect.access_points import AccessPointReads
from s3warden.collect.account_services import ServiceReads
from s3warden.collect.aspects import ASPECTS, GONE, AspectRead
from s3warden.collect.derived import DERIVED, TARGET_ASPECTS, with_derived
from s3warden.collect.multi_region import MultiRegionReads
from s3warden.collect.neighbours import Neighbours
from s3warden.collect.pages import whole_list
from s3warden.collect.shapes import Answer
from s3warden.collect.shared import PASSING
from s3warden.collect.spared import lapsed, told, waiting
from s3warden.model.bucket import (
    ABSENT,
    ACCOUNT_ASPECTS,
    BUCKET_ASPECTS,
    AccountRef,
    AccountState,
    Aspect,
    BucketRef,
    BucketState,
    Cause,
    Present,
    Reading,
    unreadable_parts,
)
from s3warden.model.objects import ObjectAcls

READS: Mapping[Aspect, tuple[AspectRead[object], ...]] = MappingProxyType(
    {
        **{aspect: (read,) for aspect, read in ASPECTS.items()},
        Aspect.ACCESS_POINTS: (access_points.LIST, access_points.BLOCK, access_points.POLICY),
        Aspect.MULTI_REGION_ACCESS_POINTS: (multi_region.LIST, multi_region.POLICY),
        Aspect.REFERRERS: (),
        Aspect.DEFAULT_KEY: (keys.DESCRIBE,),
        Aspect.KEY_ROTATION: (keys.DESCRIBE, keys.ROTATION),
        Aspect.KEY_POLICY: (keys.DESCRIBE, keys.POLICY),
        Aspect.LOG_TARGET: (*standings.READS, *(ASPECTS[aspect] for aspect in sorted(TARGET_ASPECTS))),
        Aspect.REPLICATION_DESTINATIONS: standings.READS,
        Aspect.INVENTORY_DESTINATIONS: standings.READS,
        Aspect.ANALYTICS_DESTINATIONS: standings.READS,
        Aspect.OBJECT_ACL: (objects.READ, objects.READ_VERSION),
        Aspect.CHANGES: (),
        Aspect.DISTRIBUTIONS: (distributions.LIST,),
        Aspect.DNS_RECORDS: (dns_records.ZONES, dns_records.RECORDS),
        Aspect.OUTSIDE_NAMES: standings.READS,
        Aspect.LAKE_LOCATIONS: (claims.LIST, *standings.READS),
        Aspect.SHADOW_NAMES: standings.READS,
        Aspect.FOREIGN_ACCESS_POINTS: (access_points.LIST,),
        Aspect.DIRECTORY_BUCKETS: other_buckets.reads(other_buckets.DIRECTORY),
        Aspect.TABLE_BUCKETS: other_buckets.reads(other_buckets.TABLE),
        Aspect.TABLE_REPLICATIONS: (other_buckets.TABLE.listing, table_replications.REPLICATION),
        Aspect.VECTOR_BUCKETS: other_buckets.reads(other_buckets.VECTOR),
        Aspect.FILE_SYSTEMS: (file_systems.LIST, file_systems.POLICY),
        Aspect.OBJECT_LAMBDA_POINTS: (object_lambda.LIST, object_lambda.POLICY),
        **account_services.READS,
    }
)
"""All calls that reading an aspect may take."""


def passing(reading: Reading[object]) -> Cause | None:
    """The cause why `reading` or a part of it failed, if it is one that passes: another read may well succeed."""
    return next((part.cause for part in unreadable_parts(reading) if part.cause in PASSING), None)


Known: TypeAlias = Mapping[Aspect, Reading[object]]
BucketRead: TypeAlias = Callable[[BucketRef], Awaitable[Reading[object]]]
LaterRead: TypeAlias = Callable[[BucketRef, Known], Awaitable[Reading[object]]]
AccountRead: TypeAlias = Callable[[AccountRef, frozenset[str]], Awaitable[Reading[object]]]


async def _as_known(_ref: BucketRef, known: Known) -> Reading[object]:
    """What only events tell is nothing until one has."""
    return known.get(Aspect.CHANGES, ABSENT)


class BucketReader(Protocol):
    """What reads one thing by the name of its operation. Raises AwsError and nothing else."""

    async def bucket(self, ref: BucketRef, operation: str, **parameters: object) -> Answer:
        """The parsed answer of an S3 operation on the bucket."""

    async def account(
        self, ref: AccountRef, operation: str, *, region: str | None = None, **parameters: object
    ) -> Answer:
        """The parsed answer of an S3 Control operation on the account or something in it, from `region` if given."""

    async def service(
        self, ref: AccountRef, service: str, operation: str, *, region: str | None = None, **parameters: object
    ) -> Answer:
        """The parsed answer of any other service's operation, as the account, from `region` or the home region."""


class Fetch:
    """Turns reads into states. `clock` gives UTC; a state carries the time when its reading began.

    `security` is the number of the account that has the organisation's access analyzers.

    Three tables say how an aspect is read: of a bucket, of a bucket in a second step (`collect.derived`), which gets
    all that is known by then, and of an account, which gets the regions where the account has buckets.
    """

    def __init__(
        self,
        reader: BucketReader,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        security: str | None = None,
    ) -> None:
        self._reader = reader
        self._clock = clock
        self._points = AccessPointReads(reader)
        self._services = ServiceReads(reader, security, clock)
        self._bucket_reads: Mapping[Aspect, BucketRead] = {
            **{aspect: partial(self._bucket_part, ASPECTS[aspect]) for aspect in BUCKET_ASPECTS & ASPECTS.keys()},
            Aspect.ACCESS_POINTS: self._points.of_bucket,
            **self._services.bucket,
        }
        self.neighbours = Neighbours(reader, self._parts, clock)
        self._later_reads: Mapping[Aspect, LaterRead] = {
            **self.neighbours.reads,
            Aspect.OBJECT_ACL: partial(objects.object_acls, reader),
            Aspect.CHANGES: _as_known,
        }
        multi_region_reads = MultiRegionReads(reader)
        self._account_reads: Mapping[Aspect, AccountRead] = {
            **{aspect: partial(self._account_part, ASPECTS[aspect]) for aspect in ACCOUNT_ASPECTS & ASPECTS.keys()},
            Aspect.MULTI_REGION_ACCESS_POINTS: lambda ref, _regions: multi_region_reads.of_account(ref),
            Aspect.DISTRIBUTIONS: lambda ref, _regions: distributions.of_account(reader, ref),
            Aspect.DNS_RECORDS: lambda ref, _regions: dns_records.of_account(reader, ref),
            Aspect.LAKE_LOCATIONS: partial(claims.lake_locations, reader, self.neighbours.standings),
            Aspect.SHADOW_NAMES: partial(claims.shadow_names, self.neighbours.standings),
            Aspect.FOREIGN_ACCESS_POINTS: partial(foreign_points.of_account, reader),
            Aspect.DIRECTORY_BUCKETS: partial(other_buckets.of_account, other_buckets.DIRECTORY, reader),
            Aspect.TABLE_BUCKETS: partial(other_buckets.of_account, other_buckets.TABLE, reader),
            Aspect.TABLE_REPLICATIONS: partial(table_replications.of_account, reader),
            Aspect.VECTOR_BUCKETS: partial(other_buckets.of_account, other_buckets.VECTOR, reader),
            Aspect.FILE_SYSTEMS: partial(file_systems.of_account, reader),
            Aspect.OBJECT_LAMBDA_POINTS: partial(object_lambda.of_account, reader),
            **self._services.account,
        }

    def may_ask(self, accounts: frozenset[AccountRef]) -> None:
        """These accounts are guarded: each may be asked for what concerns another one, too."""
        self._services.may_ask(accounts)

    async def bucket(
        self,
        ref: BucketRef,
        aspects: Iterable[Aspect],
        previous: BucketState | None = None,
        account: AccountState | None = None,
        *,
        sparing: bool = False,
        named: ObjectAcls | None = None,
    ) -> BucketState:
        """The bucket with `aspects` read anew, all at once but for the derived ones, and others as `previous` had them.

        Account aspects among them are left to `account`, the method; `account`, the state, is carried along. A bucket
        that AWS says is gone has `exists` False and no readings. `sparing` takes fewer calls and one more step: what
        other readings tell is not asked (`collect.spared`). `named` are the objects whose ACLs are read if these
        are asked for; by default those that `previous` had.
        """
        began = self._clock()
        gone = BucketState(ref, began, account=account, exists=False)
        wanted = BUCKET_ASPECTS.intersection(aspects)
        derived = wanted & DERIVED.keys()
        late = waiting(wanted - derived) if sparing else frozenset[Aspect]()
        first = await self._parts(ref, wanted - derived - late)
        if await self._is_gone(ref, first):
            return gone
        known = {**(previous.readings if previous is not None and previous.ref == ref else {}), **first}
        late |= lapsed(known, first)
        inferred = told(late, known)
        second = await self._parts(ref, late - inferred.keys())
        if await self._is_gone(ref, second):
            return gone
        known |= inferred | second
        # What was asked for in addition may name something else than before.
        derived |= with_derived(second) & DERIVED.keys() & known.keys()
        if named is not None and Aspect.OBJECT_ACL in derived:
            known[Aspect.OBJECT_ACL] = Present(named)
        found = await asyncio.gather(*(self._later_reads[aspect](ref, known) for aspect in sorted(derived)))
        readings: Known = known | dict(zip(sorted(derived), found, strict=True))
        return BucketState(ref, began, readings if sparing else self.neighbours.told(readings), account=account)

    async def account(
        self,
        ref: AccountRef,
        aspects: Iterable[Aspect],
        previous: AccountState | None = None,
        regions: Collection[str] = (),
        *,
        sweep: bool = False,
    ) -> AccountState:
        """The account with `aspects` read anew, regional ones in `regions`, and the others as `previous` had them."""
        began = self._clock()
        wanted = ACCOUNT_ASPECTS.intersection(aspects)
        first = sorted(wanted - DERIVED.keys())
        places = frozenset(regions)
        outcomes = await asyncio.gather(*(self._account_reads[aspect](ref, places) for aspect in first))
        before = previous.readings if previous is not None and previous.ref == ref else {}
        known = {**before, **dict(zip(first, outcomes, strict=True))}
        if Aspect.OUTSIDE_NAMES in wanted:
            known[Aspect.OUTSIDE_NAMES] = await self.neighbours.outside(ref, known)
        return AccountState(ref, began, known if sweep else self.neighbours.told(known))

    async def bucket_of_access_point(self, account: AccountRef, region: str, name: str) -> Reading[BucketRef]:
        """The bucket behind an access point of the account; Absent if there is no such access point."""
        return await self._points.bucket_of(account, region, name)

    async def _parts(self, ref: BucketRef, aspects: Iterable[Aspect]) -> dict[Aspect, Reading[object]]:
        """The readings of `aspects`, all asked for at once."""
        asked = sorted(aspects)
        outcomes = await asyncio.gather(*(self._bucket_reads[aspect](ref) for aspect in asked))
        return dict(zip(asked, outcomes, strict=True))

    async def _bucket_part(self, read: AspectRead[object], ref: BucketRef) -> Reading[object]:
        ask = partial(self._reader.bucket, ref, read.operation)
        return await read.reading(ask() if read.paged is None else whole_list(ask, read.paged))

    async def _account_part(
        self, read: AspectRead[object], ref: AccountRef, _regions: frozenset[str]
    ) -> Reading[object]:
        return await read.reading(self._reader.account(ref, read.operation))

    async def _is_gone(self, ref: BucketRef, outcomes: Known) -> bool:
        """Whether a bucket that some read called missing is; several reads that all do are believed.

        S3 has been seen to answer NoSuchBucket for buckets that exist, so one stray answer must not close findings.
        """
        # What other services list of the bucket may outlive it.
        missing = [outcome is GONE for aspect, outcome in outcomes.items() if aspect not in account_services.READS]
        if not any(missing) or (len(missing) > 1 and all(missing)):
            return any(missing)
        try:
            await self._reader.bucket(ref, "HeadBucket")
        except AwsError as error:
            return error.gone or error.status == 404
        return False
