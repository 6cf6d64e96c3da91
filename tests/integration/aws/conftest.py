"""One emulated AWS for the tests of this folder, and a session that reaches it through a proxy that can misbehave."""

import itertools
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from prometheus_client import CollectorRegistry

from s3warden.aws.calls import Backoff, Calls
from s3warden.aws.limiter import Limiter
from s3warden.aws.meter import Meter
from s3warden.aws.session import SessionConfig, Sessions
from s3warden.telemetry.metrics import Metrics
from support.faults import FaultProxy
from support.moto import CREDENTIALS, start_moto

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    """The URL of an emulated AWS."""
    with start_moto() as url:
        yield url


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """The credentials of the home account, and nothing else of the machine's own configuration."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def proxy(moto: str) -> AsyncIterator[FaultProxy]:
    """The emulated AWS behind a proxy."""
    async with FaultProxy(moto) as running:
        yield running


@pytest.fixture
def metrics() -> Metrics:
    """Metrics of their own."""
    return Metrics(CollectorRegistry())


@pytest.fixture
async def sessions(proxy: FaultProxy, metrics: Metrics) -> AsyncIterator[Sessions]:
    """Sessions at home in eu-west-1."""
    config = SessionConfig(region="eu-west-1", endpoint_url=proxy.url, connect_timeout=2, read_timeout=2)
    async with Sessions(config, meter=Meter(metrics)) as opened:
        yield opened


@pytest.fixture
def calls(sessions: Sessions) -> Calls:
    """Calls that hardly wait between tries."""
    return Calls(sessions, Limiter(), backoff=Backoff(attempts=4, first=0.001, longest=0.01))


@pytest.fixture
def fresh_account() -> Callable[[], str]:
    """Ids of accounts that no other test uses."""
    return lambda: f"{next(_NUMBERS):012d}"
