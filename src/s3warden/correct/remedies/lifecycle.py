"""Lifecycle: uploads in parts that were never finished are cleared away. No rule of ours ever ends an object."""

from collections.abc import Mapping
from itertools import chain

from s3warden.collect.shapes import Answer
from s3warden.correct.other_bucket_writes import DIRECTORY_LIFECYCLE, LIFECYCLE
from s3warden.correct.remedy import Edit, Remedy, Scene
from s3warden.detect.rule import configured
from s3warden.model.action import Declined, Risk
from s3warden.model.bucket import ABSENT, Aspect, Present, Regional
from s3warden.model.other_buckets import OtherBuckets

ABORT = "s3warden-abort-incomplete-uploads"
MARKERS = "s3warden-expired-delete-markers"


def _aborting(scene: Scene) -> tuple[Edit, ...] | Declined:
    days = min(scene.wanted.abort_days, scene.options.abort_uploads_days)
    action = {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": days}}
    return _merged(scene, ABORT, action, f"Clear away uploads that were not finished in {days} days")


def _clearing(scene: Scene) -> tuple[Edit, ...] | Declined:
    action = {"Expiration": {"ExpiredObjectDeleteMarker": True}}
    return _merged(scene, MARKERS, action, "Clear away delete markers behind which no version is left")


def _directories(scene: Scene) -> tuple[Edit, ...] | Declined:
    """A rule that ends no object, for each directory bucket without one that is on."""
    days = min(scene.wanted.abort_days, scene.options.abort_uploads_days)
    action = {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": days}}
    regions = configured(scene.state, Aspect.DIRECTORY_BUCKETS, Regional)
    known = scene.documents.get(Aspect.DIRECTORY_BUCKETS) or {}
    edits: list[Edit] = []
    for each in chain.from_iterable(() if regions is None else regions.known(OtherBuckets)):
        if each.lifecycle in (ABSENT, Present(value=False)):
            place = f"{each.arn}{LIFECYCLE}"
            answer = known.get(place)
            after = _with_rule(answer if isinstance(answer, Mapping) else None, ABORT, action)
            summary = f"Clear away uploads to directory bucket {each.name} that were not finished in {days} days"
            edits.append(Edit(Aspect.DIRECTORY_BUCKETS, after, summary, place=place))
    return tuple(edits)


def _merged(scene: Scene, name: str, action: Mapping[str, object], summary: str) -> tuple[Edit, ...]:
    """The lifecycle with a rule of ours for the whole bucket."""
    return (Edit(Aspect.LIFECYCLE, _with_rule(scene.documents.get(Aspect.LIFECYCLE), name, action), summary),)


def _with_rule(known: Answer | None, name: str, action: Mapping[str, object]) -> Answer:
    """The configuration with a rule of ours, in place of one of the same name."""
    listed = known["Rules"] if known is not None else []
    rules = [dict(rule) for rule in listed] if isinstance(listed, list) else []
    # S3 takes no configuration that has both forms: a prefix of the rule itself, and one in a filter.
    old = any("Prefix" in rule for rule in rules)
    ours = {"ID": name, "Status": "Enabled", **({"Prefix": ""} if old else {"Filter": {"Prefix": ""}}), **action}
    kept = [ours if rule.get("ID") == name else rule for rule in rules]
    return {**(known or {}), "Rules": kept if ours in kept else [*kept, ours]}


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

ABORT_IN_DIRECTORIES = Remedy(
    id="abort-incomplete-uploads-to-directory-buckets",
    title="Clear away uploads to directory buckets that were never finished",
    rules=frozenset({"account-directory-bucket-lifecycle"}),
    reads=frozenset({Aspect.DIRECTORY_BUCKETS}),
    risk=Risk.LOW,
    risk_text="An upload in parts that takes longer has to begin anew; no object is touched, and none expires.",
    iam_actions=DIRECTORY_LIFECYCLE.iam_actions,
    plan=_directories,
    undo_text="Parts that were cleared away meanwhile do not come back.",
)

REMEDIES = (ABORT_UPLOADS, CLEAR_MARKERS, ABORT_IN_DIRECTORIES)
