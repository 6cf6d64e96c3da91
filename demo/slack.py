"""A stand-in for Slack's incoming webhooks: it takes messages as Slack does, and shows them on the terminal."""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from aiohttp import web
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.text import Text

PATH = "/services/T0DEMO/B0DEMO/demodemodemo"
_FENCE = re.compile(r"```(.*?)```", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it arrived. `text` is everything a reader sees, fallback text first."""

    at: datetime
    text: str
    blocks: tuple[Mapping[str, object], ...]


@dataclass(slots=True)
class Slack:
    """The stand-in. `messages` are all that came, oldest first."""

    console: Console
    messages: list[Message] = field(default_factory=list)
    port: int = 0
    _runner: web.AppRunner | None = None
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def start(self) -> None:
        """Listen on a free loopback port."""
        app = web.Application(client_max_size=1024 * 1024)
        app.router.add_post(PATH, self._take)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def url(self) -> str:
        """The webhook's address."""
        return f"http://127.0.0.1:{self.port}{PATH}"

    async def wait_for(self, wanted: Callable[[Message], bool], *, after: int, seconds: float) -> Message | None:
        """The first message since number `after` that is wanted, or None if none came in time."""

        def found() -> Message | None:
            return next((message for message in self.messages[after:] if wanted(message)), None)

        try:
            async with self._news, asyncio.timeout(seconds):
                await self._news.wait_for(lambda: found() is not None)
        except TimeoutError:
            return None
        return found()

    async def _take(self, request: web.Request) -> web.Response:
        payload = await request.json()
        blocks = tuple(payload.get("blocks") or ())
        text = "\n".join([str(payload.get("text", "")), *(_block_text(block) for block in blocks)])
        message = Message(datetime.now(UTC), text, blocks)
        self.console.print(_panel(message, str(payload.get("text", ""))))
        async with self._news:
            self.messages.append(message)
            self._news.notify_all()
        return web.Response(text="ok")


def _block_text(block: Mapping[str, object]) -> str:
    texts = [block.get("text"), *_list(block.get("fields")), *_list(block.get("elements"))]
    return "\n".join(_text_of(text) for text in texts if text)


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _text_of(value: object) -> str:
    """The text of a Block Kit object, whatever its depth."""
    if isinstance(value, Mapping):
        inner = value.get("text")
        if inner is not None:
            return _text_of(inner)
        return "".join(_text_of(element) for element in _list(value.get("elements")))
    return str(value)


def _panel(message: Message, title: str) -> Panel:
    rows: list[RenderableType] = []
    for block in message.blocks:
        kind = block.get("type")
        text = _plain(_block_text(block))
        if kind == "divider":
            rows.append(Text("─" * 20, style="dim"))
        elif kind == "header":
            rows.append(Text(text, style="bold"))
        elif kind == "context":
            rows.append(Text(text, style="dim"))
        elif text:
            rows.extend(_with_code(text))
    resolved = "resolved" in title.lower()
    colour = "green" if resolved else "red" if "critical" in title.lower() else "yellow"
    return Panel(Group(*rows), title="Slack #s3-alerts", title_align="left", border_style=colour, width=110)


def _plain(text: str) -> str:
    for entity, sign in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(entity, sign)
    return text.replace("\u200b", "")


def _with_code(text: str) -> list[RenderableType]:
    rows: list[RenderableType] = []
    for number, part in enumerate(_FENCE.split(text)):
        if not part.strip():
            continue
        rows.append(Text(part.strip("\n"), style="cyan") if number % 2 else Text(_unmarked(part.strip("\n"))))
    return rows


def _unmarked(text: str) -> str:
    return re.sub(r"(?<!\w)[*_`]([^*_`\n]+)[*_`](?!\w)", r"\1", text)
