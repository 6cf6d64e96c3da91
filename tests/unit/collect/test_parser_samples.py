"""Whole message bodies with the truth beside them: our own, and a folder of public ones where it is at hand.

A body is right if all that must be refreshed is, and nothing else but what may be. The public samples carry foreign
licences, so they are read where they lie: in the folder that S3WARDEN_EVENT_SAMPLES names, or beside the project.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from s3warden.cli.explain_event import event
from s3warden.collect.parser import parse
from s3warden.model.event import Refresh

OWN = Path(__file__).parent / "events"


def public() -> Path:
    """The folder of public samples; skips the test where there is none."""
    named = os.environ.get("S3WARDEN_EVENT_SAMPLES")
    folder = Path(named) if named else Path(__file__).parents[3].parent / "shared" / "events"
    if not named and not folder.is_dir():
        pytest.skip("no public event samples: set S3WARDEN_EVENT_SAMPLES to their folder")
    return folder


def explained(folder: Path) -> dict[str, dict[str, Any]]:
    """What `explain event` says of each body in `folder`."""
    app = typer.Typer()
    app.command()(event)
    result = CliRunner().invoke(app, [str(folder)])
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    return {line["file"]: line for line in lines}


def keys(targets: list[dict[str, Any]]) -> set[tuple[Any, ...]]:
    """Targets without their aspects."""
    return {(t["account"], t["region"], t["bucket"], t["level"]) for t in targets}


def wrong(folder: Path) -> Iterator[str]:
    """The bodies of `folder` that do not come out as its index says."""
    found = explained(folder)
    truth = json.loads((folder / "index" / "expected.json").read_text())["files"]
    assert len(truth) == len(found) > 0
    for entry in truth:
        line = found[entry["file"]]
        refreshed, expected = keys(line["targets"]), keys(entry["expected"])
        if not expected <= refreshed <= expected | keys(entry["allowed"]):
            yield f"{entry['file']}: {line}"
        for key in ("outcome", "reason"):
            if entry.get(key, line[key]) != line[key]:
                yield f"{entry['file']}: {key} is {line[key]}"


def test_own_samples_come_out_right() -> None:
    """Each of our own bodies, with outcome and reason."""
    assert list(wrong(OWN)) == []


def test_public_samples_come_out_right() -> None:
    """Each public body refreshes what it must, and nothing that it must not."""
    assert list(wrong(public())) == []


def test_public_bodies_that_are_no_events_are_survived() -> None:
    """None of them raises, none of them refreshes what it should not."""
    for entry in json.loads((public() / "index" / "bodies.json").read_text()):
        parsed = parse(entry["body"])
        found = (
            {(t.account, t.region, t.bucket, t.level) for t in parsed.targets} if isinstance(parsed, Refresh) else set()
        )
        assert keys(entry["expected"]) <= found <= keys(entry["expected"]) | keys(entry["allowed"]), entry["name"]
