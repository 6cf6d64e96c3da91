"""`explain exposure`: a document or a list, a tree or JSON, in order, and a clear word where there is none."""

import json
from pathlib import Path
from typing import Any

import typer
from typer.testing import CliRunner, Result

from s3warden.cli.explain_exposure import exposure

VECTORS: list[dict[str, Any]] = json.loads(Path("tests/data/exposure-dev.json").read_text(encoding="utf-8"))
KEYS = [
    "id", "public", "public_actions", "authenticated_only", "cross_account", "policy_status_is_public", "via",
    "blocked_by", "witnesses", "reasons", "unknown_because",
]  # fmt: skip


def explain(*args: str, stdin: str | None = None) -> Result:
    """Run the command."""
    app = typer.Typer()
    app.command()(exposure)
    return CliRunner().invoke(app, list(args), input=stdin)


def test_list_in_gives_list_out_in_order() -> None:
    """Every vector, with exactly the keys of a verdict."""
    result = explain("tests/data/exposure-dev.json", "--format", "json")
    answers = json.loads(result.stdout)
    assert result.exit_code == 0
    assert [answer["id"] for answer in answers] == [vector["id"] for vector in VECTORS]
    assert all(list(answer) == KEYS for answer in answers)


def test_one_document_from_stdin_gives_one_object() -> None:
    """No list around it; an object without an id has none."""
    document = {key: value for key, value in VECTORS[18].items() if key != "id"}
    answer = json.loads(explain("-", "--format", "json", stdin=json.dumps(document)).stdout)
    assert (answer["id"], answer["public"]) == (None, True)


def test_tree_shows_verdict_proof_and_reasons() -> None:
    """What a person needs: who, by which statement, what stops the rest."""
    text = explain("-", stdin=json.dumps([VECTORS[18], VECTORS[46], VECTORS[85]])).stdout
    assert "PUBLIC to anyone: read, via policy" in text
    assert "s3:GetObject on arn:aws:s3:::acme-data/any-object by anyone, unsigned" in text
    assert "no stranger meets IpAddress aws:sourceip [203.0.113.0/24] [condition]" in text
    assert "UNKNOWN (not to be taken for private)" in text


def test_what_if_names_the_smallest_change() -> None:
    """In the tree and in JSON."""
    document = json.dumps(VECTORS[44])
    assert "remove statement 2: closes it <- smallest" in explain("-", "--what-if", stdin=document).stdout
    answer = json.loads(explain("-", "--what-if", "--format", "json", stdin=document).stdout)
    assert answer["smallest_change"]["change"] == ["remove statement 2"]
    assert any(change["cuts_off"] == ["222222222222"] for change in answer["what_if"])


def test_key_that_comes_twice_is_unknown() -> None:
    """Readers differ in which of two counts."""
    text = '{"bucket": "b", "bucket_owner": "111111111111", "policy": {"Statement": [], "Statement": []}}'
    assert json.loads(explain("-", "--format", "json", stdin=text).stdout)["public"] is None


def test_control_characters_do_not_reach_the_terminal() -> None:
    """A name may hold anything."""
    assert "\x1b" not in explain("-", stdin='{"id": "\\u001b[2J", "bucket": "\\u001b]0;x"}').stdout


def test_unreadable_input_is_a_usage_error(tmp_path: Path) -> None:
    """No file, no JSON: exit code 2 and a message on stderr."""
    for path, stdin in ((str(tmp_path / "none"), None), ("-", "{"), ("-", "[" * 100_000)):
        result = explain(path, stdin=stdin)
        assert result.exit_code == 2
        assert result.stderr.startswith("s3warden: ")
        assert result.stdout == ""
