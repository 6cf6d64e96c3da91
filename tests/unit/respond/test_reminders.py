"""Reminders before an exemption ends: in working hours, in time, and each with one key for ever."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from s3warden.correct.windows import Window
from s3warden.respond.reminders import due, reminders
from support.exempting import exemption

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = Window(frozenset(range(5)), time(9), time(17), BERLIN)
# The end of Monday, 30 March 2026, in Berlin.
ENDS = datetime(2026, 3, 31, tzinfo=BERLIN)


def at(day: int, hour: int = 12, month: int = 3) -> datetime:
    """A moment in Berlin, as UTC."""
    return datetime(2026, month, day, hour, tzinfo=BERLIN).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "days"),
    [
        (at(13), None),  # Friday, the next office hours are Monday the 16th, 15 days before
        (at(16), 14),  # Monday: 14 days before is the night to Tuesday
        (at(17, 3), None),  # at night
        (at(21), None),  # Saturday
        (at(23), 14),
        (at(26), 14),  # Thursday; three days before is the night to Saturday
        (at(27), 1),  # Friday: both the third and the last day before fall on the weekend
        (at(28), None),
        (at(30), 1),
        (at(30, 17), None),  # the office has closed
        (at(31), None),  # it has ended
    ],
)
def test_people_hear_of_it_in_the_last_hours_before_its_day(now: datetime, days: int | None) -> None:
    """14, 3 and 1 days before; what falls on a day off comes on the working day before it."""
    assert due(exemption(ends_at=ENDS.astimezone(UTC)), OFFICE, now) == days


def test_a_weekday_has_its_three_reminders() -> None:
    """For an end on a Thursday each of the three has its turn, and none comes twice."""
    ends = exemption(ends_at=datetime(2026, 3, 27, tzinfo=BERLIN).astimezone(UTC))
    start = at(1)
    keys = [
        note.dedup_key
        for minutes in range(0, 27 * 24 * 60, 30)
        for note in reminders([ends], {}, ["pager"], OFFICE, start + timedelta(minutes=minutes))
    ]
    assert [key.rpartition("/")[2] for key in dict.fromkeys(keys)] == ["14", "3", "1"]


def test_a_preset_never_ends() -> None:
    """So nobody is reminded of it."""
    assert due(exemption(ends_at=None), OFFICE, at(16)) is None


def test_a_reminder_says_what_is_at_stake() -> None:
    """Every destination gets one; it names owner, ticket, place, and what will be told."""
    notes = reminders([exemption("assets", ends_at=ENDS.astimezone(UTC))], {"assets": 2}, ["a", "b"], OFFICE, at(30))
    assert [note.destination for note in notes] == ["a", "b"]
    notice = notes[0].notice
    assert notice is not None
    assert notice.title == "exemption assets ends in 12 h"
    assert notice.lines == (
        "It holds back 2 findings. They will be told as news.",
        "Reason: agreed",
        "Owner: team-web",
        "Ticket: SEC-1",
        "Ends: 2026-03-30 22:00:00 UTC",
        "Written in: exemptions/assets.toml:1",
    )


def test_an_unused_one_can_go() -> None:
    """It says so."""
    (note,) = reminders([exemption(ends_at=ENDS.astimezone(UTC))], {}, ["a"], OFFICE, at(30))
    assert note.notice is not None
    assert note.notice.lines[0] == "It holds back nothing: it matches no finding. It can be removed."


def test_an_end_that_was_moved_is_another_end() -> None:
    """A longer term has reminders of its own."""
    one, other = (exemption(ends_at=end) for end in (at(31), at(31) + timedelta(hours=1)))
    keys = [note.dedup_key for each in (one, other) for note in reminders([each], {}, ["a"], OFFICE, at(30))]
    assert len(set(keys)) == 2
