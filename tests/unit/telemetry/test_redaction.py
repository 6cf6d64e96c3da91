"""What is blotted out of the log, and what is left in."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3warden.telemetry.redaction import LENGTH_LIMIT, MASK, Redaction

CANARY = "c4n4ry5ecretc4n4ry5ecret"


@pytest.mark.parametrize(
    "text",
    [
        f"https://hooks.slack.com/services/T0/B0/{CANARY}",
        f"cannot connect to 'https://hooks.slack-gov.com/services/{CANARY}'",
        f"https://acme.webhook.office.com/webhookb2/{CANARY}",
        f"https://discord.com/api/webhooks/1/{CANARY}",
        f"https://b.example.com/k?X-Amz-Signature={CANARY}&X-Amz-Expires=60",
        f"https://b.example.com/k?a=b&X-Amz-Security-Token={CANARY}",
        f"https://b.example.com/k?AWSAccessKeyId=x&Signature={CANARY}",
        f"https://example.com/?access_token={CANARY}#x",
        f"Authorization: Bearer {CANARY}",
        f"Authorization: Basic dXNlcjp{CANARY}=",
        f"Authorization: AWS AKIAIOSFODNN7EXAMPLE:{CANARY}",
        f"Authorization: AWS4-HMAC-SHA256 Credential=AKIAABCDEFGHIJKLMNOP/2026, Signature={CANARY}",
        f"postgresql+asyncpg://user:{CANARY}@host/db",
        f"https://user:{CANARY}@example.com/",
        f"xoxb-12345678-{CANARY}",
        f"IQoJb3JpZ2lu{CANARY}",
        f"-----BEGIN RSA PRIVATE KEY-----\n{CANARY}\n-----END RSA PRIVATE KEY-----",
        f"-----BEGIN PRIVATE KEY-----\n{CANARY}",
        f"SecretAccessKey='{CANARY}'",
        f'{{"SessionToken": "{CANARY}"}}',
        f"password={CANARY}",
    ],
)
def test_secrets_are_known_by_their_look(text: str) -> None:
    """Wherever they turn up: in a message, an error, a traceback."""
    redacted = Redaction().text(f"before {text} after")
    assert CANARY not in redacted
    assert redacted.startswith("before ")
    assert MASK in redacted


@pytest.mark.parametrize(
    "text",
    [
        "bucket my-token-bucket in eu-west-1",
        "arn:x:s3:::my-secret-bucket",
        "https://sqs.eu-west-1.example.com/111122223333/events",
        "the ACL grants AllUsers READ; key=value",
        "a basic rule: no public access",
        "a basic configuration, no more",
        "Anyone with an AWS account can list the bucket",
        "SecretError: env:NAME: is not set or empty",
        "2026-03-01T12:00:00Z",
    ],
)
def test_plain_words_are_left_alone(text: str) -> None:
    """A log that hides everything helps nobody."""
    assert Redaction().text(text) == text


@pytest.mark.parametrize(
    "name",
    [
        "password", "webhook_url", "SecretAccessKey", "secret_access_key", "session_token", "SessionToken", "token",
        "Authorization", "signing_secret", "X-Amz-Security-Token", "external_id", "api_key", "Set-Cookie",
    ],
)  # fmt: skip
def test_some_names_are_enough(name: str) -> None:
    """Whatever the value looks like, also inside other values."""
    assert Redaction().field(name, "x") == MASK
    assert Redaction().field("headers", [{name: ["x"]}]) == [{name: MASK}]
    assert Redaction().field(name, None) is None


@pytest.mark.parametrize("name", ["key", "dedup_key", "group_key", "reference", "bucket", "tokens_left", "cause"])
def test_other_names_are_not(name: str) -> None:
    """A group key is no secret."""
    assert Redaction().field(name, "x") == "x"


def test_what_was_learnt_is_never_seen_again() -> None:
    """Plain, percent-encoded, and inside other text; the longer secret first."""
    redaction = Redaction()
    redaction.learn("pass word/1")
    redaction.learn("pass word/1-and-more")
    for text in ("pass word/1", "pass%20word%2F1", "pass%20word/1", "pass word/1-and-more"):
        assert redaction.text(f"<{text}>") == f"<{MASK}>"


def test_a_short_secret_is_not_searched_for() -> None:
    """Blotting out every `a` would destroy the log and give the secret away."""
    redaction = Redaction()
    redaction.learn("a")
    assert redaction.text("a banana") == "a banana"


def test_values_become_plain_data() -> None:
    """Numbers stay numbers; what is foreign is told by its text."""

    class Foreign:
        def __str__(self) -> str:
            return "https://hooks.slack.com/services/x"

    class Loud(str):
        __slots__ = ()

        def __str__(self) -> str:
            return "loud"

    value = {"n": 1, "t": True, "f": 1.5, "none": None, "set": {"a"}, "o": Foreign(), 5: Loud("x")}
    assert Redaction().value(value) == {
        "n": 1,
        "t": True,
        "f": 1.5,
        "none": None,
        "set": ["a"],
        "o": "https://hooks.slack.com/***",
        "5": "loud",
    }


def test_a_value_without_end_is_cut() -> None:
    """A structure that holds itself ends the log line, not the daemon."""
    value: dict[str, Any] = {}
    value["self"] = value
    assert "…" in str(Redaction().value(value))
    assert len(Redaction().text("a" * 100_000)) == LENGTH_LIMIT + 1


@pytest.mark.parametrize(
    "piece", ["a.", "a", "https://", "https://a", "x://", "?key=", "password=", "bearer ", "AKIA", "://:", " "]
)
def test_no_text_takes_long(piece: str) -> None:
    """Who names a bucket's tags must not be able to hold up the loop; quadratic work would take a minute."""
    text = piece * (LENGTH_LIMIT // len(piece))
    started = time.perf_counter()
    Redaction().text(text)
    assert time.perf_counter() - started < 0.5


@given(st.text())
def test_no_control_character_gets_through(text: str) -> None:
    """A bucket's tag cannot forge a line, move the cursor or turn the direction of the text."""
    redacted = Redaction().text(text)
    assert not any(ord(char) < 32 and char not in "\n\t" for char in redacted)
    assert not set(redacted) & set("\x7f\x85\x9b\u2028\u2029\u202e\u2066\ufeff\u200f")
    redacted.encode()
