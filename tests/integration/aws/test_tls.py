"""Whom the SDK believes to be AWS."""

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from s3warden.aws.errors import AwsError
from s3warden.aws.session import SessionConfig, Sessions
from s3warden.model.bucket import Cause

_ANSWER = b"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws:iam::1:user/x</Arn><UserId>x</UserId><Account>1</Account></GetCallerIdentityResult>
</GetCallerIdentityResponse>"""


@asynccontextmanager
async def tls_server(folder: Path, name: str) -> AsyncIterator[tuple[str, Path]]:
    """A stand-in for STS with a self-signed certificate for `name`; yields its URL on localhost and the certificate."""
    certificate, key = _certificate(folder, name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    application = web.Application()

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=_ANSWER, content_type="text/xml")

    application.router.add_route("*", "/", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        yield f"https://localhost:{runner.addresses[0][1]}", certificate
    finally:
        await runner.cleanup()


@asynccontextmanager
async def connect_proxy() -> AsyncIterator[tuple[str, list[str]]]:
    """An HTTP proxy that knows CONNECT only; yields its URL and the hosts that it was asked for."""
    asked: list[str] = []
    pumps: set[asyncio.Task[None]] = set()

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
        sink.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        host, _, port = head.split()[1].decode().rpartition(":")
        asked.append(host)
        far_reader, far_writer = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            pumps.add(asyncio.create_task(pump(source, sink)))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
        await asyncio.wait_for(asyncio.gather(*pumps, return_exceptions=True), 5)


async def _identify(endpoint: str) -> str:
    async with Sessions(SessionConfig(region="eu-west-1", endpoint_url=endpoint, connect_timeout=2)) as sessions:
        return (await sessions.identify()).account


@pytest.fixture
def through_proxy(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy of the machine's own."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


async def test_an_own_authority_is_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, through_proxy: None
) -> None:
    """AWS_CA_BUNDLE is honoured."""
    async with tls_server(tmp_path, "localhost") as (url, certificate):
        monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
        assert await _identify(url) == "1"


async def test_an_unknown_authority_is_not_believed(tmp_path: Path, through_proxy: None) -> None:
    """A certificate that nobody vouches for ends the call."""
    async with tls_server(tmp_path, "localhost") as (url, _):
        with pytest.raises(AwsError) as caught:
            await _identify(url)
    assert caught.value.cause is Cause.UNREACHABLE


async def test_a_certificate_for_another_name_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, through_proxy: None
) -> None:
    """A good certificate of somebody else does not make him AWS."""
    async with tls_server(tmp_path, "elsewhere.example") as (url, certificate):
        monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
        with pytest.raises(AwsError) as caught:
            await _identify(url)
    assert caught.value.cause is Cause.UNREACHABLE


@pytest.mark.parametrize(
    ("name", "vouched", "believed"),
    [("localhost", True, True), ("localhost", False, False), ("elsewhere.example", True, False)],
)
async def test_a_proxy_changes_nothing_about_that(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    through_proxy: None,
    name: str,
    vouched: bool,
    believed: bool,
) -> None:
    """HTTPS_PROXY is used, and what is at its other end is verified all the same."""
    async with tls_server(tmp_path, name) as (url, certificate), connect_proxy() as (proxy, asked):
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        if vouched:
            monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
        if believed:
            assert await _identify(url) == "1"
        else:
            with pytest.raises(AwsError) as caught:
                await _identify(url)
            assert caught.value.cause is Cause.UNREACHABLE
    assert set(asked) == {"localhost"}


def _certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A self-signed certificate for `name` and its key, as PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names = x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("192.0.2.1"))])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "certificate.pem", folder / "key.pem"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate_file, key_file
