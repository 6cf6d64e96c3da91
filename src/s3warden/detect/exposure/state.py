"""From what is known of a bucket to the engine's inputs.

Takes a `BucketState`, hands on `ExposureInputs`. An aspect that could not be read stays unreadable; access points are
not aspects, so who has read them passes them in, and until then they count as not read.
"""

from s3warden.detect.exposure.inputs import AccessPoint, Block, ExposureInputs, PolicyText
from s3warden.model.bucket import NOT_READ, Absent, Aspect, BucketState, Present, Unreadable
from s3warden.model.configuration import (
    Acl,
    Grant,
    Ownership,
    Policy,
    PolicyStatus,
    PublicAccessBlock,
    RequestPayment,
)


def inputs_of_state(
    state: BucketState,
    *,
    access_points: tuple[AccessPoint, ...] | Unreadable = NOT_READ,
    organisation: str | None = None,
    organisation_block: Block = None,
    now: float | None = None,
) -> ExposureInputs:
    """The inputs for one bucket. The account's answer already holds what its organisation demands."""
    return ExposureInputs(
        bucket=state.ref.name,
        owner=state.ref.account,
        partition=state.ref.partition,
        organisation=organisation,
        organisation_block=organisation_block,
        account_block=_block(state, Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK),
        bucket_block=_block(state, Aspect.PUBLIC_ACCESS_BLOCK),
        ownership=_ownership(state),
        grants=_grants(state),
        policy=_policy(state),
        access_points=access_points,
        requester_pays=_requester_pays(state),
        website=isinstance(state.reading(Aspect.WEBSITE), Present),
        policy_status=_status(state),
        now=now,
    )


def _block(state: BucketState, aspect: Aspect) -> Block:
    match state.reading(aspect):
        case Present(PublicAccessBlock() as block):
            return block
        case Unreadable() as unreadable:
            return unreadable
        case Absent():
            return None
    return NOT_READ


def _ownership(state: BucketState) -> str | Unreadable | None:
    match state.reading(Aspect.OWNERSHIP):
        case Present(Ownership(object_ownership=found)):
            return found
        case Unreadable() as unreadable:
            return unreadable
        case Absent():
            return None
    return NOT_READ


def _grants(state: BucketState) -> tuple[Grant, ...] | Unreadable:
    match state.reading(Aspect.ACL):
        case Present(Acl(grants=grants)):
            return grants
        case Unreadable() as unreadable:
            return unreadable
        case Absent():
            return ()
    return NOT_READ


def _policy(state: BucketState) -> PolicyText:
    match state.reading(Aspect.POLICY):
        case Present(Policy(text=text)):
            return text
        case Unreadable() as unreadable:
            return unreadable
        case Absent():
            return None
    return NOT_READ


def _requester_pays(state: BucketState) -> bool | Unreadable:
    """Not read counts as not set: taking unsigned callers for possible is the cautious side."""
    match state.reading(Aspect.REQUEST_PAYMENT):
        case Present(RequestPayment(payer=payer)):
            return payer == "Requester"
    return False


def _status(state: BucketState) -> bool | None:
    match state.reading(Aspect.POLICY_STATUS):
        case Present(PolicyStatus(is_public=is_public)):
            return is_public
    return None
