"""Entries of the journal for people and for machines. Pure.

Every text that somebody else chose is cleaned; documents are shown as they are, in JSON.
"""

from collections.abc import Iterator

from s3warden.model.action import Step
from s3warden.model.remediation import Progress, Remediation, Stage
from s3warden.respond import render

_UNDONE = {"fixed": "undone", "not_needed": "was as before"}


def outcome(entry: Remediation) -> str:
    """Where it stands, in a word or two."""
    if entry.stage is not Stage.ENDED or entry.result is None:
        word = entry.stage.value
    elif entry.undo_of is not None:
        word = _UNDONE.get(entry.result.value, entry.result.value.replace("_", " "))
    else:
        word = entry.result.value.replace("_", " ")
    taken = ", taken back" if entry.undone_by is not None else ""
    return f"{word}{taken} ({entry.reason})" if entry.reason else f"{word}{taken}"


def line(entry: Remediation) -> str:
    """One entry on one line."""
    subject = render.name(entry.subject)
    return f"{entry.id}  {render.moment(entry.changed_at)}  {outcome(entry):<28}  {entry.rule_id}  {subject}"


def lines(entry: Remediation) -> list[str]:
    """One entry whole."""
    told = [f"{entry.id}: {entry.rule_id} of {render.name(entry.subject)}"]
    told += [f"{label:<12}{render.line(value)}" for label, value in _facts(entry) if value]
    if entry.plan is not None:
        effect = entry.plan.effect
        told += ["", f"Plan {entry.plan.digest[:16]}, {entry.plan.remedy}, {entry.plan.risk.value} risk"]
        told += [f"  would cut off {loss.kind.value} {render.line(loss.name)}" for loss in effect.losses]
        told += [f"  not known: {render.line(text)}" for text in effect.unknown]
        for number, (step, progress) in enumerate(zip(entry.plan.steps, entry.progress, strict=True), 1):
            told += _step(number, step, progress)
    return told


def _facts(entry: Remediation) -> Iterator[tuple[str, str]]:
    yield "stands", outcome(entry)
    yield "why", entry.detail
    yield "mode", entry.mode.value
    yield "allowed", entry.because
    yield "approved by", ", ".join(entry.approved_by)
    yield "rejected by", entry.rejection.by if entry.rejection is not None else ""
    yield "asked by", entry.requester or ""
    yield "begun", render.moment(entry.started_at) if entry.started_at is not None else ""
    yield "ended", render.moment(entry.ended_at) if entry.ended_at is not None else ""
    yield "next look", render.moment(entry.retry_at) if entry.retry_at is not None else ""
    yield "ends by", render.moment(entry.until) if entry.until is not None else ""
    yield "takes back", entry.undo_of or ""
    yield "taken back", f"by {entry.undone_by}" if entry.undone_by is not None else ""


def _step(number: int, step: Step, progress: Progress) -> list[str]:
    told = [
        "",
        f"{number}. {render.line(step.summary)}: {progress.state.value}",
        f"   call    {step.call.service} {step.call.operation} {render.clean(step.call.parameters)}",
        f"   before  {_document(step.before)}",
        f"   after   {_document(step.after)}",
    ]
    if progress.written_at is not None and progress.read_back != step.after:
        told.append(f"   found   {_document(progress.read_back)}")
    if progress.error:
        told.append(f"   error   {render.line(progress.error)}")
    return told


def _document(text: str | None) -> str:
    return "not configured" if text is None else render.clean(text)


def document(entry: Remediation) -> dict[str, object]:
    """One entry as JSON."""
    steps = () if entry.plan is None else zip(entry.plan.steps, entry.progress, strict=True)
    return {
        "id": entry.id,
        "rule_id": entry.rule_id,
        "finding": entry.fingerprint,
        "subject": entry.subject.key,
        "stage": entry.stage.value,
        "result": entry.result.value if entry.result is not None else None,
        "reason": entry.reason,
        "detail": entry.detail,
        "mode": entry.mode.value,
        "because": entry.because,
        "approved_by": list(entry.approved_by),
        "rejected_by": entry.rejection.by if entry.rejection is not None else None,
        "requester": entry.requester,
        "undo_of": entry.undo_of,
        "undone_by": entry.undone_by,
        **{name: _time(entry, name) for name in _TIMES},
        "plan": entry.plan.digest if entry.plan is not None else None,
        "remedy": entry.plan.remedy if entry.plan is not None else None,
        "steps": [_as_json(step, progress) for step, progress in steps],
    }


_TIMES = ("created_at", "changed_at", "started_at", "ended_at", "retry_at", "until")


def _time(entry: Remediation, name: str) -> str | None:
    at = getattr(entry, name)
    return None if at is None else str(at.isoformat())


def _as_json(step: Step, progress: Progress) -> dict[str, object]:
    return {
        "attribute": step.attribute,
        "summary": step.summary,
        "state": progress.state.value,
        "service": step.call.service,
        "operation": step.call.operation,
        "parameters": dict(step.call.arguments),
        "before": step.before,
        "after": step.after,
        "read_back": progress.read_back,
        "tries": progress.tries,
        "error": progress.error,
    }
