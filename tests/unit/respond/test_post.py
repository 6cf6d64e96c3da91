"""What an HTTP answer means for delivery."""

from datetime import UTC, datetime

import pytest

from s3warden.model.alert import Delivered, Delivery, Postponed, Refused
from s3warden.respond.post import Answer, seconds, verdict


@pytest.mark.parametrize(
    ("answer", "delivery"),
    [
        (Answer(200, "ok"), Delivered()),
        (Answer(204), Delivered()),
        (Answer(408, "slow"), Postponed("http_408", "slow")),
        (Answer(429, "calm down", 7.0), Postponed("rate_limited", "calm down", 7.0)),
        (Answer(503, "", 30.0), Postponed("http_503", "", 30.0)),
        (Answer(500), Postponed("http_500")),
        (Answer(404, "gone\nfishing"), Refused("http_404", "gone fishing")),
        (Answer(301), Refused("http_301")),
        (Answer(400, "x" * 999), Refused("http_400", "x" * 199 + "…")),
    ],
)
def test_status_decides(answer: Answer, delivery: Delivery) -> None:
    """Taken, later or never; the answer's text is kept short and on one line."""
    assert verdict(answer) == delivery


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        (None, None),
        ("", None),
        ("30", 30.0),
        ("Sat, 14 Mar 2026 03:10:30 GMT", 30.0),
        ("Sat, 14 Mar 2026 03:09:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("Sat, 99 Mar 2026 03:09:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, wait: float | None) -> None:
    """Both forms of the header are read; nonsense is as if it were not there."""
    assert seconds(header, datetime(2026, 3, 14, 3, 10, tzinfo=UTC)) == wait
