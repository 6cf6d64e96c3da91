"""A table for a terminal: the controls where a framework is reported, then what is wrong, then the figures."""

from collections import Counter
from typing import Final, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from s3warden.model.bucket import BucketRef
from s3warden.model.finding import Finding, Severity
from s3warden.model.framework import Framework
from s3warden.report.controls import CAVEAT, controls
from s3warden.report.scanned import Check, Outcome, Scanned
from s3warden.respond.render import line

# A pipe has no width of its own; wide enough that no line breaks.
_WIDTH_OF_A_PIPE = 200
_STYLES: Final = {
    Severity.CRITICAL: "bold red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "blue",
    Severity.INFO: "dim",
}
_OUTCOMES: Final = {
    Outcome.FAIL: "red",
    Outcome.UNKNOWN: "magenta",
    Outcome.EXEMPT: "dim",
    Outcome.PASS: "green",
    Outcome.NOT_APPLICABLE: "dim",
}


def write(scanned: Scanned, stream: TextIO, passed: bool) -> None:
    """Put the tables on `stream`, in colour where it is a terminal."""
    console = Console(file=stream, width=None if stream.isatty() else _WIDTH_OF_A_PIPE)
    if scanned.framework is not None:
        _print_controls(console, scanned.framework, scanned)
    _print_checks(console, scanned, passed=passed)
    _print_summary(console, scanned)


def _print_controls(console: Console, framework: Framework, scanned: Scanned) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold", title=framework.label, title_justify="left")
    for name in ("maps to", "checks say"):
        table.add_column(name, no_wrap=True)
    for outcome in Outcome:
        table.add_column(outcome.words, justify="right", style=_OUTCOMES[outcome])
    table.add_column("rules", overflow="fold")
    for row in controls(framework, scanned):
        rules = [*row.rules, *(f"{rule_id} (not enabled)" for rule_id in row.off)]
        counts = (str(row.counts.get(outcome, 0)) for outcome in Outcome)
        table.add_row(row.id, row.status, *counts, ", ".join(rules))
    console.print(table)
    console.print(f"{CAVEAT}\n", highlight=False)


def _print_checks(console: Console, scanned: Scanned, *, passed: bool) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("severity", "account", "bucket", "rule", "what is wrong"):
        table.add_column(name, overflow="fold", no_wrap=name == "severity")
    for check in scanned.each(passed=passed):
        bucket = check.subject.name if isinstance(check.subject, BucketRef) else "-"
        table.add_row(_word(check), check.subject.account, Text(bucket), check.rule.id, Text(line(_what(check))))
    if table.row_count:
        console.print(table)


def _word(check: Check) -> Text:
    match check.outcome:
        case Outcome.FAIL:
            live = "live " if check.finding and check.finding.evidence.live else ""
            return Text(live + check.severity.value, style=_STYLES[check.severity])
        case Outcome.EXEMPT:
            return Text(f"exempt {check.severity.value}", style="dim")
    return Text(check.outcome.words, style=_OUTCOMES[check.outcome])


def _what(check: Check) -> str:
    """What is wrong, and in short what moved its severity or what holds it back."""
    more = _more(check.finding) if check.finding else []
    return f"{check.summary} [{'; '.join(more)}]" if more else check.summary


def _more(finding: Finding) -> list[str]:
    return [f"exempt by {finding.exempt.id}"] if finding.exempt is not None else [*finding.lapsed, *finding.reasons]


def _print_summary(console: Console, scanned: Scanned) -> None:
    failing = Counter(finding.severity for finding in scanned.failing)
    told = ", ".join(f"{failing[severity]} {severity.value}" for severity in reversed(Severity) if failing[severity])
    nothing = "nothing wrong found" if scanned.complete else "nothing wrong found, but not everything was seen"
    console.print(
        f"\nBuckets: {scanned.buckets}, accounts: {scanned.accounts}. Findings: {told or nothing}.", highlight=False
    )
    if scanned.exempt:
        console.print(f"Exempt: {len(scanned.exempt)}, not among these.", highlight=False)
    known = scanned.checks - len(scanned.unknown)
    console.print(f"Coverage: {known} of {scanned.checks} checks decided.", highlight=False)
    for cause, count in scanned.unknown_by_cause.most_common():
        console.print(f"  unknown: {count} by {cause}", highlight=False)
    for failure in scanned.failures:
        console.print(f"  not listed: {line(failure)}", highlight=False, markup=False)
