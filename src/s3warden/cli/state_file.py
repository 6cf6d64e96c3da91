"""A bucket's state from a file: the document that `explain exposure` reads, with the bucket's tags beside it.

What the document leaves out of who can reach the bucket is not configured; everything else about the bucket was not
read, so that rules about it cannot decide.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from s3warden.detect.exposure.inputs import AccessPoint as Point
from s3warden.detect.exposure.inputs import ExposureInputs, inputs_of
from s3warden.model.bucket import (
    ABSENT,
    ACCOUNT_ASPECTS,
    NOT_READ,
    AccountRef,
    AccountState,
    Aspect,
    BucketRef,
    BucketState,
    Present,
    Reading,
    Unreadable,
)
from s3warden.model.configuration import (
    AccessPoint,
    AccessPoints,
    Acl,
    Ownership,
    Policy,
    PolicyStatus,
    RequestPayment,
    Tags,
)


class StateFileError(Exception):
    """The file is no state of a bucket; the text says why."""


def read_state(path: Path, at: datetime) -> BucketState:
    """The bucket of a file. Raises StateFileError."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StateFileError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise StateFileError(f"{path} is not JSON: {error}") from None
    if not isinstance(document, dict) or not document.get("bucket") or not document.get("bucket_owner"):
        raise StateFileError(f"{path} must be an object with `bucket` and `bucket_owner`, as docs/exposure.md has it")
    return state_of(document, at)


def state_of(document: Mapping[str, Any], at: datetime) -> BucketState:
    """The bucket of a document."""
    inputs = inputs_of(document)
    ref = BucketRef(inputs.partition, inputs.owner, str(document.get("region") or "us-east-1"), inputs.bucket)
    readings = {**_readings(inputs, ref), Aspect.TAGGING: _tags(document.get("tags"))}
    owner = {aspect: reading for aspect, reading in readings.items() if aspect in ACCOUNT_ASPECTS}
    own = {aspect: reading for aspect, reading in readings.items() if aspect not in ACCOUNT_ASPECTS}
    return BucketState(ref, at, own, AccountState(AccountRef(ref.partition, ref.account), at, owner))


def _readings(inputs: ExposureInputs, ref: BucketRef) -> dict[Aspect, Reading[object]]:
    grants, pays = inputs.grants, inputs.requester_pays
    payment = pays if isinstance(pays, Unreadable) else Present(RequestPayment("Requester" if pays else "BucketOwner"))
    return {
        Aspect.ACL: grants if isinstance(grants, Unreadable) else Present(Acl("", grants)),
        Aspect.POLICY: _value(inputs.policy, Policy),
        Aspect.POLICY_STATUS: ABSENT if inputs.policy_status is None else Present(PolicyStatus(inputs.policy_status)),
        Aspect.PUBLIC_ACCESS_BLOCK: _value(inputs.bucket_block),
        Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: _value(inputs.account_block or inputs.organisation_block),
        Aspect.OWNERSHIP: _value(inputs.ownership, Ownership),
        Aspect.REQUEST_PAYMENT: payment,
        Aspect.ACCESS_POINTS: _points(inputs, ref),
        Aspect.MULTI_REGION_ACCESS_POINTS: ABSENT,
    }


def _value(value: object, kind: Any = lambda same: same) -> Reading[Any]:
    if value is None:
        return ABSENT
    return value if isinstance(value, Unreadable) else Present(kind(value))


def _points(inputs: ExposureInputs, ref: BucketRef) -> Reading[AccessPoints]:
    if isinstance(inputs.access_points, Unreadable):
        return inputs.access_points
    found = tuple(_point(point, ref) for point in inputs.access_points if not point.multi_region)
    return Present(AccessPoints(found)) if found else ABSENT


def _point(point: Point, ref: BucketRef) -> AccessPoint:
    arn = f"arn:{ref.partition}:s3:{point.region or ref.region}:{ref.account}:accesspoint/{point.name}"
    return AccessPoint(point.name, arn, point.origin or "Internet", _value(point.block), _value(point.policy, Policy))


def _tags(value: object) -> Reading[Tags]:
    if value is None:
        return ABSENT
    if (
        isinstance(value, Mapping)
        and all(isinstance(each, str) for each in value.values())
        and set(value) != {"unreadable"}
    ):
        return Present(Tags(tuple(sorted((str(key), text) for key, text in value.items()))))
    return NOT_READ
