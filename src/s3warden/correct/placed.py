"""The policies beside the bucket's own as a plan changes them: which there are, and an edit of one.

Takes a scene, hands on texts by place, and edits. A policy that could not be read, or is none, is not among them. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from s3warden.correct.cuts import Cut
from s3warden.correct.policy_text import statements_of
from s3warden.correct.remedy import Edit, Scene
from s3warden.correct.service_row import ServiceWriting
from s3warden.correct.service_writes import row_of
from s3warden.model.bucket import Aspect


@dataclass(frozen=True, slots=True)
class Policies:
    """Policies of one kind: `part` is where AWS's answer has the text, `word` what they are policies of."""

    aspect: Aspect
    part: str
    word: str

    def of(self, scene: Scene) -> Mapping[str, str]:
        """The texts by the ARN of what they are about."""
        known = scene.documents.get(self.aspect) or {}
        texts = {place: answer.get(self.part) for place, answer in known.items() if isinstance(answer, Mapping)}
        return {place: text for place, text in sorted(texts.items()) if isinstance(text, str) and statements(text)}

    def edit(self, place: str, cut: Cut) -> Edit:
        """What is left of one of them, which is deleted where that is nothing: it only allowed."""
        what = f"the policy of {self.word} {place.rpartition('/')[2]}"
        if cut.left is None:
            return Edit(self.aspect, None, f"Delete {what}, which has nothing beside {cut.told}", place)
        return Edit(self.aspect, {self.part: cut.left}, f"Take {cut.told} out of {what}", place)

    def deletes(self, place: str) -> bool:
        """Whether a fix may delete such a policy."""
        row: ServiceWriting | None = row_of(self.aspect, place)
        return row is not None and row.removal is not None


def statements(text: str) -> list[dict[str, object]]:
    """The statements of a policy; none where the text is no policy."""
    try:
        return statements_of(text)
    except ValueError:
        return []


POINTS = Policies(Aspect.ACCESS_POINTS, "Policy", "access point")
DIRECTORIES = Policies(Aspect.DIRECTORY_BUCKETS, "Policy", "directory bucket")
TABLES = Policies(Aspect.TABLE_BUCKETS, "resourcePolicy", "table bucket")
VECTORS = Policies(Aspect.VECTOR_BUCKETS, "policy", "vector bucket")
FILE_SYSTEMS = Policies(Aspect.FILE_SYSTEMS, "policy", "file system")
OBJECT_LAMBDA_POINTS = Policies(Aspect.OBJECT_LAMBDA_POINTS, "Policy", "Object Lambda access point")
