"""What a remedy is: which rules it mends, what it reads, what it may break, and a pure function that plans.

A remedy takes a scene, freshly read, and hands on the edits that mend it, or why it makes none. It must never do I/O or
read a clock, never delete data, and never touch more than what breaks the rule.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias

from s3warden.collect.shapes import Answer
from s3warden.detect.rule import DEFAULT_OPTIONS, RuleOptions
from s3warden.model.action import Declined, Risk
from s3warden.model.bucket import Aspect, State
from s3warden.model.finding import Finding

Documents: TypeAlias = Mapping[Aspect, Answer | None]
_NONE: Documents = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Scene:
    """All that a plan may rest on: the finding, the state as just read, and AWS's own answers behind that state.

    `documents` has the answer of each aspect that the remedy reads, None where it is not configured. An aspect that
    could not be read is in the state as unreadable, and has no document.
    """

    finding: Finding
    state: State
    documents: Documents = field(default_factory=lambda: _NONE)
    options: RuleOptions = DEFAULT_OPTIONS


@dataclass(frozen=True, slots=True)
class Edit:
    """One aspect as it should be: the answer that AWS is to give afterwards, None for "not configured".

    `region` where the aspect is one of an account's region.
    """

    aspect: Aspect
    after: Answer | None
    summary: str
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Remedy:
    """One way to mend the findings of `rules`. `reads` are the aspects whose documents the edits are made from.

    `risk_text` says in one sentence what the change may break, `undo_text` what an undo cannot restore, empty where it
    restores everything. `iam_actions` are what the writing role needs, the undo included.
    """

    id: str
    title: str
    rules: frozenset[str]
    reads: frozenset[Aspect]
    risk: Risk
    risk_text: str
    iam_actions: tuple[str, ...]
    plan: Callable[[Scene], tuple[Edit, ...] | Declined]
    undo_text: str = ""
