"""`s3warden config`: check the settings, show what is in effect and where it comes from, print an example.

Talks to nobody: a reference to a secret is checked for its form, not looked up.
"""

import json
from enum import StrEnum
from typing import Annotated

import typer

from s3warden.cli.settings import USAGE, ConfigOption, loaded_or_exit
from s3warden.settings import Complaint, SettingsError, load
from s3warden.settings.document import example, reference
from s3warden.settings.toml import shown_json, shown_toml

app = typer.Typer(name="config", help="Check and show the settings.", no_args_is_help=True)


class CheckFormat(StrEnum):
    """How `config validate` prints."""

    TEXT = "text"
    JSON = "json"


class ShowFormat(StrEnum):
    """How `config show` prints."""

    TOML = "toml"
    JSON = "json"


class ExampleFormat(StrEnum):
    """How `config example` prints."""

    TOML = "toml"
    MARKDOWN = "markdown"


@app.command()
def validate(
    config: ConfigOption = None,
    form: Annotated[CheckFormat, typer.Option("--format", help="How to print.")] = CheckFormat.TEXT,
) -> None:
    """Check the settings without starting anything: exit 0 if they can be used, 2 with all complaints if not."""
    try:
        loaded = load(config)
    except SettingsError as error:
        _report(form, error.complaints, ())
        raise typer.Exit(USAGE) from None
    _report(form, (), loaded.warnings)


@app.command()
def show(
    config: ConfigOption = None,
    form: Annotated[ShowFormat, typer.Option("--format", help="How to print.")] = ShowFormat.TOML,
) -> None:
    """Print the settings in effect, secrets masked, each with where it comes from: default, file or variable."""
    loaded = loaded_or_exit(lambda: load(config))
    typer.echo(shown_toml(loaded) if form is ShowFormat.TOML else shown_json(loaded), nl=False)


@app.command("example")
def print_example(
    form: Annotated[ExampleFormat, typer.Option("--format", help="How to print.")] = ExampleFormat.TOML,
) -> None:
    """Print a settings file that documents every setting, or the same as a page in Markdown."""
    typer.echo(example() if form is ExampleFormat.TOML else reference(), nl=False)


def _report(form: CheckFormat, errors: tuple[Complaint, ...], warnings: tuple[Complaint, ...]) -> None:
    if form is CheckFormat.JSON:
        document = {"valid": not errors, "errors": _rows(errors), "warnings": _rows(warnings)}
        typer.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    for kind, complaints in (("error", errors), ("warning", warnings)):
        for complaint in complaints:
            typer.echo(f"{kind}: {complaint}", err=True)
    count = len(errors)
    typer.echo(
        "The settings can be used." if not errors else f"{count} error{'s' if count > 1 else ''}.", err=bool(errors)
    )


def _rows(complaints: tuple[Complaint, ...]) -> list[dict[str, str]]:
    return [{"place": each.place, "key": each.key, "message": each.message} for each in complaints]
