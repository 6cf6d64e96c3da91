"""How much may be changed in how short a time: limits per account and overall, and the circuit breaker.

Keeps the times of what was done and of what was asked for, no longer than the longest window. The moment is always
given, so that a test, or a restart that reads the journal, can tell it.
"""

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Limits:
    """At most so many fixes. `breaker_share` of the estate's buckets, but no fewer than `breaker_least`, may ask for a
    fix within an hour before the breaker trips: so many leaks at once are one cause, and for a person."""

    account_minute: int = 5
    account_hour: int = 30
    minute: int = 20
    hour: int = 100
    breaker_share: float = 0.02
    breaker_least: int = 25

    def breaker_at(self, estate: int) -> int:
        """How many subjects may ask within an hour, in an estate of so many buckets."""
        return max(self.breaker_least, int(self.breaker_share * estate))


@dataclass(frozen=True, slots=True)
class Spent:
    """What was done within the last minute and hour, and how many subjects asked for a fix within the last hour."""

    account_minute: int = 0
    account_hour: int = 0
    minute: int = 0
    hour: int = 0
    asking: int = 0
    estate: int = 0


@dataclass(slots=True)
class Budget:
    """The times of fixes by account, and of those who asked."""

    _done: deque[tuple[datetime, str]] = field(default_factory=deque)
    _asked: dict[str, datetime] = field(default_factory=dict)

    def restore(self, fixes: Iterable[tuple[datetime, str, str]]) -> None:
        """Take up what the journal knows: time, account and subject of each fix, oldest first."""
        for at, account, subject in fixes:
            self.done(account, at)
            self.ask(subject, at)

    def ask(self, subject: str, at: datetime) -> None:
        """A subject needs a fix. Asking again is no new demand as long as the first one counts."""
        self._forget(at)
        self._asked.setdefault(subject, at)

    def done(self, account: str, at: datetime) -> None:
        """A fix was made."""
        self._done.append((at, account))
        self._forget(at)

    def spent(self, account: str, at: datetime, estate: int) -> Spent:
        """The figures at `at`."""
        self._forget(at)
        counts: defaultdict[str, int] = defaultdict(int)
        for when, who in self._done:
            recent = at - when < MINUTE
            counts["hour"] += 1
            counts["minute"] += recent
            counts["account_hour"] += who == account
            counts["account_minute"] += recent and who == account
        return Spent(**counts, asking=len(self._asked), estate=estate)

    def _forget(self, at: datetime) -> None:
        while self._done and at - self._done[0][0] >= HOUR:
            self._done.popleft()
        # In order of first demand, so the old ones come first.
        for subject, when in list(self._asked.items()):
            if at - when < HOUR:
                break
            del self._asked[subject]
