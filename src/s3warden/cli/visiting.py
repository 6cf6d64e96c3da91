"""A look into the store of the daemon that runs, for the commands that print what is in it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import typer

from s3warden import assembly
from s3warden.aws.errors import AwsError
from s3warden.aws.secrets import SecretError
from s3warden.cli.settings import loaded_or_exit
from s3warden.settings.load import load
from s3warden.store.codec import UndecodableError
from s3warden.store.errors import StoreError
from s3warden.store.visit import Visit

T = TypeVar("T")


def visited(config: Path | None, work: Callable[[Visit], Awaitable[T]]) -> T:
    """What `work` makes of the store that the settings name; leaves with a complaint where it cannot be had."""
    settings = loaded_or_exit(lambda: load(config)).settings

    async def visit() -> T:
        async with await Visit.open(await assembly.store_url(settings)) as opened:
            return await work(opened)

    try:
        return asyncio.run(visit())
    except (StoreError, UndecodableError, AwsError, SecretError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
