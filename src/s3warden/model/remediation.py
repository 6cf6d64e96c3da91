"""The journal of what was done, or not done, about findings: one entry a remediation, and the requests of people.

An entry is written before each call to AWS and after it, so that whoever reads it after a crash knows what may have
happened. `audit` beside it is never changed; this is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from s3warden.model.action import Mode, RemediationPlan, Result
from s3warden.model.bucket import Subject
from s3warden.model.event import Trigger


class Stage(StrEnum):
    """Where a remediation stands. DECLINED and HELD may still be taken up; ENDED is final."""

    DECLINED = "declined"
    HELD = "held"
    APPLYING = "applying"
    ENDED = "ended"


class StepState(StrEnum):
    """Where one write stands. INTENDED: the call was, or was about to be, made. NEEDLESS: it was so already."""

    WAITING = "waiting"
    INTENDED = "intended"
    WRITTEN = "written"
    NEEDLESS = "needless"
    FAILED = "failed"


MADE = frozenset({StepState.WRITTEN, StepState.NEEDLESS})
"""Where nothing is left to be called."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What became of one step. Times are UTC.

    `read_back` is AWS's answer after the write as canonical JSON, None where it says "not configured"; it means nothing
    before WRITTEN. `error` is AWS's own text of the last try that failed. `tries` counts calls made.
    """

    state: StepState = StepState.WAITING
    tries: int = 0
    intended_at: datetime | None = None
    written_at: datetime | None = None
    read_back: str | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Approval:
    """Somebody agreed to one plan, named by its digest; good from `at` to `until`, both UTC. `via`: how it came in."""

    by: str
    digest: str
    at: datetime
    until: datetime
    via: str = ""


@dataclass(frozen=True, slots=True)
class Rejection:
    """Somebody does not want one plan, named by its digest, carried out."""

    by: str
    digest: str
    at: datetime
    via: str = ""


@dataclass(frozen=True, slots=True)
class Remediation:
    """One entry of the journal. Times are UTC.

    `id` is short and may be typed. `evidence` is the digest of the facts that it is about. `reason` is a stable code:
    why there is no plan, what holds it, or why it ended as it did; `detail` says it in a sentence. `because` is why it
    was allowed, `approvals` are of those who agreed, each to one plan, `rejection` is the latest of those who did not.
    `retry_at`: when a held one is looked at again. `keep_for`, in seconds, makes a fix a time-boxed one, and `until` is
    when it ends. `undo_of` and `undone_by` are ids of other entries. `version` rises with every change. `trigger` is
    who made the fix necessary, `requester` who asked for it by hand.
    """

    id: str
    fingerprint: str
    rule_id: str
    subject: Subject
    evidence: str
    created_at: datetime
    changed_at: datetime
    stage: Stage
    plan: RemediationPlan | None = None
    progress: tuple[Progress, ...] = ()
    mode: Mode = Mode.OFF
    reason: str = ""
    detail: str = ""
    because: str = ""
    approvals: tuple[Approval, ...] = ()
    rejection: Rejection | None = None
    requester: str | None = None
    trigger: Trigger | None = None
    retry_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    result: Result | None = None
    keep_for: float | None = None
    until: datetime | None = None
    undo_of: str | None = None
    undone_by: str | None = None
    version: int = 1

    def after(self, at: datetime, **changes: Any) -> "Remediation":
        """The entry after a change at `at`."""
        return replace(self, changed_at=at, version=self.version + 1, **changes)

    def step(self, number: int, at: datetime, **changes: Any) -> "Remediation":
        """The entry after something happened to one of its steps, counted from 0."""
        done = replace(self.progress[number], **changes)
        return self.after(at, progress=(*self.progress[:number], done, *self.progress[number + 1 :]))

    @property
    def approved_by(self) -> tuple[str, ...]:
        """Who agreed to the plan as it is."""
        digest = self.plan.digest if self.plan is not None else ""
        return tuple(sorted({approval.by for approval in self.approvals if approval.digest == digest}))

    @property
    def written(self) -> tuple[int, ...]:
        """The numbers of the steps that were written, in order."""
        return tuple(n for n, each in enumerate(self.progress) if each.state is StepState.WRITTEN)

    @property
    def on_their_way(self) -> tuple[int, ...]:
        """The numbers of the steps that are made, and that AWS had not carried out yet when they were read last."""
        steps = self.plan.steps if self.plan is not None else ()
        return tuple(
            number
            for number, (step, each) in enumerate(zip(steps, self.progress, strict=False))
            if each.state in MADE and step.may_come(each.read_back)
        )

    @property
    def left(self) -> bool:
        """Whether a step is still to be made."""
        return any(each.state not in MADE for each in self.progress)

    @property
    def attributes(self) -> frozenset[str]:
        """What it writes, or would write."""
        return frozenset(step.attribute for step in self.plan.steps) if self.plan is not None else frozenset()


class Asked(StrEnum):
    """What a person may ask of a running daemon."""

    UNDO = "undo"
    KEEP = "keep"
    APPROVE = "approve"
    REJECT = "reject"
    STOP = "stop"
    START = "start"


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asks of the daemon, mostly about one remediation, and the answer. `by` is who asks. Times are UTC.

    `digest` names the plan that an approval or a rejection is about; `via` is how the request came in. `answer` is None
    until the daemon took it; `ok` tells whether it did what was asked.
    """

    id: str
    asked: Asked
    remediation: str
    by: str
    at: datetime
    digest: str = ""
    via: str = "cli"
    ok: bool = False
    answer: str | None = None
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line for the audit log: what happened, to be chained when it is stored. `kind` is a stable code."""

    at: datetime
    kind: str
    body: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One line of the audit log as it is stored. `body` is canonical JSON, `hash` and `previous` are 64 digits."""

    seq: int
    at: datetime
    kind: str
    body: str
    previous: str
    hash: str
