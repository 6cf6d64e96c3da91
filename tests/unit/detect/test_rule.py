"""The contract of rules: options, reading configuration, the two kinds."""

from dataclasses import replace

import pytest

from s3warden.detect.rule import Kind, Rule, RuleOptions, UnreadableError, configured, passes
from s3warden.detect.rules import RULES
from s3warden.detect.samples import account, bucket
from s3warden.model.bucket import ABSENT, Aspect, Cause, Present, Unreadable
from s3warden.model.configuration import Ownership, Versioning


def test_present_value_is_handed_out() -> None:
    """What is configured comes as its value."""
    assert configured(bucket(), Aspect.VERSIONING, Versioning) == Versioning("Enabled")


def test_absent_is_none() -> None:
    """What is not configured comes as None."""
    assert configured(bucket({Aspect.VERSIONING: ABSENT}), Aspect.VERSIONING, Versioning) is None


def test_unreadable_is_not_absent() -> None:
    """What could not be read raises, with the reading."""
    reading = Unreadable(Cause.SCP, "explicit deny")
    with pytest.raises(UnreadableError) as caught:
        configured(bucket({Aspect.VERSIONING: reading}), Aspect.VERSIONING, Versioning)
    assert (caught.value.aspect, caught.value.reading) == (Aspect.VERSIONING, reading)


def test_never_asked_is_unreadable() -> None:
    """An aspect that nobody read yet raises too."""
    with pytest.raises(UnreadableError) as caught:
        configured(replace(bucket(), readings={}), Aspect.WEBSITE, object)
    assert caught.value.reading.cause is Cause.NOT_READ


def test_account_aspect_of_a_bucket_without_account_is_unreadable() -> None:
    """A bucket whose account was not read yet knows nothing of the account."""
    with pytest.raises(UnreadableError):
        configured(replace(bucket(), account=None), Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK, object)


def test_value_of_another_type_is_refused() -> None:
    """A value that a rule does not understand is an error, not a guess."""
    state = bucket({Aspect.VERSIONING: Present(Ownership("ObjectWriter"))})
    with pytest.raises(TypeError, match="versioning is a Ownership"):
        configured(state, Aspect.VERSIONING, Versioning)


@pytest.mark.parametrize(
    ("options", "place"),
    [({"name_pattern": "("}, "name_pattern"), ({"tag_patterns": {"Owner": "["}}, "tag_patterns.Owner")],
)
def test_broken_pattern_is_refused_with_its_place(options: dict[str, object], place: str) -> None:
    """A pattern that does not compile is told at once, not at the first bucket."""
    with pytest.raises(ValueError, match=place):
        RuleOptions(**options)  # type: ignore[arg-type]


def test_rule_applies_to_its_own_kind_only() -> None:
    """A bucket rule judges no account, and the other way round."""
    rule = Rule(RULES[0].info, Kind.BUCKET, lambda _state, _options: passes(""))
    assert rule.applies_to(bucket())
    assert not rule.applies_to(account(ABSENT))
    assert replace(rule, kind=Kind.ACCOUNT).applies_to(account(ABSENT))
