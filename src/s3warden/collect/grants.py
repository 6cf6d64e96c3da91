"""One grant of an ACL, as S3 answers it for buckets and for the receivers of access logs. Pure."""

from s3warden.collect.shapes import mapping, one_of, text
from s3warden.model.configuration import Grant, GranteeKind

_PERMISSIONS = frozenset({"FULL_CONTROL", "READ", "READ_ACP", "WRITE", "WRITE_ACP"})
_GRANTEE_NAMES = {GranteeKind.CANONICAL_USER: "ID", GranteeKind.GROUP: "URI", GranteeKind.EMAIL: "EmailAddress"}


def grant(value: object) -> Grant:
    """The grant. Raises ShapeError."""
    found = mapping(value, "Grant")
    grantee = mapping(found.get("Grantee"), "Grantee")
    kind = GranteeKind(one_of(grantee.get("Type"), "Grantee.Type", *GranteeKind))
    name = _GRANTEE_NAMES[kind]
    permission = one_of(found.get("Permission"), "Permission", *_PERMISSIONS)
    return Grant(kind, text(grantee.get(name), f"Grantee.{name}"), permission)
