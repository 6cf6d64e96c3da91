"""`s3warden explain bucket`: one bucket as it is in AWS now, who can reach it with proof, and every verdict on it.

Reads and judges exactly as the daemon does; stores nothing, tells nobody, changes nothing.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
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
from s3warden.detect.evaluate import evaluate
from s3warden.detect.exposure.inputs import ExposureInputs
from s3warden.detect.exposure.verdict import Exposure
from s3warden.detect.exposure.what_if import Change, what_if
from s3warden.detect.rules import UnknownRuleError, needs
from s3warden.model.bucket import ACCOUNT_ASPECTS, AccountRef, BucketRef
from s3warden.model.finding import RuleResult, Verdict
from s3warden.settings.load import load
from s3warden.settings.sections import Settings
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
    settings = loaded_or_exit(lambda: load(config, flags={("log", "level"): log_level})).settings
    logging.configure(settings.log.level, settings.log.format, stream=sys.stderr)
    try:
        found = asyncio.run(_explain(settings, name, account, region))
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


async def _explain(settings: Settings, name: str, account: str | None, region: str | None) -> Explained:
    rules, options = assembly.rules_and_options(settings)
    async with assembly.reading(settings, Metrics(CollectorRegistry())) as parts:
        identity = await parts.sessions.identify()
        accounts = [AccountRef(identity.partition, account)] if account else []
        if account and region:
            ref = BucketRef(identity.partition, account, region, name)
        else:
            ref = await located(parts, accounts or await parts.estate.accounts(), name)
        wanted = needs(rules) | exposed.NEEDS | exposed.HINTS
        owner = await parts.fetch.account(ref.owner, wanted & ACCOUNT_ASPECTS)
        state = await parts.fetch.bucket(ref, wanted - ACCOUNT_ASPECTS, account=owner)
    if not state.exists:
        raise NotFoundError(f"there is no bucket {name} in {ref.region} of {ref.owner}")
    inputs = exposed.inputs_of(state, options)
    return Explained(ref, inputs, exposed.analysed(inputs), evaluate(rules, state, options=options))


def _document(found: Explained, changes: tuple[Change, ...] | None) -> dict[str, object]:
    return {
        **as_json(found.exposure, found.ref.name, changes),
        "bucket": found.ref.name,
        "account": found.ref.account,
        "region": found.ref.region,
        "arn": found.ref.arn,
        "aws_policy_status_is_public": found.inputs.policy_status,
        "rules": [_result(result) for result in _sorted(found.results)],
    }


def _result(result: RuleResult) -> dict[str, object]:
    return {
        "rule_id": result.rule_id,
        "verdict": result.verdict.value,
        "severity": result.severity.value,
        "live": result.evidence.live,
        "summary": result.evidence.summary,
        "details": dict(result.evidence.details),
        "cause": result.cause.value if result.cause else None,
    }


def _sorted(results: Sequence[RuleResult]) -> list[RuleResult]:
    return sorted(results, key=lambda r: (_ORDER.index(r.verdict), not r.evidence.live, -r.severity.rank))


def _lines(found: Explained, changes: tuple[Change, ...] | None) -> list[str]:
    lines = tree(found.inputs, found.exposure, f"account {found.ref.account}, {found.ref.region}", changes)
    lines += ["", "rules"]
    for result in _sorted(found.results):
        severity = f" {result.severity.value}" if result.verdict is Verdict.FAIL else ""
        word = result.verdict.value.replace("_", " ") + severity
        lines.append(f"  {word:<15} {result.rule_id}: {result.evidence.summary}")
    return lines
