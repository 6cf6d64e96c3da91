"""The HTTP side of approvals: an API for those who have a token, and the page behind the links of alerts.

Takes requests that the telemetry server hands on, turns them into the same orders as the command line's, and answers.
Nothing is decided by a GET: chat programs and mail filters follow links. Off unless tokens or a signing key are set.

Sources: RFC 6750 (bearer tokens), RFC 9110 (status codes), the W3C's Content Security Policy Level 3.
"""

import hashlib
import hmac
import html
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol
from uuid import uuid4

import structlog
from aiohttp import hdrs, web

from s3warden.correct.approvals import SHORT
from s3warden.correct.invitations import PATH
from s3warden.correct.links import Answer as Choice
from s3warden.correct.links import BadLink, Link, opened
from s3warden.correct.undo import Answer
from s3warden.model.remediation import Asked, Remediation, Request, Stage
from s3warden.model.secret import Secret
from s3warden.respond.remediations import document
from s3warden.store.codec import UndecodableError
from s3warden.store.errors import StoreError
from s3warden.store.journal import AmbiguousIdError, Filter

log = structlog.get_logger("s3warden.http")

API = "/api/v1/remediations"
_MOST = 500
_ORDERS = {asked.value: asked for asked in (Asked.APPROVE, Asked.REJECT, Asked.UNDO, Asked.KEEP)}
_SWITCHES = {asked.value: asked for asked in (Asked.STOP, Asked.START)}
_ID = re.compile(r"[0-9a-z]{1,32}")
_PERSON = re.compile(r"[\x21-\x7e]{1,128}")
_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}"
    "dt{font-weight:600;margin-top:.6rem}dd{margin:0;overflow-wrap:anywhere}"
    "button{font:inherit;padding:.5rem 1.2rem;margin-top:1.2rem;cursor:pointer}"
)


class Journal(Protocol):
    """The part of the journal that is shown. Every method raises StoreError."""

    async def find(self, prefix: str) -> Remediation | None:
        """The entry whose id begins so."""

    async def latest(self, limit: int, wanted: Filter = ...) -> list[Remediation]:
        """The latest entries."""

    async def request(self, id_: str) -> Request | None:
        """One request, with its answer if there is one."""


class Orders(Protocol):
    """What does what is asked."""

    async def take(self, request: Request) -> Answer:
        """Do it, and keep the answer beside the request. Raises StoreError."""


@dataclass(slots=True)
class Web:
    """Answers for one life of the daemon. `tokens` are those of the API, by name; `key` signed the links."""

    journal: Journal
    orders: Orders
    tokens: Mapping[str, Secret]
    key: Secret | None = None
    identity_header: str | None = None
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    # Links whose answer is being taken right now: two clicks at once are one.
    _busy: set[str] = field(default_factory=set)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """The answer to a request below `API` or `PATH`; 404 for what is not switched on."""
        try:
            if request.path == PATH and self.key is not None:
                return await self._link(request, self.key)
            if (request.path == API or request.path.startswith(f"{API}/")) and self.tokens:
                return await self._api(request)
        except StoreError as error:
            return _told(503, error=str(error))
        except (AmbiguousIdError, UndecodableError) as error:
            return _told(409, error=str(error))
        return _told(404, error="there is nothing here")

    async def _api(self, request: web.Request) -> web.StreamResponse:
        name = self._bearer(request.headers.get(hdrs.AUTHORIZATION, ""))
        if name is None:
            refusal = _told(401, error="send a token of the settings as `Authorization: Bearer …`")
            refusal.headers[hdrs.WWW_AUTHENTICATE] = 'Bearer realm="s3warden"'
            return refusal
        parts = request.path.removeprefix(API).strip("/").split("/")
        match (request.method, parts):
            case ("GET" | "HEAD", [""]):
                return await self._list(request)
            case ("GET" | "HEAD", [id_]) if _ID.fullmatch(id_):
                found = await self.journal.find(id_)
                return _told(404, error=f"there is no remediation {id_}") if found is None else _json(document(found))
            case ("POST", [word]) if word in _SWITCHES:
                return await self._order(_SWITCHES[word], "", name, "")
            case ("POST", [id_, word]) if word in _ORDERS and _ID.fullmatch(id_):
                return await self._order(_ORDERS[word], id_, name, await _plan_of(request))
        return _told(404, error="no such resource, or not by this method")

    def _bearer(self, header: str) -> str | None:
        """Whose token this is. Every token is compared, so that the time tells nothing."""
        scheme, _, given = header.partition(" ")
        hashed = _hash(given.strip())
        found = [name for name, token in self.tokens.items() if hmac.compare_digest(hashed, _hash(token.reveal()))]
        return found[0] if found and scheme.lower() == "bearer" else None

    async def _list(self, request: web.Request) -> web.StreamResponse:
        try:
            stage = Stage(request.query["stage"]) if "stage" in request.query else None
            limit = min(max(int(request.query.get("limit", "50")), 1), _MOST)
        except ValueError:
            return _told(400, error=f"`stage` is one of {', '.join(Stage)}, `limit` a number up to {_MOST}")
        found = await self.journal.latest(limit, Filter(stage=stage))
        return _json({"remediations": [document(entry) for entry in found]})

    async def _order(self, asked: Asked, id_: str, by: str, digest: str) -> web.StreamResponse:
        order = Request(uuid4().hex, asked, id_, by, self.clock(), digest, "api")
        answer = await self.orders.take(order)
        return _json({"ok": answer.ok, "answer": answer.text, "request": order.id}, 200 if answer.ok else 409)

    async def _link(self, request: web.Request, key: Secret) -> web.StreamResponse:
        if request.method not in ("GET", "HEAD", "POST"):
            return _told(405, error="a link is opened, and answered with its button")
        form = await request.post() if request.method == "POST" else request.query
        link = opened(str(form.get("link", "")), key, self.clock())
        if isinstance(link, BadLink):
            log.info("link_refused", reason=link.reason)
            return _page(403 if link.reason != "expired" else 410, "This link is no good", [link.detail])
        by = self._person(request, link)
        if by is None:
            return _page(403, "Nobody knows who you are", [f"The proxy did not send {self.identity_header}."])
        order = f"link-{link.nonce}"
        used = await self.journal.request(order)
        if used is not None or order in self._busy:
            answer = used.answer if used is not None else None
            return _page(410, "This link was used already", [answer or "Its answer is being taken."])
        entry = await self.journal.find(link.remediation)
        if entry is None or entry.plan is None or entry.stage is not Stage.HELD or entry.plan.digest != link.digest:
            return _page(410, "The plan is another one by now", ["Look at the latest alert, or ask the command line."])
        if request.method != "POST":
            return _page(200, _TITLES[link.answer], _question(entry), form=(str(form.get("link", "")), link.answer))
        return await self._answer(order, link, by)

    async def _answer(self, order: str, link: Link, by: str) -> web.StreamResponse:
        asked = Asked.APPROVE if link.answer is Choice.APPROVE else Asked.REJECT
        self._busy.add(order)
        try:
            request = Request(order, asked, link.remediation, by, self.clock(), link.digest, "link")
            answer = await self.orders.take(request)
        finally:
            self._busy.discard(order)
        return _page(200 if answer.ok else 409, "Done" if answer.ok else "Not done", [answer.text])

    def _person(self, request: web.Request, link: Link) -> str | None:
        """Who answers: the person whom the proxy names, else whoever reads what was sent to this destination."""
        if self.identity_header is None:
            return f"link to {link.by}"
        given = request.headers.getall(self.identity_header, [])
        return given[0] if len(given) == 1 and _PERSON.fullmatch(given[0]) else None


_TITLES = {Choice.APPROVE: "Approve this fix?", Choice.REJECT: "Leave it as it is?"}


async def _plan_of(request: web.Request) -> str:
    """The digest in the body; "" where there is none, which approves nothing."""
    try:
        body = await request.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        return ""
    plan = body.get("plan") if isinstance(body, dict) else None
    return plan if isinstance(plan, str) else ""


def _question(entry: Remediation) -> Sequence[str | tuple[str, str]]:
    plan = entry.plan
    if plan is None:
        return ()
    losses = "; ".join(f"{loss.kind.value} {loss.name}" for loss in plan.effect.losses)
    return (
        ("Finding", f"{entry.rule_id} of {entry.subject} in account {entry.subject.account}"),
        *(("Would do", f"{step.summary} ({step.call.operation})") for step in plan.steps),
        ("Risk", f"{plan.risk.value}: {plan.risk_text}"),
        ("Would cut off", losses or "nobody who is known"),
        *(("Not known", text) for text in plan.effect.unknown),
        ("Plan", f"{plan.digest[:SHORT]} of remediation {entry.id}"),
    )


def _page(
    status: int, title: str, told: Sequence[str | tuple[str, str]], form: tuple[str, Choice] | None = None
) -> web.Response:
    rows = "".join(
        f"<p>{html.escape(each)}</p>"
        if isinstance(each, str)
        else f"<dt>{html.escape(each[0])}</dt><dd>{html.escape(each[1])}</dd>"
        for each in told
    )
    button = ""
    if form is not None:
        token, choice = form
        word = "Approve" if choice is Choice.APPROVE else "Reject"
        button = (
            f'<form method="post" action="{PATH}"><input type="hidden" name="link" value="{html.escape(token)}">'
            f"<button>{word}</button></form>"
        )
    text = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>s3warden: {html.escape(title)}</title><style>{_STYLE}</style>"
        f"<h1>{html.escape(title)}</h1><dl>{rows}</dl>{button}</html>"
    )
    return web.Response(text=text, status=status, content_type="text/html", headers=_PAGE_HEADERS)


def _told(status: int, **body: object) -> web.Response:
    return _json(body, status)


def _json(body: object, status: int = 200) -> web.Response:
    text = json.dumps(body, indent=2) + "\n"
    return web.Response(text=text, status=status, content_type="application/json")


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()
