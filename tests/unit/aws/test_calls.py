"""Trying again: how often, how long, and with what said to the limiter."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError
from hypothesis import given
from hypothesis import strategies as st

from s3warden.aws.calls import Backoff, Calls
from s3warden.aws.errors import AwsError
from s3warden.aws.limiter import Aimd, Limiter
from s3warden.model.bucket import AccountRef, Cause

ACCOUNT = AccountRef("aws", "111122223333")


def _refusal(code: str, status: int, **headers: str) -> ClientError:
    metadata: Any = {"HTTPStatusCode": status, "HTTPHeaders": headers}
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": metadata}, "GetBucketAcl")


class FakeClient:
    """A client that answers from a script, and records what it was asked."""

    def __init__(self, *script: object) -> None:
        self.script = list(script)
        self.asked: list[dict[str, object]] = []

    async def get_bucket_acl(self, **params: object) -> object:
        """The next answer of the script."""
        self.asked.append(params)
        answer = self.script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class FakeClients:
    """Gives out one client and records for whom."""

    home_region = "eu-west-1"

    def __init__(self, client: FakeClient) -> None:
        self._client = client
        self.given: list[tuple[str, str | None, str | None]] = []

    async def offers(self, _service: str, region: str) -> bool:
        """On earth."""
        return region != "moon-1"

    async def client(self, service: str, *, region: str | None = None, account: str | None = None) -> FakeClient:
        """The one client."""
        self.given.append((service, region, account))
        return self._client


class Harness:
    """Calls over a script, without real waiting."""

    def __init__(self, *script: object) -> None:
        self.client = FakeClient(*script)
        self.clients = FakeClients(self.client)
        self.limiter = Limiter(policy=Aimd(limit=8))
        self.waits: list[float] = []
        self.calls = Calls(self.clients, self.limiter, sleep=self._sleep, chance=lambda: 0.5)

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def ask(self, service: str = "s3", region: str = "us-east-1") -> object:
        """One read of an ACL."""
        return await self.calls.ask(ACCOUNT, service, "GetBucketAcl", region=region, Bucket="b")


async def test_an_answer_comes_without_the_sdk_s_metadata() -> None:
    """What AWS said is handed on, what the SDK adds is not."""
    harness = Harness({"Grants": [], "ResponseMetadata": {"HTTPStatusCode": 200}})
    assert await harness.ask() == {"Grants": []}
    assert harness.clients.given == [("s3", "us-east-1", "111122223333")]
    assert harness.client.asked == [{"Bucket": "b"}]
    assert harness.waits == []


async def test_passing_trouble_is_ridden_out() -> None:
    """Throttling, a server's error and a lost connection are tried again, each time with a longer wait."""
    trouble = [_refusal("SlowDown", 503), _refusal("InternalError", 500), EndpointConnectionError(endpoint_url="x")]
    harness = Harness(*trouble, {"Grants": []})
    assert await harness.ask() == {"Grants": []}
    assert harness.waits == [0.2, 0.4, 0.8]
    assert harness.limiter.limit(ACCOUNT) == 4


async def test_service_that_is_not_in_a_region_is_not_asked_again_and_again() -> None:
    """Nobody answers there, and nobody will; S3 is in every region, so there it passes."""
    lost = EndpointConnectionError(endpoint_url="x")
    nowhere = Harness(lost)
    with pytest.raises(AwsError, match="knows no macie2 in moon-1") as caught:
        await nowhere.ask("macie2", "moon-1")
    assert (caught.value.cause, nowhere.waits) == (Cause.REGION_OFF, [])
    for service, region in (("macie2", "us-east-1"), ("s3", "moon-1")):
        assert await Harness(lost, {}).ask(service, region) == {}


@pytest.mark.parametrize("late", [ReadTimeoutError(endpoint_url="x"), ConnectTimeoutError(endpoint_url="x")])
async def test_a_timeout_does_not_say_that_a_service_is_not_there(late: Exception) -> None:
    """Somebody may be there who is slow: what the SDK does not know of may be asked again, and is never "none"."""
    assert await Harness(late, {}).ask("macie2", "moon-1") == {}


async def test_what_will_not_pass_is_not_tried_again() -> None:
    """A refusal is final, and costs one call."""
    harness = Harness(_refusal("AccessDenied", 403))
    with pytest.raises(AwsError) as caught:
        await harness.ask()
    assert caught.value.cause is Cause.DENIED
    assert len(harness.client.asked) == 1
    assert harness.limiter.limit(ACCOUNT) == 8


async def test_tries_are_bounded() -> None:
    """After the last try the error gets out as it is."""
    harness = Harness(*[_refusal("SlowDown", 503)] * 10)
    with pytest.raises(AwsError) as caught:
        await harness.ask()
    assert caught.value.throttled
    assert len(harness.client.asked) == 4


async def test_retry_after_is_heeded() -> None:
    """AWS's own wish for a wait counts more than our shorter one."""
    harness = Harness(_refusal("SlowDown", 503, **{"retry-after": "3"}), {})
    await harness.ask()
    assert harness.waits == [3.0]


@given(st.integers(1, 50), st.floats(0, 1), st.none() | st.floats(0, 1e9))
def test_no_wait_is_longer_than_the_longest(attempt: int, fraction: float, retry_after: float | None) -> None:
    """Neither many tries nor an absurd Retry-After stalls a worker."""
    backoff = Backoff()
    assert 0 <= backoff.wait(attempt, fraction, retry_after) <= backoff.longest
