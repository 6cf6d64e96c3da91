"""Which rules run, by id, glob, category, framework, severity and pack."""

from dataclasses import replace
from typing import Any

import pytest

from s3warden import assembly
from s3warden.detect.rule import Rule
from s3warden.detect.rules import RULES, UnknownRuleError, find, needs, select
from s3warden.model.bucket import Aspect
from s3warden.model.finding import Severity
from s3warden.model.framework import Framework, maps
from s3warden.model.rule import Category
from s3warden.settings.sections import Settings


def ids(enable: tuple[str, ...] = ("*",), disable: tuple[str, ...] = ()) -> list[str]:
    """The ids of what is selected."""
    return [rule.info.id for rule in select(RULES, enable, disable)]


def made(rule_id: str, **info: Any) -> Rule:
    """A rule with this much of its own; the rest is borrowed."""
    borrowed = find("bucket-versioning")
    return replace(borrowed, info=replace(borrowed.info, id=rule_id, **info))


CATALOGUE = (
    made(
        "bucket-leak", severity=Severity.CRITICAL, category=Category.EXPOSURE, maps=maps({Framework.CIS_5_0: "2.1.4"})
    ),
    made("bucket-log", severity=Severity.HIGH, category=Category.LOGGING, default=False, maps=()),
    made("bucket-tidy", severity=Severity.LOW, category=Category.GOVERNANCE, maps=maps({Framework.PROWLER: "tidy"})),
)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("all", ["leak", "log", "tidy"]),
        ("*", ["leak", "log", "tidy"]),
        ("default", ["leak", "tidy"]),
        ("cis-5.0", ["leak"]),
        ("prowler", ["tidy"]),
        ("severity>=high", ["leak", "log"]),
        ("severity >= High", ["leak", "log"]),
        ("severity<=high", ["log", "tidy"]),
        ("severity=low", ["tidy"]),
        ("severity=info", []),
        ("logging", ["log"]),
        ("bucket-l*", ["leak", "log"]),
    ],
)
def test_what_a_pattern_names(pattern: str, expected: list[str]) -> None:
    """Packs, frameworks, severities, categories and globs each name their rules, in the order of the catalogue."""
    assert [rule.info.id.removeprefix("bucket-") for rule in select(CATALOGUE, (pattern,))] == expected


@pytest.mark.parametrize(
    ("pattern", "complaint"),
    [
        ("cis-5", "no rule is called 'cis-5'; did you mean cis-5.0?"),
        ("gdpr", "no rule maps to GDPR (gdpr)"),
        ("severity>=hihg", "no rule is called 'severity>=hihg'; did you mean severity>=high?"),
        ("defaults", "no rule is called 'defaults'; did you mean default?"),
        ("severity>high", "no rule is called 'severity>high'"),
    ],
)
def test_what_is_nearly_a_pattern_is_told_as_such(pattern: str, complaint: str) -> None:
    """A typing error in the name of a pack, a framework or a severity is met with the right one."""
    with pytest.raises(UnknownRuleError) as caught:
        select(CATALOGUE, (pattern,))
    assert str(caught.value) == complaint


def test_default_profile_of_the_settings() -> None:
    """Who says nothing gets the rules of the default pack."""
    assert Settings().rules.enable == ("default",)
    assert all(rule.info.default for rule in assembly.rules_and_options(Settings())[0])


def test_nothing_enabled_is_nothing() -> None:
    """An empty list of what to enable is taken at its word."""
    assert ids(enable=()) == []


@pytest.mark.parametrize(
    ("enable", "disable", "expected"),
    [
        (("bucket-name", "bucket-versioning"), (), ["bucket-versioning", "bucket-name"]),
        (("bucket-acl-public-*",), (), ["bucket-acl-public-read", "bucket-acl-public-write"]),
        (("bucket-acl-public-*", "bucket-name"), ("*-write",), ["bucket-acl-public-read", "bucket-name"]),
        (("governance",), ("governance",), []),
    ],
)
def test_patterns(enable: tuple[str, ...], disable: tuple[str, ...], expected: list[str]) -> None:
    """Ids, globs and categories add up, and disabling wins; the order is that of the rules."""
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


def test_category_is_all_of_its_rules() -> None:
    """No more, no less."""
    assert ids(("logging",)) == [rule.info.id for rule in RULES if rule.info.category is Category.LOGGING]


def test_needs_are_those_of_the_chosen_rules() -> None:
    """Only what enabled rules look at is read from AWS."""
    assert needs(select(RULES, ("bucket-versioning", "bucket-policy-public"))) == {
        Aspect.VERSIONING,
        Aspect.POLICY_STATUS,
        Aspect.POLICY,
        Aspect.PUBLIC_ACCESS_BLOCK,
        Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK,
    }
    assert needs(()) == frozenset()
