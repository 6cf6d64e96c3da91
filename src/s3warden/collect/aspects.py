"""The table of aspects: which call reads each, which permission it takes, what its answers mean.

Aspects that take several calls have a module of their own: `access_points`, `multi_region`.

Takes AWS's parsed answers, hands on the values of `model.configuration`. Pure: it calls nobody. An answer that does not
have the shape AWS documents is a `ShapeError`; it is never taken for "not configured".

Sources: the S3 API reference for operations, error codes and shapes; the service authorization reference of S3 for the
IAM actions, which are not always named like the operation.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Generic

from s3warden.aws.errors import AwsError, shorten
from s3warden.collect import delivery, lifecycle, web
from s3warden.collect.grants import grant
from s3warden.collect.shapes import Answer, ShapeError, enabled, flag, mapping, one_of, optional_text, sequence, text
from s3warden.model.bucket import ABSENT, Absent, Aspect, Cause, Present, Reading, T_co, Unreadable
from s3warden.model.configuration import (
    NO_BLOCK,
    Abac,
    Accelerate,
    Acl,
    Encryption,
    EncryptionRule,
    Ownership,
    Policy,
    PolicyStatus,
    PublicAccessBlock,
    RequestPayment,
    Tags,
    Versioning,
)

# What a read gives when AWS knows no such bucket: should the bucket turn out to exist, it is a failed read like others.
GONE = Unreadable(Cause.ERROR, "NoSuchBucket")


@dataclass(frozen=True, slots=True)
class AspectRead(Generic[T_co]):
    """One call and what its answers mean: all that reads an aspect, or a part of what does.

    `absent_codes` are the errors that mean "not configured", and so do `absent_words` in the text of one. `parse` gives
    the value, or None where an empty answer means the same. `implied` is how AWS behaves while it is not configured;
    None where that is plainly nothing. `paged` is the list that AWS answers in pages: `parse` gets an
    answer that has all of it.
    """

    operation: str
    iam_action: str
    parse: Callable[[Answer], T_co | None]
    absent_codes: frozenset[str] = frozenset()
    implied: T_co | None = None
    paged: str | None = None
    absent_words: str = ""

    async def reading(self, asked: Awaitable[Answer]) -> Reading[T_co]:
        """What comes of the call that was `asked`; `GONE` if AWS knows no such bucket. Raises nothing of AWS's."""
        try:
            return self.understood(await asked)
        except AwsError as error:
            return self.failed(error)
        except ShapeError as error:
            return self._damaged(error)

    def understood(self, answer: Answer) -> Reading[T_co]:
        """What an answer means."""
        try:
            value = self.parse(answer)
        except ShapeError as error:
            return self._damaged(error)
        return ABSENT if value is None else Present(value)

    def _damaged(self, error: ShapeError) -> Unreadable:
        return Unreadable(Cause.MALFORMED, f"{self.operation}: {error}")

    def failed(self, error: AwsError) -> Absent | Unreadable:
        """What a refused or failed call means."""
        if error.gone:
            return GONE
        if error.code in self.absent_codes or (self.absent_words and self.absent_words in error.message):
            return ABSENT
        return Unreadable(error.cause, shorten(f"{error.code}: {error.message}"))


def acl(answer: Answer) -> Acl:
    """The ACL of a bucket or an object."""
    owner = text(mapping(answer.get("Owner"), "Owner").get("ID"), "Owner.ID")
    return Acl(owner, tuple(map(grant, sequence(answer.get("Grants"), "Grants"))))


def policy(answer: Answer) -> Policy:
    """The policy of a bucket or an access point."""
    return Policy(text(answer.get("Policy"), "Policy"))


def _policy_status(answer: Answer) -> PolicyStatus:
    status = mapping(answer.get("PolicyStatus"), "PolicyStatus")
    return PolicyStatus(flag(status.get("IsPublic"), "IsPublic"))


def public_access_block(answer: Answer, name: str = "PublicAccessBlockConfiguration") -> PublicAccessBlock:
    """The block in the part called `name` of an answer about a bucket, an account or an access point."""
    block = mapping(answer.get(name), name)
    # A flag that was never given is off.
    return PublicAccessBlock(
        block_public_acls=flag(block.get("BlockPublicAcls", False), "BlockPublicAcls"),
        ignore_public_acls=flag(block.get("IgnorePublicAcls", False), "IgnorePublicAcls"),
        block_public_policy=flag(block.get("BlockPublicPolicy", False), "BlockPublicPolicy"),
        restrict_public_buckets=flag(block.get("RestrictPublicBuckets", False), "RestrictPublicBuckets"),
    )


def _ownership(answer: Answer) -> Ownership:
    rules = sequence(mapping(answer.get("OwnershipControls"), "OwnershipControls").get("Rules"), "Rules")
    if not rules:
        raise ShapeError("OwnershipControls has no rule")
    return Ownership(text(mapping(rules[0], "Rule").get("ObjectOwnership"), "ObjectOwnership"))


def _encryption(answer: Answer) -> Encryption:
    name = "ServerSideEncryptionConfiguration"
    rules = sequence(mapping(answer.get(name), name).get("Rules"), "Rules")
    if not rules:
        raise ShapeError(f"{name} has no rule")
    return Encryption(tuple(_encryption_rule(mapping(rule, "Rule")) for rule in rules))


def _encryption_rule(rule: Answer) -> EncryptionRule:
    default = mapping(rule.get("ApplyServerSideEncryptionByDefault"), "ApplyServerSideEncryptionByDefault")
    blocked = mapping(rule.get("BlockedEncryptionTypes", {}), "BlockedEncryptionTypes").get("EncryptionType", ())
    return EncryptionRule(
        algorithm=text(default.get("SSEAlgorithm"), "SSEAlgorithm"),
        kms_key=optional_text(default.get("KMSMasterKeyID"), "KMSMasterKeyID"),
        bucket_key=flag(rule.get("BucketKeyEnabled", False), "BucketKeyEnabled"),
        blocked_types=tuple(text(kind, "EncryptionType") for kind in sequence(blocked, "EncryptionType")),
    )


def _versioning(answer: Answer) -> Versioning | None:
    if not {"Status", "MFADelete"}.intersection(answer):
        return None
    mfa_delete = one_of(answer.get("MFADelete", "Disabled"), "MFADelete", "Enabled", "Disabled")
    return Versioning(one_of(answer.get("Status"), "Status", "Enabled", "Suspended"), mfa_delete == "Enabled")


def _tags(answer: Answer) -> Tags | None:
    pairs = [mapping(tag, "Tag") for tag in sequence(answer.get("TagSet"), "TagSet")]
    if not pairs:
        return None
    # An empty value is a legal tag, and may be left out; an empty key is not.
    named = ((text(tag.get("Key"), "Key"), optional_text(tag.get("Value"), "Value") or "") for tag in pairs)
    return Tags(tuple(sorted(named)))


def _request_payment(answer: Answer) -> RequestPayment:
    return RequestPayment(one_of(answer.get("Payer"), "Payer", "BucketOwner", "Requester"))


def _accelerate(answer: Answer) -> Accelerate | None:
    if "Status" not in answer:
        return None
    return Accelerate(one_of(answer["Status"], "Status", "Enabled", "Suspended"))


def _abac(answer: Answer) -> Abac:
    return Abac(enabled(mapping(answer.get("AbacStatus"), "AbacStatus").get("Status"), "Status"))


ASPECTS: Mapping[Aspect, AspectRead[object]] = MappingProxyType(
    {
        Aspect.ACL: AspectRead("GetBucketAcl", "s3:GetBucketAcl", acl),
        Aspect.POLICY: AspectRead(
            "GetBucketPolicy", "s3:GetBucketPolicy", policy, absent_codes=frozenset({"NoSuchBucketPolicy"})
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
            public_access_block,
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
        Aspect.LOGGING: AspectRead("GetBucketLogging", "s3:GetBucketLogging", delivery.logging),
        Aspect.VERSIONING: AspectRead("GetBucketVersioning", "s3:GetBucketVersioning", _versioning),
        Aspect.LIFECYCLE: AspectRead(
            "GetBucketLifecycleConfiguration",
            "s3:GetLifecycleConfiguration",
            lifecycle.lifecycle,
            absent_codes=frozenset({"NoSuchLifecycleConfiguration"}),
        ),
        Aspect.REPLICATION: AspectRead(
            "GetBucketReplication",
            "s3:GetReplicationConfiguration",
            delivery.replication,
            absent_codes=frozenset({"ReplicationConfigurationNotFoundError"}),
        ),
        Aspect.OBJECT_LOCK: AspectRead(
            "GetObjectLockConfiguration",
            "s3:GetBucketObjectLockConfiguration",
            lifecycle.object_lock,
            absent_codes=frozenset({"ObjectLockConfigurationNotFoundError"}),
        ),
        Aspect.NOTIFICATION: AspectRead(
            "GetBucketNotificationConfiguration", "s3:GetBucketNotification", delivery.notification
        ),
        Aspect.WEBSITE: AspectRead(
            "GetBucketWebsite",
            "s3:GetBucketWebsite",
            web.website,
            absent_codes=frozenset({"NoSuchWebsiteConfiguration"}),
        ),
        Aspect.CORS: AspectRead(
            "GetBucketCors",
            "s3:GetBucketCORS",
            web.cors,
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
        Aspect.ABAC: AspectRead("GetBucketAbac", "s3:GetBucketAbac", _abac),
        Aspect.INVENTORY: AspectRead(
            "ListBucketInventoryConfigurations",
            "s3:GetInventoryConfiguration",
            delivery.inventory,
            paged=delivery.INVENTORIES,
        ),
        Aspect.ANALYTICS: AspectRead(
            "ListBucketAnalyticsConfigurations",
            "s3:GetAnalyticsConfiguration",
            delivery.analytics,
            paged=delivery.ANALYSES,
        ),
        Aspect.INTELLIGENT_TIERING: AspectRead(
            "ListBucketIntelligentTieringConfigurations",
            "s3:GetIntelligentTieringConfiguration",
            lifecycle.tiering,
            paged=lifecycle.TIERINGS,
        ),
        # AWS answers with the block in effect: under an S3 policy of the organisation that blocks, all flags are on
        # whatever the account itself has set. So there is no aspect for the organisation.
        Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: AspectRead(
            "GetPublicAccessBlock",
            "s3:GetAccountPublicAccessBlock",
            public_access_block,
            absent_codes=frozenset({"NoSuchPublicAccessBlockConfiguration"}),
            implied=NO_BLOCK,
        ),
    }
)
