"""The daemon: start and stop in the right order, settings that change on the way, loops that must not end.

Start: HTTP, store, then one life of the parts. New settings end one life and begin the next; the HTTP server and what
is known of the estate outlive it, so a new address to listen on needs a restart. Settings from which no life can be
built give way to the last ones that were good.
"""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from enum import StrEnum
from typing import Any

import structlog
from aiohttp import web

from s3warden import assembly
from s3warden.aws.errors import AwsError
from s3warden.aws.secrets import SecretError
from s3warden.collect.cache import Cache
from s3warden.detect.rules import UnknownRuleError
from s3warden.life import Life, begin
from s3warden.settings.load import Loaded, SettingsError
from s3warden.store.errors import StoreError, StoreUnavailableError
from s3warden.store.store import Store
from s3warden.telemetry import logging
from s3warden.telemetry.health import Health
from s3warden.telemetry.metrics import Metrics
from s3warden.telemetry.server import TelemetryServer
from s3warden.telemetry.state import StateCollector, View

log = structlog.get_logger("s3warden.app")

_STORE_RETRY = (1.0, 30.0)
# What settings may turn out to be unusable by, once somebody tries.
_UNUSABLE = (StoreError, SecretError, UnknownRuleError, AwsError)


class _Order(StrEnum):
    """What the operator asks of a running daemon."""

    STOP = "stop"
    RELOAD = "reload"


class EndedError(Exception):
    """A loop that must run for as long as the daemon does has ended; the daemon ends with it, so that it is seen."""


class App:
    """The daemon. `load` reads the settings again; `loaded` are those to start with."""

    def __init__(self, load: Callable[[], Loaded], loaded: Loaded, *, metrics: Metrics, health: Health) -> None:
        self._load = load
        self._loaded = loaded
        # The last settings that a life was built from: what a reload falls back to.
        self._proven: Loaded | None = None
        self._metrics = metrics
        self._health = health
        self._ordered = asyncio.Event()
        self._stopping = False
        self._cache = Cache()
        self._life: Life | None = None

    async def run(self) -> int:
        """Run until told to stop: 0 then, 1 if the daemon could not go on."""
        self._take(self._loaded)
        self._listen()
        self._metrics.registry.register(StateCollector(self._view))
        server = TelemetryServer(
            self._loaded.settings.http, self._metrics, self._health, reload=self._ask_reload, more=self._more
        )
        try:
            async with server:
                while await self._live() is _Order.RELOAD:
                    log.info("parts_rebuilt")
        except (OSError, EndedError, *_UNUSABLE) as error:
            log.critical("daemon_ends", error=str(error))
            return 1
        log.info("daemon_stopped")
        return 0

    async def _live(self) -> _Order:
        """One life: from settings to the order that ends it."""
        if not self._stopping:
            self._ordered.clear()
        async with AsyncExitStack() as stack:
            opening = asyncio.create_task(self._open(stack))
            ordered = asyncio.create_task(self._order())
            try:
                await asyncio.wait({opening, ordered}, return_when=asyncio.FIRST_COMPLETED)
                if not opening.done():
                    return ordered.result()
                try:
                    self._life = opening.result()
                except _UNUSABLE as error:
                    self._fall_back(error)
                    return _Order.RELOAD
                self._proven = self._loaded
                return await self._keep_alive(self._life, ordered)
            finally:
                await _cancel(opening, ordered)

    def _fall_back(self, error: Exception) -> None:
        """Go on with the settings that were good before, if there are any; else the error stands."""
        if self._proven is None or self._proven is self._loaded:
            raise error
        log.error("settings_not_usable", error=str(error), digest=self._loaded.digest)
        self._take(self._proven)
        self._metrics.config_reload_successful.set(0)

    async def _order(self) -> _Order:
        await self._ordered.wait()
        return _Order.STOP if self._stopping else _Order.RELOAD

    async def _open(self, stack: AsyncExitStack) -> Life:
        loaded = self._loaded
        settings = loaded.settings
        store = await stack.enter_async_context(self._store(await assembly.store_url(settings)))
        return await stack.enter_async_context(
            begin(
                settings,
                store,
                self._cache,
                metrics=self._metrics,
                health=self._health,
                exemptions=loaded.exemptions,
            )
        )

    @asynccontextmanager
    async def _store(self, url: str) -> AsyncIterator[Store]:
        """The store until the end of the block; raises StoreError for what waiting does not mend."""
        store = await self._store_when_it_answers(url)
        try:
            yield store
        finally:
            await store.close()

    async def _store_when_it_answers(self, url: str) -> Store:
        self._health.set_ready("store", ok=False, detail="opening")
        # Told before the store is there, or a probe between the two would find everything good.
        self._health.set_ready("accounts", ok=False, detail="not listed yet")
        wait, longest = _STORE_RETRY
        while True:
            try:
                store = await Store.open(url, metrics=self._metrics)
            except StoreUnavailableError as error:
                self._health.set_ready("store", ok=False, detail=str(error))
                log.warning("store_not_opened", error=str(error), retry_seconds=wait)
                await asyncio.sleep(wait)
                wait = min(wait * 2, longest)
            else:
                self._health.set_ready("store", ok=True)
                return store

    async def _more(self, request: web.Request) -> web.StreamResponse:
        """What the life that runs now answers over HTTP, if it does."""
        correcting = self._life.correcting if self._life is not None else None
        if correcting is None or correcting.web is None:
            return web.json_response({"error": "there is nothing here"}, status=404)
        return await correcting.web.handle(request)

    def _view(self) -> View:
        return View() if self._life is None else self._life.view()

    async def _keep_alive(self, life: Life, ordered: "asyncio.Task[_Order]") -> _Order:
        deadline = life.settings.shutdown.deadline
        loops = {asyncio.create_task(loop, name=name) for name, loop in life.loops().items()}
        try:
            await asyncio.wait({*loops, ordered}, return_when=asyncio.FIRST_COMPLETED)
            died = next((loop for loop in loops if loop.done()), None)
            if died is not None:
                raise EndedError(_obituary(died)) from died.exception()
            order = ordered.result()
            if order is _Order.STOP:
                self._health.draining()
            log.info("winding_up", order=order.value, deadline_seconds=deadline)
            await life.wind_up(deadline)
            return order
        finally:
            await _cancel(*loops)

    def _ask_reload(self) -> str | None:
        """Read the settings again; None if they are taken, else what is wrong, and the last good ones stay."""
        try:
            loaded = self._load()
        except SettingsError as error:
            self._metrics.config_reload_successful.set(0)
            log.warning("settings_refused", complaints=[str(complaint) for complaint in error.complaints])
            return str(error)
        self._take(loaded)
        self._ordered.set()
        return None

    def _take(self, loaded: Loaded) -> None:
        self._loaded = loaded
        chosen = loaded.settings.log
        logging.configure(chosen.level, chosen.format, count=self._metrics.log_messages)
        self._metrics.config_info.clear()
        self._metrics.config_info.labels(loaded.digest).set(1)
        self._metrics.config_reload_successful.set(1)
        self._metrics.config_reload_success.set(time.time())
        for warning in loaded.warnings:
            log.warning("settings_warning", place=warning.place, key=warning.key, message=warning.message)
        log.info("settings_taken", digest=loaded.digest)

    def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._ask_stop, number)
        loop.add_signal_handler(signal.SIGHUP, self._ask_reload)

    def _ask_stop(self, number: signal.Signals) -> None:
        if self._stopping:
            # The second signal means now. What is not stored comes back from the queue.
            log.warning("stopping_at_once", signal=signal.Signals(number).name)
            os._exit(128 + number)
        self._stopping = True
        log.info("stopping", signal=signal.Signals(number).name)
        self._ordered.set()


async def _cancel(*tasks: "asyncio.Task[Any]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _obituary(task: "asyncio.Task[None]") -> str:
    error = None if task.cancelled() else task.exception()
    return f"the loop {task.get_name()!r} ended: {error!r}" if error else f"the loop {task.get_name()!r} ended"
