"""Which layers make a public grant harmless: block public access of the account and of the bucket, and ownership.

Every flag holds if any scope has it, flag by flag. Only IgnorePublicAcls switches off an ACL that exists, and only
RestrictPublicBuckets a policy that exists; the two Block flags merely refuse new ones. One layer known to hold is
proof, whatever else could not be read; the opposite takes knowledge of them all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from s3warden.detect.rule import UnreadableError, configured
from s3warden.model.bucket import Aspect, State
from s3warden.model.configuration import NO_BLOCK, Ownership, PolicyStatus, PublicAccessBlock

ENFORCED = "BucketOwnerEnforced"
DEFAULT_OWNERSHIP = Ownership("ObjectWriter")
LAYERS_OF_ACL = frozenset({Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK, Aspect.PUBLIC_ACCESS_BLOCK, Aspect.OWNERSHIP})
LAYERS_OF_POLICY = frozenset({Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK, Aspect.PUBLIC_ACCESS_BLOCK})


class Flag(StrEnum):
    """The four flags of block public access, in AWS's own spelling and order."""

    BLOCK_PUBLIC_ACLS = "BlockPublicAcls"
    IGNORE_PUBLIC_ACLS = "IgnorePublicAcls"
    BLOCK_PUBLIC_POLICY = "BlockPublicPolicy"
    RESTRICT_PUBLIC_BUCKETS = "RestrictPublicBuckets"

    def of(self, block: PublicAccessBlock) -> bool:
        """Whether `block` has this flag on."""
        return {
            Flag.BLOCK_PUBLIC_ACLS: block.block_public_acls,
            Flag.IGNORE_PUBLIC_ACLS: block.ignore_public_acls,
            Flag.BLOCK_PUBLIC_POLICY: block.block_public_policy,
            Flag.RESTRICT_PUBLIC_BUCKETS: block.restrict_public_buckets,
        }[self]


@dataclass(frozen=True, slots=True)
class _Layer:
    name: str
    holds: Callable[[State], bool]


def scopes_of(flag: Flag, state: State) -> tuple[str, ...]:
    """Which of `account` and `bucket` are known to have `flag` on; none means that both are known to have it off.

    Raises UnreadableError where neither is known to have it and one of them could not be read.
    """
    return _holding(_scopes(flag), state)


def acl_neutralised_by(state: State) -> tuple[str, ...]:
    """The layers that make public ACL grants harmless, by name; raises UnreadableError where that is not known."""
    layers = [
        _Layer(f"{scope.name} {Flag.IGNORE_PUBLIC_ACLS}", scope.holds) for scope in _scopes(Flag.IGNORE_PUBLIC_ACLS)
    ]
    return _holding((*layers, _Layer(f"ownership {ENFORCED}", lambda state: ownership(state) == ENFORCED)), state)


def policy_restricted_by(state: State) -> tuple[str, ...]:
    """The scopes that restrict a public policy, by name; raises UnreadableError where that is not known."""
    flag = Flag.RESTRICT_PUBLIC_BUCKETS
    return tuple(f"{scope} {flag}" for scope in scopes_of(flag, state))


def policy_is_public(state: State) -> bool:
    """Whether AWS calls the bucket policy public; raises UnreadableError where that is not known."""
    status = configured(state, Aspect.POLICY_STATUS, PolicyStatus)
    return status is not None and status.is_public


def ownership(state: State) -> str:
    """The bucket's object ownership; a bucket without ownership controls behaves as ObjectWriter."""
    return (configured(state, Aspect.OWNERSHIP, Ownership) or DEFAULT_OWNERSHIP).object_ownership


def block(state: State, aspect: Aspect) -> PublicAccessBlock:
    """The block public access flags of one scope; not configured means all off."""
    return configured(state, aspect, PublicAccessBlock) or NO_BLOCK


def _scopes(flag: Flag) -> tuple[_Layer, ...]:
    return (
        _Layer("account", lambda state: flag.of(block(state, Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK))),
        _Layer("bucket", lambda state: flag.of(block(state, Aspect.PUBLIC_ACCESS_BLOCK))),
    )


def _holding(layers: Sequence[_Layer], state: State) -> tuple[str, ...]:
    holding: list[str] = []
    unread: UnreadableError | None = None
    for layer in layers:
        try:
            if layer.holds(state):
                holding.append(layer.name)
        except UnreadableError as error:
            unread = unread or error
    if unread is not None and not holding:
        raise unread
    return tuple(holding)
