"""Counts every call that a client sends, by the SDK's own event hooks.

Takes clients, hands on metrics. It sees each attempt, the SDK's retries included, and changes none.
"""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from s3warden.aws.errors import classify
from s3warden.model.bucket import Cause
from s3warden.telemetry.metrics import Metrics

# A long poll lasts as long as it was told to: its duration says nothing about AWS.
_LONG_POLLS = frozenset({"ReceiveMessage"})
_STARTED = "s3warden_started"
# The Date header is cut to whole seconds, so on average it lies half a second back.
_DATE_HEADER_BIAS = 0.5


class Meter:
    """Watches clients. `now` gives the own UTC time, `monotonic` seconds for durations."""

    def __init__(
        self,
        metrics: Metrics,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._metrics = metrics
        self._now = now
        self._monotonic = monotonic

    def watch(self, client: Any) -> None:
        """Count what `client` sends from now on."""
        service = client.meta.service_model.service_name

        def sent(event_name: str, **_: Any) -> None:
            operation = event_name.rpartition(".")[2]
            self._metrics.aws_calls.labels(service=service, operation=operation).inc()

        def answered(parsed_response: Mapping[str, Any] | None, exception: Exception | None, **_: Any) -> None:
            if exception is not None:
                self._metrics.aws_errors.labels(service=service, cause=Cause.UNREACHABLE).inc()
            if parsed_response is not None:
                self._answered(service, parsed_response)

        def begun(context: dict[str, Any], **_: Any) -> None:
            context[_STARTED] = self._monotonic()

        def ended(context: Mapping[str, Any], event_name: str, **_: Any) -> None:
            if _STARTED in context and event_name.rpartition(".")[2] not in _LONG_POLLS:
                self._metrics.aws_duration.labels(service=service).observe(self._monotonic() - context[_STARTED])

        events = client.meta.events
        events.register("before-send", sent)
        events.register("response-received", answered)
        events.register("before-call", begun)
        events.register("after-call", ended)
        events.register("after-call-error", ended)

    def _answered(self, service: str, parsed: Mapping[str, Any]) -> None:
        metadata = parsed.get("ResponseMetadata", {})
        status = int(metadata.get("HTTPStatusCode", 0))
        self._measure_skew(metadata.get("HTTPHeaders", {}).get("date"))
        # 404 is how AWS says that something is not configured, 3xx that a bucket lives elsewhere.
        if status < 400 or status == 404:
            return
        error = parsed.get("Error", {})
        cause = classify(str(error.get("Code", "")), status, str(error.get("Message", "")))
        self._metrics.aws_errors.labels(service=service, cause=cause).inc()
        if cause is Cause.THROTTLED:
            self._metrics.aws_throttles.labels(service=service).inc()

    def _measure_skew(self, date: str | None) -> None:
        if date is None:
            return
        try:
            theirs = parsedate_to_datetime(date)
        except (TypeError, ValueError):
            return
        if theirs.tzinfo is None:
            theirs = theirs.replace(tzinfo=UTC)
        self._metrics.clock_skew.set((self._now() - theirs).total_seconds() - _DATE_HEADER_BIAS)
