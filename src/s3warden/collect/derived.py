"""Aspects that are read in a second step, since what they are about is named by another aspect of the same subject.

A default key is looked up once the encryption setting names it, a log target once the logging setting does. Where the
setting changes, or is read again, what hangs on it is read again too.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from s3warden.model.bucket import Aspect

_OF_BUCKETS: Mapping[Aspect, frozenset[Aspect]] = MappingProxyType(
    {
        Aspect.REFERRERS: frozenset[Aspect](),
        Aspect.DEFAULT_KEY: frozenset({Aspect.ENCRYPTION}),
        Aspect.KEY_ROTATION: frozenset({Aspect.ENCRYPTION}),
        Aspect.KEY_POLICY: frozenset({Aspect.ENCRYPTION}),
        Aspect.LOG_TARGET: frozenset({Aspect.LOGGING}),
        Aspect.REPLICATION_DESTINATIONS: frozenset({Aspect.REPLICATION}),
        Aspect.INVENTORY_DESTINATIONS: frozenset({Aspect.INVENTORY}),
        Aspect.ANALYTICS_DESTINATIONS: frozenset({Aspect.ANALYTICS}),
        # S3 answers with what an ACL grants in effect.
        Aspect.OBJECT_ACL: frozenset({Aspect.PUBLIC_ACCESS_BLOCK, Aspect.OWNERSHIP}),
        # What is compared need not be read for it.
        Aspect.CHANGES: frozenset[Aspect](),
    }
)
DERIVED: Mapping[Aspect, frozenset[Aspect]] = MappingProxyType(
    {
        **_OF_BUCKETS,
        Aspect.OUTSIDE_NAMES: frozenset(
            {Aspect.DISTRIBUTIONS, Aspect.DNS_RECORDS, Aspect.MULTI_REGION_ACCESS_POINTS, Aspect.TRAILS}
        ),
    }
)
"""Each derived aspect, and the aspects of the same subject that name what it is about."""

COMPUTED = frozenset({Aspect.REFERRERS, Aspect.CHANGES})
"""Aspects that take no call: they are looked up anew whenever the bucket is looked at."""

TARGET_ASPECTS = frozenset(
    {
        Aspect.ACL,
        Aspect.POLICY,
        Aspect.OWNERSHIP,
        Aspect.ENCRYPTION,
        Aspect.OBJECT_LOCK,
        Aspect.REQUEST_PAYMENT,
        Aspect.LOGGING,
    }
)
"""What of a log target decides whether logs arrive, and where they go from there."""

SHARED = frozenset(DERIVED) - {Aspect.OBJECT_ACL}
"""Aspects of which one reading serves every bucket with the same neighbour: many looks at them cost little."""

_RESTS_ON: Mapping[Aspect, frozenset[Aspect]] = MappingProxyType(
    {**_OF_BUCKETS, Aspect.REFERRERS: frozenset({Aspect.LOGGING})}
)
"""What must be read of the same or of other subjects for an aspect to be worth anything."""


def with_derived(aspects: Iterable[Aspect]) -> frozenset[Aspect]:
    """`aspects`, and all that is derived from one of them."""
    asked = frozenset(aspects)
    return asked | {derived for derived, sources in DERIVED.items() if sources & asked}


def with_sources(aspects: Iterable[Aspect]) -> frozenset[Aspect]:
    """`aspects`, and all that must be read of the same or of other subjects for them."""
    asked = frozenset(aspects)
    rests = (_RESTS_ON.get(aspect, frozenset[Aspect]()) for aspect in asked)
    return asked.union(*rests)
