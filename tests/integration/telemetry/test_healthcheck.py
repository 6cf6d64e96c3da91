"""`s3warden healthcheck` against a real server."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from prometheus_client import CollectorRegistry
from typer.testing import CliRunner, Result

from s3warden.cli.healthcheck import address, healthcheck
from s3warden.telemetry.health import Health
from s3warden.telemetry.metrics import Metrics
from s3warden.telemetry.server import TelemetryServer
from support.moto import free_port


class Options:
    """Where the test listens."""

    host = "127.0.0.1"
    reload_endpoint = False

    def __init__(self, port: int) -> None:
        self.port = port


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("S3WARDEN_CONFIG", "S3WARDEN_HTTP__PORT", "S3WARDEN_HTTP__HOST"):
        monkeypatch.delenv(name, raising=False)
    # A proxy of the environment must never be asked about the own process.
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")


@pytest.fixture
def command() -> typer.Typer:
    app = typer.Typer()
    app.command()(healthcheck)
    return app


def _run(command: typer.Typer, *words: str, **environ: str) -> Result:
    return CliRunner().invoke(command, words, env=environ)


async def test_a_living_daemon_is_well_and_a_hung_one_is_not(command: typer.Typer) -> None:
    """Exit 0, then 1 with the reason on standard error; the port is that of the settings."""
    health = Health()
    async with TelemetryServer(Options(0), Metrics(CollectorRegistry()), health) as server:
        port = str(server.port)
        good = await asyncio.to_thread(_run, command, S3WARDEN_HTTP__PORT=port)
        health.expect("refresh", within=0.01)
        await asyncio.sleep(0.05)
        bad = await asyncio.to_thread(_run, command, "--url", f"http://127.0.0.1:{port}/livez")
    assert (good.exit_code, good.output) == (0, "")
    assert bad.exit_code == 1
    assert "HTTP 503" in bad.stderr
    assert "refresh" in bad.stderr


def test_nobody_there_is_exit_1(command: typer.Typer) -> None:
    """One line says where nobody answered."""
    port = free_port()
    result = _run(command, S3WARDEN_HTTP__PORT=str(port))
    assert result.exit_code == 1
    assert result.stderr.startswith(f"http://127.0.0.1:{port}/livez: ")
    assert len(result.stderr.splitlines()) == 1


def test_the_probe_does_not_pay_for_the_sdk() -> None:
    """It runs every few seconds beside the daemon: none of the large libraries is imported for it."""
    code = (
        "import sys; sys.argv = ['s3warden', 'healthcheck', '--url', 'http://127.0.0.1:1/']\n"
        "from s3warden.__main__ import main\n"
        "try: main()\n"
        "except SystemExit as end: status = end.code\n"
        "large = {'aioboto3', 'aiohttp', 'botocore', 'sqlalchemy', 'structlog'} & set(sys.modules)\n"
        "sys.exit(f'{status} {sorted(large)}')"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert result.stderr.splitlines()[-1] == "1 []"


@pytest.mark.parametrize(
    ("text", "environ", "url"),
    [
        (None, {}, "http://127.0.0.1:9456/livez"),
        ("[http]\nport = 1234\n", {}, "http://127.0.0.1:1234/livez"),
        ('[http]\nport = 1234\nhost = "::"\n', {"S3WARDEN_HTTP__PORT": "99"}, "http://[::1]:99/livez"),
        ('[http]\nhost = "10.1.2.3"\n', {}, "http://10.1.2.3:9456/livez"),
        ("this is no TOML", {}, "http://127.0.0.1:9456/livez"),
        ("http = 5", {}, "http://127.0.0.1:9456/livez"),
    ],
)
def test_the_address_is_that_of_the_settings(
    text: str | None, environ: dict[str, str], url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the file is damaged: what the settings are worth is not the question here."""
    path = tmp_path / "config.toml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert address(path if text is not None else None) == url
