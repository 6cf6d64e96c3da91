"""What a policy demands of requests, by meaning: the cases that scanners of one statement shape get wrong."""

import json
from typing import Any

import pytest

from s3warden.detect.exposure.inputs import ExposureInputs, inputs_of
from s3warden.detect.exposure.requirements import (
    presigned_until,
    tls_at_least,
    tls_required,
    uploads_encrypted,
)

BOTH = ["arn:aws:s3:::acme", "arn:aws:s3:::acme/*"]


def bucket(*statements: dict[str, Any]) -> ExposureInputs:
    """A bucket with these statements."""
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    return inputs_of({"bucket": "acme", "bucket_owner": "111111111111", "policy": policy})


def deny(condition: Any = None, **more: Any) -> dict[str, Any]:
    """A Deny of everything to everyone under a condition."""
    base = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": BOTH}
    return {**base, **({"Condition": condition} if condition else {}), **more}


HTTP = {"Bool": {"aws:SecureTransport": "false"}}
ROLE = "arn:aws:iam::111111111111:role/x"
IMAGES = {"Resource": ["arn:aws:s3:::acme", "arn:aws:s3:::acme/img/*"]}

TLS = [
    ("the usual statement", [deny(HTTP)], True),
    ("no policy", [], False),
    ("JSON false", [deny({"Bool": {"aws:SecureTransport": False}})], True),
    ("a list", [deny({"Bool": {"aws:SecureTransport": ["false"]}})], True),
    ("key in lower case", [deny({"Bool": {"aws:securetransport": "false"}})], True),
    ("IfExists", [deny({"BoolIfExists": {"aws:SecureTransport": "false"}})], True),
    ("any principal as AWS", [deny(HTTP, Principal={"AWS": "*"})], True),
    ("reads only", [deny(HTTP, Action="s3:Get*")], False),
    ("one harmless action", [deny(HTTP, Action="s3:PutObjectAcl")], False),
    ("one user", [deny(HTTP, Principal={"AWS": "arn:aws:iam::111111111111:user/ann"})], False),
    ("one prefix", [deny(HTTP, **IMAGES)], False),
    ("one network", [deny({**HTTP, "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})], False),
    ("objects only", [deny(HTTP, Resource="arn:aws:s3:::acme/*")], False),
    ("two halves", [deny(HTTP, Resource=BOTH[0]), deny(HTTP, Resource=BOTH[1])], True),
    ("reads and the rest", [deny(HTTP, Action="s3:Get*"), deny(HTTP, Action=None, NotAction="s3:Get*")], True),
    ("prefix and the rest", [deny(HTTP, **IMAGES), deny(HTTP, Resource=None, NotResource=IMAGES["Resource"])], True),
    ("StringEquals", [deny({"StringEquals": {"aws:SecureTransport": "false"}})], True),
    ("StringNotEquals true", [deny({"StringNotEquals": {"aws:SecureTransport": "true"}})], True),
    ("all but the owner's role", [deny({**HTTP, "ArnNotLike": {"aws:PrincipalArn": ROLE}})], False),
    ("all but one account", [deny(HTTP, Principal=None, NotPrincipal={"AWS": "222222222222"})], False),
    ("all but services", [deny({"Bool": {**HTTP["Bool"], "aws:PrincipalIsAWSService": "false"}})], False),
    ("wrong way round", [deny({"Bool": {"aws:SecureTransport": "true"}})], False),
    ("TLS version only", [deny({"NumericLessThan": {"s3:TlsVersion": "1.2"}})], False),
    ("everything denied", [deny()], True),
    ("an Allow over TLS", [{**deny({"Bool": {"aws:SecureTransport": "true"}}), "Effect": "Allow"}], False),
]  # fmt: skip


@pytest.mark.parametrize(("statements", "expected"), [case[1:] for case in TLS], ids=[case[0] for case in TLS])
def test_tls_required(statements: list[dict[str, Any]], expected: bool) -> None:
    """Every request over plain http by anyone is refused, or there is a loophole to show."""
    kept = [{key: value for key, value in one.items() if value is not None} for one in statements]
    found = tls_required(bucket(*kept))
    assert found.holds is expected, found
    assert (found.loophole is None) is expected
    if found.loophole is not None:
        assert dict(found.loophole.context)["aws:securetransport"] == ("false",)


def test_tls_of_a_damaged_policy_is_unknown() -> None:
    """What is not understood proves nothing."""
    assert tls_required(inputs_of({"bucket": "acme", "bucket_owner": "111111111111", "policy": "{"})).holds is None
    assert tls_required(bucket(deny({"Boool": {"aws:SecureTransport": "false"}}))).holds is None


@pytest.mark.parametrize(
    ("condition", "version", "expected"),
    [
        ({"NumericLessThan": {"s3:TlsVersion": "1.2"}}, "1.2", True),
        ({"NumericLessThan": {"s3:TlsVersion": 1.3}}, "1.2", True),
        ({"NumericLessThan": {"s3:TlsVersion": "1.2"}}, "1.3", False),
        ({"NumericLessThanEquals": {"s3:TlsVersion": "1.1"}}, "1.2", True),
        ({"Bool": {"aws:SecureTransport": "false"}}, "1.2", False),
    ],
)
def test_tls_version(condition: Any, version: str, expected: bool) -> None:
    """Old versions are refused, whatever the comparison is called."""
    assert tls_at_least(bucket(deny(condition)), version).holds is expected


SSE = "s3:x-amz-server-side-encryption"


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([deny({"Null": {SSE: "true"}}, Action="s3:PutObject", Resource=BOTH[1])], False),
        ([deny({"StringNotEquals": {SSE: ["AES256", "aws:kms"]}}, Action="s3:PutObject", Resource=BOTH[1])], True),
        ([deny({"StringNotEquals": {SSE: "aws:kms"}}, Action="s3:PutObject", Resource=BOTH[1])], True),
        ([deny({"StringNotEqualsIfExists": {SSE: "aws:kms"}}, Action="s3:Put*", Resource=BOTH[1])], True),
        ([deny({"StringNotEquals": {SSE: "aws:kms"}}, Action="s3:PutObject", Resource="arn:aws:s3:::acme/a/*")], False),
        ([], False),
    ],
)  # fmt: skip
def test_uploads_encrypted(statements: list[dict[str, Any]], expected: bool) -> None:
    """Uploads without the header, or with another value, are refused."""
    assert uploads_encrypted(bucket(*statements)).holds is expected


HOUR = 3_600_000
OLD = {"NumericGreaterThan": {"s3:signatureAge": "600000"}}


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([], False),
        ([deny(OLD)], True),
        ([deny({"NumericGreaterThanEquals": {"s3:signatureAge": HOUR}})], True),
        ([deny({"NumericGreaterThan": {"s3:signatureAge": str(24 * HOUR)}})], False),
        ([deny({"NumericLessThan": {"s3:signatureAge": "600000"}})], False),
        ([deny({"StringNotEquals": {"s3:authType": "REST-HEADER"}})], True),
        ([deny({"StringEquals": {"s3:authType": "REST-QUERY-STRING"}})], True),
        ([deny({"StringEquals": {"s3:authType": "REST-HEADER"}})], False),
        ([deny({**OLD, "StringEquals": {"s3:authType": "REST-QUERY-STRING"}})], True),
        ([deny({**OLD, "StringEquals": {"s3:authType": "POST"}})], False),
        ([deny(OLD, Action="s3:GetObject")], False),
        ([deny(OLD, Resource="arn:aws:s3:::acme/secret/*")], False),
        ([deny(OLD, Principal={"AWS": ROLE})], False),
        ([deny(OLD, Resource=BOTH[0]), deny(OLD, Resource=BOTH[1])], True),
        ([deny({**OLD, "IpAddress": {"aws:SourceIp": "203.0.113.0/24"}})], False),
    ],
)
def test_presigned_until(statements: list[dict[str, Any]], expected: bool) -> None:
    """Every link older than an hour is refused, whoever signed it and whatever it leads to."""
    found = presigned_until(bucket(*statements), HOUR)
    assert found.holds is expected, found
    if found.loophole is not None:
        assert dict(found.loophole.context)["s3:authtype"] == ("REST-QUERY-STRING",)
