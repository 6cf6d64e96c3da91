"""`s3warden rules`: what the rules are, for people and for machines. Reads nothing but the rules themselves."""

import json
import sys
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from s3warden.detect.rule import Rule
from s3warden.detect.rules import RULES, UnknownRuleError, find

app = typer.Typer(name="rules", help="List the rules and explain them.", no_args_is_help=True)

# A pipe has no width; wide enough that no line of the table breaks.
_WIDTH_OF_A_PIPE = 160


class ListFormat(StrEnum):
    """How `rules list` prints."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"


class PageFormat(StrEnum):
    """How `rules show` prints."""

    TEXT = "text"
    JSON = "json"


@app.command("list")
def list_rules(
    form: Annotated[ListFormat, typer.Option("--format", help="How to print.")] = ListFormat.TABLE,
) -> None:
    """List every rule, what is exposed first."""
    match form:
        case ListFormat.TABLE:
            _print_table(RULES)
        case ListFormat.JSON:
            typer.echo(json.dumps([as_json(rule) for rule in RULES], indent=2))
        case ListFormat.MARKDOWN:
            typer.echo(as_markdown(RULES), nl=False)


@app.command("show")
def show_rule(
    rule_id: Annotated[str, typer.Argument(metavar="ID", help="The rule's id, as `rules list` prints it.")],
    form: Annotated[PageFormat, typer.Option("--format", help="How to print.")] = PageFormat.TEXT,
) -> None:
    """Explain one rule: what it tests, why that matters, how to fix it."""
    try:
        rule = find(rule_id)
    except UnknownRuleError as error:
        raise typer.BadParameter(str(error), param_hint="ID") from error
    typer.echo(json.dumps(as_json(rule), indent=2) if form is PageFormat.JSON else as_text(rule))


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
        "fix": {"cli": info.cli, "terraform": info.terraform},
        "references": list(info.references),
    }


def as_text(rule: Rule) -> str:
    """One rule as a page for a terminal."""
    info = rule.info
    parts = [
        f"{info.id}\n{info.title}",
        f"Severity  {info.severity}\nCategory  {info.category}\nJudges    one {rule.kind}\nReads     {_needs(rule)}",
        f"Why it matters\n{_indented(info.why)}",
        f"Fix with the AWS CLI\n{_indented(info.cli)}",
        f"Fix with Terraform\n{_indented(info.terraform)}",
        f"References\n{_indented(chr(10).join(info.references))}",
    ]
    return "\n\n".join(parts)


def as_markdown(rules: Iterable[Rule]) -> str:
    """The page docs/rules.md: a table of all rules, then a section for each under its id."""
    rules = tuple(rules)
    rows = [f"| [{r.info.id}](#{r.info.id}) | {r.info.severity} | {r.info.category} | {r.info.title} |" for r in rules]
    head = [
        "# Rules",
        "",
        "<!-- Made by `s3warden rules list --format markdown`; a test holds the two equal. -->",
        "",
        "A rule judges one bucket or one account and says pass, fail, unknown or not applicable. It says unknown as",
        "soon as one setting that it reads could not be read, unless what could be read proves a failure by itself.",
        "Words in braces stand for the names of the bucket at hand; alerts fill them in.",
        "",
        "| rule | severity | category | what it finds |",
        "|---|---|---|---|",
    ]
    return "\n".join([*head, *rows, *(line for rule in rules for line in _section(rule))]) + "\n"


def _section(rule: Rule) -> list[str]:
    info = rule.info
    return [
        "",
        f"## {info.id}",
        "",
        f"{info.title}. Severity {info.severity}, category {info.category}, judges one {rule.kind}.",
        "",
        info.why,
        "",
        f"Reads: {_needs(rule)}.",
        "",
        "```sh",
        info.cli,
        "```",
        "",
        "```terraform",
        info.terraform,
        "```",
        "",
        *(f"- {reference}" for reference in info.references),
    ]


def _needs(rule: Rule) -> str:
    reads = ", ".join(aspect.replace("_", " ") for aspect in sorted(rule.info.needs)) or "the name alone"
    hints = ", ".join(aspect.replace("_", " ") for aspect in sorted(rule.info.hints))
    return f"{reads}; if it can be had, {hints}" if hints else reads


def _indented(text: str) -> str:
    return "\n".join(f"  {line}".rstrip() for line in text.splitlines())


def _print_table(rules: Iterable[Rule]) -> None:
    table = Table("rule", "severity", "category", "what it finds", box=None, pad_edge=False)
    table.columns[0].no_wrap = True
    for rule in rules:
        table.add_row(rule.info.id, rule.info.severity, rule.info.category, rule.info.title)
    Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_PIPE, highlight=False).print(table)
