"""`s3warden remediations` and `s3warden undo`: what was done about findings, why not, and taking it back.

Reads the store of the daemon beside it. What changes something is left there as a request, which the running daemon
obeys and answers: it alone may write, and it holds what crosses a remediation apart.
"""

import asyncio
import getpass
import json
import socket
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, NoReturn, TypeVar
from uuid import uuid4

import typer

from s3warden import assembly
from s3warden.aws.errors import AwsError
from s3warden.aws.secrets import SecretError
from s3warden.cli.settings import USAGE, ConfigOption, loaded_or_exit
from s3warden.correct.undo import inverse
from s3warden.model.remediation import Asked, Remediation, Request, Stage
from s3warden.respond.remediations import document, line, lines
from s3warden.settings.load import load
from s3warden.store.codec import UndecodableError
from s3warden.store.errors import StoreError
from s3warden.store.journal import Filter
from s3warden.store.visit import Visit

app = typer.Typer(help="What was done about findings, or was not, and why.", no_args_is_help=True)

T = TypeVar("T")

_POLL = 0.2
_WITHDRAWN = "withdrawn: no daemon took it in time"
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The remediation's id, or its beginning.")]
WaitOption = Annotated[float, typer.Option(help="Seconds to wait for the daemon's answer.")]


class Format(StrEnum):
    """How entries are printed."""

    TEXT = "text"
    JSON = "json"


FormatOption = Annotated[Format, typer.Option("--format", help="For people, or for machines.")]


@app.command("list")
def list_(
    stage: Annotated[
        Stage | None, typer.Option(help="Only those that are declined, held, being applied, or ended.")
    ] = None,
    rule: Annotated[str | None, typer.Option(help="Only those about findings of this rule.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 50,
    form: FormatOption = Format.TEXT,
    config: ConfigOption = None,
) -> None:
    """List the latest remediations: what was fixed, what is held and why.

    Example: s3warden remediations list --stage held
    """

    async def told(visit: Visit) -> str:
        found = await visit.journal.latest(limit, Filter(stage=stage, rule_id=rule))
        if form is Format.JSON:
            return json.dumps([document(entry) for entry in found], indent=2)
        return "\n".join(line(entry) for entry in found) or "Nothing was done, and nothing is held."

    typer.echo(_visited(config, told))


@app.command("show")
def show(id_: IdArgument, form: FormatOption = Format.TEXT, config: ConfigOption = None) -> None:
    """Show one remediation: the plan, why it was allowed or not, each step, and what came of it.

    Example: s3warden remediations show k7m2
    """

    async def told(visit: Visit) -> str:
        entry = await _found(visit, id_)
        return json.dumps(document(entry), indent=2) if form is Format.JSON else "\n".join(lines(entry))

    typer.echo(_visited(config, told))


@app.command("keep")
def keep(id_: IdArgument, wait: WaitOption = 30.0, config: ConfigOption = None) -> None:
    """Let a time-boxed fix stay after its time.

    Example: s3warden remediations keep k7m2
    """
    _ask(config, Asked.KEEP, id_, wait)


def undo(
    id_: IdArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    wait: WaitOption = 30.0,
    config: ConfigOption = None,
) -> None:
    """Take a fix back: put exactly what it changed to what it was before, if nobody else touched it since.

    Example: s3warden undo k7m2 --yes
    """

    async def told(visit: Visit) -> str:
        entry = await _found(visit, id_)
        steps = inverse(entry, entry.changed_at).steps if entry.plan is not None else ()
        what = [f"  {step.summary} ({step.call.operation})" for step in steps]
        return "\n".join([line(entry), *(what or ["  it wrote nothing"])])

    if not yes:
        typer.echo(_visited(config, told))
        if not sys.stdin.isatty():
            _leave("nobody is there to ask: say --yes", USAGE)
        typer.confirm("Take this back?", abort=True)
    _ask(config, Asked.UNDO, id_, wait)


def _ask(config: ConfigOption, asked: Asked, id_: str, wait: float) -> None:
    request = Request(uuid4().hex, asked, id_, f"{getpass.getuser()}@{socket.gethostname()}", datetime.now(UTC))

    async def answered(visit: Visit) -> Request:
        # Found here first, so that a wrong id is told at once.
        await _found(visit, id_)
        await visit.ask(request)
        deadline = asyncio.get_running_loop().time() + wait
        while asyncio.get_running_loop().time() < deadline:
            found = await visit.journal.request(request.id)
            if found is not None and found.answer is not None:
                return found
            await asyncio.sleep(_POLL)
        await visit.ask(replace(request, answer=_WITHDRAWN, answered_at=datetime.now(UTC)))
        return await visit.journal.request(request.id) or request

    answer = _visited(config, answered)
    if answer.answer == _WITHDRAWN:
        _leave(
            f"no daemon answered within {wait:g} s, the request is withdrawn: is `s3warden run` up on this store?", 1
        )
    if not answer.ok:
        _leave(str(answer.answer), 1)
    typer.echo(answer.answer)


def _visited(config: ConfigOption, work: Callable[[Visit], Awaitable[T]]) -> T:
    settings = loaded_or_exit(lambda: load(config)).settings

    async def visit() -> T:
        async with await Visit.open(await assembly.store_url(settings)) as opened:
            return await work(opened)

    try:
        return asyncio.run(visit())
    except (StoreError, UndecodableError, AwsError, SecretError) as error:
        _leave(str(error), 1)


async def _found(visit: Visit, id_: str) -> Remediation:
    entry = await visit.journal.find(id_)
    if entry is None:
        raise StoreError(f"no remediation is called {id_!r}; `s3warden remediations list` has the latest")
    return entry


def _leave(complaint: str, code: int) -> NoReturn:
    typer.echo(f"error: {complaint}", err=True)
    raise typer.Exit(code)
