"""The forms of a report, one module each: `write` puts a whole report on a stream. A new form is one line here."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import TextIO, TypeAlias

from s3warden.report.forms import asff, csv, html, json, jsonl, ocsf, sarif, table
from s3warden.report.scanned import Scanned

Write: TypeAlias = Callable[[Scanned, TextIO, bool], None]
"""Takes what was found, where to, and whether the checks that pass are told too."""


class Form(StrEnum):
    """How a report is printed."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    HTML = "html"
    SARIF = "sarif"
    OCSF = "ocsf"
    ASFF = "asff"


FORMS: Mapping[Form, Write] = MappingProxyType(
    {
        Form.TABLE: table.write,
        Form.JSON: json.write,
        Form.JSONL: jsonl.write,
        Form.CSV: csv.write,
        Form.HTML: html.write,
        Form.SARIF: sarif.write,
        Form.OCSF: ocsf.write,
        Form.ASFF: asff.write,
    }
)
