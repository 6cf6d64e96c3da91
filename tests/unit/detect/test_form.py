"""A statement has the form of a part of one, however both are spelt."""

from typing import Any

import pytest

from s3warden.detect.form import has_form

STATEMENT: dict[str, Any] = {
    "Sid": "TlsOnly",
    "Effect": "Deny",
    "Principal": "*",
    "Action": ["s3:GetObject", "s3:PutObject"],
    "Resource": ["arn:aws:s3:::data", "arn:aws:s3:::data/*"],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}, "StringEquals": {"aws:SourceVpc": ["vpc-1", "vpc-2"]}},
}


@pytest.mark.parametrize(
    "part",
    [
        {},
        {"Sid": "Tls*"},
        {"Principal": {"AWS": ["*"]}},
        {"Action": ["S3:PUTOBJECT", "s3:getobject"]},
        {"Resource": ["arn:aws:s3:::data/*", "arn:aws:s3:::data"]},
        {"Condition": {"Bool": {"AWS:SecureTransport": False}}},
        {"Condition": {"StringEquals": {"aws:SourceVpc": ["vpc-2", "vpc-1"]}}},
    ],
)
def test_has_the_form(part: dict[str, Any]) -> None:
    """Order, case, lists of one and JSON's own false make no difference."""
    assert has_form(STATEMENT, part)


@pytest.mark.parametrize(
    "part",
    [
        {"Sid": "tls*"},
        {"Effect": "Allow"},
        {"NotAction": "s3:GetObject"},
        {"Action": "s3:GetObject"},
        {"Resource": "arn:aws:s3:::data"},
        {"Principal": {"AWS": "444455556666"}},
        {"Condition": {"BoolIfExists": {"aws:SecureTransport": "false"}}},
        {"Condition": {"StringEquals": {"aws:SourceVpc": "vpc-1"}}},
    ],
)
def test_has_another_form(part: dict[str, Any]) -> None:
    """Less than the part says, or something else."""
    assert not has_form(STATEMENT, part)
