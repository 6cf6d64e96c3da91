"""Whether a plan may go on: every reason to stop, in one order, asked again right before each write.

Takes a plan, what the operator allows and the circumstances as just read; hands on `Allowed`, or `Held` with a stable
reason and what an operator has to know: why, and what would end it. Pure: no I/O, no clock. What is not known is a
reason to stop: unreadable tags, an unknown exposure, an account whose units nobody could tell.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from s3warden.correct.approvals import approvals_needed, approved
from s3warden.correct.budget import HOUR, MINUTE
from s3warden.correct.permits import Permit, permit_for
from s3warden.correct.situation import Circumstances, GuardRules
from s3warden.correct.windows import next_opening
from s3warden.model.action import Allowed, Held, Mode, Permission, RemediationPlan
from s3warden.model.bucket import BucketRef, Present, Unreadable
from s3warden.model.configuration import Tags


class Stop(StrEnum):
    """Why a plan is held, in the order in which it is asked. Closed: it is a metric label."""

    KILLED = "killed"
    UNITS_UNKNOWN = "units_unknown"
    TAGS_UNREADABLE = "tags_unreadable"
    MODE_OFF = "mode_off"
    OPTED_OUT = "opted_out"
    EXEMPT = "exempt"
    REJECTED = "rejected"
    UNDONE = "undone"
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


def _killed(case: _Case) -> Held | None:
    if case.now.killed is None:
        return None
    return Held(Stop.KILLED, f"The kill switch is on: {case.now.killed}. Nothing is changed until it is off.")


def _units_unknown(case: _Case) -> Held | None:
    """While a row names units and nobody knows those above the account, no row can be trusted to be the right one."""
    row = next((row for row in case.rules.permits if row.place.units and case.plan.rule_id in row.rules), None)
    if case.now.units is not None or row is None:
        return None
    text = (
        f"The row {row.name} names organisational units, and those above account {case.plan.subject.account} are not "
        "known. Let s3warden read AWS Organizations, or name accounts instead."
    )
    return Held(Stop.UNITS_UNKNOWN, text)


def _mode_off(case: _Case) -> Held | None:
    if case.permit is None:
        return Held(Stop.MODE_OFF, f"No row of the settings lets this be mended here. {_by_hand(case)}")
    if case.permit.mode is Mode.OFF:
        return Held(Stop.MODE_OFF, f"The row {case.permit.name} switches fixes off here. {_by_hand(case)}")
    return None


def _tags_unreadable(case: _Case) -> Held | None:
    if not isinstance(case.now.tags, Unreadable):
        return None
    text = (
        f"The bucket's tags could not be read ({case.now.tags.cause.value}), and they may refuse the fix or choose "
        "another mode. Let s3warden read them (s3:GetBucketTagging)."
    )
    return Held(Stop.TAGS_UNREADABLE, text)


def _opted_out(case: _Case) -> Held | None:
    tag, subject = case.rules.opt_out, case.plan.subject
    if tag is None or not isinstance(subject, BucketRef) or subject.account not in case.rules.opt_out_accounts:
        return None
    key, value = tag
    if case.tags.get(key) != value:
        return None
    return Held(Stop.OPTED_OUT, f"The bucket refuses fixes by its tag {key}={value}. Ask who put it there.")


def _exempt(case: _Case) -> Held | None:
    if case.now.exemption is None:
        return None
    text = f"As it is now, the exemption {case.now.exemption} holds for it, or may. See s3warden exemptions test."
    return Held(Stop.EXEMPT, text)


def _rejected(case: _Case) -> Held | None:
    no = case.now.rejection
    if no is None or no.digest != case.plan.digest:
        return None
    return Held(Stop.REJECTED, f"{no.by} said no to this plan. It waits until {no.by} approves it or the plan changes.")


def _undone(case: _Case) -> Held | None:
    if case.now.undone_by is None:
        return None
    text = f"The same fix was taken back by {case.now.undone_by}, and the facts are as they were then."
    return Held(Stop.UNDONE, f"{text} {_by_hand(case)}")


def _exposure_unknown(case: _Case) -> Held | None:
    effect = case.plan.effect
    if not isinstance(case.plan.subject, BucketRef):
        return None
    if effect.public_before is None or effect.public_after is None:
        text = f"Not known: {'; '.join(effect.unknown)}. Nothing is changed until that can be told."
        return Held(Stop.EXPOSURE_UNKNOWN, text)
    return None


def _fight(case: _Case) -> Held | None:
    if case.now.fight is None:
        return None
    return Held(Stop.FIGHT, f"{case.now.fight}. Change it where that writer has it from, or exempt the bucket.")


def _gave_up(case: _Case) -> Held | None:
    tries = len(case.now.failed)
    if tries < case.rules.attempts:
        return None
    text = f"Gave up, since every try failed ({tries}); s3warden remediations show {case.now.failed[0]} has the latest."
    return Held(Stop.GAVE_UP, f"{text} {_by_hand(case)}")


def _plan_only(case: _Case) -> Held | None:
    if case.permit is None or case.permit.mode is not Mode.PLAN:
        return None
    return Held(Stop.PLAN_ONLY, f"The row {case.permit.name} asks for plans only. {_by_hand(case)}")


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
    text = (
        f"{last.writer} changed it at {last.at:%H:%M:%S} UTC and may not be done: "
        f"it waits for {case.rules.quiet:g} s without a change (remediation.quiet)."
    )
    return Held(Stop.QUIET, text, due)


def _breaker(case: _Case) -> Held | None:
    spent = case.now.spent
    most = case.rules.limits.breaker_at(spent.estate)
    if spent.asking <= most:
        return None
    text = (
        f"{spent.asking} buckets asked for a fix within an hour, more than {most}: one cause, for a person to find. "
        "Fixes go on once fewer ask (remediation.breaker_least, breaker_share)."
    )
    return Held(Stop.BREAKER, text, case.now.at + HOUR)


def _budget(case: _Case) -> Held | None:
    spent, limits = case.now.spent, case.rules.limits
    for reason, done, most, span, name in (
        (Stop.BUDGET_ACCOUNT, spent.account_minute, limits.account_minute, MINUTE, "account_per_minute"),
        (Stop.BUDGET_ACCOUNT, spent.account_hour, limits.account_hour, HOUR, "account_per_hour"),
        (Stop.BUDGET, spent.minute, limits.minute, MINUTE, "per_minute"),
        (Stop.BUDGET, spent.hour, limits.hour, HOUR, "per_hour"),
    ):
        if done >= most:
            where = f"in account {case.plan.subject.account} " if reason is Stop.BUDGET_ACCOUNT else ""
            within = "a minute" if span is MINUTE else "an hour"
            text = f"{done} fixes were made {where}within {within}, and {most} are allowed (remediation.{name})."
            return Held(reason, text, case.now.at + span)
    return None


def _by_hand(case: _Case) -> str:
    """How a person makes the fix that s3warden does not."""
    subject = case.plan.subject
    name = f" {subject.name}" if isinstance(subject, BucketRef) else ""
    return f"To mend it by hand: s3warden plan{name} --rule {case.plan.rule_id} --format cli."


_CHECKS: tuple[Callable[[_Case], Held | None], ...] = (
    _killed,
    _units_unknown,
    _tags_unreadable,
    _mode_off,
    _opted_out,
    _exempt,
    _rejected,
    _undone,
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
        return Held(Stop.MODE_OFF, "No row of the settings lets this be mended here.")
    agreed, needed = approved(plan, now.approvals, now.requester, now.at), approvals_needed(plan)
    if agreed >= needed:
        names = sorted({a.by for a in now.approvals if a.digest == plan.digest and a.by != now.requester})
        return Allowed(f"Approved by {', '.join(names)}.")
    ask = f"{needed} must approve it, {agreed} did: s3warden remediations approve or reject."
    match permit.mode:
        case Mode.AUTO:
            return Allowed(f"{permit.name} allows it without asking.")
        case Mode.AUTO_WHEN_SAFE if plan.effect.safe:
            return Allowed(f"{permit.name} allows it where nobody is cut off, and nobody is.")
        case Mode.AUTO_WHEN_SAFE:
            return Held(Stop.NOT_SAFE, f"The row {permit.name} asks where a fix is not safe: {_doubts(plan)}. {ask}")
    return Held(Stop.APPROVAL_NEEDED, f"The row {permit.name} asks people first. {ask}")


def _doubts(plan: RemediationPlan) -> str:
    effect = plan.effect
    doubts = [f"would cut off {loss.kind.value} {loss.name}" for loss in effect.losses]
    doubts += [f"not known: {text}" for text in effect.unknown]
    return "; ".join(doubts) or f"the rule would say {effect.verdict_after.value} afterwards"
