"""One row of the table of writes on services: how a setting is read, written, taken back, and compared. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from s3warden.collect.aspects import AspectRead
from s3warden.collect.shapes import Answer
from s3warden.correct.remedy import Edit
from s3warden.model.action import Call, Chosen, Step, canonical
from s3warden.model.bucket import Present, Reading, Regional

T = TypeVar("T")
Asked: TypeAlias = tuple[str, Mapping[str, object]]
"""An operation and its parameters."""
Asking: TypeAlias = tuple[Asked, Asked, Asked]
"""What reads a setting, what writes it, and what takes that back."""


def _anywhere(_place: str) -> bool:
    return True


def _nothing(_place: str) -> Chosen | None:
    return None


@dataclass(frozen=True, slots=True)
class ServiceWriting:
    """One row. `calls` gives the reading, the writing and the undoing call, each an operation and its parameters.

    `view` cuts an answer down to what is the setting; `left` is the reading of the whole aspect after the edit. `takes`
    says which places the row is for, where an aspect has several. `removal` gives the calls of an edit that takes the
    setting away; without it no fix does. `chosen` is what AWS alone knows, of the reading and the undoing call. `slow`:
    AWS takes a write as an order, and the view has what was ordered until it is so.
    """

    service: str
    source: AspectRead[object]
    view: Callable[[Answer], Answer | None]
    calls: Callable[[str, Answer | None, Answer], Asking]
    left: Callable[[Reading[object], Edit], Reading[object]]
    iam_actions: tuple[str, ...]
    takes: Callable[[str], bool] = _anywhere
    removal: Callable[[str, Answer], Asking] | None = None
    chosen: Callable[[str], Chosen | None] = _nothing
    slow: bool = False

    def step(self, edit: Edit, before: Answer | None) -> Step:
        """The write that makes of `before` what the edit wants. Raises ValueError where no fix does that."""
        if edit.place is None:
            raise ValueError("what is beside the bucket has a place of its own")
        read, call, inverse = self._asking(edit.place, before, edit.after)
        known, chosen = None if before is None else self.seen(before), self.chosen(edit.place)
        return Step(
            attribute=f"{edit.aspect}:{edit.place}",
            summary=edit.summary,
            read=self._call(edit.place, read, chosen),
            call=self._call(edit.place, call),
            inverse=self._call(edit.place, inverse, chosen),
            before=known,
            after=None if edit.after is None else self.seen(edit.after),
            undone=known,
            slow=self.slow,
        )

    def _asking(self, place: str, before: Answer | None, after: Answer | None) -> Asking:
        if after is not None:
            return self.calls(place, before, after)
        if self.removal is None or before is None:
            raise ValueError("no fix takes this setting away")
        return self.removal(place, before)

    def seen(self, answer: Answer) -> str | None:
        """The setting as text that is equal for equal settings."""
        found = self.view(answer)
        return None if found is None else canonical(found)

    def _call(self, place: str, asked: Asked, chosen: Chosen | None = None) -> Call:
        operation, parameters = asked
        return Call(self.service, operation, canonical(dict(parameters)), region_of(place), chosen)


@dataclass(frozen=True, slots=True)
class Whole:
    """The calls on a setting that is put whole. `where` names what it is a setting of, `body` the other parameters.

    `delete` takes it away; without it that can neither be done nor be what an undo does.
    """

    read: str
    where: Callable[[str], Mapping[str, object]]
    put: str
    body: Callable[[Answer], Mapping[str, object]]
    delete: str | None = None

    def calls(self, place: str, before: Answer | None, after: Answer) -> Asking:
        """Of an edit that puts it."""
        return (self.read, self.where(place)), self._written(place, after), self._written(place, before)

    def removal(self, place: str, before: Answer) -> Asking:
        """Of an edit that takes it away."""
        return (self.read, self.where(place)), self._written(place, None), self._written(place, before)

    def _written(self, place: str, answer: Answer | None) -> Asked:
        if answer is not None:
            return self.put, {**self.where(place), **self.body(answer)}
        if self.delete is None:
            raise ValueError(f"{self.put}: there is no way to take this setting away")
        return self.delete, self.where(place)


def in_regions(reading: Reading[object], kind: type[T], change: Callable[[T], T]) -> Reading[object]:
    """The regional reading with what is of the kind changed, region after region."""
    if not isinstance(reading, Present) or not isinstance(reading.value, Regional):
        return reading
    return Present(
        Regional(
            tuple(
                (where, Present(change(old.value)))
                if isinstance(old, Present) and isinstance(old.value, kind)
                else (where, old)
                for where, old in reading.value
            )
        )
    )


def region_of(place: str) -> str:
    """The region of a place, which is one, begins with one, or has one in its ARN."""
    return place.split(":")[3] if place.startswith("arn:") else place.partition(":")[0]
