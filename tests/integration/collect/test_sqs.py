"""Queues over the real wire: the typed calls, and the source with redrive, outage and give-back."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from s3warden.aws.errors import AwsError
from s3warden.aws.session import SessionConfig, Sessions
from s3warden.aws.sqs import QueueAddress, Sqs
from s3warden.collect.sources.sqs import SqsLimits, SqsSource
from s3warden.model.bucket import Cause
from s3warden.model.event import Done, Outcome, Poison
from s3warden.telemetry.metrics import Metrics
from support.faults import FaultProxy
from support.moto import CREDENTIALS, start_moto
from support.queue import FakePulse

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """The URL of an emulated AWS."""
    with start_moto() as url:
        yield url


@pytest.fixture
async def proxy(moto: str) -> AsyncIterator[FaultProxy]:
    """The emulated AWS behind a proxy."""
    async with FaultProxy(moto) as running:
        yield running


@pytest.fixture
async def sessions(proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sessions]:
    """Sessions at home in eu-west-1."""
    for name, value in {**CREDENTIALS, "AWS_CONFIG_FILE": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true"}.items():
        monkeypatch.setenv(name, value)
    async with Sessions(SessionConfig(region="eu-west-1", endpoint_url=proxy.url)) as opened:
        yield opened


async def make_queue(sessions: Sessions, *, max_receives: int | None = None) -> tuple[QueueAddress, QueueAddress]:
    """A new queue and its dead-letter queue."""
    sqs = await sessions.client("sqs")
    number = next(_NUMBERS)
    dead = (await sqs.create_queue(QueueName=f"dead-{number}"))["QueueUrl"]
    arn = (await sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"]))["Attributes"]["QueueArn"]
    policy = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": max_receives})}
    url = (await sqs.create_queue(QueueName=f"events-{number}", Attributes=policy if max_receives else {}))["QueueUrl"]
    return QueueAddress(url, "eu-west-1"), QueueAddress(dead, "eu-west-1")


async def send(sessions: Sessions, queue: QueueAddress, *bodies: str) -> None:
    """Put messages on `queue`."""
    sqs = await sessions.client("sqs")
    for body in bodies:
        await sqs.send_message(QueueUrl=queue.url, MessageBody=body)


async def depth(sessions: Sessions, queue: QueueAddress) -> int:
    """How many messages `queue` holds, hidden ones included."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    sqs = await sessions.client("sqs")
    answer = await sqs.get_queue_attributes(QueueUrl=queue.url, AttributeNames=names)
    return sum(int(answer["Attributes"][name]) for name in names)


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 15) -> None:
    """Wait until `condition` holds."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - what is waited for is on the other side of a wire
            await asyncio.sleep(0.05)


@asynccontextmanager
async def at_work(
    sessions: Sessions, queue: QueueAddress, handle: Callable[[str], Awaitable[Outcome | Poison]]
) -> AsyncIterator[tuple[SqsSource, Metrics, FakePulse]]:
    """A source that polls fast."""
    metrics, health = Metrics(CollectorRegistry()), FakePulse()
    limits = SqsLimits(wait=1, visibility=2, retry_first=1, error_longest=0.2)
    source = SqsSource(queue, Sqs(sessions), handle, limits=limits, metrics=metrics, health=health)
    task = asyncio.create_task(source.run())
    try:
        yield source, metrics, health
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_messages_carry_what_sqs_tells(sessions: Sessions) -> None:
    """Body, receive count and time of sending arrive; a message given back comes again and counts."""
    queue, _ = await make_queue(sessions)
    api = Sqs(sessions)
    await send(sessions, queue, "körper")
    [first] = await api.receive(queue, limit=10, wait=1, visibility=30)
    assert (first.body, first.receive_count) == ("körper", 1)
    assert first.sent_at is not None
    assert abs(datetime.now(UTC) - first.sent_at) < timedelta(minutes=1)
    assert await api.receive(queue, limit=10, wait=0, visibility=30) == []
    assert await api.extend(queue, [first.receipt], 0) == []
    [again] = await api.receive(queue, limit=10, wait=1, visibility=30)
    assert (again.id, again.receive_count) == (first.id, 2)
    assert await api.delete(queue, [again.receipt, again.receipt]) == []
    assert await depth(sessions, queue) == 0


async def test_a_refused_receipt_is_told(sessions: Sessions) -> None:
    """The batch goes through for the good receipt, and the bad one is named."""
    queue, _ = await make_queue(sessions)
    api = Sqs(sessions)
    await send(sessions, queue, "a")
    [message] = await api.receive(queue, limit=1, wait=1, visibility=30)
    assert await api.delete(queue, ["nonsense", message.receipt]) == ["nonsense"]
    assert await depth(sessions, queue) == 0


async def test_attributes_tell_the_redrive_policy(sessions: Sessions) -> None:
    """A queue with a dead-letter queue is told from one without."""
    with_dead, without = await make_queue(sessions, max_receives=3)
    api = Sqs(sessions)
    attributes = await api.attributes(with_dead)
    assert (attributes.redrive, attributes.max_receives, attributes.visibility) == (True, 3, 30)
    assert not (await api.attributes(without)).redrive


async def test_a_missing_queue_is_an_aws_error(sessions: Sessions) -> None:
    """Every call to a queue that does not exist raises the one exception of the package."""
    api = Sqs(sessions)
    queue = QueueAddress((await make_queue(sessions))[0].url + "-missing", "eu-west-1")
    for call in (
        api.receive(queue, limit=1, wait=0, visibility=1),
        api.delete(queue, ["r"]),
        api.extend(queue, ["r"], 0),
        api.attributes(queue),
    ):
        with pytest.raises(AwsError, match=r"NonExistentQueue|QueueDoesNotExist"):
            await call


@pytest.mark.parametrize(
    "entry", ["{}", '{"MessageId":"m"}', '{"ReceiptHandle":"r","Attributes":{"SentTimestamp":"x"}}']
)
async def test_malformed_entries_survive(sessions: Sessions, proxy: FaultProxy, entry: str) -> None:
    """An entry without a receipt is left out; what else is missing is made up for."""
    queue, _ = await make_queue(sessions)
    proxy.answer("ReceiveMessage", body=f'{{"Messages":[{entry}]}}'.encode())
    messages = await Sqs(sessions).receive(queue, limit=1, wait=0, visibility=1)
    assert [(m.id, m.body, m.receive_count, m.sent_at) for m in messages] == (
        [("r", "", 1, None)] if "ReceiptHandle" in entry else []
    )


async def test_a_damaged_answer_is_an_aws_error(sessions: Sessions, proxy: FaultProxy) -> None:
    """An answer that is not what SQS would say is malformed, and no other exception gets out."""
    queue, _ = await make_queue(sessions)
    proxy.answer("ReceiveMessage", body=b'{"Messages":7}')
    with pytest.raises(AwsError) as caught:
        await Sqs(sessions).receive(queue, limit=1, wait=0, visibility=1)
    assert caught.value.cause is Cause.MALFORMED


async def test_the_source_empties_a_queue(sessions: Sessions) -> None:
    """Every message is handled and deleted."""
    queue, _ = await make_queue(sessions)
    bodies: list[str] = []

    async def handle(body: str) -> Outcome:
        bodies.append(body)
        return Done()

    await send(sessions, queue, *[f"m{n}" for n in range(25)])
    async with at_work(sessions, queue, handle) as (source, _, _):
        await until(lambda: _is_empty(sessions, queue))
        await source.drain(asyncio.get_running_loop().time() + 10)
    assert sorted(bodies) == sorted(f"m{n}" for n in range(25))


async def test_poison_ends_in_the_dead_letter_queue(sessions: Sessions) -> None:
    """Poison is left to the redrive policy, which moves it after its receives; good messages go through meanwhile."""
    queue, dead = await make_queue(sessions, max_receives=2)

    async def handle(body: str) -> Outcome | Poison:
        return Poison("not_json") if body == "poison" else Done()

    async with at_work(sessions, queue, handle) as (source, metrics, _):
        await send(sessions, queue, "poison", "good")
        await until(lambda: _is_empty(sessions, queue))
        await source.drain(asyncio.get_running_loop().time() + 10)
    assert await depth(sessions, dead) == 1
    labels = {"queue": queue.label, "reason": "not_json"}
    assert metrics.registry.get_sample_value("s3warden_messages_poison_total", labels) == 2


async def test_work_longer_than_the_visibility_is_done_once(sessions: Sessions) -> None:
    """The heartbeat holds a message for the whole of its work."""
    queue, _ = await make_queue(sessions)
    started: list[str] = []

    async def handle(body: str) -> Outcome:
        started.append(body)
        await asyncio.sleep(5)
        return Done()

    await send(sessions, queue, "slow")
    async with at_work(sessions, queue, handle) as (source, _, _):
        await until(lambda: _is_empty(sessions, queue))
        await source.drain(asyncio.get_running_loop().time() + 10)
    assert started == ["slow"]


async def test_the_source_outlives_an_outage(sessions: Sessions, proxy: FaultProxy) -> None:
    """A queue that is denied at first is shown as down, and is read as soon as it may be."""
    queue, _ = await make_queue(sessions)
    await send(sessions, queue, "m")
    proxy.deny("ReceiveMessage")

    async def handle(body: str) -> Outcome:
        return Done()

    async with at_work(sessions, queue, handle) as (source, metrics, health):
        condition = f"queue:{queue.label}"
        await until(lambda: _holds(lambda: "AccessDenied" in str(health.conditions.get(condition))))
        assert metrics.registry.get_sample_value("s3warden_queue_up", {"queue": queue.label}) == 0
        proxy.clear()
        await until(lambda: _is_empty(sessions, queue))
        assert health.conditions[condition] == (True, "")
        await source.drain(asyncio.get_running_loop().time() + 10)


async def test_a_drain_gives_back_over_the_wire(sessions: Sessions) -> None:
    """What did not end in time can be received by another at once."""
    queue, _ = await make_queue(sessions)
    taken = asyncio.Event()

    async def handle(body: str) -> Outcome:
        taken.set()
        await asyncio.sleep(600)
        return Done()

    await send(sessions, queue, "m")
    async with at_work(sessions, queue, handle) as (source, _, _):
        await asyncio.wait_for(taken.wait(), 10)
        await source.drain(asyncio.get_running_loop().time() + 4)
        [message] = await Sqs(sessions).receive(queue, limit=1, wait=0, visibility=30)
    assert message.body == "m"


async def _is_empty(sessions: Sessions, queue: QueueAddress) -> bool:
    return await depth(sessions, queue) == 0


async def _holds(condition: Callable[[], bool]) -> bool:
    return condition()
