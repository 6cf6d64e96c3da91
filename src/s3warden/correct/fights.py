"""Whether somebody keeps undoing what s3warden does: then a person has to decide, and no third rewrite helps.

Takes past fixes and who opened the setting again, hands on a `Fight`. Pure.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from s3warden.correct.writers import Writer


@dataclass(frozen=True, slots=True)
class PastFix:
    """A fix that was made: when, of which subject and attributes, and its name in the journal. `opened_by` made it
    necessary, as far as anybody told."""

    id: str
    at: datetime
    subject: str
    attributes: frozenset[str]
    opened_by: Writer | None = None


@dataclass(frozen=True, slots=True)
class Fight:
    """The same setting was mended `len(fixes)` times within a day and is open again. `other` is who opens it."""

    subject: str
    attributes: tuple[str, ...]
    fixes: tuple[str, ...]
    other: Writer | None

    def __str__(self) -> str:
        who = str(self.other) if self.other else "somebody whom no event named"
        return (
            f"s3warden closed {', '.join(self.attributes)} of {self.subject} {len(self.fixes)} times within a day "
            f"({', '.join(self.fixes)}) and {who} opened it again"
        )


def fight(
    subject: str,
    attributes: Iterable[str],
    past: Sequence[PastFix],
    opened_by: Writer | None,
    *,
    at: datetime,
    times: int = 2,
    within: timedelta = timedelta(days=1),
) -> Fight | None:
    """The fight over `attributes` of `subject`, if the wish to mend them at `at` comes after `times` such fixes."""
    wanted = frozenset(attributes)
    fixes = [fix for fix in past if fix.subject == subject and fix.attributes & wanted and at - fix.at < within]
    if len(fixes) < times:
        return None
    shared = wanted.intersection(*(fix.attributes for fix in fixes)) or wanted
    other = opened_by or next((fix.opened_by for fix in reversed(fixes) if fix.opened_by is not None), None)
    return Fight(subject, tuple(sorted(shared)), tuple(fix.id for fix in fixes), other)
