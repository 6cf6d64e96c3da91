"""The vectors of the exposure engine as states of buckets, as the daemon would have read them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from s3warden.detect.exposure.inputs import ExposureInputs, inputs_of
from s3warden.detect.samples import OWNER, READ_AT
from s3warden.model.bucket import (
    ABSENT,
    ACCOUNT_ASPECTS,
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
    NO_BLOCK,
    AccessPoint,
    AccessPoints,
    Acl,
    Ownership,
    Policy,
    PublicAccessBlock,
    RequestPayment,
)

REGION = "us-east-1"
VECTORS: list[dict[str, Any]] = json.loads(Path("tests/data/exposure-dev.json").read_text(encoding="utf-8"))


def state_of(vector: Mapping[str, Any]) -> BucketState:
    """The bucket of a vector; what the vector leaves out is not configured."""
    inputs = inputs_of(vector)
    ref = BucketRef(inputs.partition, inputs.owner, REGION, inputs.bucket)
    readings = _readings(inputs)
    owner = {aspect: reading for aspect, reading in readings.items() if aspect in ACCOUNT_ASPECTS}
    own = {aspect: reading for aspect, reading in readings.items() if aspect not in ACCOUNT_ASPECTS}
    return BucketState(ref, READ_AT, own, AccountState(AccountRef(ref.partition, ref.account), READ_AT, owner))


def _readings(inputs: ExposureInputs) -> dict[Aspect, Reading[object]]:
    assert not isinstance(inputs.grants, Unreadable)
    organisation, account = inputs.organisation_block or NO_BLOCK, inputs.account_block or NO_BLOCK
    assert isinstance(organisation, PublicAccessBlock)
    assert isinstance(account, PublicAccessBlock)
    return {
        Aspect.ACL: Present(Acl(OWNER, inputs.grants)),
        Aspect.POLICY: ABSENT if inputs.policy is None else Present(Policy(str(inputs.policy))),
        Aspect.POLICY_STATUS: ABSENT,
        Aspect.PUBLIC_ACCESS_BLOCK: ABSENT if inputs.bucket_block is None else Present(inputs.bucket_block),
        # AWS answers for the account with what the organisation demands of it.
        Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: Present(organisation | account),
        Aspect.OWNERSHIP: ABSENT if inputs.ownership is None else Present(Ownership(str(inputs.ownership))),
        Aspect.REQUEST_PAYMENT: Present(RequestPayment("Requester" if inputs.requester_pays else "BucketOwner")),
        Aspect.ACCESS_POINTS: _points(inputs),
        Aspect.MULTI_REGION_ACCESS_POINTS: ABSENT,
    }


def _points(inputs: ExposureInputs) -> Reading[AccessPoints]:
    assert not isinstance(inputs.access_points, Unreadable)
    found = tuple(
        AccessPoint(
            point.name,
            f"arn:{inputs.partition}:s3:{REGION}:{inputs.owner}:accesspoint/{point.name}",
            point.origin or "Internet",
            ABSENT if point.block is None else Present(point.block),  # type: ignore[arg-type]
            ABSENT if point.policy is None else Present(Policy(str(point.policy))),
        )
        for point in inputs.access_points
    )
    return Present(AccessPoints(found)) if found else ABSENT
