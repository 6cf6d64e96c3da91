"""What the spine stands on, by hand: an AWS of dictionaries, a store that records, and a pipeline over both.

aws = World()
aws.buckets["ledger"] = {"GetBucketAcl": PUBLIC_READ}        # the rest of its answers is sound
aws.blocks["111122223333"] = OFF
path = pipeline(aws, store := Records())
await path.refresh(event(bucket("ledger"), Aspect.ACL))
assert store.told == ["firing bucket-acl-public-read ledger"]
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from prometheus_client import CollectorRegistry

from s3warden.aws.errors import AwsError
from s3warden.collect.cache import Cache
from s3warden.collect.fetch import Fetch
from s3warden.detect.ledger import Ledger
from s3warden.detect.rule import RuleOptions
from s3warden.detect.rules import RULES, needs, select
from s3warden.model.alert import Notification
from s3warden.model.bucket import AccountRef, Aspect, BucketRef, Cause, Subject
from s3warden.model.configuration import ALL_USERS
from s3warden.model.event import Actor, Origin, RefreshRequest, Trigger
from s3warden.model.finding import FindingChange
from s3warden.model.incident import Incident
from s3warden.pipeline import Pipeline
from s3warden.respond.routing import Destination, Routing
from s3warden.store.errors import StoreUnavailableError
from s3warden.telemetry.metrics import Metrics

HOME = "111122223333"
ACCOUNT = AccountRef("aws", HOME)
REGION = "eu-west-1"
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
MALLORY = Actor("arn:aws:iam::111122223333:user/mallory", "IAMUser")

Answer = Mapping[str, Any]


def _block(on: bool) -> Answer:
    names = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    return {"PublicAccessBlockConfiguration": dict.fromkeys(names, on)}


def _acl(*grantees: Mapping[str, str]) -> Answer:
    owner = {"Grantee": {"Type": "CanonicalUser", "ID": "owner"}, "Permission": "FULL_CONTROL"}
    return {
        "Owner": {"ID": "owner"},
        "Grants": [owner, *({"Grantee": grantee, "Permission": "READ"} for grantee in grantees)],
    }


ON, OFF = _block(on=True), _block(on=False)
PRIVATE, PUBLIC_READ = _acl(), _acl({"Type": "Group", "URI": ALL_USERS})
THROTTLED = AwsError("SlowDown", status=503, cause=Cause.THROTTLED)
DENIED = AwsError("AccessDenied", status=403, cause=Cause.SCP)
NO_BUCKET = AwsError("NoSuchBucket", status=404)

# A bucket that no rule minds, but for what the account lets through.
SOUND: Mapping[str, Answer | AwsError] = {
    "GetBucketAcl": PRIVATE,
    "GetBucketPolicy": AwsError("NoSuchBucketPolicy", status=404),
    "GetBucketPolicyStatus": AwsError("NoSuchBucketPolicy", status=404),
    "GetPublicAccessBlock": OFF,
    "GetBucketOwnershipControls": {"OwnershipControls": {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}},
    "GetBucketTagging": {"TagSet": [{"Key": key, "Value": "x"} for key in ("Name", "Role", "Environment", "Owner")]},
    "GetBucketRequestPayment": {"Payer": "BucketOwner"},
    "GetBucketLogging": {},
    "HeadBucket": {},
}


@dataclass
class World:
    """Answers reads as AWS would. `blocks` by account, `buckets` by name; what is asked is recorded.

    `objects` are ACLs by key. `gates` hold an operation on a subject until they are set; `asked` has a line for each
    call that began, but for those on objects, whose keys are in `objects_read`.
    """

    blocks: dict[str, Answer | AwsError] = field(default_factory=lambda: {HOME: ON})
    buckets: dict[str, dict[str, Answer | AwsError]] = field(default_factory=dict)
    gates: dict[tuple[str, str], asyncio.Event] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    objects: dict[str, Answer | AwsError] = field(default_factory=dict)
    objects_read: list[str] = field(default_factory=list)

    async def bucket(self, ref: BucketRef, operation: str, **_parameters: object) -> Answer:
        """The answer of an operation on a bucket."""
        await self._gate(ref.name, operation)
        if ref.name not in self.buckets:
            raise NO_BUCKET
        return _told({**SOUND, **self.buckets[ref.name]}[operation])

    async def account(self, ref: AccountRef, operation: str, **_parameters: object) -> Answer:
        """The account's public access block; it has no access points."""
        await self._gate(ref.account, operation)
        if operation == "ListAccessPoints":
            return {"AccessPointList": []}
        if operation == "ListMultiRegionAccessPoints":
            return {"AccessPoints": []}
        return _told(self.blocks[ref.account])

    async def service(self, ref: AccountRef, service: str, operation: str, **parameters: object) -> Answer:
        """The ACL of an object, by its key; no other service is asked here."""
        assert (service, operation) == ("s3", "GetObjectAcl"), f"{ref}: {service} {operation}"
        self.objects_read.append(str(parameters["Key"]))
        return _told(self.objects[self.objects_read[-1]])

    def count(self, subject: str, operation: str = "") -> int:
        """How often a subject was asked, for one operation or for anything."""
        return sum(line.startswith(f"{subject} {operation}") for line in self.asked)

    async def _gate(self, subject: str, operation: str) -> None:
        self.asked.append(f"{subject} {operation}")
        gate = self.gates.get((subject, operation))
        if gate is not None:
            await gate.wait()
        # Whoever asks gets the answer later, never in the same step.
        await asyncio.sleep(0)


def _told(answer: Answer | AwsError) -> Answer:
    if isinstance(answer, AwsError):
        raise answer
    return answer


@dataclass
class Records:
    """A store that keeps what it was given in memory; `broken` makes it refuse, `gate` makes it wait."""

    changes: list[FindingChange] = field(default_factory=list)
    notifications: list[Notification] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)
    broken: bool = False
    gate: asyncio.Event | None = None

    async def commit(
        self,
        changes: Sequence[FindingChange],
        notifications: Sequence[Notification],
        incidents: Sequence[Incident] = (),
    ) -> None:
        """Record, if the store works."""
        if self.gate is not None:
            await self.gate.wait()
        if self.broken:
            raise StoreUnavailableError("the store is away")
        self.changes += changes
        self.notifications += notifications
        self.incidents += incidents

    @property
    def told(self) -> list[str]:
        """What people hear, a line for each alert: status, rule, subject."""
        return [f"{a.status} {a.rule_id} {a.subject}" for n in self.notifications for a in n.alerts]

    @property
    def steps(self) -> list[str]:
        """What happened to findings: kind, rule, subject, verdict."""
        return [
            f"{c.kind} {c.finding.rule_id} {c.finding.subject} {c.reason or c.finding.verdict}" for c in self.changes
        ]


class Clock:
    """UTC that moves a millisecond each time it is looked at, and when told to."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now

    def pass_by(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


def pipeline(
    aws: World,
    store: Records,
    *,
    rules: Sequence[str] = ("bucket-acl-public-read", "account-public-access-block"),
    cache: Cache | None = None,
    ledger: Ledger | None = None,
    clock: Clock | None = None,
    settled: bool = True,
    metrics: Metrics | None = None,
    **more: Any,
) -> Pipeline:
    """The path with these rules; one destination hears everything."""
    chosen = select(RULES, rules)
    path = Pipeline(
        fetch=Fetch(aws, clock or (lambda: START)),
        cache=cache if cache is not None else Cache(),
        rules=chosen,
        options=RuleOptions(),
        needed=needs(chosen),
        ledger=ledger if ledger is not None else Ledger(),
        routing=Routing([Destination("all")], {rule.info.id: rule.info for rule in RULES}),
        store=store,
        metrics=metrics or Metrics(CollectorRegistry()),
        committed=more.pop("committed", lambda: None),
        clock=clock or Clock(),
        **more,
    )
    if settled:
        path.baseline.settle([ACCOUNT])
    return path


async def others_run() -> None:
    """Let the other tasks go on until each waits for something that does not come by itself."""
    for _ in range(50):
        await asyncio.sleep(0)


def bucket(name: str, account: str = HOME) -> BucketRef:
    """A bucket at home."""
    return BucketRef("aws", account, REGION, name)


_IDS = count(1)


def event(
    subject: Subject, *aspects: Aspect, name: str = "PutBucketAcl", at: datetime | None = START, urgent: bool = True
) -> RefreshRequest:
    """What an event asks for; without aspects all of them."""
    everything = frozenset(aspects) or frozenset(Aspect)
    trigger = Trigger(name, "aws.s3", f"event-{next(_IDS)}", at, MALLORY)
    return RefreshRequest(subject, everything, Origin.EVENT, (trigger,), urgent)


def sweep(subject: Subject) -> RefreshRequest:
    """What a sweep asks for."""
    return RefreshRequest(subject, frozenset(Aspect), Origin.SWEEP)
