"""Takes a CloudTrail record of an S3 call and hands on the bucket or account it changed, or why it changed none.

A record says where to look and who did it. It never says what the configuration is now: that is read afresh.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from s3warden.collect.envelope import Envelope
from s3warden.collect.fields import (
    account_id,
    bucket_arn,
    bucket_name,
    items,
    mapping,
    object_name,
    partition_of,
    point_arn,
    point_name,
    region_name,
)
from s3warden.collect.reasons import PoisonReason, SkipReason
from s3warden.collect.record import (
    call_name,
    has_failed,
    is_data_event,
    only_reads,
    parameters,
    reason_for,
    trigger_of,
)
from s3warden.collect.triggers import CALLS, CREATE_BUCKET, OBJECT_CALLS, PUT_OBJECT_ACL, Call
from s3warden.model.bucket import BUCKET_ASPECTS, Aspect
from s3warden.model.event import Level, Parsed, PointName, Poison, Refresh, Skip, Target

KIND = "cloudtrail"

_DIRECTORY_BUCKET = "--x-s3"
_UNKNOWN = Call(BUCKET_ASPECTS)
_ACCESS_POINTS = frozenset({Aspect.ACCESS_POINTS})
_BIRTH_GRANTS = ("x-amz-acl", "x-amz-grant-", "accesscontrollist", "x-amz-object-ownership")


class _Resource(NamedTuple):
    """A bucket in the record's `resources`."""

    name: str | None
    account: object
    partition: str | None


def parse(event: Envelope) -> Parsed:
    """The change that an S3 record tells of."""
    record = event.detail or {}
    name = call_name(record)
    if not name:
        return Poison(PoisonReason.NO_EVENT_NAME, f"{event.detail_type} from {event.source}")
    trigger = trigger_of(event, record, name)
    call = CALLS.get(name)
    reason = _idle(record, name, call)
    if reason is not None:
        return Skip(reason, KIND, trigger)
    target = _target(event, record, name, call or _UNKNOWN)
    if isinstance(target, SkipReason):
        return Skip(target, KIND, trigger)
    urgent = call is not None and (call.urgent or (name == CREATE_BUCKET and _born_with_grants(record)))
    return Refresh((target,), trigger, reason_for(record, known=call is not None), KIND, urgent)


def _idle(record: Mapping[str, object], name: str, call: Call | None) -> SkipReason | None:
    """Why the call cannot have changed a bucket's configuration, if so."""
    # The record's service decides: another service's call may well name a bucket.
    source = record.get("eventSource")
    if isinstance(source, str) and source.partition(".")[0] != "s3":
        return SkipReason.OTHER_SERVICE
    if call is None and only_reads(record, name):
        return SkipReason.READ_ONLY
    if call is None and _is_object_level(record, name):
        return SkipReason.OBJECT_LEVEL
    return SkipReason.CALL_FAILED if has_failed(record) else None


def _is_object_level(record: Mapping[str, object], name: str) -> bool:
    return name in OBJECT_CALLS or is_data_event(record) or "key" in parameters(record)


def _target(event: Envelope, record: Mapping[str, object], name: str, call: Call) -> Target | SkipReason:
    recipient = record.get("recipientAccountId")
    arn = mapping(record.get("userIdentity")).get("arn")
    if call.level is Level.ACCOUNT:
        # Only the account itself can call these; a bucketName in such a record means nothing.
        account = account_id(recipient, event.account)
        if account is None:
            return SkipReason.NO_ACCOUNT
        return Target(Level.ACCOUNT, account, aspects=call.reads, partition=partition_of(arn))
    params = parameters(record)
    request = mapping(params.get("CreateAccessPointRequest"))
    resources = tuple(_bucket_resources(record))
    bucket = _bucket(params, request, resources)
    if bucket is SkipReason.NO_BUCKET and call.aspects == _ACCESS_POINTS:
        return _behind_access_point(event, record, call) or bucket
    if isinstance(bucket, SkipReason):
        return bucket
    owner = _resource_of(bucket, resources)
    return Target(
        Level.BUCKET,
        # A caller's copy of a cross-account call has the caller for recipient: the resource knows the owner.
        account_id(request.get("BucketAccountId"), owner and owner.account, recipient, event.account),
        _region(event, record, name, params),
        bucket,
        call.reads,
        (owner and owner.partition) or partition_of(arn),
        object=object_name(params.get("key"), params.get("versionId")) if name == PUT_OBJECT_ACL else None,
    )


def _behind_access_point(event: Envelope, record: Mapping[str, object], call: Call) -> Target | None:
    """The bucket behind the access point that the record names, which names no bucket."""
    arns = (point_arn(mapping(item).get("ARN")) for item in items(record.get("resources")))
    arn = next((arn for arn in arns if arn is not None), None)
    name = arn.name if arn is not None else point_name(parameters(record).get("name"))
    account = account_id(arn and arn.account, record.get("recipientAccountId"), event.account)
    if name is None or account is None:
        return None
    partition = arn.partition if arn is not None else partition_of(mapping(record.get("userIdentity")).get("arn"))
    region = region_name(arn and arn.region, record.get("awsRegion"), event.region)
    return Target(Level.ACCOUNT, account, None, None, call.reads, partition, PointName(name, region))


def _bucket_resources(record: Mapping[str, object]) -> Iterator[_Resource]:
    for item in items(record.get("resources")):
        resource = mapping(item)
        kind = resource.get("type")
        if isinstance(kind, str) and "::" in kind and kind != "AWS::S3::Bucket":
            continue
        arn = bucket_arn(resource.get("ARN"))
        if arn is not None:
            yield _Resource(arn[1], resource.get("accountId"), arn[0])
        elif kind == "AWS::S3::Bucket":
            yield _Resource(None, resource.get("accountId"), None)


def _resource_of(bucket: str, resources: tuple[_Resource, ...]) -> _Resource | None:
    for name in (bucket, None):
        for resource in resources:
            if resource.name == name:
                return resource
    return None


def _bucket(
    params: Mapping[str, object], request: Mapping[str, object], resources: tuple[_Resource, ...]
) -> str | SkipReason:
    given = (params.get("bucketName"), request.get("Bucket"))
    tagged = bucket_arn(params.get("resourceArn"))
    names = (*map(bucket_name, given), tagged and tagged[1], *(resource.name for resource in resources))
    name = next((name for name in names if name), None)
    if name is None:
        return SkipReason.BAD_BUCKET_NAME if any(given) else SkipReason.NO_BUCKET
    return SkipReason.NOT_GENERAL_PURPOSE if name.endswith(_DIRECTORY_BUCKET) else name


def _region(event: Envelope, record: Mapping[str, object], name: str, params: Mapping[str, object]) -> str | None:
    if name == CREATE_BUCKET:
        # Through the global endpoint a bucket is made elsewhere than the record.
        place = mapping(params.get("CreateBucketConfiguration")).get("LocationConstraint")
        region = "eu-west-1" if place == "EU" else region_name(place)
        if region is not None:
            return region
    return region_name(record.get("awsRegion"), event.region)


def _born_with_grants(record: Mapping[str, object]) -> bool:
    params = parameters(record)
    return any(key.lower().replace("_", "-").startswith(_BIRTH_GRANTS) for key in params)
