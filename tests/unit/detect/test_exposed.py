"""From readings to the engine's inputs: what is unreadable stays so, and nothing is lost."""

from dataclasses import replace

import pytest

from s3warden.detect.evaluate import evaluate
from s3warden.detect.exposed import HINTS, NEEDS, inputs_of
from s3warden.detect.exposure.inputs import inputs_of as of_document
from s3warden.detect.rule import RuleOptions
from s3warden.detect.rules import find
from s3warden.detect.samples import (
    ALL_ON,
    DENIED,
    account,
    allow,
    bucket,
    by_policy,
    granting,
    multi_region,
    point,
    points,
    policy,
    unguarded,
)
from s3warden.model.bucket import ABSENT, ACCOUNT_ASPECTS, Aspect, Cause, Present, Unreadable
from s3warden.model.configuration import ALL_USERS, MultiRegionAccessPoints, Policy
from s3warden.model.finding import Verdict
from support.exposure_states import REGION, VECTORS, state_of

OPTIONS = RuleOptions()


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_a_state_asks_what_its_document_asks(vector: dict[str, object]) -> None:
    """But for what only one of the two can say: the organisation's part in the account's block, the region."""
    asked, expected = inputs_of(state_of(vector), OPTIONS), of_document(vector)
    same = {"organisation_block": None, "account_block": None, "organisation": None, "access_points": (), "now": None}
    assert replace(asked, **same) == replace(expected, **same)  # type: ignore[arg-type]
    assert isinstance(asked.access_points, tuple)
    assert isinstance(expected.access_points, tuple)
    assert asked.access_points == tuple(replace(each, region=REGION) for each in expected.access_points)


@pytest.mark.parametrize(
    ("aspect", "field"),
    [
        (Aspect.ACL, "grants"),
        (Aspect.POLICY, "policy"),
        (Aspect.OWNERSHIP, "ownership"),
        (Aspect.PUBLIC_ACCESS_BLOCK, "bucket_block"),
        (Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK, "account_block"),
        (Aspect.ACCESS_POINTS, "access_points"),
        (Aspect.MULTI_REGION_ACCESS_POINTS, "access_points"),
    ],
)
def test_unreadable_stays_unreadable_with_its_cause(aspect: Aspect, field: str) -> None:
    """Never the same as not configured."""
    assert getattr(inputs_of(bucket({aspect: DENIED}), OPTIONS), field) == DENIED
    assert aspect in NEEDS


def test_hints_are_done_without() -> None:
    """AWS's own status and who pays: without them the engine estimates, and takes the unsigned for possible."""
    asked = inputs_of(bucket(dict.fromkeys(HINTS, DENIED)), OPTIONS)
    assert (asked.policy_status, asked.requester_pays) == (None, False)


def test_groups_are_told_in_every_partition() -> None:
    """The host in a group's URI is another one elsewhere."""
    elsewhere = ALL_USERS.replace("acs.amazonaws.com", "acs.example.cn")
    asked = inputs_of(unguarded({Aspect.ACL: granting((elsewhere, "READ"))}), OPTIONS)
    assert isinstance(asked.grants, tuple)
    assert ALL_USERS in {grant.grantee for grant in asked.grants}


def test_the_time_counts_only_where_the_policy_speaks_of_it() -> None:
    """So that the answer for all others can be remembered."""
    timed = allow(Condition={"DateLessThan": {"AWS:currenttime": "2027-01-01T00:00:00Z"}})
    state = unguarded(by_policy(timed))
    assert inputs_of(state, OPTIONS).now == state.read_at.timestamp()
    assert inputs_of(unguarded(by_policy(allow())), OPTIONS).now is None


def test_access_points_of_many_regions_lead_here_with_both_their_policies() -> None:
    """The one in force and the one on its way; points to other buckets do not count."""
    found = multi_region().value.points[0]
    coming = replace(found, policy=policy(allow()), proposed=Policy("{}"))
    shared = Present(MultiRegionAccessPoints((coming,)))
    asked = inputs_of(bucket({Aspect.MULTI_REGION_ACCESS_POINTS: shared}), OPTIONS).access_points
    assert isinstance(asked, tuple)
    assert [(each.name, each.multi_region, each.policy) for each in asked] == [
        ("mabcdefghijkl.mrap", True, policy(allow()).value.text),
        ("mabcdefghijkl.mrap", True, "{}"),
    ]
    elsewhere = bucket({Aspect.MULTI_REGION_ACCESS_POINTS: multi_region(bucket_name="other")})
    assert inputs_of(elsewhere, OPTIONS).access_points == ()


def test_part_of_an_access_point_that_is_unreadable_is_named() -> None:
    """The list was read, one policy in it was not: no verdict of PASS, and the cause of that part."""
    state = bucket({Aspect.ACCESS_POINTS: points(replace(point(block=Present(ALL_ON)), policy=DENIED))})
    for rule_id in ("bucket-public-effective", "bucket-access-point-cross-account"):
        [result] = evaluate((find(rule_id),), state)
        assert (result.verdict, result.cause) == (Verdict.UNKNOWN, Cause.ROLE_PERMISSION)
        assert result.evidence.details["unreadable"] == "access_points"


def test_unreadable_access_points_of_a_delegating_bucket_are_no_private_bucket() -> None:
    """The policy leaves the decision to access points that nobody could list."""
    state = unguarded({**by_policy(allow(), public=False), Aspect.ACCESS_POINTS: Unreadable(Cause.THROTTLED)})
    [result] = evaluate((find("bucket-public-latent"),), state)
    assert result.verdict is Verdict.UNKNOWN


def test_an_account_is_not_asked_about() -> None:
    """Only buckets are exposed; the account's readings come with the bucket."""
    with pytest.raises(TypeError):
        inputs_of(account(ABSENT), OPTIONS)
    assert NEEDS & ACCOUNT_ASPECTS
