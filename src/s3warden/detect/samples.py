"""States made by hand for the examples of rules: a sound bucket in a sound account, and what differs from it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from s3warden.model.bucket import (
    ABSENT,
    ACCOUNT_ASPECTS,
    AccountRef,
    AccountState,
    Aspect,
    BucketRef,
    BucketState,
    Cause,
    Present,
    Reading,
    Unreadable,
)
from s3warden.model.configuration import (
    Acl,
    Encryption,
    EncryptionRule,
    Grant,
    GranteeKind,
    Logging,
    Ownership,
    PublicAccessBlock,
    Tags,
    Versioning,
)

READ_AT = datetime(2026, 1, 1, tzinfo=UTC)
ACCOUNT = AccountRef("aws", "111122223333")
BUCKET = "example-data"
OWNER = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"
OWNER_GRANT = Grant(GranteeKind.CANONICAL_USER, OWNER, "FULL_CONTROL")
ALL_ON = PublicAccessBlock(
    block_public_acls=True, ignore_public_acls=True, block_public_policy=True, restrict_public_buckets=True
)
DENIED = Unreadable(Cause.ROLE_PERMISSION, "not authorized to perform this action")

_SOUND: Mapping[Aspect, Reading[object]] = MappingProxyType(
    {
        Aspect.ACL: Present(Acl(OWNER, (OWNER_GRANT,))),
        Aspect.POLICY: ABSENT,
        Aspect.POLICY_STATUS: ABSENT,
        Aspect.PUBLIC_ACCESS_BLOCK: Present(ALL_ON),
        Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: Present(ALL_ON),
        Aspect.OWNERSHIP: Present(Ownership("BucketOwnerEnforced")),
        Aspect.ENCRYPTION: Present(Encryption((EncryptionRule("AES256"),))),
        Aspect.LOGGING: Present(Logging("example-logs", "example-data/")),
        Aspect.VERSIONING: Present(Versioning("Enabled")),
        Aspect.TAGGING: Present(
            Tags((("Environment", "prod"), ("Name", BUCKET), ("Owner", "data-team"), ("Role", "storage")))
        ),
    }
)
_UNGUARDED: Mapping[Aspect, Reading[object]] = MappingProxyType(
    {Aspect.OWNERSHIP: ABSENT, Aspect.PUBLIC_ACCESS_BLOCK: ABSENT, Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: ABSENT}
)


def bucket(readings: Mapping[Aspect, Reading[object]] | None = None, *, name: str = BUCKET) -> BucketState:
    """A sound bucket in a sound account, but for `readings`, those of the account included."""
    mixed = {**_SOUND, **(readings or {})}
    return BucketState(
        ref=BucketRef(ACCOUNT.partition, ACCOUNT.account, "eu-west-1", name),
        read_at=READ_AT,
        readings={aspect: reading for aspect, reading in mixed.items() if aspect not in ACCOUNT_ASPECTS},
        account=account(mixed[Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK]),
    )


def unguarded(readings: Mapping[Aspect, Reading[object]] | None = None) -> BucketState:
    """A bucket that no layer protects: ACLs work, nothing is blocked in bucket or account; but for `readings`."""
    return bucket({**_UNGUARDED, **(readings or {})})


def account(block: Reading[object]) -> AccountState:
    """An account with this reading of its public access block."""
    return AccountState(ACCOUNT, READ_AT, {Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: block})


def flags(*, acls: bool = False, ignore: bool = False, policy: bool = False, restrict: bool = False) -> Present[object]:
    """A public access block with these flags on: BlockPublicAcls, Ignore…, BlockPublicPolicy, Restrict…."""
    return Present(
        PublicAccessBlock(
            block_public_acls=acls,
            ignore_public_acls=ignore,
            block_public_policy=policy,
            restrict_public_buckets=restrict,
        )
    )
