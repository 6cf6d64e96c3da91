"""The cache: latest states, equal values held once, nothing kept of what is gone."""

import gc
import tracemalloc
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from s3warden.collect.cache import Cache, Pool
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
from s3warden.model.configuration import (
    NO_BLOCK,
    Acl,
    Encryption,
    EncryptionRule,
    Grant,
    GranteeKind,
    Ownership,
    Policy,
    PublicAccessBlock,
    Tags,
    Versioning,
)

AT = datetime(2026, 11, 1, tzinfo=UTC)
ONE = AccountRef("aws", "111111111111")
TWO = AccountRef("aws", "222222222222")
CHINA = AccountRef("aws-cn", "333333333333")


def ref(name: str, account: AccountRef = ONE, region: str = "eu-west-1") -> BucketRef:
    """A bucket of `account`."""
    return BucketRef(account.partition, account.account, region, name)


def state(
    bucket: BucketRef, readings: Mapping[Aspect, Reading[object]] | None = None, at: datetime = AT
) -> BucketState:
    """An existing bucket's state."""
    return BucketState(bucket, at, readings or {})


def test_the_latest_state_is_given_back() -> None:
    """A replaced state is the one that is found, with all its readings."""
    cache = Cache()
    cache.replace(state(ref("a"), {Aspect.ACL: ABSENT}))
    readings: dict[Aspect, Reading[object]] = {Aspect.POLICY: Present(Policy("{}")), Aspect.ACL: Unreadable(Cause.SCP)}
    cache.replace(state(ref("a"), readings, AT + timedelta(1)))
    found = cache.bucket(ref("a"))
    assert found is not None
    assert (found.read_at, dict(found.readings)) == (AT + timedelta(1), readings)
    assert len(cache) == 1


def test_what_was_never_read_is_none() -> None:
    """An unknown bucket or account has no state, which is not an empty one."""
    assert (Cache().bucket(ref("a")), Cache().account(ONE)) == (None, None)


def test_a_change_of_the_account_is_seen_by_all_its_buckets() -> None:
    """The account's state is attached when a bucket is asked for, whichever was read first."""
    cache = Cache()
    cache.replace(state(ref("a")))
    for block in (NO_BLOCK, PublicAccessBlock(True, True, True, True)):
        cache.replace(AccountState(ONE, AT, {Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: Present(block)}))
        found = cache.bucket(ref("a"))
        assert found is not None
        assert found.reading(Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK) == Present(block)
        assert [one.account for one in cache] == [cache.account(ONE)]


def test_a_bucket_that_is_gone_leaves_the_cache() -> None:
    """The state of a bucket that does not exist removes what was known, and adds nothing by itself."""
    cache = Cache()
    cache.replace(state(ref("a")))
    for name in ("a", "never-seen"):
        cache.replace(replace(state(ref(name)), exists=False))
    assert (len(cache), cache.bucket(ref("a")), cache.find("aws", "a"), cache.accounts()) == (0, None, None, ())


def test_a_bucket_made_anew_in_another_region_is_the_same_entry() -> None:
    """The region is not part of a bucket's identity, and the new one is told."""
    cache = Cache()
    cache.replace(state(ref("a")))
    cache.replace(state(ref("a", region="us-east-1")))
    assert cache.buckets(ONE) == (ref("a", region="us-east-1"),)


def test_find_knows_partitions() -> None:
    """A name is looked for in one partition, or in all when the event does not tell."""
    cache = Cache()
    cache.replace(state(ref("a", CHINA)))
    assert cache.find("aws-cn", "a") == ref("a", CHINA)
    assert cache.find(None, "a") == ref("a", CHINA)
    assert cache.find("aws", "a") is None


def test_find_prefers_the_owner_read_last() -> None:
    """While a bucket moves between accounts the later reading tells the owner."""
    cache = Cache()
    cache.replace(state(ref("a", TWO), at=AT + timedelta(1)))
    cache.replace(state(ref("a", ONE)))
    assert cache.find("aws", "a") == ref("a", TWO)


def test_retain_drops_what_is_out_of_scope() -> None:
    """An account that left the estate goes with its buckets, and all that went is told."""
    cache = Cache()
    for account in (ONE, TWO):
        cache.replace(AccountState(account, AT))
        cache.replace(state(ref(f"b-{account.account}", account)))
    assert cache.retain({TWO}) == (ref("b-111111111111"), ONE)
    assert (cache.accounts(), len(cache)) == ((TWO,), 1)


def test_equal_readings_are_one_object() -> None:
    """Buckets configured alike share the mapping; buckets that differ in one aspect share the other values."""
    cache = Cache()
    for name, policy in (("a", "x"), ("b", "x"), ("c", "y")):
        readings: dict[Aspect, Reading[object]] = {
            Aspect.VERSIONING: Present(Versioning("Enabled")),
            Aspect.POLICY: Present(Policy(policy)),
        }
        cache.replace(state(ref(name), readings))
    a, b, c = (cache.bucket(ref(name)) for name in "abc")
    assert a is not None
    assert b is not None
    assert c is not None
    assert a.readings is b.readings
    assert a.readings is not c.readings
    assert a.readings[Aspect.VERSIONING] is c.readings[Aspect.VERSIONING]


def test_a_pool_forgets_what_is_not_used_and_keeps_what_is() -> None:
    """A stream of unique keys passes through a pool of bounded size without driving out a common one."""
    pool: Pool[str, object] = Pool(size=8)
    common = pool.first("common", object())
    for n in range(1000):
        pool.first(f"unique-{n}", object())
        assert pool.first("common", object()) is common
        assert len(pool) <= 16


READING = st.one_of(
    st.just(ABSENT),
    st.sampled_from(Cause).map(Unreadable),
    st.sampled_from("xyz").map(Policy).map(Present),
    st.sampled_from(["Enabled", "Suspended"]).map(Versioning).map(Present),
)


@given(st.lists(st.tuples(st.integers(0, 3), st.dictionaries(st.sampled_from(Aspect), READING)), max_size=30))
def test_sharing_changes_no_value(steps: list[tuple[int, dict[Aspect, Reading[object]]]]) -> None:
    """Whatever is put in, in whatever order, comes out equal."""
    cache = Cache()
    latest = {}
    for n, readings in steps:
        cache.replace(state(ref(f"b{n}"), readings))
        latest[ref(f"b{n}")] = readings
    assert {one.ref: dict(one.readings) for one in cache} == latest


def estate_state(n: int) -> BucketState:
    """A freshly read bucket of an ordinary estate: alike but for its tags, every third with a policy of its own."""
    name = f"example-team-{n % 40}-service-{n}"
    owner = f"canonical-{n % 20}"
    policy = f'{{"Statement":[{{"Effect":"Allow","Resource":"{name}","Sid":"{"s" * 400}"}}]}}'
    return state(
        ref(name, AccountRef("aws", f"{n % 20:012d}")),
        {
            Aspect.ACL: Present(Acl(owner, (Grant(GranteeKind.CANONICAL_USER, owner, "FULL_CONTROL"),))),
            Aspect.POLICY: Present(Policy(policy)) if n % 3 == 0 else ABSENT,
            Aspect.PUBLIC_ACCESS_BLOCK: Present(PublicAccessBlock(True, True, True, True)),
            Aspect.OWNERSHIP: Present(Ownership("BucketOwnerEnforced")),
            Aspect.ENCRYPTION: Present(Encryption((EncryptionRule("AES256"),))),
            Aspect.VERSIONING: Present(Versioning("Enabled")),
            Aspect.TAGGING: Present(Tags((("Name", name), ("Owner", f"team-{n % 40}"), ("Role", "data")))),
            Aspect.LOGGING: ABSENT,
            Aspect.WEBSITE: ABSENT,
        },
        AT + timedelta(seconds=n),
    )


def test_a_bucket_costs_little_memory() -> None:
    """A bucket with tags of its own, every third with a policy of its own, takes less than 1,600 bytes all told."""
    cache = Cache()
    for n in range(1000):
        cache.replace(estate_state(n))
    gc.collect()
    tracemalloc.start()
    try:
        for n in range(1000, 6000):
            cache.replace(estate_state(n))
        gc.collect()
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken / 5000 < 1600


def test_buckets_read_before_their_account_changed_are_behind() -> None:
    """Until they are put in with the latest readings; an account read again and found the same leaves none behind."""
    cache = Cache()
    block: Mapping[Aspect, Reading[object]] = {Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: Present(NO_BLOCK)}
    before, after = AccountState(ONE, AT), AccountState(ONE, AT, block)
    assert cache.behind(ONE) == ()
    cache.replace(before)
    for name in ("a", "b"):
        cache.replace(replace(state(ref(name)), account=before))
    assert cache.behind(ONE) == ()
    cache.replace(after)
    assert cache.behind(ONE) == (ref("a"), ref("b"))
    cache.replace(replace(state(ref("a")), account=after))
    assert (cache.behind(ONE), cache.read_under(ref("b"))) == ((ref("b"),), before)
    cache.replace(replace(after, read_at=AT + timedelta(1)))
    assert cache.behind(ONE) == (ref("b"),)


def test_a_bucket_put_in_without_its_account_is_behind() -> None:
    """Nobody knows under which readings of the account it was read."""
    cache = Cache()
    cache.replace(AccountState(ONE, AT))
    cache.replace(state(ref("a")))
    assert (cache.behind(ONE), cache.read_under(ref("a")), cache.read_under(ref("none"))) == ((ref("a"),), None, None)


def test_buckets_are_counted_by_account() -> None:
    """An account without buckets has none, which is not the same as being unknown."""
    cache = Cache()
    cache.replace(AccountState(TWO, AT))
    for name in ("a", "b"):
        cache.replace(state(ref(name)))
    assert cache.counts() == {ONE: 2, TWO: 0}
