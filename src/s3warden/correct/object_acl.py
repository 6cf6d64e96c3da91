"""One object that a person names and its own ACL makes public: the grants to strangers taken out of that ACL.

Takes the key and the version that a person names, the object's ACL as AWS answers it, and a fresh look at
the bucket; hands on a plan, or why there is none. An object that no event named is no part of a bucket's state, so its
ACL is judged here: it is public if it grants something to strangers and no layer of the bucket makes that harmless.
Pure.
"""

from dataclasses import dataclass
from datetime import datetime

from s3warden.collect import objects
from s3warden.collect.shapes import Answer
from s3warden.correct.remedies.object_acls import REMEDY, private, strangers
from s3warden.correct.remedy import Look
from s3warden.correct.steps import object_step
from s3warden.detect.effective import acl_neutralised_by
from s3warden.detect.named_objects import RULE
from s3warden.detect.rule import UnreadableError
from s3warden.model.action import Declined, Effect, Planned, RemediationPlan
from s3warden.model.bucket import BucketRef
from s3warden.model.finding import Verdict, fingerprint
from s3warden.model.objects import ObjectName

__all__ = ["RULE", "ObjectRef", "plan"]


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """One object; `version` None for the current one."""

    bucket: BucketRef
    key: str
    version: str | None = None

    @property
    def name(self) -> ObjectName:
        """The object within its bucket."""
        return ObjectName(self.key, self.version or "")

    @property
    def parameters(self) -> dict[str, object]:
        """What a call about the object says of it."""
        return objects.parameters(self.bucket, self.name)


def plan(ref: ObjectRef, acl: Answer, look: Look, made_at: datetime) -> Planned:
    """What to do about the ACL of the object. `made_at` is UTC."""
    public = strangers(acl)
    try:
        layers = acl_neutralised_by(look.state)
    except UnreadableError as error:
        return Declined("unreadable", f"Could not be read, so it is not known whether the object is public: {error}.")
    if not public or layers:
        return Declined("not_needed", "The object is not public by its ACL.")
    made = object_step(ref.bucket, ref.name, acl, private(acl))
    permissions = tuple(sorted({str(grant.get("Permission")) for grant in public}))
    return RemediationPlan(
        remedy=REMEDY.id,
        rule_id=RULE,
        fingerprint=fingerprint(RULE, ref.bucket),
        evidence=made.before or "",
        subject=ref.bucket,
        steps=(made,),
        risk=REMEDY.risk,
        risk_text=REMEDY.risk_text,
        effect=Effect(True, False, permissions, (), Verdict.PASS),
        made_at=made_at,
    )
