"""Which keys a call to KMS concerns: the buckets that a key encrypts are judged anew when it changes.

Takes the record of a call, hands on a target for each key or alias it names, by ARN. Which buckets those encrypt is not
the record's to tell. Grants, and the use of keys, change nothing that is read of a key. Pure.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from s3warden.collect.fields import clean, items, mapping, region_name
from s3warden.collect.record import answer, parameters
from s3warden.model.event import Target

WIDENS = frozenset({"PutKeyPolicy"})
"""After these others may use the key."""

CHANGES = frozenset(
    {
        "CancelKeyDeletion",
        "ConnectCustomKeyStore",
        "CreateAlias",
        "DeleteAlias",
        "DeleteImportedKeyMaterial",
        "DeleteKey",
        "DisableKey",
        "DisableKeyRotation",
        "DisconnectCustomKeyStore",
        "EnableKey",
        "EnableKeyRotation",
        "ImportKeyMaterial",
        "ReplicateKey",
        "ScheduleKeyDeletion",
        "SynchronizeMultiRegionKey",
        "UpdateAlias",
        "UpdatePrimaryRegion",
    }
)
"""After these a key may be another, in another state, or rotate otherwise."""

IDLE = frozenset(
    {
        "CreateCustomKeyStore",
        "CreateGrant",
        "CreateKey",
        "DeleteCustomKeyStore",
        "RetireGrant",
        "RevokeGrant",
        "RotateKey",
        "RotateKeyOnDemand",
        "TagResource",
        "UntagResource",
        "UpdateCustomKeyStore",
        "UpdateKeyDescription",
    }
)
"""A new key encrypts nothing yet; the others leave key, state, policy and rotation as they were."""

_LIMIT = 512
_PARTS = ("keyId", "aliasName", "targetKeyId", "aliasArn", "keyArn")


def reach(_name: str, record: Mapping[str, object], own: Target) -> tuple[Target, ...]:
    """The keys and aliases that the record names; nobody where it names none."""
    return tuple(replace(own, key=arn) for arn in dict.fromkeys(_named(record, own)))


def _named(record: Mapping[str, object], own: Target) -> Iterator[str]:
    region = region_name(record.get("awsRegion"))
    place = f"arn:{own.partition or 'aws'}:kms:{region}:{own.account}"
    values = [mapping(item).get("ARN") for item in items(record.get("resources"))]
    values += [part.get(name) for part in (parameters(record), answer(record)) for name in _PARTS]
    for name in filter(None, (clean(value, _LIMIT) for value in values)):
        if name.startswith("arn:"):
            if name.split(":", 3)[2:3] == ["kms"]:
                yield name
        else:
            yield f"{place}:{name if name.startswith('alias/') else f'key/{name}'}"
