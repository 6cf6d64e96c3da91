"""What is counted of a client's calls."""

from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from s3warden.aws.meter import Meter
from s3warden.telemetry.metrics import Metrics


class FakeClient:
    """A client's event hooks: what is registered can be fired."""

    def __init__(self, service: str) -> None:
        self.hooks: dict[str, Callable[..., None]] = {}
        events = SimpleNamespace(register=self.hooks.__setitem__)
        self.meta = SimpleNamespace(events=events, service_model=SimpleNamespace(service_name=service))

    def fire(self, event: str, operation: str, **arguments: Any) -> None:
        """Fire the hook as the SDK does."""
        self.hooks[event](event_name=f"{event}.service.{operation}", **arguments)

    def answer(self, status: int, code: str = "", **headers: str) -> None:
        """An answer as the SDK hands it on."""
        metadata = {"HTTPStatusCode": status, "HTTPHeaders": headers}
        parsed = {"ResponseMetadata": metadata, "Error": {"Code": code}}
        self.fire("response-received", "GetBucketAcl", parsed_response=parsed, exception=None)


class Bench:
    """A metered client with a clock of its own."""

    def __init__(self, service: str = "s3") -> None:
        self.metrics = Metrics(CollectorRegistry())
        self.client = FakeClient(service)
        self.time = 100.0
        now = datetime(2026, 11, 23, 12, 0, 10, tzinfo=UTC)
        Meter(self.metrics, now=lambda: now, monotonic=lambda: self.time).watch(self.client)

    def value(self, name: str, **labels: str) -> float | None:
        """A metric's value."""
        return self.metrics.registry.get_sample_value(f"s3warden_{name}", labels)


def test_each_attempt_counts() -> None:
    """Retries are calls too."""
    bench = Bench()
    for _ in range(3):
        bench.client.fire("before-send", "GetBucketAcl", request=None)
    assert bench.value("aws_api_calls_total", service="s3", operation="GetBucketAcl") == 3


@pytest.mark.parametrize(("status", "code"), [(200, ""), (301, "PermanentRedirect"), (404, "NoSuchBucketPolicy")])
def test_what_is_no_failure_counts_as_none(status: int, code: str) -> None:
    """Absence and redirects are ordinary answers of S3."""
    bench = Bench()
    bench.client.answer(status, code)
    families = [family for family in bench.metrics.registry.collect() if family.name == "s3warden_aws_api_errors"]
    assert [family.samples for family in families] == [[]]


def test_failures_count_by_cause() -> None:
    """Denied, throttled and lost calls are told apart."""
    bench = Bench()
    bench.client.answer(403, "AccessDenied")
    bench.client.answer(503, "SlowDown")
    bench.client.fire("response-received", "X", parsed_response=None, exception=ConnectionError())
    for cause in ("denied", "throttled", "unreachable"):
        assert bench.value("aws_api_errors_total", service="s3", cause=cause) == 1
    assert bench.value("aws_api_throttles_total", service="s3") == 1


def test_a_call_s_duration_spans_its_attempts_but_long_polls_are_left_out() -> None:
    """Waiting for messages is not slowness of AWS."""
    bench = Bench("sqs")
    for operation, ended, seconds in (
        ("DeleteMessage", "after-call", 1.5),
        ("DeleteMessage", "after-call-error", 2.0),
        ("ReceiveMessage", "after-call", 20.0),
    ):
        context: dict[str, Any] = {}
        bench.client.fire("before-call", operation, context=context)
        bench.time += seconds
        bench.client.fire(ended, operation, context=context)
    assert bench.value("aws_api_duration_seconds_count", service="sqs") == 2
    assert bench.value("aws_api_duration_seconds_sum", service="sqs") == 3.5


def test_the_own_clock_is_compared_with_aws_s() -> None:
    """Ten seconds ahead, but for the half second that the header hides."""
    bench = Bench()
    bench.client.answer(200, date="Mon, 23 Nov 2026 12:00:00 GMT")
    assert bench.value("clock_skew_seconds") == 9.5


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 99 Nov 2026 12:00:00 GMT"])
def test_a_damaged_date_is_passed_over(date: str) -> None:
    """A wrong header breaks no call."""
    bench = Bench()
    bench.client.answer(200, date=date)
    assert bench.value("clock_skew_seconds") == 0
