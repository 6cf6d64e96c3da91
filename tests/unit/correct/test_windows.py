"""Windows of the week and freezes, with their edges, over midnight and over the change of clocks."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3warden.correct.windows import Freeze, Window, next_opening

BERLIN = ZoneInfo("Europe/Berlin")
WORK = Window(frozenset({0, 1, 2, 3}), time(9), time(17), BERLIN)
NIGHT = Window(frozenset({4}), time(22), time(4), BERLIN)
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("window", "at", "is_open"),
    [
        (WORK, "2026-11-25T08:00:00+00:00", True),
        (WORK, "2026-11-25T07:59:59+00:00", False),
        (WORK, "2026-11-25T16:00:00+00:00", False),
        (WORK, "2026-07-01T07:00:00+00:00", True),
        (WORK, "2026-11-27T10:00:00+00:00", False),
        (NIGHT, "2026-11-27T21:00:00+00:00", True),
        (NIGHT, "2026-11-28T02:59:00+00:00", True),
        (NIGHT, "2026-11-28T03:00:00+00:00", False),
        (NIGHT, "2026-11-28T21:30:00+00:00", False),
    ],
)
def test_a_window_is_open_in_local_time(window: Window, at: str, *, is_open: bool) -> None:
    """Days and hours are those of the window's own zone; the end is outside, and may be on the next day."""
    assert window.is_open(datetime.fromisoformat(at)) is is_open


@given(MOMENTS, st.sampled_from([WORK, NIGHT]))
def test_the_next_opening_is_one(at: datetime, window: Window) -> None:
    """The window is open when it says it opens, closed a moment before unless it was open, and that lies ahead."""
    opens = window.opens(at)
    assert at < opens <= at + timedelta(days=8)
    assert window.is_open(opens)
    assert not window.is_open(opens - timedelta(seconds=1))


@given(MOMENTS)
def test_nothing_to_wait_for_while_one_is_open(at: datetime) -> None:
    """Either a window is open, or the wait is for the one that opens first."""
    opening = next_opening((WORK, NIGHT), at)
    if WORK.is_open(at) or NIGHT.is_open(at):
        assert opening is None
    else:
        assert opening == min(WORK.opens(at), NIGHT.opens(at))


def test_without_windows_it_is_always_time() -> None:
    """No window means no limit."""
    assert next_opening((), datetime(2026, 1, 1, tzinfo=UTC)) is None


def test_a_window_without_days_is_an_error() -> None:
    """A window that never opens cannot say when it does."""
    with pytest.raises(ValueError, match="never opens"):
        Window(frozenset(), time(1), time(2), BERLIN).opens(datetime(2026, 1, 1, tzinfo=UTC))


def test_a_freeze_ends_at_its_end() -> None:
    """The end itself is free again."""
    freeze = Freeze(datetime(2026, 12, 20, tzinfo=UTC), datetime(2027, 1, 3, tzinfo=UTC), "holidays")
    assert freeze.holds(freeze.start)
    assert not freeze.holds(freeze.end)
