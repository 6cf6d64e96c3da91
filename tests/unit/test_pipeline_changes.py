"""A change of a bucket along the path: from the event to a finding that names who, and to its end."""

from dataclasses import replace

from s3warden.collect.cache import Cache
from s3warden.detect.rule import RuleOptions
from s3warden.model.bucket import AccountRef, Aspect
from s3warden.model.changes import Changes
from s3warden.model.event import SELF, Actor, Done, RefreshRequest, Trigger
from s3warden.model.finding import Verdict
from s3warden.pipeline import Pipeline
from support.spine import (
    HOME,
    MALLORY,
    OFF,
    ON,
    PUBLIC_READ,
    START,
    Clock,
    Records,
    World,
    bucket,
    event,
    pipeline,
    sweep,
)

RULE, TAGS = "bucket-config-changed", "bucket-required-tags"
LEDGER = bucket("ledger")
DAY = 86_400
BLUE = {"TagSet": [{"Key": "Team", "Value": "blue"}]}


def call(name: str = "PutBucketTagging", aspect: Aspect = Aspect.TAGGING, actor: Actor = MALLORY) -> RefreshRequest:
    """What the event of a call on the bucket asks for."""
    request = event(LEDGER, aspect, name=name)
    calls = tuple(replace(trigger, actor=actor) for trigger in request.triggers)
    return replace(request, triggers=calls, calls=calls)


def known(path: Pipeline) -> list[str]:
    """The calls that are remembered of the bucket."""
    state = path.cache.bucket(LEDGER)
    value = getattr(state and state.reading(Aspect.CHANGES), "value", Changes(()))
    return [change.call for change in value.items]


async def test_a_change_is_told_with_who_made_it_and_what_differs() -> None:
    """It needs no call of its own; the tags are read for another rule."""
    aws, store = World({HOME: ON}, {"ledger": {}}), Records()
    path = pipeline(aws, store, rules=[RULE, TAGS])
    await path.refresh(sweep(LEDGER))
    assert store.told == []
    aws.buckets["ledger"]["GetBucketTagging"] = BLUE
    assert await path.refresh(call()) == Done()
    [found] = [each for each in path.ledger.of(LEDGER) if each.rule_id == RULE]
    assert found.trigger is not None
    assert (found.verdict, found.trigger.name, found.trigger.actor) == (Verdict.FAIL, "PutBucketTagging", MALLORY)
    assert f'"by": "{MALLORY.principal}"' in found.evidence.details["changes"]
    assert '"changed": ["tagging"]' in found.evidence.details["changes"]
    assert f"firing {RULE} ledger" in store.told


async def test_it_ends_with_the_next_sweep_after_its_time_and_is_no_drift() -> None:
    """No event can tell that time has passed; nothing is left of it then."""
    clock, store = Clock(), Records()
    path = pipeline(World({HOME: ON}, {"ledger": {}}), store, rules=[RULE], clock=clock)
    await path.refresh(call())
    clock.pass_by(DAY - 60)
    await path.refresh(sweep(LEDGER))
    assert store.steps == [f"opened {RULE} ledger fail"]
    clock.pass_by(120)
    await path.refresh(sweep(LEDGER))
    assert store.steps[1:] == [f"resolved {RULE} ledger not_applicable"]
    assert (path.drift, store.changes[-1].drift, known(path)) == (0, False, [])


async def test_a_further_change_updates_the_one_finding() -> None:
    """And the same event again, or time alone, does not."""
    clock, store = Clock(), Records()
    path = pipeline(World({HOME: ON}, {"ledger": {}}), store, rules=[RULE], clock=clock)
    first = call()
    await path.refresh(first)
    clock.pass_by(DAY / 2)
    later = replace(call("PutBucketVersioning", Aspect.VERSIONING).calls[0], event_time=clock.now)
    second = replace(call(), triggers=(later,), calls=(later,))
    for request in (second, first, second):
        await path.refresh(request)
    clock.pass_by(DAY / 2 + 60)
    await path.refresh(sweep(LEDGER))
    assert store.steps == [f"opened {RULE} ledger fail", f"updated {RULE} ledger changed"]
    assert known(path) == ["PutBucketTagging", "PutBucketVersioning"]
    clock.pass_by(DAY / 2)
    await path.refresh(sweep(LEDGER))
    assert store.steps[2:] == [f"resolved {RULE} ledger not_applicable"]


async def test_a_restart_knows_what_the_finding_names() -> None:
    """Nobody is told anything twice, by the sweep at the start or by an event that comes again; the end is told."""
    aws, store, clock = World({HOME: ON}, {"ledger": {}}), Records(), Clock()
    before = pipeline(aws, store, rules=[RULE], clock=clock)
    first = call()
    await before.refresh(first)
    path = pipeline(aws, store, rules=[RULE], cache=Cache(), ledger=before.ledger, clock=clock)
    await path.refresh(sweep(LEDGER))
    await path.refresh(first)
    assert store.told == [f"firing {RULE} ledger"]
    clock.pass_by(DAY)
    await path.refresh(sweep(LEDGER))
    assert store.told[1:] == [f"resolved {RULE} ledger"]


async def test_who_is_expected_opens_nothing_and_is_not_remembered() -> None:
    """The settings name the role; whoever else changes the bucket is told of."""
    store = Records()
    path = pipeline(World({HOME: ON}, {"ledger": {}}), store, rules=[RULE])
    path.options = RuleOptions(expected_changers=("deploy",))
    path.trust([])
    await path.refresh(call(actor=Actor(f"arn:aws:sts::{HOME}:assumed-role/deploy/run-7", "AssumedRole")))
    assert (store.told, known(path)) == ([], [])
    await path.refresh(call())
    assert (store.told, known(path)) == ([f"firing {RULE} ledger"], ["PutBucketTagging"])


async def test_s3wardens_own_fix_is_told_as_such_and_opens_nothing() -> None:
    """By itself it is written down elsewhere; beside somebody's change it says that the change was taken back."""
    store = Records()
    path = pipeline(World({HOME: ON}, {"ledger": {}}), store, rules=[RULE])
    own = Actor(f"arn:aws:sts::{HOME}:assumed-role/s3warden-remediation/s3warden", "AssumedRole")
    path.wrote = lambda actor: actor == own
    trigger = Trigger("Remediation", SELF, "remediation/r-1", START, Actor("s3warden, remediation r-1", SELF))
    fix = replace(call(), triggers=(trigger,), calls=(trigger,))
    for request in (fix, call(actor=own)):
        await path.refresh(request)
    assert (store.told, known(path)) == ([], ["Remediation"])
    await path.refresh(call())
    [found] = path.ledger.of(LEDGER)
    assert '"own": true' in found.evidence.details["changes"]
    assert MALLORY.principal in found.evidence.summary


async def test_a_look_that_comes_too_early_is_made_good_by_the_second() -> None:
    """The difference is added to the change that was told; no second one is made of it."""
    aws, again = World({HOME: ON}, {"ledger": {}}), list[RefreshRequest]()
    path = pipeline(aws, Records(), rules=[RULE, TAGS], recheck=again.append)
    await path.refresh(sweep(LEDGER))
    await path.refresh(call())
    aws.buckets["ledger"]["GetBucketTagging"] = BLUE
    [request] = again
    await path.refresh(request)
    [found] = [each for each in path.ledger.of(LEDGER) if each.rule_id == RULE]
    assert '"changed": ["tagging"]' in found.evidence.details["changes"]
    assert known(path) == ["PutBucketTagging"]


async def test_a_change_of_the_account_is_none_of_the_bucket() -> None:
    """Its buckets are looked at for it, by the name of who made it."""
    aws, store = World({HOME: ON}, {"ledger": {"GetBucketAcl": PUBLIC_READ}}), Records()
    path = pipeline(aws, store, rules=[RULE, "bucket-acl-public-read"])
    await path.refresh(sweep(LEDGER))
    aws.blocks[HOME] = OFF
    account = event(AccountRef("aws", HOME), Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK, name="DeleteAccountPublicAccessBlock")
    outcome = await path.refresh(account)
    assert isinstance(outcome, Done)
    for request in (request for wave in outcome.followups for request in wave):
        await path.refresh(request)
    assert store.told == ["firing bucket-acl-public-read ledger"]


async def test_while_the_rule_is_off_nothing_is_remembered() -> None:
    """It costs nothing."""
    path = pipeline(World({HOME: ON}, {"ledger": {}}), Records(), rules=[TAGS])
    await path.refresh(call())
    state = path.cache.bucket(LEDGER)
    assert state is not None
    assert Aspect.CHANGES not in state.readings
