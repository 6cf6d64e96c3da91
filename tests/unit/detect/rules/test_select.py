"""Which rules run, by id, glob and category."""

import pytest

from s3warden.detect.rules import RULES, UnknownRuleError, find, needs, select
from s3warden.model.bucket import Aspect


def ids(enable: tuple[str, ...] = ("*",), disable: tuple[str, ...] = ()) -> list[str]:
    """The ids of what is selected."""
    return [rule.info.id for rule in select(RULES, enable, disable)]


def test_all_by_default() -> None:
    """Who says nothing gets every rule."""
    assert select() == RULES


def test_nothing_enabled_is_nothing() -> None:
    """An empty list of what to enable is taken at its word."""
    assert ids(enable=()) == []


@pytest.mark.parametrize(
    ("enable", "disable", "expected"),
    [
        (("bucket-name", "bucket-versioning"), (), ["bucket-versioning", "bucket-name"]),
        (("bucket-acl-public-*",), (), ["bucket-acl-public-read", "bucket-acl-public-write"]),
        (("logging",), (), ["bucket-access-logging"]),
        (("exposure", "bucket-name"), ("*-latent*", "*-authenticated*", "bucket-objects-*", "*-oac-*"), None),
        (("governance",), ("governance",), []),
    ],
)
def test_patterns(enable: tuple[str, ...], disable: tuple[str, ...], expected: list[str] | None) -> None:
    """Ids, globs and categories add up, and disabling wins; the order is that of the rules."""
    if expected is None:
        expected = [
            "bucket-public-effective",
            "bucket-acl-public-read",
            "bucket-acl-public-write",
            "bucket-policy-public",
            "bucket-name",
        ]
    assert ids(enable, disable) == expected


def test_every_pattern_that_names_nothing_is_told_with_near_misses() -> None:
    """All complaints come at once."""
    with pytest.raises(UnknownRuleError) as caught:
        select(RULES, ("bucket-versionning", "*"), ("zzz-*", "exposures"))
    assert caught.value.suggestions["bucket-versionning"][0] == "bucket-versioning"
    assert caught.value.suggestions["exposures"] == ("exposure",)
    assert str(caught.value).splitlines() == [
        "no rule is called 'bucket-versionning'; did you mean bucket-versioning?",
        "no rule is called 'zzz-*'",
        "no rule is called 'exposures'; did you mean exposure?",
    ]


def test_find_knows_ids_only() -> None:
    """A page is asked for by id; a category is no id."""
    assert find("bucket-name").info.id == "bucket-name"
    with pytest.raises(UnknownRuleError, match="did you mean"):
        find("bucket-names")
    with pytest.raises(UnknownRuleError):
        find("exposure")


def test_needs_are_those_of_the_chosen_rules() -> None:
    """Only what enabled rules look at is read from AWS."""
    assert needs(select(RULES, ("bucket-versioning", "bucket-policy-public"))) == {
        Aspect.VERSIONING,
        Aspect.POLICY_STATUS,
        Aspect.PUBLIC_ACCESS_BLOCK,
        Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK,
    }
    assert needs(()) == frozenset()
