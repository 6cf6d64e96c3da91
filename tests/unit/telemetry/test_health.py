"""Liveness and readiness, as the parts of the daemon tell them."""

from datetime import UTC, datetime, timedelta

import pytest

from s3warden.telemetry.health import Check, Health


class Time:
    """A clock that goes when told."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime(2026, 3, 1, 12, tzinfo=UTC) + timedelta(seconds=self.seconds)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def health(time: Time) -> Health:
    return Health(clock=time.monotonic, now=time.now)


def test_without_loops_the_process_lives(health: Health) -> None:
    """HTTP answers before any loop has started, and that is alive."""
    assert health.live().ok


def test_a_loop_that_stops_beating_is_named(health: Health, time: Time) -> None:
    """A hung loop turns liveness false after its own limit, and the report says which one."""
    health.expect("refresh", within=30)
    health.expect("sqs", within=300)
    time.seconds = 100
    report = health.live()
    assert not report.ok
    assert [check.name for check in report.checks if not check.ok] == ["refresh"]
    assert report.checks[0].detail == "last beat 100.0 s ago, limit 30 s"


def test_a_beat_revives_a_loop(health: Health, time: Time) -> None:
    """A beat counts from when it came."""
    health.expect("refresh", within=30)
    time.seconds = 100
    health.beat("refresh")
    time.seconds = 130
    assert health.live().ok


def test_the_limit_runs_from_the_announcement(health: Health, time: Time) -> None:
    """A loop that never beats at all is found too, but not at once."""
    time.seconds = 50
    health.expect("refresh", within=30)
    assert health.live().ok
    time.seconds = 81
    assert not health.live().ok


def test_a_beat_nobody_expects_is_no_check(health: Health) -> None:
    """Parts may beat without being watched."""
    health.beat("stray")
    assert health.live().checks == ()


def test_a_forgotten_loop_is_not_missed(health: Health, time: Time) -> None:
    """A loop that ended as it should, such as a queue taken out by a reload, does not kill the daemon."""
    health.expect("sqs", within=30)
    health.set_ready("queue:a", ok=False)
    health.forget("sqs")
    health.forget("queue:a")
    time.seconds = 1000
    assert health.live().ok
    assert [check.name for check in health.ready().checks] == ["started"]


def test_a_limit_of_zero_is_refused(health: Health) -> None:
    """A loop cannot beat all the time."""
    with pytest.raises(ValueError, match="refresh"):
        health.expect("refresh", within=0)


def test_liveness_does_not_depend_on_conditions(health: Health) -> None:
    """AWS being away must not restart the daemon."""
    health.set_ready("queue:a", ok=False, detail="unreachable")
    assert health.live().ok


def test_not_ready_before_anything_is_known(health: Health) -> None:
    """Silence is not readiness."""
    report = health.ready()
    assert not report.ok
    assert report.checks == (Check("started", ok=False, detail="nothing is known yet"),)


def test_every_plain_condition_is_required(health: Health) -> None:
    """One broken condition makes the daemon unready, and the report says which and since when."""
    health.set_ready("settings", ok=True)
    health.set_ready("store", ok=False, detail="cannot be opened")
    report = health.ready()
    assert not report.ok
    assert report.checks[1] == Check("store", ok=False, detail="cannot be opened (since 2026-03-01T12:00:00Z)")


def test_since_names_the_last_turn(health: Health, time: Time) -> None:
    """Saying the same again does not move the time; a turn does."""
    health.set_ready("store", ok=True)
    time.seconds = 60
    health.set_ready("store", ok=True)
    assert health.ready().checks[0].detail == "since 2026-03-01T12:00:00Z"
    health.set_ready("store", ok=False)
    assert health.ready().checks[0].detail == "since 2026-03-01T12:01:00Z"


def test_one_queue_of_several_is_enough(health: Health) -> None:
    """A queue that is down is shown; only all of them down make the daemon unready."""
    health.set_ready("settings", ok=True)
    health.set_ready("queue:a", ok=True)
    health.set_ready("queue:b", ok=False, detail="denied")
    report = health.ready()
    assert report.ok
    assert [(c.name, c.ok, c.required) for c in report.checks] == [
        ("settings", True, True),
        ("queue:a", True, False),
        ("queue:b", False, False),
        ("any queue", True, True),
    ]
    health.set_ready("queue:a", ok=False)
    assert not health.ready().ok


def test_alternatives_of_one_kind_do_not_help_another(health: Health) -> None:
    """A working queue does not stand in for dead destinations."""
    health.set_ready("queue:a", ok=True)
    health.set_ready("destination:slack", ok=False)
    assert not health.ready().ok


def test_draining_is_alive_and_not_ready(health: Health, time: Time) -> None:
    """While the daemon stops, no probe may kill it, and nobody should count on it."""
    health.expect("refresh", within=30)
    health.set_ready("settings", ok=True)
    health.draining()
    time.seconds = 100
    assert health.live().ok
    assert not health.ready().ok
    assert health.ready().checks[-1].name == "draining"
