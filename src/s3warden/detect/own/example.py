"""Examples of an own rule: what is different from a bucket where nothing is configured, and the verdict to expect.

An example is written in the form of the view, field by field; what it leaves out is empty. The word `unreadable` in
place of a field stands for one that could not be read. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from s3warden.detect.own.expression import ExpressionError
from s3warden.detect.own.rule import OwnCheck
from s3warden.detect.own.shapes import CONFIGURED, Plain, Type
from s3warden.detect.own.view import ROOTS, empty
from s3warden.detect.rule import RuleFailedError
from s3warden.model.finding import Verdict

UNREADABLE: Final = "unreadable"

_SIMPLE: Final[Mapping[str, tuple[type, ...]]] = {
    "bool": (bool,),
    "string": (str,),
    "int": (int,),
    "double": (int, float),
    "int or null": (int,),
}


@dataclass(frozen=True, slots=True)
class WrittenExample:
    """What the operator wrote: fields of `bucket` and `account` by name."""

    title: str
    verdict: Verdict
    bucket: Mapping[str, Any] = field(default_factory=dict)
    account: Mapping[str, Any] = field(default_factory=dict)


def complaint(check: OwnCheck, example: WrittenExample) -> str | None:
    """What is wrong with an example: it is not of the view's form, or the rule says something else. None if nothing."""
    try:
        told, why = _verdict(check, example)
    except ExpressionError as error:
        return str(error)
    if told is example.verdict:
        return None
    return f"expected {example.verdict.value}, but the rule says {told.value}: {why}"


def _verdict(check: OwnCheck, example: WrittenExample) -> tuple[Verdict, str]:
    fields = check.used | check.message.used
    seen = empty(check.kind, fields)
    for root, changed in (("bucket", example.bucket), ("account", example.account)):
        if changed and root not in ROOTS[check.kind]:
            raise ExpressionError(f"a rule about one {check.kind} sees no `{root}`")
        for name, value in changed.items():
            known = ROOTS[check.kind][root].get(name)
            if known is None:
                raise ExpressionError(f"`{root}` has no field `{name}`")
            if value == UNREADABLE and known.aspect is not None:
                if (root, name) in check.used:
                    return Verdict.UNKNOWN, f"`{root}.{name}` is unreadable"
            elif (root, name) in fields:
                seen[root][name] = _changed(seen[root][name], value, known.type, f"{root}.{name}")
            else:
                _changed(known.type.empty, value, known.type, f"{root}.{name}")
    try:
        judgement = check.judge(seen)
    except RuleFailedError as error:
        return Verdict.UNKNOWN, str(error)
    return judgement.verdict, judgement.evidence.summary


def _changed(before: Plain, value: Any, kind: Type, place: str) -> Plain:
    """`value` in the form of `kind`: what it leaves out of a record is as before. Raises ExpressionError."""
    if value is None and kind.empty is None:
        return value
    match kind.name, value:
        case "record", Mapping():
            return _record(before, value, kind, place)
        case "list", list() | tuple():
            item = kind.item or Type("any")
            return [_changed(item.empty, each, item, f"{place}[{index}]") for index, each in enumerate(value)]
        case "map", Mapping():
            item = kind.item or Type("any")
            return {key: _changed(item.empty, each, item, f"{place}.{key}") for key, each in value.items()}
    wanted = _SIMPLE.get(kind.name)
    if wanted is None or not isinstance(value, wanted) or (isinstance(value, bool) and kind.name != "bool"):
        raise ExpressionError(f"`{place}` is no {kind}")
    return value


def _record(before: Plain, value: Mapping[str, Any], kind: Type, place: str) -> Plain:
    unknown = sorted(set(value) - set(kind.fields))
    if unknown:
        raise ExpressionError(f"`{place}` has no field `{unknown[0]}`")
    told = {CONFIGURED: True} if CONFIGURED in kind.fields else {}
    members = ((name, each, kind.fields[name]) for name, each in value.items())
    changed = {name: _changed(member.empty, each, member, f"{place}.{name}") for name, each, member in members}
    return {**before, **told, **changed}
