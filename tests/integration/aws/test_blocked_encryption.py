"""The block of SSE-C on the wire: S3's answer is read whole, and what is written is what S3 documents."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from s3warden.aws.calls import Calls
from s3warden.aws.limiter import Limiter
from s3warden.aws.s3 import S3Reader
from s3warden.aws.session import SessionConfig, Sessions
from s3warden.collect.fetch import Fetch
from s3warden.model.bucket import Aspect, BucketRef, Present
from s3warden.model.configuration import Encryption, EncryptionRule

REF = BucketRef("aws", "123456789012", "eu-west-1", "invented-ledger")
BLOCKED = (
    '<ServerSideEncryptionConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Rule>'
    "<ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault>"
    "<BucketKeyEnabled>true</BucketKeyEnabled>"
    "<BlockedEncryptionTypes><EncryptionType>SSE-C</EncryptionType></BlockedEncryptionTypes>"
    "</Rule></ServerSideEncryptionConfiguration>"
)
STS = (
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    "<Arn>arn:aws:sts::123456789012:assumed-role/s3warden/x</Arn><UserId>x</UserId><Account>123456789012</Account>"
    "</GetCallerIdentityResult></GetCallerIdentityResponse>"
)


class Store:
    """An S3 that keeps one document word for word."""

    def __init__(self) -> None:
        self.document = BLOCKED
        self.url = ""

    async def serve(self, request: web.BaseRequest) -> web.Response:
        """Keep what is put, answer what is kept."""
        if request.method == "POST":
            return web.Response(text=STS, content_type="text/xml")
        if request.method == "PUT":
            self.document = await request.text()
            return web.Response()
        return web.Response(text=self.document, content_type="application/xml")


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    """The store, served on the loopback interface."""
    store = Store()
    runner = web.ServerRunner(web.Server(store.serve), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    store.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield store
    await runner.cleanup()


@pytest.fixture
async def sessions(store: Store) -> AsyncIterator[Sessions]:
    """Sessions that reach the store."""
    async with Sessions(SessionConfig(region="eu-west-1", endpoint_url=store.url)) as opened:
        yield opened


async def test_the_block_is_read(sessions: Sessions) -> None:
    """The SDK's own description of the answer lacks the part; ours adds it."""
    state = await Fetch(S3Reader(Calls(sessions, Limiter()))).bucket(REF, [Aspect.ENCRYPTION])
    rule = EncryptionRule("AES256", bucket_key=True, blocked_types=("SSE-C",))
    assert state.reading(Aspect.ENCRYPTION) == Present(Encryption((rule,)))


async def test_what_was_read_can_be_written_back(store: Store, sessions: Sessions) -> None:
    """Writing the answer back makes the same document, so that a fix of something else does not lift the block."""
    s3 = await sessions.client("s3")
    answer = await s3.get_bucket_encryption(Bucket=REF.name)
    configuration = answer["ServerSideEncryptionConfiguration"]
    await s3.put_bucket_encryption(Bucket=REF.name, ServerSideEncryptionConfiguration=configuration)
    assert store.document == BLOCKED
    unblocked = {"Rules": [{**configuration["Rules"][0], "BlockedEncryptionTypes": {"EncryptionType": ["NONE"]}}]}
    await s3.put_bucket_encryption(Bucket=REF.name, ServerSideEncryptionConfiguration=unblocked)
    assert store.document == BLOCKED.replace("SSE-C", "NONE")
