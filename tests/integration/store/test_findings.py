"""Findings and their history: durable, repeatable, and never torn."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from s3warden.model.bucket import BucketRef
from s3warden.model.finding import ChangeKind, Evidence, Finding, FindingChange, Severity
from s3warden.store.errors import StoreError
from s3warden.store.store import Store
from s3warden.telemetry.metrics import Metrics
from support.alerts import ACCOUNT, NIGHT, change, finding, notification
from support.stores import run_sql


async def test_what_was_committed_is_there_after_a_restart(store: Store, url: str, metrics: Metrics) -> None:
    """Open findings come back whole, of buckets and of accounts, and so do their messages."""
    kept = [finding(), finding("account-block", ACCOUNT, severity=Severity.LOW, trigger=None)]
    await store.commit([change(ChangeKind.OPENED, each) for each in kept], [notification()])
    await store.close()
    async with await Store.open(url, metrics=metrics) as again:
        assert sorted(await again.load_open(), key=lambda each: each.rule_id) == sorted(kept, key=lambda f: f.rule_id)
        assert [entry.notification for entry in await again.due("oncall", _later(), 10)] == [notification()]


async def test_a_resolved_finding_stands_no_longer_but_has_its_history(store: Store) -> None:
    """The steps come back in order, each with its reason and whether it was drift."""
    opened = change(ChangeKind.OPENED, finding())
    updated = FindingChange(ChangeKind.UPDATED, replace(finding(), sequence=2), _at(1), "eased", drift=True)
    over = FindingChange(ChangeKind.RESOLVED, replace(finding(), sequence=3, resolved_at=_at(2)), _at(2), "fixed")
    for step in (opened, updated, over):
        await store.commit([step], [])
    assert await store.load_open() == []
    assert await store.last_sequence() == 3
    assert await store.history(finding().fingerprint) == [opened, updated, over]
    assert await store.history("unheard of") == []


async def test_an_empty_store_has_no_sequence(store: Store) -> None:
    """Numbers begin with the clock."""
    assert await store.last_sequence() == 0


async def test_a_finding_that_comes_back_is_open_again(store: Store) -> None:
    """The row of a resolved finding is taken over by its next opening."""
    over = replace(finding(), sequence=2, resolved_at=_at(1))
    again = replace(finding(), sequence=3, first_seen=_at(2), changed_at=_at(2))
    await store.commit([change(ChangeKind.OPENED, finding()), change(ChangeKind.RESOLVED, over)], [])
    await store.commit([change(ChangeKind.OPENED, again, at=_at(2))], [])
    assert await store.load_open() == [again]


async def test_an_older_state_never_replaces_a_newer_one(store: Store) -> None:
    """A commit that arrives late adds its step to the history and leaves the finding as it is."""
    newer = replace(finding(), sequence=5, severity=Severity.LOW)
    await store.commit([change(ChangeKind.UPDATED, newer)], [])
    await store.commit([change(ChangeKind.OPENED, finding())], [])
    assert await store.load_open() == [newer]
    assert [step.finding.sequence for step in await store.history(newer.fingerprint)] == [1, 5]


async def test_a_commit_may_be_repeated(store: Store) -> None:
    """The second time changes nothing: one finding, one step, one message."""
    for _ in range(2):
        await store.commit([change(ChangeKind.OPENED, finding())], [notification()])
    assert await store.load_open() == [finding()]
    assert len(await store.history(finding().fingerprint)) == 1
    assert await store.pending() == {"oncall": 1}


async def test_what_is_seen_again_after_a_restart_is_no_history(store: Store) -> None:
    """A resumed finding leaves a mark of its state where it differs, and no step."""
    await store.commit([change(ChangeKind.OPENED, finding())], [])
    told = replace(finding(), notified=True)
    await store.commit([change(ChangeKind.RESUMED, told)], [])
    assert await store.load_open() == [told]
    assert len(await store.history(finding().fingerprint)) == 1


async def test_foreign_texts_are_stored(store: Store) -> None:
    """NUL comes back, half a surrogate pair is spelt out; neither stops a commit on any engine."""
    odd = finding(evidence=Evidence("a\0b", {"grant": "\udfff\0"}))
    message = replace(notification(), group_key="\0g", dedup_key="\ud800")
    await store.commit([change(ChangeKind.OPENED, odd, "\0")], [message])
    loaded = (await store.load_open())[0]
    assert (loaded.evidence.summary, loaded.evidence.details) == ("a\0b", {"grant": "\\udfff\0"})
    assert (await store.due("oncall", _later(), 1))[0].notification.group_key == "\0g"


async def test_many_callers_share_few_transactions(store: Store, metrics: Metrics) -> None:
    """Whatever arrives while a transaction runs goes into the next one, together."""
    before = _count(metrics, "s3warden_store_commits_total")
    await asyncio.gather(*(store.commit([change(ChangeKind.OPENED, _of(n))], [notification(n)]) for n in range(300)))
    assert len(await store.load_open()) == 300
    assert await store.pending() == {"oncall": 300}
    assert _count(metrics, "s3warden_store_commits_total") - before <= 5


async def test_one_unusable_commit_fails_alone(store: Store, metrics: Metrics) -> None:
    """Whoever shares a transaction with rows that the database refuses is committed nevertheless."""
    naive = datetime(2026, 3, 14)  # noqa: DTZ001 - the mistake to be found
    commits = [
        store.commit([change(ChangeKind.OPENED, _of(n), at=naive if n == 7 else NIGHT)], [notification(n)])
        for n in range(20)
    ]
    results = await asyncio.gather(*commits, return_exceptions=True)
    assert [type(each) for each in results if each is not None] == [StoreError]
    assert results[7] is not None
    assert {each.fingerprint for each in await store.load_open()} == {_of(n).fingerprint for n in range(20) if n != 7}
    assert await store.pending() == {"oncall": 19}
    assert _count(metrics, "s3warden_store_commits_failed_total") == 2


async def test_a_cancelled_caller_tears_nothing(store: Store) -> None:
    """Of a cancelled commit all is there or nothing, and those who were not cancelled are committed."""
    commits = [
        asyncio.create_task(store.commit([change(ChangeKind.OPENED, _of(n))], [notification(n)])) for n in range(200)
    ]
    await asyncio.sleep(0.001)
    for each in commits[::3]:
        each.cancel()
    results = await asyncio.gather(*commits, return_exceptions=True)
    there = {each.fingerprint for each in await store.load_open()}
    told = {entry.notification.group_key for entry in await store.due("oncall", _later(), 1000)}
    for n, result in enumerate(results):
        whole = {_of(n).fingerprint in there, notification(n).group_key in told}
        assert whole == {True} if result is None else len(whole) == 1


async def test_a_finding_that_cannot_be_read_does_not_hide_the_others(store: Store, url: str) -> None:
    """A damaged row is left out."""
    await store.commit([change(ChangeKind.OPENED, _of(n)) for n in range(3)], [])
    await run_sql(url, "UPDATE findings SET body = '{' WHERE subject LIKE '%bucket-1'")
    assert {each.fingerprint for each in await store.load_open()} == {_of(0).fingerprint, _of(2).fingerprint}


async def test_single_values_are_kept(store: Store) -> None:
    """A value is there once it was put, and the last one counts."""
    assert await store.get("baseline_done") is None
    await store.put("baseline_done", "no")
    await store.put("baseline_done", "yes")
    assert await store.get("baseline_done") == "yes"


async def test_pruning_forgets_what_is_over(store: Store) -> None:
    """Long resolved findings go with their history, old messages go; what is open, recent or waiting stays."""
    long_over, just_over, standing = _of(1), _of(2), _of(3)
    await store.commit([change(ChangeKind.OPENED, each) for each in (long_over, just_over, standing)], [])
    ended = [
        change(ChangeKind.RESOLVED, replace(long_over, sequence=2, resolved_at=_at(1)), at=_at(1)),
        change(ChangeKind.RESOLVED, replace(just_over, sequence=2, resolved_at=_at(9)), at=_at(9)),
    ]
    await store.commit(ended, [notification(n) for n in range(4)])
    ids = [entry.id for entry in await store.due("oncall", _later(), 10)]
    await store.delivered(ids[:1], _at(1))
    await store.refuse(ids[1:2], "gone", _at(1))
    await store.delivered(ids[2:3], _at(9))
    assert await store.prune(_at(5), _at(5)) == 2 + 1 + 1 + 2
    assert await store.history(long_over.fingerprint) == []
    assert [step.kind for step in await store.history(just_over.fingerprint)] == [ChangeKind.RESOLVED]
    assert len(await store.history(standing.fingerprint)) == 1
    assert await store.load_open() == [standing]
    assert await store.pending() == {"oncall": 1}
    assert await store.prune(_at(5), _at(5)) == 0


async def test_pruning_takes_as_many_portions_as_it_needs(store: Store) -> None:
    """More rows than one portion holds are all removed."""
    over = [change(ChangeKind.RESOLVED, replace(_of(n), resolved_at=NIGHT)) for n in range(2100)]
    await store.commit(over, [])
    assert await store.prune(_at(1), _at(1)) == 2 * 2100


async def test_a_closed_store_takes_nothing(store: Store) -> None:
    """A commit after the close is an error, and not forgotten silently."""
    await store.close()
    with pytest.raises(StoreError, match="closed"):
        await store.commit([change(ChangeKind.OPENED, finding())], [])


async def test_closing_finishes_what_was_handed_in(store: Store, url: str, metrics: Metrics) -> None:
    """A commit under way when the store is closed is made durable first."""
    commits = [asyncio.create_task(store.commit([change(ChangeKind.OPENED, _of(n))], [])) for n in range(50)]
    await asyncio.sleep(0)
    await store.close()
    await asyncio.gather(*commits)
    async with await Store.open(url, metrics=metrics) as again:
        assert len(await again.load_open()) == 50


def _of(number: int) -> Finding:
    return finding(subject=BucketRef("aws", "111122223333", "eu-west-1", f"bucket-{number}"))


def _at(hours: int) -> datetime:
    return NIGHT + timedelta(hours=hours)


def _later() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=1)


def _count(metrics: Metrics, name: str) -> float:
    return metrics.registry.get_sample_value(name) or 0.0
