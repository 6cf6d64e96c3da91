"""One open bucket, an AWS of dictionaries that takes writes, a journal in memory, and all that mends between them.

    bench = Bench()                                  # the bucket is public by its ACL and by its policy
    bench.aws.trouble("PutBucketAcl", lost())        # the call takes effect, and nobody hears of it
    aftermath = await bench.mender.mend(bench.finding)
    assert bench.only.result is Result.FIXED

A process that is killed is a `Killed` that goes through everything; `bench.restarted()` is the next life on the same
journal and the same AWS.
"""

import json
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from prometheus_client import CollectorRegistry

from s3warden.aws.errors import AwsError
from s3warden.collect.aspects import ASPECTS
from s3warden.correct.apply import Applier
from s3warden.correct.book import Book
from s3warden.correct.circumstances import Surroundings
from s3warden.correct.look import Looks
from s3warden.correct.mend import Mender
from s3warden.correct.notes import Notes
from s3warden.correct.permits import Permit
from s3warden.correct.plans import Plans
from s3warden.correct.remedy import DEFAULT_WANTED
from s3warden.correct.situation import GuardRules
from s3warden.correct.undo import Undoer
from s3warden.correct.writers import Own
from s3warden.detect.rule import DEFAULT_OPTIONS
from s3warden.detect.rules import RULES
from s3warden.model.action import Call, Mode
from s3warden.model.alert import Notification
from s3warden.model.bucket import BUCKET_ASPECTS, AccountRef, BucketRef, Cause
from s3warden.model.finding import Evidence, Finding, Severity, Verdict, fingerprint
from s3warden.model.remediation import AuditEntry, Remediation, Stage
from s3warden.telemetry.metrics import Metrics
from support import virtual
from support.spine import HOME, OFF, PRIVATE, PUBLIC_READ, SOUND, START, World

BUCKET = BucketRef("aws", HOME, "eu-west-1", "ledger")
RULE = "bucket-public-effective"
OPEN = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{BUCKET.arn}/*"}
FRIEND = {
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{HOME}:role/app"},
    "Action": "s3:GetObject",
    "Resource": f"{BUCKET.arn}/*",
}
# What AWS answers to every read that the spine's sound bucket says nothing of.
NOT_CONFIGURED: dict[str, Any] = {
    read.operation: AwsError(next(iter(read.absent_codes)), status=404) if read.absent_codes else {}
    for aspect, read in ASPECTS.items()
    if aspect in BUCKET_ASPECTS and read.operation not in SOUND
}
ALLOWED = GuardRules(permits=(Permit("all", frozenset({RULE}), Mode.AUTO),), quiet=0)

Fault = Callable[[Callable[[], None]], None]


class Killed(BaseException):
    """The process is gone; nothing in it gets to say anything any more."""


def refused(code: str, status: int = 400, cause: Cause = Cause.ERROR) -> Fault:
    """AWS refuses; nothing happens."""

    def fault(_take_effect: Callable[[], None]) -> None:
        raise AwsError(code, "refused", status=status, cause=cause)

    return fault


def denied() -> Fault:
    """A policy forbids it."""
    return refused("AccessDenied", 403, Cause.SCP)


def throttled() -> Fault:
    """AWS asks to slow down."""
    return refused("SlowDown", 503, Cause.THROTTLED)


def dropped() -> Fault:
    """The connection breaks before anything happened."""
    return refused("ConnectionClosedError", 0, Cause.UNREACHABLE)


def lost() -> Fault:
    """It takes effect, and the answer never comes."""

    def fault(take_effect: Callable[[], None]) -> None:
        take_effect()
        raise AwsError("ReadTimeoutError", "no answer", cause=Cause.UNREACHABLE)

    return fault


def without_effect() -> Fault:
    """AWS says yes and does nothing."""
    return lambda _take_effect: None


def killed(*, after: bool) -> Fault:
    """The process dies at the call, before or after it takes effect."""

    def fault(take_effect: Callable[[], None]) -> None:
        if after:
            take_effect()
        raise Killed

    return fault


@dataclass
class Aws(World):
    """The world of the spine, which also answers by service and takes writes. `written` are those that took effect."""

    written: list[str] = field(default_factory=list)
    meanwhile: Callable[[str], None] = lambda _operation: None
    _faults: defaultdict[str, deque[Fault]] = field(default_factory=lambda: defaultdict(deque))

    def trouble(self, operation: str, *faults: Fault) -> None:
        """What happens to the next calls of this operation, in order."""
        self._faults[operation].extend(faults)

    async def service(self, ref: AccountRef, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """A read by the name of its service, as `Looks.now` makes it."""
        assert service == "s3", service
        assert parameters["ExpectedBucketOwner"] == ref.account
        self.meanwhile(f"read {operation}")
        if self._faults[operation]:
            self._faults[operation].popleft()(lambda: None)
        subject = BucketRef(ref.partition, ref.account, parameters["region"], parameters["Bucket"])
        return dict(await self.bucket(subject, operation))

    async def make(self, account: AccountRef, call: Call) -> None:
        """A write."""
        assert call.arguments["ExpectedBucketOwner"] == account.account
        self.meanwhile(call.operation)

        def take_effect() -> None:
            self._put(call)
            self.written.append(call.operation)

        if self._faults[call.operation]:
            self._faults[call.operation].popleft()(take_effect)
        else:
            take_effect()

    def _put(self, call: Call) -> None:
        settings, arguments = self.buckets[str(call.arguments["Bucket"])], dict(call.arguments)
        match call.operation:
            case "PutBucketAcl":
                acl = arguments["AccessControlPolicy"]
                assert isinstance(acl, dict)
                settings["GetBucketAcl"] = acl
            case "PutBucketPolicy":
                self.set_policy(json.loads(str(arguments["Policy"]))["Statement"], str(arguments["Bucket"]))
            case _:
                raise AssertionError(call.operation)

    def set_policy(self, statements: list[dict[str, Any]], name: str = BUCKET.name) -> None:
        """Give the bucket this policy, and AWS's word on whether it is public."""
        document = {"Version": "2012-10-17", "Statement": statements}
        public = any(statement["Principal"] == "*" for statement in statements)
        self.buckets[name]["GetBucketPolicy"] = {"Policy": json.dumps(document)}
        self.buckets[name]["GetBucketPolicyStatus"] = {"PolicyStatus": {"IsPublic": public}}


@dataclass
class Shelf:
    """A journal in memory. `strike` is asked at each record and may raise, before or after it is kept."""

    entries: dict[str, Remediation] = field(default_factory=dict)
    audit: list[AuditEntry] = field(default_factory=list)
    told: list[Notification] = field(default_factory=list)
    records: int = 0
    strike: Callable[[int, bool], None] = lambda _number, _kept: None

    async def record(
        self,
        entries: Sequence[Remediation] = (),
        audit: Sequence[AuditEntry] = (),
        notifications: Sequence[Notification] = (),
    ) -> None:
        """Keep all of it."""
        self.records += 1
        self.strike(self.records, False)
        self.entries |= {entry.id: entry for entry in entries}
        self.audit += audit
        self.told += notifications
        self.strike(self.records, True)

    async def about(self, subject: str, since: datetime, limit: int = 100) -> list[Remediation]:
        """The latest entries about a subject."""
        found = [e for e in self.entries.values() if e.subject.key == subject and e.changed_at > since]
        return sorted(found, key=lambda entry: entry.changed_at, reverse=True)[:limit]

    async def unfinished(self) -> list[Remediation]:
        """The entries that have not ended."""
        return [entry for entry in self.entries.values() if entry.stage is not Stage.ENDED]

    async def ended_since(self, since: datetime) -> list[Remediation]:
        """The entries that ended after `since`."""
        return [entry for entry in self.entries.values() if entry.ended_at is not None and entry.ended_at > since]

    def kinds(self) -> list[str]:
        """The kinds of the audit log's lines, in order."""
        return [entry.kind for entry in self.audit]


@dataclass
class Bench:
    """Everything of one life; the world and the journal outlive it."""

    aws: Aws = field(default_factory=Aws)
    shelf: Shelf = field(default_factory=Shelf)
    guard: GuardRules = ALLOWED
    switch: str | None = None
    finding: Finding = field(init=False)

    def __post_init__(self) -> None:
        if BUCKET.name not in self.aws.buckets:
            self.aws.blocks[HOME] = OFF
            self.aws.buckets[BUCKET.name] = {**NOT_CONFIGURED, "GetBucketAcl": PUBLIC_READ}
            self.aws.set_policy([FRIEND, OPEN])
        self.finding = Finding(
            fingerprint=fingerprint(RULE, BUCKET),
            rule_id=RULE,
            subject=BUCKET,
            verdict=Verdict.FAIL,
            severity=Severity.CRITICAL,
            evidence=Evidence("open", {}, live=True),
            first_seen=START,
            changed_at=START,
        )
        self.metrics = Metrics(CollectorRegistry())
        self.book = Book(self.shelf, now)
        self.surroundings = Surroundings(
            self.shelf, Own(frozenset({"writer"}), "s"), estate=lambda: 1, killed=lambda: self.switch
        )
        looks = Looks(self.aws, now)
        self.applier = Applier(looks, self.aws, self.book, lambda: self.switch, chance=lambda: 1.0)
        self.notes = Notes(self.book, self._alarm, self.metrics)
        self.mender = Mender(
            planner=Plans(looks, lambda: DEFAULT_OPTIONS, DEFAULT_WANTED),
            rules={rule.info.id: rule for rule in RULES},
            options=lambda: DEFAULT_OPTIONS,
            guard=self.guard,
            surroundings=self.surroundings,
            applier=self.applier,
            book=self.book,
            notes=self.notes,
        )
        self.undoer = Undoer(looks, self.applier, self.book, self.notes, self.metrics)

    def restarted(self) -> "Bench":
        """The next life, which knows what the journal knows."""
        self.shelf.strike = lambda _number, _kept: None
        bench = Bench(self.aws, self.shelf, self.guard)
        bench.book.restore([e for e in self.shelf.entries.values() if e.stage is not Stage.ENDED])
        return bench

    @property
    def only(self) -> Remediation:
        """The one entry of the journal that is no undoing."""
        (entry,) = (entry for entry in self.shelf.entries.values() if entry.undo_of is None)
        return entry

    @property
    def is_open(self) -> bool:
        """Whether strangers get in."""
        return self.aws.buckets[BUCKET.name]["GetBucketAcl"] != PRIVATE or OPEN in self.statements

    @property
    def statements(self) -> list[dict[str, Any]]:
        """The statements of the bucket's policy."""
        answer = self.aws.buckets[BUCKET.name]["GetBucketPolicy"]
        assert not isinstance(answer, AwsError)
        found: list[dict[str, Any]] = json.loads(answer["Policy"])["Statement"]
        return found

    def _alarm(
        self,
        finding: Finding,
        reason: str,
        facts: Sequence[tuple[str, str]],
        key: str,
        links: Callable[[str], tuple[tuple[str, str], ...]] = lambda _destination: (),
    ) -> Sequence[Notification]:
        told = (reason, dict(facts)["automation"], *(url for _, url in links("oncall")))
        return (Notification("oncall", finding.fingerprint, key, finding.severity, correlation=told),)


def now() -> datetime:
    """The virtual moment."""
    return START + timedelta(seconds=virtual.now())


def run(work: Awaitable[Any]) -> Any:
    """Run on virtual time."""

    async def main() -> Any:
        return await work

    return virtual.run(main())


def changed(finding: Finding, **fields: Any) -> Finding:
    """The finding with something else about it."""
    return replace(finding, **fields)
