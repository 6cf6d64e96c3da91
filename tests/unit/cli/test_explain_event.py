"""`explain event`: one JSON line a body, whatever the body, and a clear word where there is none to read."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from s3warden.cli.explain_event import event
from support.cloudtrail import BUCKET, OWNER, REGION, call


def explain(path: object, stdin: bytes | None = None) -> Result:
    """Run the command."""
    app = typer.Typer()
    app.command()(event)
    return CliRunner().invoke(app, ["--", str(path)], input=stdin)


def only_line(result: Result) -> dict[str, Any]:
    """The single JSON line on stdout."""
    (line,) = result.stdout.splitlines()
    parsed: dict[str, Any] = json.loads(line)
    return parsed


def test_file_gives_a_line_with_all_keys(tmp_path: Path) -> None:
    """A refresh shows targets, aspects, actor and time."""
    body = tmp_path / "body.json"
    body.write_text(call("PutBucketOwnershipControls"))
    result = explain(body)
    assert result.exit_code == 0
    assert only_line(result) == {
        "file": "body.json",
        "outcome": "refresh",
        "reason": "change",
        "targets": [
            {
                "account": OWNER,
                "region": REGION,
                "bucket": BUCKET,
                "level": "bucket",
                "aspects": ["acl", "ownership"],
            }
        ],
        "actor": f"arn:aws:sts::{OWNER}:assumed-role/deployer/sam",
        "event_time": "2031-05-04T03:02:01Z",
    }


@pytest.mark.parametrize(
    ("body", "outcome", "reason"),
    [
        (call("GetBucketAcl").encode(), "skip", "read_only"),
        (b"", "poison", "empty"),
        (b"hello", "poison", "not_json"),
        (b"\xff\xfe\x00binary", "poison", "undecodable"),
        (b"\xef\xbb\xbf" + call().encode(), "refresh", "change"),
    ],
)
def test_stdin_is_one_body(body: bytes, outcome: str, reason: str) -> None:
    """A dash reads standard input, of any content."""
    line = only_line(explain("-", body))
    assert (line["file"], line["outcome"], line["reason"]) == ("-", outcome, reason)


def test_folder_is_read_in_order_of_names(tmp_path: Path) -> None:
    """Only *.json, and no folder that is called so."""
    for name in ("b.json", "a.json", "c.txt"):
        (tmp_path / name).write_text("hello")
    (tmp_path / "d.json").mkdir()
    lines = [json.loads(line) for line in explain(tmp_path).stdout.splitlines()]
    assert [line["file"] for line in lines] == ["a.json", "b.json"]


def test_missing_path_is_a_usage_error(tmp_path: Path) -> None:
    """Exit code 2, with the path on standard error."""
    result = explain(tmp_path / "none.json")
    assert result.exit_code == 2
    assert "none.json" in result.stderr
    assert result.stdout == ""


def test_unreadable_file_in_a_folder_hides_no_other(tmp_path: Path) -> None:
    """The others are explained, and the exit code tells."""
    (tmp_path / "a.json").symlink_to(tmp_path / "nowhere")
    (tmp_path / "b.json").write_text(call())
    result = explain(tmp_path)
    assert result.exit_code == 2
    assert only_line(result)["file"] == "b.json"
    assert "a.json" in result.stderr


def test_huge_body_is_read_only_so_far(tmp_path: Path) -> None:
    """A file of any size is refused, not loaded."""
    body = tmp_path / "huge.json"
    with body.open("wb") as file:
        file.truncate(1 << 33)
    assert only_line(explain(body))["reason"] == "too_large"
