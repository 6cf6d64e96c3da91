"""Versioning switched on. There is no way back to a bucket that never had it."""

from s3warden.correct.remedy import Edit, Remedy, Scene
from s3warden.model.action import Declined, Risk
from s3warden.model.bucket import Aspect


def _enabled(scene: Scene) -> tuple[Edit, ...] | Declined:
    known = scene.documents.get(Aspect.VERSIONING) or {}
    return (Edit(Aspect.VERSIONING, {**known, "Status": "Enabled"}, "Enable versioning"),)


ENABLE = Remedy(
    id="enable-versioning",
    title="Enable versioning",
    rules=frozenset({"bucket-versioning"}),
    reads=frozenset({Aspect.VERSIONING}),
    risk=Risk.LOW,
    risk_text="Old versions are kept and billed until a lifecycle rule ends them.",
    iam_actions=("s3:PutBucketVersioning",),
    plan=_enabled,
    undo_text="AWS knows no way back to never: an undo suspends versioning, and the versions made meanwhile stay.",
)

REMEDIES = (ENABLE,)
