"""One HTML page that needs nothing else: no script, no picture, no style of elsewhere. Every text is escaped."""

import html
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, TextIO

from s3warden.model.bucket import BucketRef, Subject
from s3warden.model.finding import Severity
from s3warden.report.controls import CAVEAT, ControlRow, controls
from s3warden.report.scanned import Check, Outcome, Scanned
from s3warden.respond.render import line

NAMED: Final = 100
"""So many buckets are named of a control; the findings below have all of them."""

_STYLE = """\
:root{color-scheme:light dark}
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem}
table{border-collapse:collapse;width:100%;margin:1rem 0}
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid #8884}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
.fail,.critical,.high{color:#c62828}.medium{color:#b26a00}.low{color:#1565c0}
.unknown{color:#8e24aa}.pass{color:#2e7d32}.exempt,.info,.not_applicable{opacity:.7}
code{overflow-wrap:anywhere}"""
# Nothing may run and nothing may be fetched, whatever a name in the report says.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def write(scanned: Scanned, stream: TextIO, passed: bool) -> None:
    """Put the page on `stream`."""
    stream.writelines(part + "\n" for part in _page(scanned, passed=passed))


def _page(scanned: Scanned, *, passed: bool) -> Iterator[str]:
    title = f"s3warden: {scanned.framework.label}" if scanned.framework else "s3warden: buckets"
    yield "<!doctype html>"
    yield '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield f"<title>{_shown(title)}</title><style>{_STYLE}</style></head><body>"
    yield f"<h1>{_shown(title)}</h1>"
    yield from _figures(scanned)
    if scanned.framework is not None:
        yield f"<h2>Controls</h2><p>{_shown(CAVEAT)}</p>"
        yield from _controls(controls(scanned.framework, scanned))
    yield "<h2>Findings</h2>"
    yield from _checks(scanned, passed=passed)
    yield "</body></html>"


def _figures(scanned: Scanned) -> Iterator[str]:
    failing = Counter(finding.severity for finding in scanned.failing)
    told = ", ".join(f"{failing[severity]} {severity.value}" for severity in reversed(Severity) if failing[severity])
    known = scanned.checks - len(scanned.unknown)
    if scanned.ended_at:
        yield f"<p>As of {scanned.ended_at:%Y-%m-%d %H:%M} UTC, by s3warden {_shown(scanned.version)}.</p>"
    if not scanned.complete:
        yield '<p class="unknown"><strong>Not everything was seen.</strong></p>'
    yield "<ul>"
    yield f"<li>{scanned.buckets} buckets in {scanned.accounts} accounts</li>"
    yield f"<li>Findings: {told or 'none'}; exempt: {len(scanned.exempt)}</li>"
    yield f"<li>{known} of {scanned.checks} checks decided</li>"
    for cause, count in scanned.unknown_by_cause.most_common():
        yield f"<li>Unknown: {count} by {_shown(cause)}</li>"
    for failure in scanned.failures:
        yield f"<li>Not listed: {_shown(failure)}</li>"
    yield "</ul>"


def _controls(rows: Iterable[ControlRow]) -> Iterator[str]:
    heads = "".join(f'<th class="n">{outcome.words}</th>' for outcome in Outcome)
    yield f"<table><thead><tr><th>Maps to</th><th>Checks say</th>{heads}<th>Rules</th><th>Concerned</th></tr></thead>"
    yield "<tbody>"
    for row in rows:
        counts = "".join(f'<td class="n">{row.counts.get(outcome, 0)}</td>' for outcome in Outcome)
        rules = [_code(each) for each in row.rules] + [f"{_code(each)} (not enabled)" for each in row.off]
        status = f'<td class="{row.status.replace(" ", "_")}">{row.status}</td>'
        yield (
            f"<tr><td>{_shown(row.id)}</td>{status}{counts}<td>{'<br>'.join(rules)}</td>"
            f"<td>{'<br>'.join(_concerned(row))}</td></tr>"
        )
    yield "</tbody></table>"


def _concerned(row: ControlRow) -> Iterator[str]:
    for subject, outcome in row.concerned[:NAMED]:
        yield f'<span class="{outcome.value}">{_code(_name(subject))}: {outcome.words}</span>'
    if len(row.concerned) > NAMED:
        yield f"and {len(row.concerned) - NAMED} more"


def _checks(scanned: Scanned, *, passed: bool) -> Iterator[str]:
    names = ("Outcome", "Severity", "Account", "Region", "Bucket", "Rule", "What is wrong", "Maps to")
    yield f"<table><thead><tr>{''.join(f'<th>{name}</th>' for name in names)}</tr></thead><tbody>"
    for check in scanned.each(passed=passed):
        yield _row(check, scanned)
    yield "</tbody></table>"


def _row(check: Check, scanned: Scanned) -> str:
    bucket = check.subject if isinstance(check.subject, BucketRef) else None
    live = "live, " if check.finding and check.finding.evidence.live else ""
    exempt = f"<br>Exempt: {_shown(str(check.finding.exempt))}" if check.finding and check.finding.exempt else ""
    cells = (
        f'<td class="{check.outcome.value}">{live}{check.outcome.words}</td>',
        f'<td class="{check.severity.value}">{check.severity.value}</td>',
        f"<td>{_shown(check.subject.account)}</td>",
        f"<td>{_shown(bucket.region) if bucket else ''}</td>",
        f"<td>{_code(bucket.name) if bucket else 'the account'}</td>",
        f"<td>{_code(check.rule.id)}<br>{_shown(check.rule.title)}</td>",
        f"<td>{_shown(check.summary)}{exempt}</td>",
        f"<td>{'<br>'.join(_shown(each) for each in scanned.controls_of(check.rule))}</td>",
    )
    return f"<tr>{''.join(cells)}</tr>"


def _shown(text: str) -> str:
    """The text, escaped, without characters that cannot be seen or that turn how the rest is read."""
    return html.escape(line(text))


def _code(text: str) -> str:
    return f"<code>{_shown(text)}</code>"


def _name(subject: Subject) -> str:
    return subject.name if isinstance(subject, BucketRef) else f"account {subject.account}"
