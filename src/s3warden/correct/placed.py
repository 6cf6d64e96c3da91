"""The policies beside the bucket's own as a plan changes them: which there are, and an edit of one.

Takes a scene, hands on texts by place, and edits. A policy that could not be read, or is none, is not among them. Pure.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from s3warden.collect.shapes import Answer
from s3warden.correct import multi_region_writes
from s3warden.correct.cuts import Cut
from s3warden.correct.policy_text import statements_of
from s3warden.correct.remedy import Edit, Scene
from s3warden.correct.service_row import ServiceWriting
from s3warden.correct.service_writes import row_of
from s3warden.model.action import Declined
from s3warden.model.bucket import Aspect


@dataclass(frozen=True, slots=True)
class Policies:
    """Policies of one kind: `word` is what they are policies of.

    `text` finds the text in AWS's answer, and `answer` is the one that AWS gives of a text.
    """

    aspect: Aspect
    word: str
    text: Callable[[Answer], object]
    answer: Callable[[str], Answer]

    def of(self, scene: Scene) -> Mapping[str, str]:
        """The texts by the ARN of what they are about."""
        known = scene.documents.get(self.aspect) or {}
        texts = {place: self.text(answer) for place, answer in known.items() if isinstance(answer, Mapping)}
        return {place: text for place, text in sorted(texts.items()) if isinstance(text, str) and statements(text)}

    def edit(self, place: str, cut: Cut) -> Edit:
        """What is left of one of them, which is deleted where that is nothing: it only allowed."""
        what = f"the policy of {self.word} {place.rpartition('/')[2]}"
        if cut.left is None:
            return Edit(self.aspect, None, f"Delete {what}, which has nothing beside {cut.told}", place)
        return Edit(self.aspect, self.answer(cut.left), f"Take {cut.told} out of {what}", place)

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


def _part(aspect: Aspect, part: str, word: str) -> Policies:
    """Policies whose text is a part of the answer."""
    return Policies(aspect, word, lambda answer: answer.get(part), lambda text: {part: text})


POINTS = _part(Aspect.ACCESS_POINTS, "Policy", "access point")
MULTI_REGION = Policies(
    Aspect.MULTI_REGION_ACCESS_POINTS, "multi-region access point", multi_region_writes.text, multi_region_writes.answer
)
DIRECTORIES = _part(Aspect.DIRECTORY_BUCKETS, "Policy", "directory bucket")
TABLES = _part(Aspect.TABLE_BUCKETS, "resourcePolicy", "table bucket")
VECTORS = _part(Aspect.VECTOR_BUCKETS, "policy", "vector bucket")
FILE_SYSTEMS = _part(Aspect.FILE_SYSTEMS, "policy", "file system")
OBJECT_LAMBDA_POINTS = _part(Aspect.OBJECT_LAMBDA_POINTS, "Policy", "Object Lambda access point")


def undeletable(kind: Policies) -> Declined:
    """Why a plan that would leave nothing of such a policy is none."""
    return Declined("only_statement", f"Nothing of the policy of a {kind.word} would be left: delete it yourself.")


def of_points(scene: Scene) -> Iterator[tuple[Policies, str, str]]:
    """The policies of all access points of a bucket, of one region and of many, with their places."""
    for kind in (POINTS, MULTI_REGION):
        for place, text in kind.of(scene).items():
            yield kind, place, text
