"""`s3warden audit`: the log of every decision and every write, and whether it is as it was written. Reads only."""

import json
from typing import Annotated

import typer

from s3warden.cli.settings import ConfigOption
from s3warden.cli.visiting import visited
from s3warden.model.remediation import AuditRecord
from s3warden.store.chain import GENESIS, Flaw, Link
from s3warden.store.visit import Visit

app = typer.Typer(help="The log of every decision and every write about fixes.", no_args_is_help=True)

_PAGE = 5000


@app.command("verify")
def verify(
    expect: Annotated[
        str | None, typer.Option(metavar="HASH", help="A hash that an earlier run printed: it must still be there.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Check that no record was changed, removed or inserted: exit 0 if the chain holds, 1 at its first flaw.

    Who may write the database can write the whole chain anew. Keep the printed hash elsewhere, and give it the next
    time.

    Example: s3warden audit verify --expect 5f1c…
    """

    async def told(visit: Visit) -> tuple[Link | Flaw, bool]:
        found = await visit.journal.verify_audit()
        return found, expect is None or expect in {GENESIS, *await _hashes(visit)}

    found, known = visited(config, told)
    if isinstance(found, Flaw):
        typer.echo(f"broken at record {found.seq}: it {found.what}", err=True)
        raise typer.Exit(1)
    if not known:
        typer.echo(f"no record has the hash {expect}: the log was written anew, or pruned past it", err=True)
        raise typer.Exit(1)
    typer.echo(f"{found.seq} records hold together; the last hash is {found.hash}")


@app.command("list")
def list_(
    after: Annotated[int, typer.Option(min=0, help="Only records after this number.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 200,
    config: ConfigOption = None,
) -> None:
    """Print records as JSON lines, in order.

    Example: s3warden audit list --after 1200
    """
    for record in visited(config, lambda visit: visit.journal.audit(after, limit)):
        typer.echo(as_json(record))


def as_json(record: AuditRecord) -> str:
    """One record on one line."""
    return json.dumps(
        {
            "seq": record.seq,
            "at": record.at.isoformat(),
            "kind": record.kind,
            "body": json.loads(record.body),
            "previous": record.previous,
            "hash": record.hash,
        }
    )


async def _hashes(visit: Visit) -> set[str]:
    found: set[str] = set()
    last = 0
    while page := await visit.journal.audit(last, _PAGE):
        found.update(record.hash for record in page)
        last = page[-1].seq
    return found
