"""What-if: the smallest change that closes the leak, whom it cuts off, and what would open it."""

from typing import Any

from s3warden.detect.exposure.inputs import inputs_of
from s3warden.detect.exposure.what_if import Change, smallest, what_if
from s3warden.model.configuration import ALL_USERS

OPEN: dict[str, Any] = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}
NAMED = {**OPEN, "Principal": {"AWS": "222222222222"}}
GRANT = {"grantee_type": "Group", "uri": ALL_USERS, "permission": "READ"}


def changes(*statements: dict[str, Any], **settings: Any) -> dict[tuple[str, ...], Change]:
    """The changes for a bucket with these statements, by their steps."""
    policy = {"Version": "2012-10-17", "Statement": list(statements)} if statements else None
    found = what_if(inputs_of({"bucket": "b", "bucket_owner": "111111111111", "policy": policy, **settings}))
    return {change.steps: change for change in found}


def test_removing_the_statement_spares_the_named_account() -> None:
    """The flag closes too, but costs the partner its access."""
    found = changes(OPEN, NAMED)
    flag = found[("bucket RestrictPublicBuckets on",)]
    assert (flag.closes, flag.cuts_off) == (True, ("222222222222",))
    best = smallest(tuple(found.values()))
    assert best is not None
    assert (best.steps, best.cuts_off) == (("remove statement 0",), ())


def test_block_flags_close_nothing() -> None:
    """BlockPublicAcls and BlockPublicPolicy alter no verdict."""
    assert not any("BlockPublic" in step for steps in changes(OPEN, acl_grants=[GRANT]) for step in steps)


def test_two_leaks_need_two_changes() -> None:
    """With a list and a policy open, pairs are tried."""
    found = changes(OPEN, acl_grants=[GRANT])
    best = smallest(tuple(found.values()))
    assert best is not None
    assert len(best.steps) == 2
    assert found[("bucket IgnorePublicAcls on", "bucket RestrictPublicBuckets on")].closes


def test_grants_and_statement_are_removed_together() -> None:
    """The pair that leaves the named account alone is the smallest."""
    best = smallest(tuple(changes(NAMED, OPEN, acl_grants=[GRANT]).values()))
    assert best is not None
    assert best.steps[-1] == "remove statement 1"
    assert best.cuts_off == ()


def test_latent_exposure_shows_as_a_change_that_opens() -> None:
    """One flag away."""
    found = changes(OPEN, bucket_bpa={"RestrictPublicBuckets": True})
    assert found[("bucket RestrictPublicBuckets off",)].opens
    found = changes(acl_grants=[GRANT], ownership="BucketOwnerEnforced")
    assert found[("ownership ObjectWriter",)].opens
    assert smallest(tuple(found.values())) is None


def test_unreadable_scope_is_left_alone() -> None:
    """Nobody can say what a flag would change there."""
    found = changes(OPEN, account_bpa={"unreadable": "AccessDenied"})
    assert not any("account" in step for steps in found for step in steps)


def test_access_point_policy_can_be_removed() -> None:
    """The leak is closed where it is."""
    point = "arn:aws:s3:us-east-1:111111111111:accesspoint/p"
    delegated = {**OPEN, "Action": "*", "Condition": {"StringEquals": {"s3:DataAccessPointAccount": "111111111111"}}}
    policy = {"Version": "2012-10-17", "Statement": {**OPEN, "Resource": f"{point}/object/*"}}
    found = changes(delegated, access_points=[{"name": "p", "policy": policy}])
    assert found[("remove the policy of access point p",)].closes


def test_damaged_policy_offers_no_removal() -> None:
    """What cannot be read cannot be edited."""
    found = what_if(inputs_of({"bucket": "b", "bucket_owner": "111111111111", "policy": "{"}))
    assert not any(step.startswith("remove") for change in found for step in change.steps)
