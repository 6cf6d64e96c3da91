"""What a bucket's settings point at, read once for all who point there, and from what is known where that is enough."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from s3warden.collect.cache import Cache
from s3warden.collect.derived import TARGET_ASPECTS
from s3warden.collect.fetch import Fetch
from s3warden.model.bucket import (
    ABSENT,
    AccountRef,
    AccountState,
    Aspect,
    BucketRef,
    BucketState,
    Cause,
    Present,
    Reading,
    Unreadable,
)
from s3warden.model.configuration import Logging, RequestPayment
from s3warden.model.event import Listing
from s3warden.model.origins import DnsRecord, DnsRecords, DnsZone
from s3warden.model.references import Destinations, LogTarget, Standing, Use
from s3warden.model.storage import Replication, ReplicationRule
from support.services import FORBIDDEN, MISSING, THROTTLED, Services

ACCOUNT = AccountRef("aws", "111122223333")
AT = datetime(2026, 11, 24, tzinfo=UTC)
TO_LOGS: Mapping[Aspect, Reading[object]] = {Aspect.LOGGING: Present(Logging("logs"))}
OWN = {
    "bucket GetBucketAcl": {"Owner": {"ID": "o"}, "Grants": []},
    "bucket GetBucketRequestPayment": {"Payer": "BucketOwner"},
    "bucket GetBucketLogging": {},
}


def ref(name: str) -> BucketRef:
    """A bucket of the account."""
    return BucketRef("aws", ACCOUNT.account, "eu-west-1", name)


def state(name: str, readings: Mapping[Aspect, Reading[object]]) -> BucketState:
    """A bucket with these readings."""
    return BucketState(ref(name), AT, readings)


def fetch(aws: Services, *names: str) -> Fetch:
    """Reads through `aws`; the account has buckets of these names."""
    found = Fetch(aws, lambda: AT)
    found.neighbours.owners.guard([ACCOUNT])
    found.neighbours.owners.listed(Listing(ACCOUNT, tuple(map(ref, names))))
    return found


async def target_of(found: Fetch, source: str = "source") -> Any:
    """The log target of a bucket."""
    after = await found.bucket(ref(source), [Aspect.LOG_TARGET], state(source, TO_LOGS))
    return after.reading(Aspect.LOG_TARGET)


async def test_thousand_sources_of_one_target_read_it_once() -> None:
    """Seven settings of the target, whoever logs there."""
    aws = Services(OWN)
    found = fetch(aws, "logs")
    readings = [await target_of(found, f"b{n}") for n in range(1000)]
    assert isinstance(readings[0], Present)
    assert all(reading == readings[0] for reading in readings)
    assert dict(readings[0].value.settings.items).keys() == TARGET_ASPECTS
    assert len(aws.asked) == len(TARGET_ASPECTS)
    assert {asked.params["Bucket"] for asked in aws.asked} == {"logs"}


async def test_what_the_cache_knows_is_not_asked() -> None:
    """The latest look at the target counts, and only what no rule reads otherwise is read for it."""
    aws, cache = Services(OWN), Cache()
    found = fetch(aws, "logs")
    found.neighbours.beside(cache)
    payer = Present(RequestPayment("Requester"))
    cache.replace(state("logs", {**dict.fromkeys(TARGET_ASPECTS, ABSENT), Aspect.REQUEST_PAYMENT: payer}))
    reading = await target_of(found)
    assert dict(reading.value.settings.items)[Aspect.REQUEST_PAYMENT] == payer
    assert aws.asked == []
    cache.replace(state("logs", dict.fromkeys(TARGET_ASPECTS - {Aspect.OBJECT_LOCK}, ABSENT)))
    await target_of(found)
    assert [asked.what for asked in aws.asked] == ["bucket GetObjectLockConfiguration"]


async def test_target_is_read_anew_where_that_is_asked() -> None:
    """A plan rests on nothing that is remembered."""
    aws, cache = Services(OWN), Cache()
    found = fetch(aws, "logs")
    found.neighbours.beside(cache, anew=True)
    cache.replace(state("logs", dict.fromkeys(TARGET_ASPECTS, ABSENT)))
    await target_of(found)
    assert len(aws.asked) == len(TARGET_ASPECTS)


async def test_target_that_is_not_ours_is_not_read() -> None:
    """Nobody's, or a stranger's: its settings are not ours to ask for."""
    gone = fetch(Services({"s3 HeadBucket": MISSING}))
    assert await target_of(gone) == Present(LogTarget("logs", Present(Standing("logs", exists=False))))
    taken = fetch(Services({"s3 HeadBucket": FORBIDDEN, "s3 ListBuckets": {"Buckets": []}}))
    assert await target_of(taken) == Present(LogTarget("logs", Present(Standing("logs", exists=True))))


async def test_no_logging_no_target() -> None:
    """Absent stays absent, unreadable stays unreadable."""
    found = fetch(Services())
    for reading in (ABSENT, Unreadable(Cause.SCP, "no")):
        after = await found.bucket(ref("b"), [Aspect.LOG_TARGET], state("b", {Aspect.LOGGING: reading}))
        assert after.reading(Aspect.LOG_TARGET) == reading


async def test_parts_of_a_target_that_fail_are_told() -> None:
    """So the verdict is unknown, and what passes is tried again."""
    aws = Services({**OWN, "bucket GetBucketPolicy": THROTTLED})
    found = fetch(aws, "logs")
    reading = await target_of(found)
    assert Cause.THROTTLED in {part.cause for part in reading.value.unreadable}
    await target_of(found)
    assert aws.count("bucket GetBucketPolicy") == 2


async def test_destinations_have_their_standing() -> None:
    """Each bucket once, with the owner that the rule names for it."""
    rules = (
        ReplicationRule(True, "arn:aws:s3:::replica", id="a"),
        ReplicationRule(True, "arn:aws:s3:::replica", id="b"),
        ReplicationRule(True, "arn:aws:s3:::gone", id="c", account="444455556666"),
        ReplicationRule(False, "arn:aws:s3:::off", id="d"),
    )
    aws = Services({"s3 HeadBucket": MISSING})
    found = fetch(aws, "replica")
    before = state("b", {Aspect.REPLICATION: Present(Replication("role", rules))})
    reading = (await found.bucket(ref("b"), [Aspect.REPLICATION_DESTINATIONS], before)).reading(
        Aspect.REPLICATION_DESTINATIONS
    )
    assert isinstance(reading, Present)
    assert isinstance(reading.value, Destinations)
    assert [(each.name, len(each.references), each.standing) for each in reading.value] == [
        ("gone", 1, Present(Standing("gone", exists=False))),
        ("replica", 2, Present(Standing("replica", True, ACCOUNT.account, "eu-west-1"))),
    ]
    assert aws.count("s3 HeadBucket") == 1


async def test_outside_names_are_those_that_no_guarded_account_has() -> None:
    """Records and distributions of the account, and what its buckets log to; our own buckets are no news.

    Nor are names that no bucket can have.
    """
    cache = Cache()
    found = fetch(Services({"s3 HeadBucket": MISSING}), "ours.example.com")
    found.neighbours.beside(cache)
    cache.replace(state("source", TO_LOGS))
    names = ("gone", "ours", "*", "_underscored", "x" * 60)
    records = tuple(DnsRecord(f"{name}.example.com", "s3", "example.com") for name in names)
    known = {Aspect.DNS_RECORDS: Present(DnsRecords((DnsZone("example.com", Present(records)),)))}
    after = await found.account(ACCOUNT, [Aspect.OUTSIDE_NAMES], AccountState(ACCOUNT, AT, known))
    reading = after.reading(Aspect.OUTSIDE_NAMES)
    assert isinstance(reading, Present)
    assert isinstance(reading.value, Destinations)
    assert [(each.name, [r.use for r in each.references]) for each in reading.value] == [
        ("gone.example.com", [Use.DNS]),
        ("logs", [Use.ACCESS_LOGS]),
    ]
    assert all(each.standing == Present(Standing(each.name, exists=False)) for each in reading.value)
