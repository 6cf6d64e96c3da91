"""From channels to one verdict: public access blocks flag by flag, ownership, network origin.

Takes inputs and `Findings`, hands on an `Exposure`. Laying the blocks over what was found is a handful of booleans.
A flag that could not be read leaves the answer unknown, by name.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from s3warden.detect.exposure import actions
from s3warden.detect.exposure.channels import ACL, POLICY, Opening
from s3warden.detect.exposure.inputs import ALL_BLOCKED, ENFORCED, AccessPoint, Block, ExposureInputs
from s3warden.detect.exposure.proof import Reason, Witness
from s3warden.detect.exposure.survey import Findings
from s3warden.detect.exposure.verdict import Exposure
from s3warden.model.bucket import Unreadable
from s3warden.model.configuration import PublicAccessBlock

OWNERSHIPS = frozenset({ENFORCED, "BucketOwnerPreferred", "ObjectWriter"})


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag of public access block over all its scopes. `on` is None where it hangs on what was not read."""

    on: bool | None
    scopes: tuple[str, ...]
    unread: tuple[str, ...]


def flag(name: str, scopes: Iterable[tuple[str, Block]]) -> Flag:
    """One flag as the strictest scope has it."""
    on: list[str] = []
    unread: list[str] = []
    for scope, block in scopes:
        if isinstance(block, Unreadable):
            unread.append(f"{scope} could not be read: {block.detail or block.cause}")
        elif isinstance(block, PublicAccessBlock) and getattr(block, name):
            on.append(scope)
    return Flag(True if on else None if unread else False, tuple(dict.fromkeys(on)), tuple(unread))


def scopes_of(inputs: ExposureInputs, point: AccessPoint | None = None) -> list[tuple[str, Block]]:
    """The blocks that bear on a request, with the words of `blocked_by` for them."""
    found: list[tuple[str, Block]] = [
        ("account_bpa", inputs.organisation_block),
        ("account_bpa", inputs.account_block),
        ("bucket_bpa", inputs.bucket_block),
    ]
    if inputs.organisation_block == ALL_BLOCKED:
        del found[1]
    return found if point is None else [*found, ("access_point_bpa", point.block)]


@dataclass(frozen=True, slots=True)
class Cut:
    """Whether a channel is cut before anyone comes through. `layers` that do it; `unread` what leaves it open."""

    public: bool | None
    accounts: bool | None
    layers: tuple[str, ...]
    unread: tuple[str, ...] = ()


def cut_acl(inputs: ExposureInputs) -> Cut:
    """Ownership and IgnorePublicAcls."""
    ignore = flag("ignore_public_acls", scopes_of(inputs))
    enforced = inputs.ownership == ENFORCED
    layers = (*(("ownership",) if enforced else ()), *ignore.scopes)
    unread = list(ignore.unread)
    if isinstance(inputs.ownership, Unreadable):
        unread.append(f"ownership could not be read: {inputs.ownership.detail or inputs.ownership.cause}")
    elif inputs.ownership is not None and inputs.ownership not in OWNERSHIPS:
        unread.append(f"the ownership {inputs.ownership} is not known")
    on = True if layers else None if unread else False
    return Cut(on, on, layers, () if on else tuple(unread))


def cut_policy(restrict: Flag, statuses: Sequence[bool | None], public: bool) -> Cut:
    """RestrictPublicBuckets: it acts where a document is public. `public` if a stranger certainly gets in."""
    status = True if True in statuses or (public and None in statuses) else None if None in statuses else False
    if restrict.on is False or status is False:
        return Cut(False, False, ())
    if restrict.on is None:
        return Cut(None, None, (), restrict.unread)
    unread = () if status else ("whether AWS calls the policy public, which RestrictPublicBuckets needs, is not known",)
    return Cut(True, status or None, restrict.scopes if status else (), unread)


def cut_point(point: AccessPoint, inputs: ExposureInputs, statuses: Sequence[bool | None], public: bool) -> Cut:
    """Network origin, and RestrictPublicBuckets of every scope, the access point's own included."""
    cut = cut_policy(flag("restrict_public_buckets", scopes_of(inputs, point)), statuses, public)
    if point.origin == "VPC":
        return replace(cut, public=True, layers=(*cut.layers, "network_origin"))
    if point.origin is None and not cut.public:
        return replace(cut, public=None, unread=(*cut.unread, f"the network origin of access point {point.name}"))
    return cut


def lay(inputs: ExposureInputs, findings: Findings) -> Exposure:
    """The verdict: every opening under the layers that may cut it."""
    points = iter(zip(inputs.access_points if isinstance(inputs.access_points, tuple) else (),
                      findings.point_statuses, strict=True))  # fmt: skip
    status = findings.status if inputs.policy_status is None or not findings.has_policy else inputs.policy_status
    pairs: list[tuple[Opening, Cut]] = []
    for opening in findings.openings:
        if opening.kind == ACL:
            cut = cut_acl(inputs)
        elif opening.kind == POLICY:
            restrict = flag("restrict_public_buckets", scopes_of(inputs))
            cut = cut_policy(restrict, (status,), opening.public)
        else:
            point, own_status = next(points)
            cut = cut_point(point, inputs, (status, own_status), opening.public)
        if findings.undecided_policy and cut.public and opening.kind != ACL and not cut.layers:
            cut = replace(cut, public=None)
        pairs.append((opening, cut))
    return _verdict(inputs, findings, pairs)


def _verdict(inputs: ExposureInputs, findings: Findings, pairs: Sequence[tuple[Opening, Cut]]) -> Exposure:
    through = [opening for opening, cut in pairs if opening.public and cut.public is False]
    unknown = [*_unknown(pairs), *_unread(inputs, findings)]
    public: bool | None = True if through else None if unknown else False
    doubts = [] if public else unknown
    classes = {witness.action_class for opening in through for witness in opening.unsigned}
    accounts, account_doubts = _accounts(pairs)
    witnesses = [w for o in through for w in (*o.unsigned, *((o.signed,) if o.signed else ()))]
    return Exposure(
        public=public,
        public_actions=tuple(name for name in actions.CLASSES if name in classes),
        authenticated_only=public is True and not classes,
        cross_account=tuple(sorted(accounts)),
        policy_status_is_public=findings.status if findings.has_policy else None,
        via=tuple(sorted({opening.kind for opening in through})),
        blocked_by=tuple(sorted({layer for opening, cut in pairs for layer in _stops(opening, cut)})),
        witnesses=(*witnesses, *(witness for _, witness in sorted(accounts.items()))),
        reasons=tuple(reason for opening, cut in pairs for reason in _reasons(opening, cut)),
        unknown_because=tuple(
            dict.fromkeys((*doubts, *(unknown if public else ()), *account_doubts, *_drift(inputs, findings)))
        ),
    )


def _unknown(pairs: Sequence[tuple[Opening, Cut]]) -> list[str]:
    found: list[str] = []
    for opening, cut in pairs:
        if cut.public is not True:
            found += opening.doubts
            if cut.public is None and (opening.public or opening.doubts):
                found += cut.unread
    return found


def _unread(inputs: ExposureInputs, findings: Findings) -> list[str]:
    """What could not be read and might open the bucket by itself."""
    found: list[str] = []
    if isinstance(inputs.grants, Unreadable) and not cut_acl(inputs).public:
        found.append(f"the access control list could not be read: {inputs.grants.detail or inputs.grants.cause}")
    restricted = flag("restrict_public_buckets", scopes_of(inputs)).on
    if isinstance(inputs.access_points, Unreadable) and findings.has_policy and not restricted:
        found.append(f"the access points could not be read: {inputs.access_points.detail}")
    if isinstance(inputs.requester_pays, Unreadable):
        found.append("whether the requester pays could not be read, so unsigned callers were left out")
    return found


def _accounts(pairs: Sequence[tuple[Opening, Cut]]) -> tuple[dict[str, Witness], list[str]]:
    found: dict[str, Witness] = {}
    doubts: dict[str, str] = {}
    for opening, cut in pairs:
        if cut.accounts is False:
            for account, witness in opening.accounts:
                found.setdefault(account, witness)
        if cut.accounts is None:
            doubts |= {account: "; ".join(cut.unread) for account, _ in opening.accounts}
        if cut.accounts is not True:
            doubts |= dict(opening.account_doubts)
    return found, [f"account {name}: {text}" for name, text in sorted(doubts.items()) if name not in found]


def _stops(opening: Opening, cut: Cut) -> Iterable[str]:
    """The layers that stop a face-value grant which yields nothing public."""
    if not opening.face or opening.doubts or (opening.public and cut.public is not True):
        return ()
    return (*cut.layers, *opening.stops)


def _reasons(opening: Opening, cut: Cut) -> Iterable[Reason]:
    if opening.face and cut.public:
        for layer in cut.layers:
            yield Reason(opening.name, layer, layer, _LAYER_TEXTS[layer])
    yield from opening.reasons


_LAYER_TEXTS = {
    "account_bpa": "the account's (or organisation's) public access block cuts it",
    "bucket_bpa": "the bucket's public access block cuts it",
    "access_point_bpa": "the access point's public access block cuts it",
    "ownership": "access control lists are disabled by bucket owner enforced ownership",
    "network_origin": "the access point accepts requests from its VPC only",
}


def _drift(inputs: ExposureInputs, findings: Findings) -> list[str]:
    if inputs.policy_status is None or findings.status in (None, inputs.policy_status) or not findings.has_policy:
        return []
    return [f"AWS says policy status public={inputs.policy_status}, the estimate is {findings.status}"]
