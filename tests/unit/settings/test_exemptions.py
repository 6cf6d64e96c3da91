"""Exemption files: read whole, refused whole, with every complaint and its line."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from s3warden.detect.exemptions.presets import PRESETS
from s3warden.detect.rules import RULES
from s3warden.model.exemption import Allowance, Approved, Exemption, Scope
from s3warden.settings.exemptions import Written, read
from s3warden.settings.house import Exempting
from s3warden.settings.load import SettingsError, load

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
GOOD = """\
[[exemption]]
id = "assets"
rules = ["exposure", "bucket-versioning"]
owner = "team-web"
reason = "Static files of the shop."
ticket = "SEC-1234"
approved_at = 2026-02-20
expires = 2026-04-30

[exemption.scope]
buckets = ["www-*"]
accounts = ["111122223333"]

[exemption.approved]
public = ["s3:GetObject on assets/*", "s3:ListBucket"]

[exemption.approved.accounts]
"444455556666" = ["s3:PutObject"]
"""
POSTURE = GOOD.partition("\n[exemption.approved]")[0].replace('"exposure", ', "")

NO_SUCH_RULE = "no rule or category is called 'bucket-versionin'; did you mean bucket-versioning?"

Put = Callable[..., Written]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Writes files into a directory and reads it: the text of one, or texts by name; settings by keyword."""

    def write(*texts: str, files: dict[str, str] | None = None, **settings: Any) -> Written:
        named = files or {f"{number}.toml": text for number, text in enumerate(texts)}
        for name, text in named.items():
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True, parents=True)
            path.write_text(text, encoding="utf-8")
        options = Exempting.model_validate({"directory": str(tmp_path)} | settings)
        return read(options, RULES, NOW)

    return write


def complaints(found: Written, tmp_path: Path) -> list[str]:
    """The complaints, their files by name."""
    return [str(each).removeprefix(f"{tmp_path}/") for each in found.complaints]


def test_an_entry_is_read_with_all_that_it_says(put: Put, tmp_path: Path) -> None:
    """Its place is file and line; a date holds to its end; the presets come behind."""
    found = put(GOOD)
    assert found.complaints == found.warnings == ()
    mine, *others = found.exemptions
    assert mine == Exemption(
        id="assets",
        place=f"{tmp_path}/0.toml:1",
        scope=Scope(accounts=("111122223333",), buckets=("www-*",)),
        rules=("exposure", "bucket-versioning"),
        owner="team-web",
        reason="Static files of the shop.",
        ticket="SEC-1234",
        ends_at=datetime(2026, 5, 1, tzinfo=UTC),
        approved=Approved(
            public=(Allowance("s3:GetObject", "assets/*"), Allowance("s3:ListBucket")),
            accounts=(("444455556666", (Allowance("s3:PutObject"),)),),
        ),
    )
    assert tuple(others) == PRESETS


def test_the_end_of_a_day_is_that_of_the_time_zone(put: Put) -> None:
    """A time with an offset is taken as it stands."""
    exact = POSTURE.replace('"assets"', '"exact"').replace("2026-04-30", "2026-04-30T17:00:00+02:00")
    ends = [each.ends_at for each in put(POSTURE, exact, time_zone="Asia/Tokyo").exemptions[:2]]
    assert ends == [datetime(2026, 4, 30, 15, tzinfo=UTC), datetime(2026, 4, 30, 15, tzinfo=UTC)]


def test_files_lie_in_subdirectories_too(put: Put) -> None:
    """In order of their names; what begins with a dot is not ours."""
    files = {
        "web/a.toml": POSTURE,
        "data.toml": POSTURE.replace('"assets"', '"data"'),
        "..2026/a.toml": POSTURE,
        ".hidden.toml": "nonsense",
        "README.md": "nonsense",
    }
    assert [each.id for each in put(files=files).exemptions[:2]] == ["data", "assets"]


def test_every_complaint_at_once_with_its_line(put: Put, tmp_path: Path) -> None:
    """Of all files, whatever is wrong in the others; none of them counts then."""
    missing = POSTURE.replace('owner = "team-web"\n', "").replace("expires", "expire")
    found = put(missing, "not toml", POSTURE.replace('["bucket-versioning"]', '["bucket-versionin"]'))
    assert found.exemptions == ()
    assert complaints(found, tmp_path) == [
        "0.toml:1: exemption[0].owner: is required",
        "0.toml:1: exemption[0].expires: is required",
        "0.toml:7: exemption[0].expire: unknown field; did you mean `expires`?",
        "1.toml: is not TOML: Expected '=' after a key in a key/value pair (at line 1, column 5)",
        "2.toml:3: exemption[0].rules: " + NO_SUCH_RULE,
    ]


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('id = "assets"', 'id = "a b"', ".id: must be letters, digits"),
        ('id = "assets"', 'id = "preset-x"', ".id: must not begin with `preset-`"),
        ('buckets = ["www-*"]', "buckets = []", ".scope.buckets: must not be empty"),
        ('buckets = ["www-*"]', 'bucket = ["www-*"]', ".scope.bucket: unknown field; did you mean `buckets`?"),
        ('buckets = ["www-*"]', 'tags = ["Public"]', ".scope.tags[0]: must be a tag as `Key=Value`"),
        ('buckets = ["www-*"]', 'units = ["web"]', ".scope.units[0]: must be the id of an organisational unit"),
        ('accounts = ["111122223333"]', "accounts = [111122223333]", ".scope.accounts[0]: must be a valid string"),
        ('accounts = ["111122223333"]', 'accounts = ["1"]', ".scope.accounts[0]: must be an account id"),
        ("2026-04-30", '"2026-04-30"', ".expires: must be a date without quotes"),
        ("2026-04-30", "2026-04-30T12:00:00", ".expires: must be a date, or a time with its offset"),
        ("2026-04-30", "2026-02-19", ".expires: is before `approved_at`"),
        ("2026-04-30", "2026-05-22", ".expires: is 91 days after `approved_at`; at most 90 are allowed"),
        ("2026-02-20", "2026-03-03", ".approved_at: lies in the future"),
        ("2026-02-20", "1", ".approved_at: must be a date without quotes"),
        ('ticket = "SEC-1234"', 'ticket = ""', ".ticket: String should have at least 1 character"),
        ('rules = ["exposure', 'rules = ["severity>=low", "exposure', ".rules: no rule or category is called"),
        ('rules = ["exposure', 'rules = ["nothing-*", "exposure', ".rules: no rule or category is called"),
        ('"s3:ListBucket"', '"s3:ListBuckets"', ".approved.public[1]: 's3:ListBuckets' is no action of S3"),
        ('"s3:ListBucket"', '"ec2:*"', ".approved.public[1]: 'ec2:*' is no action of S3"),
        ("assets/*", "${aws:username}/*", ".approved.public[0]: after ` on ` comes a pattern of object keys"),
        ('"444455556666" =', '"partner" =', ".approved.accounts: must be an account id, an IAM ARN"),
    ],
)
def test_what_is_wrong_is_refused(put: Put, tmp_path: Path, old: str, new: str, complaint: str) -> None:
    """Each with what to do instead."""
    assert old in GOOD
    found = put(GOOD.replace(old, new))
    assert found.exemptions == ()
    assert any(complaint in text for text in complaints(found, tmp_path)), complaints(found, tmp_path)


def test_a_rule_about_who_gets_in_asks_what_was_approved(put: Put, tmp_path: Path) -> None:
    """By id, category or glob; without it the exemption is refused when it is read."""
    for pattern in ("exposure", "bucket-cross-account-access", "*"):
        found = put(POSTURE.replace("bucket-versioning", pattern))
        (text,) = complaints(found, tmp_path)
        assert "exemption[0].approved: must say who may do what, since it exempts from" in text


def test_an_empty_approval_approves_nothing(put: Put, tmp_path: Path) -> None:
    """So it is none."""
    found = put(POSTURE.replace("bucket-versioning", "exposure") + "\n[exemption.approved]\n")
    assert "must say who may do what" in complaints(found, tmp_path)[0]


def test_an_approval_without_effect_is_refused(put: Put, tmp_path: Path) -> None:
    """Whoever wrote it believes that it means something."""
    (text,) = complaints(put(GOOD.replace('"exposure", ', "")), tmp_path)
    assert "has no effect: none of its rules is about who gets in from outside" in text


def test_a_scope_of_nothing_is_refused(put: Put, tmp_path: Path) -> None:
    """Every bucket has to be meant by name."""
    (text,) = complaints(put(POSTURE.replace('buckets = ["www-*"]\naccounts = ["111122223333"]\n', "")), tmp_path)
    assert 'scope: must name something; `buckets = ["*"]` is every bucket' in text


def test_an_id_is_there_once(put: Put, tmp_path: Path) -> None:
    """Over all files; the complaint names both places."""
    (text,) = complaints(put(POSTURE, POSTURE), tmp_path)
    assert text == f"1.toml:2: exemption[0].id: 'assets' is also the id of the exemption at {tmp_path}/0.toml:2"


def test_what_has_ended_is_a_warning(put: Put) -> None:
    """The calendar must not keep a daemon from starting."""
    ended = POSTURE.replace("2026-02-20", "2026-01-20").replace("2026-04-30", "2026-02-27")
    found = put(ended)
    assert found.complaints == ()
    assert [str(each).rpartition(": ")[2] for each in found.warnings] == ["remove it, or have it approved anew"]


def test_an_end_on_a_day_off_is_a_warning(put: Put) -> None:
    """What it held back then pages when nobody is there: Friday's end is Saturday's beginning."""
    found = put(POSTURE.replace("2026-04-30", "2026-05-01"))
    assert [each.message for each in found.warnings] == [
        "assets ends on Friday, 2026-05-01, and what it holds back then pages on a day off"
    ]


def test_a_longer_term_can_be_allowed(put: Put) -> None:
    """By the settings, for all."""
    long = POSTURE.replace("2026-04-30", "2026-12-31")
    assert put(long).complaints
    assert put(long, max_length="365d").complaints == ()


def test_presets_are_switched_off_one_by_one(put: Put) -> None:
    """By their id; one that does not exist is refused with those that do."""
    found = put(POSTURE, presets_off=["preset-cdk-bootstrap"])
    assert {each.id for each in PRESETS} - {each.id for each in found.exemptions} == {"preset-cdk-bootstrap"}
    with pytest.raises(SettingsError, match="must be the id of a preset: preset-control-tower, "):
        load(environ={"S3WARDEN_EXEMPTIONS__PRESETS_OFF": "preset-x"})


def test_the_settings_are_refused_with_their_exemptions(tmp_path: Path) -> None:
    """One list of complaints; a reload then keeps the last good ones of both."""
    (tmp_path / "a.toml").write_text(POSTURE + 'more = "x"\n', encoding="utf-8")
    environ = {"S3WARDEN_EXEMPTIONS__DIRECTORY": str(tmp_path)}
    with pytest.raises(SettingsError, match=r"a\.toml:13: exemption\[0\]\.scope\.more: unknown field; known: accounts"):
        load(environ=environ, now=NOW)
    (tmp_path / "a.toml").write_text(POSTURE, encoding="utf-8")
    loaded = load(environ=environ, now=NOW)
    assert loaded.exemptions[0].id == "assets"
    (tmp_path / "a.toml").write_text(POSTURE.replace("SEC-1234", "SEC-1235"), encoding="utf-8")
    assert load(environ=environ, now=NOW).digest != loaded.digest


def test_a_directory_that_is_missing_is_a_complaint(tmp_path: Path) -> None:
    """Else every exemption would end by a slip of the pen."""
    with pytest.raises(SettingsError, match="is no directory"):
        load(environ={"S3WARDEN_EXEMPTIONS__DIRECTORY": str(tmp_path / "nowhere")})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TIME_ZONE", "Europe/Nowhere"),
        ("WORKING_HOURS", "17:00-09:00"),
        ("WORKING_HOURS", "9-17"),
        ("WORKING_DAYS", "monday"),
        ("MAX_LENGTH", "36h"),
    ],
)
def test_settings_that_mean_nothing_are_refused(name: str, value: str) -> None:
    """Each names what it wants."""
    with pytest.raises(SettingsError, match="must"):
        load(environ={f"S3WARDEN_EXEMPTIONS__{name}": value})
