"""Each form against who reads it: schemas, service models, parsers, and what a hostile name could do."""

import csv
import json
from dataclasses import replace
from html.parser import HTMLParser
from io import StringIO
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator
from py_ocsf_models.events.findings.compliance_finding import ComplianceFinding
from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as SarifLog

from s3warden.model.finding import Evidence
from s3warden.model.framework import Framework
from s3warden.report.forms import FORMS, Form
from s3warden.report.scanned import Outcome
from support.scans import CHINESE, HOME, LEAK, LEAKY, MISCHIEF, VERSIONING, scanned


def written(form: Form, *, passed: bool = True, framework: Framework | None = None) -> str:
    """The report as text."""
    stream = StringIO(newline="")
    FORMS[form](scanned(framework), stream, passed)
    return stream.getvalue()


FINDINGS, PASSING = 5, 7


@pytest.mark.parametrize("framework", [None, Framework.CIS_5_0])
@pytest.mark.parametrize("form", list(Form))
def test_every_form_tells_every_finding(form: Form, framework: Framework | None) -> None:
    """And, where asked for, every check that passes."""
    text = written(form, framework=framework)
    assert text.count(VERSIONING) >= 4
    assert len(text) > len(written(form, passed=False, framework=framework))


def sarif(*, passed: bool = True) -> dict[str, Any]:
    """The only run."""
    document: dict[str, Any] = json.loads(written(Form.SARIF, passed=passed))
    SarifLog.model_validate(document)
    (run,) = document["runs"]
    return dict(run)


def test_sarif_has_the_form_of_its_schema() -> None:
    """Models made of the published schema take it; rules are found by their index."""
    run = sarif()
    rules = run["tool"]["driver"]["rules"]
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in run["results"])
    assert len(run["results"]) == FINDINGS + PASSING
    assert len({result["partialFingerprints"]["s3warden/v1"] for result in run["results"]}) == FINDINGS + PASSING


def test_sarif_tells_unknown_from_fail_and_accepted_from_open() -> None:
    """Only what fails has a level, and what is accepted is suppressed with its reason."""
    by_outcome = {result["properties"]["outcome"]: result for result in sarif()["results"]}
    assert {outcome: (each["kind"], each["level"]) for outcome, each in by_outcome.items()} == {
        "fail": ("fail", "note"),
        "unknown": ("open", "none"),
        "exempt": ("fail", "note"),
        "pass": ("pass", "none"),
    }
    assert by_outcome["exempt"]["suppressions"][0]["justification"].startswith("EX-1 until")
    assert not any("suppressions" in each for outcome, each in by_outcome.items() if outcome != "exempt")


def test_sarif_says_what_was_not_seen() -> None:
    """A run that could not list everything was not successful."""
    (invocation,) = sarif()["invocations"]
    assert invocation["executionSuccessful"] is False
    assert MISCHIEF in invocation["toolExecutionNotifications"][0]["message"]["text"]
    assert invocation["endTimeUtc"] == "2026-03-01T12:30:00.000Z"


def test_ocsf_is_taken_by_models_of_the_schema() -> None:
    """Class, category, type and time as the schema reckons them; unknown is a warning."""
    events = json.loads(written(Form.OCSF, framework=Framework.CIS_5_0))
    for event in events:
        ComplianceFinding.model_validate(event)
        assert (event["class_uid"], event["category_uid"], event["type_uid"]) == (2003, 2, 200301)
        assert event["time"] == 1772368200000
        assert event["compliance"]["standards"] == ["CIS AWS Foundations 5.0"]
    statuses = {event["unmapped"]["outcome"]: event["compliance"]["status_id"] for event in events}
    assert statuses == {"fail": 3, "unknown": 2, "exempt": 3, "pass": 1}
    (exempt,) = [event for event in events if event["unmapped"]["outcome"] == "exempt"]
    assert (exempt["status_id"], exempt["status"]) == (3, "Suppressed")


def test_ocsf_always_names_a_standard() -> None:
    """The schema requires it, whatever the rules map to."""
    assert all(event["compliance"]["standards"] for event in json.loads(written(Form.OCSF)))


def test_asff_is_taken_by_the_model_of_security_hub() -> None:
    """The SDK's own validator, over what BatchImportFindings takes; texts are within the service's lengths."""
    findings = json.loads(written(Form.ASFF))
    model = botocore.session.get_session().get_service_model("securityhub").operation_model("BatchImportFindings")
    report = ParamValidator().validate({"Findings": findings}, model.input_shape)
    assert not report.has_errors(), report.generate_report()
    assert all(len(each["Title"]) <= 256 and len(each["Description"]) <= 1024 for each in findings)
    assert len({each["Id"] for each in findings}) == FINDINGS + PASSING


def test_asff_goes_to_the_hub_of_its_account_and_region() -> None:
    """In its own partition; an account has the region that the scan was run from."""
    findings = json.loads(written(Form.ASFF, passed=False))
    by_resource = {each["Resources"][0]["Id"]: each for each in findings}
    far = by_resource[CHINESE.arn]
    assert far["ProductArn"] == "arn:aws-cn:securityhub:cn-north-1:444455556666:product/444455556666/default"
    own = by_resource[f"AWS::::Account:{HOME.account}"]
    assert own["ProductArn"] == "arn:aws:securityhub:eu-west-1:111122223333:product/111122223333/default"


def test_asff_archives_what_is_accepted_and_touches_nothing_of_people() -> None:
    """Workflow and note belong to those who work in Security Hub."""
    findings = json.loads(written(Form.ASFF))
    found = {each["ProductFields"]["s3warden/outcome"]: each for each in findings}
    assert {outcome: (each["Compliance"]["Status"], each["RecordState"]) for outcome, each in found.items()} == {
        "fail": ("FAILED", "ACTIVE"),
        "unknown": ("WARNING", "ACTIVE"),
        "exempt": ("FAILED", "ARCHIVED"),
        "pass": ("PASSED", "ACTIVE"),
    }
    assert not any({"Workflow", "Note"} & each.keys() for each in findings)


def test_csv_begins_no_cell_with_what_a_spreadsheet_runs() -> None:
    """Names and reasons are other people's words; every row has every column."""
    rows = list(csv.DictReader(StringIO(written(Form.CSV), newline="")))
    assert len(rows) == FINDINGS + PASSING
    assert all(None not in row and None not in row.values() for row in rows)
    cells = [cell for row in rows for cell in row.values()]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)
    assert f"'{MISCHIEF}" in cells


@pytest.mark.parametrize("form", list(Form))
def test_no_form_fails_at_or_passes_on_what_cannot_be_shown(form: Form) -> None:
    """Half a surrogate pair, an escape sequence for the terminal, and what turns the direction of text."""
    nasty = replace(scanned().findings[0], evidence=Evidence("a\ud800b\x1b[2Jc\u202ed"))
    stream = StringIO(newline="")
    FORMS[form](replace(scanned(), findings=(nasty,)), stream, False)
    text = stream.getvalue()
    assert text.encode()
    assert not {"\ud800", "\x1b", "\u202e"} & set(text)


class Page(HTMLParser):
    """What is in a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag, and whatever it would fetch or run."""
        self.tags.append(tag)
        self.links += [name for name, _ in attrs if name in {"src", "href", "srcset"} or name.startswith("on")]

    def handle_data(self, data: str) -> None:
        """Note the text."""
        self.text += data


def test_html_stands_alone_and_runs_nothing() -> None:
    """No script, nothing fetched, hostile text shown as text."""
    page = Page()
    page.feed(written(Form.HTML, framework=Framework.CIS_5_0))
    assert page.links == []
    assert not {"script", "img", "iframe", "link", "object"} & set(page.tags)
    assert page.tags.count("style") == 1
    assert MISCHIEF in page.text
    assert all(words in page.text for words in ("2.1.4", "not checked", "Not everything was seen."))
    assert "complies" not in page.text


def test_json_lines_are_flat_and_name_what_they_map_to() -> None:
    """One document a line; the framework reported names its controls alone."""
    lines = [json.loads(line) for line in written(Form.JSONL, framework=Framework.SECURITY_HUB).splitlines()]
    by_key = {(each["rule_id"], each["bucket"]): each for each in lines}
    assert by_key[VERSIONING, LEAKY.name]["maps_to"] == ["S3.14"]
    assert by_key[VERSIONING, LEAKY.name]["cause"] == "scp"
    assert by_key[LEAK, LEAKY.name]["live"] is True
    assert {each["outcome"] for each in lines} == {"fail", "unknown", "exempt", "pass"}


def test_table_has_the_counts_of_each_control() -> None:
    """In the order of the outcomes, after what it maps to."""
    (line,) = [each for each in written(Form.TABLE, framework=Framework.CIS_5_0).splitlines() if "2.1.4 " in each]
    assert line.split()[:7] == ["2.1.4", "fail", "1", "0", "0", "3", "1"]
    assert len(Outcome) == 5
