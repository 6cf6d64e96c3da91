"""The reverse index: who points at a bucket's name.

Takes what each subject's readings were and are as the cache takes them in; hands on, for a name, those who refer to it,
and which names have other referrers than before. It holds one entry for each reference there is: what leaves the cache
leaves it too. It calls nobody.
"""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from s3warden.collect.pointers import pointed, unchanged
from s3warden.model.bucket import AccountRef, Aspect, Reading, Subject

Name: TypeAlias = tuple[str, str]
"""A partition and the name of a bucket in it."""


class ReferenceIndex:
    """Subjects by the names they refer to. What they refer to exactly is in their readings."""

    def __init__(self) -> None:
        self._to: dict[Name, set[Subject]] = {}
        self._touched: set[Name] = set()

    def change(
        self, subject: Subject, before: Mapping[Aspect, Reading[object]], after: Mapping[Aspect, Reading[object]]
    ) -> None:
        """The subject's readings were `before` and are `after`; empty ones for a subject that is new, or gone."""
        if unchanged(before, after):
            return
        old, new = frozenset(pointed(subject, before)), frozenset(pointed(subject, after))
        if old == new:
            return
        partition = subject.partition
        self._touched |= {(partition, reference.target) for reference in old ^ new}
        kept = {reference.target for reference in new}
        for name in kept - {reference.target for reference in old}:
            self._to.setdefault((partition, name), set()).add(subject)
        for name in {reference.target for reference in old} - kept:
            self._drop((partition, name), subject)

    def to(self, name: Name) -> frozenset[Subject]:
        """Who refers to the name."""
        return frozenset(self._to.get(name, ()))

    def held_by(self, account: AccountRef) -> Iterator[str]:
        """The names that the account or one of its buckets refers to."""
        for (partition, name), subjects in list(self._to.items()):
            if partition == account.partition and any(subject.owner == account for subject in subjects):
                yield name

    def drain(self) -> frozenset[Name]:
        """The names whose referrers have changed since they were last asked for."""
        touched, self._touched = frozenset(self._touched), set()
        return touched

    def _drop(self, name: Name, subject: Subject) -> None:
        subjects = self._to.get(name, set())
        subjects.discard(subject)
        if not subjects:
            self._to.pop(name, None)
