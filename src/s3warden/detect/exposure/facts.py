"""What the questions are about: the facts beside the documents, and what the documents say about each condition key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from s3warden.detect.exposure.callers import Caller
from s3warden.detect.exposure.normal import Condition
from s3warden.detect.exposure.templates import WILD
from s3warden.detect.exposure.values import Span


@dataclass(frozen=True, slots=True)
class Mention:
    """All conditions on one key, whichever document they stand in."""

    conditions: tuple[Condition, ...]
    literals: frozenset[str]
    folded: frozenset[str]
    wild: bool

    @property
    def spans(self) -> tuple[Span, ...]:
        """The ranges and numbers that the key is compared with."""
        return tuple(span for condition in self.conditions for span in condition.spans)


def mention_of(conditions: Sequence[Condition]) -> Mention:
    """What the conditions on one key compare it with."""
    literals: set[str] = set()
    lowered: set[str] = set()
    wild = False
    for condition in conditions:
        base = condition.operator.base
        for value in condition.values:
            if "${" in value or (base in WILD and ("*" in value or "?" in value)):
                wild = True
            elif base == "StringEqualsIgnoreCase":
                lowered.add(value.casefold())
                wild = True
            else:
                literals.add(value)
    return Mention(tuple(conditions), frozenset(literals), frozenset(lowered), wild)


NOT_MENTIONED = Mention((), frozenset(), frozenset(), wild=False)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known beside the documents. `named` are the accounts that some document names, the owner included."""

    owner: str
    partition: str
    organisation: str | None
    now: float | None
    named: frozenset[str]
    stranger: str
    mentions: Mapping[str, Mention] = field(default_factory=lambda: MappingProxyType({}))
    point: "Point | None" = None

    def mention(self, key: str) -> Mention:
        """What the documents say about `key`."""
        return self.mentions.get(key, NOT_MENTIONED)


@dataclass(frozen=True, slots=True)
class Point:
    """The access point through which a request comes."""

    arn: str
    account: str
    origin: str


@dataclass(frozen=True, slots=True)
class Ask:
    """One question to the table of keys: what can `key` be in a request of `caller`?"""

    key: str
    caller: Caller
    facts: Facts

    @property
    def mention(self) -> Mention:
        """What the documents say about the key."""
        return self.facts.mention(self.key)
