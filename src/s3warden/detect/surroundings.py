"""What the sound bucket of the examples points at, and what points at it; and accounts made by hand around it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from s3warden.detect.deliveries import LOGGING_SERVICE
from s3warden.model.bucket import ABSENT, AccountRef, AccountState, Aspect, Present, Reading
from s3warden.model.configuration import (
    Acl,
    Encryption,
    EncryptionRule,
    Grant,
    GranteeKind,
    Ownership,
    Policy,
    RequestPayment,
)
from s3warden.model.keys import Key, KeyRotation
from s3warden.model.references import (
    Destination,
    Destinations,
    LogTarget,
    Reference,
    References,
    Standing,
    Use,
    settings,
)

_ACCOUNT = AccountRef("aws", "111122223333")
_REGION, _SOURCE, _TARGET = "eu-west-1", "example-data", "example-logs"
_OWNER = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"
KEY_ARN = f"arn:{_ACCOUNT.partition}:kms:{_REGION}:{_ACCOUNT.account}:key/0d5c2f6a-1b7e-4c39-9a51-3e8f7d2b6c40"
OURS = f"arn:{_ACCOUNT.partition}:iam::{_ACCOUNT.account}:root"
_DELIVERY = (
    '{"Version":"2012-10-17","Statement":[{"Sid":"Logs","Effect":"Allow","Principal":{"Service":"'
    + LOGGING_SERVICE
    + f'"}},"Action":"s3:PutObject","Resource":"arn:{_ACCOUNT.partition}:s3:::{_TARGET}/*",'
    f'"Condition":{{"StringEquals":{{"aws:SourceAccount":"{_ACCOUNT.account}"}}}}}}]}}'
)
_KEY_POLICY = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"'
    + OURS
    + '"},"Action":"kms:*","Resource":"*"}]}'
)


def named(
    name: str, *, exists: bool = True, owner: str | None = _ACCOUNT.account, region: str = _REGION
) -> Present[Standing]:
    """Whose a name is; ours unless told otherwise."""
    return Present(Standing(name, exists, owner if exists else None, region if exists else None))


def log_target(
    changes: Mapping[Aspect, Reading[object]] | None = None,
    *,
    name: str = _TARGET,
    standing: Reading[Standing] | None = None,
    ours: bool = True,
) -> Present[LogTarget]:
    """A log target that takes what S3 delivers, but for `changes`; without settings where it is not `ours`."""
    sound: dict[Aspect, Reading[object]] = {
        Aspect.ACL: Present(Acl(_OWNER, (Grant(GranteeKind.CANONICAL_USER, _OWNER, "FULL_CONTROL"),))),
        Aspect.POLICY: Present(Policy(_DELIVERY)),
        Aspect.OWNERSHIP: Present(Ownership("BucketOwnerEnforced")),
        Aspect.ENCRYPTION: Present(Encryption((EncryptionRule("AES256"),))),
        Aspect.OBJECT_LOCK: ABSENT,
        Aspect.REQUEST_PAYMENT: Present(RequestPayment("BucketOwner")),
        Aspect.LOGGING: ABSENT,
    }
    found = settings({**sound, **(changes or {})} if ours else {})
    return Present(LogTarget(name, named(name) if standing is None else standing, found))


def reference(use: Use, target: str, holder: str = _SOURCE, owner: str | None = None, detail: str = "") -> Reference:
    """Something of the account that points at `target`."""
    return Reference(use, target, _ACCOUNT.account, holder, owner, detail)


def referrers(*found: Reference) -> Present[References]:
    """What points at a bucket."""
    return Present(References(found))


def destinations(*found: tuple[Reference, Reading[Standing]]) -> Present[Destinations]:
    """Buckets that something points at, each with its standing."""
    return Present(Destinations(tuple(Destination(each.target, (each,), standing) for each, standing in found)))


def account_with(readings: Mapping[Aspect, Reading[object]] | None = None) -> AccountState:
    """The sound account, but for these readings."""
    return AccountState(_ACCOUNT, datetime(2026, 1, 1, tzinfo=UTC), {**SOUND_ACCOUNT, **(readings or {})})


SOUND_ACCOUNT: Mapping[Aspect, Reading[object]] = MappingProxyType(
    dict.fromkeys((Aspect.DISTRIBUTIONS, Aspect.DNS_RECORDS, Aspect.OUTSIDE_NAMES), ABSENT)
    | {Aspect.MULTI_REGION_ACCESS_POINTS: ABSENT}
)
SOUND_NEIGHBOURS: Mapping[Aspect, Reading[object]] = MappingProxyType(
    {
        Aspect.DEFAULT_KEY: Present(Key(KEY_ARN, KEY_ARN)),
        Aspect.KEY_ROTATION: Present(KeyRotation(enabled=True, days=365)),
        Aspect.KEY_POLICY: Present(Policy(_KEY_POLICY)),
        Aspect.LOG_TARGET: log_target(),
        Aspect.REPLICATION_DESTINATIONS: destinations(
            (
                reference(Use.REPLICATION, "example-replica", detail="everything"),
                named("example-replica", region="eu-central-1"),
            )
        ),
        Aspect.INVENTORY_DESTINATIONS: destinations(
            (reference(Use.INVENTORY, "example-lists", detail="all"), named("example-lists"))
        ),
        Aspect.ANALYTICS_DESTINATIONS: ABSENT,
        **SOUND_ACCOUNT,
    }
)
