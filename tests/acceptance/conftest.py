"""What most acceptance tests need: a fake AWS, a webhook receiver, and the settings that join the daemon to both."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from support.cloud import FakeCloud, keys
from support.daemon import Daemon, Settings
from support.receivers import Receiver, serving

Configure = Callable[..., dict[str, Any]]


@pytest.fixture
async def cloud() -> AsyncIterator[FakeCloud]:
    """A fake AWS with one account and nothing in it."""
    async with FakeCloud() as running:
        yield running


@pytest.fixture
async def hook() -> AsyncIterator[Receiver]:
    """A webhook receiver that takes everything."""
    async with serving(Receiver()) as receiver:
        yield receiver


@pytest.fixture
def settings(cloud: FakeCloud, hook: Receiver, tmp_path: Path) -> Settings:
    """The daemon's settings: the queue `events` of the fake, the webhook, a SQLite store, and no waiting about."""
    destination = {"type": "webhook", "name": "hook", "url": hook.url, "min_severity": "info"}
    return {
        "queues": [{"url": cloud.queue_url("events"), "region": "eu-west-1"}],
        "destinations": [destination | {"rate": 1000, "burst": 1000}],
        "aws": {"endpoint_url": cloud.url},
        "events": {"poll": "1s", "visibility": "10s"},
        "refresh": {"quiet": "100ms", "max_delay": "500ms"},
        "sweep": {"interval": "7d", "jitter": "0s"},
        "store": {"url": f"sqlite:///{tmp_path}/s3warden.db"},
    }


@pytest.fixture
async def daemon(tmp_path: Path, settings: Settings) -> AsyncIterator[Daemon]:
    """A daemon with these settings, not started yet."""
    async with Daemon(tmp_path, settings, keys()) as ready_to_start:
        yield ready_to_start
