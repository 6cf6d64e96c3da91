"""`s3warden incident`: the record of an exposure that is over, from the store of the daemon. Reads only."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer

from s3warden.cli.settings import ConfigOption
from s3warden.cli.visiting import visited
from s3warden.model.finding import FindingChange
from s3warden.model.incident import Incident
from s3warden.respond import render
from s3warden.respond.incidents import document, text
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

    async def told(visit: Visit) -> str:
        if id_ is None:
            return listing(await visit.incidents.latest(_LISTED))
        found = await visit.incidents.find(id_)
        if found is None:
            raise StoreError(f"no incident is called {id_!r}; `s3warden incident` lists the latest")
        return printed(found, await visit.incidents.steps(found.fingerprint), form)

    typer.echo(visited(config, told), nl=False)


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
