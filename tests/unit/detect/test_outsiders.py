"""Policies of other resources than buckets that let in strangers in a roundabout way, and such as do not."""

from typing import Any

import pytest

from s3warden.detect.outsiders import Outsiders, Resource, outsiders
from s3warden.detect.rule import RuleOptions
from s3warden.detect.samples import allow, policy

OWNER, PARTNER = "111122223333", "444455556666"
POINT = f"arn:aws:s3-object-lambda:eu-west-1:{OWNER}:accesspoint/example"
GET = "s3-object-lambda:GetObject"


def found(principal: Any = "*", action: str = GET, resource: str = f"{POINT}/object/*", **condition: Any) -> Outsiders:
    """Whom one Allow lets in."""
    more = {"Condition": condition} if condition else {}
    text = policy(allow(principal, action, resource, **more)).value.text
    return outsiders(str(text), Resource(POINT, OWNER, "aws", (GET,)), RuleOptions())


@pytest.mark.parametrize(
    "resource",
    [
        f"arn:aws:s3-object-lambda:eu-west-1:{OWNER}:accesspoint/*/object/*",
        "arn:aws:s3-object-lambda:*:*:accesspoint/example/object/*",
        f"arn:aws:s3-object-lambda:eu-west-1:{OWNER}:accesspoint/exam*/object/*",
        f"{POINT}/object/private/*",
        "*",
    ],
)
def test_patterns_of_resources_that_fit_let_in(resource: str) -> None:
    """Wherever the wildcards stand."""
    assert found(resource=resource).everyone


@pytest.mark.parametrize(
    "condition",
    [
        {"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}},
        {"NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}},
        {"StringLike": {"aws:PrincipalOrgID": "*"}},
        {"StringLike": {"aws:PrincipalOrgID": "o-*"}},
        {"StringLike": {"aws:username": "*"}},
        {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/x"}},
    ],
)
def test_conditions_that_strangers_meet_let_in(condition: dict[str, Any]) -> None:
    """A limit that is left out itself, and patterns that fit everybody."""
    assert found(**condition).everyone


def test_an_action_with_a_wildcard_lets_in_by_what_it_stands_for() -> None:
    """Though nobody asks for it by name."""
    assert found(action="s3-object-lambda:GetObjectV*").everyone


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}},
        {"DateLessThan": {"aws:CurrentTime": "no date"}},
        {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{OWNER}:role/x"}},
    ],
)
def test_conditions_that_no_stranger_meets_do_not(condition: dict[str, Any]) -> None:
    """Nor does a limit that is none crash the rule."""
    assert not found(**condition)


def test_another_resource_is_not_this_one() -> None:
    """However much its name is like it."""
    assert not found(resource=f"{POINT}-2/object/*")


def test_whose_a_canonical_user_is_cannot_be_told() -> None:
    """Unknown, and not nobody."""
    assert found({"CanonicalUser": "c" * 64}).unclear is not None
