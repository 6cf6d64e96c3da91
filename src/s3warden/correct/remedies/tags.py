"""Required tags, as far as their values are known: from the settings, from a key spelt differently, from the name."""

import re
from collections.abc import Mapping

from s3warden.correct.remedy import Edit, Remedy, Scene
from s3warden.model.action import Declined, Risk
from s3warden.model.bucket import Aspect
from s3warden.model.configuration import plain_key

_NAME = "Name"


def _tagged(scene: Scene) -> tuple[Edit, ...] | Declined:
    known = scene.documents.get(Aspect.TAGGING) or {"TagSet": []}
    listed = known["TagSet"]
    pairs = {str(tag["Key"]): str(tag.get("Value", "")) for tag in listed} if isinstance(listed, list) else {}
    lacking = [key for key in scene.options.required_tags if not pairs.get(key, "").strip()]
    values = {key: _value(scene, pairs, key) for key in lacking}
    unknown = [key for key, value in values.items() if value is None]
    if unknown:
        return Declined("no_value", f"What {', '.join(unknown)} should say is not known: set remediation.tags.")
    after = {**pairs, **{key: value for key, value in values.items() if value is not None}}
    summary = "Add " + ", ".join(f"{key}={after[key]}" for key in lacking)
    tags = [{"Key": key, "Value": value} for key, value in after.items()]
    return (Edit(Aspect.TAGGING, {"TagSet": tags}, summary),) if lacking else ()


def _value(scene: Scene, pairs: Mapping[str, str], key: str) -> str | None:
    near = (value for name, value in pairs.items() if plain_key(name) == plain_key(key) and value.strip())
    guess = str(scene.state.ref) if key == _NAME else None
    value = scene.wanted.tags.get(key) or next(near, guess)
    pattern = scene.options.tag_patterns.get(key)
    return value if value is None or pattern is None or re.fullmatch(pattern, value) else None


ADD = Remedy(
    id="add-required-tags",
    title="Add the required tags whose values are known",
    rules=frozenset({"bucket-required-tags"}),
    reads=frozenset({Aspect.TAGGING}),
    risk=Risk.MEDIUM,
    risk_text="Where policies or cost reports go by tags, a new tag changes who may do what, or what is booked where.",
    iam_actions=("s3:PutBucketTagging", "s3:TagResource", "s3:UntagResource"),
    plan=_tagged,
)

REMEDIES = (ADD,)
