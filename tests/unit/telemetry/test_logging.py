"""The log as machines and people read it."""

import io
import json
import logging
import re
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from prometheus_client import CollectorRegistry

from s3warden.telemetry.logging import configure, hide
from s3warden.telemetry.metrics import Metrics


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def _lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_the_published_fields() -> None:
    """Time in UTC with milliseconds, level in lower case, then what the event brings; nothing that is empty."""
    out = io.StringIO()
    configure("info", "json", stream=out)
    structlog.get_logger("s3warden.test").info("swept", buckets=3, note="é\n", reason=None)
    (line,) = _lines(out)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("timestamp"))
    assert line == {"level": "info", "logger": "s3warden.test", "event": "swept", "buckets": 3, "note": "é\n"}
    assert next(iter(json.loads(out.getvalue()))) == "timestamp"


def test_what_is_bound_around_a_line_is_in_it() -> None:
    """From the event to its delivery, one id leads through the log; libraries' lines have it too."""
    out = io.StringIO()
    configure("info", "json", stream=out)
    with structlog.contextvars.bound_contextvars(event_id="e1"):
        structlog.get_logger("s3warden.test").info("a")
        logging.getLogger("some.library").warning("b %s", 1)
    assert [(line["event"], line["event_id"]) for line in _lines(out)] == [("a", "e1"), ("b 1", "e1")]


def test_levels() -> None:
    """Debug lines only when asked for, and never those of the libraries that log headers."""
    out = io.StringIO()
    configure("warning", "json", stream=out)
    structlog.get_logger("s3warden.test").info("quiet")
    configure("debug", "json", stream=out)
    structlog.get_logger("s3warden.test").debug("loud")
    for name in ("botocore.auth", "aiohttp.access", "apscheduler.scheduler", "alembic.runtime"):
        logging.getLogger(name).info("noise")
        logging.getLogger(name).warning("worth it")
    assert [line["event"] for line in _lines(out)] == ["loud", *["worth it"] * 4]


def test_configuring_again_does_not_double_the_lines() -> None:
    """A reload sets the log up anew."""
    out = io.StringIO()
    for _ in range(3):
        configure("info", "json", stream=out)
    structlog.get_logger("s3warden.test").info("once")
    assert len(_lines(out)) == 1


def test_secrets_do_not_get_into_the_log() -> None:
    """Not by a field, not by a message, not by an exception, not by a library."""
    out = io.StringIO()
    configure("info", "json", stream=out)
    canary = "c4n4ry-5ecret"
    hide(canary)
    log = structlog.get_logger("s3warden.test")
    log.info(canary, value=canary, nested=[{"deep": f"x{canary}x"}], token="x", **{canary: 1})
    logging.getLogger("some.library").warning("sent %s", {"url": f"https://h/{canary}"})
    with structlog.contextvars.bound_contextvars(bound=canary):
        try:
            int(canary)
        except ValueError as error:
            log.exception("crashed", error=error)
    assert len(_lines(out)) == 3
    assert canary not in out.getvalue()
    assert "ValueError: invalid literal for int() with base 10: '***'" in _lines(out)[2]["exception"]


def test_the_console_is_for_people() -> None:
    """On a terminal, coloured unless NO_COLOR is set; no JSON."""
    plain, coloured = Terminal(), Terminal()
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("NO_COLOR", raising=False)
        patch.setenv("TERM", "xterm")
        configure("info", "auto", stream=coloured)
        structlog.get_logger("s3warden.test").info("swept", buckets=3)
        patch.setenv("NO_COLOR", "1")
        configure("info", "auto", stream=plain)
        structlog.get_logger("s3warden.test").info("swept", buckets=3)
    assert "\x1b[" in coloured.getvalue()
    assert "\x1b[" not in plain.getvalue()
    assert "swept" in plain.getvalue()
    assert "buckets=3" in plain.getvalue()


def test_auto_is_json_where_there_is_no_terminal() -> None:
    """As in a container."""
    out = io.StringIO()
    configure("info", "auto", stream=out)
    structlog.get_logger("s3warden.test").info("swept")
    assert _lines(out)[0]["event"] == "swept"


@pytest.mark.parametrize("form", ["json", "console"])
def test_nobody_forges_a_line(form: Any) -> None:
    """Names and tags of foreign buckets are in the log; they stay within their line and move no cursor."""
    out = io.StringIO()
    configure("info", form, stream=out)
    evil = "x\n2026 [error] forged\x1b[2J\x9b1m\u202e\r"
    structlog.get_logger("s3warden.test").info("seen", bucket=evil)
    logging.getLogger("some.library").warning(evil)
    assert len(out.getvalue().splitlines()) == 2
    assert not set(out.getvalue()) & set("\x1b\x9b\u202e\r")


def test_lines_are_counted_by_level() -> None:
    """Those that are shown."""
    metrics = Metrics(CollectorRegistry())
    configure("info", "json", stream=io.StringIO(), count=metrics.log_messages)
    log = structlog.get_logger("s3warden.test")
    log.debug("a")
    log.info("b")
    log.error("c")
    value = metrics.registry.get_sample_value
    assert value("s3warden_log_messages_total", {"level": "info"}) == 1
    assert value("s3warden_log_messages_total", {"level": "error"}) == 1
    assert value("s3warden_log_messages_total", {"level": "debug"}) in {None, 0}


def test_warnings_of_python_are_lines_too() -> None:
    """Instead of a stray text on standard error."""
    out = io.StringIO()
    configure("info", "json", stream=out)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    assert _lines(out)[0]["logger"] == "py.warnings"
