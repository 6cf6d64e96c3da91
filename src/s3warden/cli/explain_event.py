"""`s3warden explain event`: what the daemon would make of a message body, as one JSON line a body.

Uses the daemon's own parser and nothing else: no AWS, no settings, no store.
"""

import json
import sys
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from s3warden.collect.envelope import MAX_BODY
from s3warden.collect.parser import parse
from s3warden.model.event import Parsed, Poison, Refresh, Target

_STDIN = "-"
_USAGE = 2
# A character takes up to four bytes; past that, the parser refuses the body for its size anyway.
_MAX_BYTES = 4 * MAX_BODY + 1


def event(
    path: Annotated[
        str, typer.Argument(metavar="FILE|DIR|-", help="One message body, a folder of *.json bodies, or - for stdin.")
    ],
) -> None:
    """Show what the daemon would look at again because of a queue message, and why."""
    if path == _STDIN:
        typer.echo(json.dumps(_explain(_STDIN, sys.stdin.buffer.read(_MAX_BYTES))))
        return
    unreadable = False
    for source in _sources(Path(path)):
        try:
            with source.open("rb") as file:
                body = file.read(_MAX_BYTES)
        except OSError as error:
            typer.echo(f"s3warden: cannot read {source}: {error.strerror or error}", err=True)
            unreadable = True
        else:
            typer.echo(json.dumps(_explain(source.name, body)))
    if unreadable:
        raise typer.Exit(_USAGE)


def _sources(path: Path) -> Iterable[Path]:
    if not path.is_dir():
        return (path,)
    return sorted(file for file in path.glob("*.json") if not file.is_dir())


def _explain(name: str, body: bytes) -> dict[str, object]:
    try:
        parsed: Parsed = parse(body.decode())
    except UnicodeDecodeError as error:
        parsed = Poison("undecodable", str(error))
    return {"file": name, **_line(parsed)}


def _line(parsed: Parsed) -> dict[str, object]:
    trigger = None if isinstance(parsed, Poison) else parsed.trigger
    actor = trigger.actor if trigger is not None else None
    targets = parsed.targets if isinstance(parsed, Refresh) else ()
    return {
        "outcome": type(parsed).__name__.lower(),
        "reason": parsed.reason,
        "targets": [_target(target) for target in targets],
        "actor": actor.principal if actor is not None else None,
        "event_time": _time(trigger.event_time) if trigger is not None else None,
    }


def _target(target: Target) -> dict[str, object]:
    return {
        "account": target.account,
        "region": target.region,
        "bucket": target.bucket,
        "level": target.level,
        "aspects": sorted(target.aspects),
        **({} if target.object is None else {"object": target.object.place}),
    }


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")
