"""`s3warden scan`: the daemon's sweep, once, with the result on standard output or in a file."""

import asyncio
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from prometheus_client import CollectorRegistry
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from s3warden import assembly
from s3warden.aws.errors import AwsError
from s3warden.aws.secrets import SecretError
from s3warden.catalogue import catalogue
from s3warden.cli.settings import USAGE, ConfigOption, loaded_or_exit, split_patterns
from s3warden.collect.cache import Cache
from s3warden.collect.refresh import RefreshQueue
from s3warden.collect.sources.sweep import SweepReport
from s3warden.detect.ledger import Ledger
from s3warden.detect.rule import Kind, Rule
from s3warden.detect.rules import UnknownRuleError, select
from s3warden.model.alert import Notification
from s3warden.model.exemption import Exemption
from s3warden.model.finding import FindingChange, Severity
from s3warden.model.framework import Framework
from s3warden.model.incident import Incident
from s3warden.narrowing import Only
from s3warden.pipeline import Pipeline
from s3warden.report.forms import FORMS, Form
from s3warden.report.scanned import Scanned, worst_first
from s3warden.report.tally import Tally
from s3warden.settings.load import load
from s3warden.settings.sections import Settings
from s3warden.telemetry import logging
from s3warden.telemetry.metrics import Metrics

FINDINGS, INCOMPLETE = 3, 4


class _NoStore:
    """A scan keeps nothing and tells nobody."""

    async def commit(
        self,
        changes: Sequence[FindingChange],
        notifications: Sequence[Notification],
        incidents: Sequence[Incident] = (),
    ) -> None:
        """Nothing to do."""


def scan(  # noqa: PLR0913 - each is an option of the command
    config: ConfigOption = None,
    *,
    form: Annotated[Form, typer.Option("--format", help="How to print.")] = Form.TABLE,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", dir_okay=False, help="File to write. Default: standard output.")
    ] = None,
    rules: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Rules to apply in place of `rules.enable`, named as there."),
    ] = None,
    framework: Annotated[
        Framework | None,
        typer.Option(help="Report by the controls of a framework, and apply the rules that map to them."),
    ] = None,
    severity: Annotated[
        Severity | None, typer.Option(help="Leave out rules that are less severe than this by themselves.")
    ] = None,
    bucket: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only buckets of this name; `*` stands for any text.")
    ] = None,
    account: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Only this account, of those guarded.")
    ] = None,
    passed: Annotated[bool, typer.Option("--passed", help="Also tell the checks that pass.")] = False,
    fail_on: Annotated[
        Severity, typer.Option(help="Lowest severity of a finding that makes the exit code 3.")
    ] = Severity.LOW,
    log_level: Annotated[str, typer.Option(help="Lowest level of log lines on standard error.")] = "error",
) -> None:
    """Look at every bucket once and print what is wrong. Nothing is stored, nobody is told, nothing is changed.

    `--rules` and `--framework` choose among all rules, but for those that `rules.disable` names.

    Exit codes: 0 clean, 1 error, 2 usage, 3 findings, 4 incomplete (something could not be read or decided).

    Example: s3warden scan --framework cis-5.0 --format html -o report.html
    """
    loaded = loaded_or_exit(lambda: load(config, flags={("log", "level"): log_level}))
    settings = loaded.settings
    logging.configure(settings.log.level, settings.log.format, stream=sys.stderr)
    only = Only(tuple(bucket or ()), tuple(account or ()))
    try:
        chosen = choose(settings, split_patterns(rules or ()), framework, severity, buckets_only=bool(only.buckets))
        scanned = asyncio.run(_scan(_applying(settings, chosen), loaded.exemptions, only, framework))
    except UnknownRuleError as error:
        _leave(str(error), USAGE)
    except (AwsError, SecretError) as error:
        _leave(str(error), 1)
    _write(scanned, form, output, passed=passed)
    raise typer.Exit(exit_code(scanned, fail_on))


def _leave(error: str, code: int) -> NoReturn:
    typer.echo(f"error: {error}", err=True)
    raise typer.Exit(code) from None


def exit_code(scanned: Scanned, fail_on: Severity) -> int:
    """3 for a finding at or above `fail_on` that is not exempt, else 4 if something is not known, else 0."""
    if any(finding.severity.rank >= fail_on.rank for finding in scanned.failing):
        return FINDINGS
    return 0 if scanned.complete else INCOMPLETE


def choose(
    settings: Settings,
    patterns: Sequence[str],
    framework: Framework | None,
    severity: Severity | None,
    *,
    buckets_only: bool = False,
) -> tuple[Rule, ...]:
    """The rules of one scan. Raises UnknownRuleError, also where nothing is left to apply."""
    every = catalogue(settings)
    enable = patterns or ((framework.value,) if framework else settings.rules.enable)
    chosen = [
        rule
        for rule in select(every, enable, settings.rules.disable)
        if (framework is None or any(control.framework is framework for control in rule.info.maps))
        and (severity is None or rule.info.severity.rank >= severity.rank)
        and (rule.kind is Kind.BUCKET or not buckets_only)
    ]
    if not chosen:
        _leave("no rule is left to apply: widen --rules, --framework or --severity", USAGE)
    return tuple(chosen)


def _applying(settings: Settings, rules: Sequence[Rule]) -> Settings:
    """The same settings, with these rules enabled and no others."""
    chosen = settings.rules.model_copy(update={"enable": tuple(rule.info.id for rule in rules), "disable": ()})
    return settings.model_copy(update={"rules": chosen})


async def _scan(
    settings: Settings, exemptions: Sequence[Exemption], only: Only, framework: Framework | None
) -> Scanned:
    metrics, cache, tally = Metrics(CollectorRegistry()), Cache(), Tally()
    async with assembly.reading(settings, metrics) as parts:
        await parts.sessions.identify()
        path = assembly.pipeline(
            settings,
            parts.fetch,
            cache,
            store=_NoStore(),
            ledger=Ledger(),
            committed=lambda: None,
            metrics=metrics,
            exemptions=exemptions,
        )
        path.count = tally.judged
        await assembly.know_units(path.house, parts.estate)
        queue = RefreshQueue(path.refresh, limits=assembly.refresh_limits(settings), metrics=metrics)
        sweep = assembly.sweep(settings, parts.estate, queue.submit, path, metrics, only)
        working = asyncio.create_task(queue.run())
        report = None
        try:
            with _progress() as progress:
                task = progress.add_task("buckets", total=None)
                report = await sweep.run_once(lambda done, total: progress.update(task, completed=done, total=total))
        except asyncio.CancelledError:
            # Ctrl-C: what is known so far is still worth printing, marked as partial.
            typer.echo("interrupted: the report is partial", err=True)
        finally:
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working
        home_region = parts.sessions.home_region
    return _scanned(settings, path, tally, report, only, framework, home_region)


def _scanned(
    settings: Settings,
    path: Pipeline,
    tally: Tally,
    report: SweepReport | None,
    only: Only,
    framework: Framework | None,
    home_region: str,
) -> Scanned:
    accounts = len(report.accounts) if report else len(path.cache.accounts())
    buckets = report.buckets if report else len(path.cache)
    missed = only.missed(report.accounts, buckets) if report else ()
    return Scanned(
        findings=tuple(sorted(path.ledger.findings(), key=worst_first)),
        rules={rule.info.id: rule.info for rule in path.rules},
        tally=tally,
        known=assembly.rule_infos(settings),
        accounts=accounts,
        buckets=buckets,
        checks=path.checks(len(path.cache), accounts),
        started_at=report.started_at if report else None,
        ended_at=report.ended_at if report else None,
        failures=(*(report.failure_texts() if report else ()), *missed),
        partial=report is None,
        listed=report is not None and report.complete and not missed,
        framework=framework,
        home_region=home_region,
        version=version("s3warden"),
    )


def _progress() -> Progress:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _write(scanned: Scanned, form: Form, output: Path | None, *, passed: bool) -> None:
    try:
        if output is None:
            FORMS[form](scanned, sys.stdout, passed)
        else:
            # CSV brings its own line ends.
            with output.open("w", encoding="utf-8", newline="") as stream:
                FORMS[form](scanned, stream, passed)
    except OSError as error:
        _leave(f"{output or 'standard output'} cannot be written: {error.strerror}", 1)
    if form is Form.JSONL:
        # A line there is a finding and nothing else.
        for failure in scanned.failures:
            typer.echo(f"not listed: {failure}", err=True)
