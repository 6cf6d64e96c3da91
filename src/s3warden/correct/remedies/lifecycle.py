"""Lifecycle: uploads in parts that were never finished are cleared away. No rule of ours ever ends an object."""

from collections.abc import Mapping

from s3warden.correct.remedy import Edit, Remedy, Scene
from s3warden.model.action import Declined, Risk
from s3warden.model.bucket import Aspect

ABORT = "s3warden-abort-incomplete-uploads"
MARKERS = "s3warden-expired-delete-markers"


def _aborting(scene: Scene) -> tuple[Edit, ...] | Declined:
    days = min(scene.wanted.abort_days, scene.options.abort_uploads_days)
    action = {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": days}}
    return _merged(scene, ABORT, action, f"Clear away uploads that were not finished in {days} days")


def _clearing(scene: Scene) -> tuple[Edit, ...] | Declined:
    action = {"Expiration": {"ExpiredObjectDeleteMarker": True}}
    return _merged(scene, MARKERS, action, "Clear away delete markers behind which no version is left")


def _merged(scene: Scene, name: str, action: Mapping[str, object], summary: str) -> tuple[Edit, ...]:
    """The lifecycle with a rule of ours for the whole bucket, in place of one of the same name."""
    known = scene.documents.get(Aspect.LIFECYCLE) or {"Rules": []}
    listed = known["Rules"]
    rules = [dict(rule) for rule in listed] if isinstance(listed, list) else []
    # S3 takes no configuration that has both forms: a prefix of the rule itself, and one in a filter.
    old = any("Prefix" in rule for rule in rules)
    ours = {"ID": name, "Status": "Enabled", **({"Prefix": ""} if old else {"Filter": {"Prefix": ""}}), **action}
    kept = [ours if rule.get("ID") == name else rule for rule in rules]
    after = {**known, "Rules": kept if ours in kept else [*kept, ours]}
    return (Edit(Aspect.LIFECYCLE, after, summary),)


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

CLEAR_MARKERS = Remedy(
    id="clear-expired-delete-markers",
    title="Clear away delete markers behind which no version is left",
    rules=frozenset({"bucket-expired-delete-markers"}),
    reads=frozenset({Aspect.LIFECYCLE}),
    risk=Risk.LOW,
    risk_text="Nothing breaks: such a marker hides nothing any more.",
    iam_actions=("s3:PutLifecycleConfiguration",),
    plan=_clearing,
    undo_text="Markers that were cleared away meanwhile do not come back.",
)

REMEDIES = (ABORT_UPLOADS, CLEAR_MARKERS)
