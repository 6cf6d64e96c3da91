"""Both engines, for real: a file of its own, or a database of its own on one server, for every test."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from s3warden.store.store import Store
from s3warden.telemetry.metrics import Metrics
from support.postgres import new_database, start_postgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a server."""
    with start_postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/s3warden.db"
    return await new_database(request.getfixturevalue("postgres"))


@pytest.fixture
def metrics() -> Metrics:
    """Counters of this test alone."""
    return Metrics(CollectorRegistry())


@pytest.fixture
async def store(url: str, metrics: Metrics) -> AsyncIterator[Store]:
    """An open store."""
    async with await Store.open(url, metrics=metrics) as opened:
        yield opened
