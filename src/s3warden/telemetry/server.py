"""The HTTP server: metrics for Prometheus, probes for whoever runs the container, and a reload where that is allowed.

It listens before AWS is asked anything, answers GET and HEAD, and reads no more of a request than it needs. By itself
it serves no finding and no secret, and there is no login; what is below `MORE` is for whoever is handed in to answer.
"""

import html
import json
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Protocol, Self

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler
from prometheus_client.exposition import choose_encoder

from s3warden.telemetry.health import Health, Report
from s3warden.telemetry.metrics import Metrics

log = structlog.get_logger("s3warden.http")

LIVE = ("/livez", "/healthz", "/-/healthy")
READY = ("/readyz", "/-/ready")
METRICS = "/metrics"
RELOAD = "/-/reload"
MORE = ("/api/", "/remediations/")

_BODY_LIMIT = 4096
_LINE_LIMIT = 4096
_STOP_SECONDS = 2.0
_HEADERS = {"Server": "s3warden", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

Reload = Callable[[], str | None]
More = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Options(Protocol):
    """Where to listen and what to allow; `port` 0 takes any free port."""

    @property
    def host(self) -> str:
        """The address to listen on."""

    @property
    def port(self) -> int:
        """The port to listen on."""

    @property
    def reload_endpoint(self) -> bool:
        """Whether `POST /-/reload` is there."""


class TelemetryServer:
    """Serves while its context is entered; entering raises OSError where it cannot listen.

    `reload` takes new settings and returns None, or what is wrong with them (no secrets). `more` answers what is below
    `MORE`. `port` is the port in use.
    """

    def __init__(
        self,
        options: Options,
        metrics: Metrics,
        health: Health,
        *,
        reload: Reload | None = None,
        more: More | None = None,
    ) -> None:
        self._options = options
        self._metrics = metrics
        self._health = health
        self._reload = reload
        self._more = more
        self._runner: web.AppRunner | None = None
        self.port = options.port

    async def __aenter__(self) -> Self:
        runner = web.AppRunner(
            self._application(),
            access_log=None,
            handle_signals=False,
            shutdown_timeout=_STOP_SECONDS,
            max_line_size=_LINE_LIMIT,
            max_field_size=_LINE_LIMIT,
        )
        await runner.setup()
        site = web.TCPSite(runner, self._options.host, self._options.port)
        try:
            await site.start()
        except BaseException:
            await runner.cleanup()
            raise
        self._runner = runner
        self.port = int(runner.addresses[0][1])
        log.info("http_listening", host=self._options.host, port=self.port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def _application(self) -> web.Application:
        app = web.Application(client_max_size=_BODY_LIMIT, middlewares=[_with_headers])
        app.router.add_get("/", self._landing)
        app.router.add_get(METRICS, self._serve_metrics)
        for path in LIVE:
            app.router.add_get(path, self._live)
        for path in READY:
            app.router.add_get(path, self._ready)
        if self._reload is not None and self._options.reload_endpoint:
            app.router.add_post(RELOAD, self._take_settings)
        if self._more is not None:
            for prefix in MORE:
                app.router.add_route("*", f"{prefix}{{rest:.*}}", self._more)
        return app

    async def _landing(self, _request: web.Request) -> web.Response:
        links = "".join(f'<li><a href="{path}">{html.escape(path)}</a></li>' for path in (METRICS, LIVE[0], READY[0]))
        page = f"<!doctype html><html lang=en><title>s3warden</title><h1>s3warden</h1><ul>{links}</ul></html>"
        return web.Response(text=page, content_type="text/html")

    async def _serve_metrics(self, request: web.Request) -> web.Response:
        self._metrics.ready.set(self._health.ready().ok)
        # On the loop, not in a thread: the collector reads what only the loop changes.
        encode, content_type = choose_encoder(",".join(request.headers.getall(hdrs.ACCEPT, [])))
        response = web.Response(body=encode(self._metrics.registry), headers={hdrs.CONTENT_TYPE: content_type})
        if "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, ""):
            response.enable_compression(web.ContentCoding.gzip)
        return response

    async def _live(self, _request: web.Request) -> web.Response:
        return _answer(self._health.live())

    async def _ready(self, _request: web.Request) -> web.Response:
        return _answer(self._health.ready())

    async def _take_settings(self, _request: web.Request) -> web.Response:
        complaints = self._reload() if self._reload is not None else None
        if complaints is None:
            return web.json_response({"status": "ok"})
        return web.json_response({"status": "failed", "error": complaints}, status=500)


def _answer(report: Report) -> web.Response:
    body = {
        "status": "ok" if report.ok else "failing",
        "checks": [
            {"name": check.name, "ok": check.ok, "required": check.required, "detail": check.detail}
            for check in report.checks
        ],
    }
    text = json.dumps(body, indent=2, ensure_ascii=False) + "\n"
    return web.Response(text=text, content_type="application/json", status=200 if report.ok else 503)


@web.middleware
async def _with_headers(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        response = await handler(request)
    except web.HTTPException as refusal:
        refusal.headers.update(_HEADERS)
        raise
    response.headers.update(_HEADERS)
    return response
