"""Bucket names."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3warden.detect.evaluate import evaluate
from s3warden.detect.rule import RuleOptions
from s3warden.detect.rules import name
from s3warden.detect.samples import bucket
from s3warden.model.finding import RuleResult, Verdict


def judge(text: str, pattern: str | None = None) -> RuleResult:
    """The verdict on a bucket of this name."""
    [result] = evaluate(name.RULES, bucket(name=text), options=RuleOptions(name_pattern=pattern))
    return result


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("my.bucket", "contains a dot"),
        ("ab", "has 2 characters, not 3 to 63"),
        ("a" * 64, "has 64 characters, not 3 to 63"),
        ("-abc", "begins or ends with a hyphen"),
        ("abc-", "begins or ends with a hyphen"),
        ("My_Bucket", "contains other characters than a-z, 0-9 and hyphens"),
        ("bücket", "contains other characters than a-z, 0-9 and hyphens"),
        ("abc\n", "contains other characters than a-z, 0-9 and hyphens"),
    ],
)
def test_complaint_is_exact(text: str, complaint: str) -> None:
    """The evidence says what is wrong with the name."""
    assert judge(text).evidence.details == {"dns": complaint}


@given(st.from_regex(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", fullmatch=True))
def test_every_dns_label_of_legal_length_passes(text: str) -> None:
    """Names that S3 accepts today, without dots, are in order."""
    assert judge(text).verdict is Verdict.PASS


@given(st.text(max_size=70))
def test_no_other_text_passes(text: str) -> None:
    """Whatever passes is a DNS label of 3 to 63 characters."""
    assert (judge(text).verdict is Verdict.PASS) is bool(re.fullmatch(r"(?!-)[a-z0-9-]{3,63}(?<!-)", text))


def test_both_complaints_come_together() -> None:
    """A name may break DNS rules and the convention."""
    result = judge("my.bucket", "acme-.+")
    assert result.evidence.details == {"dns": "contains a dot", "convention": "does not match acme-.+"}
    assert result.evidence.summary == "The bucket name contains a dot and does not match acme-.+."
