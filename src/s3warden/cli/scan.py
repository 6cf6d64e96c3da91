"""`s3warden scan`: the daemon's sweep, once, with the result on standard output."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import typer
from prometheus_client import CollectorRegistry
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from s3warden import assembly
from s3warden.aws.errors import AwsError
from s3warden.aws.secrets import SecretError
from s3warden.cli.settings import USAGE, ConfigOption, loaded_or_exit
from s3warden.collect.cache import Cache
from s3warden.collect.refresh import RefreshQueue
from s3warden.collect.sources.sweep import SweepReport
from s3warden.detect.ledger import Ledger
from s3warden.detect.rules import UnknownRuleError
from s3warden.model.alert import Notification
from s3warden.model.bucket import AccountRef, BucketRef, Subject
from s3warden.model.exemption import Exemption
from s3warden.model.finding import Finding, FindingChange, Severity, Verdict
from s3warden.model.incident import Incident
from s3warden.respond.document import exemption
from s3warden.settings.load import load
from s3warden.settings.sections import Settings
from s3warden.telemetry import logging
from s3warden.telemetry.metrics import Metrics

FINDINGS, INCOMPLETE = 3, 4
_STYLES = {
    Severity.CRITICAL: "bold red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "blue",
    Severity.INFO: "dim",
}


class Format(StrEnum):
    """How the result is printed."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"


@dataclass(frozen=True, slots=True)
class Result:
    """What a scan found in so many accounts and buckets. `partial`: it was interrupted, and there is no report."""

    findings: tuple[Finding, ...]
    report: SweepReport | None
    accounts: int
    buckets: int
    checks: int
    partial: bool

    @property
    def unknown(self) -> tuple[Finding, ...]:
        """The checks that could not be decided."""
        return tuple(finding for finding in self.findings if finding.undecided)

    @property
    def exempt(self) -> tuple[Finding, ...]:
        """What is wrong and accepted."""
        return tuple(f for f in self.findings if f.verdict is Verdict.FAIL and f.exempt is not None)

    @property
    def complete(self) -> bool:
        """Whether everything was listed, read and decided."""
        return not self.partial and not self.unknown and self.report is not None and self.report.complete


class _NoStore:
    """A scan keeps nothing and tells nobody."""

    async def commit(
        self,
        changes: Sequence[FindingChange],
        notifications: Sequence[Notification],
        incidents: Sequence[Incident] = (),
    ) -> None:
        """Nothing to do."""


def scan(
    config: ConfigOption = None,
    form: Annotated[Format | None, typer.Option("--format", help="Default: table.")] = None,
    fail_on: Annotated[
        Severity, typer.Option(help="Lowest severity of a finding that makes the exit code 3.")
    ] = Severity.LOW,
    log_level: Annotated[str, typer.Option(help="Lowest level of log lines on standard error.")] = "error",
) -> None:
    """Look at every bucket once and print what is wrong. Nothing is stored, nobody is told, nothing is changed.

    Exit codes: 0 clean, 1 error, 2 usage, 3 findings, 4 incomplete (something could not be read or decided).

    Example: s3warden scan --config config.toml --format json > report.json
    """
    loaded = loaded_or_exit(lambda: load(config, flags={("log", "level"): log_level}))
    settings = loaded.settings
    logging.configure(settings.log.level, settings.log.format, stream=sys.stderr)
    try:
        result = asyncio.run(_scan(settings, loaded.exemptions))
    except UnknownRuleError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(USAGE) from None
    except (AwsError, SecretError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    _print(result, form or Format.TABLE)
    raise typer.Exit(exit_code(result, fail_on))


def exit_code(result: Result, fail_on: Severity) -> int:
    """3 for a finding at or above `fail_on` that is not exempt, else 4 if something is not known, else 0."""
    failing = (f for f in result.findings if f.verdict is Verdict.FAIL and f.exempt is None)
    if any(finding.severity.rank >= fail_on.rank for finding in failing):
        return FINDINGS
    return 0 if result.complete else INCOMPLETE


async def _scan(settings: Settings, exemptions: Sequence[Exemption]) -> Result:
    metrics, cache, ledger = Metrics(CollectorRegistry()), Cache(), Ledger()
    async with assembly.reading(settings, metrics) as parts:
        await parts.sessions.identify()
        path = assembly.pipeline(
            settings,
            parts.fetch,
            cache,
            store=_NoStore(),
            ledger=ledger,
            committed=lambda: None,
            metrics=metrics,
            exemptions=exemptions,
        )
        await assembly.know_units(path.house, parts.estate)
        queue = RefreshQueue(path.refresh, limits=assembly.refresh_limits(settings), metrics=metrics)
        sweep = assembly.sweep(settings, parts.estate, queue.submit, path, metrics)
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
    accounts = len(report.accounts) if report else len(cache.accounts())
    return Result(
        findings=ledger.findings(),
        report=report,
        accounts=accounts,
        buckets=report.buckets if report else len(cache),
        checks=path.checks(len(cache), accounts),
        partial=report is None,
    )


def _progress() -> Progress:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _print(result: Result, form: Format) -> None:
    findings = sorted(result.findings, key=_order)
    match form:
        case Format.JSON:
            print(json.dumps(_document(result, findings), indent=2))
        case Format.JSONL:
            for finding in findings:
                print(json.dumps(as_json(finding)))
            # A line on standard output is a finding and nothing else.
            for failure in _failures(result):
                typer.echo(f"not listed: {failure}", err=True)
        case Format.TABLE:
            _print_table(result, findings)


def _failures(result: Result) -> tuple[str, ...]:
    return result.report.failure_texts() if result.report else ()


def _order(finding: Finding) -> tuple[bool, bool, bool, int, str, str]:
    known = finding.verdict is Verdict.FAIL and finding.exempt is None
    return (
        not known,
        finding.exempt is not None,
        not finding.evidence.live,
        -finding.severity.rank,
        finding.subject.key,
        finding.rule_id,
    )


def _document(result: Result, findings: Sequence[Finding]) -> dict[str, object]:
    report = result.report
    return {
        "complete": result.complete,
        "partial": result.partial,
        "started_at": report.started_at.isoformat() if report else None,
        "ended_at": report.ended_at.isoformat() if report else None,
        "accounts": result.accounts,
        "buckets": result.buckets,
        "coverage": {
            "checks": result.checks,
            "unknown": len(result.unknown),
            "unknown_by_cause": dict(Counter(str(finding.cause) for finding in result.unknown)),
        },
        "failures": list(_failures(result)),
        "exempt": len(result.exempt),
        "findings": [as_json(finding) for finding in findings],
    }


def as_json(finding: Finding) -> dict[str, object]:
    """A finding, flat, for machines."""
    return {
        "fingerprint": finding.fingerprint,
        "rule_id": finding.rule_id,
        "verdict": finding.verdict.value,
        "severity": finding.severity.value,
        "base_severity": (finding.base_severity or finding.severity).value,
        "severity_reasons": list(finding.reasons),
        "exemption": exemption(finding.exempt) if finding.exempt else None,
        "lapsed_exemptions": list(finding.lapsed),
        "live": finding.evidence.live,
        **_place(finding.subject),
        "summary": finding.evidence.summary,
        "details": dict(finding.evidence.details),
        "cause": finding.cause.value if finding.cause else None,
    }


def _place(subject: Subject) -> dict[str, object]:
    match subject:
        case AccountRef():
            return {"account": subject.account, "region": None, "bucket": None, "arn": None}
        case BucketRef():
            return {
                "account": subject.account,
                "region": subject.region,
                "bucket": subject.name,
                "arn": subject.arn,
            }


def _print_table(result: Result, findings: Sequence[Finding]) -> None:
    # A pipe has no width of its own; wide enough that no line breaks.
    console = Console(width=None if sys.stdout.isatty() else 200)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("severity", "account", "bucket", "rule", "what is wrong"):
        table.add_column(name, overflow="fold", no_wrap=name == "severity")
    for finding in findings:
        known = finding.verdict is Verdict.FAIL
        bucket = finding.subject.name if isinstance(finding.subject, BucketRef) else "-"
        word = ("live " if finding.evidence.live else "") + finding.severity.value if known else "unknown"
        if finding.exempt is not None:
            word = f"exempt {finding.severity.value}"
        table.add_row(
            Text(word, style="dim" if finding.exempt else _STYLES[finding.severity] if known else "magenta"),
            finding.subject.account,
            Text(bucket),
            finding.rule_id,
            Text(_what(finding)),
        )
    if findings:
        console.print(table)
    _print_summary(console, result)


def _what(finding: Finding) -> str:
    """What is wrong, and in short what moved its severity or what holds it back."""
    more = [f"exempt by {finding.exempt.id}"] if finding.exempt is not None else [*finding.lapsed, *finding.reasons]
    return f"{finding.evidence.summary} [{'; '.join(more)}]" if more else finding.evidence.summary


def _print_summary(console: Console, result: Result) -> None:
    failing = Counter(f.severity for f in result.findings if f.verdict is Verdict.FAIL and f.exempt is None)
    told = ", ".join(f"{failing[severity]} {severity.value}" for severity in reversed(Severity) if failing[severity])
    nothing = "nothing wrong found" if result.complete else "nothing wrong found, but not everything was seen"
    console.print(
        f"\nBuckets: {result.buckets}, accounts: {result.accounts}. Findings: {told or nothing}.", highlight=False
    )
    if result.exempt:
        console.print(f"Exempt: {len(result.exempt)}, not among these.", highlight=False)
    known = result.checks - len(result.unknown)
    console.print(f"Coverage: {known} of {result.checks} checks decided.", highlight=False)
    for cause, count in Counter(str(finding.cause) for finding in result.unknown).most_common():
        console.print(f"  unknown: {count} by {cause}", highlight=False)
    for failure in _failures(result):
        console.print(f"  not listed: {failure}", highlight=False, markup=False)
