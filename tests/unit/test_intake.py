"""What becomes of a message before it is known which accounts are guarded, and after."""

import asyncio
import json
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from s3warden.intake import Intake, Scope, combine, requests
from s3warden.model.bucket import ACCOUNT_ASPECTS, BUCKET_ASPECTS, AccountRef, Aspect, BucketRef
from s3warden.model.event import (
    Done,
    Level,
    Origin,
    Outcome,
    PointName,
    Poison,
    Refresh,
    RefreshRequest,
    Retry,
    Skipped,
    Target,
    Trigger,
)
from s3warden.model.objects import ObjectName
from s3warden.telemetry.metrics import Metrics
from support import cloudtrail, virtual

_GUARDED = Scope("aws", "eu-west-1", frozenset({AccountRef("aws", cloudtrail.OWNER)}))


class _Nothing:
    """Knows no bucket."""

    def find(self, partition: str | None, name: str) -> BucketRef | None:
        """None."""


async def _submit(request: RefreshRequest) -> "asyncio.Future[Outcome]":
    future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
    future.set_result(Done())
    return future


def _intake(scope: Scope) -> Intake:
    return Intake(scope, _Nothing(), _submit, Metrics(CollectorRegistry()))


def test_a_message_waits_for_the_accounts_to_be_known() -> None:
    """Messages that come before the accounts are worked off as soon as these are told."""

    async def main() -> tuple[Outcome | object, float]:
        intake = _intake(Scope("aws", "eu-west-1"))
        began = virtual.now()
        asyncio.get_running_loop().call_later(2.0, intake.guard, _GUARDED)
        return await intake.receive(cloudtrail.call()), virtual.now() - began

    outcome, waited = virtual.run(main())
    assert outcome == Done()
    assert 2.0 <= waited < 2.1


def test_a_message_is_given_back_while_the_accounts_stay_unknown() -> None:
    """It does not wait for ever: the queue keeps it better than we do."""

    async def main() -> Outcome | object:
        return await _intake(Scope("aws", "eu-west-1")).receive(cloudtrail.call())

    assert isinstance(virtual.run(main()), Retry)


def test_a_message_does_not_wait_where_the_accounts_are_known() -> None:
    """The usual case takes no time."""

    async def main() -> float:
        began = virtual.now()
        assert await _intake(_GUARDED).receive(cloudtrail.call()) == Done()
        return virtual.now() - began

    assert virtual.run(main()) < 0.1


_POINT = PointName("ap1", cloudtrail.REGION)
_POLICY_CALL = cloudtrail.call("PutAccessPointPolicy", requestParameters={"name": "ap1"}, resources=cloudtrail.DROP)


async def _received(
    found: tuple[BucketRef, ...] | Retry, body: str = _POLICY_CALL
) -> tuple[Outcome | object, list[RefreshRequest], list[PointName]]:
    """What becomes of a body where access points are found like this; what was submitted, and what was looked for."""
    requests: list[RefreshRequest] = []
    sought: list[PointName] = []

    async def submit(request: RefreshRequest) -> "asyncio.Future[Outcome]":
        requests.append(request)
        return await _submit(request)

    async def locate(account: AccountRef, point: PointName) -> tuple[BucketRef, ...] | Retry:
        assert account == AccountRef("aws", cloudtrail.OWNER)
        sought.append(point)
        return found

    intake = Intake(_GUARDED, _Nothing(), submit, Metrics(CollectorRegistry()), locate)
    return await intake.receive(body), requests, sought


async def test_an_access_point_leads_to_a_look_at_its_bucket() -> None:
    """At its access points only, by the event that told of it."""
    bucket = BucketRef("aws", cloudtrail.OWNER, cloudtrail.REGION, "b")
    outcome, (request,), sought = await _received((bucket,))
    assert (outcome, sought) == (Done(), [_POINT])
    assert (request.subject, request.aspects) == (bucket, frozenset({Aspect.ACCESS_POINTS}))
    assert request.urgent
    assert [trigger.name for trigger in request.triggers] == ["PutAccessPointPolicy"]


async def test_an_access_point_that_is_nowhere_asks_for_nothing() -> None:
    """Its message is done with."""
    assert (await _received(()))[:2] == (Skipped("access_point_not_found"), [])


async def test_an_access_point_that_cannot_be_found_now_comes_back() -> None:
    """AWS may tell later."""
    assert (await _received(Retry("unreadable_throttled")))[:2] == (Retry("unreadable_throttled"), [])


async def test_the_bucket_behind_an_access_point_must_be_guarded() -> None:
    """It may belong to an account that is not ours."""
    foreign = BucketRef("aws", cloudtrail.CALLER, cloudtrail.REGION, "b")
    assert (await _received((foreign,)))[:2] == (Skipped("account_not_guarded"), [])


async def test_nobody_looks_for_access_points_of_accounts_that_are_not_guarded() -> None:
    """Neither of other accounts nor of other partitions."""
    for arn in (
        f"arn:aws:s3:eu-west-1:{cloudtrail.CALLER}:accesspoint/ap1",
        f"arn:aws-cn:s3:cn-north-1:{cloudtrail.OWNER}:accesspoint/ap1",
    ):
        body = cloudtrail.call("DeleteAccessPoint", requestParameters=None, resources=[{"ARN": arn}])
        outcome, requests, sought = await _received((), body)
        assert isinstance(outcome, Skipped)
        assert not requests
        assert not sought


_TRIGGER = Trigger("PutBucketAcl", "aws.s3", "event-1")
_ACL = frozenset({Aspect.ACL})
_TARGET = Target(Level.BUCKET, cloudtrail.OWNER, "eu-west-1", "a", _ACL, "aws")


class _Knows:
    """Knows one bucket."""

    def __init__(self, ref: BucketRef) -> None:
        self.ref = ref

    def find(self, partition: str | None, name: str) -> BucketRef | None:
        """The bucket, if that is its name."""
        return self.ref if (self.ref.partition, self.ref.name) == (partition, name) else None


def _asked(
    *targets: Target, scope: Scope = _GUARDED, known: _Knows | _Nothing | None = None, name: str = "PutBucketAcl"
) -> tuple[RefreshRequest, ...] | Skipped | Retry:
    event = Refresh(targets, replace(_TRIGGER, name=name), "change", "cloudtrail", urgent=True)
    return requests(event, scope, known or _Nothing())


def test_an_event_asks_for_what_it_told() -> None:
    """The bucket as the event names it, the aspects, who did it, and how urgent it is."""
    assert _asked(_TARGET) == (
        RefreshRequest(
            BucketRef("aws", cloudtrail.OWNER, "eu-west-1", "a"),
            _ACL,
            Origin.EVENT,
            (_TRIGGER,),
            urgent=True,
            calls=(_TRIGGER,),
        ),
    )


@pytest.mark.parametrize(
    ("kind", "target", "needed"),
    [
        ("config_item", _TARGET, Aspect.CHANGES),
        ("service_call", _TARGET, Aspect.CHANGES),
        ("cloudtrail", replace(_TARGET, level=Level.ACCOUNT, bucket=None), Aspect.CHANGES),
        ("cloudtrail", replace(_TARGET, object=ObjectName("key")), Aspect.CHANGES),
        ("cloudtrail", _TARGET, Aspect.POLICY),
    ],
)
def test_only_calls_on_the_bucket_itself_change_it(kind: str, target: Target, needed: Aspect) -> None:
    """And nobody keeps them unless a rule looks at them."""
    event = Refresh((target,), _TRIGGER, "change", kind)
    found = requests(event, _GUARDED, _Nothing(), frozenset({needed, Aspect.ACL}))
    assert isinstance(found, tuple)
    assert [request.calls for request in found] == [()]


def test_without_aspects_everything_is_read() -> None:
    """Of a bucket, or of an account."""
    account = Target(Level.ACCOUNT, cloudtrail.OWNER)
    found = _asked(replace(_TARGET, aspects=frozenset()), account)
    assert isinstance(found, tuple)
    assert [request.aspects for request in found] == [BUCKET_ASPECTS, ACCOUNT_ASPECTS]
    assert found[1].subject == AccountRef("aws", cloudtrail.OWNER)


@pytest.mark.parametrize(
    ("target", "scope", "reason"),
    [
        (replace(_TARGET, account=cloudtrail.CALLER), _GUARDED, "account_not_guarded"),
        (replace(_TARGET, partition="aws-cn"), _GUARDED, "other_partition"),
        (replace(_TARGET, account=None), _GUARDED, "account_not_named"),
        (_TARGET, replace(_GUARDED, regions=frozenset({"us-east-1"})), "bucket_not_guarded"),
        (_TARGET, replace(_GUARDED, excluded_regions=frozenset({"eu-west-1"})), "bucket_not_guarded"),
        (_TARGET, replace(_GUARDED, bucket_prefix="team-"), "bucket_not_guarded"),
        (_TARGET, replace(_GUARDED, partition="aws-cn"), "other_partition"),
    ],
)
def test_what_is_not_guarded_is_left_alone_with_a_reason(target: Target, scope: Scope, reason: str) -> None:
    """By account, partition, region and name."""
    assert _asked(target, scope=scope) == Skipped(reason)


def test_of_several_targets_the_guarded_ones_are_looked_at() -> None:
    """The others do not spoil it, and without any the first reason is told."""
    foreign = replace(_TARGET, account=cloudtrail.CALLER, bucket="b")
    found = _asked(foreign, _TARGET, replace(_TARGET, bucket="c"))
    assert isinstance(found, tuple)
    assert [str(request.subject) for request in found] == ["a", "c"]
    assert _asked(foreign, replace(_TARGET, partition="aws-cn")) == Skipped("account_not_guarded")
    assert _asked() == Skipped("no_target")


def test_a_known_bucket_is_where_it_was_found() -> None:
    """An event may lack the account and name another region; only a bucket just made may have moved."""
    known = _Knows(BucketRef("aws", cloudtrail.OWNER, "us-west-2", "a"))
    for target in (_TARGET, replace(_TARGET, account=None, region=None)):
        found = _asked(target, known=known)
        assert isinstance(found, tuple)
        assert found[0].subject == known.ref
    made = _asked(_TARGET, known=known, name="CreateBucket")
    assert isinstance(made, tuple)
    assert made[0].subject == BucketRef("aws", cloudtrail.OWNER, "eu-west-1", "a")


def test_a_name_that_went_to_another_account_is_that_accounts() -> None:
    """The event is newer than what is known."""
    known = _Knows(BucketRef("aws", cloudtrail.CALLER, "us-west-2", "a"))
    found = _asked(_TARGET, known=known)
    assert isinstance(found, tuple)
    assert found[0].subject == BucketRef("aws", cloudtrail.OWNER, "eu-west-1", "a")


def test_a_bucket_without_a_region_is_sought_at_home() -> None:
    """The answer of S3 says where it is."""
    found = _asked(replace(_TARGET, region=None), scope=replace(_GUARDED, home_region="eu-north-1"))
    assert isinstance(found, tuple)
    assert isinstance(found[0].subject, BucketRef)
    assert found[0].subject.region == "eu-north-1"


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([Done(), Done()], Done()),
        ([Done(), Retry("a"), Retry("b")], Retry("a")),
        ([Skipped("x"), Done()], Done()),
        ([Skipped("x"), Skipped("y")], Skipped("x")),
        ([], Skipped("no_target")),
    ],
)
def test_one_message_has_one_outcome(outcomes: list[Outcome], expected: Outcome) -> None:
    """It is deleted only when all that it asks for is done."""
    assert combine(outcomes) == expected


async def test_every_message_is_counted_by_a_closed_name() -> None:
    """The names of calls are in strangers' hands; accounts count only if they are guarded."""
    intake = _intake(_GUARDED)
    told = intake.metrics.registry.get_sample_value
    assert await intake.receive(cloudtrail.call("PutBucketAcl")) == Done()
    assert await intake.receive(cloudtrail.call("PutBucketInvented")) == Done()
    assert isinstance(await intake.receive("not JSON"), Poison)
    assert await intake.receive(cloudtrail.call("GetBucketAcl", readOnly=True)) == Skipped("read_only")
    assert told("s3warden_events_received_total", {"event_name": "PutBucketAcl"}) == 1
    assert told("s3warden_events_received_total", {"event_name": "PutBucketInvented"}) is None
    assert told("s3warden_events_ignored_total", {"reason": "read_only"}) == 1
    assert told("s3warden_event_lag_seconds_count", {"stage": "delivery"}) == 2
    assert told("s3warden_last_event_timestamp_seconds", {"account_id": cloudtrail.OWNER}) is not None


async def test_event_on_a_key_is_a_look_at_the_guarded_buckets_it_encrypts() -> None:
    """Those of accounts that are not guarded are left alone; a key that encrypts no bucket asks for nothing."""
    asked: list[RefreshRequest] = []

    async def submit(request: RefreshRequest) -> "asyncio.Future[Outcome]":
        asked.append(request)
        return await _submit(request)

    ours, theirs = (BucketRef("aws", account, "eu-west-1", "b") for account in (cloudtrail.OWNER, "9" * 12))
    key = f"arn:aws:kms:eu-west-1:{cloudtrail.OWNER}:key/1"
    changes = {"eventSource": "kms.amazonaws.com", "requestParameters": {"keyId": key}, "resources": cloudtrail.DROP}
    record = cloudtrail.record("DisableKey", **changes)
    body = json.dumps(cloudtrail.envelope(record, source="aws.kms"))
    intake = Intake(_GUARDED, _Nothing(), submit, Metrics(CollectorRegistry()))
    assert await intake.receive(body) == Skipped("no_bucket_uses_the_key")
    intake.encrypted = {key: (ours, theirs)}.__getitem__
    assert await intake.receive(body) == Done()
    aspects = frozenset({Aspect.DEFAULT_KEY, Aspect.KEY_ROTATION, Aspect.KEY_POLICY})
    assert [(request.subject, request.aspects) for request in asked] == [(ours, aspects)]


async def test_a_trail_by_its_name_leads_to_the_accounts_under_it() -> None:
    """Even where the trail's own account is not guarded; each account is looked at once."""
    requests: list[RefreshRequest] = []

    async def submit(request: RefreshRequest) -> "asyncio.Future[Outcome]":
        requests.append(request)
        return await _submit(request)

    def under(owner: str, trail: str) -> tuple[AccountRef, ...]:
        assert (owner, trail) == (cloudtrail.CALLER, "everywhere")
        return (AccountRef("aws", cloudtrail.OWNER),)

    intake = Intake(_GUARDED, _Nothing(), submit, Metrics(CollectorRegistry()), under=under)
    stop = cloudtrail.record(
        "StopLogging",
        eventSource="cloudtrail.amazonaws.com",
        requestParameters={"name": "everywhere"},
        recipientAccountId=cloudtrail.CALLER,
    )
    body = json.dumps(cloudtrail.envelope(stop, source="aws.cloudtrail"))
    assert await intake.receive(body) == Done()
    [request] = requests
    assert (request.subject, request.urgent) == (AccountRef("aws", cloudtrail.OWNER), True)
    assert request.aspects == frozenset({Aspect.TRAILS})


async def test_a_change_that_no_rule_reads_is_counted_and_left_alone() -> None:
    """The message is done with."""
    metrics = Metrics(CollectorRegistry())
    intake = Intake(_GUARDED, _Nothing(), _submit, metrics, needed=frozenset({Aspect.ACL}))
    detail = cloudtrail.record("DisableMacie", eventSource="macie2.amazonaws.com", requestParameters=None)
    body = json.dumps(cloudtrail.envelope(detail, source="aws.macie2"))
    assert await intake.receive(body) == Skipped("no_rule_needs_it")
    told = metrics.registry.get_sample_value
    assert told("s3warden_events_ignored_total", {"reason": "no_rule_needs_it"}) == 1
    assert told("s3warden_events_received_total", {"event_name": "DisableMacie"}) == 1
