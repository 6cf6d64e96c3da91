"""The daemon around its lives: what begins one, what ends one, and what ends the daemon."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Self

import pytest
from prometheus_client import CollectorRegistry

from s3warden.app import App, EndedError
from s3warden.aws.errors import AwsError
from s3warden.model.bucket import AccountRef
from s3warden.settings.load import Complaint as Wrong
from s3warden.settings.load import Loaded, SettingsError, load
from s3warden.store.errors import StoreAddressError, StoreUnavailableError
from s3warden.telemetry.health import Health
from s3warden.telemetry.metrics import Metrics
from s3warden.telemetry.state import View
from support import virtual


def settings(level: str = "error") -> Loaded:
    """Settings that can be told apart by the level of their log."""
    return load(flags={("log", "level"): level}, environ={})


class FakeStore:
    """Records that it was closed."""

    def __init__(self) -> None:
        self.closed = False

    async def close(self) -> None:
        """As it should be at the end of a life."""
        self.closed = True


class FakeLife:
    """Loops that run for ever, unless told to die; records how it was wound up."""

    def __init__(self, loaded: Loaded) -> None:
        self.settings = loaded.settings
        self.wound_up: list[float] = []
        self.ended: list[str] = []
        self.dies: Exception | None = None

    def loops(self) -> Mapping[str, Coroutine[None, None, None]]:
        """Two of them."""
        return {"steady": self._loop("steady"), "frail": self._loop("frail")}

    async def wind_up(self, seconds: float) -> None:
        """Take note."""
        self.wound_up.append(seconds)

    def view(self) -> View:
        """Something to be told apart from nothing."""
        return View(buckets={AccountRef("aws", "111122223333"): 7})

    async def _loop(self, name: str) -> None:
        try:
            if name == "frail" and self.dies is not None:
                raise self.dies
            await asyncio.get_running_loop().create_future()
        finally:
            self.ended.append(name)


class Parts:
    """What the app builds its lives from, by hand: `opening` errors are raised one by one, then all is well."""

    def __init__(self) -> None:
        self.stores: list[FakeStore] = []
        self.lives: list[FakeLife] = []
        self.refusals: list[Exception] = []
        self.opening: list[Exception] = []
        self.hangs = False
        self.make: Callable[[FakeLife], None] = lambda _: None

    async def open_store(self, *_: object, **__: object) -> FakeStore:
        """The store, once it answers."""
        if self.refusals:
            raise self.refusals.pop(0)
        self.stores.append(FakeStore())
        return self.stores[-1]

    @asynccontextmanager
    async def begin(self, *_: object, **__: object) -> AsyncIterator[FakeLife]:
        """A life."""
        if self.hangs:
            await asyncio.get_running_loop().create_future()
        if self.opening:
            raise self.opening.pop(0)
        life = FakeLife(settings())
        self.make(life)
        self.lives.append(life)
        yield life


class NoServer:
    """Stands in for the HTTP server; the real one has tests of its own."""

    def __init__(self, *_: object, **__: object) -> None: ...

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Parts]:
    """The app's parts replaced."""
    made = Parts()

    async def url(_: object) -> str:
        return "sqlite:///nowhere"

    monkeypatch.setattr("s3warden.assembly.store_url", url)
    monkeypatch.setattr("s3warden.store.store.Store.open", made.open_store)
    monkeypatch.setattr("s3warden.app.begin", made.begin)
    monkeypatch.setattr("s3warden.app.TelemetryServer", NoServer)
    monkeypatch.setattr("s3warden.telemetry.logging.configure", lambda *_, **__: None)
    yield made
    assert all(store.closed for store in made.stores)


class Signals(App):
    """An app that takes signals from the test."""

    def _listen(self) -> None:
        return

    def receive(self, number: signal.Signals) -> None:
        """As the loop would on this signal."""
        if number is signal.SIGHUP:
            self._ask_reload()
        else:
            self._ask_stop(number)


def an_app(read: Callable[[], Loaded] = settings) -> Signals:
    """An app with fresh metrics and health."""
    return Signals(read, settings(), metrics=Metrics(CollectorRegistry()), health=Health())


def play(app: Signals, *orders: tuple[float, signal.Signals]) -> int:
    """The exit code of a run in which these signals come, each so many seconds after the start."""

    async def main() -> int:
        for seconds, number in orders:
            asyncio.get_running_loop().call_later(seconds, app.receive, number)
        return await app.run()

    return virtual.run(main())


def gauge(app: App, name: str) -> float | None:
    """One sample of the app's registry."""
    return app._metrics.registry.get_sample_value(f"s3warden_{name}")


def test_a_stop_winds_the_life_up_and_is_no_error(parts: Parts) -> None:
    """Exit 0, not ready any more, all loops ended, within the deadline of the settings."""
    app = an_app()
    assert play(app, (5, signal.SIGTERM)) == 0
    [life] = parts.lives
    assert life.wound_up == [25.0]
    assert sorted(life.ended) == ["frail", "steady"]
    # The stand-in for a life lists no accounts.
    assert [check.name for check in app._health.ready().checks if not check.ok] == ["accounts", "draining"]


def test_a_stop_while_the_store_does_not_answer(parts: Parts) -> None:
    """Nobody waits for a database in order to end."""
    parts.refusals = [StoreUnavailableError("away")] * 1000
    assert play(an_app(), (5, signal.SIGTERM)) == 0
    assert parts.lives == []


def test_a_stop_while_a_life_is_built(parts: Parts) -> None:
    """What was opened by then is closed."""
    parts.hangs = True
    assert play(an_app(), (5, signal.SIGINT)) == 0
    assert [store.closed for store in parts.stores] == [True]


def test_the_store_is_waited_for(parts: Parts) -> None:
    """Ever longer, and shown meanwhile; then everything begins."""
    parts.refusals = [StoreUnavailableError("away")] * 4
    app = an_app()
    shown: list[str] = []

    async def main() -> int:
        loop = asyncio.get_running_loop()
        loop.call_later(10, lambda: shown.extend(check.detail for check in app._health.ready().checks))
        loop.call_later(14, lambda: shown.append(str(len(parts.lives))))
        loop.call_later(16, lambda: shown.append(str(len(parts.lives))))
        loop.call_later(20, app.receive, signal.SIGTERM)
        return await app.run()

    assert virtual.run(main()) == 0
    assert shown[0].startswith("away")
    assert shown[1].startswith("not listed yet")
    assert shown[2:] == ["0", "1"]


def test_a_store_that_can_never_be_used_ends_the_daemon(parts: Parts) -> None:
    """Waiting would not mend it, and the operator must see it."""
    parts.refusals = [StoreAddressError("no such directory")]
    assert play(an_app()) == 1


def test_the_end_of_a_loop_ends_the_daemon(parts: Parts) -> None:
    """With an error, so that it is started again; the other loops end too."""

    def frail(life: FakeLife) -> None:
        life.dies = RuntimeError("broken")

    parts.make = frail
    assert play(an_app()) == 1
    assert sorted(parts.lives[0].ended) == ["frail", "steady"]
    assert parts.lives[0].wound_up == []


def test_the_obituary_names_the_loop(parts: Parts) -> None:
    """Whoever reads the log learns which, and of what it died."""

    async def main() -> None:
        life = FakeLife(settings())
        life.dies = RuntimeError("broken")
        ordered: asyncio.Task[Any] = asyncio.create_task(an_app()._order())
        with pytest.raises(EndedError, match=r"'frail' ended: RuntimeError\('broken'\)"):
            await an_app()._keep_alive(life, ordered)  # type: ignore[arg-type]
        ordered.cancel()
        await asyncio.gather(ordered, return_exceptions=True)

    virtual.run(main())


def test_new_settings_end_one_life_and_begin_the_next(parts: Parts) -> None:
    """In that order: two lives never work side by side."""
    read: list[str] = []

    def again() -> Loaded:
        read.append("read")
        assert all(not life.wound_up for life in parts.lives)
        return settings("debug")

    app = an_app(again)
    assert play(app, (5, signal.SIGHUP), (10, signal.SIGTERM)) == 0
    assert [life.wound_up for life in parts.lives] == [[25.0], [25.0]]
    assert (app._loaded.settings.log.level, gauge(app, "config_last_reload_successful")) == ("debug", 1)


def test_settings_with_mistakes_change_nothing(parts: Parts) -> None:
    """The life goes on, the metric tells, the HTTP caller hears why."""

    def wrong() -> Loaded:
        raise SettingsError([Wrong("config.toml:1", "log.level", "must be debug, info, warning or error")])

    app = an_app(wrong)
    assert play(app, (5, signal.SIGHUP), (10, signal.SIGTERM)) == 0
    assert len(parts.lives) == 1
    assert gauge(app, "config_last_reload_successful") == 0
    assert "log.level" in (app._ask_reload() or "")


def test_settings_from_which_nothing_can_be_built_give_way_to_the_last_good_ones(parts: Parts) -> None:
    """What is missing, a secret, a region, is found out only by asking for it; the guard must not end of it."""
    app = an_app(lambda: settings("debug"))

    def spoil(_: FakeLife) -> None:
        parts.opening = [AwsError("NoRegion")] if len(parts.lives) == 0 else []

    parts.make = spoil
    assert play(app, (5, signal.SIGHUP), (10, signal.SIGTERM)) == 0
    assert len(parts.lives) == 2
    assert (app._loaded.settings.log.level, gauge(app, "config_last_reload_successful")) == ("error", 0)


def test_the_first_settings_have_nothing_to_give_way_to(parts: Parts) -> None:
    """A daemon that cannot begin says so and ends."""
    parts.opening = [AwsError("NoRegion")]
    assert play(an_app()) == 1


def test_a_stop_beats_a_reload(parts: Parts) -> None:
    """Whichever came first, nothing new begins."""
    assert play(an_app(), (5, signal.SIGHUP), (5, signal.SIGTERM)) == 0
    assert len(parts.lives) == 1


def test_reloads_in_a_row_are_one(parts: Parts) -> None:
    """The settings are read each time, and the last ones count."""
    assert play(an_app(), (5, signal.SIGHUP), (5, signal.SIGHUP), (10, signal.SIGTERM)) == 0
    assert len(parts.lives) == 2


def test_the_state_is_shown_over_a_reload(parts: Parts) -> None:
    """One collector for all lives; between two of them the last one's state is shown, not none."""
    app = an_app()
    seen: list[float | None] = []

    def look() -> None:
        seen.append(app._metrics.registry.get_sample_value("s3warden_buckets", {"account_id": "111122223333"}))

    async def main() -> int:
        loop = asyncio.get_running_loop()
        loop.call_later(5, look)
        loop.call_later(6, setattr, parts, "hangs", True)
        loop.call_later(7, app.receive, signal.SIGHUP)
        loop.call_later(9, look)
        loop.call_later(10, app.receive, signal.SIGTERM)
        look()
        return await app.run()

    assert virtual.run(main()) == 0
    assert seen == [None, 7, 7]
