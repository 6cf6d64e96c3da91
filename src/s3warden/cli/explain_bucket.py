"""`s3warden explain bucket`: one bucket as it is in AWS now, who can reach it with proof, and every verdict on it.

Reads and judges exactly as the daemon does; stores nothing, tells nobody, changes nothing.
"""

import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer
from prometheus_client import CollectorRegistry

from s3warden import assembly
from s3warden.aws.errors import AwsError
from s3warden.aws.secrets import SecretError
from s3warden.cli.explain_exposure import Format, as_json, printable, tree
from s3warden.cli.locate import NotFoundError, located
from s3warden.cli.settings import USAGE, ConfigOption, loaded_or_exit
from s3warden.detect import exposed
from s3warden.detect.context import Circumstances, circumstances
from s3warden.detect.evaluate import evaluate
from s3warden.detect.exposure.inputs import ExposureInputs
from s3warden.detect.exposure.verdict import Exposure
from s3warden.detect.exposure.what_if import Change, what_if
from s3warden.detect.house import House, in_house
from s3warden.detect.rule import Rule, RuleOptions
from s3warden.detect.rules import UnknownRuleError, needs
from s3warden.model.bucket import ACCOUNT_ASPECTS, AccountRef, BucketRef, BucketState
from s3warden.model.finding import RuleResult, Verdict
from s3warden.respond.document import exemption
from s3warden.settings.load import Loaded, load
from s3warden.telemetry import logging
from s3warden.telemetry.metrics import Metrics

_ORDER = (Verdict.FAIL, Verdict.UNKNOWN, Verdict.PASS, Verdict.NOT_APPLICABLE)


@dataclass(frozen=True, slots=True)
class Explained:
    """A bucket with what the engine says and what every enabled rule says."""

    ref: BucketRef
    inputs: ExposureInputs
    exposure: Exposure
    results: tuple[RuleResult, ...]
    circumstances: Circumstances
    state: BucketState
    rules: tuple[Rule, ...]
    options: RuleOptions
    house: House


def bucket(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The bucket's name.")],
    account: Annotated[str | None, typer.Option(help="The account that owns it. Default: looked for.")] = None,
    region: Annotated[str | None, typer.Option(help="Its region. Default: looked for.")] = None,
    form: Annotated[Format, typer.Option("--format", help="A tree for people, or JSON.")] = Format.TREE,
    show_what_if: Annotated[
        bool, typer.Option("--what-if", help="Also show what each change of a setting would do.")
    ] = False,
    config: ConfigOption = None,
    log_level: Annotated[str, typer.Option(help="Lowest level of log lines on standard error.")] = "error",
) -> None:
    """Read one bucket and show who can reach it, by which statement, what stops the rest, and what every rule says.

    Example: s3warden explain bucket payroll-exports --what-if
    """
    loaded = loaded_or_exit(lambda: load(config, flags={("log", "level"): log_level}))
    settings = loaded.settings
    logging.configure(settings.log.level, settings.log.format, stream=sys.stderr)
    try:
        found = asyncio.run(explained(loaded, name, account, region))
    except UnknownRuleError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(USAGE) from None
    except (AwsError, SecretError, NotFoundError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    changes = what_if(found.inputs, exposed.analysed) if show_what_if else None
    if form is Format.JSON:
        typer.echo(json.dumps(_document(found, changes), indent=2))
    else:
        typer.echo("\n".join(printable(line) for line in _lines(found, changes)))


async def explained(loaded: Loaded, name: str, account: str | None, region: str | None) -> Explained:
    """Read and judge one bucket. Raises NotFoundError, AwsError, SecretError, UnknownRuleError."""
    settings = loaded.settings
    rules, options = assembly.rules_and_options(settings)
    house = assembly.house(settings, loaded.exemptions)
    async with assembly.reading(settings, Metrics(CollectorRegistry())) as parts:
        identity = await parts.sessions.identify()
        accounts = [AccountRef(identity.partition, account)] if account else []
        if account and region:
            ref = BucketRef(identity.partition, account, region, name)
        else:
            ref = await located(parts, accounts or await parts.estate.accounts(), name)
        wanted = needs(rules) | exposed.NEEDS | exposed.HINTS | house.needs
        await assembly.know_units(house, parts.estate)
        owner = await parts.fetch.account(ref.owner, wanted & ACCOUNT_ASPECTS)
        state = await parts.fetch.bucket(ref, wanted - ACCOUNT_ASPECTS, account=owner)
    if not state.exists:
        raise NotFoundError(f"there is no bucket {name} in {ref.region} of {ref.owner}")
    inputs = exposed.inputs_of(state, options)
    plain = evaluate(rules, state, options=options)
    told = circumstances(plain, state, house.known(rules), house.context, house.units_of(ref.account))
    results = in_house(plain, rules, state, options, house, datetime.now(UTC))
    return Explained(ref, inputs, exposed.analysed(inputs), results, told, state, rules, options, house)


def _document(found: Explained, changes: tuple[Change, ...] | None) -> dict[str, object]:
    return {
        **as_json(found.exposure, found.ref.name, changes),
        "bucket": found.ref.name,
        "account": found.ref.account,
        "region": found.ref.region,
        "arn": found.ref.arn,
        "aws_policy_status_is_public": found.inputs.policy_status,
        "context": {
            "exposure": found.circumstances.exposure.value,
            "sensitivity": found.circumstances.sensitivity.value,
            "sensitivity_by": found.circumstances.sensitivity_by,
            "environment": found.circumstances.environment.value,
            "environment_by": found.circumstances.environment_by,
        },
        "rules": [_result(result) for result in _sorted(found.results)],
    }


def _result(result: RuleResult) -> dict[str, object]:
    return {
        "rule_id": result.rule_id,
        "verdict": result.verdict.value,
        "severity": result.severity.value,
        "base_severity": (result.base_severity or result.severity).value,
        "severity_reasons": list(result.reasons),
        "exemption": exemption(result.exempt) if result.exempt and result.verdict is Verdict.FAIL else None,
        "lapsed_exemptions": list(result.lapsed),
        "live": result.evidence.live,
        "summary": result.evidence.summary,
        "details": dict(result.evidence.details),
        "cause": result.cause.value if result.cause else None,
    }


def _sorted(results: Sequence[RuleResult]) -> list[RuleResult]:
    return sorted(results, key=lambda r: (_ORDER.index(r.verdict), not r.evidence.live, -r.severity.rank))


def _lines(found: Explained, changes: tuple[Change, ...] | None) -> list[str]:
    lines = tree(found.inputs, found.exposure, f"account {found.ref.account}, {found.ref.region}", changes)
    lines += ["", "context", *context_lines(found.circumstances)]
    lines += ["", "rules"]
    for result in _sorted(found.results):
        severity = f" {result.severity.value}" if result.verdict is Verdict.FAIL else ""
        word = result.verdict.value.replace("_", " ") + severity
        lines.append(f"  {word:<15} {result.rule_id}: {result.evidence.summary}")
        lines += [f"{'':<18}{text}" for text in _beside(result)]
    return lines


def context_lines(told: Circumstances) -> list[str]:
    """What of the bucket moves severities, and what says so."""
    by = {"data": told.sensitivity_by, "environment": told.environment_by}
    values = {"exposure": told.exposure.value, "data": told.sensitivity.value, "environment": told.environment.value}
    return [
        f"  {key:<12} {value.replace('_', ' ')}" + (f" ({by[key]})" if by.get(key) else "")
        for key, value in values.items()
    ]


def _beside(result: RuleResult) -> Iterator[str]:
    """How the severity came about, and what holds the finding back or does not."""
    if result.verdict is not Verdict.FAIL:
        return
    if result.base_severity is not None:
        yield f"severity: {result.base_severity.value} by itself; {'; '.join(result.reasons)}"
    if result.exempt is not None:
        yield f"exempt by {result.exempt}"
    yield from result.lapsed
