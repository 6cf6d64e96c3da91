"""The public grants of a bucket ACL: which of the ten there are, and what each allows."""

from collections.abc import Sequence
from dataclasses import dataclass

from s3warden.detect.rule import configured
from s3warden.model.bucket import Aspect, State
from s3warden.model.configuration import Acl, GranteeKind

WHO = {"AllUsers": "Anyone on the internet", "AuthenticatedUsers": "Anyone with any AWS account"}
_CAN = {
    "READ": "list the bucket",
    "READ_ACP": "read the bucket's ACL",
    "WRITE": "put objects into the bucket",
    "WRITE_ACP": "rewrite the bucket's ACL and so take it over",
    "FULL_CONTROL": "list the bucket, put objects into it and take it over by its ACL",
}
_CONFORMITY = {
    f"{group} {permission}": f"S3-{number:03}"
    for number, (group, permission) in enumerate(((group, permission) for group in WHO for permission in _CAN), start=1)
}


@dataclass(frozen=True, slots=True, order=True)
class PublicGrant:
    """A grant to one of the two global groups, `AllUsers` or `AuthenticatedUsers`."""

    group: str
    permission: str

    def __str__(self) -> str:
        return f"{self.group} {self.permission}"

    @property
    def can(self) -> str:
        """What the grant allows, in words."""
        return _CAN[self.permission]


def public_grants(state: State) -> tuple[PublicGrant, ...]:
    """Every public grant, sorted, whether it has effect or not; raises UnreadableError where the ACL is not known."""
    acl = configured(state, Aspect.ACL, Acl)
    found = {
        PublicGrant(group, grant.permission)
        for grant in (acl.grants if acl is not None else ())
        for group in WHO
        # Told by the end of the group's URI: its host differs between partitions.
        if grant.kind is GranteeKind.GROUP and grant.grantee.endswith(f"/global/{group}")
    }
    return tuple(sorted(found))


def facts(grants: Sequence[PublicGrant]) -> dict[str, str]:
    """The evidence of `grants`: groups, permissions, both together, and the ids under which Conformity knows them."""
    names = [str(grant) for grant in grants]
    return {
        "grantee": ", ".join(sorted({grant.group for grant in grants})),
        "permission": ", ".join(sorted({grant.permission for grant in grants})),
        "grant": ", ".join(names),
        "conformity": ", ".join(_CONFORMITY[name] for name in names),
    }
