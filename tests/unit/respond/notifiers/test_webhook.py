"""Signatures of the generic webhook."""

import base64

import pytest

from s3warden.model.secret import Secret
from s3warden.respond.notifiers.webhook import key_of, message_id, sign
from support.alerts import notification


def test_signature_matches_the_reference_vector() -> None:
    """The vector of the specification's own test suite."""
    key = key_of(Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).reveal()
    found = sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    "secret",
    [
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_not base64",
        "whsec_" + base64.b64encode(b"short").decode(),
        "whsec_" + base64.b64encode(b"x" * 65).decode(),
        "",
    ],
)
def test_bad_secret_is_refused_without_being_shown(secret: str) -> None:
    """The complaint tells the shape that is wanted, not the secret."""
    with pytest.raises(ValueError, match="whsec_ followed by") as complaint:
        key_of(Secret(secret))
    assert not secret or secret not in str(complaint.value)


def test_message_id_follows_the_dedup_key() -> None:
    """The same message has the same id for ever, another message another one; no dot in it."""
    assert message_id(notification(1)) == message_id(notification(1))
    assert message_id(notification(1)) != message_id(notification(2))
    assert "." not in message_id(notification(1))


def test_secret_hides_itself() -> None:
    """Neither repr nor str nor formatting gives it away."""
    secret = Secret("canary-value")
    assert "canary" not in f"{secret!r} {secret} {[secret]}"
    assert secret.reveal() == "canary-value"
