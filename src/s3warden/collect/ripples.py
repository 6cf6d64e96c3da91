"""Who else is to be judged after a look, since a bucket points at it or is pointed at by it.

Takes what each look found, hands on requests: for a bucket that something new points at, for those who rely on a bucket
that changed or is gone. Reads nothing; what it asks for costs next to no call, since one reading serves all.
"""

from collections.abc import Iterator

from s3warden.collect.cache import Cache
from s3warden.collect.derived import TARGET_ASPECTS
from s3warden.collect.neighbours import Neighbours
from s3warden.collect.references import Name
from s3warden.model.bucket import Aspect, BucketRef, BucketState, Present, Subject
from s3warden.model.event import Origin, RefreshRequest, Trigger
from s3warden.model.references import Destinations, References

_NONE: frozenset[Aspect] = frozenset()
_BY_NAME = frozenset(
    {
        Aspect.LOG_TARGET,
        Aspect.REPLICATION_DESTINATIONS,
        Aspect.INVENTORY_DESTINATIONS,
        Aspect.ANALYTICS_DESTINATIONS,
        Aspect.OUTSIDE_NAMES,
    }
)
"""What there is to read again about a name that was taken or released."""


class Ripples:
    """What looks so far ask of other subjects; emptied by whoever takes it. `needed` are the aspects that are read."""

    def __init__(self, cache: Cache, neighbours: Neighbours, needed: frozenset[Aspect]) -> None:
        self._cache = cache
        self._neighbours = neighbours
        self._needed = needed
        self._changed: dict[Name, frozenset[Aspect]] = {}

    def note(self, request: RefreshRequest, before: BucketState | None, after: BucketState) -> None:
        """A look at a bucket, by `request`, has ended, and the cache has its result."""
        ref = after.ref
        if after.exists:
            self._neighbours.owners.found(ref)
        else:
            self._neighbours.owners.gone(ref)
        changed = self._needed & _changed(request, before, after)
        if changed:
            self._neighbours.forget(ref)
            name = (ref.partition, ref.name)
            self._changed[name] = self._changed.get(name, _NONE) | changed

    def take(self, triggers: tuple[Trigger, ...] = (), origin: Origin = Origin.ACCOUNT) -> tuple[RefreshRequest, ...]:
        """A request for each subject concerned."""
        found: dict[str, RefreshRequest] = {}
        for subject, aspects in self._concerned():
            request = RefreshRequest(subject, aspects, origin, triggers, urgent=True)
            known = found.get(subject.key)
            found[subject.key] = request if known is None else known.merge(request)
        return tuple(found.values())

    def incomplete(self) -> tuple[RefreshRequest, ...]:
        """A request for each subject whose readings say that more may point at it, or be pointed at."""
        found: list[tuple[Subject, frozenset[Aspect]]] = []
        for account in self._cache.accounts():
            state = self._cache.account(account)
            outside = None if state is None else state.readings.get(Aspect.OUTSIDE_NAMES)
            if isinstance(outside, Present) and isinstance(outside.value, Destinations) and outside.value.gaps:
                found.append((account, frozenset({Aspect.OUTSIDE_NAMES})))
            for ref, value in self._cache.configured(account, Aspect.REFERRERS):
                if isinstance(value, References) and value.gaps:
                    found.append((ref, _NONE))
        return tuple(RefreshRequest(subject, aspects, Origin.SWEEP) for subject, aspects in found)

    def _concerned(self) -> Iterator[tuple[Subject, frozenset[Aspect]]]:
        for name in sorted(self._cache.touched()):
            yield from self._touched(name)
        changed, self._changed = self._changed, {}
        for name, aspects in changed.items():
            for subject in sorted(self._cache.referrers(*name), key=lambda each: each.key):
                yield from self._relying(subject, aspects)

    def _touched(self, name: Name) -> Iterator[tuple[Subject, frozenset[Aspect]]]:
        target = self._cache.find(*name)
        if target is not None and Aspect.REFERRERS in self._needed:
            yield target, _NONE
        if Aspect.OUTSIDE_NAMES in self._needed and self._neighbours.owners.of(*name) is None:
            for subject in self._cache.referrers(*name):
                if isinstance(subject, BucketRef):
                    yield subject.owner, frozenset({Aspect.OUTSIDE_NAMES})

    def _relying(self, subject: Subject, aspects: frozenset[Aspect]) -> Iterator[tuple[Subject, frozenset[Aspect]]]:
        own = aspects - {Aspect.OUTSIDE_NAMES}
        if isinstance(subject, BucketRef) and own:
            yield subject, own
        if Aspect.OUTSIDE_NAMES in aspects:
            yield subject.owner, frozenset({Aspect.OUTSIDE_NAMES})


def _changed(request: RefreshRequest, before: BucketState | None, after: BucketState) -> frozenset[Aspect]:
    """Which aspects of those who rely on the bucket may be others than before the look."""
    if not after.exists:
        return _BY_NAME
    if before is None:
        # A sweep knows the names it found before it looks at any bucket.
        return _NONE if request.origin is Origin.SWEEP else _BY_NAME
    told = request.aspects if request.origin is Origin.EVENT else _NONE
    differs = any(before.readings.get(aspect) != after.readings.get(aspect) for aspect in TARGET_ASPECTS)
    return frozenset({Aspect.LOG_TARGET}) if differs or told & TARGET_ASPECTS else _NONE
