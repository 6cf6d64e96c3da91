"""The values of the aspects, as AWS's answers mean them, with AWS's own names.

Equal values are shared between buckets by the cache, so every type here is frozen and hashable.
"""

from dataclasses import dataclass
from enum import StrEnum


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
    """A bucket ACL; `owner` is a canonical user id."""

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


@dataclass(frozen=True, slots=True)
class Logging:
    """Server access logging: where the logs go."""

    target_bucket: str
    target_prefix: str = ""


@dataclass(frozen=True, slots=True)
class Versioning:
    """`status` is `Enabled` or `Suspended`; a bucket that never had versioning is Absent."""

    status: str
    mfa_delete: bool = False


@dataclass(frozen=True, slots=True)
class Tags:
    """The bucket's tags, ordered by key."""

    pairs: tuple[tuple[str, str], ...]

    def get(self, key: str) -> str | None:
        """The value of `key`, compared as AWS does: case counts."""
        return next((value for name, value in self.pairs if name == key), None)


@dataclass(frozen=True, slots=True)
class Website:
    """Static website hosting; `redirect_host` where every request is sent elsewhere."""

    redirect_host: str | None = None


@dataclass(frozen=True, slots=True)
class RequestPayment:
    """Who pays for requests: `BucketOwner` or `Requester`."""

    payer: str


@dataclass(frozen=True, slots=True)
class Accelerate:
    """Transfer acceleration: `Enabled` or `Suspended`."""

    status: str


@dataclass(frozen=True, slots=True)
class Document:
    """An aspect that no rule looks into yet: the answer as canonical JSON (sorted keys, no spaces)."""

    text: str
