"""Own rules as settings: taken, or refused with their place."""

from pathlib import Path

import pytest

from s3warden.settings.load import SettingsError, load

GOOD = """\
[rules]
enable = ["own-locked"]

[[own_rules]]
id = "own-locked"
title = "A backup has no Object Lock"
severity = "high"
category = "resilience"
pass_when = "bucket.object_lock.configured"

[[own_rules.examples]]
title = "locked"
verdict = "pass"
bucket = { object_lock = { days = 1 } }
"""


def complaints(tmp_path: Path, text: str) -> list[str]:
    """What is wrong with a file, each with its line."""
    path = tmp_path / "s3warden.toml"
    path.write_text(text, encoding="utf-8")
    try:
        load(path, environ={})
    except SettingsError as error:
        return [str(each).removeprefix(str(path)) for each in error.complaints]
    return []


def test_a_good_rule_is_taken(tmp_path: Path) -> None:
    """And may be enabled by its id."""
    assert complaints(tmp_path, GOOD) == []


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("days = 1", "dayz = 1", "own_rules[0]: example 'locked': `bucket.object_lock` has no field `dayz`"),
        (
            'verdict = "pass"',
            'verdict = "fail"',
            "own_rules[0]: example 'locked': expected fail, but the rule says pass",
        ),
        ("bucket.object_lock.conf", "bucket.object_lok.conf", "`bucket` has no field `object_lok`; did you mean"),
        ('id = "own-locked"', 'id = "locked"', "own_rules[0].id: must be `own-` and words in lower case"),
        (
            'enable = ["own-locked"]',
            'enable = ["own-lockd"]',
            "no rule is called 'own-lockd'; did you mean own-locked?",
        ),
        ("[[own_rules.examples]]", "[own_rules.example]", "unknown setting; did you mean `examples`?"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, before: str, after: str, complaint: str) -> None:
    """By `config validate` and by every start."""
    (told,) = complaints(tmp_path, GOOD.replace(before, after, 1))
    assert complaint in told


def test_two_rules_of_one_name_are_refused(tmp_path: Path) -> None:
    """Findings are told apart by it."""
    twice = GOOD + GOOD[GOOD.index("[[own_rules]]") :]
    assert complaints(tmp_path, twice) == ["several own rules have the id own-locked"]


def directory(tmp_path: Path, **files: str) -> str:
    """A configuration that names a directory with these files."""
    folder = tmp_path / "rules"
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return f'own_rules_directory = "{folder}"\n'


def rule(name: str) -> str:
    """One rule of this name."""
    return GOOD[GOOD.index("[[own_rules]]") :].replace("own-locked", f"own-{name}")


def test_rules_of_a_directory_stand_behind_those_of_the_file(tmp_path: Path) -> None:
    """In the order of the files' names; hidden ones are left out."""
    head = directory(tmp_path, b=rule("b"), a=rule("a1") + rule("a2"), team__c=rule("c"), _hidden="")
    (tmp_path / "rules" / ".copy").mkdir()
    (tmp_path / "rules" / ".copy" / "a.toml").write_text(rule("a1"))
    path = tmp_path / "config.toml"
    path.write_text(head + GOOD)
    assert [each.id for each in load(path, environ={}).settings.own_rules] == [
        "own-locked",
        "own-a1",
        "own-a2",
        "own-b",
        "own-c",
    ]


def test_a_directory_may_come_from_the_environment_alone(tmp_path: Path) -> None:
    """Without any file."""
    directory(tmp_path, a=rule("a"))
    loaded = load(environ={"S3WARDEN_OWN_RULES_DIRECTORY": str(tmp_path / "rules")})
    assert [each.id for each in loaded.settings.own_rules] == ["own-a"]


@pytest.mark.parametrize(
    ("file", "complaint"),
    [
        (rule("b").replace("days = 1", "dayz = 1"), "/rules/b.toml:1: own_rules[2]: example 'locked': "),
        (rule("b") + rule("b").replace('"high"', '"huge"'), "/rules/b.toml:15: own_rules[3].severity: must be"),
        ("[rules]\nenable = []\n", "/rules/b.toml: may hold `[[own_rules]]` and nothing else"),
        ("own_rules = 7\n", "/rules/b.toml: may hold `[[own_rules]]` and nothing else"),
        ("= 7\n", "/rules/b.toml: is not TOML"),
    ],
)
def test_what_is_wrong_in_a_directory_is_told_with_file_and_line(tmp_path: Path, file: str, complaint: str) -> None:
    """Whichever file it is in."""
    head = directory(tmp_path, a=rule("a"), b=file)
    told = complaints(tmp_path, head + GOOD)
    assert len(told) == 1
    assert complaint in told[0]


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    """Rules that nobody reads protect nothing."""
    assert complaints(tmp_path, f'own_rules_directory = "{tmp_path}/nowhere"\n') == [
        f"{tmp_path}/nowhere: is no directory that can be read"
    ]
