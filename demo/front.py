"""A front for the AWS emulator: it passes every call on, and adds what the emulator lacks.

- Each successful changing call to S3 or S3 Control becomes the EventBridge message that CloudTrail would cause.
- Reads of chosen buckets are refused, as a bucket policy, an SCP or a missing permission would refuse them.
- The emulator deletes the whole bucket when asked to delete its inventory, metrics, analytics or tiering
  configuration; those calls are refused here.
- The emulator does not know who pays for requests; the owner does.

It binds to loopback only and checks no signatures: the emulator behind it does not either.
"""

import asyncio
import json
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from xml.sax.saxutils import escape

import aiohttp
from aiohttp import web

HOME_ACCOUNT = "123456789012"
# CloudTrail tells later what was done; here by less than the pause between two commands of the story.
DELAY = 0.5
MAX_BODY = 8 * 1024 * 1024

_CREDENTIAL = re.compile(r"Credential=(?P<key>[^/]+)/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")
_KEY_ID = re.compile(r"<AccessKeyId>([^<]+)</AccessKeyId>")
_ROLE_ARN = re.compile(r"<AssumedRoleUser>.*?<Arn>([^<]+)</Arn>", re.DOTALL)
_CONSTRAINT = re.compile(rb"<LocationConstraint[^>]*>([^<]+)</LocationConstraint>")
_BUCKET = re.compile(rb"<Bucket>([^<]+)</Bucket>")
_CONTROL_PATH = re.compile(
    r"/v20180820/(?:(?P<block>configuration/publicAccessBlock)|accesspoint/(?P<point>[^/]+)(?P<policy>/policy)?"
    r"|async-requests/mrap/(?P<multi>create|delete|put-policy))"
)
_MULTI_REGION: Mapping[str, str] = {
    "create": "CreateMultiRegionAccessPoint",
    "delete": "DeleteMultiRegionAccessPoint",
    "put-policy": "PutMultiRegionAccessPointPolicy",
}

# Sub-resource in the query -> the middle of CloudTrail's event name; the verb comes from the method.
_SUBRESOURCES: Mapping[str, str] = {
    "acl": "BucketAcl",
    "policy": "BucketPolicy",
    "publicAccessBlock": "BucketPublicAccessBlock",
    "ownershipControls": "BucketOwnershipControls",
    "encryption": "BucketEncryption",
    "versioning": "BucketVersioning",
    "logging": "BucketLogging",
    "tagging": "BucketTagging",
    "lifecycle": "BucketLifecycle",
    "replication": "BucketReplication",
    "notification": "BucketNotification",
    "website": "BucketWebsite",
    "cors": "BucketCors",
    "requestPayment": "BucketRequestPayment",
    "accelerate": "AccelerateConfiguration",
    "object-lock": "BucketObjectLockConfiguration",
}
_DELETES_THE_BUCKET = frozenset({"inventory", "metrics", "analytics", "intelligent-tiering", "metadataConfiguration"})

# Sub-resource of a read -> the operation, for refusals.
_READS: Mapping[str, str] = {
    "acl": "GetBucketAcl",
    "policy": "GetBucketPolicy",
    "policyStatus": "GetBucketPolicyStatus",
    "publicAccessBlock": "GetPublicAccessBlock",
    "ownershipControls": "GetBucketOwnershipControls",
    "encryption": "GetBucketEncryption",
    "versioning": "GetBucketVersioning",
    "logging": "GetBucketLogging",
    "tagging": "GetBucketTagging",
    "requestPayment": "GetBucketRequestPayment",
}

_OWNER_PAYS = "<RequestPaymentConfiguration><Payer>BucketOwner</Payer></RequestPaymentConfiguration>"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who signed a call: the account that the key belongs to, and the ARN that CloudTrail would show."""

    account: str
    arn: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Answer AccessDenied, with `message`, to these operations ('*' for all) on a bucket."""

    operations: frozenset[str]
    message: str


@dataclass(slots=True)
class Front:
    """The front. `publish` gets each EventBridge message as a dict; `owners` says whose the buckets are."""

    emulator: str
    publish: Callable[[Mapping[str, object]], Awaitable[None]]
    owners: dict[str, tuple[str, str]] = field(default_factory=dict)
    refusals: dict[str, Refusal] = field(default_factory=dict)
    callers: dict[str, Caller] = field(default_factory=dict)
    quiet: bool = False
    _telling: set["asyncio.Task[None]"] = field(default_factory=set)
    _session: aiohttp.ClientSession | None = None
    _runner: web.AppRunner | None = None
    port: int = 0

    async def start(self, port: int = 0) -> None:
        """Listen on loopback; `port` 0 takes a free one, found in `port` afterwards."""
        # Long polls take up to 20 s; nothing here should end them earlier.
        self._session = aiohttp.ClientSession(auto_decompress=False, timeout=aiohttp.ClientTimeout(total=90))
        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening and close the connections to the emulator."""
        if self._runner is not None:
            await self._runner.cleanup()
        for telling in tuple(self._telling):
            telling.cancel()
        if self._session is not None:
            await self._session.close()

    @property
    def url(self) -> str:
        """The endpoint for the daemon and for S3 Control, whose account prefix needs a name, not an address."""
        return f"http://localhost:{self.port}"

    async def _serve(self, request: web.Request) -> web.Response:
        body = await request.read()
        call = _call(request, self._caller(request))
        refused = self._refuse(request, call)
        if refused is not None:
            return refused
        if request.method == "GET" and "requestPayment" in request.query:
            return web.Response(text=_OWNER_PAYS, content_type="application/xml")
        response = await self._forward(request, body)
        if call.service == "sts":
            self._learn(response)
        elif 200 <= response.status < 300 and call.event is not None:
            await self._tell(call, body, request)
        return response

    def _caller(self, request: web.Request) -> Caller:
        match = _CREDENTIAL.search(request.headers.get("Authorization", ""))
        key = match["key"] if match else ""
        return self.callers.get(key, Caller(HOME_ACCOUNT, f"arn:aws:iam::{HOME_ACCOUNT}:user/you"))

    def _learn(self, response: web.Response) -> None:
        """Remember whose the keys are that STS has just given out."""
        text = (response.text or "") if response.body else ""
        key, arn = _KEY_ID.search(text), _ROLE_ARN.search(text)
        if key and arn:
            self.callers[key[1]] = Caller(arn[1].split(":")[4], arn[1])

    def _refuse(self, request: web.Request, call: "Call") -> web.Response | None:
        if request.method == "DELETE" and _DELETES_THE_BUCKET & set(request.query):
            return _error(501, "NotImplemented", "The emulator would delete the whole bucket.")
        refusal = self.refusals.get(call.bucket or "")
        if refusal is None or request.method != "GET" or call.key:
            return None
        operation = next((name for query, name in _READS.items() if query in request.query), "other")
        if operation in refusal.operations or "*" in refusal.operations:
            return _error(403, "AccessDenied", refusal.message)
        return None

    async def _forward(self, request: web.Request, body: bytes) -> web.Response:
        if self._session is None:
            raise web.HTTPServiceUnavailable(text="the front is not started")
        headers = {name: value for name, value in request.headers.items() if name.lower() != "accept-encoding"}
        async with self._session.request(
            request.method,
            self.emulator + _origin_form(request.raw_path),
            headers=headers,
            data=body,
            allow_redirects=False,
        ) as answer:
            kept = {
                name: value
                for name, value in answer.headers.items()
                if name.lower() not in {"content-length", "transfer-encoding", "connection", "content-type"}
            }
            content_type = answer.headers.get("Content-Type", "application/xml")
            return web.Response(
                status=answer.status, headers={**kept, "Content-Type": content_type}, body=await answer.read()
            )

    async def _tell(self, call: "Call", body: bytes, request: web.Request) -> None:
        if call.event == "CreateBucket" and call.bucket:
            constraint = _CONSTRAINT.search(body)
            self.owners[call.bucket] = (call.caller.account, constraint[1].decode() if constraint else "us-east-1")
        owner, region = self.owners.get(call.bucket or "", (call.account or call.caller.account, call.region))
        if not self.quiet:
            telling = asyncio.create_task(self._publish_later(_event(call, owner, region, request, body)))
            self._telling.add(telling)
            telling.add_done_callback(self._telling.discard)
        if call.event == "DeleteBucket":
            self.owners.pop(call.bucket or "", None)

    async def _publish_later(self, event: Mapping[str, object]) -> None:
        await asyncio.sleep(DELAY)
        await self.publish(event)


@dataclass(frozen=True, slots=True)
class Call:
    """What a request asks for. `event` is CloudTrail's name of a changing call, None for all others."""

    service: str
    caller: Caller
    region: str
    bucket: str | None = None
    key: str = ""
    account: str | None = None
    access_point: str | None = None
    event: str | None = None


def _call(request: web.Request, caller: Caller) -> Call:
    scope = _CREDENTIAL.search(request.headers.get("Authorization", ""))
    service, region = (scope["service"], scope["region"]) if scope else ("s3", "us-east-1")
    if service != "s3":
        return Call(service, caller, region)
    if request.path.startswith("/v20180820/"):
        return _control_call(request, caller, region)
    bucket, _, key = request.path.lstrip("/").partition("/")
    event = None if key or not bucket else _bucket_event(request)
    return Call("s3", caller, region, bucket=bucket or None, key=key, event=event)


def _origin_form(target: str) -> str:
    """The path and query of a request target; a client that takes the front for a proxy sends the whole URL."""
    return "/" + target.split("/", 3)[3] if target.startswith("http://") else target


def _control_call(request: web.Request, caller: Caller, region: str) -> Call:
    account = request.headers.get("x-amz-account-id") or request.host.split(".")[0]
    path = _CONTROL_PATH.fullmatch(request.path)
    if path is None:
        return Call("s3", caller, region, account=account)
    event = _control_event(request.method, path)
    return Call("s3", caller, region, account=account, access_point=path["point"], event=event)


def _control_event(method: str, path: re.Match[str]) -> str | None:
    if path["multi"]:
        return _MULTI_REGION[path["multi"]] if method == "POST" else None
    verb = {"PUT": "Put", "DELETE": "Delete"}.get(method)
    if verb is None:
        return None
    if path["block"]:
        return f"{verb}AccountPublicAccessBlock"
    if path["policy"]:
        return f"{verb}AccessPointPolicy"
    return "CreateAccessPoint" if verb == "Put" else "DeleteAccessPoint"


def _bucket_event(request: web.Request) -> str | None:
    verb = {"PUT": "Put", "DELETE": "Delete"}.get(request.method)
    if verb is None:
        return None
    name = next((name for query, name in _SUBRESOURCES.items() if query in request.query), None)
    if name is not None:
        return verb + name
    return {"PUT": "CreateBucket", "DELETE": "DeleteBucket"}[request.method] if not request.query else None


def _event(call: Call, owner: str, region: str, request: web.Request, body: bytes) -> Mapping[str, object]:
    """The EventBridge message that CloudTrail causes for a call (event reference: eventVersion 1.11)."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    host = f"{call.bucket}.s3.{region}" if call.bucket else f"{owner}.s3-control.{region}"
    parameters: dict[str, object] = {"Host": f"{host}.amazonaws.com"}
    resources: list[dict[str, str]] = []
    if call.bucket:
        parameters["bucketName"] = call.bucket
        resources.append({"accountId": owner, "type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{call.bucket}"})
    if call.access_point:
        arn = f"arn:aws:s3:{region}:{owner}:accesspoint/{call.access_point}"
        parameters["name"] = call.access_point
        resources.append({"accountId": owner, "type": "AWS::S3::AccessPoint", "ARN": arn})
    if call.event == "CreateAccessPoint" and (named := _BUCKET.search(body)):
        parameters["CreateAccessPointRequest"] = {"Bucket": named[1].decode()}
    detail: dict[str, object] = {
        "eventVersion": "1.11",
        "userIdentity": _identity(call.caller),
        "eventTime": now,
        "eventSource": "s3.amazonaws.com",
        "eventName": call.event,
        "awsRegion": region,
        "sourceIPAddress": "198.51.100.23",
        "userAgent": f"[{request.headers.get('User-Agent', 'unknown')[:200]}]",
        "requestParameters": parameters,
        "responseElements": None,
        "requestID": uuid.uuid4().hex[:16].upper(),
        "eventID": str(uuid.uuid4()),
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": owner,
        "eventCategory": "Management",
    }
    if resources and call.event != "CreateBucket":
        detail["resources"] = resources
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.s3",
        "account": owner,
        "time": now,
        "region": region,
        "resources": [],
        "detail": detail,
    }


def _identity(caller: Caller) -> Mapping[str, object]:
    kind = "AssumedRole" if ":assumed-role/" in caller.arn else "IAMUser"
    return {"type": kind, "arn": caller.arn, "accountId": caller.account, "principalId": "AIDAEXAMPLE"}


def _error(status: int, code: str, message: str) -> web.Response:
    text = f'<?xml version="1.0"?>\n<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>'
    return web.Response(status=status, text=text, content_type="application/xml")


async def send_to_queue(session: aiohttp.ClientSession, emulator: str, queue_url: str, region: str, body: str) -> None:
    """Put `body` on a queue of the emulator, by the JSON protocol of SQS."""
    headers = {
        "X-Amz-Target": "AmazonSQS.SendMessage",
        "Content-Type": "application/x-amz-json-1.0",
        "Authorization": f"AWS4-HMAC-SHA256 Credential=demo/20260101/{region}/sqs/aws4_request",
    }
    payload = json.dumps({"QueueUrl": queue_url, "MessageBody": body})
    async with session.post(emulator + "/", data=payload, headers=headers) as answer:
        answer.raise_for_status()
