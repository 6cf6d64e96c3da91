"""From an edit to the steps of exact calls that make it, undo it, and read it back.

Takes an edit and the answer before it, hands on steps, by the tables of `writes` and `service_writes`. Pure.
"""

from collections.abc import Mapping

from s3warden.collect import objects
from s3warden.collect.aspects import ASPECTS, AspectRead
from s3warden.collect.shapes import Answer
from s3warden.correct.remedy import Edit
from s3warden.correct.service_row import ServiceWriting
from s3warden.correct.service_writes import row_of
from s3warden.correct.views import acl_view
from s3warden.correct.writes import WRITES, Writing, acl_body
from s3warden.detect.named_objects import shown
from s3warden.model.action import Call, Step, canonical
from s3warden.model.bucket import Aspect, BucketRef, Subject
from s3warden.model.objects import ObjectName

OBJECT = Aspect.OBJECT_ACL.value
"""The attribute of an object's own ACL, with its key, and its version if one is named, as the place."""


def source(attribute: str) -> AspectRead[object]:
    """What reads an attribute, which is an aspect or an aspect with a place. Raises KeyError, ValueError."""
    if attribute.startswith(f"{OBJECT}:"):
        return objects.READ
    aspect, row = _named(attribute)
    if row is not None:
        return row.source
    several = WRITES[aspect].several
    return ASPECTS[aspect] if several is None else several.source


def seen(attribute: str, answer: Answer | None) -> str | None:
    """An answer as text that is equal for equal settings, None for "not configured"."""
    if attribute.startswith(f"{OBJECT}:"):
        return None if answer is None else canonical(acl_view(answer))
    aspect, row = _named(attribute)
    view = WRITES[aspect].view if row is None else row.view
    found = None if answer is None else view(answer)
    return None if found is None else canonical(found)


def _named(attribute: str) -> tuple[Aspect, ServiceWriting | None]:
    """The aspect of an attribute, and the row of the service that it belongs to."""
    name, _, place = attribute.partition(":")
    return Aspect(name), row_of(Aspect(name), place)


def step(edit: Edit, before: Answer | None, subject: Subject) -> Step:
    """The write that makes of `before` what the edit wants.

    Raises ValueError where that would take a setting away for which there is no such call, or delete a policy.
    """
    service = row_of(edit.aspect, edit.place)
    if service is not None:
        return service.step(edit, before)
    if edit.aspect is Aspect.OBJECT_ACL and edit.place is not None and isinstance(subject, BucketRef):
        return object_step(subject, ObjectName.at(edit.place), before or {}, edit.after or {})
    target = edit.bucket or subject
    row = WRITES[edit.aspect]
    place = edit.place if edit.bucket is None else edit.bucket.name
    attribute = edit.aspect.value if place is None else f"{edit.aspect}:{place}"
    named = {} if row.several is None else {row.several.parameter: edit.place}
    if edit.after is None and edit.aspect is Aspect.POLICY:
        raise ValueError("a fix never deletes a bucket policy")
    return Step(
        attribute=attribute,
        summary=edit.summary,
        read=_call(row, row.read, target, named),
        call=_writes(row, target, edit.after, named),
        inverse=_writes(row, target, before, named),
        before=seen(attribute, before),
        after=seen(attribute, edit.after),
        undone=seen(attribute, row.cleared_as if before is None else before),
    )


def object_step(ref: BucketRef, name: ObjectName, before: Answer, after: Answer) -> Step:
    """The write of an object's own ACL."""
    attribute, place, region = f"{OBJECT}:{name.place}", objects.parameters(ref, name), ref.region
    known = seen(attribute, before)
    return Step(
        attribute=attribute,
        summary=f"Take the public grants out of the ACL of {shown(name)}",
        read=Call("s3", objects.READ.operation, canonical(place), region),
        call=Call("s3", "PutObjectAcl", canonical({**place, **acl_body(after)}), region),
        inverse=Call("s3", "PutObjectAcl", canonical({**place, **acl_body(before)}), region),
        before=known,
        after=seen(attribute, after),
        undone=known,
    )


def steps_by_key(edit: Edit, before: Answer | None, ref: BucketRef) -> tuple[Step, ...]:
    """The same for tags, key by key: AWS takes the whole set no more once a bucket has attribute based access control.

    What is added and what gets another value are two steps, since they are taken back in two ways. No key is removed.
    """
    old, new = _pairs(before), _pairs(edit.after)
    added = {key: value for key, value in new.items() if key not in old}
    changed = {key: value for key, value in new.items() if key in old and old[key] != value}
    taken = {"TagKeys": sorted(added)}
    halves = (
        (added, old, _tag_call(ref, "UntagResource", taken)),
        (changed, {**old, **added}, _tag_call(ref, "TagResource", {"Tags": _tags(old, changed)})),
    )
    row = WRITES[Aspect.TAGGING]
    return tuple(
        Step(
            attribute=Aspect.TAGGING.value,
            summary=edit.summary,
            read=_call(row, row.read, ref, {}),
            call=_tag_call(ref, "TagResource", {"Tags": _tags(half, half)}),
            inverse=inverse,
            before=_seen_tags(known),
            after=_seen_tags({**known, **half}),
            undone=_seen_tags(known),
        )
        for half, known, inverse in halves
        if half
    )


def _pairs(answer: Answer | None) -> dict[str, str]:
    listed = answer.get("TagSet") if answer is not None else None
    tags = listed if isinstance(listed, list) else []
    return {str(tag["Key"]): str(tag.get("Value", "")) for tag in tags}


def _tags(values: Mapping[str, str], keys: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": values[key]} for key in sorted(keys)]


def _seen_tags(pairs: Mapping[str, str]) -> str | None:
    return seen(Aspect.TAGGING, {"TagSet": _tags(pairs, pairs)} if pairs else None)


def _tag_call(ref: BucketRef, operation: str, body: Mapping[str, object]) -> Call:
    place = {"AccountId": ref.account, "ResourceArn": ref.arn}
    return Call("s3control", operation, canonical({**place, **body}), ref.region)


def _writes(row: Writing, target: Subject, wanted: Answer | None, named: Mapping[str, object]) -> Call:
    if wanted is not None:
        return _call(row, row.put, target, {**named, **row.body(wanted)})
    if row.delete is not None:
        return _call(row, row.delete, target, named)
    if row.cleared is not None:
        return _call(row, row.put, target, row.body(row.cleared))
    raise ValueError(f"{row.put}: there is no way to take this setting away")


def _call(row: Writing, operation: str, target: Subject, body: Mapping[str, object]) -> Call:
    if isinstance(target, BucketRef):
        place: dict[str, object] = {"Bucket": target.name, "ExpectedBucketOwner": target.account}
        return Call(row.service, operation, canonical({**place, **body}), target.region)
    return Call(row.service, operation, canonical({"AccountId": target.account, **body}))


def place_of(made: Step, subject: Subject) -> str:
    """What a step of a plan about `subject` changes: a bucket, an account by its number, a region, a trail, a key."""
    aspect, _, place = made.attribute.partition(":")
    if aspect == OBJECT:
        return place
    if place and (aspect == Aspect.POLICY or row_of(Aspect(aspect), place) is not None):
        return place
    return subject.name if isinstance(subject, BucketRef) else subject.account
