"""Layers over channels: every flag, scope and unreadable setting, and the channels beside the bucket policy."""

from itertools import product
from typing import Any

import pytest

from s3warden.detect.exposure.engine import analyse
from s3warden.detect.exposure.inputs import ALL_BLOCKED, inputs_of
from s3warden.detect.exposure.verdict import Exposure
from s3warden.model.configuration import ALL_USERS

GRANT = {"grantee_type": "Group", "uri": ALL_USERS, "permission": "READ"}
OPEN: dict[str, Any] = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}
NAMED = {**OPEN, "Principal": {"AWS": "222222222222"}}
UNREAD = {"unreadable": "AccessDenied"}
POINT = "arn:aws:s3:eu-west-1:111111111111:accesspoint/p"
THROUGH = {**OPEN, "Resource": f"{POINT}/object/*"}
DELEGATED = {**OPEN, "Action": "s3:*", "Condition": {"StringEquals": {"s3:DataAccessPointAccount": "111111111111"}}}


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    """A policy of these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def judged(**settings: Any) -> Exposure:
    """The verdict on bucket `b` with these settings."""
    return analyse(inputs_of({"bucket": "b", "bucket_owner": "111111111111", **settings}))


STATES: list[tuple[Any, str]] = [(None, "off"), ({"IgnorePublicAcls": True}, "on"), (UNREAD, "unread")]


@pytest.mark.parametrize(("account", "bucket"), list(product(STATES, repeat=2)))
def test_ignoring_acls_in_any_scope_is_enough(account: tuple[Any, str], bucket: tuple[Any, str]) -> None:
    """One scope that is on closes; one that could not be read leaves the answer unknown."""
    found = judged(acl_grants=[GRANT], account_bpa=account[0], bucket_bpa=bucket[0])
    states = {account[1], bucket[1]}
    assert found.public is (False if "on" in states else None if "unread" in states else True)
    if found.public is None:
        assert any("could not be read: AccessDenied" in text for text in found.unknown_because)


def test_organisation_block_overrides_the_account() -> None:
    """An organisation's `all` closes whatever the account says; `none` leaves it to the account."""
    assert judged(policy=policy(OPEN), org_bpa="all").blocked_by == ("account_bpa",)
    assert judged(policy=policy(OPEN), org_bpa="none").public is True
    assert judged(policy=policy(OPEN), org_bpa=UNREAD).public is None
    assert judged(policy=policy(OPEN), org_bpa="all", account_bpa=UNREAD).public is False


def test_restriction_cuts_named_accounts_of_a_public_policy_only() -> None:
    """One public statement costs the named account its access."""
    block = {"RestrictPublicBuckets": True}
    assert judged(policy=policy(OPEN, NAMED), bucket_bpa=block).cross_account == ()
    assert judged(policy=policy(NAMED), bucket_bpa=block).cross_account == ("222222222222",)


def test_unreadable_restriction_leaves_both_open() -> None:
    """Neither the public nor the accounts are settled."""
    found = judged(policy=policy(OPEN, NAMED), bucket_bpa=UNREAD)
    assert (found.public, found.cross_account) == (None, ())
    assert any(text.startswith("account 222222222222") for text in found.unknown_because)


def test_what_could_not_be_read_is_unknown_and_named() -> None:
    """Policy, list, ownership, access points."""
    for setting, named in (
        ({"policy": UNREAD}, "policy"),
        ({"acl_grants": UNREAD}, "access control list"),
        ({"acl_grants": [GRANT], "ownership": UNREAD}, "ownership"),
        ({"acl_grants": [GRANT], "ownership": "Else"}, "ownership"),
        ({"policy": policy(DELEGATED), "access_points": UNREAD}, "access points"),
        ({"policy": policy(OPEN), "requester_pays": UNREAD}, "requester"),
    ):
        found = judged(**setting)
        if setting.get("requester_pays") is None:
            assert found.public is None, setting
        assert any(named in text for text in found.unknown_because), (setting, found.unknown_because)


def test_enforced_ownership_settles_an_unreadable_list() -> None:
    """With access control lists disabled, what they say does not matter."""
    assert judged(acl_grants=UNREAD, ownership="BucketOwnerEnforced").public is False


def test_requester_pays_refuses_unsigned_callers() -> None:
    """What was open to anyone is open to anyone with an account."""
    found = judged(policy=policy(OPEN), requester_pays=True)
    assert (found.public, found.public_actions, found.authenticated_only) == (True, (), True)


def point(**more: Any) -> dict[str, Any]:
    """An access point that lets everyone read."""
    return {"name": "p", "network_origin": "Internet", "bpa": None, "policy": policy(THROUGH), **more}


def test_access_point_needs_the_bucket_policy_and_its_region_is_found() -> None:
    """Both policies allow: public through the point, with a witness under its ARN."""
    found = judged(policy=policy(DELEGATED), access_points=[point()])
    assert (found.public, found.via) == (True, ("access_point",))
    assert found.witnesses[0].resource.startswith(f"{POINT}/object/")
    assert judged(policy=policy(NAMED), access_points=[point()]).blocked_by == ("bucket_policy",)


@pytest.mark.parametrize("scope", ["account_bpa", "bucket_bpa", "access_point_bpa"])
def test_any_scope_restricts_an_access_point(scope: str) -> None:
    """Account, bucket and the point's own block."""
    block = {"RestrictPublicBuckets": True}
    points = [point(bpa=block)] if scope == "access_point_bpa" else [point()]
    settings = {} if scope == "access_point_bpa" else {scope: block}
    found = judged(policy=policy(DELEGATED), access_points=points, **settings)
    assert (found.public, found.blocked_by) == (False, tuple(sorted((scope, "condition"))))


def test_access_point_of_unknown_origin_is_unknown() -> None:
    """Neither Internet nor VPC: nothing is settled."""
    assert judged(policy=policy(DELEGATED), access_points=[point(network_origin="?")]).public is None


def test_denies_of_either_document_bind_an_access_point() -> None:
    """The bucket policy's Deny and the point's own."""
    no = {**OPEN, "Effect": "Deny"}
    assert judged(policy=policy(DELEGATED, no), access_points=[point()]).public is False
    own = {**THROUGH, "Effect": "Deny"}
    assert judged(policy=policy(DELEGATED), access_points=[point(policy=policy(THROUGH, own))]).public is False


def test_multi_region_access_point_is_for_signed_callers() -> None:
    """Requests are signed, so what is open is open to anyone with an account."""
    alias = "arn:aws:s3::111111111111:accesspoint/m.mrap"
    made = {"name": "m.mrap", "policy": policy({**OPEN, "Resource": f"{alias}/object/*"})}
    found = judged(policy=policy(DELEGATED), multi_region_access_points=[made])
    assert (found.public, found.authenticated_only, found.via) == (True, True, ("access_point",))
    blocked = judged(
        policy=policy(DELEGATED), multi_region_access_points=[{**made, "bpa": {"RestrictPublicBuckets": True}}]
    )
    assert blocked.public is False


def test_other_partition_is_read_from_the_policy() -> None:
    """A document without a partition, from a partition that is not the usual one."""
    found = judged(policy=policy({**OPEN, "Resource": "arn:aws-us-gov:s3:::b/*"}))
    assert found.public is True
    assert found.witnesses[0].resource == "arn:aws-us-gov:s3:::b/any-object"


def test_answer_of_aws_is_taken_and_disagreement_shown() -> None:
    """RestrictPublicBuckets acts on AWS's own status, and a difference from the estimate is told."""
    vague = {**OPEN, "Principal": {"AWS": "222222222222"}, "Condition": {"StringLike": {"aws:userid": "AROAX:*"}}}
    settings = {"policy": policy(vague, NAMED), "bucket_bpa": {"RestrictPublicBuckets": True}}
    assert judged(**settings, policy_status=False).cross_account == ("222222222222",)
    found = judged(policy=policy(OPEN), policy_status=False)
    assert any("AWS says" in text for text in found.unknown_because)


def test_everything_blocked_is_closed() -> None:
    """All flags on, in one scope."""
    flags = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    assert inputs_of({"bucket": "b", "bucket_owner": "1" * 12, "bucket_bpa": flags}).bucket_block == ALL_BLOCKED
    found = judged(policy=policy(OPEN), acl_grants=[GRANT], bucket_bpa=flags)
    assert (found.public, found.blocked_by) == (False, ("bucket_bpa",))
