"""The fake AWS of the acceptance tests, spoken to by the SDK: a fake that answers wrongly would prove nothing."""

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from s3warden.aws.calls import Backoff, Calls
from s3warden.aws.errors import AwsError
from s3warden.aws.estate import Estate, Scope
from s3warden.aws.limiter import Limiter
from s3warden.aws.s3 import S3Reader
from s3warden.aws.session import SessionConfig, Sessions
from s3warden.aws.sns import Sns
from s3warden.aws.sqs import QueueAddress, Sqs
from s3warden.collect.aspects import ASPECTS
from s3warden.collect.fetch import Fetch
from s3warden.collect.parser import parse
from s3warden.model.bucket import (
    ABSENT,
    BUCKET_ASPECTS,
    AccountRef,
    Aspect,
    BucketRef,
    Present,
    Unreadable,
)
from s3warden.model.configuration import ALL_USERS, PolicyStatus, PublicAccessBlock
from s3warden.model.event import Refresh
from support.cloud import ALL_ON, HOME, PUBLIC_READ, FakeCloud, change, keys, wrapped

# What S3 and S3 Control tell; the fake knows no other service.
OWN = BUCKET_ASPECTS & (ASPECTS.keys() | {Aspect.ACCESS_POINTS})
OWN_OF_ACCOUNTS = frozenset({Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK, Aspect.MULTI_REGION_ACCESS_POINTS})

OTHER = "700000000002"


@pytest.fixture
async def cloud(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeCloud]:
    """A fake AWS with two accounts, and the keys of the first in the environment."""
    for name, value in keys().items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    async with FakeCloud() as running:
        running.world.accounts[OTHER] = ALL_ON
        yield running


@pytest.fixture
async def sessions(cloud: FakeCloud) -> AsyncIterator[Sessions]:
    """The SDK, pointed at the fake."""
    async with Sessions(SessionConfig(endpoint_url=cloud.url, read_timeout=5)) as opened:
        yield opened


@pytest.fixture
def calls(sessions: Sessions) -> Calls:
    """Calls that retry at once."""
    return Calls(sessions, Limiter(total=50), backoff=Backoff(attempts=2, first=0.001))


def _ref(name: str, account: str = HOME) -> BucketRef:
    return BucketRef("aws", account, "eu-west-1", name)


async def test_every_aspect_can_be_read(cloud: FakeCloud, calls: Calls) -> None:
    """A bucket with everything set, one with nothing set: no read is unreadable, and the values are the world's."""
    (full, bare) = cloud.world.add("full", "bare", account=OTHER)
    full.grants, full.block = [PUBLIC_READ], (True, False, True, False)
    full.publish_by_policy()
    bare.ownership, bare.algorithm, bare.tags, bare.logs_to, bare.versioning = None, None, {}, None, ""
    fetch = Fetch(S3Reader(calls))
    states = [await fetch.bucket(_ref(name, OTHER), OWN) for name in ("full", "bare")]
    unreadable = [r for state in states for r in state.readings.values() if isinstance(r, Unreadable)]
    assert unreadable == []
    assert states[0].reading(Aspect.POLICY_STATUS) == Present(PolicyStatus(is_public=True))
    assert states[0].reading(Aspect.PUBLIC_ACCESS_BLOCK) == Present(PublicAccessBlock(True, False, True, False))
    acl = states[1].reading(Aspect.ACL)
    assert isinstance(acl, Present)
    assert ALL_USERS not in str(acl.value)
    for aspect in (Aspect.OWNERSHIP, Aspect.ENCRYPTION, Aspect.TAGGING, Aspect.POLICY, Aspect.LOGGING):
        assert states[1].reading(aspect) == ABSENT
    accounts = [await fetch.account(AccountRef("aws", id_), OWN_OF_ACCOUNTS) for id_ in (HOME, OTHER)]
    assert [state.reading(Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK) for state in accounts] == [
        ABSENT,
        Present(PublicAccessBlock(True, True, True, True)),
    ]


async def test_public_grants_are_shown_only_in_effect(cloud: FakeCloud, calls: Calls) -> None:
    """As in S3, a grant vanishes from the answer while the account ignores public ACLs."""
    cloud.world.add("shown", grants=[PUBLIC_READ])
    cloud.world.add("hidden", account=OTHER, grants=[PUBLIC_READ])
    fetch = Fetch(S3Reader(calls))
    shown = await fetch.bucket(_ref("shown"), {Aspect.ACL})
    hidden = await fetch.bucket(_ref("hidden", OTHER), {Aspect.ACL})
    assert ALL_USERS in str(shown.reading(Aspect.ACL))
    assert ALL_USERS not in str(hidden.reading(Aspect.ACL))


async def test_the_estate_is_listed_page_by_page(cloud: FakeCloud, sessions: Sessions, calls: Calls) -> None:
    """More buckets than a page holds, in two accounts, each listed by its own account's role."""
    cloud.world.add(*(f"b-{number:04d}" for number in range(1005)))
    cloud.world.add("elsewhere", account=OTHER, region="us-east-1")
    estate = Estate(sessions, calls, Scope(accounts=(HOME, OTHER)))
    listings = [await estate.listing(account) for account in await estate.accounts()]
    assert [len(listing.buckets) for listing in listings] == [1005, 1]
    assert listings[1].buckets[0].region == "us-east-1"
    assert all(listing.complete for listing in listings)
    assert await estate.enabled_regions(AccountRef("aws", HOME)) == {"eu-west-1", "us-east-1"}


async def test_faults_strike_as_told(cloud: FakeCloud, calls: Calls) -> None:
    """Denied, throttled, cut, foreign, gone and not ours: each is told apart by the reader."""
    cloud.world.add("locked", "slow", "cut")
    cloud.world.add("foreign", account=OTHER)
    cloud.deny("GetBucketAcl", bucket="locked")
    cloud.throttle("GetBucketAcl", bucket="slow", times=1)
    cloud.drop("GetBucketAcl", bucket="cut")
    reader = S3Reader(calls)
    assert await reader.bucket(_ref("slow"), "GetBucketAcl")
    found = {}
    for name in ("locked", "cut", "foreign", "gone"):
        with pytest.raises(AwsError) as caught:
            await reader.bucket(_ref(name), "GetBucketAcl")
        found[name] = caught.value.cause.value, caught.value.gone
    assert found["locked"] == found["foreign"] == ("denied", False)
    assert found["cut"] == ("unreachable", False)
    assert found["gone"] == ("error", True)
    with pytest.raises(AwsError):
        await reader.account(AccountRef("aws", "700000000003"), "GetPublicAccessBlock")


async def test_messages_come_back_and_end_in_the_dead_letter_queue(cloud: FakeCloud, sessions: Sessions) -> None:
    """What is deleted is gone; what is not comes back after its visibility, twice, and is then moved."""
    queue = cloud.queue("events", max_receives=2)
    address, api = QueueAddress(cloud.queue_url("events"), "eu-west-1"), Sqs(sessions)
    assert (await api.attributes(address)).max_receives == 2
    queue.send("good")
    queue.send("bad")
    first = await api.receive(address, limit=10, wait=1, visibility=30)
    assert [(m.body, m.receive_count) for m in first] == [("good", 1), ("bad", 1)]
    assert await api.delete(address, [first[0].receipt]) == []
    assert await api.extend(address, [first[0].receipt, first[1].receipt], 0) == [first[0].receipt]
    again = await api.receive(address, limit=10, wait=1, visibility=30)
    assert [(m.body, m.receive_count) for m in again] == [("bad", 2)]
    assert await api.delete(address, [first[1].receipt]) == [], "an old receipt is no error"
    queue.hasten()
    assert await api.receive(address, limit=10, wait=0, visibility=30) == []
    assert queue.is_empty
    assert queue.dead_letters is not None
    assert [m.body for m in queue.dead_letters.messages.values()] == ["bad"]


async def test_a_long_poll_ends_with_the_first_message(cloud: FakeCloud, sessions: Sessions) -> None:
    """A poll of twenty seconds sees a message whose hiding ends after one."""
    queue = cloud.queue("events")
    address, api = QueueAddress(cloud.queue_url("events"), "eu-west-1"), Sqs(sessions)
    queue.send("x")
    assert await api.receive(address, limit=1, wait=0, visibility=1)
    began = time.monotonic()
    assert await api.receive(address, limit=1, wait=20, visibility=1)
    assert 0.5 < time.monotonic() - began < 10
    with pytest.raises(AwsError) as caught:
        await api.receive(QueueAddress(cloud.queue_url("nowhere"), "eu-west-1"), limit=1, wait=0, visibility=1)
    assert caught.value.code.endswith("NonExistentQueue") or caught.value.code.endswith("QueueDoesNotExist")


async def test_topics_record_what_is_published(cloud: FakeCloud, sessions: Sessions) -> None:
    """Subject, body and attributes arrive."""
    topic = "arn:aws:sns:eu-west-1:700000000001:alerts"
    await Sns(sessions).publish(topic, subject="s", message="{}", attributes={"severity": "high"})
    (published,) = cloud.published
    assert (published.topic, published.subject, published.attributes) == (topic, "s", {"severity": "high"})


def test_events_are_what_the_parser_reads() -> None:
    """A told change names the bucket with its owner and region, bare and wrapped by SNS."""
    (bucket,) = FakeCloud().world.add("invented-ledger", region="eu-central-1")
    for body in (change(bucket, "PutBucketAcl"), wrapped(change(bucket, "PutBucketAcl", datetime.now(UTC)))):
        parsed = parse(body)
        assert isinstance(parsed, Refresh)
        (target,) = parsed.targets
        assert (target.account, target.region, target.bucket) == (HOME, "eu-central-1", "invented-ledger")
