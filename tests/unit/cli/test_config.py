"""`s3warden config` as its users call it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from s3warden.cli.config import app


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text('queues = ["https://h/111122223333/q"]\n[log]\nlevel = "debug"\n', encoding="utf-8")
    return path


def _run(*words: str, **environ: str) -> Result:
    return CliRunner().invoke(app, list(words), env={"S3WARDEN_CONFIG": None, **environ})


def test_validate_says_that_the_settings_are_good(good: Path) -> None:
    """The verdict is data, the warnings are messages."""
    result = _run("validate", "--config", str(good))
    assert result.exit_code == 0
    assert result.stdout == "The settings can be used.\n"
    assert result.stderr == "warning: destinations: nobody is told: findings are only stored and counted\n"


def test_validate_tells_all_complaints_and_exits_2(good: Path) -> None:
    """On standard error, one a line."""
    good.write_text('[log]\nlevl = "debug"\n[http]\nport = -1\n', encoding="utf-8")
    result = _run("validate", "--config", str(good))
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        f"error: {good}:4: http.port: must be greater than or equal to 0",
        f"error: {good}:2: log.levl: unknown setting; did you mean `level`?",
        "2 errors.",
    ]


def test_validate_speaks_json(good: Path) -> None:
    """For CI; valid or not, one document on standard output."""
    assert json.loads(_run("validate", "-c", str(good), "--format", "json").stdout)["valid"] is True
    good.write_text("x = 1", encoding="utf-8")
    result = _run("validate", "-c", str(good), "--format", "json")
    assert result.exit_code == 2
    (error,) = json.loads(result.stdout)["errors"]
    assert (error["place"], error["key"]) == (f"{good}:1", "x")


def test_the_file_may_be_named_by_a_variable(good: Path) -> None:
    """As in a container."""
    assert 'level = "debug"' in _run("show", S3WARDEN_CONFIG=str(good)).stdout


def test_show_prints_values_and_origins(good: Path) -> None:
    """One line a setting; the variable beats the file."""
    lines = _run("show", "--config", str(good), S3WARDEN_HTTP__PORT="1234").stdout.splitlines()
    assert "port = 1234  # env:S3WARDEN_HTTP__PORT" in lines
    assert f'level = "debug"  # file:{good}' in lines
    assert 'interval = "6h"  # default' in lines


def test_show_speaks_json(good: Path) -> None:
    """By path: value, origin, variable."""
    document = json.loads(_run("show", "--config", str(good), "--format", "json").stdout)
    assert document["log.level"] == {"value": "debug", "origin": f"file:{good}", "variable": "S3WARDEN_LOG__LEVEL"}
    assert document["queues"]["value"][0]["url"] == "https://h/111122223333/q"
    assert document["sweep.interval"]["value"] == "6h"


def test_show_refuses_bad_settings(tmp_path: Path) -> None:
    """A file that is not there is a usage error, told on standard error."""
    result = _run("show", "--config", str(tmp_path / "none.toml"))
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "No such file" in result.stderr


def test_example_prints_a_file_and_a_page() -> None:
    """To start from, and to read."""
    assert _run("example").stdout.startswith("# Settings of s3warden")
    assert _run("example", "--format", "markdown").stdout.startswith("# Settings\n")
