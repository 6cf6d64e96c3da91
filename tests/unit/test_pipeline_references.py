"""What one bucket's look asks of others: of those that it points at, and of those that point at it."""

from dataclasses import replace

from s3warden.detect.rule import Judgement, Kind, Rule, RuleOptions, configured, fails, passes
from s3warden.model.bucket import Aspect, State
from s3warden.model.event import Done
from s3warden.model.finding import Severity
from s3warden.model.references import References
from s3warden.model.rule import Category
from s3warden.pipeline import Pipeline
from support.alerts import rule as rule_info
from support.spine import HOME, ON, Answer, Records, World, bucket, event, pipeline, sweep

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
