"""The table of writes: how each aspect is put as wanted, taken away, read back and restored.

The whole answer is written back with an edit in it, so that what no rule knows of survives. Pure: it calls nobody.

Sources: the API references of the services for operations and parameters, the service authorization references for the
IAM actions.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from s3warden.collect import delivery
from s3warden.collect.aspects import ASPECTS, AspectRead
from s3warden.collect.shapes import Answer, mapping, sequence
from s3warden.correct.remedy import Edit
from s3warden.correct.views import (
    acl_view,
    encryption_view,
    inventory_view,
    lifecycle_view,
    nameless,
    policy_view,
    tags_view,
    valued,
)
from s3warden.model.bucket import ABSENT, Aspect, Present, Reading, Unreadable
from s3warden.model.storage import Inventory


def _same(answer: Answer) -> Answer:
    return answer


@dataclass(frozen=True, slots=True)
class Several:
    """How one of several settings of a kind is named, by `parameter`, and read alone, by `source`.

    `one` picks it out of the answer that has all of them, in the form in which it is read alone; `left` is the reading
    of all of them after an edit.
    """

    parameter: str
    source: AspectRead[object]
    one: Callable[[Answer, str], Answer | None]
    left: Callable[[Reading[object], Edit], Reading[object]]


@dataclass(frozen=True, slots=True)
class Writing:
    """One row: the operations on an aspect, and which permissions the writing ones take.

    `body` makes the parameters from the wanted answer. What takes the setting away is `delete`, or `put` with `cleared`
    where AWS has no operation for that; `cleared_as` is the answer after it, None for "not configured". `view` brings
    an answer into a form that is equal for equal settings. `several` where a bucket has any number of such settings.
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
    several: Several | None = None


def _pick(**names: str) -> Callable[[Answer], Mapping[str, object]]:
    """Parameters that are parts of the answer: the parameter's name, and that of the part."""

    def body(answer: Answer) -> Mapping[str, object]:
        return {parameter: answer[part] for parameter, part in names.items() if part in answer}

    return body


def acl_body(answer: Answer) -> Mapping[str, object]:
    """The parameters that write an ACL."""
    plain = nameless(answer)
    return {"AccessControlPolicy": {"Owner": plain["Owner"], "Grants": plain["Grants"]}}


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


_INVENTORY = "InventoryConfiguration"


def _one_inventory(document: Answer, name: str) -> Answer | None:
    items = [mapping(item, delivery.INVENTORIES) for item in sequence(document[delivery.INVENTORIES], "inventories")]
    return next(({_INVENTORY: item} for item in items if item.get("Id") == name), None)


def _inventories_left(known: Reading[object], edit: Edit) -> Reading[object]:
    if isinstance(known, Unreadable) or edit.after is None:
        return known
    made = delivery.one_inventory(mapping(edit.after.get(_INVENTORY), _INVENTORY))
    listed = known.value.configurations if isinstance(known, Present) and isinstance(known.value, Inventory) else ()
    others = (each for each in listed if each.id != edit.place)
    return Present(Inventory(tuple(sorted((*others, made), key=lambda each: each.id))))


_INVENTORIES = Several(
    "Id",
    AspectRead(
        "GetBucketInventoryConfiguration",
        ASPECTS[Aspect.INVENTORY].iam_action,
        lambda answer: delivery.one_inventory(mapping(answer.get(_INVENTORY), _INVENTORY)),
        absent_codes=frozenset({"NoSuchConfiguration"}),
    ),
    _one_inventory,
    _inventories_left,
)
_BLOCK = _pick(PublicAccessBlockConfiguration="PublicAccessBlockConfiguration")
WRITES: Mapping[Aspect, Writing] = MappingProxyType(
    {
        Aspect.ACL: _bucket(Aspect.ACL, "PutBucketAcl", acl_body, "s3:PutBucketAcl", view=acl_view),
        # Deleting is for the undo of a policy that we made where there was none; see the decision on it.
        Aspect.POLICY: _bucket(
            Aspect.POLICY,
            "PutBucketPolicy",
            _pick(Policy="Policy"),
            "s3:PutBucketPolicy",
            "s3:DeleteBucketPolicy",
            delete="DeleteBucketPolicy",
            view=policy_view,
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
            view=encryption_view,
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
                "LifecycleConfiguration": {"Rules": valued(answer["Rules"])},
                **_pick(TransitionDefaultMinimumObjectSize="TransitionDefaultMinimumObjectSize")(answer),
            },
            "s3:PutLifecycleConfiguration",
            delete="DeleteBucketLifecycle",
            view=lifecycle_view,
        ),
        Aspect.TAGGING: _bucket(
            Aspect.TAGGING,
            "PutBucketTagging",
            lambda answer: {"Tagging": {"TagSet": valued(answer["TagSet"])}},
            "s3:PutBucketTagging",
            delete="DeleteBucketTagging",
            view=tags_view,
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
            lambda answer: {"ReplicationConfiguration": valued(answer["ReplicationConfiguration"])},
            "s3:PutReplicationConfiguration",
            "iam:PassRole",
            delete="DeleteBucketReplication",
            view=valued,
        ),
        Aspect.INVENTORY: Writing(
            put="PutBucketInventoryConfiguration",
            body=_pick(InventoryConfiguration=_INVENTORY),
            iam_actions=("s3:PutInventoryConfiguration",),
            read=_INVENTORIES.source.operation,
            delete="DeleteBucketInventoryConfiguration",
            view=inventory_view,
            several=_INVENTORIES,
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

# The ACL and the policy's status are told as they are in effect.
_FOLLOWS: Mapping[Aspect, frozenset[Aspect]] = MappingProxyType(
    {
        Aspect.PUBLIC_ACCESS_BLOCK: frozenset({Aspect.ACL, Aspect.POLICY_STATUS}),
        Aspect.OWNERSHIP: frozenset({Aspect.ACL}),
        Aspect.POLICY: frozenset({Aspect.POLICY_STATUS}),
    }
)


def with_followers(written: Iterable[Aspect]) -> frozenset[Aspect]:
    """`written`, and all that S3 answers otherwise after these were written."""
    changed = frozenset(written)
    return changed.union(*(_FOLLOWS.get(aspect, frozenset()) for aspect in changed))
