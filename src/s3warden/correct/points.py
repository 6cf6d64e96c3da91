"""The policies of a bucket's access points as a plan changes them: which there are, and an edit of one.

Takes a scene, hands on texts by ARN, and edits. A policy that could not be read, or is none, is not among them. Pure.
"""

from collections.abc import Mapping

from s3warden.correct.cuts import Cut
from s3warden.correct.policy_text import statements_of
from s3warden.correct.remedy import Edit, Scene
from s3warden.model.bucket import Aspect


def policies(scene: Scene) -> Mapping[str, str]:
    """The texts by the ARN of their access points."""
    known = scene.documents.get(Aspect.ACCESS_POINTS) or {}
    texts = {arn: answer.get("Policy") for arn, answer in known.items() if isinstance(answer, Mapping)}
    return {arn: text for arn, text in sorted(texts.items()) if isinstance(text, str) and statements(text)}


def statements(text: str) -> list[dict[str, object]]:
    """The statements of a policy; none where the text is no policy."""
    try:
        return statements_of(text)
    except ValueError:
        return []


def edit(arn: str, cut: Cut) -> Edit:
    """What is left of the policy of one access point, which is deleted where that is nothing: it only allowed."""
    name = arn.rpartition("/")[2]
    if cut.left is None:
        return Edit(
            Aspect.ACCESS_POINTS, None, f"Delete the policy of access point {name}: {cut.told} is all of it", arn
        )
    after = {"Policy": cut.left}
    return Edit(Aspect.ACCESS_POINTS, after, f"Take {cut.told} out of the policy of access point {name}", arn)
