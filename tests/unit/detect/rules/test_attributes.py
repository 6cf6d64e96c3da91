"""Who may set tags that give access: the cases beside the examples of the rule."""

from typing import Any

import pytest

from s3warden.detect.evaluate import evaluate
from s3warden.detect.rules import find
from s3warden.detect.samples import ACCOUNT, ARN, allow, bucket, policy
from s3warden.model.bucket import Aspect, Present
from s3warden.model.configuration import Abac
from s3warden.model.finding import RuleResult, Verdict

ROLE = f"arn:aws:iam::{ACCOUNT.account}:role/tagger"
ROOT = f"arn:aws:iam::{ACCOUNT.account}:root"
PARTNER = "444455556666"


def judge(*statements: Any) -> RuleResult:
    """What the rule says of a bucket with ABAC on and these statements."""
    readings = {Aspect.ABAC: Present(Abac(enabled=True)), Aspect.POLICY: policy(*statements)}
    [result] = evaluate((find("bucket-abac-tag-escalation"),), bucket(readings))
    return result


def tag(principal: object, **more: object) -> Any:
    """An Allow to tag the bucket."""
    return allow(principal, "s3:TagResource", ARN, **more)


def test_everybody_who_may_tag_is_told() -> None:
    """Own roles and other accounts by name, each once."""
    result = judge(tag({"AWS": [ROLE, PARTNER]}), allow({"AWS": ROLE}, "s3:UntagResource", ARN))
    assert result.verdict is Verdict.FAIL
    assert result.evidence.details == {"principals": f"{PARTNER}, {ROLE}"}


def test_that_the_own_account_may_all_says_nothing_of_its_roles() -> None:
    """Its root in a policy hands the matter over to the account's own policies, which are not read here."""
    whole = allow({"AWS": ROOT}, "s3:*", ARN)
    assert judge(tag({"AWS": ROLE}), whole).verdict is Verdict.FAIL
    assert judge(whole).verdict is Verdict.PASS


def test_another_account_that_may_change_the_policy_is_not_told_here() -> None:
    """It could let itself in anyway; another rule tells of that."""
    assert judge(tag({"AWS": PARTNER}), allow({"AWS": PARTNER}, "s3:PutBucketPolicy", ARN)).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("condition", "verdict"),
    [
        ({"StringEquals": {"aws:RequestTag/cost": "1"}}, Verdict.PASS),
        ({"ForAllValues:StringLike": {"aws:TagKeys": ["cost-*"]}}, Verdict.PASS),
        ({"ForAnyValue:StringNotEquals": {"aws:TagKeys": ["role"]}}, Verdict.FAIL),
        ({"StringEquals": {"aws:ResourceTag/team": "x"}}, Verdict.FAIL),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-ourownorg1"}}, Verdict.PASS),
    ],
)
def test_conditions(condition: Any, verdict: Verdict) -> None:
    """A list of keys is a limit, one of exceptions is none; whom a condition keeps out is nobody."""
    assert judge(tag("*", Condition=condition)).verdict is verdict


def test_who_is_excepted_from_everyone_is_not_everyone() -> None:
    """NotPrincipal lets in all others."""
    statement = {"Effect": "Allow", "NotPrincipal": {"AWS": ROLE}, "Action": "s3:TagResource", "Resource": ARN}
    result = judge(statement)
    assert (result.verdict, result.evidence.details) == (Verdict.FAIL, {"principals": "everyone"})


def test_a_statement_that_is_not_understood_is_not_passed_over() -> None:
    """What it lets tag is not known."""
    assert judge({**tag({"AWS": ROLE}), "Condition": {"NoSuchOperator": {"a": "b"}}}).verdict is Verdict.UNKNOWN
