"""Who else is to be judged after a look, since a bucket points at it or is pointed at by it.

Takes what each look found, hands on requests: for a bucket that something new points at, for those who rely on a bucket
that changed or is gone. Reads nothing; what it asks for costs no call where one reading serves all.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from s3warden.collect.cache import Cache
from s3warden.collect.references import Name
from s3warden.model.bucket import Aspect, BucketRef, BucketState, Subject
from s3warden.model.event import Origin, RefreshRequest, Trigger

_NONE: frozenset[Aspect] = frozenset()
RELIES: Mapping[Aspect, frozenset[Aspect]] = MappingProxyType({})
"""Aspects that describe another bucket, and the aspects of that bucket that they are made of."""


class Ripples:
    """What looks so far ask of other subjects; emptied by whoever takes it. `needed` are the aspects that are read."""

    def __init__(self, cache: Cache, needed: frozenset[Aspect]) -> None:
        self._cache = cache
        self._relies = {aspect: made_of for aspect, made_of in RELIES.items() if aspect in needed}
        self._pointed = Aspect.REFERRERS in needed
        self._changed: dict[Name, frozenset[Aspect]] = {}

    def note(self, request: RefreshRequest, before: BucketState | None, after: BucketState) -> None:
        """A look at a bucket, by `request`, has ended, and the cache has its result."""
        told = request.aspects if request.origin is Origin.EVENT else _NONE
        changed = frozenset(
            aspect for aspect, made_of in self._relies.items() if made_of & (told | _differing(before, after))
        )
        if changed:
            name = (after.ref.partition, after.ref.name)
            self._changed[name] = self._changed.get(name, _NONE) | changed

    def take(self, triggers: tuple[Trigger, ...] = (), origin: Origin = Origin.ACCOUNT) -> tuple[RefreshRequest, ...]:
        """A request for each subject concerned."""
        found: dict[str, RefreshRequest] = {}
        for subject, aspects in self._concerned():
            request = RefreshRequest(subject, aspects, origin, triggers, urgent=True)
            known = found.get(subject.key)
            found[subject.key] = request if known is None else known.merge(request)
        return tuple(found.values())

    def _concerned(self) -> Iterator[tuple[Subject, frozenset[Aspect]]]:
        for partition, name in sorted(self._cache.touched()):
            target = self._cache.find(partition, name) if self._pointed else None
            if target is not None:
                yield target, _NONE
        changed, self._changed = self._changed, {}
        for (partition, name), aspects in changed.items():
            for subject in self._cache.referrers(partition, name):
                if isinstance(subject, BucketRef):
                    yield subject, aspects


def _differing(before: BucketState | None, after: BucketState) -> frozenset[Aspect]:
    """The aspects that are no longer as they were; all of them for a bucket that is gone or was not known."""
    if before is None or not after.exists:
        return frozenset(Aspect)
    return frozenset(aspect for aspect in Aspect if before.reading(aspect) != after.reading(aspect))
