"""Whether a plan may go on: every reason to stop, in one order, asked again right before each write.

Takes a plan, what the operator allows and the circumstances as just read; hands on `Allowed` or `Held` with a stable
reason. Pure: no I/O, no clock. What is not known is a reason to stop: unreadable tags, an unknown exposure, an account
whose units nobody could tell.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from s3warden.correct.budget import HOUR, MINUTE, Limits, Spent
from s3warden.correct.fights import Fight
from s3warden.correct.permits import Permit, permit_for
from s3warden.correct.windows import Freeze, Window, next_opening
from s3warden.correct.writers import Writer
from s3warden.model.action import Allowed, Held, Mode, Permission, RemediationPlan, Risk
from s3warden.model.bucket import ABSENT, BucketRef, Present, Reading, Unreadable
from s3warden.model.configuration import Tags
from s3warden.model.remediation import Approval, Rejection


class Stop(StrEnum):
    """Why a plan is held. Closed: it is a metric label."""

    KILLED = "killed"
    MODE_OFF = "mode_off"
    UNITS_UNKNOWN = "units_unknown"
    TAGS_UNREADABLE = "tags_unreadable"
    OPTED_OUT = "opted_out"
    EXEMPT = "exempt"
    REJECTED = "rejected"
    EXPOSURE_UNKNOWN = "exposure_unknown"
    FIGHT = "fight"
    GAVE_UP = "gave_up"
    PLAN_ONLY = "plan_only"
    FREEZE = "freeze"
    WINDOW = "window"
    QUIET = "quiet"
    BREAKER = "breaker"
    BUDGET_ACCOUNT = "budget_account"
    BUDGET = "budget"
    APPROVAL_NEEDED = "approval_needed"
    NOT_SAFE = "not_safe"


@dataclass(frozen=True, slots=True)
class GuardRules:
    """What the operator has set. Times in seconds.

    `opt_out` is a tag by which a bucket's owner may refuse fixes, honoured in `opt_out_accounts` alone. `quiet` is how
    long a deploy tool must have been silent on the bucket. `windows` and `freezes` bind live public exposure too unless
    `live_always`. After `attempts` failed tries of one finding the automation gives it up.
    """

    permits: tuple[Permit, ...] = ()
    opt_out: tuple[str, str] | None = None
    opt_out_accounts: frozenset[str] = frozenset()
    windows: tuple[Window, ...] = ()
    freezes: tuple[Freeze, ...] = ()
    live_always: bool = True
    quiet: float = 60.0
    limits: Limits = field(default_factory=Limits)
    attempts: int = 3


@dataclass(frozen=True, slots=True)
class LastWrite:
    """The latest change to the subject by anybody but s3warden. `at` is UTC."""

    at: datetime
    writer: Writer


@dataclass(frozen=True, slots=True)
class Circumstances:
    """All that the guard looks at, read just now. `at` is UTC.

    `live`: the finding is a live public exposure. `tags` of the bucket. `units` above the account, the nearest first;
    None where that could not be told. `exemption` is the id of one that holds on the fresh data. `killed` names the
    switch that is on. `failed` counts the tries of this finding that failed. `requester` asked for the fix by hand,
    `approvals` and `rejection` are what people answered.
    """

    at: datetime
    live: bool = False
    tags: Reading[Tags] = ABSENT
    units: tuple[str, ...] | None = ()
    exemption: str | None = None
    killed: str | None = None
    spent: Spent = field(default_factory=Spent)
    last_write: LastWrite | None = None
    fight: Fight | None = None
    failed: int = 0
    approvals: tuple[Approval, ...] = ()
    rejection: Rejection | None = None
    requester: str | None = None


@dataclass(frozen=True, slots=True)
class _Case:
    plan: RemediationPlan
    rules: GuardRules
    now: Circumstances
    permit: Permit | None

    @property
    def tags(self) -> Tags:
        return self.now.tags.value if isinstance(self.now.tags, Present) else Tags(())


def decide(plan: RemediationPlan, rules: GuardRules, now: Circumstances) -> Permission:
    """Whether the plan may be carried out now: the first reason to stop, or why it is allowed."""
    tags = now.tags.value if isinstance(now.tags, Present) else None
    case = _Case(plan, rules, now, permit_for(rules.permits, plan.rule_id, plan.subject, now.units or (), tags))
    for check in _CHECKS:
        held = check(case)
        if held is not None:
            return held
    return _by_mode(case)


def approved(plan: RemediationPlan, approvals: Sequence[Approval], requester: str | None, at: datetime) -> int:
    """How many different people have agreed to exactly this plan, in time, whoever asked for it not among them."""
    digest = plan.digest
    return len({a.by for a in approvals if a.digest == digest and a.at <= at < a.until and a.by != requester})


def approvals_needed(plan: RemediationPlan) -> int:
    """How many people have to agree: two where the risk is high."""
    return 2 if plan.risk is Risk.HIGH else 1


def _killed(case: _Case) -> Held | None:
    if case.now.killed is None:
        return None
    return Held(Stop.KILLED, f"The kill switch is on: {case.now.killed}.")


def _units_unknown(case: _Case) -> Held | None:
    """While a row names units and nobody knows those above the account, no row can be trusted to be the right one."""
    named = any(row.place.units for row in case.rules.permits if case.plan.rule_id in row.rules)
    if case.now.units is None and named:
        return Held(Stop.UNITS_UNKNOWN, "The organisational units above the account could not be read.")
    return None


def _mode_off(case: _Case) -> Held | None:
    if case.permit is None:
        return Held(Stop.MODE_OFF, "The settings permit no fix of this rule here.")
    if case.permit.mode is Mode.OFF:
        return Held(Stop.MODE_OFF, f"Fixes are off here by {case.permit.name}.")
    return None


def _tags_unreadable(case: _Case) -> Held | None:
    if isinstance(case.now.tags, Unreadable):
        return Held(Stop.TAGS_UNREADABLE, f"The bucket's tags could not be read ({case.now.tags.cause.value}).")
    return None


def _opted_out(case: _Case) -> Held | None:
    tag, subject = case.rules.opt_out, case.plan.subject
    if tag is None or not isinstance(subject, BucketRef) or subject.account not in case.rules.opt_out_accounts:
        return None
    key, value = tag
    return Held(Stop.OPTED_OUT, f"The bucket carries the tag {key}={value}.") if case.tags.get(key) == value else None


def _exempt(case: _Case) -> Held | None:
    if case.now.exemption is None:
        return None
    return Held(Stop.EXEMPT, f"The finding is exempt by {case.now.exemption}.")


def _rejected(case: _Case) -> Held | None:
    no = case.now.rejection
    if no is None or no.digest != case.plan.digest:
        return None
    return Held(Stop.REJECTED, f"{no.by} does not want this plan carried out.")


def _exposure_unknown(case: _Case) -> Held | None:
    effect = case.plan.effect
    if not isinstance(case.plan.subject, BucketRef):
        return None
    if effect.public_before is None or effect.public_after is None:
        return Held(Stop.EXPOSURE_UNKNOWN, "Who can reach the bucket, now or after the fix, could not be decided.")
    return None


def _fight(case: _Case) -> Held | None:
    return None if case.now.fight is None else Held(Stop.FIGHT, f"{case.now.fight}.")


def _gave_up(case: _Case) -> Held | None:
    if case.now.failed < case.rules.attempts:
        return None
    return Held(Stop.GAVE_UP, f"{case.now.failed} tries failed; a person has to look.")


def _plan_only(case: _Case) -> Held | None:
    if case.permit is None or case.permit.mode is not Mode.PLAN:
        return None
    return Held(Stop.PLAN_ONLY, f"{case.permit.name} asks for plans only.")


def _freeze(case: _Case) -> Held | None:
    if case.now.live and case.rules.live_always:
        return None
    freeze = next((freeze for freeze in case.rules.freezes if freeze.holds(case.now.at)), None)
    if freeze is None:
        return None
    return Held(Stop.FREEZE, f"Changes are frozen until {freeze.end.isoformat()}: {freeze.reason}.", freeze.end)


def _window(case: _Case) -> Held | None:
    if case.now.live and case.rules.live_always:
        return None
    opens = next_opening(case.rules.windows, case.now.at)
    if opens is None:
        return None
    return Held(Stop.WINDOW, f"Outside the change windows; the next one opens {opens.isoformat()}.", opens)


def _quiet(case: _Case) -> Held | None:
    last = case.now.last_write
    if case.now.live or last is None:
        return None
    due = last.at + timedelta(seconds=case.rules.quiet)
    if case.now.at >= due:
        return None
    return Held(Stop.QUIET, f"{last.writer} changed the bucket a moment ago and may not be done.", due)


def _breaker(case: _Case) -> Held | None:
    spent = case.now.spent
    most = case.rules.limits.breaker_at(spent.estate)
    if spent.asking <= most:
        return None
    text = f"{spent.asking} buckets asked for a fix within an hour, more than {most}: one cause, for a person to find."
    return Held(Stop.BREAKER, text, case.now.at + HOUR)


def _budget(case: _Case) -> Held | None:
    spent, limits, at = case.now.spent, case.rules.limits, case.now.at
    for reason, done, most, span, words in (
        (Stop.BUDGET_ACCOUNT, spent.account_minute, limits.account_minute, MINUTE, "in this account within a minute"),
        (Stop.BUDGET_ACCOUNT, spent.account_hour, limits.account_hour, HOUR, "in this account within an hour"),
        (Stop.BUDGET, spent.minute, limits.minute, MINUTE, "within a minute"),
        (Stop.BUDGET, spent.hour, limits.hour, HOUR, "within an hour"),
    ):
        if done >= most:
            return Held(reason, f"{done} fixes were made {words}; {most} are allowed.", at + span)
    return None


_CHECKS: tuple[Callable[[_Case], Held | None], ...] = (
    _killed,
    _units_unknown,
    _tags_unreadable,
    _mode_off,
    _opted_out,
    _exempt,
    _rejected,
    _exposure_unknown,
    _fight,
    _gave_up,
    _plan_only,
    _freeze,
    _window,
    _quiet,
    _breaker,
    _budget,
)


def _by_mode(case: _Case) -> Permission:
    """What the mode says of a plan that nothing else stops; who approved may go on in any of them."""
    permit, plan, now = case.permit, case.plan, case.now
    if permit is None:
        return Held(Stop.MODE_OFF, "The settings permit no fix of this rule here.")
    agreed, needed = approved(plan, now.approvals, now.requester, now.at), approvals_needed(plan)
    if agreed >= needed:
        names = sorted({a.by for a in now.approvals if a.digest == plan.digest and a.by != now.requester})
        return Allowed(f"Approved by {', '.join(names)}.")
    match permit.mode:
        case Mode.AUTO:
            return Allowed(f"{permit.name} allows it without asking.")
        case Mode.AUTO_WHEN_SAFE if plan.effect.safe:
            return Allowed(f"{permit.name} allows it where nobody is cut off, and nobody is.")
        case Mode.AUTO_WHEN_SAFE:
            return Held(Stop.NOT_SAFE, f"Not safe without asking: {_doubts(plan)}. Needs {needed} approval(s).")
    return Held(Stop.APPROVAL_NEEDED, f"Needs {needed} approval(s), has {agreed}.")


def _doubts(plan: RemediationPlan) -> str:
    effect = plan.effect
    doubts = [f"would cut off {loss.kind.value} {loss.name}" for loss in effect.losses]
    doubts += [f"not known: {text}" for text in effect.unknown]
    return "; ".join(doubts) or f"the rule would say {effect.verdict_after.value} afterwards"
