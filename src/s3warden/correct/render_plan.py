"""A plan in print: the difference as a person reads it, AWS CLI commands for a shell, a patch for Terraform, JSON.

Takes plans, hands on text. It prints what a plan says and decides nothing.
"""

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from difflib import unified_diff

from s3warden.correct.remedies import REMEDIES
from s3warden.correct.render_terraform import terraform
from s3warden.correct.steps import place_of
from s3warden.model.action import Call, Chosen, Declined, Effect, RemediationPlan, Step
from s3warden.model.bucket import AccountRef, Subject

_TITLES = {remedy.id: remedy.title for remedy in REMEDIES}
_UNDO = {remedy.id: remedy.undo_text for remedy in REMEDIES}
# Where the command line calls a service otherwise than the SDK does.
_COMMANDS = {"s3": "s3api"}
_CONTEXT = 4


def where(subject: Subject) -> str:
    """The subject and where it is."""
    if isinstance(subject, AccountRef):
        return f"account {subject.account}"
    return f"bucket {subject.name} (account {subject.account}, {subject.region})"


def as_text(plan: RemediationPlan, also: Sequence[str] = ()) -> list[str]:
    """A plan for a terminal; `also` are other rules that the same steps mend."""
    lines = [
        f"{where(plan.subject)}: {', '.join((plan.rule_id, *also))}",
        f"  fix      {_TITLES[plan.remedy]} ({plan.remedy})",
        f"  risk     {plan.risk}: {plan.risk_text}",
        *(f"  {line}" for line in _effect(plan.effect)),
        f"  undo     {_UNDO[plan.remedy] or 'Puts back exactly what was there.'}",
    ]
    for number, step in enumerate(plan.steps, start=1):
        call = step.call
        at = f" in {call.region}" if call.region else ""
        lines += ["", f"  {number}. {step.summary}", f"     {call.service} {call.operation}{at}"]
        lines += [f"     {line}" for line in difference(step)]
    return lines


def _effect(effect: Effect) -> Iterator[str]:
    if effect.public_before is not None or effect.public_after is not None:
        before = _public(effect.public_before, effect.actions_before)
        yield f"exposed  {before} now, {_public(effect.public_after, effect.actions_after)} afterwards"
    yield f"cut off  {'; '.join(f'{loss.kind}: {loss.name}' for loss in effect.losses) or 'nobody who is known'}"
    if effect.unknown:
        yield f"unknown  {'; '.join(effect.unknown)}"


def _public(public: bool | None, actions: Sequence[str]) -> str:
    if public is None:
        return "not known"
    return f"public ({', '.join(actions)})" if public else "private"


def difference(step: Step) -> list[str]:
    """What a step changes, line by line: `-` goes, `+` comes."""
    lines = unified_diff(_pretty(step.before), _pretty(step.after), lineterm="", n=_CONTEXT)
    # The first two name files, of which there are none.
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


def _pretty(document: str | None) -> list[str]:
    return [] if document is None else json.dumps(json.loads(document), indent=2, ensure_ascii=False).splitlines()


def as_cli(plan: RemediationPlan) -> list[str]:
    """The commands for a shell, then those that take it all back, as comments."""
    lines = [f"# {where(plan.subject)}: {plan.rule_id}"]
    for step in plan.steps:
        lines += [f"# {step.summary}", *command(step.call)]
    lines += ["", "# To take it back:"]
    for step in reversed(plan.steps):
        lines += [f"# {line}" for line in command(step.inverse)]
    return lines


def command(call: Call) -> list[str]:
    """One call as the AWS CLI makes it, quoted for a POSIX shell."""
    words = [f"aws {_COMMANDS.get(call.service, call.service)} {kebab(call.operation)}"]
    words += [f"--region {call.region}"] if call.region else []
    words += [_option(name, value) for name, value in call.arguments.items()]
    words += [_looked_up(call, call.chosen)] if call.chosen is not None else []
    return " \\\n  ".join(words).split("\n")


def _looked_up(call: Call, chosen: Chosen) -> str:
    """An option whose value the shell asks AWS for."""
    query = f"{chosen.items}[?{chosen.key}=='{chosen.value}'].{chosen.parameter} | [0]"
    words = [f"aws {call.service} {kebab(chosen.operation)}", *([f"--region {call.region}"] if call.region else [])]
    words += [_option(name, value) for name, value in chosen.arguments.items()]
    words += ["--output text", f"--query {shlex.quote(query)}"]
    return f'--{kebab(chosen.parameter)} "$({" ".join(words)})"'


def _option(name: str, value: object) -> str:
    if isinstance(value, bool):
        return f"--{kebab(name)}" if value else f"--no-{kebab(name)}"
    text = value if isinstance(value, str | int) else json.dumps(value, ensure_ascii=False)
    return f"--{kebab(name)} {shlex.quote(str(text))}"


def kebab(name: str) -> str:
    """A name of the API as the command line spells it."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name).lower()


def as_terraform(plan: RemediationPlan) -> list[str]:
    """What to change in the code, so that the next apply does not take the fix back."""
    lines = [f"# {where(plan.subject)}: {plan.rule_id}"]
    for step in plan.steps:
        lines += ["", f"# {step.summary}", *terraform(step, place_of(step, plan.subject))]
    return lines


def as_json(plan: RemediationPlan) -> dict[str, object]:
    """The whole plan for machines."""
    return {
        "rule_id": plan.rule_id,
        "remedy": plan.remedy,
        "title": _TITLES[plan.remedy],
        **_subject(plan.subject),
        "fingerprint": plan.fingerprint,
        "evidence": plan.evidence,
        "digest": plan.digest,
        "risk": {"level": plan.risk.value, "text": plan.risk_text},
        "undo": _UNDO[plan.remedy],
        "effect": {
            "public_before": plan.effect.public_before,
            "public_after": plan.effect.public_after,
            "actions_before": list(plan.effect.actions_before),
            "actions_after": list(plan.effect.actions_after),
            "verdict_after": plan.effect.verdict_after.value,
            "losses": [{"kind": loss.kind.value, "name": loss.name} for loss in plan.effect.losses],
            "unknown": list(plan.effect.unknown),
            "safe": plan.effect.safe,
        },
        "steps": [_step(step) for step in plan.steps],
        "made_at": plan.made_at.isoformat(),
    }


def _subject(subject: Subject) -> Mapping[str, object]:
    if isinstance(subject, AccountRef):
        return {"account": subject.account}
    return {"bucket": subject.name, "account": subject.account, "region": subject.region}


def _step(step: Step) -> dict[str, object]:
    return {
        "attribute": step.attribute,
        "summary": step.summary,
        "call": _call(step.call),
        "inverse": _call(step.inverse),
        "before": None if step.before is None else json.loads(step.before),
        "after": None if step.after is None else json.loads(step.after),
    }


def _call(call: Call) -> dict[str, object]:
    chosen = {} if call.chosen is None else {"chosen": asdict(call.chosen)}
    return {
        "service": call.service,
        "operation": call.operation,
        "region": call.region,
        "parameters": dict(call.arguments),
        **chosen,
    }


def declined_as_json(subject: Subject, rule_id: str, why: Declined) -> dict[str, object]:
    """Why there is no plan, for machines."""
    return {"rule_id": rule_id, **_subject(subject), "declined": why.reason, "detail": why.detail}


def grouped(plans: Iterable[RemediationPlan]) -> list[tuple[RemediationPlan, list[str]]]:
    """Plans of one subject, each once, with the other rules that the same steps mend."""
    found: dict[tuple[Subject, tuple[Call, ...]], tuple[RemediationPlan, list[str]]] = {}
    for plan in plans:
        key = plan.subject, tuple(step.call for step in plan.steps)
        if key in found:
            found[key][1].append(plan.rule_id)
        else:
            found[key] = (plan, [])
    return list(found.values())
