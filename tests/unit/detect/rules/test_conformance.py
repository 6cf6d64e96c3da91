"""Cases in which other scanners are known to be wrong: twenty policies and twelve demands for TLS."""

import json
from typing import Any

import pytest

from s3warden.detect.evaluate import evaluate
from s3warden.detect.exposed import analysed, inputs_of
from s3warden.detect.rule import RuleOptions
from s3warden.detect.rules import find
from s3warden.detect.samples import ARN, by_policy, unguarded
from s3warden.model.bucket import ABSENT, Aspect, Present
from s3warden.model.configuration import Policy
from s3warden.model.finding import RuleResult, Severity, Verdict

OBJECTS = f"{ARN}/*"
PARTNER = "444455556666"
EVERYONE, SIGNED, NAMED, NOBODY = "everyone", "signed", "named", "nobody"


def allow(**elements: Any) -> dict[str, Any]:
    """An Allow to everyone to read objects, with `elements` in place of its own; None takes one away."""
    whole = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": OBJECTS, **elements}
    return {name: value for name, value in whole.items() if value is not None}


def when(operator: str, key: str, value: object) -> dict[str, Any]:
    """Such an Allow under one condition."""
    return allow(Condition={operator: {key: value}})


POLICIES = [
    ("object ACLs by name", allow(Action="s3:PutObjectAcl"), EVERYONE, "write_acp"),
    ("an abbreviated action", allow(Action="s3:P*"), EVERYONE, "write"),
    ("the policy itself, which S3 keeps for the owner", allow(Action="s3:PutBucketPolicy", Resource=ARN), NOBODY, ""),
    ("an action in lower case", allow(Action="s3:putobject"), EVERYONE, "write"),
    ("every action but one", allow(Action=None, NotAction="s3:GetObject"), EVERYONE, "write"),
    ("everyone but one", allow(Principal=None, NotPrincipal={"AWS": f"arn:aws:iam::{PARTNER}:root"}), EVERYONE, "read"),
    ("any VPC", when("StringLike", "aws:SourceVpc", "vpc-*"), SIGNED, "read"),
    ("any ARN", when("StringLike", "aws:PrincipalArn", "*"), SIGNED, "read"),
    ("a social login", allow(Principal={"Federated": "graph.facebook.com"}, Action="s3:PutObject"), SIGNED, "write"),
    ("a canonical user of another account", allow(Principal={"CanonicalUser": "c" * 64}), NAMED, ""),
    ("own access points", when("StringEquals", "s3:DataAccessPointAccount", "111122223333"), NOBODY, ""),
    ("an organisation's unit", when("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-abcdefghi/r/*"), NOBODY, ""),
    ("reading", allow(), EVERYONE, "read"),
    ("writing", allow(Principal={"AWS": ["*"]}, Action=["s3:PutObject"]), EVERYONE, "write"),
    ("the whole internet by address", when("IpAddress", "aws:SourceIp", "0.0.0.0/0"), EVERYONE, "read"),
    ("one address", when("IpAddress", "aws:SourceIp", "203.0.113.7/32"), NOBODY, ""),
    ("one organisation", when("StringEquals", "aws:PrincipalOrgID", "o-abcdefghij"), NOBODY, ""),
    ("one endpoint", when("StringEquals", "aws:SourceVpce", "vpce-1a2b3c4d"), NOBODY, ""),
    ("one account", allow(Principal={"AWS": PARTNER}), NAMED, ""),
    ("a service", allow(Principal={"Service": "logging.s3.amazonaws.com"}, Action="s3:PutObject"), NOBODY, ""),
]  # fmt: skip


def judge(rule_id: str, *statements: dict[str, Any]) -> RuleResult:
    """The verdict of one rule on an unguarded bucket with this policy."""
    [result] = evaluate((find(rule_id),), unguarded(by_policy(*statements)), options=RuleOptions())
    return result


def test_there_are_thirty_two() -> None:
    """Twenty policies, twelve demands for TLS."""
    assert (len(POLICIES), len(DEMANDS)) == (20, 12)


@pytest.mark.parametrize(("title", "statement", "who", "action"), POLICIES, ids=[case[0] for case in POLICIES])
def test_who_gets_in(title: str, statement: dict[str, Any], who: str, action: str) -> None:
    """Everyone, whoever signs, an account by name, or nobody; and what they get."""
    verdicts = {
        EVERYONE: judge("bucket-public-effective", statement),
        SIGNED: judge("bucket-public-authenticated", statement),
        NAMED: judge("bucket-cross-account-access", statement),
    }
    failing = [name for name, result in verdicts.items() if result.verdict is Verdict.FAIL]
    assert failing == ([] if who == NOBODY else [who]), title
    if action:
        assert action in verdicts[who].evidence.details["actions"].split(", ")


def test_grant_that_s3_does_not_honour_is_told_all_the_same() -> None:
    """A policy that hands out its own replacement is public by S3's definition, and may be critical one day.

    S3 answers 405 to other accounts (PutBucketPolicy in the API reference), so that nobody gets in today.
    """
    grant = allow(Action="s3:PutBucketPolicy", Resource=ARN)
    public = judge("bucket-policy-public", grant)
    assert (public.verdict, public.severity) == (Verdict.FAIL, Severity.CRITICAL)
    assert analysed(inputs_of(unguarded(by_policy(grant)), RuleOptions())).policy_status_is_public
    guarded = judge("bucket-policy-wildcard-principal", grant)
    assert guarded.verdict is Verdict.FAIL
    assert "owner's account" in guarded.evidence.details["guard"]


def deny(condition: dict[str, Any], **elements: Any) -> dict[str, Any]:
    """A Deny of everything to everyone under `condition`, with `elements` in place of its own."""
    whole = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [ARN, OBJECTS], "Condition": condition}
    return {**whole, **elements}


HTTP = {"Bool": {"aws:SecureTransport": "false"}}
DEMANDS = [
    ("as AWS writes it", [deny(HTTP)], Verdict.PASS),
    ("no policy", [], Verdict.FAIL),
    ("reading alone", [deny(HTTP, Action="s3:Get*")], Verdict.FAIL),
    ("object ACLs alone", [deny(HTTP, Action="s3:PutObjectAcl")], Verdict.FAIL),
    ("one user", [deny(HTTP, Principal={"AWS": "arn:aws:iam::111122223333:user/one"})], Verdict.FAIL),
    ("one prefix", [deny(HTTP, Resource=f"{ARN}/reports/*")], Verdict.FAIL),
    ("one network", [deny({**HTTP, "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})], Verdict.FAIL),
    ("objects alone", [deny(HTTP, Resource=OBJECTS)], Verdict.FAIL),
    ("false as JSON has it", [deny({"Bool": {"aws:SecureTransport": False}})], Verdict.PASS),
    ("false in a list", [deny({"Bool": {"aws:SecureTransport": ["false"]}})], Verdict.PASS),
    ("the key in lower case", [deny({"Bool": {"aws:securetransport": "false"}})], Verdict.PASS),
    ("if it exists", [deny({"BoolIfExists": {"aws:SecureTransport": "false"}})], Verdict.PASS),
]  # fmt: skip


@pytest.mark.parametrize(("title", "statements", "verdict"), DEMANDS, ids=[case[0] for case in DEMANDS])
def test_plain_http_is_refused(title: str, statements: list[dict[str, Any]], verdict: Verdict) -> None:
    """For everyone and everything, however it is written; a loophole is shown as a request."""
    text = json.dumps({"Version": "2012-10-17", "Statement": statements})
    policy = Present(Policy(text)) if statements else ABSENT
    [result] = evaluate((find("bucket-tls-required"),), unguarded({Aspect.POLICY: policy}))
    assert result.verdict is verdict, title
    if verdict is Verdict.FAIL:
        assert "aws:securetransport=false" in result.evidence.details["not_refused"]
