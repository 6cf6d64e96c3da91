"""What a sweep need not ask, since another reading of the same look already tells the answer. Pure.

Takes what is known of a bucket, hands on readings that follow from it. Nothing follows from what could not be read:
then AWS is asked after all. Sources: the S3 user guide on Object Ownership (while ACLs are disabled GetBucketAcl
answers the owner's full control and nothing else), on bucket policy status, on replication and on Object Lock (both are
refused without versioning, which can never be taken back to "never enabled").

A look that begins while somebody changes the bucket may see the state before, as any look may; the event of the change
reads the changed aspect itself, and does not spare.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from s3warden.model.bucket import ABSENT, Aspect, Present, Reading
from s3warden.model.configuration import Acl, Ownership, Policy, PolicyStatus

Known: TypeAlias = Mapping[Aspect, Reading[object]]

ACLS_DISABLED = Present(Acl(owner="", grants=()))
"""The ACL of a bucket that has none in effect and was not asked for it: the owner's canonical id is not known."""
NOT_PUBLIC = Present(PolicyStatus(is_public=False))
_INFERRED: tuple[Reading[object], ...] = (ACLS_DISABLED, NOT_PUBLIC, ABSENT)


@dataclass(frozen=True, slots=True)
class _Inference:
    """`tells` gives the reading that follows from those of `sources`; None where nothing does."""

    sources: frozenset[Aspect]
    tells: Callable[[Known], Reading[object] | None]


def _acl(known: Known) -> Reading[object] | None:
    match known[Aspect.OWNERSHIP]:
        case Present(value=Ownership(object_ownership="BucketOwnerEnforced")) if _nobody_by_canonical_id(known):
            return ACLS_DISABLED
    return None


def _nobody_by_canonical_id(known: Known) -> bool:
    """Whether no canonical id in the policy has to be told from the owner's own, which only the ACL has."""
    match known[Aspect.POLICY]:
        case Present(value=Policy(text=text)):
            return "canonicaluser" not in text.lower() and not _is_disguised(text)
        case reading:
            return reading == ABSENT


def _policy_status(known: Known) -> Reading[object] | None:
    """A policy that allows nothing is not public: only an Allow can make it so."""
    match known[Aspect.POLICY]:
        case Present(value=Policy(text=text)):
            harmless = "allow" not in text.lower() and not _is_disguised(text) and _is_whole(text)
            return NOT_PUBLIC if harmless else None
        case reading:
            return ABSENT if reading == ABSENT else None


def _is_whole(text: str) -> bool:
    """Whether nothing of the policy broke off: what is missing could say anything."""
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _is_disguised(text: str) -> bool:
    """Whether a word may be written in another way in this JSON."""
    return "\\u" in text


def _absent_with(source: Aspect) -> _Inference:
    return _Inference(frozenset({source}), lambda known: ABSENT if known[source] == ABSENT else None)


_INFERENCES: Mapping[Aspect, _Inference] = MappingProxyType(
    {
        Aspect.ACL: _Inference(frozenset({Aspect.OWNERSHIP, Aspect.POLICY}), _acl),
        Aspect.POLICY_STATUS: _Inference(frozenset({Aspect.POLICY}), _policy_status),
        Aspect.REPLICATION: _absent_with(Aspect.VERSIONING),
        Aspect.OBJECT_LOCK: _absent_with(Aspect.VERSIONING),
    }
)


def waiting(wanted: frozenset[Aspect]) -> frozenset[Aspect]:
    """Which of `wanted` are better read after the others: all that they may follow from is read in the same look."""
    return frozenset(a for a in wanted & _INFERENCES.keys() if _INFERENCES[a].sources <= wanted)


def told(aspects: Iterable[Aspect], known: Known) -> dict[Aspect, Reading[object]]:
    """The readings of those of `aspects` that follow from what is known."""
    found = ((aspect, _INFERENCES[aspect].tells(known)) for aspect in aspects)
    return {aspect: reading for aspect, reading in found if reading is not None}


def lapsed(known: Known, fresh: Collection[Aspect]) -> frozenset[Aspect]:
    """What an earlier look may have inferred from something that is `fresh` now, where another thing follows by now."""
    return frozenset(
        aspect
        for aspect, inference in _INFERENCES.items()
        if aspect not in fresh
        and known.get(aspect) in _INFERRED
        and not inference.sources.isdisjoint(fresh)
        and inference.sources <= known.keys()
        and inference.tells(known) != known[aspect]
    )
