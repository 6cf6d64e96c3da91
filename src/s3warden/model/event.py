"""What happened: the parsed messages of the queues, and the requests to look again that follow from them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from s3warden.model.bucket import AccountRef, Aspect, BucketRef, Subject
from s3warden.model.objects import ObjectName

SELF = "s3warden"
"""The source of triggers that tell of what s3warden itself did."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who made a call, as CloudTrail's userIdentity tells it. For blame lines only, never to find the target.

    `principal` is an ARN, a service name or `anonymous`; `kind` is userIdentity.type.
    """

    principal: str
    kind: str = ""
    account: str | None = None
    source_ip: str | None = None
    user_agent: str | None = None


@dataclass(frozen=True, slots=True)
class Trigger:
    """Why a bucket is looked at again: who changed what, when, and when that was heard of. Times are UTC."""

    name: str
    source: str
    event_id: str
    event_time: datetime | None = None
    actor: Actor | None = None
    replay: bool = False
    received_at: datetime | None = None


class Level(StrEnum):
    """How far a change reaches: one bucket, every bucket of an account, or every account that is guarded."""

    BUCKET = "bucket"
    ACCOUNT = "account"
    ORGANIZATION = "organization"


@dataclass(frozen=True, slots=True)
class PointName:
    """An access point as an event names it: names are unique within an account and region."""

    name: str
    region: str | None


@dataclass(frozen=True, slots=True)
class Target:
    """What an event points at. Fields that the event does not tell are None; `bucket` is None for an account.

    With an `access_point` it is the bucket behind it that is meant, which is still to be found within the account; with
    a `key`, the ARN of a KMS key or alias, all buckets that it encrypts, whosever they are; with a `trail`, by its name
    or ARN, the accounts under that trail of the `account`. `object` is what of the bucket it is about, if one object.
    """

    level: Level
    account: str | None
    region: str | None = None
    bucket: str | None = None
    aspects: frozenset[Aspect] = frozenset()
    partition: str | None = None
    access_point: PointName | None = None
    key: str | None = None
    trail: str | None = None
    object: ObjectName | None = None


@dataclass(frozen=True, slots=True)
class Refresh:
    """The message says that something changed: look at `targets`. `urgent` when the call can widen access.

    `reason` is a stable code: `change`, `unknown_call`, `outcome_unknown`, `finding`, …
    """

    targets: tuple[Target, ...]
    trigger: Trigger
    reason: str
    kind: str
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Skip:
    """The message was understood and asks for nothing. `reason` is a stable code: `read_only`, `call_failed`, …"""

    reason: str
    kind: str = "other"
    trigger: Trigger | None = None


@dataclass(frozen=True, slots=True)
class Poison:
    """The message could not be understood. `reason` is a stable code; `detail` says what is wrong with it."""

    reason: str
    detail: str = ""


Parsed: TypeAlias = Refresh | Skip | Poison


class Origin(StrEnum):
    """What asks for a refresh."""

    EVENT = "event"
    ACCOUNT = "account"
    EXEMPTION = "exemption"
    SWEEP = "sweep"
    RECHECK = "recheck"


@dataclass(frozen=True, slots=True)
class RefreshRequest:
    """Look at `subject` again: read `aspects` (none: only evaluate again what is cached) and judge.

    Triggers are in order of arrival, and so are `objects`, those of the bucket that events named, and `calls`, the
    triggers that are calls on the bucket itself. `urgent` asks for no quiet period.
    """

    subject: Subject
    aspects: frozenset[Aspect]
    origin: Origin
    triggers: tuple[Trigger, ...] = ()
    urgent: bool = False
    objects: tuple[ObjectName, ...] = ()
    calls: tuple[Trigger, ...] = ()

    def merge(self, later: "RefreshRequest") -> "RefreshRequest":
        """One request that does the work of both: events win over sweeps, urgency stays, triggers add up."""
        order = (Origin.EVENT, Origin.ACCOUNT, Origin.EXEMPTION, Origin.RECHECK, Origin.SWEEP)
        return RefreshRequest(
            subject=later.subject,
            aspects=self.aspects | later.aspects,
            origin=min(self.origin, later.origin, key=order.index),
            triggers=_each_once(self.triggers, later.triggers),
            urgent=self.urgent or later.urgent,
            objects=tuple(dict.fromkeys((*self.objects, *later.objects))),
            calls=_each_once(self.calls, later.calls),
        )


def _each_once(earlier: tuple[Trigger, ...], later: tuple[Trigger, ...]) -> tuple[Trigger, ...]:
    known = {trigger.event_id for trigger in earlier}
    return earlier + tuple(trigger for trigger in later if trigger.event_id not in known)


@dataclass(frozen=True, slots=True)
class Done:
    """The refresh is committed. `followups` are waves of requests; each starts when the one before has ended."""

    followups: tuple[tuple[RefreshRequest, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """Nothing was to be done. `reason` is a stable code."""

    reason: str


@dataclass(frozen=True, slots=True)
class Retry:
    """It could not be done now; try again later. `reason` is a stable code."""

    reason: str


Outcome: TypeAlias = Done | Skipped | Retry


@dataclass(frozen=True, slots=True)
class Listing:
    """What a sweep found in one account: the buckets, and which regions could not be listed and why."""

    account: AccountRef
    buckets: tuple[BucketRef, ...]
    failures: Mapping[str, str] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether a bucket that is not listed can be taken for gone."""
        return not self.failures
