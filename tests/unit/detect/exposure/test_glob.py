"""Patterns: matching, remainders and witnesses against brute force over short texts."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s3warden.detect.exposure.budget import Budget, Exhausted
from s3warden.detect.exposure.concrete import _like
from s3warden.detect.exposure.emptiness import witness
from s3warden.detect.exposure.glob import Pattern, arn_like, exact, folded, glob
from s3warden.detect.exposure.templates import pattern

TEXTS = ["".join(chars) for size in range(6) for chars in product("ab", repeat=size)]
PATTERNS = st.text(alphabet="ab*?", max_size=5)
PLENTY = 1_000_000


@settings(max_examples=300, deadline=None)
@given(PATTERNS)
def test_match_is_the_textbook_match(text: str) -> None:
    """The automaton and the two-pointer matcher of the concrete evaluator agree."""
    compiled = glob(text)
    assert [compiled.matches(one) for one in TEXTS] == [_like(text, one) for one in TEXTS]


@settings(max_examples=200, deadline=None)
@given(PATTERNS, st.text(alphabet="ab", max_size=3))
def test_remainders_admit_what_may_follow(text: str, prefix: str) -> None:
    """A text is admitted after the prefix exactly if the whole is admitted."""
    rest = glob(text).after(prefix)
    for one in TEXTS[:31]:
        assert any(found.matches(one) for found in rest) == glob(text).matches(prefix + one)


@settings(max_examples=400, deadline=None)
@given(st.lists(PATTERNS, min_size=1, max_size=3), st.lists(PATTERNS, max_size=4))
def test_witness_is_right_and_none_means_empty(wanted: list[str], barred: list[str]) -> None:
    """A witness fits; without one no short text over any alphabet fits either."""
    inside, outside = [glob(text) for text in wanted], [glob(text) for text in barred]

    def fits(text: str) -> bool:
        return all(p.matches(text) for p in inside) and not any(p.matches(text) for p in outside)

    found = witness(inside, outside, "sample", Budget(PLENTY))
    if found is not None:
        assert fits(found)
    else:
        assert not any(fits("".join(chars)) for size in range(6) for chars in product("abz", repeat=size))


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("arn:aws:iam::*:role/a*", "arn:aws:iam::1:role/ab/c", True),
        ("arn:aws:iam::*:role/a*", "arn:aws:iam::1:x:role/a", False),
        ("arn:aws:*:*:1:x", "arn:aws:iam::1:x", True),
        ("arn:aws:iam::1?:*", "arn:aws:iam::12:a:b", True),
        ("*", "arn:aws:iam::1:root", True),
    ],
)
def test_arn_patterns_match_field_by_field(text: str, value: str, expected: bool) -> None:
    """A wildcard before the fifth colon stays within its field."""
    found = pattern("ArnLike", text, None)
    assert found is not None
    assert found.matches(value) is expected


def test_short_arn_pattern_is_undecided() -> None:
    """Fewer than six fields are no ARN pattern."""
    assert arn_like(("arn:aws:iam",)) is None


def test_folded_ignores_case_and_exact_does_not() -> None:
    """Only the ignoring operator folds."""
    assert folded("aB*").matches("Ab*")
    assert not exact("aB").matches("ab")
    assert not folded("a*").matches("ab")


def test_a_search_past_its_budget_says_so() -> None:
    """Tired is not empty."""
    inside = [glob("*" + "?" * 8 + "a" + "?" * 12 + "*b*")]
    outside = [glob("*a" + "?" * 9 + "*"), glob("*b*a*"), glob("*" + "?" * 14 + "b*")]
    with pytest.raises(Exhausted):
        witness(inside, outside, "x", Budget(50))


def test_every_character_named_leaves_others() -> None:
    """A witness is found even when the patterns name every letter and digit."""
    named = [glob(f"*{chr(code)}*") for code in range(33, 127) if chr(code) not in "*?"]
    found = witness([glob("?*")], named, "x", Budget(PLENTY))
    assert found is not None
    assert not any(one.matches(found) for one in named)


def test_patterns_compare_by_what_they_are() -> None:
    """Two spellings of the same tokens are one pattern."""
    assert glob("a**b") == glob("a*b")
    assert hash(glob("a?")) == hash(Pattern(tokens=glob("a?").tokens))
