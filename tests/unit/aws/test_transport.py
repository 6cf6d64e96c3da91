"""Names under localhost, and who is told about them."""

import socket

import pytest

from s3warden.aws.transport import LoopbackResolver, connector_options, is_localhost


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "localhost.", "111122223333.localhost", "a.b.localhost."])
async def test_names_under_localhost_lead_to_the_loopback_interface(host: str) -> None:
    """RFC 6761, 6.3."""
    [answer] = await LoopbackResolver().resolve(host, 4566)
    assert (answer["host"], answer["port"], answer["family"]) == ("127.0.0.1", 4566, socket.AF_INET)


@pytest.mark.parametrize("host", ["example.com", "notlocalhost", "localhost.example.com", "127.0.0.1", ""])
async def test_other_names_are_not_answered(host: str) -> None:
    """A resolver for tests must not send anything else to the own machine."""
    assert not is_localhost(host)
    with pytest.raises(OSError, match="not a name under localhost"):
        await LoopbackResolver().resolve(host)


@pytest.mark.parametrize(
    ("endpoint", "local"),
    [
        ("http://localhost:5000", True),
        ("http://127.0.0.1:5000", False),
        ("https://vpce-1.s3.eu-west-1.vpce.example", False),
        (None, False),
        ("", False),
    ],
)
def test_only_an_endpoint_on_localhost_gets_the_resolver(endpoint: str | None, local: bool) -> None:
    """Against AWS the system's own resolver is used."""
    assert ("resolver" in connector_options(endpoint)) is local
