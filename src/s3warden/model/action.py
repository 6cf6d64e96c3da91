"""What may be changed in AWS: plans of exact calls, why there is none, what holds one back, and what became of it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from s3warden.model.bucket import Subject
from s3warden.model.finding import Verdict


class Risk(StrEnum):
    """How much a fix may break by itself, before the effect on this bucket is known; `rank` orders them."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """0 for low to 2 for high."""
        return list(Risk).index(self)


class Mode(StrEnum):
    """How far the operator lets a fix go."""

    OFF = "off"
    PLAN = "plan"
    APPROVE = "approve"
    AUTO_WHEN_SAFE = "auto_when_safe"
    AUTO = "auto"


def canonical(document: object) -> str:
    """A document as text that is equal for equal documents: sorted keys, no spaces. Raises TypeError, ValueError."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A parameter that nobody knows before AWS has made the thing, as its id.

    It is found in the list that `operation` of the same service answers under `items`: in the item whose `key` is
    `value`, under the name of the `parameter` itself. `asked` is canonical JSON.
    """

    parameter: str
    operation: str
    asked: str
    items: str
    key: str
    value: str

    @property
    def arguments(self) -> Mapping[str, object]:
        """The parameters of the list, decoded."""
        decoded: Mapping[str, object] = json.loads(self.asked)
        return decoded


@dataclass(frozen=True, slots=True)
class Call:
    """One call to AWS, exactly as it is made. `parameters` is canonical JSON; `service` is the SDK's name.

    `chosen` is put in right before it is made.
    """

    service: str
    operation: str
    parameters: str
    region: str | None = None
    chosen: Chosen | None = None

    @property
    def arguments(self) -> Mapping[str, object]:
        """The parameters, decoded."""
        decoded: Mapping[str, object] = json.loads(self.parameters)
        return decoded


ORDERED = "ordered"
"""Beside a setting in the form in which steps compare it: the one that AWS was told to make of it and has not yet."""


@dataclass(frozen=True, slots=True)
class Step:
    """One write of a plan, with all that is needed to check it and to take it back.

    `attribute` names what it changes: an aspect, or an aspect with a place (`object_acl:KEY`, `macie:eu-west-1`).
    `read` answers what it is now. `before` and `after` are that answer in a form that is equal for equal settings
    (`correct.steps.seen`), None where it is not configured; the pre-image to the letter is in `inverse`, which puts it
    back. `undone` is what `read` answers then: `before`, but where AWS knows no way back to "never configured".
    `summary` says in one line what the write does. `slow`: AWS takes the write as an order, which it carries out later.
    """

    attribute: str
    summary: str
    read: Call
    call: Call
    inverse: Call
    before: str | None
    after: str | None
    undone: str | None
    slow: bool = False

    def on_its_way(self, found: str | None) -> bool:
        """Whether the read answers so because AWS took the write and has not carried it out everywhere yet."""
        if not self.slow or found is None or self.before is None or self.after is None:
            return False
        return found == canonical({**json.loads(self.before), ORDERED: json.loads(self.after)})

    def may_come(self, found: str | None) -> bool:
        """Whether a write that was made may still take effect, where the read answers so."""
        return self.slow and (found == self.before or self.on_its_way(found))


class LossKind(StrEnum):
    """Who may be cut off by a fix."""

    ANONYMOUS = "anonymous"
    ACCOUNT = "account"
    SERVICE = "service"
    WEBSITE = "website"
    CDN = "cdn"
    REPLICATION = "replication"
    LOGS = "logs"


@dataclass(frozen=True, slots=True, order=True)
class Loss:
    """Somebody who could reach the bucket before the fix and could not after it."""

    kind: LossKind
    name: str


@dataclass(frozen=True, slots=True)
class Effect:
    """What the exposure engine and the rule say of the state that the plan would leave behind.

    `public_*` None is unknown; both are False for a change that cannot bear on exposure. `verdict_after` is the rule's
    own. `losses` are who would be cut off; strangers are not named there where they are the leak itself. `unknown` says
    what of the effect could not be told.
    """

    public_before: bool | None
    public_after: bool | None
    actions_before: tuple[str, ...]
    actions_after: tuple[str, ...]
    verdict_after: Verdict
    losses: tuple[Loss, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def safe(self) -> bool:
        """Whether the rule would be content and nobody known, and nothing unknown, would be cut off."""
        return self.mends and not self.losses and not self.unknown

    @property
    def mends(self) -> bool:
        """Whether the rule would find nothing wrong any more."""
        return self.verdict_after in (Verdict.PASS, Verdict.NOT_APPLICABLE)


@dataclass(frozen=True, slots=True)
class RemediationPlan:
    """What would be done about one finding. `evidence` is the digest of the facts it was made for. `made_at` is UTC."""

    remedy: str
    rule_id: str
    fingerprint: str
    evidence: str
    subject: Subject
    steps: tuple[Step, ...]
    risk: Risk
    risk_text: str
    effect: Effect
    made_at: datetime

    @property
    def digest(self) -> str:
        """64 hexadecimal digits over what would be written where; an approval is bound to it."""
        parts = [self.subject.key, self.rule_id]
        for step in self.steps:
            call = step.call
            parts += [step.attribute, call.service, call.operation, call.region or "", call.parameters]
            parts += [str(step.before), str(step.after)]
        return hashlib.sha256("\0".join(parts).encode(errors="surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Declined:
    """Why there is no plan. `reason` is a stable code, `detail` one sentence for people."""

    reason: str
    detail: str


Planned: TypeAlias = RemediationPlan | Declined


class Result(StrEnum):
    """What became of a remediation. SUPERSEDED: somebody else changed the same thing meanwhile."""

    FIXED = "fixed"
    PARTLY = "partly"
    FAILED = "failed"
    NOT_NEEDED = "not_needed"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Allowed:
    """The guard lets the plan go on. `because` is one sentence: the rule of the settings, or who approved."""

    because: str


@dataclass(frozen=True, slots=True)
class Held:
    """The guard stops the plan. `reason` is a stable code (a metric label), `detail` one sentence for people."""

    reason: str
    detail: str
    retry_at: datetime | None = None


Permission: TypeAlias = Allowed | Held
