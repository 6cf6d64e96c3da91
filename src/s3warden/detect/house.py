"""From what the rules say to what counts in this house: severities in their context, then what is exempt.

The daemon, a scan and the command line use this one function. Pure: the moment is given.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from s3warden.detect.context import NEUTRAL, Context, in_context
from s3warden.detect.evaluate import evaluate
from s3warden.detect.exemptions.decision import Case
from s3warden.detect.exemptions.register import Register
from s3warden.detect.rule import Rule, RuleOptions
from s3warden.model.bucket import Aspect, State
from s3warden.model.finding import RuleResult


@dataclass(slots=True)
class House:
    """What the house adds to the rules: how severities are weighed, and which risks are accepted.

    `names_units`: the settings name organisational units elsewhere, too.
    """

    context: Context = NEUTRAL
    register: Register = field(default_factory=Register)
    names_units: bool = False
    _rules: Sequence[Rule] = ()
    _by_id: Mapping[str, Rule] = field(default_factory=dict)

    @property
    def needs(self) -> frozenset[Aspect]:
        """What must be read of buckets beyond what the rules need."""
        return self.context.needs | self.register.needs

    @property
    def asks_for_units(self) -> bool:
        """Whether the organisational units of the accounts must be known."""
        return self.names_units or self.context.asks_for_units or self.register.asks_for_units

    def known(self, rules: Sequence[Rule]) -> Mapping[str, Rule]:
        """The rules by id, worked out once for one choice of rules."""
        if self._rules is not rules:
            self._rules, self._by_id = rules, {rule.info.id: rule for rule in rules}
        return self._by_id

    def units_of(self, account: str) -> frozenset[str] | None:
        """The units above an account, its root included; None while they are not known."""
        return None if self.register.units is None else self.register.units.get(account)


def exempt_now(
    rule_id: str, rules: Sequence[Rule], state: State, options: RuleOptions, house: House, at: datetime
) -> str | None:
    """The id of the exemption that holds for the finding of a rule on this very state; None if none does.

    The same decision as everywhere, on what was just read, for whoever is about to change something: where it cannot be
    told whether one holds, that one is named, too.
    """
    rule, register = house.known(rules).get(rule_id), house.register
    if rule is None:
        return None
    (result,) = evaluate((rule,), state, options=options) or (None,)
    if result is None:
        return None
    decision = register.decide(Case(rule, result, state, register.place(state), options, at))
    found = decision.by or decision.doubt
    return found.id if found is not None else None


def in_house(
    results: Sequence[RuleResult],
    rules: Sequence[Rule],
    state: State,
    options: RuleOptions,
    house: House,
    at: datetime,
) -> tuple[RuleResult, ...]:
    """The verdicts of `rules` on a state, with severity in context and the exemption that holds at `at`."""
    known = house.known(rules)
    weighed = in_context(results, state, known, house.context, house.units_of(state.ref.account))
    return house.register.applied(known, state, weighed, options, at)
