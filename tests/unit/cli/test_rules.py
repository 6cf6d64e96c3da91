"""`s3warden rules`, run as the program runs it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from s3warden.cli.rules import app, as_markdown
from s3warden.detect.rules import RULES

PAGE = Path(__file__).parents[3] / "docs" / "rules.md"


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
    assert json.loads(out) == json.loads(everything)[-1]


def test_unknown_id_is_a_usage_error_with_near_misses() -> None:
    """Exit code 2, nothing on standard output, and what may have been meant."""
    code, out, err = run("show", "bucket-acl-public-reed")
    assert (code, out) == (2, "")
    assert "bucket-acl-public-read" in err


def test_page_in_the_docs_is_this_list() -> None:
    """docs/rules.md says what the rules say; make it anew with `s3warden rules list --format markdown`."""
    assert PAGE.read_text(encoding="utf-8") == as_markdown(RULES)
    assert run("list", "--format", "markdown")[1] == as_markdown(RULES)
