"""Access points on the whole path: what an event about them makes the daemon read and judge, and nothing else."""

from collections.abc import Mapping
from dataclasses import replace

from s3warden.aws.errors import AwsError
from s3warden.detect.rule import Judgement, Kind, Rule, RuleOptions, configured, fails, passes
from s3warden.model.bucket import AccountRef, Aspect, BucketRef, BucketState, Cause, State
from s3warden.model.configuration import AccessPoints, MultiRegionAccessPoints
from s3warden.model.event import Done, Retry
from s3warden.model.finding import Severity
from s3warden.model.rule import Category
from s3warden.pipeline import Pipeline
from support.alerts import rule as rule_info
from support.points import Control, listed, multi_region
from support.spine import ACCOUNT, HOME, OFF, ON, SOUND, Answer, Records, bucket, event, pipeline, sweep

NEEDS = {Aspect.ACCESS_POINTS, Aspect.MULTI_REGION_ACCESS_POINTS, Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK, Aspect.ACL}


class World(Control):
    """S3 Control with access points of both kinds, and sound buckets."""

    block: Answer = ON

    async def bucket(self, ref: BucketRef, operation: str, **_parameters: object) -> Answer:
        """The answer of a sound bucket."""
        self.asked.append((operation, ref.region, {"Bucket": ref.name}))
        answer = SOUND[operation]
        assert isinstance(answer, Mapping)
        return answer

    async def account(
        self, ref: AccountRef, operation: str, *, region: str | None = None, **parameters: object
    ) -> Answer:
        """The account's block, or an answer about access points; each list holds those of its own kind."""
        if operation == "GetPublicAccessBlock":
            self.asked.append((operation, region, parameters))
            return self.block
        kept, everything = self.items, list(self.items)
        self.items = [item for item in kept if ("Regions" in item) is operation.startswith("ListMulti")]
        try:
            return await super().account(ref, operation, region=region, **parameters)
        finally:
            self.items = everything

    def calls(self) -> list[str]:
        """The operations asked since this was last called."""
        names = sorted(name for name, _, _ in self.asked)
        self.asked.clear()
        return names


def _reached(state: State, _options: RuleOptions) -> Judgement:
    """Fails for a bucket with any access point, so that every change of them shows."""
    assert isinstance(state, BucketState)
    own = configured(state, Aspect.ACCESS_POINTS, AccessPoints)
    far = configured(state, Aspect.MULTI_REGION_ACCESS_POINTS, MultiRegionAccessPoints)
    names = [p.name for p in own.points] if own else []
    names += [p.name for p in far.leading_to(state.ref)] if far else []
    return fails(f"Reached by {names}.", {"points": ",".join(names)}) if names else passes("Not reached.")


RULE = Rule(
    info=replace(rule_info("reached", Category.ACCESS, Severity.LOW), needs=frozenset(NEEDS)),
    kind=Kind.BUCKET,
    check=_reached,
    examples=(),
)


async def path_over(aws: World) -> tuple[Pipeline, Records]:
    """A path that has swept two buckets, with the one rule."""
    store = Records()
    path = pipeline(aws, store)  # type: ignore[arg-type]
    path = replace(path, rules=(RULE,), needed=frozenset(NEEDS))
    for subject in (ACCOUNT, bucket("a"), bucket("b")):
        await path.refresh(sweep(subject))
    aws.calls()
    return path, store


async def followed(path: Pipeline, outcome: object) -> None:
    """Do all that an outcome asks for."""
    assert isinstance(outcome, Done)
    for wave in outcome.followups:
        for request in wave:
            await followed(path, await path.refresh(request))


def points_of(path: Pipeline, name: str) -> str | None:
    """The access points that the finding about a bucket names; None without a finding."""
    found = [finding.evidence.details["points"] for finding in path.ledger.of(bucket(name))]
    return found[0] if found else None


async def test_an_event_about_an_access_point_reads_those_of_its_bucket_only() -> None:
    """One list and two calls for the point; the rest of the bucket, and other buckets, stay as they are."""
    aws = World()
    path, _ = await path_over(aws)
    aws.items = [listed("p", "a")]
    assert await path.refresh(event(bucket("a"), Aspect.ACCESS_POINTS, name="CreateAccessPoint")) == Done()
    assert aws.calls() == ["GetAccessPoint", "GetAccessPointPolicy", "ListAccessPoints"]
    assert (points_of(path, "a"), points_of(path, "b")) == ("p", None)


async def test_an_event_about_a_multi_region_access_point_judges_the_buckets_anew() -> None:
    """The account's block is not read with it; the buckets behind the point are found out about by judging all."""
    aws = World()
    path, _ = await path_over(aws)
    aws.items = [multi_region("m", "b", "elsewhere")]
    outcome = await path.refresh(event(ACCOUNT, Aspect.MULTI_REGION_ACCESS_POINTS, name="CreateMultiRegionAccessPoint"))
    assert aws.calls() == ["GetMultiRegionAccessPointPolicy", "ListMultiRegionAccessPoints"]
    await followed(path, outcome)
    assert (points_of(path, "a"), points_of(path, "b")) == (None, "m")
    assert "ListAccessPoints" not in aws.calls()


async def test_an_event_about_the_accounts_block_reads_no_access_points() -> None:
    """What the event tells is all that is read of the account."""
    aws = World()
    aws.items = [multi_region("m", "b")]
    path, _ = await path_over(aws)
    aws.block = OFF
    await path.refresh(event(ACCOUNT, Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK, name="PutAccountPublicAccessBlock"))
    assert aws.calls() == ["GetPublicAccessBlock"]
    assert points_of(path, "b") == "m"


async def test_a_policy_that_could_not_be_read_for_now_comes_back() -> None:
    """One throttled call about one of many points is reason enough for another look, which reads them all."""
    aws = World()
    path, _ = await path_over(aws)
    aws.items = [listed("p", "a")]
    aws.answers = {"GetAccessPointPolicy": AwsError("SlowDown", status=503, cause=Cause.THROTTLED)}
    request = event(bucket("a"), Aspect.ACCESS_POINTS, name="PutAccessPointPolicy")
    assert await path.refresh(request) == Retry("unreadable_throttled")
    aws.answers = {}
    assert await path.refresh(request) == Done()


async def test_what_was_read_in_vain_of_the_account_is_read_with_the_next_event() -> None:
    """Though the event is about something else: a reading that failed must not stay so for want of a question."""
    aws = World()
    aws.answers = {"ListMultiRegionAccessPoints": AwsError("SlowDown", status=503, cause=Cause.THROTTLED)}
    path, _ = await path_over(aws)
    aws.answers = {}
    block_event = event(ACCOUNT, Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK, name="PutAccountPublicAccessBlock")
    await followed(path, await path.refresh(block_event))
    assert aws.calls().count("ListMultiRegionAccessPoints") == 1
    assert aws.accounts == {AccountRef("aws", HOME)}
