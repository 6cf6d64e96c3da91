"""A secret that is written into the settings appears in nothing that they say of themselves."""

import pickle
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from s3warden.cli.config import app
from s3warden.settings import SettingsError, load
from s3warden.settings.toml import shown_json, shown_toml

CANARY = "c4n4ry-5ecret"

GOOD = f"""
[aws]
external_id = "{CANARY}"
[store]
url = "postgresql://u:{CANARY}@h/d"
[[destinations]]
type = "slack"
name = "a"
webhook_url = "https://hooks.slack.com/services/{CANARY}"
[[destinations]]
type = "webhook"
name = "b"
url = "https://user:{CANARY}@example.com/{CANARY}"
signing_secret = "{CANARY}"
"""

# The canary in every wrong place that a person finds in a hurry.
BAD = [
    GOOD + 'sign_secret = "x"',
    GOOD.replace("postgresql:", "mysql:"),
    f'[aws]\nregion = "{CANARY}"',
    f'[aws]\nexternal_id = ["{CANARY}"]',
    f'[aws]\nexternal_id = "evn:{CANARY}"',
    f'[log]\nlevel = "{CANARY}"',
    f'[http]\nport = "{CANARY}"\nreload_endpoint = "{CANARY}"',
    f'[events]\npoll = "{CANARY}"',
    f'[rules]\nname_pattern = "({CANARY}"',
    f'queues = ["https://u:{CANARY}@h/1/q"]\ndestinations = "{CANARY}"',
    f'[[destinations]]\ntype = "slack"\nname = "https://hooks.slack.com/{CANARY}"\nwebhook_url = 5',
    f'[[destinations]]\ntype = "slack"\nname = "a"\nwebhook = "{CANARY}"',
    f'[[destinations]]\ntype = "sns"\nname = "a"\ntopic_arn = "{CANARY}"',
    f'[aws]\nexternal_id = "{CANARY}',
    f"[aws]\nexternal_id = {CANARY}",
    f'runbook_base_url = "{CANARY}"',
    f'[accounts]\nids = ["{CANARY}"]\nexclude = ["{CANARY}"]',
]


def _file(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def _outputs(path: Path) -> Iterator[str]:
    for command in (["validate"], ["validate", "--format", "json"], ["show"], ["show", "--format", "json"]):
        result = CliRunner().invoke(app, [*command, "--config", str(path)], env={"S3WARDEN_AWS__EXTERNAL_ID": None})
        yield result.output
        yield repr(result.exception)


def test_good_settings_keep_their_secrets(tmp_path: Path) -> None:
    """In words, in dumps, in the output of every command."""
    path = _file(tmp_path, GOOD)
    loaded = load(path, environ={})
    settings = loaded.settings
    texts = [repr(settings), str(settings), settings.model_dump_json(), str(settings.model_dump(mode="json"))]
    texts += [repr(loaded), shown_toml(loaded), shown_json(loaded), *_outputs(path)]
    texts += [f"{settings.store.url} {settings.aws.external_id!r} {settings.model_dump()}"]
    assert not [text for text in texts if CANARY in text]
    assert settings.aws.external_id is not None
    assert settings.aws.external_id.target == CANARY
    assert CANARY in pickle.dumps(settings).decode("latin-1")


@pytest.mark.parametrize("text", BAD)
def test_complaints_do_not_quote_what_they_refuse(text: str, tmp_path: Path) -> None:
    """Neither in their text nor in the traceback of whoever forgets to catch them."""
    path = _file(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        load(path, environ={})
    told = "".join(traceback.format_exception(caught.value))
    assert not [text for text in (told, repr(caught.value), *_outputs(path)) if CANARY in text]


@pytest.mark.parametrize(
    "environ",
    [
        {"S3WARDEN_DESTINATIONS": f'[{{"type": "slack", "webhook_url": "{CANARY}"'},
        {"S3WARDEN_DESTINATIONS": f'[{{"type": "slack", "webhook_url": "{CANARY}"}}]'},
        {"S3WARDEN_DESTINATIONS": CANARY},
        {"S3WARDEN_AWS__EXTERNAL_IDD": CANARY},
        {"S3WARDEN_HTTP__PORT": CANARY},
    ],
)
def test_variables_are_not_quoted_either(environ: dict[str, str]) -> None:
    """A complaint about a variable names it and says nothing of its value."""
    with pytest.raises(SettingsError) as caught:
        load(environ=environ)
    assert CANARY not in "".join(traceback.format_exception(caught.value))
