"""`s3warden run`: the daemon."""

import asyncio
import os
import platform
from importlib.metadata import version
from typing import Annotated

import typer
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

from s3warden.app import App
from s3warden.cli.settings import ConfigOption, loaded_or_exit
from s3warden.settings.load import Loaded, load
from s3warden.telemetry.health import Health
from s3warden.telemetry.metrics import Metrics


def run(
    config: ConfigOption = None,
    log_level: Annotated[str | None, typer.Option(help="Lowest level shown; beats `log.level`.")] = None,
) -> None:
    """Run the daemon until SIGTERM. SIGHUP loads the settings again; a second SIGTERM stops at once.

    Example: s3warden run --config /etc/s3warden/config.toml
    """
    flags: dict[tuple[str, ...], object] = {("log", "level"): log_level}

    def read() -> Loaded:
        return load(config, flags=flags)

    loaded = loaded_or_exit(read)
    registry = CollectorRegistry()
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    metrics = Metrics(registry)
    revision = os.environ.get("S3WARDEN_REVISION", "")
    metrics.build_info.labels(version("s3warden"), revision, platform.python_version()).set(1)
    raise typer.Exit(asyncio.run(App(read, loaded, metrics=metrics, health=Health()).run()))
