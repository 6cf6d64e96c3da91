"""Services of the account on the whole path: what an event about one makes the daemon read and judge, and no more."""

from dataclasses import dataclass, field, replace

from s3warden.detect.rules import find
from s3warden.model.bucket import AccountRef, Aspect
from s3warden.model.event import Done, RefreshRequest, Retry
from s3warden.model.finding import Severity, Verdict
from s3warden.pipeline import Pipeline
from support.spine import ACCOUNT, DENIED, OFF, REGION, THROTTLED, Answer, Records, bucket, event, pipeline, sweep
from support.spine import World as Spine

RULES = tuple(
    find(name) for name in ("account-management-events", "bucket-object-events-write", "bucket-acl-public-read")
)
NEEDS = frozenset[Aspect]().union(*(rule.info.needs | rule.info.hints for rule in RULES))
ARN = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT.account}:trail/main"


@dataclass
class World(Spine):
    """AWS with one trail over two buckets; `logging` says whether it does. `refuses` are operations of CloudTrail."""

    logging: bool = True
    throttles: bool = False
    refuses: set[str] = field(default_factory=set)

    async def service(self, ref: AccountRef, service: str, operation: str, **parameters: object) -> Answer:
        """The answer of CloudTrail."""
        assert (ref, service) == (ACCOUNT, "cloudtrail")
        self.asked.append(f"{parameters['region']} {operation}")
        if operation in self.refuses:
            raise DENIED
        if self.throttles:
            raise THROTTLED
        trail = {"Name": "main", "TrailARN": ARN, "S3BucketName": "trail-logs", "HomeRegion": REGION}
        objects = [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}]
        answers: dict[str, Answer] = {
            "DescribeTrails": {"trailList": [trail]},
            "GetTrailStatus": {"IsLogging": self.logging},
            "GetEventSelectors": {"EventSelectors": [{"ReadWriteType": "All", "DataResources": objects}]},
            "ListEventDataStores": {"EventDataStores": []},
        }
        return answers[operation]

    def calls(self) -> list[str]:
        """What was asked since this was last called."""
        asked = sorted(self.asked)
        self.asked.clear()
        return asked


async def path_over(aws: World) -> Pipeline:
    """A path that has swept an account with two buckets."""
    aws.buckets = {"a": {}, "b": {}}
    path = replace(pipeline(aws, Records()), rules=RULES, needed=NEEDS)
    path.lives_in(ACCOUNT, [REGION])
    for subject in (ACCOUNT, bucket("a"), bucket("b")):
        await path.refresh(sweep(subject))
    aws.calls()
    return path


async def followed(path: Pipeline, outcome: object) -> list[RefreshRequest]:
    """Do all that an outcome asks for; tells what that was."""
    assert isinstance(outcome, Done)
    requests = [request for wave in outcome.followups for request in wave]
    for request in requests:
        await path.refresh(request)
    return requests


def open_findings(path: Pipeline) -> set[tuple[str, str, Verdict]]:
    """Subject, rule and verdict of each finding about trails."""
    found = path.ledger.findings()
    return {(str(f.subject), f.rule_id, f.verdict) for f in found if "events" in f.rule_id}


async def test_a_trail_that_stops_is_told_of_at_once_and_costs_no_read_of_a_bucket() -> None:
    """The account is read, and its buckets are judged anew from what is known."""
    aws = World()
    path = await path_over(aws)
    assert open_findings(path) == set()
    aws.logging = False
    outcome = await path.refresh(event(ACCOUNT, Aspect.TRAILS, name="StopLogging"))
    assert aws.calls() == [f"{REGION} DescribeTrails", f"{REGION} GetEventSelectors", f"{REGION} GetTrailStatus"]
    requests = await followed(path, outcome)
    assert [(str(request.subject), request.aspects) for request in requests] == [("a", frozenset()), ("b", frozenset())]
    assert aws.calls() == []
    assert open_findings(path) == {
        ("account 111122223333", "account-management-events", Verdict.FAIL),
        ("a", "bucket-object-events-write", Verdict.FAIL),
        ("b", "bucket-object-events-write", Verdict.FAIL),
    }


async def test_a_trail_that_starts_again_ends_what_was_found() -> None:
    """Once more without a read of any bucket."""
    aws = World(logging=False)
    path = await path_over(aws)
    assert len(open_findings(path)) == 3
    aws.logging = True
    await followed(path, await path.refresh(event(ACCOUNT, Aspect.TRAILS, name="StartLogging")))
    assert open_findings(path) == set()
    assert not [call for call in aws.calls() if call.startswith(("a ", "b "))]


async def test_a_changed_block_has_its_buckets_read_again_beside_the_services() -> None:
    """Only what hangs on the block, and not because of a trail."""
    aws = World()
    path = await path_over(aws)
    aws.blocks[ACCOUNT.account] = OFF
    told = event(ACCOUNT, Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK, name="DeleteAccountPublicAccessBlock")
    outcome = await path.refresh(told)
    requests = await followed(path, outcome)
    assert [request.aspects for request in requests if request.aspects] == [frozenset({Aspect.ACL})] * 2


async def test_a_refused_trail_is_unknown_and_never_passes() -> None:
    """For the account and for each of its buckets."""
    aws = World(refuses={"GetEventSelectors"})
    path = await path_over(aws)
    assert {verdict for _, _, verdict in open_findings(path)} == {Verdict.UNKNOWN}
    assert len(open_findings(path)) == 3


async def test_a_sweep_believes_services_for_a_while() -> None:
    """The block of the account, which all hangs on, is read by each."""
    aws = World()
    path = await path_over(aws)
    await path.refresh(sweep(ACCOUNT))
    assert [call for call in aws.calls() if "Trail" in call or "EventDataStores" in call] == []


async def test_a_service_out_of_order_holds_nobody_up() -> None:
    """Its rules are unknown until the next sweep; looks at buckets neither wait for it nor ask it again."""
    aws = World(throttles=True)
    path = await path_over(aws)
    assert {verdict for _, _, verdict in open_findings(path)} == {Verdict.UNKNOWN}
    assert await path.refresh(event(bucket("a"), Aspect.ACL)) == Done()
    told = event(ACCOUNT, Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK, name="PutAccountPublicAccessBlock")
    assert isinstance(await path.refresh(told), Done)
    assert [call for call in aws.calls() if call.startswith(REGION)] == []
    # Who tells of the trail itself wants an answer about it.
    assert await path.refresh(event(ACCOUNT, Aspect.TRAILS, name="StopLogging")) == Retry("unreadable_throttled")
    aws.throttles = False
    assert await path.refresh(sweep(ACCOUNT)) == Done()
    for name in "ab":
        await path.refresh(sweep(bucket(name)))
    assert open_findings(path) == set()


def test_the_rules_of_this_story_are_there() -> None:
    """The severity is what decides whether somebody is woken."""
    assert find("account-management-events").info.severity is Severity.HIGH
