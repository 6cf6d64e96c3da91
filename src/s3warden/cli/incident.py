"""`s3warden incident`: the record of an exposure that is over, from the store of the daemon. Reads only."""

import asyncio
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer

from s3warden import assembly
from s3warden.aws.errors import AwsError
from s3warden.aws.secrets import SecretError
from s3warden.cli.settings import ConfigOption, loaded_or_exit
from s3warden.model.finding import FindingChange
from s3warden.model.incident import Incident
from s3warden.respond import render
from s3warden.respond.incidents import document, text
from s3warden.settings.load import load
from s3warden.settings.sections import Settings
from s3warden.store.codec import UndecodableError
from s3warden.store.errors import StoreError
from s3warden.store.visit import Visit

_LISTED = 50


class Format(StrEnum):
    """How a record is printed."""

    TEXT = "text"
    JSON = "json"


def incident(
    id_: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="The record's id, or its beginning. Default: list the latest.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="For people, or for machines.")] = Format.TEXT,
    config: ConfigOption = None,
) -> None:
    """Show the record of an exposure that is over: its window, both sides, what was possible, how to find its use.

    Example: s3warden incident inc-1f0c2a
    """
    settings = loaded_or_exit(lambda: load(config)).settings
    try:
        typer.echo(asyncio.run(_told(settings, id_, form)), nl=False)
    except (StoreError, UndecodableError, AwsError, SecretError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None


async def _told(settings: Settings, id_: str | None, form: Format) -> str:
    async with await Visit.open(await assembly.store_url(settings)) as visit:
        if id_ is None:
            return listing(await visit.incidents.latest(_LISTED))
        found = await visit.incidents.find(id_)
        if found is None:
            raise StoreError(f"no incident is called {id_!r}; `s3warden incident` lists the latest")
        return printed(found, await visit.incidents.steps(found.fingerprint), form)


def printed(found: Incident, steps: Sequence[FindingChange], form: Format) -> str:
    """One record."""
    return text(found, steps) if form is Format.TEXT else document(found, steps) + "\n"


def listing(found: Sequence[Incident]) -> str:
    """The latest records, one a line."""
    if not found:
        return "No exposure has ended yet, as far as the store knows.\n"
    rows = [
        f"{each.id}  {render.moment(each.closed_at)}  open for "
        f"{render.duration(each.closed_at - (each.opened_at or each.found_at)):<12}  {each.bucket.name}"
        for each in found
    ]
    return "\n".join(rows) + "\n"
