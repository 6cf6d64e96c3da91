"""Links are good for what they were made for, for a while, and not a bit more."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3warden.correct.links import Answer, BadLink, Link, opened, signed
from s3warden.model.secret import Secret

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
KEY = Secret("k" * 32)
LINK = Link("abc123defg", "d" * 64, Answer.APPROVE, "oncall", "n-1", NOW + timedelta(minutes=30))
TOKEN = signed(LINK, KEY)


def test_a_link_is_what_was_signed() -> None:
    """It comes back whole, to the last moment before its end."""
    assert opened(TOKEN, KEY, NOW) == LINK
    assert opened(TOKEN, KEY, LINK.until - timedelta(seconds=1)) == LINK


def test_an_old_link_is_no_good() -> None:
    """From its end on it is expired, and says since when."""
    found = opened(TOKEN, KEY, LINK.until)
    assert isinstance(found, BadLink)
    assert found.reason == "expired"


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "x.y",
        TOKEN[:-1],
        TOKEN + "A",
        TOKEN + "=",
        TOKEN.replace(".", ""),
        " " + TOKEN,
        "ä" + TOKEN,
        "A" * 5000,
    ],
)
def test_damaged_links(token: str) -> None:
    """Anything but the exact text is refused without an exception."""
    assert isinstance(opened(token, KEY, NOW), BadLink)


@given(st.integers(0, len(TOKEN) - 1), st.sampled_from("ABab01-_."))
def test_no_character_can_be_changed(at: int, new: str) -> None:
    """One changed character anywhere makes it another text, which nobody signed."""
    changed = TOKEN[:at] + new + TOKEN[at + 1 :]
    assert changed == TOKEN or isinstance(opened(changed, KEY, NOW), BadLink)


def test_another_key_is_another_s3warden() -> None:
    """What one instance signs, another does not take."""
    found = opened(TOKEN, Secret("x" * 32), NOW)
    assert isinstance(found, BadLink)
    assert found.reason == "forged"


def test_every_part_is_under_the_seal() -> None:
    """Two links that differ in one field have different seals."""
    others = [
        replace(LINK, remediation="other"),
        replace(LINK, digest="e" * 64),
        replace(LINK, answer=Answer.REJECT),
        replace(LINK, by="other"),
        replace(LINK, nonce="n-2"),
        replace(LINK, until=LINK.until + timedelta(seconds=1)),
    ]
    assert len({signed(link, KEY).partition(".")[2] for link in (LINK, *others)}) == 7


def test_a_short_key_is_refused() -> None:
    """A key that can be guessed signs nothing."""
    with pytest.raises(ValueError, match="at least 32 bytes"):
        signed(LINK, Secret("short"))


@given(st.text(max_size=80))
def test_no_text_makes_it_fail(text: str) -> None:
    """Whatever comes in over HTTP gives an answer."""
    assert isinstance(opened(text, KEY, NOW), BadLink)
