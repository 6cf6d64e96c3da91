"""How fast and how often: the token bucket of a destination, and the waits between its retries. Pure; times in seconds.

The reading of a clock is handed in, so that nothing here needs one.
"""

import random
from dataclasses import dataclass


@dataclass(slots=True)
class TokenBucket:
    """`rate` messages a second, `burst` at once. `now` is any clock that only goes forward."""

    rate: float
    burst: int = 1
    _level: float | None = None
    _at: float = 0.0

    def available(self, now: float) -> int:
        """How many messages may go right now."""
        level = float(self.burst) if self._level is None else self._level + max(0.0, now - self._at) * self.rate
        self._level = min(float(self.burst), level)
        self._at = now
        # A wait computed as a float may end a hair too early; that hair must not cost another round.
        return int(self._level + 1e-6)

    def delay(self, now: float) -> float:
        """Seconds until one message may go; 0.0 if it may go now."""
        if self.available(now) >= 1:
            return 0.0
        return (1.0 - (self._level or 0.0)) / self.rate

    def take(self, count: int) -> None:
        """Spend `count` tokens, as counted by `available`."""
        self._level = (self._level or 0.0) - count


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential waits from `base` to `cap`, each drawn from its upper half so that retries do not march in step."""

    base: float = 1.0
    cap: float = 60.0

    def wait(self, failures: int, draw: random.Random) -> float:
        """Seconds to wait after the `failures`-th failure in a row (from 1)."""
        # 2**60 is far above any cap; more would overflow a float after months of failure.
        full = min(self.cap, self.base * 2.0 ** min(failures - 1, 60))
        return full * draw.uniform(0.5, 1.0)
