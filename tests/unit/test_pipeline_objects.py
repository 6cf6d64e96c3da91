"""Objects that an event named, along the path: judged, kept, and known again after a restart."""

from dataclasses import replace

from s3warden.collect.cache import Cache
from s3warden.model.bucket import AccountRef, Aspect
from s3warden.model.event import Done, RefreshRequest, Retry
from s3warden.model.finding import Verdict
from s3warden.model.objects import ObjectName
from support.spine import (
    ACCOUNT,
    DENIED,
    HOME,
    OFF,
    ON,
    PRIVATE,
    PUBLIC_READ,
    THROTTLED,
    Answer,
    Records,
    World,
    bucket,
    event,
    pipeline,
    sweep,
)

RULE = "bucket-object-acl-public"
LEDGER = bucket("ledger")


def opened(*keys: str) -> RefreshRequest:
    """What the event about the ACL of an object asks for."""
    request = event(LEDGER, Aspect.OBJECT_ACL, name="Object ACL Updated")
    return replace(request, objects=tuple(map(ObjectName, keys)))


def world(**acls: Answer) -> World:
    """A bucket in which ACLs have effect, and objects with these."""
    return World({HOME: OFF}, {"ledger": {}}, objects=dict(acls))


async def test_an_object_is_read_where_an_event_names_it_and_nowhere_else() -> None:
    """A sweep before looks at none; one after it reads it again."""
    aws, store = world(a=PUBLIC_READ, b=PUBLIC_READ), Records()
    path = pipeline(aws, store, rules=[RULE])
    await path.refresh(sweep(LEDGER))
    assert aws.objects_read == []
    assert await path.refresh(opened("a")) == Done()
    assert store.told == [f"firing {RULE} ledger"]
    [found] = path.ledger.of(LEDGER)
    assert (found.verdict, found.evidence.details["objects"], found.evidence.live) == (
        Verdict.FAIL,
        '[["a", ""]]',
        True,
    )
    await path.refresh(sweep(LEDGER))
    assert aws.objects_read == ["a", "a"]


async def test_a_restart_reads_what_the_finding_names() -> None:
    """Nothing is told anew, and the finding stands until the object is closed."""
    aws, store = world(a=PUBLIC_READ), Records()
    before = pipeline(aws, store, rules=[RULE])
    await before.refresh(opened("a"))
    path = pipeline(aws, store, rules=[RULE], cache=Cache(), ledger=before.ledger)
    await path.refresh(sweep(LEDGER))
    assert store.told == [f"firing {RULE} ledger"]
    assert path.objects(LEDGER).items[0].name == ObjectName("a")
    aws.objects["a"] = PRIVATE
    await path.refresh(sweep(LEDGER))
    assert store.told[1:] == [f"resolved {RULE} ledger"]


async def test_a_restart_does_not_forgive_what_was_not_known() -> None:
    """An object that could not be read has no name in the finding: it stays unknown."""
    aws, store = world(), Records()
    aws.objects["a"] = DENIED
    before = pipeline(aws, store, rules=[RULE])
    await before.refresh(opened("a"))
    [found] = before.ledger.of(LEDGER)
    assert (found.verdict, found.cause) == (Verdict.UNKNOWN, DENIED.cause)
    path = pipeline(aws, store, rules=[RULE], cache=Cache(), ledger=before.ledger)
    await path.refresh(sweep(LEDGER))
    [found] = path.ledger.of(LEDGER)
    assert found.verdict is Verdict.UNKNOWN


async def test_a_read_that_fails_for_a_while_brings_the_message_back() -> None:
    """The event is not done with while nobody knows what it told of."""
    aws = world()
    aws.objects["a"] = THROTTLED
    assert await pipeline(aws, Records(), rules=[RULE]).refresh(opened("a")) == Retry("unreadable_throttled")


async def test_an_object_that_a_flag_hides_comes_to_light_with_it() -> None:
    """S3 shows the ACL in effect, so the object is read again when the account's block changes."""
    aws, store = world(a=PRIVATE), Records()
    aws.blocks[HOME] = ON
    path = pipeline(aws, store, rules=[RULE])
    await path.refresh(opened("a"))
    assert store.told == []
    aws.blocks[HOME], aws.objects["a"] = OFF, PUBLIC_READ
    outcome = await path.refresh(
        event(AccountRef("aws", HOME), Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK, name="DeleteAccountPublicAccessBlock")
    )
    assert isinstance(outcome, Done)
    for wave in outcome.followups:
        for request in wave:
            await path.refresh(request)
    assert store.told == [f"firing {RULE} ledger"]
    assert path.ledger.of(ACCOUNT) == ()
