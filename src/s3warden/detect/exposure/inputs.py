"""What the engine is asked about: one bucket's settings that bear on who can reach it.

Takes plain values, or a document in the input form of the exposure vectors; hands on one frozen, hashable value.
What could not be read is `Unreadable`, never the same as not configured.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from s3warden.detect.exposure.parse import has_doubled
from s3warden.model.bucket import Cause, Unreadable
from s3warden.model.configuration import Grant, GranteeKind, PublicAccessBlock

Block = PublicAccessBlock | Unreadable | None
PolicyText = str | Unreadable | None

ENFORCED = "BucketOwnerEnforced"
"""The object ownership that disables access control lists."""

ALL_BLOCKED = PublicAccessBlock(
    block_public_acls=True, ignore_public_acls=True, block_public_policy=True, restrict_public_buckets=True
)


@dataclass(frozen=True, slots=True)
class AccessPoint:
    """An access point of the bucket. `origin` is `Internet` or `VPC`; `name` is the alias for a multi-region one.

    `region` None where it is not known: then the point's own policy says it.
    """

    name: str
    origin: str | None = "Internet"
    block: Block = None
    policy: PolicyText = None
    region: str | None = None
    multi_region: bool = False


@dataclass(frozen=True, slots=True)
class ExposureInputs:
    """One bucket. `now` is in epoch seconds, None for "at some time"; `policy_status` is AWS's answer, if asked."""

    bucket: str
    owner: str
    partition: str = "aws"
    organisation: str | None = None
    organisation_block: Block = None
    account_block: Block = None
    bucket_block: Block = None
    ownership: str | Unreadable | None = None
    grants: tuple[Grant, ...] | Unreadable = ()
    policy: PolicyText = None
    access_points: tuple[AccessPoint, ...] | Unreadable = ()
    requester_pays: bool | Unreadable = False
    website: bool = False
    policy_status: bool | None = None
    now: float | None = None


def _malformed(what: str) -> Unreadable:
    return Unreadable(Cause.MALFORMED, f"{what} is not understood")


def inputs_of(document: object, *, now: float | None = None) -> ExposureInputs:
    """The inputs in a document of the vectors' form. Never raises: what has the wrong form is unreadable."""
    if not isinstance(document, Mapping) or has_doubled(document):
        nothing = _malformed("the document, or a key that comes twice in it,")
        return ExposureInputs("", "", policy=nothing, grants=nothing, access_points=nothing)
    bucket, owner = _text(document.get("bucket")), _text(document.get("bucket_owner"))
    policy = policy_text(document.get("policy"))
    return ExposureInputs(
        bucket=bucket,
        owner=owner,
        partition=_text(document.get("partition")) or _partition(policy, bucket),
        organisation=_text(document.get("org_id")) or None,
        organisation_block=_organisation_block(document),
        account_block=block_of(document.get("account_bpa"), "account_bpa"),
        bucket_block=block_of(document.get("bucket_bpa"), "bucket_bpa"),
        ownership=_ownership(document.get("ownership")),
        grants=_grants(document.get("acl_grants")),
        policy=policy if bucket and owner else _malformed("the name of the bucket or its owner"),
        access_points=_points(document),
        requester_pays=_yes_or_no(document.get("requester_pays"), "requester_pays"),
        website=bool(document.get("website")),
        policy_status=_bool(document.get("policy_status")),
        now=now,
    )


def _bool(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _unreadable(value: object) -> Unreadable | None:
    """What a document says could not be read: an object with the one key `unreadable`."""
    if isinstance(value, Mapping) and set(value) == {"unreadable"}:
        return Unreadable(Cause.NOT_READ, str(value["unreadable"]))
    return None


def _yes_or_no(value: object, name: str) -> bool | Unreadable:
    if value is None or isinstance(value, bool):
        return bool(value)
    return _unreadable(value) or _malformed(name)


def _ownership(value: object) -> str | Unreadable | None:
    if value is None or isinstance(value, str):
        return value
    return _unreadable(value) or _malformed("ownership")


def policy_text(value: object) -> PolicyText:
    """A policy as JSON text, given as text or as an object."""
    if value is None or isinstance(value, str):
        return value
    try:
        return _unreadable(value) or json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return _malformed("the policy")


_FLAGS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def block_of(value: object, name: str) -> Block:
    """A public access block in AWS's spelling; a flag that is left out is off."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        return _malformed(name)
    flags = [value.get(flag, False) for flag in _FLAGS]
    if set(value) - set(_FLAGS) or not all(isinstance(flag, bool) for flag in flags):
        return _unreadable(value) or _malformed(name)
    return PublicAccessBlock(*(flag is True for flag in flags))


def _organisation_block(document: Mapping[object, object]) -> Block:
    value = document.get("org_bpa")
    if value in ("all", "none"):
        return ALL_BLOCKED if value == "all" else None
    return block_of(value, "org_bpa")


def _grants(value: object) -> tuple[Grant, ...] | Unreadable:
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        return _unreadable(value) or _malformed("acl_grants")
    found = [_grant(item) for item in value]
    grants = tuple(grant for grant in found if grant is not None)
    return grants if len(grants) == len(found) else _malformed("a grant of acl_grants")


def _grant(item: object) -> Grant | None:
    if not isinstance(item, Mapping):
        return None
    kind, permission = item.get("grantee_type"), item.get("permission")
    grantee = next((item[key] for key in ("uri", "id", "email") if isinstance(item.get(key), str)), None)
    if kind not in tuple(GranteeKind) or not isinstance(permission, str) or not isinstance(grantee, str):
        return None
    return Grant(GranteeKind(kind), grantee, permission)


def _points(document: Mapping[object, object]) -> tuple[AccessPoint, ...] | Unreadable:
    found: list[AccessPoint] = []
    for key, multi_region in (("access_points", False), ("multi_region_access_points", True)):
        value = document.get(key)
        if value is None:
            continue
        if not isinstance(value, list | tuple):
            return _unreadable(value) or _malformed(key)
        for item in value:
            name = item.get("name") if isinstance(item, Mapping) else None
            if not isinstance(item, Mapping) or not isinstance(name, str):
                return _malformed(key)
            found.append(_point(item, name, multi_region))
    return tuple(found)


def _point(item: Mapping[object, object], name: str, multi_region: bool) -> AccessPoint:
    origin = item.get("network_origin", "Internet")
    return AccessPoint(
        name,
        origin if origin in ("Internet", "VPC") else None,
        block_of(item.get("bpa"), "bpa"),
        policy_text(item.get("policy")),
        _text(item.get("region")) or None,
        multi_region,
    )


def _partition(policy: PolicyText, bucket: str) -> str:
    """The partition the policy spells for this very bucket, for documents that do not say it."""
    if isinstance(policy, str):
        found = re.search(r"arn:(aws[a-z-]*):s3:::" + re.escape(bucket) + r"[\"/*]", policy)
        if found is not None:
            return found[1]
    return "aws"
