"""AWS's own answers about what is beside a bucket, by place: policies of ways to it, settings of newer buckets.

Takes a state and the answers that it was made of, by operation, region and name; hands on those that have a setting in
them. What could not be read has none. Pure.
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from types import MappingProxyType

from s3warden.collect import access_points, file_systems, multi_region, object_lambda, other_buckets
from s3warden.collect.aspects import AspectRead
from s3warden.collect.shapes import Answer
from s3warden.correct.multi_region_writes import place_of as multi_region_place
from s3warden.correct.other_bucket_writes import ENCRYPTION, LIFECYCLE
from s3warden.correct.recorder import Answers
from s3warden.correct.service_row import region_of
from s3warden.model.bucket import Aspect, BucketRef, Present, Reading, Regional, State
from s3warden.model.configuration import AccessPoint, AccessPoints, MultiRegionAccessPoints
from s3warden.model.other_buckets import (
    FileSystem,
    FileSystems,
    ObjectLambdaPoint,
    ObjectLambdaPoints,
    OtherBucket,
    OtherBuckets,
)


def placed(state: State, aspect: Aspect, answers: Answers) -> dict[str, Answer]:
    """The answers behind an aspect, by place."""
    reading = state.reading(aspect)
    if not isinstance(reading, Present):
        return {}
    if isinstance(reading.value, AccessPoints):
        return _policies(access_points.POLICY.operation, reading.value.points, answers)
    if isinstance(reading.value, MultiRegionAccessPoints):
        return _multi_region(state, reading.value, answers)
    if not isinstance(reading.value, Regional):
        return {}
    if aspect is Aspect.FILE_SYSTEMS:
        ways = chain.from_iterable(reading.value.known(FileSystems))
        return _policies(file_systems.POLICY.operation, ways, answers)
    if aspect is Aspect.OBJECT_LAMBDA_POINTS:
        points = chain.from_iterable(reading.value.known(ObjectLambdaPoints))
        return _policies(object_lambda.POLICY.operation, points, answers)
    listed = chain.from_iterable(reading.value.known(OtherBuckets))
    return {
        f"{each.arn}{setting}": answers[read.operation, region_of(each.arn), _asked(each)]
        for each in listed
        for setting, read, known in _settings(each)
        if isinstance(known, Present)
    }


def _policies(
    operation: str, ways: Iterable[AccessPoint | FileSystem | ObjectLambdaPoint], answers: Answers
) -> dict[str, Answer]:
    known = (each for each in ways if isinstance(each.policy, Present))
    return {each.arn: answers[operation, region_of(each.arn), each.name] for each in known}


def _multi_region(state: State, found: MultiRegionAccessPoints, answers: Answers) -> dict[str, Answer]:
    """Of those through which a bucket can be reached: a plan about it changes no others."""
    if not isinstance(state.ref, BucketRef):
        return {}
    operation, home = multi_region.POLICY.operation, multi_region.HOMES[state.ref.partition]
    known = (each for each in found.leading_to(state.ref) if isinstance(each.policy, Present))
    return {multi_region_place(state.ref.owner, each): answers[operation, home, each.name] for each in known}


ASPECTS = frozenset(
    {
        Aspect.ACCESS_POINTS,
        Aspect.MULTI_REGION_ACCESS_POINTS,
        Aspect.DIRECTORY_BUCKETS,
        Aspect.TABLE_BUCKETS,
        Aspect.VECTOR_BUCKETS,
        Aspect.FILE_SYSTEMS,
        Aspect.OBJECT_LAMBDA_POINTS,
    }
)
"""The aspects that `placed` knows."""

_KINDS = MappingProxyType(
    {kind.kind: kind for kind in (other_buckets.DIRECTORY, other_buckets.TABLE, other_buckets.VECTOR)}
)


def _settings(each: OtherBucket) -> Iterator[tuple[str, AspectRead[object], Reading[object]]]:
    """What of a bucket may be changed: what stands behind its ARN for it, what reads it, and what was read."""
    yield "", _KINDS[each.kind].policy, each.policy
    if _KINDS[each.kind] is other_buckets.TABLE:
        yield ENCRYPTION, other_buckets.TABLE.encryption, each.encryption
    if _KINDS[each.kind] is other_buckets.DIRECTORY:
        yield LIFECYCLE, other_buckets.LIFECYCLE, each.lifecycle


def _asked(each: OtherBucket) -> str:
    """How calls name the bucket."""
    return each.arn if _KINDS[each.kind] is other_buckets.TABLE else each.name
