"""The example file and the reference page tell the truth about the tree."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from s3warden.settings import Settings, load
from s3warden.settings.document import example, reference
from s3warden.settings.leaves import leaves, members
from s3warden.settings.toml import shown_json, shown_toml, toml_value

ROOT = Path(__file__).parents[3]
ELSEWHERE = {("queues",), ("destinations",), ("own_rules",), ("fixes",), ("change_windows",), ("change_freezes",)}


def _all_switched_on() -> dict[str, Any]:
    """The example with every setting switched on; the short form of `queues` gives way to its table."""
    text = re.sub(r"(?m)^#(\[|[a-z0-9_]+ = )", r"\1", (ROOT / "config.example.toml").read_text(encoding="utf-8"))
    return tomllib.loads(re.sub(r"(?m)^queues = .*$", "", text))


def test_the_files_are_what_the_code_writes() -> None:
    """`s3warden config example` renews both."""
    assert (ROOT / "config.example.toml").read_text(encoding="utf-8") == example()
    assert (ROOT / "docs/configuration.md").read_text(encoding="utf-8") == reference()


def test_the_example_as_it_is_changes_nothing() -> None:
    """A copy of it is a start, not a decision."""
    assert load(ROOT / "config.example.toml", environ={}).settings == Settings()


def test_every_setting_is_in_the_example_with_its_default() -> None:
    """Where there is a default, it is the one that is shown."""
    document = _all_switched_on()
    for path, field in leaves().items():
        node: Any = document
        for name in path:
            assert name in node, f"{path} is missing"
            node = node[name]
        if path not in ELSEWHERE and field.default not in (None, (), {}):
            assert node == tomllib.loads(f"x = {toml_value(field.default)}")["x"], path
    for path in ELSEWHERE:
        kinds = members(leaves()[path])
        tables = document[path[0]]
        assert [set(table) for table in tables] == [set(kind.model_fields) for kind in kinds]


def test_the_example_loads_with_everything_switched_on(tmp_path: Path) -> None:
    """The examples are valid values; only `cron` excludes `interval`."""
    document = _all_switched_on()
    del document["sweep"]["cron"]
    document["exemptions"]["directory"] = document["own_rules_directory"] = str(tmp_path)
    path = tmp_path / ".config.toml"
    path.write_text("\n".join(f"{name} = {toml_value(value)}" for name, value in document.items()), encoding="utf-8")
    settings = load(path, environ={}).settings
    assert [destination.type for destination in settings.destinations] == ["sns", "slack", "webhook"]


def test_every_setting_is_described() -> None:
    """A setting without a description cannot be documented."""
    fields = [
        *leaves().values(),
        *(f for p in ELSEWHERE for k in members(leaves()[p]) for f in k.model_fields.values()),
    ]
    assert all(field.description and field.description.endswith((".", ":")) for field in fields)


def test_every_setting_is_on_the_reference_page() -> None:
    """With its variable."""
    page = reference()
    for path in leaves():
        assert f"`S3WARDEN_{'__'.join(path).upper()}`" in page


def test_what_show_prints_is_a_file_again(tmp_path: Path) -> None:
    """The output of `config show` has the same effect as its input, but for secrets."""
    environ = {
        "S3WARDEN_QUEUES": "https://h/111122223333/q",
        "S3WARDEN_LOG__LEVEL": "debug",
        "S3WARDEN_SWEEP__CRON": "0 3 * * *",
        "S3WARDEN_RULES__TAG_PATTERNS": '{"Owner": "[\\"a\\\\\\\\b\\u007f]+", "cost center": "é😀"}',
        "S3WARDEN_DESTINATIONS": '[{"type": "slack", "name": "a", "webhook_url": "env:A"}]',
    }
    loaded = load(environ=environ)
    path = tmp_path / "config.toml"
    path.write_text(re.sub(r"(?m)^interval = .*$", "", shown_toml(loaded)), encoding="utf-8")
    assert load(path, environ={}).settings == loaded.settings


@pytest.mark.parametrize("show", [shown_toml, shown_json])
def test_show_tells_origins(show: Any) -> None:
    """Each value says where it comes from."""
    text = show(load(environ={"S3WARDEN_LOG__LEVEL": "debug"}))
    assert "env:S3WARDEN_LOG__LEVEL" in text
    assert "default" in text
