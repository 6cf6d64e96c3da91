"""`s3warden explain exposure`: who can reach the bucket that a document describes, with proof.

Takes one document in the form of the exposure vectors, or a list of them. Uses the engine and nothing else: no AWS, no
settings, no store.
"""

import json
import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from s3warden.detect.exposure.inputs import ExposureInputs, inputs_of
from s3warden.detect.exposure.memo import Memo
from s3warden.detect.exposure.parse import Pairs
from s3warden.detect.exposure.verdict import Exposure
from s3warden.detect.exposure.what_if import Change, smallest, what_if

_USAGE = 2


class Format(StrEnum):
    """How to print a verdict."""

    TREE = "tree"
    JSON = "json"


def exposure(
    path: Annotated[str, typer.Argument(metavar="FILE|-", help="One document or a list of them as JSON; - for stdin.")],
    format: Annotated[Format, typer.Option("--format", help="A tree for people, or JSON.")] = Format.TREE,  # noqa: A002
    show_what_if: Annotated[
        bool, typer.Option("--what-if", help="Also show what each change of a setting would do.")
    ] = False,
) -> None:
    """Show who can reach a bucket, by which statement, and what stops the rest."""
    given = _read(path)
    many = isinstance(given, list)
    memo = Memo()
    answers: list[object] = []
    for document in given if isinstance(given, list) else [given]:
        inputs = inputs_of(document, now=time.time())
        found = memo.analyse(inputs)
        changes = what_if(inputs, memo.analyse) if show_what_if else None
        name = document.get("id") if isinstance(document, dict) else None
        if format is Format.JSON:
            answers.append(as_json(found, name, changes))
        else:
            typer.echo("\n".join(printable(line) for line in tree(inputs, found, name, changes)))
    if format is Format.JSON:
        typer.echo(json.dumps(answers if many else answers[0], indent=2))


def _read(path: str) -> object:
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
        return json.loads(text, object_pairs_hook=Pairs)
    except OSError as error:
        typer.echo(f"s3warden: cannot read {path}: {error.strerror or error}", err=True)
    except (ValueError, RecursionError) as error:
        typer.echo(f"s3warden: {path} is not JSON: {error}", err=True)
    raise typer.Exit(_USAGE)


def as_json(found: Exposure, name: object, changes: tuple[Change, ...] | None) -> dict[str, object]:
    """A verdict for JSON, with what each change would do where that was asked for."""
    shown = found.as_dict(name)
    if changes is not None:
        best = smallest(changes)
        shown["what_if"] = [change.as_dict() for change in changes]
        shown["smallest_change"] = None if best is None else best.as_dict()
    return shown


def tree(inputs: ExposureInputs, found: Exposure, name: object, changes: tuple[Change, ...] | None) -> list[str]:
    """A verdict for people, line by line."""
    title = inputs.bucket or "?"
    lines = [f"{title}{'' if name is None else f' ({name})'}: {_headline(found)}"]
    sections: list[tuple[str, list[str]]] = [
        ("who gets in", _witnesses(found)),
        ("what stops the rest", [f"{r.via}, {r.source}: {r.text} [{r.layer}]" for r in found.reasons]),
        ("not known", list(found.unknown_because)),
        ("what if", _changes(changes)),
    ]
    facts = [f"policy status: {_word(found.policy_status_is_public, 'public', 'not public')}"]
    if found.cross_account:
        facts.append(f"named accounts with access: {', '.join(found.cross_account)}")
    if found.blocked_by:
        facts.append(f"blocked by: {', '.join(found.blocked_by)}")
    if inputs.website and found.public:
        facts.append("website hosting serves what is readable, over plain http")
    filled = [("verdict", facts), *((head, body) for head, body in sections if body)]
    for number, (head, body) in enumerate(filled):
        last = number == len(filled) - 1
        lines.append(f"{'└─' if last else '├─'} {head}")
        for at, line in enumerate(body):
            lines.append(f"{'   ' if last else '│  '}{'└─' if at == len(body) - 1 else '├─'} {line}")
    return lines


def _headline(found: Exposure) -> str:
    if found.public is None:
        return "UNKNOWN (not to be taken for private)"
    if not found.public:
        return "not public"
    if found.authenticated_only:
        return f"PUBLIC to anyone with an AWS account, a VPC or a login, via {', '.join(found.via)}"
    return f"PUBLIC to anyone: {', '.join(found.public_actions)}, via {', '.join(found.via)}"


def _word(value: bool | None, yes: str, no: str) -> str:
    return "not known, or no policy" if value is None else yes if value else no


def _witnesses(found: Exposure) -> list[str]:
    lines = []
    for one in found.witnesses:
        context = ", ".join(f"{key}={' '.join(values)}" for key, values in one.context)
        lines.append(f"{one.action} on {one.resource} by {one.caller}")
        lines.append(f"   granted by {one.via}, {', '.join(one.granted_by)}; with {context}")
    return lines


def _changes(changes: tuple[Change, ...] | None) -> list[str]:
    if changes is None:
        return []
    best = smallest(changes)
    lines = []
    for change in changes:
        effect = "closes it" if change.closes else "OPENS it" if change.opens else _headline(change.verdict)
        cut = f", cuts off {', '.join(change.cuts_off)}" if change.cuts_off else ""
        lines.append(f"{' + '.join(change.steps)}: {effect}{cut}{' <- smallest' if change is best else ''}")
    return lines or ["no single change alters the verdict"]


def printable(line: str) -> str:
    """Names and policies come from elsewhere: no control characters for the terminal."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in line)
