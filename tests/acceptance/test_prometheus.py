"""The metrics in the hands of those who read them: promtool's linter and a real Prometheus."""

import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from support.books import start_with_baseline
from support.cloud import PUBLIC_READ, FakeCloud, change
from support.daemon import Daemon
from support.moto import free_port
from support.receivers import Receiver

PROMTOOL = shutil.which("promtool")
PROMETHEUS = shutil.which("prometheus")
CONFIG = """\
global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}
scrape_configs:
  - job_name: s3warden
    static_configs: [{{targets: ["{target}"]}}]
"""


async def _after_an_alert(cloud: FakeCloud, hook: Receiver, daemon: Daemon) -> None:
    """A daemon that has done a little of everything, so that most metrics have samples."""
    good, _ = cloud.world.add("invented-one", "invented-two", tags={})
    queue = cloud.queue("events")
    await start_with_baseline(daemon, hook)
    cloud.deny("GetBucketLogging", bucket="invented-one")
    good.grants.append(PUBLIC_READ)
    queue.send(change(good, "PutBucketAcl"))
    queue.send(change(good, "PutBucketLogging"))
    queue.send("not json")
    await daemon.until(lambda: len(queue.messages) <= 1, "the events to be worked off")
    await daemon.until_metric("s3warden_notifications_total", 2)


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian package: prometheus)")
async def test_promtool_accepts_the_metrics(cloud: FakeCloud, hook: Receiver, daemon: Daemon) -> None:
    """`promtool check metrics` has nothing to say about names, units, help texts and types."""
    await _after_an_alert(cloud, hook, daemon)
    _, text = await daemon.get("/metrics")
    process = await asyncio.create_subprocess_exec(
        str(PROMTOOL),
        *("check", "metrics"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate(text.encode())
    assert (process.returncode, said.decode()) == (0, "")
    names = {line.split("{")[0].split(" ")[0] for line in text.splitlines() if line.startswith("s3warden_")}
    assert len(names) > 40


@asynccontextmanager
async def _prometheus(folder: Path, target: str) -> AsyncIterator[str]:
    """A Prometheus that scrapes `target` five times a second; its URL."""
    config = folder / "prometheus.yml"
    config.write_text(CONFIG.format(target=target))
    address = f"127.0.0.1:{free_port()}"
    options = (f"--config.file={config}", f"--storage.tsdb.path={folder}/tsdb", f"--web.listen-address={address}")
    with (folder / "prometheus.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(str(PROMETHEUS), *options, stdout=log, stderr=log)
    try:
        yield f"http://{address}"
    finally:
        process.terminate()
        await process.wait()


async def _query(url: str, query: str, within: float = 60.0) -> list[dict[str, Any]]:
    """The result of an instant query, as soon as there is one."""
    deadline = time.monotonic() + within
    async with aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(f"{url}/api/v1/query", params={"query": query}) as answer:
                    result: list[dict[str, Any]] = json.loads(await answer.text())["data"]["result"]
            except (aiohttp.ClientError, ValueError, KeyError):
                result = []
            if result:
                return result
            assert time.monotonic() < deadline, f"Prometheus has no answer to {query}"
            await asyncio.sleep(0.2)


@pytest.mark.skipif(PROMETHEUS is None, reason="prometheus is not installed (Debian package: prometheus)")
async def test_prometheus_scrapes_the_daemon(cloud: FakeCloud, hook: Receiver, daemon: Daemon, tmp_path: Path) -> None:
    """The target is up without a scrape error, and a query sees the critical finding that an event brought."""
    await _after_an_alert(cloud, hook, daemon)
    async with _prometheus(tmp_path, daemon.url.removeprefix("http://")) as url:
        await _query(url, 'up{job="s3warden"} == 1')
        (answer,) = await _query(url, 's3warden_finding_changes_total{kind="opened", severity="critical"}')
        assert float(answer["value"][1]) >= 1
        assert await _query(url, "s3warden_ready == 1")
        assert await _query(url, 'sum(s3warden_messages_poison_total{reason="not_json"}) >= 1')
        dropped = await _query(url, 'scrape_samples_scraped{job="s3warden"} > 100')
        assert dropped
