"""One policy against another: whether it lets in a request that the other does not."""

import json
from typing import Any

import pytest

from s3warden.detect.exposure.comparison import not_broader
from s3warden.detect.exposure.inputs import ExposureInputs

OWNER, PARTNER = "111122223333", "444455556666"
OBJECTS = "arn:aws:s3:::data/*"


def allow(**elements: Any) -> dict[str, Any]:
    """An Allow to everyone to read objects, with `elements` in place of its own; None takes one away."""
    whole = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": OBJECTS, **elements}
    return {name: value for name, value in whole.items() if value is not None}


def when(operator: str, key: str, value: object, **elements: Any) -> dict[str, Any]:
    """Such an Allow under one condition."""
    return allow(Condition={operator: {key: value}}, **elements)


def deny(**elements: Any) -> dict[str, Any]:
    """A Deny of everything to everyone, with `elements` in place of its own."""
    return allow(Effect="Deny", **{"Action": "s3:*", "Resource": "*", **elements})


def text(statements: list[dict[str, Any]]) -> str:
    """A policy of these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def compared(policy: list[dict[str, Any]], limit: list[dict[str, Any]]) -> bool | None:
    """Whether the first stays within the second."""
    return not_broader(ExposureInputs("data", OWNER, policy=text(policy)), text(limit)).holds


ROLE = {"AWS": f"arn:aws:iam::{PARTNER}:role/reader"}
LOGS = {"Service": "logging.s3.amazonaws.com"}
OAI = {"AWS": "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"}
POLICIES = [
    [],
    [allow()],
    [allow(Principal=ROLE)],
    [when("IpAddress", "aws:SourceIp", "203.0.113.0/24")],
    [when("StringEquals", "aws:SourceVpce", "vpce-1a2b3c4d")],
    [when("StringEquals", "aws:PrincipalOrgID", "o-abcdefghij")],
    [when("StringLike", "aws:PrincipalArn", f"arn:aws:iam::{PARTNER}:role/team-*")],
    [allow(Principal=LOGS, Condition={"StringEquals": {"aws:SourceAccount": OWNER}})],
    [allow(Principal={"CanonicalUser": "c" * 64})],
    [allow(Principal=OAI)],
    [allow(Principal={"Federated": "graph.facebook.com"})],
    [allow(Action=["s3:*"], Resource="*"), deny(Condition={"Bool": {"aws:SecureTransport": "false"}})],
    [allow(Action=None, NotAction="s3:Put*")],
]


@pytest.mark.parametrize("policy", POLICIES, ids=[text(policy)[:60] for policy in POLICIES])
def test_no_policy_is_broader_than_itself(policy: list[dict[str, Any]]) -> None:
    """Whatever it says, whoever it names."""
    assert compared(policy, policy) is True


@pytest.mark.parametrize("policy", POLICIES[1:], ids=[text(policy)[:60] for policy in POLICIES[1:]])
def test_every_grant_is_broader_than_none(policy: list[dict[str, Any]]) -> None:
    """And the proof is a request."""
    found = not_broader(ExposureInputs("data", OWNER, policy=text(policy)), text([]))
    assert found.holds is False
    assert found.loophole is not None
    assert found.loophole.action.startswith("s3:")


WITHIN = [
    ("a role, within its account", [allow(Principal=ROLE)], [allow(Principal={"AWS": PARTNER})]),
    ("one action of many", [allow()], [allow(Action="s3:Get*")]),
    ("one prefix of all", [allow(Resource=f"{OBJECTS[:-1]}a/*")], [allow()]),
    ("a narrower network", [when("IpAddress", "aws:SourceIp", "203.0.113.8/29")], POLICIES[3]),
    ("what a Deny takes back", [allow(), deny()], []),
    (
        "a Deny that both have",
        [allow(), deny(Condition={"Bool": {"aws:SecureTransport": "false"}})],
        [allow(), deny(Condition={"Bool": {"aws:SecureTransport": "false"}})],
    ),
    ("one organisation of all", POLICIES[5], [allow()]),
]
BEYOND = [
    ("the account, beyond its role", [allow(Principal={"AWS": PARTNER})], [allow(Principal=ROLE)]),
    ("another account", [allow(Principal={"AWS": "777788889999"})], [allow(Principal={"AWS": PARTNER})]),
    ("another network", [when("IpAddress", "aws:SourceIp", "198.51.100.0/24")], POLICIES[3]),
    ("a wider network", [when("IpAddress", "aws:SourceIp", "203.0.112.0/23")], POLICIES[3]),
    ("another endpoint", [when("StringEquals", "aws:SourceVpce", "vpce-99999999")], POLICIES[4]),
    ("another organisation", [when("StringEquals", "aws:PrincipalOrgID", "o-9999999999")], POLICIES[5]),
    ("another canonical user", [allow(Principal={"CanonicalUser": "d" * 64})], POLICIES[8]),
    ("a service for everyone", [allow(Principal=LOGS)], POLICIES[7]),
    ("another service", [allow(Principal={"Service": "cloudtrail.amazonaws.com"})], [allow(Principal=LOGS)]),
    ("what the other denies", [allow()], [allow(), deny(Resource=f"{OBJECTS[:-1]}secret/*")]),
    ("a role of the own account", [allow(Principal={"AWS": f"arn:aws:iam::{OWNER}:role/x"})], [allow(Principal=ROLE)]),
    ("without the condition", [allow(Principal=ROLE)], [when("Bool", "aws:MultiFactorAuthPresent", "true")]),
]


@pytest.mark.parametrize(("policy", "limit"), [case[1:] for case in WITHIN], ids=[case[0] for case in WITHIN])
def test_within(policy: list[dict[str, Any]], limit: list[dict[str, Any]]) -> None:
    """Nothing gets in that the other keeps out."""
    assert compared(policy, limit) is True


@pytest.mark.parametrize(("policy", "limit"), [case[1:] for case in BEYOND], ids=[case[0] for case in BEYOND])
def test_beyond(policy: list[dict[str, Any]], limit: list[dict[str, Any]]) -> None:
    """Some request gets in that the other keeps out."""
    assert compared(policy, limit) is False


def test_what_is_not_understood_is_not_compared() -> None:
    """On either side: an operator nobody knows leaves the answer open, unless something else proves it."""
    strange = [when("Stringy", "aws:SourceVpce", "x")]
    assert compared(strange, []) is None
    assert compared([allow()], strange) is None
    assert compared([allow(Action="s3:PutObject"), *strange], [allow()]) is False
