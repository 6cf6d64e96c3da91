"""Calls that the SDK does not know by itself, on the wire: asked as AWS documents them, answers read whole."""

import json
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from s3warden.aws.calls import Calls
from s3warden.aws.limiter import Limiter
from s3warden.aws.s3 import S3Reader
from s3warden.aws.session import SessionConfig, Sessions
from s3warden.aws.writing import Writing
from s3warden.collect.fetch import Fetch
from s3warden.correct.remedy import Edit
from s3warden.correct.steps import step
from s3warden.model.bucket import ABSENT, AccountRef, Aspect, BucketRef, Present, Regional
from s3warden.model.configuration import Abac, Policy
from s3warden.model.other_buckets import FileSystem, FileSystems, TableReplication, TableReplications

ACCOUNT = AccountRef("aws", "123456789012")
REGION = "eu-west-1"
STS = (
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    "<Arn>arn:aws:sts::123456789012:assumed-role/s3warden/x</Arn><UserId>x</UserId><Account>123456789012</Account>"
    "</GetCallerIdentityResult></GetCallerIdentityResponse>"
)


class Aws:
    """Answers by path and query, in JSON or as XML; 404 with the error `missing` where there is none.

    What is put is kept, and what is deleted goes, as method, path and body.
    """

    def __init__(self) -> None:
        self.answers: dict[str, object] = {}
        self.written: list[tuple[str, str, str]] = []
        self.missing = "NotFoundException"
        self.url = ""

    async def serve(self, request: web.BaseRequest) -> web.Response:
        """The answer kept for the request."""
        if request.method == "POST":
            return web.Response(text=STS, content_type="text/xml")
        if request.method in ("PUT", "DELETE"):
            self.written.append((request.method, request.path, await request.text()))
            return web.Response(status=200 if request.method == "PUT" else 204)
        answer = self.answers.get(str(request.rel_url.human_repr()))
        if answer is None:
            headers = {"x-amzn-ErrorType": self.missing}
            return web.json_response({"message": "nothing there"}, status=404, headers=headers)
        if isinstance(answer, str):
            return web.Response(text=answer, content_type="application/xml")
        return web.Response(text=json.dumps(answer), content_type="application/json")


@pytest.fixture
async def aws() -> AsyncIterator[Aws]:
    """The services, served on the loopback interface."""
    aws = Aws()
    runner = web.ServerRunner(web.Server(aws.serve), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    aws.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield aws
    await runner.cleanup()


@pytest.fixture
async def fetch(aws: Aws) -> AsyncIterator[Fetch]:
    """What reads through the SDK."""
    async with Sessions(SessionConfig(region=REGION, endpoint_url=aws.url)) as sessions:
        yield Fetch(S3Reader(Calls(sessions, Limiter())))


@pytest.mark.parametrize(
    ("region", "host"),
    [("eu-west-1", "s3files.eu-west-1.api.aws"), ("cn-north-1", "s3files.cn-north-1.api.amazonwebservices.com.cn")],
)
async def test_hosts_of_file_systems(region: str, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of AWS's own rules for the endpoints of the service."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    async with Sessions(SessionConfig(region=region)) as sessions:
        client = await sessions.client("s3files", region=region)
        url = await client.generate_presigned_url("list_file_systems")
    assert urlsplit(url).netloc == host


async def test_replication_of_table_buckets(aws: Aws, fetch: Fetch) -> None:
    """The ARN goes into the query; a table bucket without a configuration is answered with NotFoundException."""
    one, two = (f"arn:aws:s3tables:{REGION}:{ACCOUNT.account}:bucket/{name}" for name in ("one", "two"))
    copy = "arn:aws:s3tables:us-east-1:444455556666:bucket/copy"
    rules = [{"destinations": [{"destinationTableBucketARN": copy}]}]
    aws.answers = {
        "/buckets": {"tableBuckets": [{"arn": one, "name": "one"}, {"arn": two, "name": "two"}]},
        f"/table-bucket-replication?tableBucketARN={one}": {"versionToken": "1", "configuration": {"rules": rules}},
    }
    state = await fetch.account(ACCOUNT, [Aspect.TABLE_REPLICATIONS], regions=[REGION])
    found = (TableReplication("one", one, Present((copy,))), TableReplication("two", two, ABSENT))
    reading = Present(TableReplications(found))
    assert state.reading(Aspect.TABLE_REPLICATIONS) == Present(Regional(((REGION, reading),)))


async def test_file_systems_and_their_policies(aws: Aws, fetch: Fetch) -> None:
    """The list in pages; the id goes into the path; one without a policy is answered with ResourceNotFoundException."""
    one, two = "fs-00000000000000001", "fs-00000000000000002"

    def arn(name: str) -> str:
        return f"arn:aws:s3files:{REGION}:{ACCOUNT.account}:file-system/{name}"

    def item(name: str) -> dict[str, str]:
        return {"fileSystemId": name, "fileSystemArn": arn(name), "bucket": "arn:aws:s3:::invented-ledger"}

    aws.missing = "ResourceNotFoundException"
    aws.answers = {
        "/file-systems": {"fileSystems": [item(one)], "nextToken": "more"},
        "/file-systems?nextToken=more": {"fileSystems": [item(two)]},
        f"/file-systems/{one}/policy": {"fileSystemId": one, "policy": "{}"},
    }
    state = await fetch.account(ACCOUNT, [Aspect.FILE_SYSTEMS], regions=[REGION])
    found = (
        FileSystem(one, arn(one), "invented-ledger", Present(Policy("{}"))),
        FileSystem(two, arn(two), "invented-ledger", ABSENT),
    )
    assert state.reading(Aspect.FILE_SYSTEMS) == Present(Regional(((REGION, Present(FileSystems(found))),)))


async def test_policies_of_file_systems_are_put_and_deleted(aws: Aws) -> None:
    """By the calls that a fix makes and takes back; the answers to them have no body."""
    name = "fs-00000000000000001"
    place = f"arn:aws:s3files:{REGION}:{ACCOUNT.account}:file-system/{name}"
    changed = step(Edit(Aspect.FILE_SYSTEMS, {"policy": '{"new": 1}'}, "x", place), {"policy": '{"old": 1}'}, ACCOUNT)
    gone = step(Edit(Aspect.FILE_SYSTEMS, None, "x", place), {"policy": '{"old": 1}'}, ACCOUNT)
    async with Sessions(SessionConfig(region=REGION, endpoint_url=aws.url)) as sessions:
        writing = Writing(Calls(sessions, Limiter()))
        for call in (changed.call, changed.inverse, gone.call, gone.inverse):
            await writing.make(ACCOUNT, call)
    path = f"/file-systems/{name}/policy"
    assert [(method, at, json.loads(body or "null")) for method, at, body in aws.written] == [
        ("PUT", path, {"policy": '{"new": 1}'}),
        ("PUT", path, {"policy": '{"old": 1}'}),
        ("DELETE", path, None),
        ("PUT", path, {"policy": '{"old": 1}'}),
    ]


@pytest.mark.parametrize(("status", "enabled"), [("Enabled", True), ("Disabled", False)])
async def test_attribute_based_access_control(status: str, enabled: bool, aws: Aws, fetch: Fetch) -> None:
    """A sub-resource of the bucket like any."""
    ref = BucketRef("aws", ACCOUNT.account, REGION, "invented-ledger")
    namespace = "http://s3.amazonaws.com/doc/2006-03-01/"
    aws.answers = {"/invented-ledger?abac=": f'<AbacStatus xmlns="{namespace}"><Status>{status}</Status></AbacStatus>'}
    state = await fetch.bucket(ref, [Aspect.ABAC])
    assert state.reading(Aspect.ABAC) == Present(Abac(enabled=enabled))
