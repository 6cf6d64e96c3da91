"""The path from a request to a stored verdict: what is read, judged, told, and what happens when any of it fails."""

import asyncio
import gc
from dataclasses import replace
from datetime import timedelta

import pytest

from s3warden.collect.cache import Cache
from s3warden.collect.refresh import RefreshLimits, RefreshQueue
from s3warden.detect.ledger import Ledger
from s3warden.detect.own.rule import Written, rule_of
from s3warden.detect.rule import Kind
from s3warden.detect.selection import select
from s3warden.model.bucket import AccountRef, Aspect, Cause, Unreadable
from s3warden.model.event import SELF, Actor, Done, Origin, RefreshRequest, Retry, Trigger
from s3warden.model.finding import Reason, Severity, Verdict
from s3warden.model.rule import Category
from s3warden.pipeline import Pipeline
from support.spine import (
    ACCOUNT,
    DENIED,
    HOME,
    OFF,
    ON,
    PRIVATE,
    PUBLIC_READ,
    START,
    THROTTLED,
    Answer,
    Clock,
    Records,
    World,
    bucket,
    event,
    others_run,
    pipeline,
    sweep,
)

LEAK = "bucket-acl-public-read"
ACCOUNT_EVENT = event(ACCOUNT, Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK, name="PutAccountPublicAccessBlock")


async def through(path: Pipeline, request: RefreshRequest) -> Done | Retry:
    """Refresh, and all that follows from it, wave after wave, as the queue does."""
    outcome = await path.refresh(request)
    assert isinstance(outcome, Done | Retry)
    answers = [outcome]
    for wave in outcome.followups if isinstance(outcome, Done) else ():
        answers += [await through(path, follow) for follow in wave]
    return next((answer for answer in answers if isinstance(answer, Retry)), Done())


async def test_a_leak_is_stored_and_told_in_one_commit() -> None:
    """The finding, who did it, and the message about it; then people are sent word."""
    aws, store, woken = World({HOME: OFF}, {"ledger": {}}), Records(), []
    path = pipeline(aws, store, committed=lambda: woken.append(1))
    await path.refresh(sweep(bucket("ledger")))
    aws.buckets["ledger"]["GetBucketAcl"] = PUBLIC_READ
    request = event(bucket("ledger"), Aspect.ACL)
    assert await path.refresh(request) == Done()
    assert store.told == [f"firing {LEAK} ledger"]
    [change] = store.changes
    assert (change.finding.trigger, change.finding.notified, change.drift) == (request.triggers[0], True, False)
    assert path.ledger.of(bucket("ledger")) == (change.finding,)
    assert woken == [1]


async def test_an_unchanged_bucket_commits_nothing() -> None:
    """A look that finds what is known writes nothing and wakes nobody."""
    aws, store = World({HOME: OFF}, {"ledger": {"GetBucketAcl": PUBLIC_READ}}), Records()
    path = pipeline(aws, store)
    await path.refresh(sweep(bucket("ledger")))
    before = list(store.changes)
    store.broken = True
    assert await path.refresh(sweep(bucket("ledger"))) == Done()
    assert store.changes == before


async def test_only_what_the_event_told_is_read_of_a_known_bucket() -> None:
    """Of an unknown one everything that a rule needs, with its account; of a known one the aspect that changed."""
    aws = World({HOME: ON}, {"ledger": {}})
    path = pipeline(aws, Records())
    await path.refresh(event(bucket("ledger"), Aspect.ACL))
    assert sorted(aws.asked) == [
        "111122223333 GetPublicAccessBlock",
        "ledger GetBucketAcl",
        "ledger GetBucketOwnershipControls",
        "ledger GetPublicAccessBlock",
    ]
    aws.asked.clear()
    await path.refresh(event(bucket("ledger"), Aspect.ACL, Aspect.CORS))
    assert aws.asked == ["ledger GetBucketAcl"]


async def test_the_acl_is_read_again_with_the_block_that_hides_it() -> None:
    """S3 answers with the ACL in effect, so a bucket's own block changes it: removed, the public grant is back."""
    aws, store = World({HOME: OFF}, {"ledger": {"GetPublicAccessBlock": ON, "GetBucketAcl": PRIVATE}}), Records()
    path = pipeline(aws, store)
    await path.refresh(sweep(bucket("ledger")))
    aws.buckets["ledger"] = {"GetPublicAccessBlock": OFF, "GetBucketAcl": PUBLIC_READ}
    await path.refresh(event(bucket("ledger"), Aspect.PUBLIC_ACCESS_BLOCK, name="DeleteBucketPublicAccessBlock"))
    assert store.told == [f"firing {LEAK} ledger"]


async def test_what_was_never_read_is_read_with_the_next_look() -> None:
    """After a reload with more rules the cache lacks what these need; an event about something else makes up for it."""
    aws, cache, store = World({HOME: ON}, {"ledger": {}}), Cache(), Records()
    await pipeline(aws, Records(), cache=cache, rules=[LEAK]).refresh(sweep(bucket("ledger")))
    aws.asked.clear()
    path = pipeline(aws, store, cache=cache, rules=[LEAK, "bucket-required-tags"])
    await path.refresh(event(bucket("ledger"), Aspect.ACL))
    assert sorted(aws.asked) == ["ledger GetBucketAcl", "ledger GetBucketTagging"]
    assert store.steps == []


@pytest.mark.parametrize("block", [DENIED, THROTTLED])
async def test_an_unreadable_account_block_never_lets_a_bucket_pass(block: object) -> None:
    """A grant that the account may or may not hide is unknown, never green."""
    aws, store = World({HOME: block}, {"ledger": {"GetBucketAcl": PUBLIC_READ}}), Records()  # type: ignore[dict-item]
    path = pipeline(aws, store)
    await path.refresh(event(bucket("ledger")))
    [finding] = path.ledger.of(bucket("ledger"))
    assert finding.verdict is Verdict.UNKNOWN


async def test_many_buckets_of_an_unknown_account_read_it_once() -> None:
    """Whoever comes first reads; the others wait for that."""
    aws = World({HOME: ON}, {f"b{n}": {} for n in range(20)})
    path = pipeline(aws, Records())
    await asyncio.gather(*(path.refresh(sweep(bucket(name))) for name in aws.buckets))
    assert aws.count(HOME) == 1


async def test_an_account_that_could_not_be_read_is_read_anew_after_a_while() -> None:
    """Once a minute, not once a bucket: an endpoint out of reach costs its timeout each time."""
    aws, clock = World({HOME: THROTTLED}, {f"b{n}": {} for n in range(5)}), Clock()
    path = pipeline(aws, Records(), clock=clock)
    for name in aws.buckets:
        await path.refresh(sweep(bucket(name)))
    assert aws.count(HOME) == 1
    clock.pass_by(61)
    for name in aws.buckets:
        await path.refresh(sweep(bucket(name)))
    assert aws.count(HOME) == 2


async def test_a_denied_account_is_not_asked_again_for_each_bucket() -> None:
    """A refusal does not pass by itself; the sweep asks again."""
    aws, clock = World({HOME: DENIED}, {"a": {}, "b": {}}), Clock()
    path = pipeline(aws, Records(), clock=clock)
    for name in aws.buckets:
        clock.pass_by(100)
        await path.refresh(event(bucket(name)))
    assert aws.count(HOME) == 1


async def test_an_account_readable_again_is_judged_with_all_its_buckets() -> None:
    """One bucket's event found out; the account's own verdict and those of the other buckets must not stay unknown."""
    aws, store, clock = World({HOME: THROTTLED}, {"a": {"GetBucketAcl": PUBLIC_READ}, "b": {}}), Records(), Clock()
    path = pipeline(aws, store, clock=clock)
    for subject in (ACCOUNT, bucket("a"), bucket("b")):
        await path.refresh(sweep(subject))
    assert {f.verdict for f in path.ledger.findings()} == {Verdict.UNKNOWN}
    aws.blocks[HOME] = OFF
    clock.pass_by(61)
    assert await through(path, event(bucket("b"), Aspect.ACL)) == Done()
    assert {(f.rule_id, f.verdict) for f in path.ledger.findings()} == {
        (LEAK, Verdict.FAIL),
        ("account-public-access-block", Verdict.FAIL),
    }


async def test_an_account_change_judges_its_buckets_at_once_and_then_reads_them_again() -> None:
    """The first wave reads nothing, so that a leak is told within a moment; the second sees the ACL in effect."""
    aws, store = World({HOME: ON}, {"leaky": {"GetBucketAcl": PUBLIC_READ}, "hidden": {}}), Records()
    path = pipeline(aws, store)
    for subject in (ACCOUNT, bucket("leaky"), bucket("hidden")):
        await path.refresh(sweep(subject))
    assert store.told == []
    aws.blocks[HOME] = OFF
    aws.buckets["hidden"]["GetBucketAcl"] = PUBLIC_READ
    aws.asked.clear()
    outcome = await path.refresh(ACCOUNT_EVENT)
    assert isinstance(outcome, Done)
    judged, reread = outcome.followups
    assert {str(request.subject) for request in judged} == {"leaky", "hidden"}
    assert {request.aspects for request in judged} == {frozenset()}
    assert {request.aspects for request in reread} == {frozenset({Aspect.ACL})}
    for request in judged:
        assert request.triggers == ACCOUNT_EVENT.triggers
        await path.refresh(request)
    assert aws.asked == [f"{HOME} GetPublicAccessBlock"]
    assert store.told == ["firing account-public-access-block account 111122223333", f"firing {LEAK} leaky"]
    for request in reread:
        await path.refresh(request)
    assert store.told[2:] == [f"firing {LEAK} hidden"]
    assert path.cache.behind(ACCOUNT) == ()


async def test_an_account_event_that_changes_nothing_reads_no_bucket() -> None:
    """CloudTrail tells things twice."""
    aws = World({HOME: ON}, {"a": {}})
    path = pipeline(aws, Records())
    for subject in (ACCOUNT, bucket("a")):
        await path.refresh(sweep(subject))
    assert await path.refresh(ACCOUNT_EVENT) == Done()


async def test_buckets_are_judged_again_even_if_the_first_try_was_not_stored() -> None:
    """The account is known to have changed, but its buckets were not judged by it: the next try must still do that."""
    aws, store = World({HOME: ON}, {"a": {"GetBucketAcl": PUBLIC_READ}}), Records()
    path = pipeline(aws, store)
    for subject in (ACCOUNT, bucket("a")):
        await path.refresh(sweep(subject))
    aws.blocks[HOME] = OFF
    store.broken = True
    assert await through(path, ACCOUNT_EVENT) == Retry("not_stored")
    assert path.ledger.findings() == ()
    store.broken = False
    assert await through(path, ACCOUNT_EVENT) == Done()
    assert store.told == ["firing account-public-access-block account 111122223333", f"firing {LEAK} a"]


async def test_buckets_are_judged_again_even_if_the_daemon_was_reloaded_between() -> None:
    """What is known of AWS outlives a reload, so it must tell which buckets were not looked at yet."""
    aws, cache = World({HOME: ON}, {"a": {"GetBucketAcl": PUBLIC_READ}}), Cache()
    path = pipeline(aws, Records(), cache=cache)
    for subject in (ACCOUNT, bucket("a")):
        await path.refresh(sweep(subject))
    aws.blocks[HOME] = OFF
    await path.refresh(ACCOUNT_EVENT)
    store = Records()
    after = pipeline(aws, store, cache=cache, ledger=Ledger(path.ledger.findings()))
    assert await through(after, ACCOUNT_EVENT) == Done()
    assert store.told == [f"firing {LEAK} a"]


@pytest.mark.parametrize(("first", "then", "open_at_end"), [(ON, OFF, 0), (OFF, ON, 1)])
async def test_an_account_that_changes_back_before_its_buckets_were_read_again(
    first: Answer, then: Answer, open_at_end: int
) -> None:
    """They were judged by what it was in between, so they must be judged anew, both ways."""
    aws = World({HOME: first}, {"a": {"GetBucketAcl": PUBLIC_READ}})
    path = pipeline(aws, Records(), rules=[LEAK])
    for subject in (ACCOUNT, bucket("a")):
        await path.refresh(sweep(subject))
    aws.blocks[HOME] = then
    outcome = await path.refresh(ACCOUNT_EVENT)
    assert isinstance(outcome, Done)
    await path.refresh(outcome.followups[0][0])
    aws.blocks[HOME] = first
    assert await through(path, ACCOUNT_EVENT) == Done()
    assert len(path.ledger.of(bucket("a"))) == open_at_end
    assert path.cache.behind(ACCOUNT) == ()


async def test_a_bucket_that_could_not_be_read_again_is_tried_with_the_next_event() -> None:
    """Only that one: the others were."""
    aws = World({HOME: ON}, {"a": {}, "b": {}})
    path = pipeline(aws, Records())
    for subject in (ACCOUNT, bucket("a"), bucket("b")):
        await path.refresh(sweep(subject))
    aws.blocks[HOME] = OFF
    aws.buckets["b"]["GetBucketAcl"] = THROTTLED
    assert await through(path, ACCOUNT_EVENT) == Retry("unreadable_throttled")
    del aws.buckets["b"]["GetBucketAcl"]
    outcome = await path.refresh(ACCOUNT_EVENT)
    assert isinstance(outcome, Done)
    assert [[str(request.subject) for request in wave] for wave in outcome.followups] == [["b"], ["b"]]


async def test_a_sweep_of_an_account_leaves_its_buckets_to_the_sweep() -> None:
    """It comes to each of them anyway."""
    aws = World({HOME: ON}, {"a": {}})
    path = pipeline(aws, Records())
    for subject in (ACCOUNT, bucket("a")):
        await path.refresh(sweep(subject))
    aws.blocks[HOME] = OFF
    assert await path.refresh(sweep(ACCOUNT)) == Done()


async def test_an_account_that_changes_during_the_first_look_at_a_bucket() -> None:
    """The fan-out did not know the bucket yet, so its own look must ask for another."""
    aws, store = World({HOME: ON}, {"new": {"GetBucketAcl": PUBLIC_READ}}), Records()
    path = pipeline(aws, store)
    await path.refresh(sweep(ACCOUNT))
    gate = aws.gates["new", "GetBucketAcl"] = asyncio.Event()
    look = asyncio.create_task(through(path, event(bucket("new"), name="CreateBucket")))
    await others_run()
    assert aws.count("new", "GetBucketAcl") == 1
    aws.blocks[HOME] = OFF
    assert await through(path, ACCOUNT_EVENT) == Done()
    gate.set()
    assert await look == Done()
    assert f"firing {LEAK} new" in store.told


async def test_a_failed_commit_is_tried_again_and_loses_nothing() -> None:
    """The ledger follows the store: the next look gives the same changes and the same messages."""
    aws, store = World({HOME: OFF}, {"ledger": {"GetBucketAcl": PUBLIC_READ}}), Records(broken=True)
    path = pipeline(aws, store)
    assert await path.refresh(event(bucket("ledger"))) == Retry("not_stored")
    assert (path.ledger.findings(), len(path.cache)) == ((), 0)
    store.broken = False
    assert await path.refresh(event(bucket("ledger"))) == Done()
    assert store.told == [f"firing {LEAK} ledger"]


async def test_what_cannot_be_read_for_now_is_unknown_and_comes_back() -> None:
    """The verdict is stored first: nobody knows whether the next try will come to pass."""
    aws, store = World({HOME: OFF}, {"ledger": {"GetBucketAcl": THROTTLED}}), Records()
    path = pipeline(aws, store)
    assert await path.refresh(event(bucket("ledger"))) == Retry("unreadable_throttled")
    assert store.steps == [f"opened {LEAK} ledger unreadable"]
    aws.buckets["ledger"] = {"GetBucketAcl": PUBLIC_READ}
    assert await path.refresh(event(bucket("ledger"), Aspect.TAGGING)) == Done()
    assert store.told == [f"firing {LEAK} ledger"]


async def test_what_is_denied_is_unknown_and_done() -> None:
    """Trying again would not help; the sweep comes by."""
    aws, store = World({HOME: OFF}, {"ledger": {"GetBucketAcl": DENIED}}), Records()
    assert await pipeline(aws, store).refresh(event(bucket("ledger"))) == Done()
    assert store.steps == [f"opened {LEAK} ledger unreadable"]


async def test_the_end_of_an_exposure_is_written_down_with_it() -> None:
    """One record in the commit of the end: opened by one call, closed by another; the resume of it writes nothing."""
    aws, store = World({HOME: OFF}, {"ledger": {"GetBucketAcl": PUBLIC_READ}}), Records()
    path = pipeline(aws, store, rules=("bucket-public-effective", "bucket-acl-public-read"))
    opening = event(bucket("ledger"), Aspect.ACL)
    await path.refresh(opening)
    assert store.incidents == []
    aws.buckets["ledger"]["GetBucketAcl"] = PRIVATE
    closing = event(bucket("ledger"), Aspect.ACL)
    await path.refresh(closing)
    [record] = store.incidents
    assert (record.opened_by, record.closed_by) == (opening.triggers[0], closing.triggers[0])
    assert record.reason == Reason.FIXED
    assert [alert.incident for n in store.notifications for alert in n.alerts if alert.incident] == [record.id]
    await path.refresh(event(bucket("ledger"), Aspect.ACL))
    assert len(store.incidents) == 1


@pytest.mark.parametrize(("seconds", "credited"), [(1, True), (-1, False)])
async def test_the_end_is_credited_to_the_fix_unless_somebody_acted_after_it(seconds: int, credited: bool) -> None:
    """An event of whoever opened the bucket may ask for the first look after s3warden's own fix."""
    aws, store = World({HOME: OFF}, {"ledger": {"GetBucketAcl": PUBLIC_READ}}), Records()
    path = pipeline(aws, store, rules=("bucket-public-effective",))
    opening = event(bucket("ledger"), Aspect.ACL)
    await path.refresh(opening)
    aws.buckets["ledger"]["GetBucketAcl"] = PRIVATE
    told = opening.triggers[0]
    assert told.event_time is not None
    at = told.event_time + timedelta(seconds=seconds)
    fix = Trigger("Remediation", SELF, "remediation/r-1", at, Actor("s3warden, remediation r-1", SELF))
    path.fix_of = lambda finding, looks: fix if finding.subject == bucket("ledger") and Aspect.ACL in looks else None
    await path.refresh(opening)
    [record] = store.incidents
    assert record.closed_by == (fix if credited else told)
    assert [alert.trigger for n in store.notifications for alert in n.alerts][-1] == record.closed_by


async def test_a_deleted_bucket_and_a_late_event_about_it() -> None:
    """Its findings end and it is forgotten; what comes late finds nothing and opens nothing."""
    aws, store = World({HOME: OFF}, {"ledger": {"GetBucketAcl": PUBLIC_READ}}), Records()
    path = pipeline(aws, store)
    await path.refresh(event(bucket("ledger")))
    del aws.buckets["ledger"]
    assert await path.refresh(event(bucket("ledger"), name="DeleteBucket")) == Done()
    assert store.told == [f"firing {LEAK} ledger", f"resolved {LEAK} ledger"]
    assert store.changes[-1].reason == Reason.BUCKET_DELETED
    assert await path.refresh(event(bucket("ledger"), Aspect.POLICY, name="PutBucketPolicy")) == Done()
    assert (len(store.changes), len(path.cache)) == (2, 0)


async def test_a_rule_switched_off_ends_its_findings_with_the_next_look() -> None:
    """Those who heard of it hear why it is over."""
    aws, store = World({HOME: OFF}, {"ledger": {"GetBucketAcl": PUBLIC_READ}}), Records()
    before = pipeline(aws, Records())
    await before.refresh(sweep(bucket("ledger")))
    after = pipeline(aws, store, rules=["bucket-versioning"], ledger=Ledger(before.ledger.findings()))
    aws.buckets["ledger"]["GetBucketVersioning"] = {"Status": "Enabled"}
    await after.refresh(sweep(bucket("ledger")))
    assert store.steps == [f"resolved {LEAK} ledger rule_disabled"]
    assert store.told == [f"resolved {LEAK} ledger"]
    assert after.drift == 0


async def test_a_restart_resumes_and_tells_nobody() -> None:
    """What was known before and still stands is no news."""
    aws, store = World({HOME: OFF}, {"ledger": {"GetBucketAcl": PUBLIC_READ}}), Records()
    before = pipeline(aws, Records())
    await before.refresh(sweep(bucket("ledger")))
    after = pipeline(aws, store, ledger=Ledger(before.ledger.findings()))
    await after.refresh(sweep(bucket("ledger")))
    assert (store.steps, store.told) == ([f"resumed {LEAK} ledger fail"], [])


async def test_the_first_sweep_of_an_account_is_a_baseline() -> None:
    """Only what is live and critical is told at once; the rest waits for the digest, and its end is told to nobody."""
    aws = World({HOME: OFF}, {"leaky": {"GetBucketAcl": PUBLIC_READ}, "untagged": {"GetBucketTagging": DENIED}})
    aws.buckets["untagged"] = {"GetBucketTagging": {"TagSet": []}}
    store = Records()
    path = pipeline(aws, store, rules=[LEAK, "bucket-required-tags"], settled=False)
    for name in aws.buckets:
        await path.refresh(sweep(bucket(name)))
    assert store.told == [f"firing {LEAK} leaky"]
    aws.buckets["untagged"] = {}
    path.baseline.settle([ACCOUNT])
    await path.refresh(event(bucket("untagged"), Aspect.TAGGING, name="PutBucketTagging"))
    assert store.steps[-1] == "resolved bucket-required-tags untagged fixed"
    assert store.told == [f"firing {LEAK} leaky"]


async def test_what_an_event_changes_in_a_known_bucket_is_news_before_the_baseline_is_told() -> None:
    """The first sweep of a large estate takes long; a new mistake must not wait for its end."""
    aws, store = World({HOME: OFF}, {"a": {}}), Records()
    path = pipeline(aws, store, rules=["bucket-required-tags"], settled=False)
    await path.refresh(sweep(bucket("a")))
    aws.buckets["a"]["GetBucketTagging"] = {"TagSet": []}
    await path.refresh(event(bucket("a"), Aspect.TAGGING, name="DeleteBucketTagging"))
    assert store.told == ["firing bucket-required-tags a"]


async def test_what_a_new_rule_finds_in_a_settled_account_waits_for_the_digest() -> None:
    """But for what is public right now; what rules find that are known there is told as ever."""
    aws, store = World({HOME: OFF}, {"leaky": {"GetBucketAcl": PUBLIC_READ}}), Records()
    aws.buckets["leaky"] |= {"GetBucketTagging": {"TagSet": []}, "GetBucketVersioning": {}}
    path = pipeline(aws, store, rules=[LEAK, "bucket-required-tags", "bucket-versioning"], settled=False)
    path.remember({ACCOUNT: frozenset({"bucket-versioning"})})
    await path.refresh(event(bucket("leaky"), Aspect.TAGGING))
    assert store.told == [f"firing {LEAK} leaky", "firing bucket-versioning leaky"]


async def test_what_an_event_changes_after_a_new_rule_has_looked_is_news() -> None:
    """The digest may be hours away; only the first look of the rule is no news."""
    aws, store = World({HOME: OFF}, {"a": {}}), Records()
    path = pipeline(aws, store, rules=[LEAK, "bucket-required-tags"], settled=False)
    path.remember({ACCOUNT: frozenset({LEAK})})
    await path.refresh(sweep(bucket("a")))
    aws.buckets["a"]["GetBucketTagging"] = {"TagSet": []}
    await path.refresh(event(bucket("a"), Aspect.TAGGING, name="DeleteBucketTagging"))
    assert store.told == ["firing bucket-required-tags a"]


async def test_an_own_rule_that_fails_is_unknown_and_counted_and_the_others_go_on() -> None:
    """Not told to anybody, and never taken for a pass."""
    aws, store = World({HOME: OFF}, {"a": {"GetBucketAcl": PUBLIC_READ}}), Records()
    own = rule_of(
        Written("own-x", "X", Severity.HIGH, Category.ACCESS, Kind.BUCKET, pass_when='bucket.tags.Nobody == "x"')
    )
    path = pipeline(aws, store, rules=[LEAK, "bucket-required-tags"])
    path = replace(path, rules=(own, *select(path.rules, (LEAK,))))
    path.baseline.settle([ACCOUNT])
    await path.refresh(sweep(bucket("a")))
    assert store.steps == [f"opened {LEAK} a fail", "opened own-x a unreadable"]
    assert store.told == [f"firing {LEAK} a"]
    assert path.metrics.registry.get_sample_value("s3warden_rule_errors_total", {"rule_id": "own-x"}) == 1


async def test_drift_is_what_a_sweep_finds_and_no_event_told() -> None:
    """Not the first look of a process, and not what an event brings."""
    aws, store = World({HOME: OFF}, {"a": {}, "b": {"GetBucketAcl": PUBLIC_READ}}), Records()
    path = pipeline(aws, store)
    for name in aws.buckets:
        await path.refresh(sweep(bucket(name)))
    assert path.drift == 0
    aws.buckets["a"]["GetBucketAcl"] = PUBLIC_READ
    await path.refresh(sweep(bucket("a")))
    assert path.drift == 1
    assert path.metrics.registry.get_sample_value("s3warden_sweep_drift_total", {"category": "exposure"}) == 1


async def test_the_way_from_the_call_to_the_verdict_is_timed() -> None:
    """Once for each event of a look that changed something."""
    aws, clock = World({HOME: OFF}, {"a": {"GetBucketAcl": PUBLIC_READ}}), Clock()
    path = pipeline(aws, Records(), clock=clock)
    await path.refresh(event(bucket("a"), at=START - timedelta(seconds=20)))
    await path.refresh(event(bucket("a")))
    told = path.metrics.registry.get_sample_value
    assert told("s3warden_event_lag_seconds_count", {"stage": "evaluate"}) == 1
    assert 20 <= (told("s3warden_event_lag_seconds_sum", {"stage": "evaluate"}) or 0) < 21


async def test_a_bucket_that_vanishes_ends_its_findings_and_is_forgotten() -> None:
    """With the reason that the sweep gives."""
    aws, store = World({HOME: OFF}, {"a": {"GetBucketAcl": PUBLIC_READ}}), Records()
    path = pipeline(aws, store)
    await path.refresh(sweep(bucket("a")))
    await path.vanish(bucket("a"), Reason.NOT_GUARDED, still=lambda: True)
    assert store.steps[-1] == f"resolved {LEAK} a not_guarded"
    assert (path.ledger.findings(), len(path.cache), path.drift) == ((), 0, 0)


async def test_a_look_that_ends_meanwhile_keeps_a_bucket_from_vanishing() -> None:
    """The end of a subject waits for a look under way, and asks again whether it is still to come."""
    aws, store = World({HOME: OFF}, {"a": {"GetBucketAcl": PUBLIC_READ}}), Records()
    path = pipeline(aws, store)
    gate = aws.gates["a", "GetBucketAcl"] = asyncio.Event()
    look = asyncio.create_task(path.refresh(event(bucket("a"))))
    await others_run()
    end = asyncio.create_task(
        path.vanish(bucket("a"), Reason.BUCKET_DELETED, still=lambda: path.cache.bucket(bucket("a")) is None)
    )
    await others_run()
    assert not end.done()
    gate.set()
    await asyncio.gather(look, end)
    assert [f.rule_id for f in path.ledger.of(bucket("a"))] == [LEAK]
    assert store.told == [f"firing {LEAK} a"]


async def test_turns_leave_nothing_behind() -> None:
    """A million buckets are looked at one after the other."""
    aws = World({HOME: ON}, {f"b{n}": {} for n in range(10)})
    path = pipeline(aws, Records())
    await asyncio.gather(*(path.refresh(sweep(bucket(name))) for name in aws.buckets))
    gc.collect()
    assert len(path._turns) == 0


async def test_a_look_cut_short_leaves_the_ledger_as_it_was() -> None:
    """Whether the commit came through shows in the store; memory must not run ahead of it."""
    aws, store = World({HOME: OFF}, {"a": {"GetBucketAcl": PUBLIC_READ}}), Records(gate=asyncio.Event())
    path = pipeline(aws, store)
    look = asyncio.create_task(path.refresh(event(bucket("a"))))
    await others_run()
    look.cancel()
    await asyncio.gather(look, return_exceptions=True)
    assert look.cancelled()
    assert (path.ledger.findings(), len(path.cache)) == ((), 0)


async def test_two_accounts_do_not_mix() -> None:
    """Each bucket is judged under its own account's block, and a fan-out stays within the account."""
    other = AccountRef("aws", "444455556666")
    aws = World(
        {HOME: ON, other.account: OFF}, {"a": {"GetBucketAcl": PUBLIC_READ}, "b": {"GetBucketAcl": PUBLIC_READ}}
    )
    store = Records()
    path = pipeline(aws, store, rules=[LEAK])
    path.baseline.settle([other])
    for subject in (ACCOUNT, other, bucket("a"), bucket("b", other.account)):
        await path.refresh(sweep(subject))
    assert store.told == [f"firing {LEAK} b"]
    aws.blocks[HOME] = OFF
    outcome = await path.refresh(ACCOUNT_EVENT)
    assert isinstance(outcome, Done)
    assert [[str(request.subject) for request in wave] for wave in outcome.followups] == [["a"], ["a"]]


async def test_checks_are_counted_by_what_the_rules_judge() -> None:
    """Bucket rules by bucket, account rules by account."""
    path = pipeline(World(), Records(), rules=[LEAK, "bucket-versioning", "account-public-access-block"])
    assert path.checks(buckets=10, accounts=3) == 2 * 10 + 1 * 3


async def test_the_whole_path_behind_the_queue() -> None:
    """An account event ends when the last of its buckets was judged and read again."""
    aws, store = World({HOME: ON}, {f"b{n}": {"GetBucketAcl": PUBLIC_READ} for n in range(5)}), Records()
    path = pipeline(aws, store)
    queue = RefreshQueue(path.refresh, limits=RefreshLimits(workers=2, fanout_per_second=0), metrics=path.metrics)
    running = asyncio.create_task(queue.run())
    try:
        for request in (sweep(ACCOUNT), *(sweep(bucket(name)) for name in aws.buckets)):
            assert await (await queue.submit(request)) == Done()
        aws.blocks[HOME] = OFF
        aws.asked.clear()
        assert await (await queue.submit(ACCOUNT_EVENT)) == Done()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert sorted(store.told[1:]) == [f"firing {LEAK} {name}" for name in aws.buckets]
    assert [aws.count(name, "GetBucketAcl") for name in aws.buckets] == [1] * 5


class Doubts(list[RefreshRequest]):
    """Records what is to be looked at once more."""


async def test_an_event_that_shows_nothing_new_is_looked_into_once_more() -> None:
    """S3 may answer with the old configuration for a while."""
    aws, doubts = World({HOME: OFF}, {"a": {}}), Doubts()
    path = pipeline(aws, Records(), recheck=doubts.append)
    await path.refresh(sweep(bucket("a")))
    request = event(bucket("a"), Aspect.ACL)
    assert await path.refresh(request) == Done()
    assert doubts == [RefreshRequest(bucket("a"), frozenset({Aspect.ACL}), Origin.RECHECK, request.triggers)]
    await path.refresh(replace(doubts.pop(), triggers=request.triggers))
    assert doubts == []


async def test_an_account_event_that_shows_nothing_new_is_looked_into_once_more() -> None:
    """The account's block is no more consistent than a bucket's."""
    aws, doubts = World({HOME: ON}), Doubts()
    path = pipeline(aws, Records(), recheck=doubts.append)
    await path.refresh(sweep(ACCOUNT))
    await path.refresh(ACCOUNT_EVENT)
    assert [(request.subject, request.origin) for request in doubts] == [(ACCOUNT, Origin.RECHECK)]


async def test_a_look_that_is_to_be_repeated_anyway_plans_no_second_one() -> None:
    """The message comes back by itself."""
    aws, doubts = World({HOME: OFF}, {"a": {"GetBucketAcl": THROTTLED}}), Doubts()
    path = pipeline(aws, Records(), recheck=doubts.append)
    await path.refresh(sweep(bucket("a")))
    assert await path.refresh(event(bucket("a"), Aspect.ACL)) == Retry("unreadable_throttled")
    assert doubts == []


async def test_the_cause_of_ignorance_is_kept() -> None:
    """People are told what to repair."""
    aws = World({HOME: OFF}, {"a": {"GetBucketAcl": DENIED}})
    path = pipeline(aws, Records())
    await path.refresh(sweep(bucket("a")))
    state = path.cache.bucket(bucket("a"))
    assert state is not None
    assert isinstance(state.reading(Aspect.ACL), Unreadable)
    assert [f.cause for f in path.ledger.findings()] == [Cause.SCP]


async def test_guarded_accounts_are_trusted_beside_the_configured_ones() -> None:
    """Accounts that belong together may have access to each other's buckets; one that leaves loses that.

    The operator's own list stays, whoever leaves.
    """
    path = pipeline(World({HOME: ON}, {}), Records())
    partner, other = AccountRef("aws", "777788889999"), AccountRef("aws", "444455556666")
    path.options = replace(path.options, trusted_accounts=(partner.account,))
    path.trust([ACCOUNT, other, partner])
    path.trust([ACCOUNT, other])
    assert set(path.options.trusted_accounts) == {HOME, other.account, partner.account}
    path.trust([ACCOUNT], closed=[other.account])
    assert set(path.options.trusted_accounts) == {HOME, partner.account}
    assert path.options.closed_accounts == (other.account,)
