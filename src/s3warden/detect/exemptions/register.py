"""The exemptions in one place, quick to ask: which are for a rule, when the next one ends, what has changed. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from s3warden.detect.exemptions.decision import Case, Decision, exempted, is_for
from s3warden.detect.exemptions.scope import Place, any_of, may_concern, place_of
from s3warden.detect.exposed import HINTS, NEEDS
from s3warden.detect.rule import Rule, RuleOptions
from s3warden.model.bucket import Aspect, BucketRef, State, Subject
from s3warden.model.exemption import Exemption
from s3warden.model.finding import ChangeKind, Finding, FindingChange, Reason, RuleResult, Verdict

_OPEN = (Verdict.FAIL, Verdict.UNKNOWN)


_RESOLVED = frozenset({Reason.FIXED, Reason.NOT_APPLICABLE, Reason.BUCKET_DELETED})


def spent_by(changes: Iterable[FindingChange]) -> frozenset[tuple[str, str]]:
    """The exemptions that are over for a finding by these changes, as pairs of exemption and fingerprint."""
    return frozenset(
        (change.finding.exempt.id, change.finding.fingerprint)
        for change in changes
        if change.kind is ChangeKind.RESOLVED
        and change.reason in _RESOLVED
        and change.finding.exempt is not None
        and change.finding.exempt.until_resolved
    )


@dataclass(slots=True)
class Register:
    """All exemptions, in the order in which they are asked. `spent` are pairs of exemption and finding that are over.

    `units` are the organisational units above each account, its root included; None while they are not known.
    """

    exemptions: Sequence[Exemption] = ()
    spent: set[tuple[str, str]] = field(default_factory=set)
    units: dict[str, frozenset[str]] | None = None
    _by_rule: dict[str, tuple[Exemption, ...]] = field(default_factory=dict)
    _nameless: tuple[Exemption, ...] = field(init=False)
    _names: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        self._nameless = tuple(e for e in self.exemptions if not e.scope.buckets)
        self._names = any_of(glob for e in self.exemptions for glob in e.scope.buckets)

    @property
    def needs(self) -> frozenset[Aspect]:
        """What must be read so that every scope can be told, and all access held against what was approved."""
        access = NEEDS | HINTS if any(e.approved for e in self.exemptions) else frozenset[Aspect]()
        return access | ({Aspect.TAGGING} if any(e.scope.tags for e in self.exemptions) else frozenset())

    @property
    def asks_for_units(self) -> bool:
        """Whether some scope names units."""
        return any(e.scope.units for e in self.exemptions)

    def of(self, rule: Rule) -> tuple[Exemption, ...]:
        """The exemptions that name this rule."""
        found = self._by_rule.get(rule.info.id)
        if found is None:
            found = self._by_rule[rule.info.id] = tuple(e for e in self.exemptions if is_for(e, rule))
        return found

    def applied(
        self, rules: Mapping[str, Rule], state: State, results: Sequence[RuleResult], options: RuleOptions, at: datetime
    ) -> tuple[RuleResult, ...]:
        """The verdicts on one state, each with the exemption that holds for it, or what lapsed. `rules` are by id."""
        if not self._may_concern(state.ref):
            return tuple(results)
        place = self.place(state)
        return tuple(
            self._applied(rules[each.rule_id], state, each, place, options, at)
            if each.verdict in _OPEN and each.rule_id in rules
            else each
            for each in results
        )

    def place(self, state: State) -> Place:
        """What scopes ask about the subject of a state."""
        return place_of(state, None if self.units is None else self.units.get(state.ref.account))

    def decide(self, case: Case) -> Decision:
        """The one decision, over all exemptions, with a reason for each that does not hold."""
        return exempted(replace(case, spent=self.spent), self.exemptions)

    def next_end(self, after: datetime) -> datetime | None:
        """When the next exemption ends."""
        return min((e.ends_at for e in self.exemptions if e.ends_at is not None and e.ends_at > after), default=None)

    def concerned(self, findings: Iterable[Finding], rules: Sequence[Rule]) -> Iterator[Subject]:
        """The subjects, each once, of which an exemption may say something now, or said something before."""
        by_id = {rule.info.id: self.of(rule) for rule in rules}
        seen: set[str] = set()
        for finding in findings:
            key = finding.subject.key
            if key in seen:
                continue
            may = by_id.get(finding.rule_id, ())
            if finding.exempt is not None or any(may_concern(e.scope, finding.subject) for e in may):
                seen.add(key)
                yield finding.subject

    def spend(self, over: Iterable[tuple[str, str]]) -> None:
        """These exemptions are over for these findings: they were given until the finding is resolved."""
        self.spent.update(over)

    def _may_concern(self, subject: Subject) -> bool:
        """Whether any exemption could be about the subject: most buckets have a name that none means."""
        if self._nameless or not isinstance(subject, BucketRef):
            return bool(self.exemptions)
        return self._names.fullmatch(subject.name) is not None

    def _applied(
        self, rule: Rule, state: State, result: RuleResult, place: Place, options: RuleOptions, at: datetime
    ) -> RuleResult:
        mine = self.of(rule)
        if not mine:
            return result
        decision = exempted(Case(rule, result, state, place, options, at, self.spent), mine)
        if decision.exempt is None and not decision.lapsed:
            return result
        return replace(result, exempt=decision.exempt, lapsed=decision.lapsed)
