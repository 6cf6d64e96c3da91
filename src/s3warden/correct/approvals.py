"""What an answer of a person does to a held plan. Pure.

Takes the journal's entry and the request, hands on the entry with the approval or the rejection in it, or why the
answer cannot count. Each is about exactly one plan, named by its digest: a plan that changed since is another question.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from s3warden.model.action import Mode, RemediationPlan, Risk
from s3warden.model.remediation import Approval, Asked, Rejection, Remediation, Request, Stage

# So much of a digest may be typed or shown in place of the whole.
SHORT = 16
_KEPT = 20


def approved(plan: RemediationPlan, approvals: Sequence[Approval], requester: str | None, at: datetime) -> int:
    """How many different people have agreed to exactly this plan, in time, whoever asked for it not among them."""
    digest = plan.digest
    return len({a.by for a in approvals if a.digest == digest and a.at <= at < a.until and a.by != requester})


def approvals_needed(plan: RemediationPlan) -> int:
    """How many people have to agree: two where the risk is high."""
    return 2 if plan.risk is Risk.HIGH else 1


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Why the answer does not count. `reason` is a stable code, `detail` a sentence for who gave it."""

    reason: str
    detail: str


def answered(entry: Remediation, request: Request, at: datetime, valid: timedelta) -> Remediation | Unanswered:
    """The entry once `request`, an approval or a rejection, is taken at `at`; an approval holds for `valid`."""
    plan = entry.plan
    if entry.stage is not Stage.HELD or plan is None:
        return Unanswered("not_held", f"{entry.id} does not wait for an answer: it is {entry.stage.value}.")
    if len(request.digest) < SHORT or not plan.digest.startswith(request.digest):
        return Unanswered(
            "plan_changed",
            f"The plan of {entry.id} is another one by now ({plan.digest[:SHORT]}): look at it and answer again.",
        )
    if request.asked is Asked.REJECT:
        return entry.after(at, rejection=Rejection(request.by, plan.digest, at, request.via))
    return _agreed(entry, plan, request, at, valid)


def _agreed(
    entry: Remediation, plan: RemediationPlan, request: Request, at: datetime, valid: timedelta
) -> Remediation | Unanswered:
    if entry.mode in (Mode.OFF, Mode.PLAN):
        return Unanswered("mode", f"The settings let nobody carry this out: the mode here is {entry.mode.value}.")
    if request.by == entry.requester:
        return Unanswered("own_request", "Whoever asked for a fix cannot be the one who approves it.")
    approval = Approval(request.by, plan.digest, at, at + valid, request.via)
    others = [each for each in entry.approvals if (each.by, each.digest) != (request.by, plan.digest)]
    rejection = entry.rejection if entry.rejection and entry.rejection.by != request.by else None
    return entry.after(at, approvals=(*others, approval)[-_KEPT:], rejection=rejection)


def words(entry: Remediation, request: Request, at: datetime) -> str:
    """What whoever answered is told, once the answer is in the journal."""
    if entry.plan is None or request.asked is Asked.REJECT:
        return f"{entry.id} will not be carried out as planned."
    missing = approvals_needed(entry.plan) - approved(entry.plan, entry.approvals, entry.requester, at)
    if entry.rejection is not None and entry.rejection.digest == entry.plan.digest:
        return f"{entry.id} is approved by you, but {entry.rejection.by} rejected it: it stays as it is."
    if missing > 0:
        return f"{entry.id} is approved by you; its risk is high, so that {missing} more have to agree."
    return f"{entry.id} is approved and goes on now, unless something else holds it."
