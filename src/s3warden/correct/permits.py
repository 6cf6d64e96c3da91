"""What the operator allows: which rule may be mended where, and how far. Data, and the choice of the row that counts.

The rows are read in order and the first one that names both the rule and the place decides, as in a firewall; without
any, nothing is done.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from s3warden.model.action import Mode
from s3warden.model.bucket import BucketRef, Subject
from s3warden.model.configuration import Tags


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row holds. Each field that is not empty has to agree; within a field one entry is enough.

    `units` are ids of organisational units or roots above the account. `buckets` are name globs, `tags` pairs of a key
    and a glob for its value. A subject that is an account is in no place that names buckets or tags.
    """

    accounts: frozenset[str] = frozenset()
    units: frozenset[str] = frozenset()
    buckets: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()

    def holds(self, subject: Subject, units: Sequence[str], tags: Tags) -> bool:
        """Whether `subject`, with the units above its account and its tags, is in this place."""
        name = subject.name if isinstance(subject, BucketRef) else None
        return (
            (not self.accounts or subject.account in self.accounts)
            and (not self.units or not self.units.isdisjoint(units))
            and (not self.buckets or (name is not None and any(fnmatchcase(name, glob) for glob in self.buckets)))
            and (not self.tags or (name is not None and any(_tagged(tags, key, glob) for key, glob in self.tags)))
        )


def _tagged(tags: Tags, key: str, glob: str) -> bool:
    value = tags.get(key)
    return value is not None and fnmatchcase(value, glob)


@dataclass(frozen=True, slots=True)
class Permit:
    """One row: the rules, the place, the mode. `name` is where it stands in the settings, for people.

    `keep_for` in seconds makes a fix a time-boxed one: it is taken back then unless somebody decides to keep it.
    """

    name: str
    rules: frozenset[str]
    mode: Mode
    place: Place = Place()
    keep_for: float | None = None


def permit_for(
    permits: Sequence[Permit], rule_id: str, subject: Subject, units: Sequence[str] = (), tags: Tags | None = None
) -> Permit | None:
    """The first row that names the rule and the place; None where there is none."""
    known = tags or Tags(())
    return next((row for row in permits if rule_id in row.rules and row.place.holds(subject, units, known)), None)


def may_be_mended(permits: Sequence[Permit], rule_id: str) -> bool:
    """Whether any row lets the rule go further than "off", anywhere."""
    return any(rule_id in row.rules and row.mode is not Mode.OFF for row in permits)


def may_be_written(permits: Sequence[Permit], rule_id: str) -> bool:
    """Whether any row lets a fix of the rule be written, asked for or not, anywhere."""
    return any(rule_id in row.rules and row.mode not in {Mode.OFF, Mode.PLAN} for row in permits)
