"""Lifecycle: uploads in parts that were never finished are cleared away. No rule of ours ever ends an object."""

from s3warden.correct.remedy import Edit, Remedy, Scene
from s3warden.model.action import Declined, Risk
from s3warden.model.bucket import Aspect

ABORT = "s3warden-abort-incomplete-uploads"


def _aborting(scene: Scene) -> tuple[Edit, ...] | Declined:
    known = scene.documents.get(Aspect.LIFECYCLE) or {"Rules": []}
    listed = known["Rules"]
    rules = [dict(rule) for rule in listed] if isinstance(listed, list) else []
    # S3 takes no configuration that has both forms: a prefix of the rule itself, and one in a filter.
    old = any("Prefix" in rule for rule in rules)
    ours = {
        "ID": ABORT,
        "Status": "Enabled",
        **({"Prefix": ""} if old else {"Filter": {"Prefix": ""}}),
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": scene.wanted.abort_days},
    }
    kept = [ours if rule.get("ID") == ABORT else rule for rule in rules]
    after = {**known, "Rules": kept if ours in kept else [*kept, ours]}
    return (
        Edit(Aspect.LIFECYCLE, after, f"Clear away uploads that were not finished in {scene.wanted.abort_days} days"),
    )


ABORT_UPLOADS = Remedy(
    id="abort-incomplete-uploads",
    title="Clear away uploads that were never finished",
    rules=frozenset({"bucket-abort-incomplete-mpu"}),
    reads=frozenset({Aspect.LIFECYCLE}),
    risk=Risk.LOW,
    risk_text="An upload in parts that takes longer has to begin anew; no object is touched.",
    iam_actions=("s3:PutLifecycleConfiguration",),
    plan=_aborting,
    undo_text="Parts that were cleared away meanwhile do not come back.",
)

REMEDIES = (ABORT_UPLOADS,)
