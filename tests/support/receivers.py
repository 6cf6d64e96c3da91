"""Receivers of notifications: a Slack that throttles and fails on demand, and a webhook that checks signatures.

Real HTTP servers on the loopback interface. They record every request, taken or not, so that a test can count.
"""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass(frozen=True)
class Reply:
    """What a receiver answers to one request; `hang` in seconds comes before."""

    status: int = 200
    text: str = "ok"
    headers: Mapping[str, str] = field(default_factory=dict)
    hang: float = 0.0


OK = Reply()
PATH = "/services/T000/B000/canary"


def throttled(retry_after: int | None = 1) -> Reply:
    """Slack's answer to more than about one message a second."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Reply(429, "rate_limited", headers)


@dataclass(frozen=True)
class Request:
    """One request as it came in, and the status it was answered with."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    status: int

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass
class Receiver:
    """Answers the replies of `script` in turn, then `otherwise`."""

    script: deque[Reply] = field(default_factory=deque)
    otherwise: Reply = OK
    requests: list[Request] = field(default_factory=list)
    url: str = ""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def will(self, *replies: Reply) -> None:
        """Answer these next."""
        self.script.extend(replies)

    @property
    def taken(self) -> list[Request]:
        """The requests that were answered with success."""
        return [request for request in self.requests if 200 <= request.status < 300]

    async def takes(self, count: int, within: float = 10.0) -> list[Request]:
        """The first `count` requests answered with success; TimeoutError if they do not come `within` seconds."""
        async with asyncio.timeout(within):
            while len(self.taken) < count:
                self._changed.clear()
                await self._changed.wait()
        return self.taken[:count]

    async def answer(self, request: web.Request) -> web.Response:
        """Record the request and follow the script."""
        body = await request.read()
        reply = self.script.popleft() if self.script else self.otherwise
        self.requests.append(Request(request.path, dict(request.headers), body, reply.status))
        self._changed.set()
        if reply.hang:
            await asyncio.sleep(reply.hang)
        return web.Response(status=reply.status, text=reply.text, headers=dict(reply.headers))


@contextlib.asynccontextmanager
async def serving(
    receiver: Receiver, path: str = "/services/T000/B000/canary", port: int = 0
) -> AsyncIterator[Receiver]:
    """Serve `receiver` until the end of the block; its `url` is the address to post to."""
    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.router.add_post("/{tail:.*}", receiver.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        address = runner.addresses[0]
        receiver.url = f"http://127.0.0.1:{address[1]}{path}"
        yield receiver
    finally:
        await runner.cleanup()


def verified(request: Request, secret: str) -> bool:
    """Whether the signature is right, as the Standard Webhooks specification tells receivers to check it."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = request.headers["webhook-signature"].split(" ")
    return any(hmac.compare_digest(entry, f"v1,{expected}") for entry in given)


def slack_texts(body: Mapping[str, Any]) -> list[str]:
    """Every text of a Slack message in the order of reading, top-level text first."""
    found = [str(body.get("text", ""))]
    for block in body.get("blocks", []):
        texts = [block["text"]] if "text" in block else []
        texts += block.get("fields", []) + block.get("elements", [])
        found += [text["text"] for text in texts]
    return found


def slack_complaints(body: Mapping[str, Any]) -> list[str]:
    """What Slack would refuse in a message, by its documented limits and the undocumented total."""
    limits = {"header": 150, "section": 3000}
    complaints = []
    if not body.get("text"):
        complaints.append("no text")
    blocks = body.get("blocks", [])
    if not 1 <= len(blocks) <= 50:
        complaints.append(f"{len(blocks)} blocks")
    for block in blocks:
        kind = block["type"]
        if "text" in block and not 1 <= _units(block["text"]["text"]) <= limits[kind]:
            complaints.append(f"{kind} text of {_units(block['text']['text'])}")
        if kind == "header" and block["text"]["type"] != "plain_text":
            complaints.append("header that is not plain text")
        if len(block.get("fields", [])) > 10 or len(block.get("elements", [])) > 10:
            complaints.append(f"too many parts in a {kind}")
        parts = block.get("fields", []) + block.get("elements", [])
        complaints += [f"part of {_units(p['text'])}" for p in parts if not 1 <= _units(p["text"]) <= 2000]
    total = sum(_units(text) for text in slack_texts({"blocks": blocks}))
    if total > 12_000:
        complaints.append(f"{total} characters in all")
    return complaints


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", errors="surrogatepass")) // 2
