"""`s3warden notify test`: a message to the destinations of the settings, sent as the daemon would send an alert."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import aiohttp
import typer
from prometheus_client import CollectorRegistry

from s3warden import assembly
from s3warden.aws.errors import AwsError
from s3warden.aws.secrets import SecretError
from s3warden.cli.settings import USAGE, ConfigOption, loaded_or_exit
from s3warden.model.alert import Delivered, Delivery, Postponed
from s3warden.respond.notifier import Notifier
from s3warden.respond.rehearsal import test_notification
from s3warden.settings.destinations import Destination
from s3warden.settings.load import load
from s3warden.settings.sections import Settings
from s3warden.telemetry import logging
from s3warden.telemetry.metrics import Metrics

PATIENCE = 30.0

app = typer.Typer(help="The destinations of alerts.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Without it, Typer would take the only command for the group itself."""


@app.command("test")
def send_test(
    config: ConfigOption = None,
    destination: Annotated[
        list[str] | None,
        typer.Option("--destination", "-d", help="Name of a destination; may be repeated. Default: all."),
    ] = None,
) -> None:
    """Send a test message: exit 0 if every destination took it, 1 if one did not, 2 if it is not in the settings.

    Example: s3warden notify test --config config.toml --destination oncall
    """
    settings = loaded_or_exit(lambda: load(config)).settings
    logging.configure(settings.log.level, settings.log.format)
    chosen = _chosen(settings, destination or [])
    try:
        answers = asyncio.run(_told(settings, chosen))
    except (SecretError, AwsError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    for name, answer in answers:
        typer.echo(f"{name}: {words(answer)}")
    if not all(isinstance(answer, Delivered) for _, answer in answers):
        raise typer.Exit(1)


def words(answer: Delivery) -> str:
    """What became of the message, for people."""
    if isinstance(answer, Delivered):
        return "delivered; look whether it can be read there"
    again = ", the daemon would try again" if isinstance(answer, Postponed) else ", the daemon would give up"
    detail = f": {answer.detail}" if answer.detail else ""
    return f"not delivered ({answer.reason}{again}){detail}"


def _chosen(settings: Settings, names: Sequence[str]) -> list[Destination]:
    known = {each.name: each for each in settings.destinations}
    wrong = [name for name in names if name not in known]
    if wrong or not known:
        listed = ", ".join(known) or "none"
        typer.echo(f"error: no such destination: {', '.join(wrong) or 'any'} (in the settings: {listed})", err=True)
        raise typer.Exit(USAGE)
    return [known[name] for name in names or known]


async def _told(settings: Settings, chosen: Sequence[Destination]) -> list[tuple[str, Delivery]]:
    metrics = Metrics(CollectorRegistry())
    async with assembly.reading(settings, metrics) as parts, aiohttp.ClientSession(trust_env=True) as http:
        notifiers = await assembly.notifiers(chosen, parts, http)
        answers = await asyncio.gather(*(_send(notifier) for notifier in notifiers))
    return [(notifier.name, answer) for notifier, answer in zip(notifiers, answers, strict=True)]


async def _send(notifier: Notifier) -> Delivery:
    try:
        async with asyncio.timeout(PATIENCE):
            return await notifier.send([test_notification(notifier.name, datetime.now(UTC))])
    except TimeoutError:
        return Postponed("timeout")
