"""The HTTP server over a real socket, and the metrics page before promtool."""

import asyncio
import gzip
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import aiohttp
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from s3warden.model.bucket import AccountRef, BucketRef
from s3warden.model.finding import Evidence, Finding, Severity, Verdict
from s3warden.telemetry.health import Health
from s3warden.telemetry.metrics import Metrics
from s3warden.telemetry.server import TelemetryServer
from s3warden.telemetry.state import StateCollector, View

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ACCOUNT = AccountRef("aws", "111122223333")


@dataclass(frozen=True)
class Options:
    """Where the test listens."""

    host: str = "127.0.0.1"
    port: int = 0
    reload_endpoint: bool = False


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(CollectorRegistry())


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        yield session


@pytest.fixture
async def base(metrics: Metrics, health: Health) -> AsyncIterator[str]:
    async with TelemetryServer(Options(), metrics, health) as server:
        yield f"http://127.0.0.1:{server.port}"


@pytest.mark.parametrize("path", ["/livez", "/healthz", "/-/healthy"])
async def test_liveness_by_every_name(path: str, base: str, health: Health, http: aiohttp.ClientSession) -> None:
    """200 while the loops turn, 503 with the reason when one hangs."""
    async with http.get(base + path) as answer:
        assert answer.status == 200
        assert await answer.json() == {"status": "ok", "checks": []}
    health.expect("refresh", within=0.01)
    await asyncio.sleep(0.05)
    async with http.get(base + path) as answer:
        assert answer.status == 503
        body = await answer.json()
    assert body["status"] == "failing"
    assert [(check["name"], check["ok"]) for check in body["checks"]] == [("refresh", False)]
    assert "limit 0.01 s" in body["checks"][0]["detail"]


@pytest.mark.parametrize("path", ["/readyz", "/-/ready"])
async def test_readiness_by_every_name(path: str, base: str, health: Health, http: aiohttp.ClientSession) -> None:
    """503 from the start, 200 when the conditions hold, 503 while draining."""
    steps: list[Callable[[], None]] = [lambda: None, lambda: health.set_ready("store", ok=True), health.draining]
    statuses = []
    for step in steps:
        step()
        async with http.get(base + path) as answer:
            statuses.append(answer.status)
            assert answer.headers["Cache-Control"] == "no-store"
    assert statuses == [503, 200, 503]


async def test_only_what_is_meant_to_be_asked(base: str, http: aiohttp.ClientSession) -> None:
    """No other method, no other path, no reload unless it is switched on, no long lines."""
    for method, path, status in (
        ("HEAD", "/livez", 200),
        ("GET", "/", 200),
        ("POST", "/livez", 405),
        ("PUT", "/metrics", 405),
        ("GET", "/nothing", 404),
        ("POST", "/-/reload", 404),
        ("POST", "/-/quit", 404),
        ("GET", "/livez?" + "a" * 10_000, 400),
    ):
        async with http.request(method, base + path) as answer:
            assert (method, path[:12], answer.status) == (method, path[:12], status)
            assert "aiohttp" not in answer.headers.get("Server", "") or status == 400


async def test_reload_answers_with_what_is_wrong(metrics: Metrics, health: Health, http: aiohttp.ClientSession) -> None:
    """200 when the settings were taken, 500 with the complaints when the last good ones stay."""
    answers = [None, "log.level: must be 'debug', 'info', 'warning' or 'error'"]
    options = Options(reload_endpoint=True)
    async with TelemetryServer(options, metrics, health, reload=lambda: answers.pop(0)) as server:
        url = f"http://127.0.0.1:{server.port}/-/reload"
        async with http.post(url) as answer:
            assert (answer.status, await answer.json()) == (200, {"status": "ok"})
        async with http.post(url) as answer:
            assert answer.status == 500
            assert "log.level" in (await answer.json())["error"]
        async with http.get(url) as answer:
            assert answer.status == 405


async def test_the_format_is_negotiated(base: str, health: Health, http: aiohttp.ClientSession) -> None:
    """OpenMetrics for who asks for it, else the old text; compressed for who can read that."""
    health.set_ready("store", ok=True)
    async with http.get(f"{base}/metrics", headers={"Accept": "text/plain", "Accept-Encoding": "identity"}) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        assert "s3warden_ready 1.0\n" in await answer.text()
    wanted = {"Accept": "application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1", "Accept-Encoding": "gzip"}
    async with http.get(f"{base}/metrics", headers=wanted) as answer:
        assert answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
        assert gzip.decompress(await answer.read()).endswith(b"# EOF\n")


async def test_a_port_in_use_is_an_error(base: str, metrics: Metrics, health: Health) -> None:
    """Told to whoever starts the daemon, and nothing is left behind."""
    port = int(base.rpartition(":")[2])
    with pytest.raises(OSError, match="address already in use"):
        await TelemetryServer(Options(port=port), metrics, health).__aenter__()


@pytest.fixture
async def full(metrics: Metrics, health: Health) -> AsyncIterator[str]:
    """The metrics page with every family filled."""
    bucket = BucketRef("aws", ACCOUNT.account, "eu-west-1", "b")
    evidence = Evidence("Open.", {}, live=True)
    finding = Finding("f", "r", bucket, Verdict.FAIL, Severity.CRITICAL, evidence, NOW, NOW)
    metrics.registry.register(StateCollector(lambda: View([finding], {ACCOUNT: 1}, ["r"], named=10)))
    _touch(metrics)
    async with TelemetryServer(Options(), metrics, health) as server:
        yield f"http://127.0.0.1:{server.port}/metrics"


async def test_promtool_has_no_complaint(full: str, http: aiohttp.ClientSession) -> None:
    """Names, units, help texts and counters are as the ecosystem wants them."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    async with http.get(full, headers={"Accept-Encoding": "identity"}) as answer:
        page = await answer.read()
    result = await asyncio.to_thread(
        subprocess.run, [promtool, "check", "metrics"], input=page, capture_output=True, check=False
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")


async def test_the_openmetrics_page_can_be_parsed(full: str, http: aiohttp.ClientSession) -> None:
    """By the strict parser of the format's own library."""
    headers = {"Accept": "application/openmetrics-text; version=1.0.0", "Accept-Encoding": "identity"}
    async with http.get(full, headers=headers) as answer:
        page = await answer.text()
    families = {family.name: family.type for family in text_string_to_metric_families(page)}  # type: ignore[no-untyped-call]
    assert families["s3warden_aws_api_calls"] == "counter"
    assert families["s3warden_bucket_exposed_info"] == "gauge"


def _touch(metrics: Metrics) -> None:
    """One series in every family that has labels."""
    for metric in vars(metrics).values():
        labels = getattr(metric, "_labelnames", ())
        if labels:
            metric.labels(*["x"] * len(labels))
