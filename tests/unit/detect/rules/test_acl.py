"""Public ACL grants: the ten of them stay apart in the evidence, and the layers decide."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3warden.detect.evaluate import evaluate
from s3warden.detect.rules import acl
from s3warden.detect.samples import OWNER, OWNER_GRANT, flags, unguarded
from s3warden.model.bucket import Aspect, BucketState, Present
from s3warden.model.configuration import (
    ALL_USERS,
    AUTHENTICATED_USERS,
    LOG_DELIVERY,
    Acl,
    Grant,
    GranteeKind,
    Ownership,
)
from s3warden.model.finding import RuleResult, Verdict
from s3warden.model.framework import Framework

GROUPS = {"AllUsers": ALL_USERS, "AuthenticatedUsers": AUTHENTICATED_USERS}
PERMISSIONS = ("READ", "READ_ACP", "WRITE", "WRITE_ACP", "FULL_CONTROL")
TEN = list(product(GROUPS, PERMISSIONS))
LIVE = (acl.PUBLIC_READ, acl.PUBLIC_WRITE, acl.AUTHENTICATED_READ, acl.AUTHENTICATED_WRITE)


def granting(*grants: Grant) -> BucketState:
    """An unguarded bucket with these grants beside the owner's."""
    return unguarded({Aspect.ACL: Present(Acl(OWNER, (OWNER_GRANT, *grants)))})


def group(name: str, permission: str) -> Grant:
    """A grant to one of the two global groups."""
    return Grant(GranteeKind.GROUP, GROUPS[name], permission)


def failures(state: BucketState) -> dict[str, RuleResult]:
    """The ACL rules that fail, by id."""
    return {r.rule_id: r for r in evaluate(acl.RULES, state) if r.verdict is Verdict.FAIL}


@pytest.mark.parametrize(("number", "grantee", "permission"), [(n, *grant) for n, grant in enumerate(TEN, start=1)])
def test_each_of_the_ten_grants_fails_exactly_one_rule(number: int, grantee: str, permission: str) -> None:
    """One cause, one rule; the evidence tells grantee, permission and Conformity's own id."""
    [result] = failures(granting(group(grantee, permission))).values()
    assert result.evidence.live
    assert result.evidence.details["grant"] == f"{grantee} {permission}"
    assert result.evidence.details["grantee"] == grantee
    assert result.evidence.details["permission"] == permission
    assert result.evidence.details["conformity"] == f"S3-{number:03}"
    assert f"{grantee} {permission}" in result.evidence.summary


def test_metadata_maps_to_all_ten_conformity_rules() -> None:
    """Each of S3-001 to S3-010 is mapped to one live rule."""
    found = [control.id for rule in LIVE for control in rule.info.maps if control.framework is Framework.CONFORMITY]
    assert found == [f"S3-{number:03}" for number in range(1, 11)]


def test_several_grants_of_a_group_are_one_failure() -> None:
    """Everything that one group may read is one finding with all grants named."""
    state = granting(group("AllUsers", "READ_ACP"), group("AllUsers", "READ"), group("AllUsers", "READ"))
    [result] = failures(state).values()
    assert result.evidence.details["grant"] == "AllUsers READ, AllUsers READ_ACP"
    assert result.severity == "critical"


def test_order_of_grants_changes_nothing() -> None:
    """AWS may answer in any order; the evidence stays the same."""
    grants = (group("AllUsers", "WRITE"), group("AllUsers", "FULL_CONTROL"))
    one, two = (failures(granting(*order))["bucket-acl-public-write"] for order in (grants, grants[::-1]))
    assert one.evidence.digest == two.evidence.digest


@pytest.mark.parametrize(
    "grant",
    [
        Grant(GranteeKind.GROUP, LOG_DELIVERY, "WRITE"),
        Grant(GranteeKind.CANONICAL_USER, "c4c1ede66af53448b93c283ce9448c4ba468c9432aa01d700d3878632f77d2d0", "WRITE"),
        Grant(GranteeKind.EMAIL, "someone/global/AllUsers", "WRITE"),
    ],
)
def test_grants_to_others_are_not_public(grant: Grant) -> None:
    """Log delivery, a named account and an e-mail address are not everyone."""
    assert failures(granting(grant)) == {}


def test_group_of_another_partition_is_recognised() -> None:
    """The host of the group's URI is not what makes it the group."""
    uri = ALL_USERS.replace("acs.", "acs.cn-test.")
    assert list(failures(granting(Grant(GranteeKind.GROUP, uri, "READ")))) == ["bucket-acl-public-read"]


@given(
    grants=st.sets(st.sampled_from(TEN), min_size=1),
    account=st.booleans(),
    bucket=st.booleans(),
    enforced=st.booleans(),
)
def test_a_public_grant_is_live_or_latent_and_never_both_or_neither(
    grants: set[tuple[str, str]], account: bool, bucket: bool, enforced: bool
) -> None:
    """Over all grants and layers: any layer makes all of them latent, none makes all of them live."""
    state = unguarded(
        {
            Aspect.ACL: Present(Acl(OWNER, (OWNER_GRANT, *(group(*grant) for grant in sorted(grants))))),
            Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: flags(ignore=account, acls=True),
            Aspect.PUBLIC_ACCESS_BLOCK: flags(ignore=bucket, acls=True),
            Aspect.OWNERSHIP: Present(Ownership("BucketOwnerEnforced" if enforced else "BucketOwnerPreferred")),
        }
    )
    found = failures(state)
    named = {grant for result in found.values() for grant in result.evidence.details["grant"].split(", ")}
    assert named == {" ".join(grant) for grant in grants}
    if account or bucket or enforced:
        assert list(found) == ["bucket-acl-latent-public"]
        assert not found["bucket-acl-latent-public"].evidence.live
    else:
        assert "bucket-acl-latent-public" not in found
        assert all(result.evidence.live for result in found.values())


def test_latent_grants_name_the_layer() -> None:
    """The evidence says what keeps the grant from taking effect."""
    state = unguarded(
        {
            Aspect.ACL: Present(Acl(OWNER, (group("AllUsers", "READ"),))),
            Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: flags(ignore=True),
        }
    )
    assert failures(state)["bucket-acl-latent-public"].evidence.details["neutralised_by"] == "account IgnorePublicAcls"
