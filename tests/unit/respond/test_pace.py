"""The token bucket and the waits between retries."""

import random

from hypothesis import given
from hypothesis import strategies as st

from s3warden.respond.pace import Backoff, TokenBucket


def test_burst_goes_at_once_then_the_rate_holds() -> None:
    """Three at once, and then one a second."""
    bucket = TokenBucket(rate=1.0, burst=3)
    assert bucket.available(10.0) == 3
    bucket.take(3)
    assert bucket.available(10.0) == 0
    assert bucket.delay(10.0) == 1.0
    assert bucket.delay(10.75) == 0.25
    assert bucket.available(11.0) == 1


@given(rate=st.floats(0.01, 1000), burst=st.integers(1, 50), steps=st.lists(st.floats(0, 5), max_size=50))
def test_never_more_than_burst_plus_rate(rate: float, burst: int, steps: list[float]) -> None:
    """Over any span no more goes than the burst and what the rate gives in that time."""
    bucket = TokenBucket(rate, burst)
    now = sent = 0.0
    for step in steps:
        now += step
        count = bucket.available(now)
        bucket.take(count)
        sent += count
    assert sent <= burst + rate * now + 1e-3


@given(rate=st.floats(0.01, 1000), burst=st.integers(1, 50), spent=st.integers(1, 50))
def test_waiting_the_delay_is_enough(rate: float, burst: int, spent: int) -> None:
    """After the delay that it names, one message may go."""
    bucket = TokenBucket(rate, burst)
    bucket.available(0.0)
    bucket.take(min(spent, burst))
    assert bucket.available(bucket.delay(0.0)) >= 1


@given(st.integers(1, 10_000))
def test_backoff_grows_to_its_cap_and_keeps_jitter(failures: int) -> None:
    """Every wait lies in the upper half of its step, and never above the cap."""
    wait = Backoff(base=1.0, cap=120.0).wait(failures, random.Random(failures))
    full = min(120.0, 2.0 ** min(failures - 1, 60))
    assert full / 2 <= wait <= full
