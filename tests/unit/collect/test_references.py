"""Who points at a bucket: kept beside the cache, true to what it holds, and told when it changes."""

from datetime import UTC, datetime

from s3warden.collect.cache import Cache
from s3warden.model.bucket import ABSENT, AccountRef, AccountState, Aspect, BucketRef, BucketState, Present, Reading
from s3warden.model.configuration import (
    NO_BLOCK,
    Logging,
    MultiRegionAccessPoint,
    MultiRegionAccessPoints,
    MultiRegionBucket,
)
from s3warden.model.references import Reference, Use, described

ACCOUNT = AccountRef("aws", "111122223333")
AT = datetime(2026, 11, 24, tzinfo=UTC)
LOGS = ("aws", "logs")


def ref(name: str) -> BucketRef:
    """A bucket of the account."""
    return BucketRef("aws", ACCOUNT.account, "eu-west-1", name)


def logging_to(target: str, source: str = "a", prefix: str = "") -> BucketState:
    """A bucket that logs to `target`."""
    return BucketState(ref(source), AT, {Aspect.LOGGING: Present(Logging(target, prefix))})


def test_who_logs_to_a_bucket_points_at_it() -> None:
    """Each source by name, in order, with its prefix."""
    cache = Cache()
    cache.replace(logging_to("logs", "b"))
    cache.replace(logging_to("logs", "a", "a/"))
    found = cache.referring_to(*LOGS)
    assert [(each.use, each.holder, each.detail) for each in found] == [
        (Use.ACCESS_LOGS, "a", "a/"),
        (Use.ACCESS_LOGS, "b", ""),
    ]
    assert cache.referrers(*LOGS) == {ref("a"), ref("b")}
    assert list(cache.referred_by(ACCOUNT)) == ["logs"]


def test_names_are_told_once_when_their_referrers_change() -> None:
    """A new source, another target, another prefix, the end of a source; nothing where nothing changed."""
    cache = Cache()
    cache.replace(logging_to("logs"))
    assert cache.touched() == {LOGS}
    cache.replace(logging_to("logs"))
    assert cache.touched() == frozenset()
    cache.replace(logging_to("logs", prefix="new/"))
    assert cache.touched() == {LOGS}
    cache.replace(logging_to("other"))
    assert cache.touched() == {LOGS, ("aws", "other")}
    cache.forget(ref("a"))
    assert cache.touched() == {("aws", "other")}
    assert cache.referring_to("aws", "other").items == ()
    assert not list(cache.referred_by(ACCOUNT))


def test_what_can_no_longer_be_read_points_at_nothing() -> None:
    """The source itself says UNKNOWN; its old target must not hold for what nobody knows."""
    cache = Cache()
    cache.replace(logging_to("logs"))
    cache.replace(BucketState(ref("a"), AT, {Aspect.LOGGING: ABSENT}))
    assert cache.referring_to(*LOGS).items == ()


def test_an_account_points_at_buckets_too_and_leaves_with_its_own() -> None:
    """The members of a multi-region access point may be anybody's; a forgotten account points at nothing."""
    cache = Cache()
    point: Reading[object] = Present(
        MultiRegionAccessPoints(
            (
                MultiRegionAccessPoint(
                    "everywhere",
                    "m.mrap",
                    "READY",
                    (MultiRegionBucket("logs", "eu-west-1", "444455556666"),),
                    Present(NO_BLOCK),
                    ABSENT,
                ),
            )
        )
    )
    cache.replace(AccountState(ACCOUNT, AT, {Aspect.MULTI_REGION_ACCESS_POINTS: point}))
    cache.replace(logging_to("logs"))
    assert [each.use for each in cache.referring_to(*LOGS)] == [Use.ACCESS_LOGS, Use.MULTI_REGION]
    cache.forget(ACCOUNT)
    assert cache.referring_to(*LOGS).items == ()
    assert cache.referrers(*LOGS) == frozenset()


def test_references_are_few_words() -> None:
    """A bucket may have a thousand sources; people read some."""
    many = [Reference(Use.ACCESS_LOGS, "logs", ACCOUNT.account, f"b{n}") for n in range(7)]
    assert described(many[:2]) == "access logs of b0, access logs of b1"
    assert described(many).endswith("access logs of b4 and 2 more")
