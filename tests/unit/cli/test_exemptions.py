"""`s3warden exemptions` as its users call it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from s3warden.cli.exemptions import app
from s3warden.cli.state_file import StateFileError, read_state, state_of
from s3warden.detect.exemptions.presets import PRESETS
from s3warden.detect.samples import READ_AT
from s3warden.model.bucket import ABSENT, NOT_READ, Aspect, Present, Unreadable
from s3warden.model.configuration import Tags
from support.exposure_states import VECTORS
from support.exposure_states import state_of as by_hand

TODAY = datetime.now(UTC).date()
OPEN = {
    "bucket": "shop-assets",
    "bucket_owner": "111122223333",
    "region": "eu-west-1",
    "policy": {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::shop-assets/*"}
        ],
    },
    "tags": {"Public": "yes"},
}
EVERY_DAY = '["mon", "tue", "wed", "thu", "fri", "sat", "sun"]'
Run = Callable[..., Result]


def entry(name: str, *, days: int = 30, **changed: str) -> str:
    """An exemption of the leak, by the bucket's name."""
    fields = {
        "id": f'"{name}"',
        "rules": '["bucket-public-effective"]',
        "owner": '"team-web"',
        "reason": '"static files"',
        "ticket": '"SEC-1"',
        "approved_at": str(TODAY - timedelta(days=10)),
        "expires": str(TODAY + timedelta(days=days)),
        "scope": '{ buckets = ["shop-*"] }',
        "approved": '{ public = ["s3:GetObject"] }',
    } | changed
    return "[[exemption]]\n" + "".join(f"{key} = {value}\n" for key, value in fields.items())


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Calls the command with these exemptions, and a store that nobody has made."""
    directory = tmp_path / "exemptions"
    directory.mkdir()

    def call(*words: str, files: dict[str, str]) -> Result:
        for name, text in files.items():
            (directory / name).write_text(text, encoding="utf-8")
        config = tmp_path / "config.toml"
        config.write_text(
            f'[exemptions]\ndirectory = "{directory}"\nworking_days = {EVERY_DAY}\n'
            f'[store]\nurl = "sqlite:///{tmp_path}/s3warden.db"\n',
            encoding="utf-8",
        )
        return CliRunner().invoke(app, [*words, "--config", str(config)], env={"S3WARDEN_CONFIG": None})

    return call


def told(result: Result) -> Any:
    """What it printed as JSON."""
    return json.loads(result.stdout)


def test_list_shows_ends_and_presets(run: Run) -> None:
    """Without a store it says that it knows nothing of their use, and lists them all the same."""
    result = run("list", "--format", "json", files={"a.toml": entry("assets"), "b.toml": entry("old", days=-1)})
    assert result.exit_code == 0
    assert "the store tells nothing of their use" in result.stderr
    rows = {row["id"]: row for row in told(result)}
    assert (rows["assets"]["state"], rows["assets"]["days_left"]) == ("in force", 30)
    assert (rows["old"]["state"], rows["old"]["days_left"]) == ("ended", None)
    assert {name for name, row in rows.items() if row["state"] == "built in"} == {each.id for each in PRESETS}
    text = run("list", files={}).stdout
    assert "assets" in text
    assert "preset-control-tower" in text


def test_lint_is_content_with_what_is_in_order(run: Run) -> None:
    """It counts, and warns of what has ended."""
    result = run("lint", files={"a.toml": entry("assets"), "b.toml": entry("old", days=-1)})
    assert result.exit_code == 0
    assert result.stdout == "2 exemptions in 2 files.\n"
    assert "b.toml:2: exemption[0].id: old has ended and has no effect" in result.stderr
    assert told(run("lint", "--format", "json", files={}))["exemptions"] == 2


def test_lint_names_every_complaint_and_exits_2(run: Run) -> None:
    """With file and line, for a build pipeline."""
    files = {"a.toml": entry("a", owner='""'), "b.toml": entry("b", expires=str(TODAY + timedelta(days=81)))}
    result = run("lint", files=files)
    assert result.exit_code == 2
    assert "a.toml:4: exemption[0].owner" in result.stderr
    assert "b.toml:8: exemption[0].expires: is 91 days after `approved_at`" in result.stderr


def tried(run: Run, tmp_path: Path, document: dict[str, Any], *words: str, **files: str) -> Result:
    """The state of a file, tried against these exemptions."""
    path = tmp_path / "state.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    named = {f"{name}.toml": text for name, text in files.items()}
    return run("test", "--state", str(path), *words, files=named)


def test_test_says_which_line_matched_and_why_the_others_do_not(run: Run, tmp_path: Path) -> None:
    """For each finding of the bucket."""
    files = {
        "a": entry("elsewhere", scope='{ buckets = ["ftp-*"] }'),
        "b": entry("narrow", approved='{ public = ["s3:GetObject on pub/*"] }'),
        "c": entry("assets"),
    }
    lines = tried(run, tmp_path, OPEN, **files).stdout.splitlines()
    assert lines[0] == "bucket shop-assets, account 111122223333, eu-west-1"
    at = next(n for n, line in enumerate(lines) if line.startswith("bucket-public-effective: Anyone on the internet"))
    assert lines[at + 1].startswith("  exempt by assets until ")
    assert lines[at + 1].endswith("c.toml:1")
    assert "elsewhere (" in lines[at + 2]
    assert lines[at + 2].endswith("a.toml:1): the name shop-assets matches none of its buckets")
    assert "b.toml:1): more is open than was approved: Anyone on the internet can read objects" in lines[at + 3]
    objects = next(n for n, line in enumerate(lines) if line.startswith("bucket-objects-may-be-public"))
    assert lines[objects + 1] == "  not exempt"
    assert "it does not name the rule bucket-objects-may-be-public" in lines[objects + 2]
    assert 'public = ["s3:GetObject"]' in "\n".join(lines[objects:])
    facts = 'facts = { ownership = "ObjectWriter", IgnorePublicAcls = "off (account), off (bucket)" }'
    assert facts in "\n".join(lines[objects:])


def test_test_asks_about_another_day(run: Run, tmp_path: Path) -> None:
    """What will happen when it ends can be seen before."""
    day = str(TODAY + timedelta(days=31))
    (leak,) = [
        each
        for each in told(tried(run, tmp_path, OPEN, "--at", day, "--format", "json", a=entry("assets")))["findings"]
        if each["rule_id"] == "bucket-public-effective"
    ]
    assert leak["exempt"] is None
    assert leak["misses"][0]["why"] == "expired"


def test_test_of_a_sound_bucket_has_nothing_to_exempt(run: Run, tmp_path: Path) -> None:
    """Private, and nothing else was in the file."""
    blocked = dict.fromkeys(["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"], True)
    sound = {
        "bucket": "b",
        "bucket_owner": "111122223333",
        "bucket_bpa": blocked,
        "account_bpa": blocked,
        "ownership": "BucketOwnerEnforced",
        "tags": {"Name": "b", "Role": "x", "Environment": "prod", "Owner": "x"},
        "policy": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:*",
                    "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"],
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                }
            ],
        },
    }
    assert "Nothing wrong was found, so there is nothing to exempt." in tried(run, tmp_path, sound).stdout


def test_test_wants_one_bucket(run: Run, tmp_path: Path) -> None:
    """In AWS or in a file, not both; and a file that is a state."""
    assert run("test", files={}).exit_code == 2
    assert run("test", "--bucket", "b", "--state", "x", files={}).exit_code == 2
    result = tried(run, tmp_path, {"bucket": "b"})
    assert result.exit_code == 1
    assert "must be an object with `bucket` and `bucket_owner`" in result.stderr


@pytest.mark.parametrize("text", ["nonsense", "[]"])
def test_a_file_that_is_no_state_says_so(tmp_path: Path, text: str) -> None:
    """And one that is not there."""
    path = tmp_path / "state.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(StateFileError):
        read_state(path, READ_AT)
    with pytest.raises(StateFileError, match="cannot be read"):
        read_state(tmp_path / "nowhere.json", READ_AT)


READ_ALIKE = [vector for vector in VECTORS if not vector.get("org_bpa")]


@pytest.mark.parametrize("vector", READ_ALIKE, ids=[str(vector["id"]) for vector in READ_ALIKE])
def test_a_file_is_read_as_aws_would_be(vector: dict[str, Any]) -> None:
    """The readings that bear on who gets in are those of the same bucket made by hand."""
    mine, other = state_of(vector, READ_AT), by_hand(vector)
    alike = {Aspect.POLICY, Aspect.PUBLIC_ACCESS_BLOCK, Aspect.OWNERSHIP, Aspect.REQUEST_PAYMENT}
    if vector.get("account_bpa") is not None:
        alike.add(Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK)
    for aspect in alike:
        assert mine.reading(aspect) == other.reading(aspect)


def test_what_a_file_says_could_not_be_read_is_unreadable() -> None:
    """Tags too; without any word about tags there are none."""
    denied = {"unreadable": "AccessDenied"}
    state = state_of(
        {**OPEN, "policy": denied, "acl_grants": denied, "requester_pays": denied, "tags": denied}, READ_AT
    )
    for aspect in (Aspect.POLICY, Aspect.ACL, Aspect.REQUEST_PAYMENT):
        assert isinstance(state.reading(aspect), Unreadable)
    assert state.reading(Aspect.TAGGING) == NOT_READ
    assert state_of(OPEN, READ_AT).reading(Aspect.TAGGING) == Present(Tags((("Public", "yes"),)))
    assert state_of({k: v for k, v in OPEN.items() if k != "tags"}, READ_AT).reading(Aspect.TAGGING) == ABSENT
