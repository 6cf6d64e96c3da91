"""`s3warden rules`: what the rules are, for people and for machines. Reads nothing but the rules themselves."""

import json
import sys
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from s3warden.catalogue import catalogue
from s3warden.cli import coverage_page, rule_page
from s3warden.cli.settings import ConfigOption, loaded_or_exit, split_patterns
from s3warden.correct.remedies import remedies_for
from s3warden.detect.own.page import fields_markdown
from s3warden.detect.rule import Rule
from s3warden.detect.rules import RULES, UnknownRuleError, find, select
from s3warden.settings.load import load

app = typer.Typer(name="rules", help="List the rules and explain them.", no_args_is_help=True)

# A pipe has no width; wide enough that no line of the table breaks.
_WIDTH_OF_A_PIPE = 160


class ListFormat(StrEnum):
    """How `rules list` prints."""

    TABLE = "table"
    JSON = "json"


class PageFormat(StrEnum):
    """How `rules show` prints."""

    TEXT = "text"
    JSON = "json"


@app.command("list")
def list_rules(
    config: ConfigOption = None,
    patterns: Annotated[
        list[str] | None,
        typer.Option("--rules", metavar="PATTERN", help="Only these: named as in the setting `rules.enable`."),
    ] = None,
    form: Annotated[ListFormat, typer.Option("--format", help="How to print.")] = ListFormat.TABLE,
) -> None:
    """List every rule, enabled or not, what is exposed first; with settings, one's own rules too.

    Example: s3warden rules list --rules cis-5.0 --rules 'severity>=high'
    """
    try:
        rules = select(_known(config), split_patterns(patterns or ["all"]))
    except UnknownRuleError as error:
        raise typer.BadParameter(str(error), param_hint="--rules") from error
    match form:
        case ListFormat.TABLE:
            _print_table(rules)
        case ListFormat.JSON:
            typer.echo(json.dumps([as_json(rule) for rule in rules], indent=2))


@app.command("fields")
def print_fields() -> None:
    """Print what own rules may speak of, as Markdown: every field of `bucket` and `account` with its type."""
    typer.echo(fields_markdown(), nl=False)


@app.command("show")
def show_rule(
    rule_id: Annotated[str, typer.Argument(metavar="ID", help="The rule's id, as `rules list` prints it.")],
    config: ConfigOption = None,
    form: Annotated[PageFormat, typer.Option("--format", help="How to print.")] = PageFormat.TEXT,
) -> None:
    """Explain one rule: what it tests, why that matters, how to fix it."""
    try:
        rule = find(rule_id, _known(config))
    except UnknownRuleError as error:
        raise typer.BadParameter(str(error), param_hint="ID") from error
    typer.echo(json.dumps(as_json(rule), indent=2) if form is PageFormat.JSON else rule_page.as_text(rule))


@app.command("pages")
def write_pages(
    directory: Annotated[Path, typer.Argument(file_okay=False, help="Where to; made if it is not there.")],
) -> None:
    """Write a page in Markdown for each rule, an index of them, and what they cover of other catalogues."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in pages(RULES).items():
        (directory / name).write_text(text, encoding="utf-8")


def _known(config: Path | None) -> tuple[Rule, ...]:
    return catalogue(loaded_or_exit(lambda: load(config)).settings)


def as_json(rule: Rule) -> dict[str, object]:
    """A rule's metadata as JSON has it; names in braces stand for the subject's own."""
    info = rule.info
    return {
        "id": info.id,
        "title": info.title,
        "severity": info.severity.value,
        "category": info.category.value,
        "subject": rule.kind.value,
        "needs": sorted(info.needs),
        "hints": sorted(info.hints),
        "why": info.why,
        "fix": {
            "console": info.console.splitlines(),
            "cli": info.cli,
            "terraform": info.terraform,
            "cloudformation": info.cloudformation,
        },
        "remedies": [remedy.id for remedy in remedies_for(info.id)],
        "verify": info.verify,
        "maps": [{"framework": control.framework.value, "id": control.id} for control in info.maps],
        "default": info.default,
        "examples": [{"title": example.title, "verdict": example.verdict.value} for example in rule.examples],
        "references": list(info.references),
    }


def index(rules: Iterable[Rule]) -> str:
    """The page docs/rules/README.md: a table of all rules, each with a link to its page."""
    rows = [
        f"| [{i.id}]({i.id}.md) | {i.severity} | {i.category} | {'yes' if i.default else 'opt-in'} | {i.title} |"
        for i in (rule.info for rule in rules)
    ]
    head = """\
# Rules

<!-- Made by `s3warden rules pages docs/rules`, as are the pages beside it; a test holds them equal. -->

A rule judges one bucket or one account and says pass, fail, unknown or not applicable. It says unknown as
soon as one setting that it reads could not be read, unless what could be read proves a failure by itself.
Words in braces stand for the names of the bucket at hand; alerts fill them in.

[coverage.md](coverage.md) tells which rule answers to which control of other catalogues.

| rule | severity | category | default | what it finds |
|---|---|---|---|---|
"""
    return head + "\n".join(rows) + "\n"


def pages(rules: Iterable[Rule]) -> dict[str, str]:
    """The files of docs/rules by name: the index, the coverage of other catalogues, and a page for each rule."""
    rules = tuple(rules)
    return {
        "README.md": index(rules),
        "coverage.md": coverage_page.as_markdown(rules),
        **{f"{rule.info.id}.md": rule_page.as_markdown(rule) for rule in rules},
    }


def _print_table(rules: Iterable[Rule]) -> None:
    table = Table("rule", "severity", "category", "what it finds", box=None, pad_edge=False)
    table.columns[0].no_wrap = True
    for rule in rules:
        table.add_row(rule.info.id, rule.info.severity, rule.info.category, rule.info.title)
    Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_PIPE, highlight=False).print(table)
