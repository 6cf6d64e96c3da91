"""From inputs to channels: parse the documents, find the ways in, examine each.

Takes `ExposureInputs`, hands on `Findings`: everything that does not depend on public access blocks, and so the part
worth remembering.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from s3warden.detect.exposure import actions
from s3warden.detect.exposure.budget import Budget
from s3warden.detect.exposure.channels import ACCESS_POINT, ACL, POLICY, WORK, Channel, Opening, examine
from s3warden.detect.exposure.compiled import (
    Compiled,
    Place,
    Rule,
    compile_document,
    granting,
    mentions,
    named_accounts,
)
from s3warden.detect.exposure.facts import Facts, Point
from s3warden.detect.exposure.inputs import ENFORCED, AccessPoint, ExposureInputs, PolicyText
from s3warden.detect.exposure.normal import Document
from s3warden.detect.exposure.parse import parse
from s3warden.detect.exposure.status import policy_is_public
from s3warden.model.bucket import Unreadable
from s3warden.model.configuration import ALL_USERS, AUTHENTICATED_USERS, Grant


@dataclass(frozen=True, slots=True)
class Findings:
    """What the documents and lists give before any block: the part worth remembering."""

    openings: tuple[Opening, ...]
    status: bool | None
    point_statuses: tuple[bool | None, ...]
    has_policy: bool
    undecided_policy: bool


def find(inputs: ExposureInputs) -> Findings:
    """Examine every channel of the bucket."""
    place = Place(f"arn:{inputs.partition}:s3:::{inputs.bucket}", f"arn:{inputs.partition}:s3:::{inputs.bucket}/")
    document = document_of(inputs.policy, "the bucket policy")
    bucket = compile_document(document, "policy", place)
    points = inputs.access_points if isinstance(inputs.access_points, tuple) else ()
    point_parts = [_point(point, inputs) for point in points]
    facts, accounts = facts_of(inputs, [bucket, *(compiled for _, compiled in point_parts)])
    direct = Channel(
        POLICY, "bucket policy", (bucket.allows,), bucket.denies, facts, document, place, accounts=accounts
    )
    channels = [*_acl(inputs, direct), direct]
    channels += [_through(direct, inputs, *pair) for pair in zip(points, point_parts, strict=True)]
    obtainable = _obtainable(inputs)
    if inputs.requester_pays is not False:
        channels = [replace(channel, unsigned=False) for channel in channels]
    budget = Budget(WORK)
    openings = tuple(examine(channel, obtainable, budget) for channel in channels)
    status = policy_is_public(document) if document.statements or document.unknown else False
    if status is not False and bucket.denies and not document.unknown:
        opened = any(opening.public for opening in openings if opening.kind == POLICY)
        status = True if opened or _gets_through(direct) else None
    statuses = tuple(
        False if point.origin == "VPC" else policy_is_public(compiled.document, access_point=True)
        for point, (_, compiled) in zip(points, point_parts, strict=True)
    )
    return Findings(openings, status, statuses, inputs.policy is not None, bool(document.unknown))


def document_of(source: PolicyText, name: str) -> Document:
    """The normal form of a policy; an absent one has no statements, an unreadable one is undecided."""
    if source is None:
        return Document(())
    if isinstance(source, Unreadable):
        return Document((), unknown=(f"{name} could not be read: {source.detail or source.cause}",))
    return parse(source)


def _obtainable(inputs: ExposureInputs) -> int:
    """Actions that somebody outside the owner's account can perform at all."""
    obtainable = actions.ALL & ~actions.OF_CLASS[actions.POLICY]
    return obtainable & ~actions.OF_CLASS[actions.WRITE_ACP] if inputs.ownership == ENFORCED else obtainable


def facts_of(inputs: ExposureInputs, documents: Sequence[Compiled]) -> tuple[Facts, dict[str, frozenset[str]]]:
    """The facts for questions about these documents, and the accounts they name with their listed principals."""
    named = named_accounts(documents)
    own = {*named, inputs.owner}
    stranger = next(account for account in _STRANGERS if account not in own)
    facts = Facts(
        inputs.owner,
        inputs.partition,
        inputs.organisation,
        inputs.now,
        frozenset(own),
        stranger,
        mentions(documents),
    )
    return facts, {account: frozenset(listed) for account, listed in named.items() if account != inputs.owner}


_STRANGERS = [f"{digit * 9}{tail:03d}" for tail in range(900, 1000) for digit in "98765432"]


def _acl(inputs: ExposureInputs, direct: Channel) -> list[Channel]:
    """The groups of the access control list as a channel, if it grants them anything."""
    if isinstance(inputs.grants, Unreadable):
        return []
    rules = [rule for grant in inputs.grants if (rule := _granted(grant, direct.place)) is not None]
    if not rules:
        return []
    return [replace(direct, kind=ACL, name="access control list", grants=(tuple(rules),))]


def _granted(grant: Grant, place: Place) -> Rule | None:
    if grant.grantee not in (ALL_USERS, AUTHENTICATED_USERS):
        return None
    granted = sum(1 << actions.INDEX[name] for name in actions.ACL_ACTIONS.get(grant.permission.upper(), ()))
    group = grant.grantee.rpartition("/")[2]
    return granting(ACL, f"{grant.permission} for {group}", granted, grant.grantee == ALL_USERS, place)


_Prepared = tuple[Place, Compiled]


def _point(point: AccessPoint, inputs: ExposureInputs) -> _Prepared:
    """Where an access point's resources are, and its policy made ready."""
    region = "" if point.multi_region else point.region or _region(point, inputs)
    arn = f"arn:{inputs.partition}:s3:{region}:{inputs.owner}:accesspoint/{point.name}"
    where = Place(arn, f"{arn}/object/")
    document = document_of(point.policy, f"the policy of access point {point.name}")
    return where, compile_document(document, f"access point {point.name}", where)


def _region(point: AccessPoint, inputs: ExposureInputs) -> str:
    """The region that the policies spell for an access point, where the document does not say it."""
    owner, name = re.escape(inputs.owner), re.escape(point.name)
    spelled = re.compile(rf"arn:[^:\"]*:s3:([a-z0-9-]+):{owner}:accesspoint/(?:{name}|\*)[\"/*]")
    for text in (point.policy, inputs.policy):
        found = spelled.search(text) if isinstance(text, str) else None
        if found is not None:
            return found[1]
    return "us-east-1"


def _through(direct: Channel, inputs: ExposureInputs, point: AccessPoint, prepared: _Prepared) -> Channel:
    """A request through an access point: its policy and the bucket's must both allow it, neither may deny it."""
    where, compiled = prepared
    return replace(
        direct,
        kind=ACCESS_POINT,
        name=f"access point {point.name}",
        grants=(compiled.allows, *direct.grants),
        denies=(*compiled.denies, *direct.denies),
        facts=replace(direct.facts, point=Point(where.whole, inputs.owner, point.origin or "Internet")),
        point=compiled.document,
        point_place=where,
        unsigned=not point.multi_region,
    )


def _gets_through(direct: Channel) -> bool:
    """Whether a stranger certainly gets through the Denies, actions that only the owner can perform included."""
    return examine(replace(direct, accounts={}), actions.ALL, Budget(WORK / 4), explain=False).public
