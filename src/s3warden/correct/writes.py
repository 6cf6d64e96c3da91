"""The table of writes: how each aspect is put as wanted, taken away, read back and restored.

Takes an edit and the answer before it, hands on steps of exact calls. The whole answer is written back with the edit in
it, so that what no rule knows of survives. Pure: it calls nobody.

Sources: the API references of the services for operations and parameters, the service authorization references for the
IAM actions.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from s3warden.collect.aspects import ASPECTS, AspectRead
from s3warden.collect.shapes import Answer
from s3warden.correct.remedy import Edit
from s3warden.correct.service_writes import SERVICES
from s3warden.model.action import Call, Step, canonical
from s3warden.model.bucket import ABSENT, Aspect, BucketRef, Subject


def _same(answer: Answer) -> Answer:
    return answer


@dataclass(frozen=True, slots=True)
class Writing:
    """One row: the operations on an aspect, and which permissions the writing ones take.

    `body` makes the parameters from the wanted answer. What takes the setting away is `delete`, or `put` with `cleared`
    where AWS has no operation for that; `cleared_as` is the answer after it, None for "not configured". `view` brings
    an answer into a form that is equal for equal settings.
    """

    put: str
    body: Callable[[Answer], Mapping[str, object]]
    iam_actions: tuple[str, ...]
    read: str
    delete: str | None = None
    cleared: Answer | None = None
    cleared_as: Answer | None = None
    view: Callable[[Answer], Answer | None] = _same
    service: str = "s3"


def _pick(**names: str) -> Callable[[Answer], Mapping[str, object]]:
    """Parameters that are parts of the answer: the parameter's name, and that of the part."""

    def body(answer: Answer) -> Mapping[str, object]:
        return {parameter: answer[part] for parameter, part in names.items() if part in answer}

    return body


def _acl_body(answer: Answer) -> Mapping[str, object]:
    plain = nameless(answer)
    return {"AccessControlPolicy": {"Owner": plain["Owner"], "Grants": plain["Grants"]}}


def nameless(acl: Answer) -> dict[str, object]:
    """An ACL without display names, which AWS no longer tells and never took for more than an ornament."""
    named = json.loads(canonical(acl))
    named["Owner"].pop("DisplayName", None)
    for grant in named["Grants"]:
        grant["Grantee"].pop("DisplayName", None)
    return dict(named)


def _acl_view(answer: Answer) -> Answer:
    acl = nameless(answer)
    grants = acl["Grants"]
    return {"Owner": acl["Owner"], "Grants": sorted(grants, key=canonical) if isinstance(grants, list) else grants}


def _policy_view(answer: Answer) -> Answer:
    """The policy by meaning: AWS gives a text back with other spaces, and a list of one as its one item."""
    try:
        return {"Policy": _settled(json.loads(str(answer["Policy"])))}
    except ValueError:
        return answer


def _settled(value: object) -> object:
    if isinstance(value, dict):
        return {
            key: [_settled(item) for item in part] if key == "Statement" and isinstance(part, list) else _settled(part)
            for key, part in value.items()
        }
    if isinstance(value, list):
        items = sorted((_settled(item) for item in value), key=canonical)
        return items[0] if len(items) == 1 else items
    return value


def _encryption_view(answer: Answer) -> Answer:
    """Bucket keys are off where nothing is said of them."""
    plain = json.loads(canonical(answer))
    for rule in plain["ServerSideEncryptionConfiguration"]["Rules"]:
        rule.setdefault("BucketKeyEnabled", False)
    return dict(plain)


def _lifecycle_view(answer: Answer) -> Answer:
    """AWS adds the smallest size that is moved, where none was chosen."""
    return {"TransitionDefaultMinimumObjectSize": "all_storage_classes_128K", **_valued(answer)}


def _tags_view(answer: Answer) -> Answer:
    """Tags have no order."""
    return {"TagSet": sorted(_valued(answer["TagSet"]), key=canonical)}


def _valued(value: Any) -> Any:
    """The same with the empty values of tags, which AWS leaves out of its answers and asks for in calls."""
    if isinstance(value, list):
        return [_valued(item) for item in value]
    if isinstance(value, Mapping):
        found = {key: _valued(part) for key, part in value.items()}
        return {**found, "Value": ""} if found.keys() == {"Key"} else found
    return value


def _versioning_body(answer: Answer) -> Mapping[str, object]:
    # MFADelete is left out, which leaves it as it is: to change it takes the root user and its device.
    return {"VersioningConfiguration": {"Status": answer["Status"]}}


def _bucket(
    aspect: Aspect,
    put: str,
    body: Callable[[Answer], Mapping[str, object]],
    *iam_actions: str,
    delete: str | None = None,
    cleared: Answer | None = None,
    cleared_as: Answer | None = None,
    view: Callable[[Answer], Answer | None] = _same,
) -> Writing:
    """A row of a bucket's aspect, which is read as the table of aspects says."""
    read = ASPECTS[aspect]

    def seen_as(answer: Answer) -> Answer | None:
        return None if read.understood(answer) is ABSENT else view(answer)

    return Writing(
        put=put,
        body=body,
        iam_actions=iam_actions,
        read=read.operation,
        delete=delete,
        cleared=cleared,
        cleared_as=cleared_as,
        view=seen_as,
    )


_BLOCK = _pick(PublicAccessBlockConfiguration="PublicAccessBlockConfiguration")
WRITES: Mapping[Aspect, Writing] = MappingProxyType(
    {
        Aspect.ACL: _bucket(Aspect.ACL, "PutBucketAcl", _acl_body, "s3:PutBucketAcl", view=_acl_view),
        # Deleting is for the undo of a policy that we made where there was none; see the decision on it.
        Aspect.POLICY: _bucket(
            Aspect.POLICY,
            "PutBucketPolicy",
            _pick(Policy="Policy"),
            "s3:PutBucketPolicy",
            "s3:DeleteBucketPolicy",
            delete="DeleteBucketPolicy",
            view=_policy_view,
        ),
        Aspect.PUBLIC_ACCESS_BLOCK: _bucket(
            Aspect.PUBLIC_ACCESS_BLOCK,
            "PutPublicAccessBlock",
            _BLOCK,
            "s3:PutBucketPublicAccessBlock",
            delete="DeletePublicAccessBlock",
        ),
        Aspect.OWNERSHIP: _bucket(
            Aspect.OWNERSHIP,
            "PutBucketOwnershipControls",
            _pick(OwnershipControls="OwnershipControls"),
            "s3:PutBucketOwnershipControls",
            delete="DeleteBucketOwnershipControls",
        ),
        Aspect.ENCRYPTION: _bucket(
            Aspect.ENCRYPTION,
            "PutBucketEncryption",
            _pick(ServerSideEncryptionConfiguration="ServerSideEncryptionConfiguration"),
            "s3:PutEncryptionConfiguration",
            delete="DeleteBucketEncryption",
            view=_encryption_view,
        ),
        Aspect.LOGGING: _bucket(
            Aspect.LOGGING,
            "PutBucketLogging",
            lambda answer: {"BucketLoggingStatus": answer},
            "s3:PutBucketLogging",
            cleared={},
        ),
        Aspect.VERSIONING: _bucket(
            Aspect.VERSIONING,
            "PutBucketVersioning",
            _versioning_body,
            "s3:PutBucketVersioning",
            cleared={"Status": "Suspended"},
            cleared_as={"Status": "Suspended"},
        ),
        Aspect.LIFECYCLE: _bucket(
            Aspect.LIFECYCLE,
            "PutBucketLifecycleConfiguration",
            lambda answer: {
                "LifecycleConfiguration": {"Rules": _valued(answer["Rules"])},
                **_pick(TransitionDefaultMinimumObjectSize="TransitionDefaultMinimumObjectSize")(answer),
            },
            "s3:PutLifecycleConfiguration",
            delete="DeleteBucketLifecycle",
            view=_lifecycle_view,
        ),
        Aspect.TAGGING: _bucket(
            Aspect.TAGGING,
            "PutBucketTagging",
            lambda answer: {"Tagging": {"TagSet": _valued(answer["TagSet"])}},
            "s3:PutBucketTagging",
            delete="DeleteBucketTagging",
            view=_tags_view,
        ),
        Aspect.NOTIFICATION: _bucket(
            Aspect.NOTIFICATION,
            "PutBucketNotificationConfiguration",
            # Targets that are there already were checked when they were put.
            lambda answer: {"NotificationConfiguration": answer, "SkipDestinationValidation": True},
            "s3:PutBucketNotification",
            cleared={},
        ),
        Aspect.REPLICATION: _bucket(
            Aspect.REPLICATION,
            "PutBucketReplication",
            lambda answer: {"ReplicationConfiguration": _valued(answer["ReplicationConfiguration"])},
            "s3:PutReplicationConfiguration",
            "iam:PassRole",
            delete="DeleteBucketReplication",
            view=_valued,
        ),
        Aspect.WEBSITE: _bucket(
            Aspect.WEBSITE,
            "PutBucketWebsite",
            lambda answer: {"WebsiteConfiguration": answer},
            "s3:PutBucketWebsite",
            "s3:DeleteBucketWebsite",
            delete="DeleteBucketWebsite",
        ),
        Aspect.CORS: _bucket(
            Aspect.CORS,
            "PutBucketCors",
            lambda answer: {"CORSConfiguration": answer},
            "s3:PutBucketCORS",
            delete="DeleteBucketCors",
        ),
        Aspect.ACCELERATE: _bucket(
            Aspect.ACCELERATE,
            "PutBucketAccelerateConfiguration",
            lambda answer: {"AccelerateConfiguration": {"Status": answer["Status"]}},
            "s3:PutAccelerateConfiguration",
            cleared={"Status": "Suspended"},
            cleared_as={"Status": "Suspended"},
        ),
        Aspect.REQUEST_PAYMENT: _bucket(
            Aspect.REQUEST_PAYMENT,
            "PutBucketRequestPayment",
            lambda answer: {"RequestPaymentConfiguration": {"Payer": answer["Payer"]}},
            "s3:PutBucketRequestPayment",
            cleared={"Payer": "BucketOwner"},
            cleared_as={"Payer": "BucketOwner"},
        ),
        Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: Writing(
            put="PutPublicAccessBlock",
            body=_BLOCK,
            iam_actions=("s3:PutAccountPublicAccessBlock",),
            read="GetPublicAccessBlock",
            delete="DeletePublicAccessBlock",
            service="s3control",
        ),
    }
)


OBJECT = "object_acl"
"""The attribute of an object's own ACL, with its key as the place."""
_OBJECT_READ = AspectRead("GetObjectAcl", "s3:GetObjectAcl", ASPECTS[Aspect.ACL].parse)


def source(attribute: str) -> AspectRead[object]:
    """What reads an attribute, which is an aspect or an aspect with a place. Raises KeyError, ValueError."""
    if attribute.startswith(f"{OBJECT}:"):
        return _OBJECT_READ
    aspect = Aspect(attribute.partition(":")[0])
    return SERVICES[aspect].source if aspect in SERVICES else ASPECTS[aspect]


def seen(attribute: str, answer: Answer | None) -> str | None:
    """An answer as text that is equal for equal settings, None for "not configured"."""
    if attribute.startswith(f"{OBJECT}:"):
        return None if answer is None else canonical(_acl_view(answer))
    aspect = Aspect(attribute.partition(":")[0])
    view = SERVICES[aspect].view if aspect in SERVICES else WRITES[aspect].view
    found = None if answer is None else view(answer)
    return None if found is None else canonical(found)


def step(edit: Edit, before: Answer | None, subject: Subject) -> Step:
    """The write that makes of `before` what the edit wants.

    Raises ValueError where that would take a setting away for which there is no such call, or delete a policy.
    """
    if edit.aspect in SERVICES:
        return SERVICES[edit.aspect].step(edit, before)
    target = edit.bucket or subject
    row = WRITES[edit.aspect]
    attribute = edit.aspect.value if edit.bucket is None else f"{edit.aspect}:{edit.bucket.name}"
    if edit.after is None and edit.aspect is Aspect.POLICY:
        raise ValueError("a fix never deletes a bucket policy")
    return Step(
        attribute=attribute,
        summary=edit.summary,
        read=_call(row, row.read, target, {}),
        call=_writes(row, target, edit.after),
        inverse=_writes(row, target, before),
        before=seen(attribute, before),
        after=seen(attribute, edit.after),
        undone=seen(attribute, row.cleared_as if before is None else before),
    )


def object_step(key: str, place: Mapping[str, object], before: Answer, after: Answer, region: str) -> Step:
    """The write of an object's own ACL; `place` are the parameters that say which object."""
    attribute = f"{OBJECT}:{key}"
    known = seen(attribute, before)
    return Step(
        attribute=attribute,
        summary=f"Take the public grants out of the ACL of {key}",
        read=Call("s3", _OBJECT_READ.operation, canonical(dict(place)), region),
        call=Call("s3", "PutObjectAcl", canonical({**place, **_acl_body(after)}), region),
        inverse=Call("s3", "PutObjectAcl", canonical({**place, **_acl_body(before)}), region),
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


def _writes(row: Writing, target: Subject, wanted: Answer | None) -> Call:
    if wanted is not None:
        return _call(row, row.put, target, row.body(wanted))
    if row.delete is not None:
        return _call(row, row.delete, target, {})
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
    if place and (aspect == Aspect.POLICY or Aspect(aspect) in SERVICES):
        return place
    return subject.name if isinstance(subject, BucketRef) else subject.account
