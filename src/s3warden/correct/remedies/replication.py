"""Replication to where nothing may go: its rules switched off, not taken away."""

from collections.abc import Collection

from s3warden.correct.effect import effect
from s3warden.correct.remedy import Edit, Remedy, Scene
from s3warden.model.action import Declined, Loss, LossKind, Risk
from s3warden.model.bucket import Aspect

_ON, _OFF = "Enabled", "Disabled"


def _paused(scene: Scene) -> tuple[Edit, ...] | Declined:
    """The rules to as few destinations as mend the finding."""
    chosen = sorted({_destination(rule) for rule in _rules(scene) if rule.get("Status") == _ON})
    if not chosen or not _mends(scene, chosen):
        return Declined("not_mended", "To switch rules of replication off would not be enough.")
    for name in tuple(chosen):
        fewer = [other for other in chosen if other != name]
        chosen = fewer if _mends(scene, fewer) else chosen
    return (_edit(scene, chosen),)


def _mends(scene: Scene, destinations: Collection[str]) -> bool:
    return effect(scene, (_edit(scene, destinations),)).mends


def _edit(scene: Scene, destinations: Collection[str]) -> Edit:
    known = scene.documents.get(Aspect.REPLICATION) or {}
    whole = known.get("ReplicationConfiguration")
    rules = [{**rule, "Status": _OFF} if _destination(rule) in destinations else rule for rule in _rules(scene)]
    after = {**known, "ReplicationConfiguration": {**(whole if isinstance(whole, dict) else {}), "Rules": rules}}
    return Edit(
        Aspect.REPLICATION,
        after,
        f"Switch replication to {', '.join(destinations)} off",
        losses=tuple(Loss(LossKind.REPLICATION, f"copies in {name}") for name in destinations),
    )


def _rules(scene: Scene) -> list[dict[str, object]]:
    whole = (scene.documents.get(Aspect.REPLICATION) or {}).get("ReplicationConfiguration")
    rules = whole.get("Rules") if isinstance(whole, dict) else None
    return [dict(rule) for rule in rules] if isinstance(rules, list) else []


def _destination(rule: dict[str, object]) -> str:
    target = rule.get("Destination")
    return str(target.get("Bucket")).rpartition(":")[2] if isinstance(target, dict) else ""


PAUSE = Remedy(
    id="pause-replication",
    title="Switch replication off to where nothing may go",
    rules=frozenset(
        {
            "bucket-replication-external",
            "bucket-replication-destination-hijackable",
            "bucket-replication-forbidden-region",
        }
    ),
    reads=frozenset({Aspect.REPLICATION, Aspect.REPLICATION_DESTINATIONS}),
    risk=Risk.HIGH,
    risk_text="New objects are copied there no longer; copies that are there stay.",
    iam_actions=("s3:PutReplicationConfiguration", "iam:PassRole"),
    plan=_paused,
    undo_text="What was stored meanwhile is not copied afterwards.",
)

REMEDIES = (PAUSE,)
