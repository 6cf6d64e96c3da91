"""The buckets and accounts of the fake AWS: the truth that a test changes and compares with what the daemon says.

A new bucket is one that no rule complains of but for what its maker asks for. Everything is a plain attribute; a test
sets it and tells of it by an event, or does not.
"""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

MADE = datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)
PUBLIC_READ = ("AllUsers", "READ")
ALL_ON = (True, True, True, True)
TAGS = {"Name": "x", "Role": "web", "Environment": "test", "Owner": "sam"}


@dataclass
class StoredObject:
    """One object, of which there is nothing but its ACL: grants to groups and to users, beside the owner's."""

    grants: list[tuple[str, str]] = field(default_factory=list)
    users: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Bucket:
    """One bucket. `grants` are those to groups and `users` those to canonical users, beside the owner's.

    `block` are the four flags in AWS's order, or None. `documents` are settings that were put, as they were put, by the
    name of the sub-resource. `objects` are by key.
    """

    name: str
    account: str
    region: str = "eu-west-1"
    grants: list[tuple[str, str]] = field(default_factory=list)
    policy: str | None = None
    block: tuple[bool, bool, bool, bool] | None = None
    ownership: str | None = "ObjectWriter"
    algorithm: str | None = "AES256"
    versioning: str = "Enabled"
    logs_to: str | None = "invented-logs"
    logs_under: str = "x/"
    tags: dict[str, str] = field(default_factory=lambda: dict(TAGS))
    users: list[tuple[str, str]] = field(default_factory=list)
    documents: dict[str, str] = field(default_factory=dict)
    objects: dict[str, StoredObject] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        """The bucket's ARN."""
        return f"arn:aws:s3:::{self.name}"

    def publish_by_policy(self) -> None:
        """Let everyone read the objects."""
        statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{self.arn}/*"}
        self.policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    @property
    def has_public_policy(self) -> bool:
        """Whether AWS would call the policy public, as far as the policies of these tests go."""
        statements: list[dict[str, Any]] = json.loads(self.policy)["Statement"] if self.policy else []
        return any(
            s["Effect"] == "Allow" and s.get("Principal") in ("*", {"AWS": "*"}) and "Condition" not in s
            for s in statements
        )


@dataclass
class World:
    """All there is: `accounts` by id with their block of public access, `buckets` by name."""

    accounts: dict[str, tuple[bool, bool, bool, bool] | None]
    buckets: dict[str, Bucket] = field(default_factory=dict)

    def add(self, *names: str, account: str | None = None, **changes: Any) -> list[Bucket]:
        """Make buckets, in the first account unless told otherwise."""
        owner = account or next(iter(self.accounts))
        made = [Bucket(name, owner, **changes) for name in names]
        self.buckets |= {bucket.name: bucket for bucket in made}
        return made

    def owned_by(self, account: str) -> list[Bucket]:
        """The buckets of one account, by name."""
        return sorted((b for b in self.buckets.values() if b.account == account), key=lambda b: b.name)

    def ignores_acls(self, bucket: Bucket) -> bool:
        """Whether public grants are without effect, and so not shown."""
        blocks = (bucket.block, self.accounts.get(bucket.account))
        return bucket.ownership == "BucketOwnerEnforced" or any(block is not None and block[1] for block in blocks)
