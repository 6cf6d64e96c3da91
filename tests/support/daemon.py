"""The real daemon as a process of its own, watched from outside: its HTTP server, its log, its exit code.

    async with Daemon(folder, settings) as daemon:      # settings: what config.toml holds, as nested dicts
        await daemon.start()
        await daemon.until_ready()
        assert await daemon.metric("s3warden_queue_up") == 1
        assert await daemon.stop() == 0

Each start is a new process with the same folder; a process that is left at the end of the block is killed. The log of
all starts is in one file, and `daemon.lines()` reads it.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

Settings = Mapping[str, Any]

POLL = 0.05
_COMMANDS = """
import contextlib, io, json, sys
from s3warden.cli.main import app
printed = []
for words in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert not app(words, standalone_mode=False), words
    printed.append(out.getvalue())
print(json.dumps(printed))
"""


class Daemon:
    """`s3warden run` with `settings`, in `folder`. `environment` is added to a clean one."""

    def __init__(self, folder: Path, settings: Settings, environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.config = folder / "config.toml"
        self.starts = 0
        self._log = folder / "daemon.log"
        self._environment = clean_environment() | dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._began_at = 0
        self.write(settings)

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.running:
            await self.kill()
        await self._session.close()
        if error is not None:
            error.add_note(f"the end of the daemon's log:\n{self.tail()}")

    def write(self, settings: Settings) -> None:
        """Write the settings file anew; the port is any free one and the log JSON unless told otherwise."""
        whole = {"http": {"host": "127.0.0.1", "port": 0}, "log": {"format": "json"}} | dict(settings)
        self.config.write_text(toml(whole), encoding="utf-8")

    async def start(self, **environment: str) -> None:
        """Start a process and wait until its HTTP server listens. `environment` is for this start only."""
        self.spawn(**environment)
        await self.until(lambda: self._port() is not None, "the daemon to listen")

    def spawn(self, **environment: str) -> None:
        """Start a process and wait for nothing."""
        assert not self.running, "the daemon runs already"
        self._began_at = self._log.stat().st_size if self._log.exists() else 0
        self.starts += 1
        command = [sys.executable, "-m", "s3warden", "run", "--config", str(self.config)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, env=self._environment | environment, stdout=log, stderr=log, cwd=self.folder
            )

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process id of the latest start."""
        assert self._process is not None
        return self._process.pid

    @property
    def url(self) -> str:
        """Where the daemon's HTTP server listens."""
        port = self._port()
        assert port is not None, "the daemon does not listen"
        return f"http://127.0.0.1:{port}"

    async def get(self, path: str) -> tuple[int, str]:
        """Status and body of a page of the daemon."""
        async with self._session.get(self.url + path) as response:
            return response.status, await response.text()

    async def ready(self) -> dict[str, tuple[bool, str]]:
        """The lines of the readiness report: good or not, with their detail."""
        _, text = await self.get("/readyz")
        return {check["name"]: (check["ok"], check["detail"]) for check in json.loads(text)["checks"]}

    async def is_ready(self) -> bool:
        """Whether the daemon says that it is ready."""
        return (await self.get("/readyz"))[0] == 200

    async def metric(self, name: str, **labels: str) -> float:
        """The sum of all samples of that name which have these labels; 0 if there is none."""
        _, text = await self.get("/metrics")
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    async def until(
        self, condition: Callable[[], bool | Awaitable[bool]], what: str, within: float = 60.0, *, alive: bool = True
    ) -> None:
        """Wait for `condition`; fails after `within` seconds, or at once if the daemon ends and is to be `alive`."""
        deadline = time.monotonic() + within
        while True:
            answer = condition()
            if answer if isinstance(answer, bool) else await answer:
                return
            if alive and not self.running:
                raise AssertionError(f"the daemon ended with {self.exit_code} while waiting for {what}\n{self.tail()}")
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {within:g} s in vain for {what}\n{self.tail()}")
            await asyncio.sleep(POLL)

    async def until_ready(self, within: float = 60.0) -> None:
        """Wait until the daemon is ready."""
        await self.until(self.is_ready, "readiness", within)

    async def until_metric(self, name: str, value: float, within: float = 60.0, **labels: str) -> None:
        """Wait until the metric is at least `value`."""

        async def reached() -> bool:
            return await self.metric(name, **labels) >= value

        await self.until(reached, f"{name} >= {value}", within)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    async def ended(self, within: float = 40.0) -> int:
        """Wait for the end of the process; its exit code, negative for a signal."""
        await self.until(lambda: not self.running, "the daemon to end", within, alive=False)
        return self.exit_code

    @property
    def exit_code(self) -> int:
        """How the process ended."""
        assert self._process is not None
        assert self._process.returncode is not None
        return self._process.returncode

    async def stop(self, within: float = 40.0) -> int:
        """SIGTERM and the end; the exit code."""
        self.signal(signal.SIGTERM)
        return await self.ended(within)

    async def kill(self) -> None:
        """SIGKILL and the end."""
        self.signal(signal.SIGKILL)
        await self.ended(10)

    async def cli(self, *words: str, within: float = 40.0) -> str:
        """What a command of s3warden prints with the daemon's settings; fails with its complaint if it fails."""
        return await self._python("-m", "s3warden", *words, "--config", str(self.config), within=within)

    async def clis(self, *commands: Sequence[str], within: float = 40.0) -> list[str]:
        """What several commands print one after the other, in one process: starting takes longest."""
        whole = [[*words, "--config", str(self.config)] for words in commands]
        printed: list[str] = json.loads(await self._python("-c", _COMMANDS, json.dumps(whole), within=within))
        return printed

    async def _python(self, *words: str, within: float) -> str:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *words),
            env=self._environment,
            cwd=self.folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(within):
                out, complaint = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise
        assert process.returncode == 0, f"{' '.join(words)}: {complaint.decode()}"
        return out.decode()

    def lines(self, event: str | None = None, *, all_starts: bool = False) -> list[dict[str, Any]]:
        """The log of the latest start, line by line; a line that is no JSON comes as `{"raw": line}`."""
        found = []
        for line in self._text(all_starts=all_starts).splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                record = {"raw": line}
            if event is None or record.get("event") == event:
                found.append(record)
        return found

    def complaints(self, *, all_starts: bool = True) -> list[dict[str, Any]]:
        """What nobody wants in a log: errors, and text that bypassed the logging."""
        bad = ("error", "critical")
        return [line for line in self.lines(all_starts=all_starts) if "raw" in line or line.get("level") in bad]

    def tail(self, size: int = 6000) -> str:
        """The end of the log."""
        return self._text(all_starts=True)[-size:]

    def resident(self) -> int:
        """Bytes of memory that the process holds in RAM."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS:"))

    def open_files(self) -> int:
        """How many files and sockets the process has open."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def _text(self, *, all_starts: bool) -> str:
        with self._log.open("rb") as log:
            log.seek(0 if all_starts else self._began_at)
            return log.read().decode("utf-8", "replace")

    def _port(self) -> int | None:
        lines = self.lines("http_listening")
        return int(lines[-1]["port"]) if lines else None


def clean_environment() -> dict[str, str]:
    """The environment without anything that means something to s3warden or to AWS's tools."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "S3WARDEN_"))}
    nowhere = {"AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent"}
    return kept | nowhere | {"AWS_EC2_METADATA_DISABLED": "true", "NO_PROXY": "*", "no_proxy": "*"}


def toml(value: Mapping[str, Any]) -> str:
    """A TOML document of one line for each key."""
    return "".join(f"{key} = {_toml(item)}\n" for key, item in value.items())


def _toml(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)
