"""`s3warden remediations` and `s3warden undo`: what was done about findings, why not, and taking it back.

Reads the store of the daemon beside it. What changes something is left there as a request, which the running daemon
obeys and answers: it alone may write, and it holds what crosses a remediation apart.
"""

import asyncio
import getpass
import json
import socket
import sys
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, NoReturn
from uuid import uuid4

import typer

from s3warden.cli.settings import USAGE, ConfigOption
from s3warden.cli.visiting import visited
from s3warden.correct.undo import inverse
from s3warden.model.remediation import Asked, Remediation, Request, Stage
from s3warden.respond.remediations import document, line, lines
from s3warden.store.errors import StoreError
from s3warden.store.journal import Filter
from s3warden.store.visit import Visit

app = typer.Typer(help="What was done about findings, or was not, and why.", no_args_is_help=True)


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

    typer.echo(visited(config, told))


@app.command("show")
def show(id_: IdArgument, form: FormatOption = Format.TEXT, config: ConfigOption = None) -> None:
    """Show one remediation: the plan, why it was allowed or not, each step, and what came of it.

    Example: s3warden remediations show k7m2
    """

    async def told(visit: Visit) -> str:
        entry = await _found(visit, id_)
        return json.dumps(document(entry), indent=2) if form is Format.JSON else "\n".join(lines(entry))

    typer.echo(visited(config, told))


@app.command("keep")
def keep(id_: IdArgument, wait: WaitOption = 30.0, config: ConfigOption = None) -> None:
    """Let a time-boxed fix stay after its time.

    Example: s3warden remediations keep k7m2
    """
    _ask(config, Asked.KEEP, id_, wait)


@app.command("approve")
def approve(
    id_: IdArgument,
    plan: Annotated[
        str | None, typer.Option(help="The plan that you agree to, as the alert or `show` names it.")
    ] = None,
    wait: WaitOption = 30.0,
    config: ConfigOption = None,
) -> None:
    """Agree to exactly one plan; without --plan it is shown first. Whoever asked for it cannot, high risk needs two.

    Example: s3warden remediations approve k7m2 --plan 3f0c9a77b1e2d4c8
    """
    _ask(config, Asked.APPROVE, id_, wait, plan or _shown(config, id_, "Carry this out?"))


@app.command("reject")
def reject(
    id_: IdArgument,
    plan: Annotated[str | None, typer.Option(help="The plan that is not to be carried out.")] = None,
    wait: WaitOption = 30.0,
    config: ConfigOption = None,
) -> None:
    """Say that a plan is not to be carried out; another plan for the same finding is another question.

    Example: s3warden remediations reject k7m2
    """
    _ask(config, Asked.REJECT, id_, wait, plan or _shown(config, id_, "Leave it as it is?"))


@app.command("stop")
def stop(wait: WaitOption = 30.0, config: ConfigOption = None) -> None:
    """Stop all fixes at once, from the next call on; it holds over restarts.

    Example: s3warden remediations stop
    """
    _ask(config, Asked.STOP, "", wait)


@app.command("start")
def start(wait: WaitOption = 30.0, config: ConfigOption = None) -> None:
    """Take back `stop`.

    Example: s3warden remediations start
    """
    _ask(config, Asked.START, "", wait)


def _shown(config: ConfigOption, id_: str, question: str) -> str:
    """Show the entry with its plan and ask; the digest of what was shown."""
    found: list[Remediation] = []

    async def told(visit: Visit) -> str:
        found.append(await _found(visit, id_))
        return "\n".join(lines(found[0]))

    typer.echo(visited(config, told))
    planned = found[0].plan
    if planned is None:
        _leave(f"{found[0].id} has no plan to answer to", 1)
    if not sys.stdin.isatty():
        _leave("nobody is there to ask: name the plan with --plan", USAGE)
    typer.confirm(question, abort=True)
    return planned.digest


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
        typer.echo(visited(config, told))
        if not sys.stdin.isatty():
            _leave("nobody is there to ask: say --yes", USAGE)
        typer.confirm("Take this back?", abort=True)
    _ask(config, Asked.UNDO, id_, wait)


def _ask(config: ConfigOption, asked: Asked, id_: str, wait: float, digest: str = "") -> None:
    by = f"{getpass.getuser()}@{socket.gethostname()}"
    request = Request(uuid4().hex, asked, id_, by, datetime.now(UTC), digest)

    async def answered(visit: Visit) -> Request:
        # Found here first, so that a wrong id is told at once.
        if id_:
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

    answer = visited(config, answered)
    if answer.answer == _WITHDRAWN:
        _leave(
            f"no daemon answered within {wait:g} s, the request is withdrawn: is `s3warden run` up on this store?", 1
        )
    if not answer.ok:
        _leave(str(answer.answer), 1)
    typer.echo(answer.answer)


async def _found(visit: Visit, id_: str) -> Remediation:
    entry = await visit.journal.find(id_)
    if entry is None:
        raise StoreError(f"no remediation is called {id_!r}; `s3warden remediations list` has the latest")
    return entry


def _leave(complaint: str, code: int) -> NoReturn:
    typer.echo(f"error: {complaint}", err=True)
    raise typer.Exit(code)
