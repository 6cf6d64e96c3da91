"""What AWS itself would refuse: a plan that could only fail is none.

Takes a scene and edits, hands on why AWS would say no, or None. Each reason is AWS's documented behaviour ("Blocking
public access" and "Controlling ownership of objects" in the S3 user guide).
"""

from collections.abc import Sequence
from typing import TypeAlias

from s3warden.correct.prediction import predicted
from s3warden.correct.remedy import Edit, Scene
from s3warden.detect.effective import ENFORCED, Flag, ownership, policy_is_public, scopes_of
from s3warden.detect.exposure.status import policy_is_public as document_is_public
from s3warden.detect.grants import public_grants
from s3warden.detect.questions import document
from s3warden.detect.rule import UnreadableError, configured
from s3warden.model.action import Declined
from s3warden.model.bucket import Aspect, BucketRef, BucketState, Present, State
from s3warden.model.configuration import (
    AccessPoint,
    AccessPoints,
    Acl,
    MultiRegionAccessPoint,
    MultiRegionAccessPoints,
    Versioning,
)

_Point: TypeAlias = AccessPoint | MultiRegionAccessPoint


def refused(scene: Scene, edits: Sequence[Edit]) -> Declined | None:
    """Why AWS would refuse one of the edits, as far as the state tells."""
    if not isinstance(scene.state, BucketState):
        return None
    after = predicted(scene.look, edits, scene.options)
    touched = {edit.aspect for edit in edits if edit.bucket is None}
    try:
        return _refused(scene.state, after, touched)
    except UnreadableError as error:
        return Declined("unreadable", f"Could not be read, so AWS may refuse the change: {error.aspect}.")


def _refused(state: BucketState, after: State, touched: set[Aspect]) -> Declined | None:
    if Aspect.ACL in touched:
        if ownership(state) == ENFORCED:
            return Declined("acls_disabled", "AWS takes no ACL while ACLs are disabled; the grants have no effect.")
        if public_grants(after) and scopes_of(Flag.BLOCK_PUBLIC_ACLS, after):
            return Declined("refused_by_block", "BlockPublicAcls is on, and a public grant would be left in the ACL.")
    # No fix makes a policy public that is not.
    if (
        Aspect.POLICY in touched
        and scopes_of(Flag.BLOCK_PUBLIC_POLICY, after)
        and policy_is_public(state)
        and policy_is_public(after)
    ):
        return Declined(
            "refused_by_block", "BlockPublicPolicy is on, and the policy would still be public: mend that first."
        )
    for point in _changed(state, after):
        if _is_public(point) and _takes_no_public(point, after):
            return Declined(
                "refused_by_block",
                f"BlockPublicPolicy is on, and the policy of access point {point.name} would still be public.",
            )
    if Aspect.MULTI_REGION_ACCESS_POINTS in touched and (still := changing(state)) is not None:
        return still
    if Aspect.OWNERSHIP in touched and ownership(after) == ENFORCED and _shares(after):
        return Declined(
            "acl_shares", "AWS disables no ACL that grants something to others: take those grants out first."
        )
    versioning = configured(state, Aspect.VERSIONING, Versioning) if Aspect.VERSIONING in touched else None
    if versioning is not None and versioning.mfa_delete:
        return Declined("needs_mfa", "With MFA delete, versioning is changed by the root user and its device alone.")
    return None


def changing(state: State) -> Declined | None:
    """Whether AWS still changes the policy of a multi-region access point: whoever ordered that comes first."""
    names = ", ".join(each.name for each in _multi_region(state) if each.proposed is not None)
    if not names:
        return None
    return Declined("still_changing", f"AWS still changes the policy of multi-region access point {names}.")


def _multi_region(state: State) -> tuple[MultiRegionAccessPoint, ...]:
    """Those of many regions that lead to the bucket."""
    reading, ref = state.reading(Aspect.MULTI_REGION_ACCESS_POINTS), state.ref
    if not isinstance(reading, Present) or not isinstance(ref, BucketRef):
        return ()
    return reading.value.leading_to(ref) if isinstance(reading.value, MultiRegionAccessPoints) else ()


def _changed(state: State, after: State) -> list[_Point]:
    """The access points whose policies are others afterwards."""
    known = _points(state)
    return [point for point in _points(after) if point not in known]


def _points(state: State) -> tuple[_Point, ...]:
    reading = state.reading(Aspect.ACCESS_POINTS)
    own = reading.value.points if isinstance(reading, Present) and isinstance(reading.value, AccessPoints) else ()
    return (*own, *_multi_region(state))


def _is_public(point: _Point) -> bool:
    """Whether AWS certainly calls the policy public; of a point within a network it never does."""
    if not isinstance(point.policy, Present) or (isinstance(point, AccessPoint) and point.network_origin == "VPC"):
        return False
    return document_is_public(document(point.policy.value.text), access_point=True) is True


def _takes_no_public(point: _Point, state: State) -> bool:
    """Whether the point's own block, or that of the bucket or the account, refuses public policies."""
    own = isinstance(point.block, Present) and point.block.value.block_public_policy
    return own or bool(scopes_of(Flag.BLOCK_PUBLIC_POLICY, state))


def _shares(state: State) -> bool:
    acl = configured(state, Aspect.ACL, Acl)
    return acl is not None and any(grant.grantee != acl.owner for grant in acl.grants)
