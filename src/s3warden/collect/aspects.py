"""The table of aspects: which call reads each, which permission it takes, what its answers mean.

Takes AWS's parsed answers, hands on the values of `model.configuration`. Pure: it calls nobody. An answer that does not
have the shape AWS documents is a `ShapeError`; it is never taken for "not configured".

Sources: the S3 API reference for operations, error codes and shapes; the service authorization reference of S3 for the
IAM actions, which are not always named like the operation.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import TypeAlias

from s3warden.model.bucket import Aspect
from s3warden.model.configuration import (
    NO_BLOCK,
    Accelerate,
    Acl,
    Document,
    Encryption,
    EncryptionRule,
    Grant,
    GranteeKind,
    Logging,
    Ownership,
    Policy,
    PolicyStatus,
    PublicAccessBlock,
    RequestPayment,
    Tags,
    Versioning,
    Website,
)

Answer: TypeAlias = Mapping[str, object]

_PERMISSIONS = frozenset({"FULL_CONTROL", "READ", "READ_ACP", "WRITE", "WRITE_ACP"})
_GRANTEE_NAMES = {GranteeKind.CANONICAL_USER: "ID", GranteeKind.GROUP: "URI", GranteeKind.EMAIL: "EmailAddress"}


class ShapeError(Exception):
    """The answer does not have the shape that AWS documents."""


@dataclass(frozen=True, slots=True)
class AspectRead:
    """How one aspect is read.

    `absent_codes` are the errors that mean "not configured". `parse` gives the value, or None where an empty answer
    means the same. `implied` is how AWS behaves while it is not configured; None where that is plainly nothing.
    """

    operation: str
    iam_action: str
    parse: Callable[[Answer], object | None]
    absent_codes: frozenset[str] = frozenset()
    implied: object | None = None


def _mapping(value: object, name: str) -> Answer:
    if not isinstance(value, Mapping):
        raise ShapeError(f"{name} is missing or has no parts")
    return value


def _sequence(value: object, name: str) -> list[object] | tuple[object, ...]:
    if not isinstance(value, list | tuple):
        raise ShapeError(f"{name} is missing or no list")
    return value


def _text(value: object, name: str) -> str:
    if not isinstance(value, str) or not value:
        raise ShapeError(f"{name} is missing or no text")
    return value


def _optional_text(value: object, name: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise ShapeError(f"{name} is no text")
    return value


def _one_of(value: object, name: str, *allowed: str) -> str:
    if not isinstance(value, str) or value not in allowed:
        raise ShapeError(f"{name} is none of {', '.join(allowed)}")
    return value


def _flag(value: object, name: str) -> bool:
    if not isinstance(value, bool):
        raise ShapeError(f"{name} is neither true nor false")
    return value


def _acl(answer: Answer) -> Acl:
    owner = _text(_mapping(answer.get("Owner"), "Owner").get("ID"), "Owner.ID")
    return Acl(owner, tuple(_grant(grant) for grant in _sequence(answer.get("Grants"), "Grants")))


def _grant(value: object) -> Grant:
    grant = _mapping(value, "Grant")
    grantee = _mapping(grant.get("Grantee"), "Grantee")
    kind = GranteeKind(_one_of(grantee.get("Type"), "Grantee.Type", *GranteeKind))
    name = _GRANTEE_NAMES[kind]
    permission = _one_of(grant.get("Permission"), "Permission", *_PERMISSIONS)
    return Grant(kind, _text(grantee.get(name), f"Grantee.{name}"), permission)


def _policy(answer: Answer) -> Policy:
    return Policy(_text(answer.get("Policy"), "Policy"))


def _policy_status(answer: Answer) -> PolicyStatus:
    status = _mapping(answer.get("PolicyStatus"), "PolicyStatus")
    return PolicyStatus(_flag(status.get("IsPublic"), "IsPublic"))


def _public_access_block(answer: Answer) -> PublicAccessBlock:
    block = _mapping(answer.get("PublicAccessBlockConfiguration"), "PublicAccessBlockConfiguration")
    # A flag that was never given is off.
    return PublicAccessBlock(
        block_public_acls=_flag(block.get("BlockPublicAcls", False), "BlockPublicAcls"),
        ignore_public_acls=_flag(block.get("IgnorePublicAcls", False), "IgnorePublicAcls"),
        block_public_policy=_flag(block.get("BlockPublicPolicy", False), "BlockPublicPolicy"),
        restrict_public_buckets=_flag(block.get("RestrictPublicBuckets", False), "RestrictPublicBuckets"),
    )


def _ownership(answer: Answer) -> Ownership:
    rules = _sequence(_mapping(answer.get("OwnershipControls"), "OwnershipControls").get("Rules"), "Rules")
    if not rules:
        raise ShapeError("OwnershipControls has no rule")
    return Ownership(_text(_mapping(rules[0], "Rule").get("ObjectOwnership"), "ObjectOwnership"))


def _encryption(answer: Answer) -> Encryption:
    name = "ServerSideEncryptionConfiguration"
    rules = _sequence(_mapping(answer.get(name), name).get("Rules"), "Rules")
    if not rules:
        raise ShapeError(f"{name} has no rule")
    return Encryption(tuple(_encryption_rule(_mapping(rule, "Rule")) for rule in rules))


def _encryption_rule(rule: Answer) -> EncryptionRule:
    default = _mapping(rule.get("ApplyServerSideEncryptionByDefault"), "ApplyServerSideEncryptionByDefault")
    blocked = _mapping(rule.get("BlockedEncryptionTypes", {}), "BlockedEncryptionTypes").get("EncryptionType", ())
    return EncryptionRule(
        algorithm=_text(default.get("SSEAlgorithm"), "SSEAlgorithm"),
        kms_key=_optional_text(default.get("KMSMasterKeyID"), "KMSMasterKeyID"),
        bucket_key=_flag(rule.get("BucketKeyEnabled", False), "BucketKeyEnabled"),
        blocked_types=tuple(_text(kind, "EncryptionType") for kind in _sequence(blocked, "EncryptionType")),
    )


def _logging(answer: Answer) -> Logging | None:
    if "LoggingEnabled" not in answer:
        return None
    target = _mapping(answer["LoggingEnabled"], "LoggingEnabled")
    prefix = _optional_text(target.get("TargetPrefix"), "TargetPrefix")
    return Logging(_text(target.get("TargetBucket"), "TargetBucket"), prefix or "")


def _versioning(answer: Answer) -> Versioning | None:
    if not {"Status", "MFADelete"}.intersection(answer):
        return None
    mfa_delete = _one_of(answer.get("MFADelete", "Disabled"), "MFADelete", "Enabled", "Disabled")
    return Versioning(_one_of(answer.get("Status"), "Status", "Enabled", "Suspended"), mfa_delete == "Enabled")


def _tags(answer: Answer) -> Tags | None:
    pairs = [_mapping(tag, "Tag") for tag in _sequence(answer.get("TagSet"), "TagSet")]
    if not pairs:
        return None
    # An empty value is a legal tag, and may be left out; an empty key is not.
    named = ((_text(tag.get("Key"), "Key"), _optional_text(tag.get("Value"), "Value") or "") for tag in pairs)
    return Tags(tuple(sorted(named)))


def _website(answer: Answer) -> Website:
    if "RedirectAllRequestsTo" in answer:
        target = _mapping(answer["RedirectAllRequestsTo"], "RedirectAllRequestsTo")
        return Website(_text(target.get("HostName"), "HostName"))
    _mapping(answer.get("IndexDocument"), "IndexDocument")
    return Website()


def _request_payment(answer: Answer) -> RequestPayment:
    return RequestPayment(_one_of(answer.get("Payer"), "Payer", "BucketOwner", "Requester"))


def _accelerate(answer: Answer) -> Accelerate | None:
    if "Status" not in answer:
        return None
    return Accelerate(_one_of(answer["Status"], "Status", "Enabled", "Suspended"))


def _document(name: str, check: Callable[[object, str], object]) -> Callable[[Answer], Document]:
    """A parser for an answer that is kept as it is; the part called `name` must pass `check`."""

    def parse(answer: Answer) -> Document:
        check(answer.get(name), name)
        return Document(_canonical(answer))

    return parse


def _notification(answer: Answer) -> Document | None:
    return Document(_canonical(answer)) if answer else None


def _canonical(answer: Answer) -> str:
    try:
        return json.dumps(answer, sort_keys=True, separators=(",", ":"), default=_plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise ShapeError("the answer holds something that is neither text, number nor date") from error


def _plain(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(type(value).__name__)


ASPECTS: Mapping[Aspect, AspectRead] = MappingProxyType(
    {
        Aspect.ACL: AspectRead("GetBucketAcl", "s3:GetBucketAcl", _acl),
        Aspect.POLICY: AspectRead(
            "GetBucketPolicy", "s3:GetBucketPolicy", _policy, absent_codes=frozenset({"NoSuchBucketPolicy"})
        ),
        Aspect.POLICY_STATUS: AspectRead(
            "GetBucketPolicyStatus",
            "s3:GetBucketPolicyStatus",
            _policy_status,
            absent_codes=frozenset({"NoSuchBucketPolicy"}),
            implied=PolicyStatus(is_public=False),
        ),
        Aspect.PUBLIC_ACCESS_BLOCK: AspectRead(
            "GetPublicAccessBlock",
            "s3:GetBucketPublicAccessBlock",
            _public_access_block,
            absent_codes=frozenset({"NoSuchPublicAccessBlockConfiguration"}),
            implied=NO_BLOCK,
        ),
        Aspect.OWNERSHIP: AspectRead(
            "GetBucketOwnershipControls",
            "s3:GetBucketOwnershipControls",
            _ownership,
            absent_codes=frozenset({"OwnershipControlsNotFoundError"}),
            implied=Ownership("ObjectWriter"),
        ),
        Aspect.ENCRYPTION: AspectRead(
            "GetBucketEncryption",
            "s3:GetEncryptionConfiguration",
            _encryption,
            absent_codes=frozenset({"ServerSideEncryptionConfigurationNotFoundError"}),
            implied=Encryption((EncryptionRule("AES256"),)),
        ),
        Aspect.LOGGING: AspectRead("GetBucketLogging", "s3:GetBucketLogging", _logging),
        Aspect.VERSIONING: AspectRead("GetBucketVersioning", "s3:GetBucketVersioning", _versioning),
        Aspect.LIFECYCLE: AspectRead(
            "GetBucketLifecycleConfiguration",
            "s3:GetLifecycleConfiguration",
            _document("Rules", _sequence),
            absent_codes=frozenset({"NoSuchLifecycleConfiguration"}),
        ),
        Aspect.REPLICATION: AspectRead(
            "GetBucketReplication",
            "s3:GetReplicationConfiguration",
            _document("ReplicationConfiguration", _mapping),
            absent_codes=frozenset({"ReplicationConfigurationNotFoundError"}),
        ),
        Aspect.OBJECT_LOCK: AspectRead(
            "GetObjectLockConfiguration",
            "s3:GetBucketObjectLockConfiguration",
            _document("ObjectLockConfiguration", _mapping),
            absent_codes=frozenset({"ObjectLockConfigurationNotFoundError"}),
        ),
        Aspect.NOTIFICATION: AspectRead(
            "GetBucketNotificationConfiguration", "s3:GetBucketNotification", _notification
        ),
        Aspect.WEBSITE: AspectRead(
            "GetBucketWebsite", "s3:GetBucketWebsite", _website, absent_codes=frozenset({"NoSuchWebsiteConfiguration"})
        ),
        Aspect.CORS: AspectRead(
            "GetBucketCors",
            "s3:GetBucketCORS",
            _document("CORSRules", _sequence),
            absent_codes=frozenset({"NoSuchCORSConfiguration"}),
        ),
        Aspect.TAGGING: AspectRead(
            "GetBucketTagging", "s3:GetBucketTagging", _tags, absent_codes=frozenset({"NoSuchTagSet"})
        ),
        Aspect.REQUEST_PAYMENT: AspectRead(
            "GetBucketRequestPayment",
            "s3:GetBucketRequestPayment",
            _request_payment,
            implied=RequestPayment("BucketOwner"),
        ),
        Aspect.ACCELERATE: AspectRead("GetBucketAccelerateConfiguration", "s3:GetAccelerateConfiguration", _accelerate),
        Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: AspectRead(
            "GetPublicAccessBlock",
            "s3:GetAccountPublicAccessBlock",
            _public_access_block,
            absent_codes=frozenset({"NoSuchPublicAccessBlockConfiguration"}),
            implied=NO_BLOCK,
        ),
    }
)
