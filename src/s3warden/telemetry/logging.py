"""The log: JSON lines for machines, a readable console for people, the same for our lines and those of libraries.

Takes events with key-values, hands on one line each on standard output. Every line is redacted and free of control
characters. Each JSON line has `timestamp` (UTC, RFC 3339, milliseconds), `level`, `logger` and `event`; then what the
event brings, and what is bound around it (`event_id`, `subject`, `notification_id`, …). Exceptions are told in
`exception`.
"""

import logging
import os
import sys
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

import structlog
from prometheus_client import Counter
from structlog.typing import EventDict, Processor, WrappedLogger

from s3warden.telemetry.redaction import Redaction

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["auto", "json", "console"]

# Their debug lines hold headers and whole answers.
QUIET = ("aiobotocore", "aiohttp", "aiosqlite", "alembic", "apscheduler", "asyncio", "boto3", "botocore", "sqlalchemy")
_FIRST = ("timestamp", "level", "logger", "event")
REDACTION = Redaction()


def configure(
    level: Level = "info",
    form: Format = "auto",
    *,
    count: Counter | None = None,
    stream: TextIO | None = None,
    redaction: Redaction = REDACTION,
) -> None:
    """Set the log up for the whole process; may be called again, as a reload does. `stream` is standard output.
    `count` counts the lines that are shown, by their level."""
    out = stream if stream is not None else sys.stdout
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        _timestamp,
    ]
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _Redact(redaction),
                _ordered,
                _console(out) if _for_people(form, out) else structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
            foreign_pre_chain=shared,
        )
    )
    if count is not None:
        handler.addFilter(_Count(count))
    _install(handler, level)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        # Loggers are made when modules are imported, before this runs, and again after a reload.
        cache_logger_on_first_use=False,
    )


def hide(text: str) -> None:
    """Never let `text`, a secret that was just read, be seen in the log."""
    REDACTION.learn(text)


def _install(handler: logging.Handler, level: Level) -> None:
    root = logging.getLogger()
    for old in root.handlers[:]:
        if getattr(old, "formatter", None).__class__ is structlog.stdlib.ProcessorFormatter:
            root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)


def _for_people(form: Format, out: TextIO) -> bool:
    return form == "console" or (form == "auto" and out.isatty())


def _console(out: TextIO) -> Processor:
    colours = out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return structlog.dev.ConsoleRenderer(
        colors=colours, pad_event_to=28, exception_formatter=structlog.dev.plain_traceback
    )


def _timestamp(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    event["timestamp"] = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return event


def _ordered(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The four fields of every line first, and none that is empty."""
    first = {name: event[name] for name in _FIRST if name in event}
    return first | {name: value for name, value in event.items() if name not in first and value is not None}


class _Redact:
    """The processor in front of the renderer: whatever comes, only clean plain data goes on."""

    def __init__(self, redaction: Redaction) -> None:
        self._redaction = redaction

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> MutableMapping[str, Any]:
        clean = {self._redaction.text(name): self._redaction.field(name, value) for name, value in event.items()}
        # On the console the event is not quoted; a library's message must not begin a line of its own.
        clean["event"] = str(clean.get("event", "")).replace("\n", "\\n")
        return clean


class _Count(logging.Filter):
    """Counts the lines that are shown, by level; lets all of them pass."""

    def __init__(self, counter: Counter) -> None:
        super().__init__()
        self._counter = counter

    def filter(self, record: logging.LogRecord) -> bool:
        self._counter.labels(record.levelname.lower()).inc()
        return True
