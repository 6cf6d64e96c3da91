"""How every command reads the settings: the same option, and the same words and exit code where they cannot be used."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import typer

from s3warden.settings.environment import CONFIG
from s3warden.settings.load import Loaded, SettingsError

USAGE = 2

ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", envvar=CONFIG, help="Settings file (TOML). Default: none.")
]


def loaded_or_exit(read: Callable[[], Loaded]) -> Loaded:
    """What `read` gives; where the settings cannot be used, all complaints go to standard error and the exit is 2."""
    try:
        return read()
    except SettingsError as error:
        for complaint in error.complaints:
            typer.echo(f"error: {complaint}", err=True)
        raise typer.Exit(USAGE) from None


def split_patterns(given: Iterable[str]) -> list[str]:
    """Patterns of rules as an option gives them: several times, or with commas between them."""
    return [pattern.strip() for text in given for pattern in text.split(",") if pattern.strip()]
