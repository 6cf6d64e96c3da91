"""From a bucket's state to inputs: read, absent and unreadable stay three things."""

from datetime import UTC, datetime

import pytest

from s3warden.detect.exposure.engine import analyse
from s3warden.detect.exposure.state import inputs_of_state
from s3warden.model.bucket import (
    ABSENT,
    NOT_READ,
    AccountRef,
    AccountState,
    Aspect,
    BucketRef,
    BucketState,
    Cause,
    Present,
    Reading,
    Unreadable,
)
from s3warden.model.configuration import (
    ALL_USERS,
    NO_BLOCK,
    Acl,
    Grant,
    GranteeKind,
    Ownership,
    Policy,
    PolicyStatus,
    RequestPayment,
)

AT = datetime(2026, 1, 1, tzinfo=UTC)
DENIED = Unreadable(Cause.SCP, "explicit deny")
TEXT = '{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}}'
READ: dict[Aspect, Reading[object]] = {
    Aspect.ACL: Present(Acl("o", (Grant(GranteeKind.GROUP, ALL_USERS, "READ"),))),
    Aspect.POLICY: Present(Policy(TEXT)),
    Aspect.POLICY_STATUS: Present(PolicyStatus(is_public=True)),
    Aspect.PUBLIC_ACCESS_BLOCK: Present(NO_BLOCK),
    Aspect.OWNERSHIP: Present(Ownership("ObjectWriter")),
    Aspect.REQUEST_PAYMENT: Present(RequestPayment("BucketOwner")),
}


def state(**changed: Reading[object]) -> BucketState:
    """A public bucket, with some readings changed by aspect."""
    account = AccountState(AccountRef("aws", "111111111111"), AT, {Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: ABSENT})
    readings = {**READ, **{Aspect(name): reading for name, reading in changed.items()}}
    return BucketState(BucketRef("aws", "111111111111", "eu-west-1", "b"), AT, readings, account)


def test_everything_read_gives_a_full_verdict() -> None:
    """List and policy both open the bucket."""
    found = analyse(inputs_of_state(state(), access_points=()))
    assert (found.public_actions, found.via, found.unknown_because) == (("read", "list"), ("acl", "policy"), ())


def test_nothing_configured_is_private() -> None:
    """Absent is an answer."""
    absent = state(acl=ABSENT, policy=ABSENT, public_access_block=ABSENT, ownership=ABSENT, policy_status=ABSENT)
    assert analyse(inputs_of_state(absent)).public is False


@pytest.mark.parametrize("aspect", ["acl", "policy", "public_access_block", "ownership"])
@pytest.mark.parametrize("reading", [DENIED, NOT_READ])
def test_unreadable_is_never_private(aspect: str, reading: Unreadable) -> None:
    """Each aspect alone, everything else configured to depend on it."""
    others: dict[str, Reading[object]] = {"policy": ABSENT} if aspect != "policy" else {"acl": ABSENT}
    assert analyse(inputs_of_state(state(**{**others, aspect: reading}), access_points=())).public is not False


def test_requester_pays_is_taken_over() -> None:
    """Unsigned callers are refused."""
    found = analyse(inputs_of_state(state(request_payment=Present(RequestPayment("Requester"))), access_points=()))
    assert found.authenticated_only


def test_an_account_that_was_not_read_is_unreadable() -> None:
    """No account state at all."""
    alone = BucketState(BucketRef("aws", "111111111111", "eu-west-1", "b"), AT, READ, None)
    assert analyse(inputs_of_state(alone, access_points=())).public is None
