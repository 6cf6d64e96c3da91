"""What one bucket's look asks of others: of those that it points at, and of those that point at it."""

import json
from dataclasses import replace

from s3warden.aws.errors import AwsError
from s3warden.detect.rule import Judgement, Kind, Rule, RuleOptions, configured, fails, passes
from s3warden.model.bucket import AccountRef, Aspect, State
from s3warden.model.event import Done, Listing, RefreshRequest
from s3warden.model.finding import Severity
from s3warden.model.references import References
from s3warden.model.rule import Category
from s3warden.pipeline import Pipeline
from support.alerts import rule as rule_info
from support.spine import ACCOUNT, HOME, ON, Answer, Records, World, bucket, event, pipeline, sweep

TO_LOGS: Answer = {"LoggingEnabled": {"TargetBucket": "logs", "TargetPrefix": ""}}


def _check(state: State, _options: RuleOptions) -> Judgement:
    found = configured(state, Aspect.REFERRERS, References)
    return passes("Nothing.") if found is None else fails("Logs arrive.", {"from": str(len(found.items))})


RECEIVES = Rule(
    replace(rule_info("bucket-receives", Category.LOGGING, Severity.LOW), needs=frozenset({Aspect.REFERRERS})),
    Kind.BUCKET,
    _check,
)


def of(aws: World, store: Records) -> Pipeline:
    """The path with the one rule; what it needs of other buckets is read of all."""
    path = pipeline(aws, store)
    return Pipeline(
        path.fetch,
        path.cache,
        (RECEIVES,),
        path.options,
        RECEIVES.info.needs,
        path.ledger,
        path.routing,
        store,
        path.metrics,
        lambda: None,
    )


def world() -> World:
    """A source and its target."""
    return World({HOME: ON}, {"source": {"GetBucketLogging": TO_LOGS}, "logs": {"GetBucketLogging": {}}})


async def test_a_bucket_is_judged_by_what_points_at_it() -> None:
    """An event on the source is a look at the target, which reads nothing; the source itself is not judged again."""
    aws, store = world(), Records()
    path = of(aws, store)
    await path.refresh(sweep(bucket("logs")))
    outcome = await path.refresh(event(bucket("source"), Aspect.LOGGING))
    assert isinstance(outcome, Done)
    [[request]] = outcome.followups
    assert (request.subject, request.aspects) == (bucket("logs"), frozenset())
    assert [trigger.name for trigger in request.triggers] == ["PutBucketAcl"]
    aws.asked.clear()
    await path.refresh(request)
    assert aws.asked == []
    assert store.steps == ["opened bucket-receives logs fail"]


async def test_a_sweep_judges_at_its_end_what_it_saw_too_early() -> None:
    """The target may be looked at before its sources: it must not stay judged by what was known then."""
    store = Records()
    path = of(world(), store)
    for name in ("logs", "source"):
        assert await path.refresh(sweep(bucket(name))) == Done()
    assert store.steps == []
    [request] = path.unsettled()
    await path.refresh(request)
    assert store.steps == ["opened bucket-receives logs fail"]
    assert path.unsettled() == ()


async def test_a_source_that_is_gone_points_at_nothing() -> None:
    """Its target is judged again."""
    aws, store = world(), Records()
    path = of(aws, store)
    for name in ("source", "logs"):
        await path.refresh(sweep(bucket(name)))
    path.unsettled()
    del aws.buckets["source"]
    outcome = await path.refresh(event(bucket("source"), name="DeleteBucket"))
    assert isinstance(outcome, Done)
    for request in outcome.followups[0]:
        await path.refresh(request)
    assert store.steps[-1] == "resolved bucket-receives logs fixed"


DELIVERS = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "logging.s3.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": "arn:aws:s3:::logs/*",
            "Condition": {"StringEquals": {"aws:SourceAccount": HOME}},
        },
    }
)
TARGET: dict[str, Answer | AwsError] = {
    "GetBucketLogging": {},
    "GetBucketPolicy": {"Policy": DELIVERS},
    "GetBucketEncryption": AwsError("ServerSideEncryptionConfigurationNotFoundError", status=404),
    "GetObjectLockConfiguration": AwsError("ObjectLockConfigurationNotFoundError", status=404),
    "GetBucketRequestPayment": {"Payer": "BucketOwner"},
}
LOCKED = {
    "ObjectLockConfiguration": {
        "ObjectLockEnabled": "Enabled",
        "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 30}},
    }
}


class Estate(World):
    """The same, with a name that nobody has where no bucket is."""

    async def service(self, ref: AccountRef, service: str, operation: str, **parameters: object) -> Answer:
        """HeadBucket and ListBuckets; an account without distributions and zones."""
        self.asked.append(f"{ref.account} {operation}")
        if (service, operation) == ("s3", "HeadBucket"):
            if parameters["Bucket"] not in self.buckets:
                raise AwsError("404", status=404)
            return {}
        if operation == "ListDistributions":
            return {"DistributionList": {"IsTruncated": False}}
        if operation == "ListHostedZones":
            return {"HostedZones": [], "IsTruncated": False}
        raise AssertionError(operation)


def logging(*sources: str) -> Estate:
    """Sources that log to one target."""
    buckets: dict[str, dict[str, Answer | AwsError]] = {name: {"GetBucketLogging": TO_LOGS} for name in sources}
    return Estate({HOME: ON}, {**buckets, "logs": dict(TARGET)})


async def look(path: Pipeline, request: RefreshRequest) -> None:
    """The look and all that follows from it."""
    outcome = await path.refresh(request)
    assert isinstance(outcome, Done)
    for wave in outcome.followups:
        for following in wave:
            await look(path, following)


async def test_n25_change_of_a_log_target_judges_its_sources_and_reads_none_of_them() -> None:
    """A lock by default ends the logs of all who log there; taken back, they are found sound again."""
    aws, store = logging("a", "b"), Records()
    path = pipeline(aws, store, rules=["bucket-log-target-valid"])
    for name in ("logs", "a", "b"):
        await path.refresh(sweep(bucket(name)))
    assert store.steps == []
    aws.buckets["logs"]["GetObjectLockConfiguration"] = LOCKED
    aws.asked.clear()
    await look(path, event(bucket("logs"), Aspect.OBJECT_LOCK, name="PutBucketObjectLockConfiguration"))
    assert store.steps == ["opened bucket-log-target-valid a fail", "opened bucket-log-target-valid b fail"]
    assert {line.split()[0] for line in aws.asked} == {"logs"}
    assert len(aws.asked) <= 7
    aws.buckets["logs"]["GetObjectLockConfiguration"] = TARGET["GetObjectLockConfiguration"]
    await look(path, event(bucket("logs"), Aspect.OBJECT_LOCK, name="PutBucketObjectLockConfiguration"))
    assert [step.split()[0] for step in store.steps[2:]] == ["resolved", "resolved"]


async def test_sweep_that_finds_a_changed_target_judges_the_sources_it_saw_before() -> None:
    """Nobody told of the change."""
    aws, store = logging("a"), Records()
    path = pipeline(aws, store, rules=["bucket-log-target-valid", "bucket-policy-legacy-oai"])
    for name in ("a", "logs"):
        await path.refresh(sweep(bucket(name)))
    path.unsettled()
    aws.buckets["logs"]["GetBucketPolicy"] = AwsError("NoSuchBucketPolicy", status=404)
    for name in ("a", "logs"):
        await path.refresh(sweep(bucket(name)))
    for request in path.unsettled():
        await path.refresh(request)
    assert store.steps == ["opened bucket-log-target-valid a fail"]


async def test_n1_deletion_names_at_once_what_still_relies_on_the_name() -> None:
    """The source tells that its target is gone, the account that the name is free; taken back, both are closed."""
    aws, store = logging("a"), Records()
    path = pipeline(aws, store, rules=["bucket-log-target-valid", "account-bucket-name-released"])
    for subject in (ACCOUNT, bucket("logs"), bucket("a")):
        await look(path, sweep(subject))
    assert store.steps == []
    kept = aws.buckets.pop("logs")
    await look(path, event(bucket("logs"), name="DeleteBucket"))
    assert store.steps == [
        "opened account-bucket-name-released account 111122223333 fail",
        "opened bucket-log-target-valid a fail",
    ]
    released = store.changes[0].finding.evidence
    assert released.details == {"names": "logs", "used_by": "access logs of a"}
    aws.buckets["logs"] = kept
    await look(path, event(bucket("logs"), name="CreateBucket"))
    assert [step.split()[0] for step in store.steps[2:]] == ["resolved", "resolved"]


async def test_first_sweep_reads_a_target_once_for_all_its_sources() -> None:
    """What is asked of the target does not grow with those who log there."""
    aws = logging(*(f"s{n}" for n in range(50)))
    path = pipeline(aws, Records(), rules=["bucket-log-target-valid"])
    path.listed(Listing(ACCOUNT, tuple(bucket(name) for name in aws.buckets)))
    for n in range(50):
        await path.refresh(sweep(bucket(f"s{n}")))
    assert aws.count("logs") == 7
    assert aws.count(HOME, "HeadBucket") == 0


async def test_what_points_at_a_bucket_is_not_known_before_every_bucket_was_read() -> None:
    """Right after a start an event must not close what the sweep before it had found; the sweep to come settles it."""
    aws, store = logging("a"), Records()
    path = pipeline(aws, store, rules=["account-bucket-name-released"])
    path.fetch.neighbours.whole = False
    path.needed |= {Aspect.LOGGING}
    await look(path, event(ACCOUNT, name="PutAccountPublicAccessBlock"))
    assert [step.split()[-1] for step in store.steps] == ["unreadable"]
    for subject in (ACCOUNT, bucket("a")):
        await path.refresh(sweep(subject))
    assert [step.split()[0] for step in store.steps] == ["opened", "resolved"]
    await look(path, event(ACCOUNT, name="PutAccountPublicAccessBlock"))
    for request in path.whole():
        await path.refresh(request)
    assert path.whole() == ()
    assert [step.split()[0] for step in store.steps[-2:]] == ["opened", "resolved"]
