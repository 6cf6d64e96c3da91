"""What the rules on exposure say, and how they prove it."""

import json
import subprocess
import sys
from typing import Any

import pytest

from s3warden.detect.evaluate import evaluate
from s3warden.detect.proofs import STATEMENT
from s3warden.detect.rule import RuleOptions
from s3warden.detect.rules import find
from s3warden.detect.samples import (
    ACCOUNT,
    ARN,
    allow,
    bucket,
    by_policy,
    flags,
    granting,
    point,
    points,
    policy,
    unguarded,
)
from s3warden.model.bucket import Aspect, Cause, Present, State
from s3warden.model.configuration import ALL_USERS, AUTHENTICATED_USERS
from s3warden.model.finding import RuleResult, Verdict
from support.exposure_states import VECTORS, state_of

PARTNER = {"AWS": "arn:aws:iam::444455556666:root"}


def judge(rule_id: str, state: State, options: RuleOptions | None = None) -> RuleResult:
    """One rule's verdict."""
    [result] = evaluate((find(rule_id),), state, options=options or RuleOptions())
    return result


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_rules_say_of_a_state_what_the_engine_says_of_the_vector(vector: dict[str, Any]) -> None:
    """From readings to findings nothing is lost: public, to whom, or not known."""
    expected = vector["expect"]
    state = state_of(vector)
    whole, signed = judge("bucket-public-effective", state), judge("bucket-public-authenticated", state)
    if expected["public"] is None:
        assert (whole.verdict, whole.cause) == (Verdict.UNKNOWN, Cause.UNDECIDED)
        assert whole.evidence.details["because"]
        return
    failing = [result.rule_id for result in (whole, signed) if result.verdict is Verdict.FAIL]
    who = "bucket-public-authenticated" if expected["authenticated_only"] else "bucket-public-effective"
    assert failing == ([who] if expected["public"] else [])
    if whole.verdict is Verdict.FAIL:
        known = set(whole.evidence.details["actions"].split(", ")) - {"administration"}
        assert known == set(expected["public_actions"])
    shared = judge("bucket-cross-account-access", state)
    if expected["cross_account"]:
        assert shared.evidence.details["accounts"] == ", ".join(expected["cross_account"])
    elif '"CanonicalUser"' not in str(vector["policy"]):
        assert shared.verdict is not Verdict.FAIL


def test_one_leak_is_told_with_its_whole_proof() -> None:
    """Who can do what, one request, what grants it, the statement, and which layers do not hold."""
    state = unguarded({**by_policy(allow(Sid="PublicRead")), Aspect.ACL: granting((ALL_USERS, "READ"))})
    result = judge("bucket-public-effective", state)
    assert result.evidence.summary == (
        "Anyone on the internet can read objects and list the bucket, "
        "by statement 0 (PublicRead) of the bucket policy, the ACL grant READ for AllUsers."
    )
    assert dict(result.evidence.details) == {
        "actions": "read, list",
        "via": "acl, policy",
        "request": f"s3:GetObject on {ARN}/any-object by anyone, unsigned, with aws:sourceip=9.9.9.9",
        "granted_by": "statement 0 (PublicRead) of the bucket policy, the ACL grant READ for AllUsers",
        "statement": json.dumps(dict(allow(Sid="PublicRead")), separators=(",", ":")),
        "public_access_block": "account: all off; bucket: all off",
        "exposure": "public_read",
    }


def test_what_is_not_public_says_which_layer_stops_it() -> None:
    """Beside an open policy the ACL's grant is held back; of a private bucket the verdict names the layer."""
    held = {Aspect.ACL: granting((ALL_USERS, "WRITE")), Aspect.PUBLIC_ACCESS_BLOCK: flags(ignore=True)}
    result = judge("bucket-public-effective", unguarded({**by_policy(allow()), **held}))
    assert result.evidence.details["held_back"] == "access control list: block public access of the bucket"
    assert result.evidence.details["public_access_block"] == "account: all off; bucket: IgnorePublicAcls on"
    private = judge("bucket-public-effective", unguarded(held))
    assert private.evidence.summary == (
        "Not public: a grant to everyone is stopped by block public access of the bucket."
    )


def test_what_any_account_gets_beyond_the_unsigned_is_told_too() -> None:
    """Two grants, two kinds of callers, one finding."""
    grants = granting((ALL_USERS, "READ"), (AUTHENTICATED_USERS, "WRITE"))
    result = judge("bucket-public-effective", unguarded({Aspect.ACL: grants}))
    assert result.evidence.details["any_account_also"].startswith("put objects: s3:PutObject on ")


def test_administration_by_strangers_is_the_worst() -> None:
    """Settings that everyone may change outrank what everyone may read."""
    state = unguarded(by_policy(allow(actions=["s3:GetObject", "s3:PutEncryptionConfiguration"], resource="*")))
    details = judge("bucket-public-effective", state).evidence.details
    assert (details["actions"].split(", ")[0], details["exposure"]) == ("administration", "public_admin")
    assert details["request"].startswith("s3:PutEncryptionConfiguration on ")


def test_a_way_in_through_an_access_point_is_one_of_the_bucket() -> None:
    """The bucket policy delegates, the access point admits everyone."""
    delegating = allow(
        "*", "s3:*", [ARN, f"{ARN}/*"], Condition={"StringEquals": {"s3:DataAccessPointAccount": ACCOUNT.account}}
    )
    through = f"arn:{ACCOUNT.partition}:s3:eu-west-1:{ACCOUNT.account}:accesspoint/data/object/*"
    state = unguarded(
        {
            **by_policy(delegating, public=False),
            Aspect.ACCESS_POINTS: points(point(allow("*", "s3:GetObject", through))),
        }
    )
    details = judge("bucket-public-effective", state).evidence.details
    assert details["via"] == "access_point"
    assert "accesspoint/data/object/any-object" in details["request"]
    assert details["granted_by"] == "access point data statement 0 and policy statement 0"


def test_facts_are_bounded_whatever_the_policy() -> None:
    """A policy may have 20 KB; an alert has not."""
    many = [allow(PARTNER, resource=f"{ARN}/{'long/' * 40}{number}/*") for number in range(40)]
    names = [f"arn:aws:iam::{number:012}:root" for number in range(100, 400)]
    state = unguarded(by_policy(*many, allow({"AWS": names}), allow(Sid="x" * 500)))
    for rule_id in ("bucket-public-effective", "bucket-cross-account-access", "bucket-policy-wildcard-principal"):
        for key, value in judge(rule_id, state).evidence.details.items():
            assert len(value) <= 3 * STATEMENT, (rule_id, key)


PROGRAM = """
import sys
sys.path[:0] = ["tests"]
from s3warden.detect.evaluate import evaluate
from s3warden.detect.rules import RULES
from support.exposure_states import VECTORS, state_of
for vector in VECTORS:
    for result in evaluate(RULES, state_of(vector)):
        print(vector["id"], result.rule_id, result.evidence.digest)
"""


def test_facts_are_the_same_in_every_process() -> None:
    """A restart must not make findings look changed: no order of a set may get into the evidence."""
    answers = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(answers) == 1
    assert answers.pop().count("\n") > 2000


def test_expired_statement_grants_nothing_and_a_running_one_does() -> None:
    """The time that counts is that of the reading."""
    until = {"DateLessThan": {"aws:CurrentTime": "2025-01-01T00:00:00Z"}}
    later = {"DateLessThan": {"aws:CurrentTime": "2027-01-01T00:00:00Z"}}
    assert judge("bucket-public-effective", unguarded(by_policy(allow(Condition=until)))).verdict is Verdict.PASS
    assert judge("bucket-public-effective", unguarded(by_policy(allow(Condition=later)))).verdict is Verdict.FAIL


def test_latent_exposure_names_every_layer_that_holds() -> None:
    """One layer is one wrong click; two are less."""
    one = unguarded({**by_policy(allow()), Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: flags(restrict=True)})
    two = bucket(by_policy(allow()))
    assert judge("bucket-public-latent", one).evidence.details["stopped_by"] == "block public access of the account"
    assert judge("bucket-public-latent", two).evidence.details["stopped_by"] == (
        "block public access of the account; block public access of the bucket"
    )


def test_canonical_users_are_told_by_their_ids() -> None:
    """The made-up account numbers that stand for them appear nowhere."""
    state = unguarded(by_policy(allow({"CanonicalUser": "d" * 64}), public=False))
    details = judge("bucket-cross-account-access", state).evidence.details
    assert details["accounts"] == f"canonical user {'d' * 64}"
    assert "000000" not in " ".join(details.values())


def test_unknown_statement_elsewhere_hides_no_leak() -> None:
    """One statement that nobody understands leaves what another grants in force."""
    state = unguarded({Aspect.POLICY: policy(allow(), allow(Condition={"Stringy": {"aws:Referer": "x"}}))})
    assert judge("bucket-public-effective", state).verdict is Verdict.FAIL
    assert isinstance(state.reading(Aspect.POLICY), Present)
