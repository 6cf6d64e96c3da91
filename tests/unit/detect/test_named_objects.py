"""What a finding says of objects is what a restart knows of them."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from s3warden.detect.named_objects import FACT, RULE, facts, recalled, shown
from s3warden.model.finding import Evidence, Finding, Verdict
from s3warden.model.objects import ObjectAcls, ObjectName
from support.scenes import finding

NAMES = st.builds(
    ObjectName, st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200), st.text("v1")
)


def holding(details: dict[str, str]) -> Finding:
    """An open finding with these details."""
    return replace(finding(RULE), evidence=Evidence("Public.", details))


@given(st.lists(NAMES, unique=True, max_size=40))
def test_names_come_back_or_are_known_to_be_missing(names: list[ObjectName]) -> None:
    """As many as the evidence has room for, exactly; it is plain ASCII and bounded."""
    told = facts(names)
    assert told[FACT].isascii()
    assert told[FACT].isprintable()
    assert len(told[FACT]) < 5000
    back = recalled([holding(told)])
    assert [each.name for each in back.items] == names[: len(back.items)]
    assert back.forgotten == (len(back.items) < len(names))


def test_a_finding_that_names_none_leaves_a_doubt() -> None:
    """An object that could not be read has no name in the evidence: after a restart nobody knows that it was closed."""
    unknown = replace(holding({"unreadable": "object_acl"}), verdict=Verdict.UNKNOWN)
    assert recalled([unknown]) == ObjectAcls(forgotten=True)
    assert recalled([holding({FACT: "broken"})]) == ObjectAcls(forgotten=True)
    assert recalled([holding(facts([ObjectName("a")], beyond=1))]).forgotten


def test_a_setting_that_could_not_be_read_leaves_no_doubt_about_objects() -> None:
    """Else every bucket of an account whose block was unreadable would stay unknown after a restart."""
    unknown = replace(holding({"unreadable": "ownership, public_access_block"}), verdict=Verdict.UNKNOWN)
    assert recalled([unknown]) == ObjectAcls()


def test_without_a_finding_there_is_nothing_to_recall() -> None:
    """Another rule's finding names no objects."""
    assert recalled([]) == recalled([finding("bucket-acl-public-read")]) == ObjectAcls()


def test_a_key_is_shown_in_one_short_line() -> None:
    """Whatever its maker wrote into it."""
    assert shown(ObjectName("a\n\u202eb", "v1")) == "a??b (version v1)"
    assert len(shown(ObjectName("x" * 1000))) < 100
