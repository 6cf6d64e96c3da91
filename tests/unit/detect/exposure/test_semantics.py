"""Conditions and principals one by one, among them the cases that a measured peer decides wrongly."""

import json
from typing import Any

import pytest

from s3warden.detect.exposure.engine import analyse
from s3warden.detect.exposure.inputs import inputs_of
from s3warden.detect.exposure.verdict import Exposure

OWNER = "111111111111"
OBJECTS, BUCKET = "arn:aws:s3:::b/*", "arn:aws:s3:::b"


def allow(condition: Any = None, **more: Any) -> dict[str, Any]:
    """An Allow of reading to everyone under a condition."""
    base = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": OBJECTS}
    return {**base, **({"Condition": condition} if condition else {}), **more}


def deny(condition: Any = None, **more: Any) -> dict[str, Any]:
    """A Deny of everything to everyone under a condition."""
    return allow(condition, **{"Effect": "Deny", "Action": "s3:*", "Resource": [BUCKET, OBJECTS], **more})


def judged(*statements: dict[str, Any], version: str = "2012-10-17", **more: Any) -> Exposure:
    """The verdict on bucket `b` with this policy."""
    policy = json.dumps({"Version": version, "Statement": list(statements)})
    return analyse(
        inputs_of({"bucket": "b", "bucket_owner": OWNER, "ownership": "ObjectWriter", "policy": policy, **more})
    )


@pytest.mark.parametrize(
    ("action", "element"),
    [("s3:PutObjectAcl", "Action"), ("s3:P*", "Action"), ("s3:putobject", "Action"), ("s3:GetObject", "NotAction")],
)
def test_public_write_in_every_spelling(action: str, element: str) -> None:
    """Writing objects or their access control lists is found by meaning."""
    one = allow()
    del one["Action"]
    assert {"write", "write_acp"} & set(judged({**one, element: action}).public_actions)


def test_prefix_and_question_marks_of_actions() -> None:
    """`?` is one character."""
    assert judged(allow(Action="s3:GetObjec?")).public_actions == ("read",)
    assert judged(allow(Action="s3:GetObject?")).public is None  # no such action is known


ANYONE = [
    ("a wildcard VPC", {"StringLike": {"aws:SourceVpc": "vpc-*"}}),
    ("any principal ARN", {"StringLike": {"aws:PrincipalArn": "*"}}),
    ("a role name in any account", {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/admin"}}),
    ("part of an account number", {"StringLike": {"aws:PrincipalAccount": "2*"}}),
    ("a user name", {"StringEquals": {"aws:username": "ann"}}),
    ("a tag", {"StringEquals": {"aws:PrincipalTag/team": "red"}}),
    ("MFA", {"Bool": {"aws:MultiFactorAuthPresent": "true"}}),
    ("the bucket's own account", {"StringEquals": {"aws:ResourceAccount": OWNER, "aws:PrincipalType": "User"}}),
    ("any organisation", {"Null": {"aws:PrincipalOrgID": "false"}}),
    ("through a service", {"Bool": {"aws:ViaAWSService": "true"}}),
    ("any of many", {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-*"}}),
    ("a variable", {"StringLike": {"s3:prefix": "${aws:username}/*"}}),
    ("two tags alike", {"StringEquals": {"aws:PrincipalTag/a": "${s3:ExistingObjectTag/a}"}}),
]  # fmt: skip


@pytest.mark.parametrize("condition", [case[1] for case in ANYONE], ids=[case[0] for case in ANYONE])
def test_anyone_with_an_account_can_meet(condition: Any) -> None:
    """Public, but not for unsigned callers of the plain internet."""
    found = judged(allow(condition))
    assert (found.public, found.authenticated_only, found.via) == (True, True, ("policy",))


NOBODY = [
    ("own organisation", {"StringEquals": {"aws:PrincipalOrgID": "o-acme"}}),
    ("own organisation's path", {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-acme/*"}}),
    ("the owner's organisation by variable", {"StringEquals": {"aws:PrincipalOrgID": "${aws:ResourceOrgID}"}}),
    ("one role id", {"StringLike": {"aws:userid": "AROAEXAMPLE:*"}}),
    ("own access points", {"StringEquals": {"s3:DataAccessPointAccount": OWNER}}),
    ("own access points by ARN", {"ArnLike": {"s3:DataAccessPointArn": f"arn:aws:s3:*:{OWNER}:accesspoint/*"}}),
    ("a wildcard where none counts", {"StringEquals": {"aws:SourceVpc": "vpc-*"}}),
    ("an endpoint", {"StringEquals": {"aws:SourceVpce": "vpce-1"}}),
    ("own keys", {"StringLike": {"s3:x-amz-server-side-encryption-aws-kms-key-id": f"arn:aws:kms:*:{OWNER}:key/*"}}),
    ("a service's key", {"StringEquals": {"aws:SourceAccount": OWNER}}),
    ("a narrow range", {"IpAddress": {"aws:SourceIp": ["12.0.0.0/8", "2001:db8::/32"]}}),
    ("private ranges", {"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "172.16.0.0/12"]}}),
    ("a contradiction", {"Bool": {"aws:SecureTransport": "false"}, "NumericEquals": {"s3:TlsVersion": "1.2"}}),
    ("another owner", {"StringEquals": {"aws:ResourceAccount": "222222222222"}}),
]  # fmt: skip


@pytest.mark.parametrize("condition", [case[1] for case in NOBODY], ids=[case[0] for case in NOBODY])
def test_no_stranger_can_meet(condition: Any) -> None:
    """A fixed value of somebody else's, or nothing at all."""
    found = judged(allow(condition))
    assert (found.public, found.blocked_by, found.unknown_because) == (False, ("condition",), ())
    assert found.reasons[0].layer == "condition"


EVERYONE = [
    ("TLS", {"Bool": {"aws:SecureTransport": True}}),
    ("wide range", {"IpAddress": {"aws:SourceIp": "8.0.0.0/7"}}),
    ("all of IPv6", {"IpAddress": {"aws:SourceIp": "::/0"}}),
    ("no identity at all", {"Null": {"aws:PrincipalArn": "true"}}),
    ("all values of none", {"ForAllValues:StringEquals": {"aws:TagKeys": "x"}}),
    ("an object tag", {"StringEquals": {"s3:ExistingObjectTag/public": "yes"}}),
    ("not another", {"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}),
    ("a login or none", {"StringEqualsIfExists": {"aws:username": "ann"}}),
    ("a variable's default", {"StringEquals": {"aws:Referer": "${aws:username, 'none'}"}}),
    ("a key in any case", {"Bool": {"AWS:SECURETRANSPORT": "true"}}),
    ("a number as a number", {"NumericGreaterThanEquals": {"s3:TlsVersion": 1.2}}),
]  # fmt: skip


@pytest.mark.parametrize("condition", [case[1] for case in EVERYONE], ids=[case[0] for case in EVERYONE])
def test_everyone_can_meet(condition: Any) -> None:
    """Public to unsigned callers."""
    assert judged(allow(condition)).public_actions == ("read",)


def test_variables_are_text_in_the_old_version() -> None:
    """In a 2008 document nothing is filled in, and `${aws:username}/x` is just a strange prefix."""
    condition = {"StringEquals": {"s3:prefix": "${aws:username}/x"}}
    assert judged(allow(condition), version="2008-10-17").public_actions == ("read",)
    assert judged(allow(condition)).authenticated_only


DENIED_TO_STRANGERS = [
    deny({"StringNotLike": {"aws:userid": ["AROAEXAMPLE:*", OWNER]}}),
    deny(
        {
            "NotIpAddressIfExists": {"aws:SourceIp": "203.0.113.0/24"},
            "StringNotEqualsIfExists": {"aws:SourceVpc": "vpc-1"},
        }
    ),
    deny({"StringNotEquals": {"aws:PrincipalOrgID": "${aws:ResourceOrgID}"}}),
    deny({"ArnNotLike": {"aws:PrincipalArn": f"arn:aws:iam::{OWNER}:role/*"}}),
    deny({"Null": {"aws:SourceVpce": "true"}}, Resource="*"),
]


@pytest.mark.parametrize("statement", DENIED_TO_STRANGERS[:4], ids=range(4))
def test_denies_with_exemptions_close_to_strangers(statement: dict[str, Any]) -> None:
    """The usual perimeters."""
    found = judged(allow(), statement)
    assert (found.public, found.blocked_by) == (False, ("deny",))
    assert "statement 1" in found.reasons[0].text


def test_deny_for_the_internet_leaves_any_endpoint() -> None:
    """Refusing requests without an endpoint leaves those through anybody's endpoint."""
    found = judged(allow(), DENIED_TO_STRANGERS[4])
    assert (found.public, found.authenticated_only) == (True, True)


@pytest.mark.parametrize(
    ("resources", "public"),
    [
        (["arn:aws:s3:::b/a*", "arn:aws:s3:::b/b*"], True),
        (["arn:aws:s3:::b/?*"], False),
        (["arn:aws:s3:::b/?", "arn:aws:s3:::b/??*"], False),
        (["arn:aws:s3:::b/*a*"], True),
        (["arn:aws:s3:::b*"], False),
        (["*"], False),
    ],
)
def test_denied_keys_are_subtracted_exactly(resources: list[str], public: bool) -> None:
    """Patterns are compared as sets of keys."""
    assert judged(allow(), deny(Resource=resources)).public is public


def test_denying_one_action_leaves_its_sibling() -> None:
    """Old versions of objects are read by another action."""
    found = judged(allow(Action="s3:GetObject*"), deny(Action="s3:GetObject"))
    assert found.witnesses[0].action == "s3:GetObjectVersion"


def test_deny_of_either_half_of_the_internet_closes_together() -> None:
    """No single statement does it, both do."""
    halves = [deny({"IpAddress": {"aws:SourceIp": net}}) for net in ("0.0.0.0/1", "128.0.0.0/1", "::/0")]
    vpc = deny({"Null": {"aws:SourceIp": "true"}})
    found = judged(allow(), *halves, vpc)
    assert (found.public, found.blocked_by) == (False, ("deny",))
    assert found.reasons[0].text.startswith("together, statement 1")


ACCOUNTS = [
    ([allow(Principal={"AWS": "arn:aws:iam::222222222222:role/x"})], ["222222222222"]),
    ([allow(Principal={"AWS": "arn:aws:sts::222222222222:assumed-role/x/s"})], ["222222222222"]),
    ([allow(Principal={"AWS": ["222222222222", OWNER]})], ["222222222222"]),
    ([allow(), deny({"StringNotEquals": {"aws:PrincipalAccount": [OWNER, "222222222222"]}})], ["222222222222"]),
    ([allow(), deny(Principal=None, NotPrincipal={"AWS": ["222222222222", OWNER]})], ["222222222222"]),
    ([allow(), deny({"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::222222222222:role/*"}})], ["222222222222"]),
    ([allow(Principal={"AWS": "222222222222"}), deny(Principal={"AWS": "222222222222"})], []),
    ([allow(Principal={"AWS": "222222222222"}, Action="s3:GetBucketPolicy", Resource=BUCKET)], []),
    ([allow(Principal={"AWS": "AROAEXAMPLEEXAMPLE00"})], []),
    ([allow(Principal={"CanonicalUser": "c" * 64})], []),
    ([allow(Principal={"Federated": "arn:aws:iam::222222222222:saml-provider/x"})], ["222222222222"]),
    ([allow({"StringLike": {"aws:PrincipalArn": "arn:aws:iam::222222222222:*"}})], ["222222222222"]),
]


@pytest.mark.parametrize(("statements", "accounts"), ACCOUNTS, ids=range(len(ACCOUNTS)))
def test_named_accounts_with_access(statements: list[dict[str, Any]], accounts: list[str]) -> None:
    """Named by principal, by condition or by exemption, and not refused in the end; nobody else gets in."""
    found = judged(*({key: value for key, value in one.items() if value is not None} for one in statements))
    assert (found.public, list(found.cross_account)) == (False, accounts)


UNKNOWN = [
    allow({"StringResembles": {"aws:Referer": "x"}}),
    allow({"StringEquals": {"aws:NoSuchKey": "x"}}),
    allow({"StringEquals": {"aws:Referer": {"x": 1}}}),
    allow({"IpAddress": {"aws:SourceIp": "everywhere"}}),
    allow(Principal={"AWS": "arn:aws:iam::*:role/x"}),
    allow(Principal={"Robot": "x"}),
    allow(Action="s3:ReadEverything"),
    allow(Effect="allow"),
    allow(Conditions={}),
    allow(Action=[]),
    allow(Resource={"x": 1}),
    allow({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam"}}),
    allow({"StringLike": {"aws:SourceIp": "10.*"}}),
]  # fmt: skip


@pytest.mark.parametrize("statement", UNKNOWN, ids=range(len(UNKNOWN)))
def test_what_is_not_understood_is_unknown(statement: dict[str, Any]) -> None:
    """Neither private nor public, and the reason names the statement."""
    found = judged(statement)
    assert found.public is None
    assert any("statement 0" in text for text in found.unknown_because)


def test_a_certain_statement_beats_an_unknown_one() -> None:
    """An odd Allow cannot make a public bucket less public, an odd Deny can."""
    assert judged(UNKNOWN[0], allow()).public is True
    assert judged({**UNKNOWN[0], "Effect": "Deny"}, allow()).public is None


@pytest.mark.parametrize(
    "text",
    [
        '{"Statement":[],"Statement":[]}',
        '{"Statement":{"Effect":"Deny","Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}}',
        '{"Statement":{"Effect":"Allow","Principal":{"AWS":"1","AWS":"*"},"Action":"s3:*","Resource":"*"}}',
        "[" * 100_000,
        '{"Statement":' * 30_000,
        "\x00",
        '"text"',
        "[]",
        '{"Version":"2030-01-01","Statement":[]}',
        '{"Statement":[null]}',
        '{"Statement":' + "9" * 5000 + "}",
        " " * 300_000,
    ],
    ids=range(12),
)
def test_damaged_texts_are_unknown(text: str) -> None:
    """Twice-given keys, depth, size, other versions, other shapes."""
    assert analyse(inputs_of({"bucket": "b", "bucket_owner": OWNER, "policy": text})).public is None


def test_strange_characters_pass() -> None:
    """Text of any script, escapes and NUL are text."""
    found = judged(allow(Resource="arn:aws:s3:::b/\u0000\u202e\U0001f512*", Sid="\u0000"))
    assert found.public is True


def test_dates_follow_the_clock_that_is_given() -> None:
    """An expired Allow gives nothing; without a clock, what was ever open counts."""
    policy = {
        "Version": "2012-10-17",
        "Statement": [allow({"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}})],
    }
    given = {"bucket": "b", "bucket_owner": OWNER, "policy": policy}
    assert analyse(inputs_of(given, now=1.5e9)).public is True
    assert analyse(inputs_of(given, now=1.9e9)).public is False
    assert analyse(inputs_of(given)).public is True


@pytest.mark.parametrize("listed", ["graph.facebook.com", ["accounts.google.com", "graph.facebook.com"]])
def test_a_deny_that_spares_social_logins_leaves_them_in(listed: object) -> None:
    """Nobody else may come in, but such a login anybody can have."""
    spared = deny(Principal=None, NotPrincipal={"Federated": listed})
    spared = {name: value for name, value in spared.items() if value is not None}
    found = judged(allow(), spared)
    assert (found.public, found.authenticated_only, found.public_actions) == (True, True, ())
    assert [witness.caller for witness in found.witnesses] == ["anyone with a social login"]


def test_a_deny_of_social_logins_leaves_everyone_else_in() -> None:
    """It closes the bucket to nobody who comes without one."""
    assert judged(allow(), deny(Principal={"Federated": "graph.facebook.com"})).public_actions == ("read",)
