"""When changes are allowed: windows of the week, and freezes. Pure: the moment is given."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo


@dataclass(frozen=True, slots=True)
class Window:
    """Changes are allowed on `days` (0 is Monday) from `start` to `end`, in the local time of `zone`.

    An `end` at or before `start` is on the next day. The end itself is outside.
    """

    days: frozenset[int]
    start: time
    end: time
    zone: tzinfo

    def is_open(self, at: datetime) -> bool:
        """Whether `at`, an aware moment, lies inside."""
        local = at.astimezone(self.zone)
        now, day = local.time(), local.weekday()
        if self.start < self.end:
            return day in self.days and self.start <= now < self.end
        return (day in self.days and now >= self.start) or ((day - 1) % 7 in self.days and now < self.end)

    def opens(self, after: datetime) -> datetime:
        """The next moment after `after` at which it begins, within eight days."""
        local = after.astimezone(self.zone)
        for ahead in range(9):
            day = local.date() + timedelta(days=ahead)
            begins = datetime.combine(day, self.start, tzinfo=self.zone)
            if day.weekday() in self.days and begins > local:
                return begins
        raise ValueError("a window without a day never opens")


@dataclass(frozen=True, slots=True)
class Freeze:
    """No change from `start` to `end`, both aware; `reason` is shown to whoever asks why nothing happened."""

    start: datetime
    end: datetime
    reason: str

    def holds(self, at: datetime) -> bool:
        """Whether `at` lies inside; the end itself is outside."""
        return self.start <= at < self.end


def next_opening(windows: Sequence[Window], at: datetime) -> datetime | None:
    """When the next change is allowed: None right now, since a window is open or there are none."""
    if not windows or any(window.is_open(at) for window in windows):
        return None
    return min(window.opens(at) for window in windows)
