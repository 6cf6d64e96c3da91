"""Proofs: the concrete request that shows access, and the reasons why there is none.

Takes what the symbolic evaluation found, hands on witnesses with every context value spelled out, ready for the
concrete evaluator and for people.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from s3warden.detect.exposure.callers import WEB, Caller, as_principal
from s3warden.detect.exposure.concrete import Request
from s3warden.detect.exposure.domains import Choice, Values
from s3warden.detect.exposure.scene import Assignment, Scene


@dataclass(frozen=True, slots=True)
class Witness:
    """One request that is allowed. `via` is the channel, `granted_by` the statements or grants that decide."""

    via: str
    action_class: str
    action: str
    resource: str
    caller: str
    account: str | None
    granted_by: tuple[str, ...]
    context: tuple[tuple[str, tuple[str, ...]], ...]

    def as_dict(self) -> dict[str, object]:
        """The witness for JSON; a key with one value as a text."""
        return {
            "via": self.via,
            "action_class": self.action_class,
            "action": self.action,
            "resource": self.resource,
            "caller": self.caller,
            "account": self.account,
            "granted_by": list(self.granted_by),
            "context": {key: values[0] if len(values) == 1 else list(values) for key, values in self.context},
        }


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a grant does not open the bucket. `layer` is one of the words of `blocked_by`, or `principal`."""

    via: str
    source: str
    layer: str
    text: str

    def as_dict(self) -> dict[str, object]:
        """The reason for JSON."""
        return {"via": self.via, "source": self.source, "layer": self.layer, "text": self.text}


def context_of(scene: Scene, found: Assignment) -> dict[str, tuple[str, ...]]:
    """Every key that a document mentions, and the plain facts of a request, with the values of this one."""
    facts = scene.facts
    values: dict[str, Values] = {}
    for key in (
        *facts.mentions,
        "aws:securetransport",
        *(("aws:sourceip",) if scene.caller.network == "internet" else ()),
    ):
        if key not in found.values:
            values[key] = _default(scene, key)
    values |= found.values
    if scene.caller.signed:
        _agree(scene, values)
    return {key: value for key, value in values.items() if value is not None}


def _default(scene: Scene, key: str) -> Values:
    domain = scene.domain(key)
    if domain is None:
        return None
    if isinstance(domain, Choice):
        value = domain.views[key][0] if key in domain.views else None
        return None if value is None else (value,)
    if domain.name != key or domain.optional:
        return None
    return (domain.sample,)


def _agree(scene: Scene, values: dict[str, Values]) -> None:
    """Make the account in the caller's ARN and its account number the same one."""
    arn, number = values.get("aws:principalarn"), values.get("aws:principalaccount")
    if "aws:principalarn" in values and arn and "aws:principalaccount" in scene.facts.mentions:
        values["aws:principalaccount"] = (arn[0].split(":", 5)[4],)
    elif number and not arn:
        scene_account = scene.caller.account or number[0]
        values["aws:principalaccount"] = (scene_account,)


def request_of(
    scene: Scene, context: Mapping[str, tuple[str, ...]], action: str, resource: str, point_resource: str | None
) -> Request:
    """The request of a witness for the concrete evaluator."""
    caller: Caller = scene.caller
    account = None
    principals: tuple[str, ...] = ()
    if caller.signed:
        arn = context.get("aws:principalarn")
        number = context.get("aws:principalaccount")
        account = caller.account or (arn[0].split(":", 5)[4] if arn else number[0] if number else scene.facts.stranger)
        principals = (caller.listed, as_principal(caller.listed)) if caller.listed else arn or ()
    return Request(action, resource, caller.signed, account, principals, caller.kind == WEB, context, point_resource)
