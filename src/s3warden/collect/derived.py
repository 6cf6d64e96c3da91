"""Aspects that are read in a second step, since what they are about is named by another aspect of the same bucket.

A default key is looked up once the encryption setting names it, a log target once the logging setting does. Where the
setting changes, or is read again, what hangs on it is read again too.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from s3warden.model.bucket import Aspect

DERIVED: Mapping[Aspect, Aspect] = MappingProxyType({})
"""Each derived aspect, and the aspect that names what it is about."""


def with_derived(aspects: Iterable[Aspect]) -> frozenset[Aspect]:
    """`aspects`, and all that is derived from one of them."""
    asked = frozenset(aspects)
    return asked | {derived for derived, source in DERIVED.items() if source in asked}
