"""Objects of a bucket whose own ACL somebody changed, and what these ACLs say."""

from dataclasses import dataclass
from itertools import chain
from typing import Self

from s3warden.model.bucket import NOT_READ, Cause, Present, Reading, Unreadable, unreadable_parts
from s3warden.model.configuration import Acl, Grant, GranteeKind

_VERSION = "?versionId="
# Told by the end of the group's URI: its host differs between partitions.
_STRANGERS = ("/global/AllUsers", "/global/AuthenticatedUsers")


@dataclass(frozen=True, slots=True, order=True)
class ObjectName:
    """One object by its key, as S3 has it; `version` empty for the current one."""

    key: str
    version: str = ""

    @property
    def place(self) -> str:
        """Both in one text, as S3 has them in a URL."""
        return f"{self.key}{_VERSION}{self.version}" if self.version else self.key

    @classmethod
    def at(cls, place: str) -> Self:
        """The object of such a text."""
        key, _, version = place.partition(_VERSION)
        return cls(key, version)


@dataclass(frozen=True, slots=True)
class ObjectAcl:
    """The ACL of one object, as S3 says it is in effect."""

    name: ObjectName
    acl: Reading[Acl] = NOT_READ

    @property
    def to_strangers(self) -> tuple[Grant, ...]:
        """The grants to everyone, or to everyone with an AWS account; none where that is not known."""
        grants = self.acl.value.grants if isinstance(self.acl, Present) else ()
        return tuple(each for each in grants if each.kind is GranteeKind.GROUP and each.grantee.endswith(_STRANGERS))

    @property
    def matters(self) -> bool:
        """Whether somebody has to know of it: it is public, or may be."""
        return not isinstance(self.acl, Present) or bool(self.to_strangers)


_FORGOTTEN = Unreadable(Cause.NOT_READ, "objects whose ACL was public, or unknown, are not known by name any more")


@dataclass(frozen=True, slots=True)
class ObjectAcls:
    """The ACLs of the objects that events named, the latest last; of others nothing is known.

    `forgotten`: whether there are others that were public, or not readable, when somebody last looked.
    """

    items: tuple[ObjectAcl, ...] = ()
    forgotten: bool = False

    def naming(self, names: tuple[ObjectName, ...]) -> "ObjectAcls":
        """These, and those of `names`, which are still to be read."""
        new = tuple(ObjectAcl(name) for name in dict.fromkeys(names))
        fresh = frozenset(names)
        return ObjectAcls((*(each for each in self.items if each.name not in fresh), *new), self.forgotten)

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """Why some of them are not known."""
        parts = chain.from_iterable(unreadable_parts(each.acl) for each in self.items)
        return (*parts, _FORGOTTEN) if self.forgotten else tuple(parts)
