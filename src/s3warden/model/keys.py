"""The KMS keys that buckets encrypt with, with AWS's own names."""

from dataclasses import dataclass

MANAGED = "AWS"
"""The manager of a key that AWS keeps for a service and nobody else can share or end."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key. `named` is how the bucket names it, `arn` what that stands for; None where AWS knows no such key.

    `manager` is `AWS` or `CUSTOMER`. `state` is AWS's word: only an `Enabled` key encrypts and decrypts. `ends` is the
    day on which a key that waits for its deletion is gone. `rotatable`: whether AWS can rotate it by itself.
    """

    named: str
    arn: str | None
    manager: str = "CUSTOMER"
    state: str = "Enabled"
    ends: str | None = None
    rotatable: bool = True

    @property
    def account(self) -> str:
        """The account that owns the key, empty where that is not known."""
        return self.arn.split(":", 5)[4] if self.arn is not None else ""


@dataclass(frozen=True, slots=True)
class KeyRotation:
    """Whether AWS rotates the key by itself, and every how many days."""

    enabled: bool
    days: int | None = None
