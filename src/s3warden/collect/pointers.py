"""What a bucket's or an account's configuration points at: the table of aspects that name other buckets.

Takes the value of an aspect, hands on references. Pure. A name that some aspect spells out is a row here; whoever wants
to know what points at a bucket asks `references`.
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TypeAlias

from s3warden.collect.hosts import could_be_bucket
from s3warden.model.bucket import Aspect, BucketRef, Present, Reading, Regional, Subject
from s3warden.model.configuration import Logging, MultiRegionAccessPoints
from s3warden.model.keys import MANAGED, Key
from s3warden.model.origins import Distributions, DnsRecords
from s3warden.model.references import Reference, Use
from s3warden.model.storage import Analytics, Inventory, Replication
from s3warden.model.trails import Trails

Point: TypeAlias = Callable[[Subject, object], Iterator[Reference]]


def _logging(subject: Subject, value: object) -> Iterator[Reference]:
    if isinstance(value, Logging) and isinstance(subject, BucketRef):
        # S3 delivers access logs within the account alone.
        yield Reference(
            Use.ACCESS_LOGS, value.target_bucket, subject.account, subject.name, subject.account, value.target_prefix
        )


def _replication(subject: Subject, value: object) -> Iterator[Reference]:
    if isinstance(value, Replication) and isinstance(subject, BucketRef):
        for rule in value.acting:
            yield Reference(Use.REPLICATION, rule.bucket, subject.account, subject.name, rule.account, rule.id)


def _inventory(subject: Subject, value: object) -> Iterator[Reference]:
    if isinstance(value, Inventory) and isinstance(subject, BucketRef):
        for each in value.acting:
            yield Reference(Use.INVENTORY, each.bucket, subject.account, subject.name, each.account, each.id)


def _analytics(subject: Subject, value: object) -> Iterator[Reference]:
    if isinstance(value, Analytics) and isinstance(subject, BucketRef):
        for each in value.configurations:
            if each.bucket is not None:
                yield Reference(Use.ANALYTICS, each.bucket, subject.account, subject.name, each.account, each.id)


def _key(subject: Subject, value: object) -> Iterator[Reference]:
    """The key by the name the bucket calls it, and by its own where that is another."""
    if isinstance(value, Key) and isinstance(subject, BucketRef) and value.manager != MANAGED:
        for arn in dict.fromkeys((value.named, value.arn)):
            if arn is not None:
                yield Reference(Use.KEY, arn, subject.account, subject.name, value.account or None)


def _multi_region(subject: Subject, value: object) -> Iterator[Reference]:
    if isinstance(value, MultiRegionAccessPoints):
        for point in value.points:
            for bucket in point.buckets:
                yield Reference(Use.MULTI_REGION, bucket.name, subject.account, point.name, bucket.account)


def _distributions(subject: Subject, value: object) -> Iterator[Reference]:
    if isinstance(value, Distributions):
        for each in value:
            for origin in each.origins:
                if origin.bucket is not None:
                    yield Reference(Use.ORIGIN, origin.bucket, subject.account, each.id, detail=origin.domain)


def _records(subject: Subject, value: object) -> Iterator[Reference]:
    if isinstance(value, DnsRecords):
        for record in value.records:
            # A name that no bucket can have leads nobody anywhere.
            if could_be_bucket(record.name):
                yield Reference(Use.DNS, record.name, subject.account, record.name, detail=record.leads_to)


def _trails(_subject: Subject, value: object) -> Iterator[Reference]:
    found = value.known(Trails) if isinstance(value, Regional) else ()
    listed = (trail for trails in found for trail in trails.trails)
    # A trail of all regions is listed in each, and one of the organisation in each account.
    for trail in {trail.arn: trail for trail in listed}.values():
        # It may deliver into a bucket of any account, and does not say of which.
        yield Reference(Use.TRAIL, trail.bucket, trail.owner, trail.arn, None, trail.prefix)


POINTERS: Mapping[Aspect, Point] = MappingProxyType(
    {
        Aspect.LOGGING: _logging,
        Aspect.REPLICATION: _replication,
        Aspect.INVENTORY: _inventory,
        Aspect.ANALYTICS: _analytics,
        Aspect.DEFAULT_KEY: _key,
        Aspect.MULTI_REGION_ACCESS_POINTS: _multi_region,
        Aspect.DISTRIBUTIONS: _distributions,
        Aspect.DNS_RECORDS: _records,
        Aspect.TRAILS: _trails,
    }
)
"""Each aspect that names buckets, and how to find them in its value."""


def pointed(subject: Subject, readings: Mapping[Aspect, Reading[object]]) -> Iterator[Reference]:
    """All that these readings of the subject refer to; what could not be read refers to nothing that is known."""
    for aspect, point in POINTERS.items():
        reading = readings.get(aspect)
        if isinstance(reading, Present):
            yield from point(subject, reading.value)


def unchanged(before: Mapping[Aspect, Reading[object]], after: Mapping[Aspect, Reading[object]]) -> bool:
    """Whether both refer to the same for sure; equal readings that the cache has put in are the same objects."""
    return all(before.get(aspect) is after.get(aspect) for aspect in POINTERS)
