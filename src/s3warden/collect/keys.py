"""Reads the KMS keys that buckets encrypt with: what a key is, whether it rotates, and who may use it.

Takes the name a bucket calls its key by, hands on readings that all its buckets share. A key of another account is
asked about as its own account where that is guarded, since AWS shows a key's policy to nobody else. The key that AWS
itself keeps for S3 takes no call: it can be neither ended nor shared.

Sources: DescribeKey, GetKeyRotationStatus and GetKeyPolicy of the KMS API reference; "Key states of AWS KMS keys" and
"Rotate AWS KMS keys" of its developer guide.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import TypeAlias, TypeVar

from s3warden.aws.errors import shorten
from s3warden.collect.aspects import AspectRead
from s3warden.collect.aspects import policy as bucket_policy
from s3warden.collect.owners import Owners
from s3warden.collect.services import ServiceReader
from s3warden.collect.shapes import Answer, ShapeError, flag, mapping, one_of, text
from s3warden.collect.shared import Shared
from s3warden.model.bucket import ABSENT, AccountRef, BucketRef, Cause, Present, Reading, Unreadable
from s3warden.model.configuration import Encryption, Policy
from s3warden.model.keys import MANAGED, Key, KeyRotation

T = TypeVar("T")
_Asked: TypeAlias = tuple[str, str]
_SERVICE = "kms"
_ARN = 6
_UNKNOWN = frozenset({"NotFoundException"})
# An imported or foreign-kept key cannot be rotated by AWS; nor can one that is no symmetric key.
_ROTATES = "AWS_KMS"


def _key(answer: Answer) -> Key:
    found = mapping(answer.get("KeyMetadata"), "KeyMetadata")
    ends = found.get("DeletionDate")
    if ends is not None and not isinstance(ends, date):
        raise ShapeError("DeletionDate is no date")
    arn = text(found.get("Arn"), "Arn")
    if len(arn.split(":", 5)) < _ARN:
        raise ShapeError("Arn is no ARN")
    return Key(
        named="",
        arn=arn,
        manager=one_of(found.get("KeyManager"), "KeyManager", MANAGED, "CUSTOMER"),
        state=text(found.get("KeyState"), "KeyState"),
        ends=None if ends is None else ends.isoformat()[:10],
        rotatable=found.get("Origin", _ROTATES) == _ROTATES and found.get("KeySpec", _SYMMETRIC) == _SYMMETRIC,
    )


_SYMMETRIC = "SYMMETRIC_DEFAULT"


def _rotation(answer: Answer) -> KeyRotation:
    days = answer.get("RotationPeriodInDays")
    if days is not None and not isinstance(days, int):
        raise ShapeError("RotationPeriodInDays is no number")
    return KeyRotation(flag(answer.get("KeyRotationEnabled"), "KeyRotationEnabled"), days)


DESCRIBE = AspectRead("DescribeKey", "kms:DescribeKey", _key, absent_codes=_UNKNOWN)
ROTATION = AspectRead("GetKeyRotationStatus", "kms:GetKeyRotationStatus", _rotation, absent_codes=_UNKNOWN)
POLICY = AspectRead("GetKeyPolicy", "kms:GetKeyPolicy", bucket_policy, absent_codes=_UNKNOWN)


class KeyReads:
    """Reads keys through `reader`; `owners` tells which accounts are guarded."""

    def __init__(
        self, reader: ServiceReader, owners: Owners, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._reader = reader
        self._owners = owners
        self._keys: Shared[_Asked, Key] = Shared(clock=clock)
        self._rotations: Shared[_Asked, KeyRotation] = Shared(clock=clock)
        self._policies: Shared[_Asked, Policy] = Shared(clock=clock)

    async def key(self, ref: BucketRef, encryption: Reading[object]) -> Reading[Key]:
        """The bucket's default key; Absent where it encrypts without KMS."""
        arn = default_key(ref, encryption)
        if not isinstance(arn, str):
            return arn
        if len(arn.split(":", 5)) < _ARN:
            return Unreadable(Cause.MALFORMED, shorten(f"{arn} is no name of a key"))
        if arn == managed_key(ref):
            return Present(Key(arn, arn, MANAGED, rotatable=False))

        async def read() -> Reading[Key]:
            reading = await self._ask(DESCRIBE, ref.owner, arn)
            match reading:
                case Present(value=key):
                    return Present(Key(arn, key.arn, key.manager, key.state, key.ends, key.rotatable))
                case Unreadable():
                    return reading
            return Present(Key(arn, None, state="NotFound"))

        return await self._keys.reading((ref.account, arn), read)

    async def rotation(self, ref: BucketRef, encryption: Reading[object]) -> Reading[KeyRotation]:
        """Whether the default key rotates; Absent where there is none, or none that AWS rotates."""
        return await self._of_key(ref, encryption, ROTATION, self._rotations, lambda key: key.rotatable)

    async def policy(self, ref: BucketRef, encryption: Reading[object]) -> Reading[Policy]:
        """The policy of the default key; Absent where there is none, or it is AWS's own."""
        return await self._of_key(ref, encryption, POLICY, self._policies, lambda key: key.manager != MANAGED)

    def forget(self) -> None:
        """Something happened to a key or an alias: whoever asks from now on gets a fresh reading."""
        self._keys.forget()
        self._rotations.forget()
        self._policies.forget()

    async def _of_key(
        self,
        ref: BucketRef,
        encryption: Reading[object],
        call: AspectRead[T],
        shared: Shared[_Asked, T],
        concerns: Callable[[Key], bool],
    ) -> Reading[T]:
        key = await self.key(ref, encryption)
        if not isinstance(key, Present):
            return key
        arn = key.value.arn
        if arn is None or not concerns(key.value):
            return ABSENT

        return await shared.reading((ref.account, arn), lambda: self._ask(call, ref.owner, arn))

    async def _ask(self, call: AspectRead[T], asking: AccountRef, arn: str) -> Reading[T]:
        _, _, _, region, account, _ = arn.split(":", 5)
        owner = AccountRef(asking.partition, account)
        named = {"PolicyName": "default"} if call.operation == POLICY.operation else {}
        as_whom = owner if self._owners.is_guarded(owner) else asking
        return await call.reading(
            self._reader.service(as_whom, _SERVICE, call.operation, region=region, KeyId=arn, **named)
        )


def default_key(ref: BucketRef, encryption: Reading[object]) -> str | Reading[Key]:
    """The ARN of the key, or alias of a key, that new objects are encrypted with; Absent where it is none of KMS's."""
    match encryption:
        case Unreadable():
            return encryption
        case Present(value=Encryption(rules=rules)):
            rule = next((rule for rule in rules if rule.algorithm.startswith("aws:kms")), None)
            return ABSENT if rule is None else key_arn(ref, rule.kms_key) if rule.kms_key else managed_key(ref)
    return ABSENT


def managed_key(ref: BucketRef) -> str:
    """The ARN of the alias of the key that AWS keeps for S3 in the bucket's account and region."""
    return key_arn(ref, "alias/aws/s3")


def key_arn(place: BucketRef, name: str) -> str:
    """The ARN of a key or an alias that is named by ARN, id or alias, in the bucket's own account and region."""
    if name.startswith("arn:"):
        return name
    resource = name if name.startswith("alias/") else f"key/{name}"
    return f"arn:{place.partition}:kms:{place.region}:{place.account}:{resource}"
