"""Which layers neutralise a public grant, over every combination of what is on, off and unreadable."""

from itertools import product

import pytest

from s3warden.detect.effective import Flag, acl_neutralised_by, policy_restricted_by, scopes_of
from s3warden.detect.rule import UnreadableError
from s3warden.detect.samples import ALL_ON, DENIED, flags, unguarded
from s3warden.model.bucket import ABSENT, Aspect, Present, Reading
from s3warden.model.configuration import Ownership

IGNORING: tuple[Reading[object], ...] = (flags(ignore=True), ABSENT, DENIED)
ENFORCING: tuple[Reading[object], ...] = (Present(Ownership("BucketOwnerEnforced")), ABSENT, DENIED)


@pytest.mark.parametrize(("account", "bucket", "owner"), list(product(range(3), repeat=3)))
def test_one_known_layer_is_proof_and_none_takes_knowledge_of_all(account: int, bucket: int, owner: int) -> None:
    """27 cases: 0 on, 1 off, 2 unreadable, for account, bucket and ownership."""
    state = unguarded(
        {
            Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: IGNORING[account],
            Aspect.PUBLIC_ACCESS_BLOCK: IGNORING[bucket],
            Aspect.OWNERSHIP: ENFORCING[owner],
        }
    )
    names = ("account IgnorePublicAcls", "bucket IgnorePublicAcls", "ownership BucketOwnerEnforced")
    layers = (account, bucket, owner)
    if 0 not in layers and 2 in layers:
        with pytest.raises(UnreadableError):
            acl_neutralised_by(state)
    else:
        assert acl_neutralised_by(state) == tuple(n for n, layer in zip(names, layers, strict=True) if layer == 0)


@pytest.mark.parametrize("flag", Flag)
def test_each_flag_is_read_from_its_own_field(flag: Flag) -> None:
    """A block with one flag on has that flag and no other."""
    fields = dict(zip(Flag, ("acls", "ignore", "policy", "restrict"), strict=True))
    state = unguarded({Aspect.PUBLIC_ACCESS_BLOCK: flags(**{fields[flag]: True})})
    assert {other: scopes_of(other, state) for other in Flag} == {
        other: ("bucket",) if other is flag else () for other in Flag
    }


def test_refusing_new_grants_neutralises_no_old_one() -> None:
    """BlockPublicAcls and BlockPublicPolicy leave what exists in force."""
    state = unguarded({Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: flags(acls=True, policy=True)})
    assert acl_neutralised_by(state) == policy_restricted_by(state) == ()


def test_ownership_and_ignored_acls_do_not_restrict_a_policy() -> None:
    """Only RestrictPublicBuckets holds a public policy back."""
    state = unguarded(
        {
            Aspect.OWNERSHIP: Present(Ownership("BucketOwnerEnforced")),
            Aspect.PUBLIC_ACCESS_BLOCK: flags(acls=True, ignore=True, policy=True),
        }
    )
    assert policy_restricted_by(state) == ()


def test_every_scope_that_restricts_is_named() -> None:
    """Account and bucket are both told where both hold."""
    state = unguarded(
        {Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: Present(ALL_ON), Aspect.PUBLIC_ACCESS_BLOCK: Present(ALL_ON)}
    )
    assert policy_restricted_by(state) == ("account RestrictPublicBuckets", "bucket RestrictPublicBuckets")
