"""The HTTP server of the fake AWS: which call a request is, who makes it, and the answer in the service's protocol.

    async with FakeCloud() as cloud:                       # cloud.url is the endpoint to use
        (bucket,) = cloud.world.add("invented-ledger")
        queue = cloud.queue("events", max_receives=3)      # with a dead-letter queue behind it
        bucket.grants.append(PUBLIC_READ)
        queue.send(change(bucket, "PutBucketAcl"))
        cloud.deny("GetBucketPolicy", bucket="locked-*")    # 403, for ever
        cloud.throttle("GetBucketAcl", times=3)             # 503 SlowDown three times
        cloud.drop("ReceiveMessage", times=1)               # connection closed without an answer
        cloud.lose("PutBucketAcl", times=1)                 # the write happens, and nobody hears of it
        cloud.deny_share(0.05)                              # the same bucket reads every time
        assert cloud.calls["GetBucketAcl"]

It runs in the event loop of the test, so a test changes the world between two calls of the daemon and sees every call
when it comes. Signatures are not checked; the account is in the access key, see `keys`.
"""

import asyncio
import hashlib
import json
import re
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from aiohttp import web

from support.cloud.answers import RefusalError, block, empty_list, listing, object_acl, operation_of, read
from support.cloud.queues import Queue, Stored
from support.cloud.world import ALL_ON, World
from support.cloud.writes import canned, delete, flags, put
from support.cloud.writes import object_acl as put_object_acl
from support.faults import Rule, Seen

HOME = "700000000001"
REGION = "eu-west-1"
_CONTROL = {"accesspoint": "ListAccessPoints", "mrap/instances": "ListMultiRegionAccessPoints"}
_CREDENTIAL = re.compile(r"Credential=[A-Z]{4}(?P<account>\d{12})[^/]*/\d+/(?P<region>[^/]+)/(?P<service>[^/]+)/")
_STS = "https://sts.amazonaws.com/doc/2011-06-15/"


def keys(account: str = HOME) -> dict[str, str]:
    """The environment of a process that acts in `account`."""
    return {"AWS_ACCESS_KEY_ID": f"AKIA{account}TEST", "AWS_SECRET_ACCESS_KEY": "invented", "AWS_REGION": REGION}


@dataclass(frozen=True)
class Published:
    """A message published to an SNS topic."""

    topic: str
    subject: str
    message: str
    attributes: dict[str, str]


@dataclass(frozen=True)
class Written:
    """A write that succeeded; `name` is the bucket or the account."""

    operation: str
    name: str
    user_agent: str


@dataclass(frozen=True)
class _Call:
    """One request, understood."""

    seen: Seen
    caller: str
    answer: Callable[[], Awaitable[web.Response]]


@dataclass
class FakeCloud:
    """An AWS of `world` on a free port of the loopback interface. `struck` is told of each call before its answer."""

    world: World = field(default_factory=lambda: World({HOME: None}))
    url: str = ""
    queues: dict[str, Queue] = field(default_factory=dict)
    published: list[Published] = field(default_factory=list)
    written: list[Written] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    lost: list[Rule] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    struck: Callable[[str], object] = lambda _operation: None
    _share: float = 0.0
    _seed: int = 0

    async def __aenter__(self) -> Self:
        self._runner = web.ServerRunner(web.Server(self._serve, access_log=None), shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://localhost:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    def queue(self, name: str, *, max_receives: int | None = 3, visibility: int = 30, account: str = HOME) -> Queue:
        """Make a queue, with a dead-letter queue unless `max_receives` is None."""
        dead = Queue(f"{name}-dead", account, REGION) if max_receives is not None else None
        queue = Queue(name, account, REGION, visibility, dead, max_receives or 0)
        self.queues |= {each.name: each for each in (queue, dead) if each is not None}
        return queue

    def queue_url(self, name: str, account: str = HOME) -> str:
        """The URL of a queue, whether or not it exists."""
        return f"{self.url}/{account}/{name}"

    def deny(self, operation: str, **match: Any) -> None:
        """Refuse with 403 AccessDenied."""
        self.rules.append(Rule(operation, status=403, code="AccessDenied", message="Access Denied", **match))

    def throttle(self, operation: str, **match: Any) -> None:
        """Refuse with 503 SlowDown."""
        self.rules.append(Rule(operation, status=503, code="SlowDown", message="Please reduce your rate.", **match))

    def drop(self, operation: str, **match: Any) -> None:
        """Close the connection without an answer."""
        self.rules.append(Rule(operation, **match))

    def lose(self, operation: str, **match: Any) -> None:
        """Do what is asked, and close the connection without an answer."""
        self.lost.append(Rule(operation, **match))

    def _loses(self, seen: Seen) -> bool:
        return any(rule.takes(seen) for rule in self.lost)

    def delay(self, operation: str, seconds: float, **match: Any) -> None:
        """Answer later."""
        self.rules.append(Rule(operation, seconds=seconds, **match))

    def deny_share(self, share: float, seed: int = 1) -> None:
        """Refuse this share of all reads of buckets, always the same ones."""
        self._share, self._seed = share, seed

    def is_denied(self, operation: str, bucket: str) -> bool:
        """Whether `deny_share` hits this read."""
        return zlib.crc32(f"{self._seed}/{operation}/{bucket}".encode()) % 10_000 < self._share * 10_000

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        call = self._recognise(request, body)
        self.calls[call.seen.operation] += 1
        self.struck(call.seen.operation)
        try:
            if not await self._trouble(call):
                answer = await call.answer()
                if not self._loses(call.seen):
                    return answer
        except RefusalError as refusal:
            return _refused(call.seen, refusal)
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    async def _trouble(self, call: _Call) -> bool:
        """Do what the rules say; True if the connection is to be cut."""
        for rule in [rule for rule in self.rules if rule.takes(call.seen)]:
            if rule.code:
                raise RefusalError(rule.code, rule.message, rule.status)
            if not rule.seconds:
                return True
            await asyncio.sleep(rule.seconds)
        if self._share and call.seen.bucket and self.is_denied(call.seen.operation, call.seen.bucket):
            raise RefusalError("AccessDenied", "Access Denied", 403)
        return False

    def _recognise(self, request: web.BaseRequest, body: bytes) -> _Call:
        scope = _CREDENTIAL.search(request.headers.get("Authorization", ""))
        caller, service = (scope["account"], scope["service"]) if scope else ("", "")
        target = request.headers.get("X-Amz-Target", "")
        if target.startswith("AmazonSQS."):
            return self._sqs(target.partition(".")[2], json.loads(body), caller)
        if target.startswith("AWSOrganizations"):
            return _Call(Seen("organizations", target.partition(".")[2], method="POST"), caller, _not_yours)
        if request.method == "POST" and service in {"sts", "sns", "ec2"}:
            form = {key: values[0] for key, values in parse_qs(body.decode(), keep_blank_values=True).items()}
            return self._query(service, form, caller)
        if "x-amz-account-id" in request.headers:
            owner = request.headers["x-amz-account-id"]
            return self._s3_control(request, owner, caller, body)
        return self._s3(request, caller, body)

    def _s3(self, request: web.BaseRequest, caller: str, body: bytes) -> _Call:
        name, _, object_key = request.path.strip("/").partition("/")
        query = dict(request.query)
        if not name:

            async def buckets() -> web.Response:
                return _xml(listing(self.world, caller, query))

            return _Call(Seen("s3", "ListBuckets"), caller, buckets)
        key = next(iter(query), "")

        async def one() -> web.Response:
            bucket = self.world.buckets.get(name)
            if bucket is None:
                raise RefusalError("NoSuchBucket", "The specified bucket does not exist")
            if {caller, request.headers.get("x-amz-expected-bucket-owner", caller)} != {bucket.account}:
                raise RefusalError("AccessDenied", "Access Denied", 403)
            if request.method == "HEAD":
                return web.Response(headers={"x-amz-bucket-region": bucket.region})
            if write is not None:
                write.change(self.world, bucket, canned(request.headers.get("x-amz-acl")) or body.decode())
                self.written.append(Written(write.operation, bucket.name, request.headers.get("User-Agent", "")))
                return web.Response(status=200 if request.method == "PUT" else 204)
            if object_key and key == "acl":
                return _xml(object_acl(self.world, bucket, object_key))
            text = read(self.world, bucket, key)
            return _xml(text) if key != "policy" else web.Response(text=text, content_type="application/json")

        write = {"PUT": put, "DELETE": delete}[request.method](key) if request.method in ("PUT", "DELETE") else None
        operation = operation_of(key) if write is None else write.operation
        if object_key and key == "acl":
            write = put_object_acl(object_key) if request.method == "PUT" else None
            operation = f"{request.method.title()}ObjectAcl"
        operation = "HeadBucket" if request.method == "HEAD" else operation
        return _Call(Seen("s3", operation, bucket=name, method=request.method), caller, one)

    def _s3_control(self, request: web.BaseRequest, owner: str, caller: str, body: bytes) -> _Call:
        operation = _CONTROL.get(request.path.rpartition("/v20180820/")[2], "GetPublicAccessBlock")
        verb = {"PUT": "Put", "DELETE": "Delete"}.get(request.method)
        if verb is not None:
            operation = f"{verb}PublicAccessBlock"

        async def one() -> web.Response:
            if owner != caller:
                raise RefusalError("AccessDenied", "Access Denied", 403)
            if verb is not None:
                self.world.accounts[owner] = flags(body.decode()) if verb == "Put" else None
                self.written.append(Written(operation, owner, request.headers.get("User-Agent", "")))
                return web.Response(status=201 if verb == "Put" else 204)
            if operation == "GetPublicAccessBlock":
                return _xml(block(self.world.accounts.get(owner, ALL_ON)))
            return _xml(empty_list(operation))

        return _Call(Seen("s3control", operation, account=owner), caller, one)

    def _query(self, service: str, form: dict[str, str], caller: str) -> _Call:
        action = form.get("Action", "")
        text = json.dumps(form)

        async def answer() -> web.Response:
            return _xml(_QUERIES[action](self, form, caller))

        return _Call(Seen(service, action, text=text, method="POST"), caller, answer)

    def publish(self, form: dict[str, str]) -> None:
        """Record a message to a topic."""
        attributes = {
            form[key]: form.get(f"{key.rpartition('.')[0]}.Value.StringValue", "")
            for key in form
            if key.startswith("MessageAttributes.") and key.endswith(".Name")
        }
        self.published.append(Published(form["TopicArn"], form.get("Subject", ""), form.get("Message", ""), attributes))

    def _sqs(self, operation: str, params: dict[str, Any], caller: str) -> _Call:
        name = params.get("QueueUrl", "").rpartition("/")[2]

        async def answer() -> web.Response:
            queue = self.queues.get(name)
            if queue is None:
                raise RefusalError("QueueDoesNotExist", "The specified queue does not exist.", 400)
            return _json(await _SQS[operation](queue, params))

        return _Call(Seen("sqs", operation, text=name, method="POST"), caller, answer)


def _caller_identity(_cloud: FakeCloud, _form: dict[str, str], caller: str) -> str:
    arn = f"arn:aws:sts::{caller}:assumed-role/s3warden/test"
    result = f"<Arn>{arn}</Arn><UserId>AROA:test</UserId><Account>{caller}</Account>"
    return (
        f'<GetCallerIdentityResponse xmlns="{_STS}"><GetCallerIdentityResult>{result}</GetCallerIdentityResult>'
        "</GetCallerIdentityResponse>"
    )


def _assume_role(cloud: FakeCloud, form: dict[str, str], _caller: str) -> str:
    account = form["RoleArn"].split(":")[4]
    if account not in cloud.world.accounts:
        raise RefusalError("AccessDenied", f"not authorized to perform: sts:AssumeRole on {form['RoleArn']}", 403)
    credentials = (
        f"<AccessKeyId>ASIA{account}TEST</AccessKeyId><SecretAccessKey>invented</SecretAccessKey>"
        "<SessionToken>invented</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>"
    )
    return (
        f'<AssumeRoleResponse xmlns="{_STS}"><AssumeRoleResult><Credentials>{credentials}</Credentials>'
        f"<AssumedRoleUser><Arn>{form['RoleArn']}</Arn><AssumedRoleId>AROA:x</AssumedRoleId></AssumedRoleUser>"
        "</AssumeRoleResult></AssumeRoleResponse>"
    )


def _publish(cloud: FakeCloud, form: dict[str, str], _caller: str) -> str:
    cloud.publish(form)
    number = len(cloud.published)
    return f"<PublishResponse><PublishResult><MessageId>{number}</MessageId></PublishResult></PublishResponse>"


def _regions(_cloud: FakeCloud, _form: dict[str, str], _caller: str) -> str:
    names = ("eu-west-1", "us-east-1")
    items = "".join(f"<item><regionName>{name}</regionName></item>" for name in names)
    return f"<DescribeRegionsResponse><regionInfo>{items}</regionInfo></DescribeRegionsResponse>"


async def _not_yours() -> web.Response:
    """No account here may ask about its organisation."""
    raise RefusalError("AccessDeniedException", "You don't have permissions to access this resource.", 400)


async def _receive(queue: Queue, params: dict[str, Any]) -> dict[str, Any]:
    taken = await queue.receive(
        params.get("MaxNumberOfMessages", 1), params.get("WaitTimeSeconds", 0), params.get("VisibilityTimeout")
    )
    return {"Messages": [_message(stored) for stored in taken]} if taken else {}


def _message(stored: Stored) -> dict[str, Any]:
    return {
        "MessageId": stored.id,
        "ReceiptHandle": stored.receipt,
        "Body": stored.body,
        "MD5OfBody": _md5(stored.body),
        "Attributes": {
            "ApproximateReceiveCount": str(stored.receives),
            "SentTimestamp": str(int(stored.sent_at * 1000)),
        },
    }


async def _delete(queue: Queue, params: dict[str, Any]) -> dict[str, Any]:
    for entry in params["Entries"]:
        queue.delete(entry["ReceiptHandle"])
    return {"Successful": [{"Id": entry["Id"]} for entry in params["Entries"]], "Failed": []}


async def _change(queue: Queue, params: dict[str, Any]) -> dict[str, Any]:
    taken = {e["Id"]: queue.hide(e["ReceiptHandle"], e["VisibilityTimeout"]) for e in params["Entries"]}
    refusal = {"SenderFault": True, "Code": "MessageNotInflight"}
    return {
        "Successful": [{"Id": id_} for id_, ok in taken.items() if ok],
        "Failed": [{"Id": id_, **refusal} for id_, ok in taken.items() if not ok],
    }


async def _attributes(queue: Queue, _params: dict[str, Any]) -> dict[str, Any]:
    attributes = {"VisibilityTimeout": str(queue.visibility), "QueueArn": queue.arn}
    if queue.dead_letters is not None:
        policy = {"deadLetterTargetArn": queue.dead_letters.arn, "maxReceiveCount": queue.max_receives}
        attributes["RedrivePolicy"] = json.dumps(policy)
    return {"Attributes": attributes}


async def _send(queue: Queue, params: dict[str, Any]) -> dict[str, Any]:
    return {"MessageId": queue.send(params["MessageBody"]), "MD5OfMessageBody": _md5(params["MessageBody"])}


async def _send_batch(queue: Queue, params: dict[str, Any]) -> dict[str, Any]:
    done = [
        {"Id": e["Id"], "MessageId": queue.send(e["MessageBody"]), "MD5OfMessageBody": _md5(e["MessageBody"])}
        for e in params["Entries"]
    ]
    return {"Successful": done, "Failed": []}


_QUERIES: dict[str, Callable[[FakeCloud, dict[str, str], str], str]] = {
    "GetCallerIdentity": _caller_identity,
    "AssumeRole": _assume_role,
    "Publish": _publish,
    "DescribeRegions": _regions,
}
_SQS: dict[str, Callable[[Queue, dict[str, Any]], Awaitable[dict[str, Any]]]] = {
    "ReceiveMessage": _receive,
    "DeleteMessageBatch": _delete,
    "ChangeMessageVisibilityBatch": _change,
    "GetQueueAttributes": _attributes,
    "SendMessage": _send,
    "SendMessageBatch": _send_batch,
}


def _md5(text: str) -> str:
    return hashlib.md5(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def _xml(text: str) -> web.Response:
    return web.Response(text=f'<?xml version="1.0" encoding="UTF-8"?>{text}', content_type="application/xml")


def _json(answer: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(text=json.dumps(answer), status=status, content_type="application/x-amz-json-1.0")


def _refused(seen: Seen, refusal: RefusalError) -> web.Response:
    code, message = escape(refusal.code), escape(refusal.message)
    if seen.method == "HEAD":
        return web.Response(status=refusal.status)
    if seen.service in {"sqs", "organizations"}:
        answer = _json({"__type": f"com.amazonaws.{seen.service}#{code}", "message": refusal.message}, refusal.status)
        if code == "QueueDoesNotExist":
            answer.headers["x-amzn-query-error"] = "AWS.SimpleQueueService.NonExistentQueue;Sender"
        return answer
    error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    wrapped = {"s3": error, "ec2": f"<Response><Errors>{error}</Errors></Response>"}
    response = _xml(wrapped.get(seen.service, f"<ErrorResponse>{error}</ErrorResponse>"))
    response.set_status(refusal.status)
    return response
