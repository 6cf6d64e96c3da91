"""A reverse proxy that stands between the code under test and an emulated AWS, and does what the emulator cannot.

Emulators authorise nothing, throttle nothing and never hang. This proxy understands which operation a request is, of
which service, on which bucket, and answers in AWS's own words where a rule says so; all else goes through.

    async with FaultProxy(moto_url) as proxy:                     # proxy.url is the endpoint to use
        proxy.deny("GetBucketAcl", bucket="locked-*")              # 403 AccessDenied, for ever
        proxy.deny("Get*", message="... with an explicit deny in a service control policy")
        proxy.throttle("GetBucketPolicy", times=3)                 # 503 SlowDown three times, then through
        proxy.fail("ListAccounts", status=400, code="AWSOrganizationsNotInUseException")
        proxy.fail("AssumeRole", code="AccessDenied", text="111122223333")   # the request mentions this account
        proxy.delay("*", seconds=0.2)                              # latency, then through
        proxy.drop("GetBucketTagging", times=1)                    # connection closed without an answer
        proxy.answer("GetBucketLogging", body=b"<nonsense")        # 200 with this body
        assert proxy.count("GetBucketAcl", bucket="locked-1") == 1
        proxy.clear()                                              # no more rules; what was seen is kept

`operation` and `bucket` are shell patterns. `account` matches the account that the request names (the expected bucket
owner, or S3 Control's account), `text` any part of the target or the body. Rules apply in the order given, the first
that matches and is not used up; a delay lets the search go on, so that it may be followed by another rule.

It runs in the event loop of the test and serves other processes as well. Names under `localhost` all lead to it.
"""

import asyncio
import fnmatch
import json
import re
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from functools import cache
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

import aiohttp
from aiohttp import web
from botocore.loaders import Loader
from yarl import URL

from s3warden.aws.session import ADDITIONS, MODELS

_SCOPE = re.compile(r"Credential=[^/]+/\d+/(?P<region>[^/]+)/(?P<service>[^/]+)/")
_HOP_BY_HOP = frozenset({"connection", "content-length", "transfer-encoding", "keep-alive"})


@dataclass(frozen=True)
class Seen:
    """One request as it arrived. `account` and `bucket` are empty where the request names none; `status` 0: dropped."""

    service: str
    operation: str
    region: str = ""
    bucket: str = ""
    account: str = ""
    text: str = ""
    method: str = "GET"
    user_agent: str = ""
    status: int = 0


@dataclass
class Rule:
    """What happens to the requests that match. `times` None means for ever."""

    operation: str
    bucket: str = "*"
    account: str = ""
    text: str = ""
    times: int | None = None
    status: int = 0
    code: str = ""
    message: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    seconds: float = 0.0

    def takes(self, seen: Seen) -> bool:
        """Whether this rule applies to the request; counts the use if so."""
        matches = (
            self.times != 0
            and fnmatch.fnmatchcase(seen.operation, self.operation)
            and fnmatch.fnmatchcase(seen.bucket, self.bucket)
            and self.account in {"", seen.account}
            and self.text in seen.text
        )
        if matches and self.times is not None:
            self.times -= 1
        return matches


class FaultProxy:
    """An HTTP server on a free port of the loopback interface, in front of `upstream`."""

    def __init__(self, upstream: str) -> None:
        self.url = ""
        self.rules: list[Rule] = []
        self.seen: list[Seen] = []
        self._upstream = upstream.replace("//localhost", "//127.0.0.1")
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._client = await self._stack.enter_async_context(
            aiohttp.ClientSession(auto_decompress=False, connector=aiohttp.TCPConnector(limit=0))
        )
        application = web.Application(client_max_size=16 * 1024 * 1024)
        application.router.add_route("*", "/{path:.*}", self._serve)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://localhost:{runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def deny(self, operation: str, *, message: str = "Access Denied", **match: Any) -> None:
        """Refuse with 403 AccessDenied."""
        self.fail(operation, status=403, code="AccessDenied", message=message, **match)

    def throttle(self, operation: str = "*", *, retry_after: str | None = None, **match: Any) -> None:
        """Refuse with 503 SlowDown."""
        headers = {"Retry-After": retry_after} if retry_after else {}
        self.fail(
            operation, status=503, code="SlowDown", message="Please reduce your request rate.", headers=headers, **match
        )

    def fail(self, operation: str, *, status: int = 403, code: str, message: str = "", **match: Any) -> None:
        """Answer with an error of AWS."""
        self.rules.append(Rule(operation, status=status, code=code, message=message, **match))

    def answer(self, operation: str, *, body: bytes, status: int = 200, **match: Any) -> None:
        """Answer with these bytes."""
        self.rules.append(Rule(operation, status=status, body=body, **match))

    def delay(self, operation: str = "*", *, seconds: float, **match: Any) -> None:
        """Wait, then go on."""
        self.rules.append(Rule(operation, seconds=seconds, **match))

    def drop(self, operation: str = "*", **match: Any) -> None:
        """Close the connection without an answer."""
        self.rules.append(Rule(operation, **match))

    def clear(self) -> None:
        """Forget all rules."""
        self.rules.clear()

    def count(self, operation: str = "*", bucket: str = "*", **match: Any) -> int:
        """How many requests were seen."""
        pattern = Rule(operation, bucket, **match)
        return sum(pattern.takes(seen) for seen in self.seen)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        seen = recognise(request, body)
        rule = await self._rule(seen)
        if rule is None:
            response = await self._forward(request, body)
        elif rule.body is not None:
            response = web.Response(status=rule.status, body=rule.body, content_type="application/xml")
        elif rule.code:
            response = _error(seen, rule)
        else:
            self.seen.append(seen)
            if request.transport is not None:
                request.transport.close()
            return web.Response()
        self.seen.append(replace(seen, status=response.status))
        return response

    async def _rule(self, seen: Seen) -> Rule | None:
        """The rule that answers the request, after the delays before it."""
        for rule in [rule for rule in self.rules if rule.takes(seen)]:
            if not rule.seconds:
                return rule
            await asyncio.sleep(rule.seconds)
        return None

    async def _forward(self, request: web.Request, body: bytes) -> web.Response:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP}
        url = f"{self._upstream}{request.raw_path}"
        async with self._client.request(
            request.method, URL(url, encoded=True), headers=headers, data=body, allow_redirects=False
        ) as answer:
            content = await answer.read()
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP}
            return web.Response(status=answer.status, body=content, headers=kept)


def recognise(request: web.BaseRequest, body: bytes) -> Seen:
    """Which operation of which service a request is, from its signature, path, query, headers and body."""
    scope = _SCOPE.search(request.headers.get("Authorization", ""))
    service, region = (scope["service"], scope["region"]) if scope else ("", "")
    target, text, bucket = request.headers.get("X-Amz-Target", ""), f"{request.raw_path} ", ""
    form = parse_qs(body.decode("utf-8", "replace")) if "form-urlencoded" in request.content_type else {}
    if target:
        operation = target.rpartition(".")[2]
    elif "Action" in form:
        operation = form["Action"][0]
    else:
        service = "s3control" if "x-amz-account-id" in request.headers else "s3"
        operation, bucket = _rest_operation(service, request)
    account = request.headers.get("x-amz-account-id", request.headers.get("x-amz-expected-bucket-owner", ""))
    return Seen(
        service=service,
        operation=operation,
        region=region,
        bucket=bucket,
        account=account,
        text=text + body.decode("utf-8", "replace"),
        method=request.method,
        user_agent=request.headers.get("User-Agent", ""),
    )


def _rest_operation(model: str, request: web.BaseRequest) -> tuple[str, str]:
    """The operation of a REST request, and the bucket if its path names one."""
    parts = request.path.split("/", 2)
    bucket = parts[1] if model == "s3" else ""
    given = set(request.query)
    fits = [
        (-len(keys), name)
        for name, method, path, keys in _rest_operations(model)
        if method == request.method and path.fullmatch(request.path) and keys <= given
    ]
    return (min(fits)[1] if fits else "Unknown"), bucket


def _loader() -> Loader:
    loader = Loader(extra_search_paths=[str(MODELS)])
    loader.extras_types.append(ADDITIONS)
    return loader


@cache
def _rest_operations(model: str) -> list[tuple[str, str, re.Pattern[str], set[str]]]:
    """Each operation of the SDK's model and ours: name, method, pattern of the path, query keys that it must have."""
    operations = _loader().load_service_model(model, "service-2")["operations"]
    return [
        (name, operation["http"]["method"], _path(operation["http"]["requestUri"]), _keys(operation["http"]))
        for name, operation in operations.items()
        if not operation.get("deprecated")
    ]


def _path(uri: str) -> re.Pattern[str]:
    path = urlsplit(uri.partition("#")[0]).path
    pattern = re.sub(r"\\{[^}]*\+\\}", ".+", re.escape(path).replace(r"\+", "+"))
    return re.compile(re.sub(r"\\{[^}]*\\}", "[^/]+", pattern) + "/?")


def _keys(http: dict[str, str]) -> set[str]:
    return set(parse_qs(urlsplit(http["requestUri"].partition("#")[0]).query, keep_blank_values=True)) - {"x-id"}


def _error(seen: Seen, rule: Rule) -> web.Response:
    """An error in the words of the service's protocol."""
    code, message = escape(rule.code), escape(rule.message)
    if seen.method == "HEAD":
        return web.Response(status=rule.status, headers=rule.headers)
    if seen.service in {"sns", "sts", "iam", "monitoring", "s3control"}:
        body = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    elif seen.service == "ec2":
        body = f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors></Response>"
    elif seen.service == "s3":
        body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    else:
        content = json.dumps({"__type": rule.code, "message": rule.message})
        return web.Response(
            status=rule.status, headers=rule.headers, text=content, content_type="application/x-amz-json-1.1"
        )
    return web.Response(status=rule.status, headers=rule.headers, text=body, content_type="application/xml")
