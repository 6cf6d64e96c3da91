"""Readings as one tuple beside a table of positions that all buckets share: a third of what a dict takes."""

from collections.abc import Iterator, Mapping
from typing import Any

from s3warden.model.bucket import Aspect, Reading


class Readings(Mapping[Aspect, Reading[object]]):
    """A mapping from aspects to readings. `cells` are the readings, `positions` says where each aspect stands."""

    __slots__ = ("cells", "positions")

    def __init__(self, positions: Mapping[Aspect, int], cells: tuple[Reading[object], ...]) -> None:
        self.positions = positions
        self.cells = cells

    def __getitem__(self, aspect: Aspect) -> Reading[object]:
        return self.cells[self.positions[aspect]]

    def get(self, aspect: Aspect, default: Any = None) -> Any:
        """As for every mapping, without the detour over an exception: each rule asks for its readings."""
        at = self.positions.get(aspect)
        return default if at is None else self.cells[at]

    def __iter__(self) -> Iterator[Aspect]:
        return iter(self.positions)

    def __len__(self) -> int:
        return len(self.cells)

    def __repr__(self) -> str:
        return f"Readings({dict(self)!r})"
