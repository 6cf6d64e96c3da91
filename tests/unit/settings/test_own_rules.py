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
