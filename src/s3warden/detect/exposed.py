"""From a bucket's readings to the exposure engine's question, and to its answer, computed once for all who ask.

What could not be read stays unreadable, with its cause; what is not configured is none of it. Never guesses between
the two, and keeps nothing but a bounded number of answers.
"""

from dataclasses import replace
from functools import lru_cache
from typing import TypeVar

from s3warden.detect.exposure.inputs import ExposureInputs
from s3warden.detect.exposure.memo import Memo
from s3warden.detect.exposure.verdict import Exposure
from s3warden.detect.rule import RuleOptions
from s3warden.model.bucket import Absent, Aspect, BucketState, State, Unreadable
from s3warden.model.configuration import (
    ALL_USERS,
    AUTHENTICATED_USERS,
    Acl,
    Grant,
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
        Aspect.REQUEST_PAYMENT,
    }
)
HINTS = frozenset({Aspect.POLICY_STATUS})
_GROUPS = {uri.rpartition("/")[2]: uri for uri in (ALL_USERS, AUTHENTICATED_USERS)}
_CLOCKS = ("currenttime", "epochtime")


def inputs_of(state: State, options: RuleOptions) -> ExposureInputs:
    """What the engine is asked about this bucket. The time counts only where the policy speaks of time."""
    acl = _read(state, Aspect.ACL, Acl)
    ownership = _read(state, Aspect.OWNERSHIP, Ownership)
    status = _read(state, Aspect.POLICY_STATUS, PolicyStatus)
    payment = _read(state, Aspect.REQUEST_PAYMENT, RequestPayment)
    return replace(
        policy_inputs(state, options),
        account_block=_read(state, Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK, PublicAccessBlock),
        bucket_block=_read(state, Aspect.PUBLIC_ACCESS_BLOCK, PublicAccessBlock),
        ownership=ownership.object_ownership if isinstance(ownership, Ownership) else ownership,
        grants=tuple(map(_named, acl.grants)) if isinstance(acl, Acl) else acl or (),
        requester_pays=payment.payer == "Requester" if isinstance(payment, RequestPayment) else payment or False,
        policy_status=status.is_public if isinstance(status, PolicyStatus) else None,
    )


def policy_inputs(state: State, options: RuleOptions) -> ExposureInputs:
    """The bucket with its policy and nothing else: for what the policy alone decides."""
    if not isinstance(state, BucketState):
        raise TypeError("only a bucket can be exposed")
    policy = _read(state, Aspect.POLICY, Policy)
    text = policy.text if isinstance(policy, Policy) else policy
    timed = isinstance(text, str) and any(clock in text.lower() for clock in _CLOCKS)
    return ExposureInputs(
        bucket=state.ref.name,
        owner=state.ref.account,
        partition=state.ref.partition,
        organisation=options.organization_id,
        policy=text,
        now=state.read_at.timestamp() if timed else None,
    )


# Two memories: of verdicts, since a dozen rules ask about each state, and of analyses, since buckets share templates.
_MEMO = Memo()


@lru_cache(maxsize=256)
def analysed(inputs: ExposureInputs) -> Exposure:
    """The engine's answer, remembered."""
    return _MEMO.analyse(inputs)


def exposure_of(state: State, options: RuleOptions) -> Exposure:
    """Who can reach this bucket, with proof."""
    return analysed(inputs_of(state, options))


def without_layers(inputs: ExposureInputs) -> ExposureInputs:
    """The same bucket with no public access block anywhere and with ACLs enabled: what grants and policies say."""
    return replace(inputs, organisation_block=None, account_block=None, bucket_block=None, ownership=None)


def _named(grant: Grant) -> Grant:
    # Groups are told by the end of their URI: its host differs between partitions.
    known = _GROUPS.get(grant.grantee.rpartition("/global/")[2]) if "/global/" in grant.grantee else None
    return grant if known in (None, grant.grantee) else replace(grant, grantee=known)


def _read(state: State, aspect: Aspect, kind: type[T]) -> T | Unreadable | None:
    reading = state.reading(aspect)
    if isinstance(reading, Unreadable):
        return reading
    if isinstance(reading, Absent):
        return None
    if not isinstance(reading.value, kind):
        raise TypeError(f"{aspect} is a {type(reading.value).__name__}, not a {kind.__name__}")
    return reading.value
