"""From a bucket's readings to the exposure engine's question, and to its answer, computed once for all who ask.

What could not be read stays unreadable, with its cause; what is not configured is none of it. Never guesses between
the two, and keeps nothing but a bounded number of answers.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import TypeVar

from s3warden.detect.exposure.inputs import AccessPoint, ExposureInputs, PolicyText
from s3warden.detect.exposure.memo import Memo, speaks_of_time
from s3warden.detect.exposure.verdict import Exposure
from s3warden.detect.rule import RuleOptions
from s3warden.model.bucket import Absent, Aspect, BucketRef, BucketState, Present, Reading, State, Unreadable
from s3warden.model.configuration import (
    ALL_USERS,
    AUTHENTICATED_USERS,
    AccessPoints,
    Acl,
    Grant,
    MultiRegionAccessPoints,
    Ownership,
    Policy,
    PolicyStatus,
    PublicAccessBlock,
    RequestPayment,
)

T = TypeVar("T")

NEEDS = frozenset(
    {
        Aspect.ACL,
        Aspect.POLICY,
        Aspect.PUBLIC_ACCESS_BLOCK,
        Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK,
        Aspect.OWNERSHIP,
        Aspect.ACCESS_POINTS,
        Aspect.MULTI_REGION_ACCESS_POINTS,
    }
)
HINTS = frozenset({Aspect.POLICY_STATUS, Aspect.REQUEST_PAYMENT})
_READ = tuple(sorted(NEEDS | HINTS))
_GROUPS = {uri.rpartition("/")[2]: uri for uri in (ALL_USERS, AUTHENTICATED_USERS)}


def inputs_of(state: State, options: RuleOptions) -> ExposureInputs:
    """What the engine is asked about this bucket.

    Who pays is taken for the owner where that could not be read: then unsigned requests may get in, the cautious side.
    """
    readings = tuple([state.reading(aspect) for aspect in _READ])
    return _inputs(_ref(state), readings, time_of(state), options.organization_id)


def policy_inputs(state: State, options: RuleOptions) -> ExposureInputs:
    """The bucket with its policy and nothing else. The time of the reading counts where the policy speaks of time."""
    return _policy_inputs(_ref(state), state.reading(Aspect.POLICY), time_of(state), options.organization_id)


# A dozen rules ask about each state, one after the other.
@lru_cache(maxsize=64)
def _inputs(
    ref: BucketRef, readings: tuple[Reading[object], ...], now: float | None, organisation: str | None
) -> ExposureInputs:
    known = dict(zip(_READ, readings, strict=True))
    acl = _value(known, Aspect.ACL, Acl)
    ownership = _value(known, Aspect.OWNERSHIP, Ownership)
    status = _value(known, Aspect.POLICY_STATUS, PolicyStatus)
    payment = _value(known, Aspect.REQUEST_PAYMENT, RequestPayment)
    return replace(
        _policy_inputs(ref, known[Aspect.POLICY], now, organisation),
        account_block=_value(known, Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK, PublicAccessBlock),
        bucket_block=_value(known, Aspect.PUBLIC_ACCESS_BLOCK, PublicAccessBlock),
        ownership=ownership.object_ownership if isinstance(ownership, Ownership) else ownership,
        grants=tuple(map(_named, acl.grants)) if isinstance(acl, Acl) else acl or (),
        access_points=_points(known, ref),
        requester_pays=isinstance(payment, RequestPayment) and payment.payer == "Requester",
        policy_status=status.is_public if isinstance(status, PolicyStatus) else None,
    )


@lru_cache(maxsize=64)
def _policy_inputs(
    ref: BucketRef, reading: Reading[object], now: float | None, organisation: str | None
) -> ExposureInputs:
    policy = _value({Aspect.POLICY: reading}, Aspect.POLICY, Policy)
    return ExposureInputs(
        bucket=ref.name,
        owner=ref.account,
        partition=ref.partition,
        organisation=organisation,
        policy=policy.text if isinstance(policy, Policy) else policy,
        now=now,
    )


def _ref(state: State) -> BucketRef:
    if not isinstance(state, BucketState):
        raise TypeError("only a bucket can be exposed")
    return state.ref


def time_of(state: State) -> float | None:
    """When the bucket policy was read, where it speaks of time; a look at another time then is another question."""
    match state.reading(Aspect.POLICY):
        case Present(value=Policy(text=text)) if speaks_of_time(text):
            return state.read_at.timestamp()
    return None


# Two memories: of verdicts, since a dozen rules ask about each state, and of analyses, since buckets share templates.
_MEMO = Memo()


@lru_cache(maxsize=256)
def analysed(inputs: ExposureInputs) -> Exposure:
    """The engine's answer, remembered."""
    return _MEMO.analyse(inputs)


def without_layers(inputs: ExposureInputs) -> ExposureInputs:
    """The same bucket with no public access block anywhere and with ACLs enabled: what grants and policies say."""
    return replace(inputs, organisation_block=None, account_block=None, bucket_block=None, ownership=None)


def _points(known: Mapping[Aspect, Reading[object]], ref: BucketRef) -> tuple[AccessPoint, ...] | Unreadable:
    """Every access point through which the bucket can be reached, of one region or of many."""
    own = _value(known, Aspect.ACCESS_POINTS, AccessPoints)
    shared = _value(known, Aspect.MULTI_REGION_ACCESS_POINTS, MultiRegionAccessPoints)
    if isinstance(own, Unreadable):
        return own
    if isinstance(shared, Unreadable):
        return shared
    return (*_regional(own, ref), *_multi_region(shared, ref))


def _regional(found: AccessPoints | None, ref: BucketRef) -> Iterator[AccessPoint]:
    if found is not None:
        for point in found.points:
            yield AccessPoint(
                point.name, point.network_origin, _block(point.block), _text(point.policy), region=ref.region
            )


def _multi_region(found: MultiRegionAccessPoints | None, ref: BucketRef) -> Iterator[AccessPoint]:
    if found is not None:
        for point in found.leading_to(ref):
            name, block = point.alias or point.name, _block(point.block)
            yield AccessPoint(name, "Internet", block, _text(point.policy), multi_region=True)
            if point.proposed is not None:
                # On its way to all regions, and nobody will tell when it has arrived.
                yield AccessPoint(name, "Internet", block, point.proposed.text, multi_region=True)


def _block(reading: Reading[PublicAccessBlock]) -> PublicAccessBlock | Unreadable | None:
    match reading:
        case Present(value=block):
            return block
        case Absent():
            return None
    return reading


def _text(reading: Reading[Policy]) -> PolicyText:
    match reading:
        case Present(value=policy):
            return policy.text
        case Absent():
            return None
    return reading


def _named(grant: Grant) -> Grant:
    # Groups are told by the end of their URI: its host differs between partitions.
    known = _GROUPS.get(grant.grantee.rpartition("/global/")[2]) if "/global/" in grant.grantee else None
    return grant if known in (None, grant.grantee) else replace(grant, grantee=known)


def _value(known: Mapping[Aspect, Reading[object]], aspect: Aspect, kind: type[T]) -> T | Unreadable | None:
    reading = known[aspect]
    if isinstance(reading, Unreadable):
        return reading
    if isinstance(reading, Absent):
        return None
    if not isinstance(reading.value, kind):
        raise TypeError(f"{aspect} is a {type(reading.value).__name__}, not a {kind.__name__}")
    return reading.value
