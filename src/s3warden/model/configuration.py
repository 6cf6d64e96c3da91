"""The values of the aspects, as AWS's answers mean them, with AWS's own names.

Equal values are shared between buckets by the cache, so every type here is frozen and hashable.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain

from s3warden.model.bucket import BucketRef, Reading, Unreadable


class GranteeKind(StrEnum):
    """How an ACL names its grantee: the `xsi:type` of the answer."""

    CANONICAL_USER = "CanonicalUser"
    GROUP = "Group"
    EMAIL = "AmazonCustomerByEmail"


ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
AUTHENTICATED_USERS = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
LOG_DELIVERY = "http://acs.amazonaws.com/groups/s3/LogDelivery"


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """One ACL grant. `grantee` is the group URI, the canonical id or the e-mail address."""

    kind: GranteeKind
    grantee: str
    permission: str


@dataclass(frozen=True, slots=True)
class Acl:
    """A bucket ACL; `owner` is a canonical user id, empty where ACLs are disabled and so nobody asked for it."""

    owner: str
    grants: tuple[Grant, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """A bucket policy as stored: `text` is JSON and not yet parsed, since it may be damaged."""

    text: str


@dataclass(frozen=True, slots=True)
class PolicyStatus:
    """AWS's own verdict on the bucket policy document."""

    is_public: bool


@dataclass(frozen=True, slots=True)
class PublicAccessBlock:
    """The four flags of block public access, of a bucket or of an account."""

    block_public_acls: bool
    ignore_public_acls: bool
    block_public_policy: bool
    restrict_public_buckets: bool

    @property
    def all_on(self) -> bool:
        """Whether nothing public can be added and nothing public already there has effect."""
        return (
            self.block_public_acls
            and self.ignore_public_acls
            and self.block_public_policy
            and self.restrict_public_buckets
        )

    def __or__(self, other: "PublicAccessBlock") -> "PublicAccessBlock":
        """The effective block of two scopes: flag by flag, the stricter one."""
        return PublicAccessBlock(
            self.block_public_acls or other.block_public_acls,
            self.ignore_public_acls or other.ignore_public_acls,
            self.block_public_policy or other.block_public_policy,
            self.restrict_public_buckets or other.restrict_public_buckets,
        )


NO_BLOCK = PublicAccessBlock(
    block_public_acls=False,
    ignore_public_acls=False,
    block_public_policy=False,
    restrict_public_buckets=False,
)


@dataclass(frozen=True, slots=True)
class Ownership:
    """Object ownership: `BucketOwnerEnforced`, `BucketOwnerPreferred` or `ObjectWriter`. Absent means ObjectWriter."""

    object_ownership: str


@dataclass(frozen=True, slots=True)
class EncryptionRule:
    """One default encryption rule. `algorithm` is `AES256`, `aws:kms` or `aws:kms:dsse`."""

    algorithm: str
    kms_key: str | None = None
    bucket_key: bool = False
    blocked_types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Encryption:
    """The default encryption of a bucket."""

    rules: tuple[EncryptionRule, ...]


SIMPLE_PREFIX = "SimplePrefix"


@dataclass(frozen=True, slots=True)
class Logging:
    """Server access logging: where the logs go, under which keys, and who may read them besides the target's owner.

    `key_format` is `SimplePrefix`, or the date source of a partitioned prefix: `EventTime` or `DeliveryTime`.
    """

    target_bucket: str
    target_prefix: str = ""
    key_format: str = SIMPLE_PREFIX
    grants: tuple[Grant, ...] = ()


@dataclass(frozen=True, slots=True)
class Versioning:
    """`status` is `Enabled` or `Suspended`; a bucket that never had versioning is Absent."""

    status: str
    mfa_delete: bool = False


def plain_key(key: str) -> str:
    """The key of a tag without what people spell differently."""
    return re.sub(r"[\s_.:/-]+", "", key).casefold()


@dataclass(frozen=True, slots=True)
class Tags:
    """The bucket's tags, ordered by key."""

    pairs: tuple[tuple[str, str], ...]

    def get(self, key: str) -> str | None:
        """The value of `key`, compared as AWS does: case counts."""
        return next((value for name, value in self.pairs if name == key), None)


@dataclass(frozen=True, slots=True)
class Website:
    """Static website hosting; `redirect_host` where every request is sent elsewhere.

    `routing_hosts` are the other hosts that routing rules send some requests to, in their order.
    """

    redirect_host: str | None = None
    routing_hosts: tuple[str, ...] = ()

    @property
    def hosts(self) -> tuple[str, ...]:
        """Where visitors are sent, each once."""
        own = () if self.redirect_host is None else (self.redirect_host,)
        return tuple(dict.fromkeys((*own, *self.routing_hosts)))


@dataclass(frozen=True, slots=True)
class RequestPayment:
    """Who pays for requests: `BucketOwner` or `Requester`."""

    payer: str


@dataclass(frozen=True, slots=True)
class Accelerate:
    """Transfer acceleration: `Enabled` or `Suspended`."""

    status: str


@dataclass(frozen=True, slots=True)
class Abac:
    """Whether the bucket's tags count where policies ask for them: attribute-based access control."""

    enabled: bool


@dataclass(frozen=True, slots=True)
class AccessPoint:
    """An access point of the bucket, in the bucket's region. `network_origin` is `Internet` or `VPC`.

    `block` and `policy` are read apart from the rest, so each may be unreadable by itself; a point without a policy has
    it Absent. `vpc` is the id of the one network that a point of VPC origin serves. `bucket_account` is whom AWS says
    that the bucket belongs to, None where it does not say.
    """

    name: str
    arn: str
    network_origin: str
    block: Reading[PublicAccessBlock]
    policy: Reading[Policy]
    vpc: str | None = None
    bucket_account: str | None = None

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """Why parts of it are not known."""
        return _unreadable((self.block, self.policy))


@dataclass(frozen=True, slots=True)
class AccessPoints:
    """The access points that the bucket's own account has made for it, by name; those of other accounts are theirs."""

    points: tuple[AccessPoint, ...]

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """Why parts of the points are not known."""
        return tuple(chain.from_iterable(point.unreadable for point in self.points))


@dataclass(frozen=True, slots=True, order=True)
class MultiRegionBucket:
    """A bucket behind a multi-region access point. `account` None where AWS does not say whose it is."""

    name: str
    region: str
    account: str | None = None


@dataclass(frozen=True, slots=True)
class MultiRegionAccessPoint:
    """A multi-region access point of the account. `status` is AWS's word, `READY` where all is well.

    `alias` is empty until AWS has given one. `policy` is in force; `proposed` is on its way to all regions, None where
    that is the same.
    """

    name: str
    alias: str
    status: str
    buckets: tuple[MultiRegionBucket, ...]
    block: Reading[PublicAccessBlock]
    policy: Reading[Policy]
    proposed: Policy | None = None

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """Why parts of it are not known."""
        return _unreadable((self.block, self.policy))

    def leads_to(self, bucket: BucketRef) -> bool:
        """Whether the bucket is one of those behind this access point. Names are unique within a partition."""
        return any(each.name == bucket.name and each.account in (None, bucket.account) for each in self.buckets)


@dataclass(frozen=True, slots=True)
class MultiRegionAccessPoints:
    """The multi-region access points that an account owns, by name. Buckets of other accounts may be behind them."""

    points: tuple[MultiRegionAccessPoint, ...]

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """Why parts of the points are not known."""
        return tuple(chain.from_iterable(point.unreadable for point in self.points))

    def leading_to(self, bucket: BucketRef) -> tuple[MultiRegionAccessPoint, ...]:
        """Those through which the bucket can be reached."""
        return tuple(point for point in self.points if point.leads_to(bucket))


def _unreadable(parts: Iterable[Reading[object]]) -> tuple[Unreadable, ...]:
    return tuple(part for part in parts if isinstance(part, Unreadable))
