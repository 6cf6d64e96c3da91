"""An object that its own ACL makes public: the grants to strangers taken out of that ACL, and nothing else.

Takes the key and the version that an event or a person names, the object's ACL as AWS answers it, and a fresh look at
the bucket; hands on a plan, or why there is none. An object is no part of a bucket's state, so its ACL is judged here:
it is public if it grants something to strangers and no layer of the bucket makes that harmless. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from s3warden.collect.shapes import Answer, ShapeError, mapping, optional_text, text
from s3warden.correct.narrowing import GLOBAL, granted_to
from s3warden.correct.remedy import Look
from s3warden.correct.steps import object_step
from s3warden.detect.effective import acl_neutralised_by
from s3warden.detect.rule import UnreadableError
from s3warden.model.action import Declined, Effect, Planned, RemediationPlan, Risk
from s3warden.model.bucket import BucketRef
from s3warden.model.finding import Verdict, fingerprint

REMEDY = "remove-public-object-grants"
RULE = "bucket-objects-may-be-public"


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """One object; `version` None for the current one."""

    bucket: BucketRef
    key: str
    version: str | None = None

    @property
    def parameters(self) -> dict[str, object]:
        """What a call about the object says of it."""
        named: dict[str, object] = {"Bucket": self.bucket.name, "Key": self.key}
        version = {} if self.version is None else {"VersionId": self.version}
        return {**named, **version, "ExpectedBucketOwner": self.bucket.account}


def object_of(detail: Mapping[str, object], bucket: BucketRef) -> ObjectRef:
    """The object that the detail of an event of S3's own names, such as `Object ACL Updated`. Raises ShapeError."""
    told = mapping(detail.get("object"), "object")
    if text(mapping(detail.get("bucket"), "bucket").get("name"), "bucket.name") != bucket.name:
        raise ShapeError("the event is about another bucket")
    version = optional_text(told.get("version-id"), "object.version-id")
    return ObjectRef(bucket, text(told.get("key"), "object.key"), version or None)


def plan(ref: ObjectRef, acl: Answer, look: Look, made_at: datetime) -> Planned:
    """What to do about the ACL of the object. `made_at` is UTC."""
    listed = acl.get("Grants")
    grants = list(listed) if isinstance(listed, list) else []
    public = [grant for grant in grants if granted_to(grant, GLOBAL)]
    try:
        layers = acl_neutralised_by(look.state)
    except UnreadableError as error:
        return Declined("unreadable", f"Could not be read, so it is not known whether the object is public: {error}.")
    if not public or layers:
        return Declined("not_needed", "The object is not public by its ACL.")
    kept = [grant for grant in grants if grant not in public]
    made = object_step(ref.key, ref.parameters, acl, {**acl, "Grants": kept}, ref.bucket.region)
    permissions = tuple(sorted({str(grant.get("Permission")) for grant in public}))
    return RemediationPlan(
        remedy=REMEDY,
        rule_id=RULE,
        fingerprint=fingerprint(RULE, ref.bucket),
        evidence=made.before or "",
        subject=ref.bucket,
        steps=(made,),
        risk=Risk.LOW,
        risk_text="Whoever loads the object without an account of yours is refused.",
        effect=Effect(True, False, permissions, (), Verdict.PASS),
        made_at=made_at,
    )
