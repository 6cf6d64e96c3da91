"""Objects that their own ACL makes public: the grants to strangers taken out of each, and nothing else."""

from s3warden.collect.shapes import Answer
from s3warden.correct.narrowing import GLOBAL, granted_to
from s3warden.correct.remedy import Edit, Remedy, Scene
from s3warden.detect.named_objects import RULE, shown
from s3warden.model.action import Declined, Risk
from s3warden.model.bucket import Aspect, Present
from s3warden.model.objects import ObjectAcls


def strangers(acl: Answer) -> list[Answer]:
    """The grants of an ACL to everyone, or to everyone with an AWS account."""
    return [grant for grant in _grants(acl) if granted_to(grant, GLOBAL)]


def private(acl: Answer) -> Answer:
    """The ACL without these grants."""
    public = strangers(acl)
    return {**acl, "Grants": [grant for grant in _grants(acl) if grant not in public]}


def _grants(acl: Answer) -> list[Answer]:
    listed = acl.get("Grants")
    return list(listed) if isinstance(listed, list) else []


def _plan(scene: Scene) -> tuple[Edit, ...] | Declined:
    reading = scene.state.reading(Aspect.OBJECT_ACL)
    known = reading.value if isinstance(reading, Present) and isinstance(reading.value, ObjectAcls) else ObjectAcls()
    answers = scene.documents.get(Aspect.OBJECT_ACL) or {}
    found: list[Edit] = []
    for each in known.items:
        answer = answers.get(each.name.place)
        if each.to_strangers and isinstance(answer, dict):
            found.append(
                Edit(
                    Aspect.OBJECT_ACL,
                    private(answer),
                    f"Take the public grants out of the ACL of {shown(each.name)}",
                    place=each.name.place,
                )
            )
    return tuple(found) or Declined("nothing_to_remove", "No object that is known has a public grant in its ACL.")


REMEDY = Remedy(
    id="remove-public-object-grants",
    title="Take the public grants out of the ACLs of objects",
    rules=frozenset({RULE}),
    reads=frozenset({Aspect.OBJECT_ACL}),
    risk=Risk.LOW,
    risk_text="Whoever loads the object without an account of yours is refused; other grants stay.",
    iam_actions=("s3:PutObjectAcl", "s3:PutObjectVersionAcl"),
    plan=_plan,
    undo_text="While BlockPublicAcls is on, AWS refuses to put a public grant back.",
)

REMEDIES = (REMEDY,)
