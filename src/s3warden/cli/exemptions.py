"""`s3warden exemptions`: which accepted risks there are, if their files are in order, and what they say of a bucket.

Decides by the same function as the daemon; changes nothing.
"""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from s3warden import assembly
from s3warden.aws.errors import AwsError
from s3warden.aws.secrets import SecretError
from s3warden.cli.explain_bucket import explained
from s3warden.cli.explain_exposure import printable
from s3warden.cli.locate import NotFoundError
from s3warden.cli.settings import USAGE, ConfigOption, loaded_or_exit
from s3warden.cli.state_file import StateFileError, read_state
from s3warden.detect.evaluate import evaluate
from s3warden.detect.exemptions.binding import beyond, is_bound
from s3warden.detect.exemptions.decision import Case, Decision
from s3warden.detect.exemptions.proposal import proposed
from s3warden.detect.house import House
from s3warden.detect.rule import Rule, RuleOptions
from s3warden.detect.rules import UnknownRuleError
from s3warden.model.bucket import BucketState
from s3warden.model.exemption import Allowance, Approved, Exemption
from s3warden.model.finding import RuleResult, Verdict
from s3warden.settings.load import Loaded, load
from s3warden.settings.toml import toml_value
from s3warden.store.errors import StoreError
from s3warden.store.visit import Visit
from s3warden.telemetry import logging

app = typer.Typer(name="exemptions", help="List, check and try accepted risks.", no_args_is_help=True)

_WIDTH_OF_A_PIPE = 200
_ENDED = "ended"


class Format(StrEnum):
    """How the answer is printed."""

    TEXT = "text"
    JSON = "json"


FormatOption = Annotated[Format, typer.Option("--format", help="For people, or for machines.")]


@app.command("list")
def list_exemptions(config: ConfigOption = None, form: FormatOption = Format.TEXT) -> None:
    """List every exemption, the built-in ones too: its end, and how many findings it holds back in the daemon's store.

    An exemption that has ended has no effect; one that holds back nothing may be removed.
    """
    loaded = loaded_or_exit(lambda: load(config))
    used = asyncio.run(_used(loaded))
    rows = [_row(each, used, datetime.now(UTC)) for each in loaded.exemptions]
    if form is Format.JSON:
        typer.echo(json.dumps(rows, indent=2))
    else:
        _print_table(rows)


@app.command()
def lint(config: ConfigOption = None, form: FormatOption = Format.TEXT) -> None:
    """Check the exemption files: exit 0 if all are in order, 2 with every complaint if not. For a build pipeline.

    Warns of what has ended, and of an end that falls on a day off.
    """
    loaded = loaded_or_exit(lambda: load(config))
    own = [each for each in loaded.exemptions if each.ends_at is not None]
    ids = {each.place.rpartition(":")[0] for each in own}
    doubts = [str(each) for each in loaded.warnings if any(each.place.startswith(file) for file in ids)]
    if form is Format.JSON:
        typer.echo(json.dumps({"valid": True, "exemptions": len(own), "warnings": doubts}, indent=2))
        return
    for doubt in doubts:
        typer.echo(f"warning: {doubt}", err=True)
    typer.echo(f"{len(own)} exemption{'' if len(own) == 1 else 's'} in {len(ids)} file{'' if len(ids) == 1 else 's'}.")


@dataclass(frozen=True, slots=True)
class Tried:
    """A bucket with what is wrong, and the decision on each of it."""

    state: BucketState
    options: RuleOptions
    decisions: tuple[tuple[RuleResult, Rule, Decision], ...]


@app.command("test")
def try_out(
    bucket: Annotated[str | None, typer.Option(help="A bucket in AWS, read now.")] = None,
    state: Annotated[Path | None, typer.Option(help="A file with a bucket's state (docs/exemptions.md).")] = None,
    account: Annotated[str | None, typer.Option(help="The account that owns it. Default: looked for.")] = None,
    region: Annotated[str | None, typer.Option(help="Its region. Default: looked for.")] = None,
    at: Annotated[
        datetime | None,
        typer.Option(help="As if it were this moment, UTC. Default: now.", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"]),
    ] = None,
    config: ConfigOption = None,
    form: FormatOption = Format.TEXT,
) -> None:
    """Say for each finding of a bucket which exemption holds, and for every other one why it does not.

    Example: s3warden exemptions test --bucket www-assets
    """
    if (bucket is None) == (state is None):
        raise typer.BadParameter("give either --bucket or --state")
    loaded = loaded_or_exit(lambda: load(config, flags={("log", "level"): "error"}))
    logging.configure(loaded.settings.log.level, loaded.settings.log.format, stream=sys.stderr)
    moment = at.replace(tzinfo=UTC) if at is not None else datetime.now(UTC)
    try:
        tried = (
            _of_file(loaded, state, moment)
            if state
            else asyncio.run(_live(loaded, str(bucket), account, region, moment))
        )
    except UnknownRuleError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(USAGE) from None
    except (AwsError, SecretError, NotFoundError, StateFileError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    if form is Format.JSON:
        typer.echo(json.dumps(_document(tried), indent=2))
    else:
        typer.echo("\n".join(printable(line) for line in _lines(tried)))


async def _used(loaded: Loaded) -> Counter[str] | None:
    """How many findings each exemption holds back; None where the daemon's store cannot be looked into."""
    try:
        async with await Visit.open(await assembly.store_url(loaded.settings)) as visit:
            found = await visit.open_findings()
    except (StoreError, AwsError, SecretError) as error:
        typer.echo(f"the store tells nothing of their use: {error}", err=True)
        return None
    return Counter(each.exempt.id for each in found if each.exempt is not None)


def _row(exemption: Exemption, used: Counter[str] | None, now: datetime) -> dict[str, Any]:
    ends_at = exemption.ends_at
    holds = None if used is None else used[exemption.id]
    state = "built in" if ends_at is None else _ENDED if ends_at <= now else "unused" if holds == 0 else "in force"
    return {
        "id": exemption.id,
        "state": state,
        "ends_at": ends_at.isoformat() if ends_at else None,
        "days_left": (ends_at - now).days if ends_at and state != _ENDED else None,
        "findings": holds,
        "rules": list(exemption.rules),
        "owner": exemption.owner,
        "ticket": exemption.ticket,
        "reason": exemption.reason,
        "place": exemption.place,
    }


def _print_table(rows: Sequence[dict[str, Any]]) -> None:
    console = Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_PIPE)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("exemption", "state", "ends", "findings", "rules", "owner", "written in"):
        table.add_column(name, overflow="fold", no_wrap=name in ("state", "ends"))
    for row in rows:
        ends = (
            f"{row['ends_at'][:10]} ({row['days_left']} d)" if row["days_left"] is not None else row["ends_at"] or "-"
        )
        findings = "?" if row["findings"] is None else str(row["findings"])
        table.add_row(row["id"], row["state"], ends, findings, ", ".join(row["rules"]), row["owner"], row["place"])
    console.print(table)


def _of_file(loaded: Loaded, path: Path, at: datetime) -> Tried:
    rules, options = assembly.rules_and_options(loaded.settings)
    house = assembly.house(loaded.settings, loaded.exemptions)
    return tried_out(rules, options, house, read_state(path, at), at)


async def _live(loaded: Loaded, name: str, account: str | None, region: str | None, at: datetime) -> Tried:
    found = await explained(loaded, name, account, region)
    return tried_out(found.rules, found.options, found.house, found.state, at)


def tried_out(rules: Sequence[Rule], options: RuleOptions, house: House, state: BucketState, at: datetime) -> Tried:
    """What is wrong with a bucket, and the decision on each of it, with the reasons of every exemption."""
    known, place = house.known(rules), house.register.place(state)
    wrong = [each for each in evaluate(rules, state, options=options) if each.verdict is Verdict.FAIL]
    decided = (
        (each, known[each.rule_id], house.register.decide(Case(known[each.rule_id], each, state, place, options, at)))
        for each in sorted(wrong, key=lambda r: (not r.evidence.live, -r.severity.rank, r.rule_id))
    )
    return Tried(state, options, tuple(decided))


def _lines(tried: Tried) -> Iterator[str]:
    ref = tried.state.ref
    yield f"bucket {ref.name}, account {ref.account}, {ref.region}"
    if not tried.decisions:
        yield "Nothing wrong was found, so there is nothing to exempt."
    for result, rule, decision in tried.decisions:
        yield ""
        yield f"{rule.info.id}: {result.evidence.summary}"
        yield f"  exempt by {decision.exempt}, {decision.by.place}" if decision.by else "  not exempt"
        for miss in decision.misses:
            yield f"    {miss.exemption.id} ({miss.exemption.place}): {miss.text}"
    if any(decision.by is None and is_bound(rule.info) for _, rule, decision in tried.decisions):
        yield ""
        yield from _to_approve(tried)


def _to_approve(tried: Tried) -> Iterator[str]:
    approved = proposed(tried.state, tried.options)
    if approved is None:
        yield "What is open cannot be told in full, so no exemption can be held to it."
        return
    yield "An exemption from these rules has to approve who gets in, or would after one change:"
    yield "  [exemption.approved]"
    yield from (f"  {line}" for line in written(approved))
    for result, rule, decision in tried.decisions:
        if decision.by is None and is_bound(rule.info) and beyond(approved, rule, tried.state, tried.options, result):
            yield f"and beside it, for {rule.info.id}:"
            yield f"  facts = {toml_value(result.evidence.details)}"


def written(approved: Approved) -> Iterator[str]:
    """What was approved, as it stands in a file."""
    for name, allowances in (("public", approved.public), ("authenticated", approved.authenticated)):
        if allowances:
            yield f"{name} = {toml_value(_texts(allowances))}"
    if approved.accounts:
        yield f"accounts = {toml_value({who: _texts(allowances) for who, allowances in approved.accounts})}"


def _texts(allowances: Sequence[Allowance]) -> list[str]:
    return [str(each) for each in allowances]


def _document(tried: Tried) -> dict[str, Any]:
    ref = tried.state.ref
    return {
        "bucket": ref.name,
        "account": ref.account,
        "region": ref.region,
        "findings": [
            {
                "rule_id": rule.info.id,
                "severity": result.severity.value,
                "summary": result.evidence.summary,
                "details": dict(result.evidence.details),
                "exempt": decision.by.id if decision.by else None,
                "misses": [
                    {"id": m.exemption.id, "place": m.exemption.place, "why": m.why.value, "text": m.text}
                    for m in decision.misses
                ],
            }
            for result, rule, decision in tried.decisions
        ],
    }
