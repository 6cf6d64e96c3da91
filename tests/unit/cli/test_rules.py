"""`s3warden rules`, run as the program runs it."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from s3warden.cli.rules import app, pages
from s3warden.collect.fetch import READS
from s3warden.correct.remedies import remedies_for
from s3warden.detect.catalogues import CATALOGUES
from s3warden.detect.own.page import fields_markdown
from s3warden.detect.rules import RULES, find
from s3warden.model.framework import Control, Framework

DOCS = Path(__file__).parents[3] / "docs" / "rules"


def run(*arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.stdout, result.stderr


def test_list_has_a_line_for_each_rule() -> None:
    """In a pipe no line is broken and no title cut."""
    code, out, err = run("list")
    assert (code, err) == (0, "")
    lines = out.splitlines()[1:]
    assert [line.split()[0] for line in lines] == [rule.info.id for rule in RULES]
    assert all(rule.info.title in line for rule, line in zip(RULES, lines, strict=True))


def test_list_as_json_has_the_metadata() -> None:
    """Machines get every field, in the same order."""
    code, out, _err = run("list", "--format", "json")
    rules = json.loads(out)
    assert code == 0
    assert [rule["id"] for rule in rules] == [rule.info.id for rule in RULES]
    assert rules[0].keys() == {
        "id",
        "title",
        "severity",
        "category",
        "subject",
        "needs",
        "hints",
        "why",
        "fix",
        "remedies",
        "verify",
        "maps",
        "default",
        "examples",
        "references",
    }
    read = {rule["id"]: rule["needs"] for rule in rules}
    assert read["bucket-acl-public-read"] == [
        "account_public_access_block",
        "acl",
        "ownership",
        "public_access_block",
    ]


@pytest.mark.parametrize("rule_id", [rule.info.id for rule in RULES])
def test_show_is_a_page_about_one_rule(rule_id: str) -> None:
    """The page has what the rule is, why it matters and how to fix it."""
    [rule] = [rule for rule in RULES if rule.info.id == rule_id]
    code, out, err = run("show", rule_id)
    assert (code, err) == (0, "")
    assert out.startswith(f"{rule_id}\n{rule.info.title}\n")
    for text in (rule.info.why, *rule.info.cli.splitlines(), *rule.info.terraform.splitlines(), *rule.info.references):
        assert text in out


def test_show_as_json_is_one_of_the_list() -> None:
    """The same object in both commands."""
    _code, everything, _err = run("list", "--format", "json")
    code, out, _err = run("show", "bucket-name", "--format", "json")
    assert code == 0
    assert json.loads(out) in json.loads(everything)


def test_unknown_id_is_a_usage_error_with_near_misses() -> None:
    """Exit code 2, nothing on standard output, and what may have been meant."""
    code, out, err = run("show", "bucket-acl-public-reed")
    assert (code, out) == (2, "")
    assert "bucket-acl-public-read" in err


def test_docs_are_these_pages(tmp_path: Path) -> None:
    """docs/rules says what the rules say, no more and no less; `make docs` makes it anew."""
    assert run("pages", str(tmp_path / "new"))[0] == 0
    written = {page.name: page.read_text(encoding="utf-8") for page in (tmp_path / "new").iterdir()}
    assert written == pages(RULES)
    assert {page.name: page.read_text(encoding="utf-8") for page in DOCS.iterdir()} == written


def test_links_lead_somewhere() -> None:
    """Every link of index and coverage is a page that is there."""
    made = pages(RULES)
    for name in ("README.md", "coverage.md"):
        assert set(re.findall(r"[(]([^)]+[.]md)[)]", made[name])) <= made.keys()


def test_every_control_of_others_has_a_rule_or_a_reason() -> None:
    """And every control that a rule maps to is in its catalogue, if there is one."""
    mapped = {control for rule in RULES for control in rule.info.maps}
    listed = {Control(framework, each.id): each for framework, asked in CATALOGUES.items() for each in asked}
    assert [control for control, each in listed.items() if control not in mapped and not each.remark] == []
    assert [control for control in sorted(mapped - listed.keys()) if control.framework in CATALOGUES] == []
    assert [f"S3-{number:03}" for number in range(1, 30)] == [
        each.id for each in CATALOGUES[Framework.CONFORMITY] if each.id.startswith("S3-")
    ]


def test_every_framework_has_a_rule() -> None:
    """A framework that nothing maps to could be asked for in vain."""
    assert {control.framework for rule in RULES for control in rule.info.maps} == set(Framework)


@pytest.mark.parametrize("rule_id", [rule.info.id for rule in RULES])
def test_page_has_the_whole_of_a_rule(rule_id: str) -> None:
    """Risk, calls and permissions, examples, four ways to fix it by hand, how to look, mappings, references."""
    page = pages(RULES)[f"{rule_id}.md"]
    info = find(rule_id).info
    calls = [read for aspect in info.needs | info.hints for read in READS[aspect]]
    texts = [info.title, info.why, info.cli, info.terraform, info.cloudformation, info.verify, *info.references]
    texts += [f"{read.operation} ({read.iam_action})" for read in calls]
    texts += [example.title for example in find(rule_id).examples] + [control.id for control in info.maps]
    texts += [remedy.risk_text for remedy in remedies_for(rule_id)] or ["A person has to do it"]
    assert [text for text in texts if text not in page] == []
    assert all(step in page for step in info.console.splitlines())


def test_terminal_shows_what_the_page_says() -> None:
    """The same sections in the same order."""
    _code, out, _err = run("show", "bucket-versioning")
    headings = re.findall(r"(?m)^## (.*)$", pages(RULES)["bucket-versioning.md"])
    assert [line for line in out.splitlines() if line in headings] == headings


OWN = """
[[own_rules]]
id = "own-locked"
title = "A backup has no Object Lock"
severity = "high"
category = "resilience"
applies_when = 'bucket.name.startsWith("backup-")'
pass_when = "bucket.object_lock.configured"
"""


def test_own_rules_are_listed_and_explained(tmp_path: Path) -> None:
    """Beside the others, once the settings that hold them are named."""
    config = tmp_path / "config.toml"
    config.write_text(OWN)
    code, out, _ = run("list", "--config", str(config), "--rules", "own-*")
    assert (code, [line.split()[0] for line in out.splitlines()[1:]]) == (0, ["own-locked"])
    code, out, _ = run("show", "own-locked", "--config", str(config))
    assert code == 0
    assert 'bucket.name.startsWith("backup-")' in out
    assert "bucket.object_lock.configured" in out
    assert "object lock" in out.lower()
    assert "Terraform" not in out


def test_list_shows_what_a_pattern_names() -> None:
    """Several patterns add up, and one that names nothing is refused."""
    code, out, _ = run(
        "list", "--format", "json", "--rules", "governance,bucket-versioning", "--rules", "severity=info"
    )
    wanted = [
        r.info.id
        for r in RULES
        if r.info.category == "governance" or r.info.id == "bucket-versioning" or r.info.severity == "info"
    ]
    assert (code, [rule["id"] for rule in json.loads(out)]) == (0, wanted)
    code, _, err = run("list", "--rules", "cis-5")
    assert (code, "did you mean cis-5.0" in err) == (2, True)


def test_fields_are_those_of_the_page() -> None:
    """What own rules may speak of."""
    code, out, _ = run("fields")
    assert (code, out) == (0, fields_markdown())
