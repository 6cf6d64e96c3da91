"""CSV by RFC 4180, for spreadsheets: one finding a row.

A text that a spreadsheet would take for a formula, because of how it begins, gets an apostrophe before it: bucket
names and tags are other people's words.
"""

import csv
from typing import Final, TextIO

from s3warden.report.fields import fields
from s3warden.report.scanned import Check, Scanned
from s3warden.respond.render import clean

COLUMNS: Final = (
    "outcome", "severity", "live", "account", "region", "bucket", "rule_id", "title", "summary", "maps_to", "exemption",
    "cause", "fingerprint", "arn",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def write(scanned: Scanned, stream: TextIO, passed: bool) -> None:
    """Put a heading and the rows on `stream`."""
    rows = csv.writer(stream, lineterminator="\r\n")
    rows.writerow(COLUMNS)
    rows.writerows(_row(check, scanned) for check in scanned.each(passed=passed))


def _row(check: Check, scanned: Scanned) -> list[str]:
    known = fields(check, scanned)
    exempt = check.finding.exempt if check.finding else None
    known |= {"maps_to": "; ".join(scanned.controls_of(check.rule)), "exemption": exempt.id if exempt else None}
    return [_cell(known[name]) for name in COLUMNS]


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = "" if value is None else clean(str(value))
    return f"'{text}" if text.startswith(_FORMULA) else text
