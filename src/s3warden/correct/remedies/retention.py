"""Access logs kept as long as agreed: rules that end them too early end them later. No rule gets an end it had not."""

from collections.abc import Iterator, Mapping

from s3warden.correct.effect import effect
from s3warden.correct.remedy import Edit, Remedy, Scene
from s3warden.model.action import Declined, Risk
from s3warden.model.bucket import Aspect
from s3warden.model.storage import ENABLED


def _kept(scene: Scene) -> tuple[Edit, ...] | Declined:
    """Later ends; versions as well only where the rule asks for them, as where nothing keeps what is overwritten."""
    later = tuple(_later(scene))
    if effect(scene, later).mends:
        return later
    versioning = scene.documents.get(Aspect.VERSIONING) or {}
    return (*later, Edit(Aspect.VERSIONING, {**versioning, "Status": ENABLED}, "Enable versioning"))


def _later(scene: Scene) -> Iterator[Edit]:
    least = scene.options.log_retention_days
    known = scene.documents.get(Aspect.LIFECYCLE) or {}
    listed = known.get("Rules")
    rules = [dict(rule) for rule in listed] if isinstance(listed, list) else []
    after = [_ending_after(rule, least) for rule in rules]
    changed = [str(rule.get("ID", at)) for at, rule in enumerate(rules) if rule != after[at]]
    if changed:
        summary = f"Keep for {least} days what these lifecycle rules end: {', '.join(changed)}"
        yield Edit(Aspect.LIFECYCLE, {**known, "Rules": after}, summary)


def _ending_after(rule: Mapping[str, object], least: int) -> Mapping[str, object]:
    """The rule, ending current versions after `least` days if it ends them earlier; all else of it stays."""
    end = rule.get("Expiration")
    days = end.get("Days") if isinstance(end, dict) else None
    if rule.get("Status") != ENABLED or not isinstance(end, dict) or not isinstance(days, int) or days >= least:
        return rule
    return {**rule, "Expiration": {**end, "Days": least}}


KEEP = Remedy(
    id="keep-access-logs",
    title="Keep access logs as long as agreed, and what is overwritten among them",
    rules=frozenset({"bucket-log-bucket-retention"}),
    reads=frozenset({Aspect.LIFECYCLE, Aspect.VERSIONING, Aspect.REFERRERS}),
    risk=Risk.LOW,
    risk_text="Whatever else the same lifecycle rules end is kept as long, and billed; so are versions.",
    iam_actions=("s3:PutLifecycleConfiguration", "s3:PutBucketVersioning"),
    plan=_kept,
    undo_text=(
        "The rules of before then end at once what they would have ended meanwhile. Where there never was versioning, "
        "an undo suspends it, and the versions made meanwhile stay."
    ),
)

REMEDIES = (KEEP,)
