"""The one decision whether a finding is exempt: for the daemon, a scan, the command line and the guard of fixes.

Takes a verdict with the state it was made of, the exemptions, and the moment; hands on the exemption that holds, and
for each other why it does not. Pure. An exemption that has ended, that was written for less than there is now, or whose
tags or units could not be read, never holds.
"""

from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

from s3warden.detect.exemptions.binding import beyond, is_bound
from s3warden.detect.exemptions.scope import Place, mismatch
from s3warden.detect.rule import Rule, RuleOptions
from s3warden.detect.selection import names
from s3warden.model.bucket import State
from s3warden.model.exemption import Exempt, Exemption
from s3warden.model.finding import RuleResult, Verdict, fingerprint


class Why(StrEnum):
    """Why an exemption does not hold for a finding: stable codes."""

    RULE = "other_rule"
    SCOPE = "other_scope"
    EXPIRED = "expired"
    RESOLVED = "was_resolved"
    WIDENED = "widened"
    UNDECIDED = "undecided"
    UNREADABLE = "unreadable"
    NOT_FAILING = "not_failing"


@dataclass(frozen=True, slots=True)
class Miss:
    """An exemption that does not hold, with the reason as a code and in words."""

    exemption: Exemption
    why: Why
    text: str

    @property
    def lapsed(self) -> bool:
        """Whether it was written for this finding and holds no more: the one that is told of it must know."""
        return self.why not in (Why.RULE, Why.SCOPE, Why.NOT_FAILING)

    def __str__(self) -> str:
        return f"exemption {self.exemption.id} ({self.exemption.place}) does not hold: {self.text}"


@dataclass(frozen=True, slots=True)
class Decision:
    """`by` is the exemption that holds, the first of several; `misses` are the others that were looked at before."""

    by: Exemption | None = None
    misses: tuple[Miss, ...] = ()

    @property
    def exempt(self) -> Exempt | None:
        """What the finding carries of it."""
        return carried(self.by) if self.by is not None else None

    @property
    def doubt(self) -> Exemption | None:
        """An exemption of which it cannot be told whether it holds, where none does."""
        doubtful = (miss.exemption for miss in self.misses if miss.why in (Why.UNDECIDED, Why.UNREADABLE))
        return next(doubtful, None) if self.by is None else None

    @property
    def lapsed(self) -> tuple[str, ...]:
        """What is to be told of exemptions that were written for this finding and do not hold."""
        return tuple(str(miss) for miss in self.misses if miss.lapsed) if self.by is None else ()


@dataclass(frozen=True, slots=True)
class Case:
    """A verdict with all that a decision about it needs. `spent` are pairs of exemption and finding, as in `spent`."""

    rule: Rule
    result: RuleResult
    state: State
    place: Place
    options: RuleOptions
    at: datetime
    spent: Container[tuple[str, str]] = field(default=frozenset())


def exempted(case: Case, exemptions: Iterable[Exemption]) -> Decision:
    """Whether the finding is exempt, and by which of `exemptions`.

    Of a verdict that is UNKNOWN the decision says whether an exemption that held before still may: what cannot be read
    cannot be compared, so nothing becomes exempt by it.
    """
    misses: list[Miss] = []
    for exemption in exemptions:
        miss = _miss(case, exemption)
        if miss is None:
            return Decision(exemption, tuple(misses))
        misses.append(miss)
    return Decision(None, tuple(misses))


@lru_cache(maxsize=4096)
def carried(exemption: Exemption) -> Exempt:
    """What findings carry of an exemption; one object for all of them."""
    e = exemption
    return Exempt(e.id, e.owner, e.reason, e.ticket, e.ends_at, e.until_resolved)


def is_for(exemption: Exemption, rule: Rule) -> bool:
    """Whether the exemption names this rule."""
    return any(names(pattern, rule) for pattern in exemption.rules)


def _miss(case: Case, exemption: Exemption) -> Miss | None:
    if not is_for(exemption, case.rule):
        return Miss(exemption, Why.RULE, f"it does not name the rule {case.rule.info.id}")
    if case.result.verdict not in (Verdict.FAIL, Verdict.UNKNOWN):
        return Miss(exemption, Why.NOT_FAILING, "there is no finding to exempt")
    elsewhere = mismatch(exemption.scope, case.place)
    if elsewhere is not None:
        return Miss(exemption, Why.UNREADABLE if elsewhere.unread else Why.SCOPE, elsewhere.text)
    if exemption.ends_at is not None and case.at >= exemption.ends_at:
        return Miss(exemption, Why.EXPIRED, f"it ended at {exemption.ends_at:%Y-%m-%d %H:%M %Z}")
    if exemption.until_resolved and _was_resolved(case, exemption):
        return Miss(exemption, Why.RESOLVED, "it was given until the finding is resolved, and it was")
    return _unbound(case, exemption)


def _was_resolved(case: Case, exemption: Exemption) -> bool:
    return (exemption.id, fingerprint(case.rule.info.id, case.place.subject)) in case.spent


def _unbound(case: Case, exemption: Exemption) -> Miss | None:
    if case.result.verdict is not Verdict.FAIL or not is_bound(case.rule.info):
        return None
    if exemption.approved is None:
        return Miss(exemption, Why.WIDENED, "it does not say what was approved, which this rule asks for")
    more = beyond(exemption.approved, case.rule, case.state, case.options, case.result)
    if more is None:
        return None
    if more.undecided:
        return Miss(exemption, Why.UNDECIDED, f"it cannot be told whether this was approved: {more.text}")
    return Miss(exemption, Why.WIDENED, f"more is open than was approved: {more.text}")
