"""One kind of caller before the documents: what each statement and condition comes to for it.

Takes rules, a caller and the facts, hands on terms: conjunctions of literals over the keys the caller chooses. What is
undecided in a rule stays with its term.
"""

from dataclasses import dataclass, field

from s3warden.detect.exposure.budget import Budget
from s3warden.detect.exposure.callers import Caller
from s3warden.detect.exposure.compiled import Rule
from s3warden.detect.exposure.domains import Choice, Domain, Text, TextLit, Values, mask_of
from s3warden.detect.exposure.facts import Ask, Facts
from s3warden.detect.exposure.glob import ANY, EVERYTHING, NO_COLON, STAR, Pattern, glob, tokenised
from s3warden.detect.exposure.normal import Condition
from s3warden.detect.exposure.reach import domain
from s3warden.detect.exposure.templates import Unresolved, Variable, pattern
from s3warden.detect.exposure.texts import MANY, UNKNOWN_ORGANISATION

Lit = tuple[str, int | TextLit]
"""A variable and the set of its values for which the literal holds: a mask or a constraint."""

KEY = "object key"
_OBJECT_KEY = Text(KEY, "any-object", optional=False, shape=glob("?*"))


@dataclass(frozen=True, slots=True)
class Term:
    """A statement as one kind of caller sees it: all of `lits`, and perhaps something undecided besides."""

    rule: Rule
    lits: tuple[Lit, ...]
    undecided: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Assignment:
    """A request that the search found in `scene`. `values` holds the keys in question; None is absence."""

    scene: "Scene"
    allows: tuple[Rule, ...]
    values: dict[str, Values]
    object_key: str | None


@dataclass(eq=False, slots=True)
class Scene:
    """One caller, in one reading of what is undecided. `pinned` fixes keys that variables refer to."""

    caller: Caller
    facts: Facts
    budget: Budget
    generous: bool
    pinned: frozenset[str] = frozenset()
    _domains: dict[str, Domain | None] = field(default_factory=dict)
    _variables: dict[str, Domain] = field(default_factory=lambda: {KEY: _OBJECT_KEY})
    _terms: dict[tuple[Rule, bool], Term | None] = field(default_factory=dict)
    _solved: dict[tuple[str, tuple[TextLit, ...]], tuple[Values] | None] = field(default_factory=dict)

    def domain(self, key: str) -> Domain | None:
        """What `key` can be, one object for each variable."""
        if key not in self._domains:
            found = domain(Ask(key, self.caller, self.facts))
            if found is not None:
                if key in self.pinned:
                    found = _pin(found, key)
                found = self._variables.setdefault(found.name, found)
            self._domains[key] = found
        return self._domains[key]

    def variable(self, name: str) -> Domain:
        """The domain of a variable that some literal mentions."""
        return self._variables[name]

    def term(self, rule: Rule, *, on_object: bool) -> Term | None:
        """The statement as this caller sees it, or None where it cannot apply."""
        at = (rule, on_object)
        if at not in self._terms:
            self._terms[at] = self._compile(rule, on_object)
        return self._terms[at]

    def _compile(self, rule: Rule, on_object: bool) -> Term | None:
        self.budget.spend(rule.weight)
        matched = rule.principals.match(self.caller)
        if matched is False:
            return None
        undecided = list(rule.unknown)
        if matched is None:
            undecided.append("its principal is not one that S3 accepts")
        lits: list[Lit] = []
        for found in (self._resource(rule, on_object), *(self._atom(c, rule.variables) for c in rule.conditions)):
            if found is False:
                return None
            if isinstance(found, str):
                undecided.append(found)
            elif found is not True:
                lits.append(found)
        return Term(rule, tuple(lits), tuple(undecided))

    def _resource(self, rule: Rule, on_object: bool) -> Lit | bool | str:
        try:
            patterns = rule.patterns(on_object, self._resolve if rule.variables else None)
        except Unresolved:
            return "its resource has a variable that the caller chooses"
        if patterns is None:
            return True
        if not on_object:
            return bool(patterns) != rule.not_resource
        if any(found.universal for found in patterns):
            return not rule.not_resource
        if not patterns:
            return rule.not_resource
        return KEY, TextLit(False, patterns, not rule.not_resource)

    def _resolve(self, variable: Variable) -> str | None:
        """The text of a policy variable; None if the request lacks it. Raises Unresolved where the caller chooses."""
        key = variable.key
        if key in _OWNERS_ORGANISATION:
            return self.facts.organisation or UNKNOWN_ORGANISATION
        found = self.domain(key)
        if isinstance(found, Choice) and len(set(found.views[key])) == 1:
            value = found.views[key][0]
            return variable.default if value is None else value
        raise Unresolved

    def _atom(self, condition: Condition, variables: bool) -> Lit | bool | str:
        """A condition as a literal, or its truth where that is settled, or why it is undecided."""
        key = condition.key
        found = self.domain(key)
        if found is None:
            return f"the condition key {key} is not known"
        if isinstance(found, Choice) and condition.operator.base != "Null" and set(found.views[key]) == {None}:
            return condition.operator.when_absent
        try:
            patterns = self._patterns(condition, variables)
        except Unresolved:
            return f"a value of {condition.show()} depends on the caller"
        if isinstance(found, Choice):
            return self._choose(found, condition, patterns)
        if condition.operator.base not in _TEXTUAL:
            return f"{condition.show()} compares a text with something else"
        operator = condition.operator
        if operator.base == "Null":
            return self._null(found, condition)
        if found.name != key:
            patterns = tuple(_in_arn(inner) for inner in patterns)
        some = None if key not in MANY or not operator.quantifier else operator.quantifier == "any"
        return found.name, TextLit(operator.when_absent, patterns, not operator.negated, some)

    def _choose(self, found: Choice, condition: Condition, patterns: tuple[Pattern, ...]) -> Lit | bool | str:
        if found.is_open and any(inner.literal is None and not inner.universal for inner in patterns):
            return f"{condition.show()} compares text with a number or an address"
        mask = mask_of(found.views[condition.key], condition, patterns)
        if mask is None:
            return f"{condition.show()} compares values of different kinds"
        if mask in (0, found.full):
            return mask != 0
        return found.name, mask

    def _null(self, found: Text, condition: Condition) -> Lit | bool:
        absent, present = "true" in condition.values, "false" in condition.values
        if absent and present:
            return True
        return found.name, TextLit(absent, (EVERYTHING,), present)

    def _patterns(self, condition: Condition, variables: bool) -> tuple[Pattern, ...]:
        base = condition.operator.base
        if base not in _TEXTUAL or base == "Null":
            return ()
        resolve = self._resolve if variables else None
        found = (pattern(base, value, resolve) for value in condition.values)
        return tuple(inner for inner in found if inner is not None)

    def solve(self, name: str, lits: tuple[TextLit, ...]) -> tuple[Values] | None:
        """Values of a text variable under constraints, remembered. Raises Exhausted."""
        at = (name, lits)
        if at not in self._solved:
            variable = self._variables[name]
            assert isinstance(variable, Text)  # noqa: S101 - choices are masks
            self._solved[at] = variable.solve(lits, self.budget)
        return self._solved[at]


_OWNERS_ORGANISATION = frozenset({"aws:resourceorgid"})
_TEXTUAL = frozenset({"StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnLike", "Null", "BinaryEquals"})


def _pin(found: Domain, key: str) -> Domain:
    """The domain narrowed to one present value, so that a variable has a text."""
    if isinstance(found, Text):
        return Choice(found.name, {key: (found.sample,)}) if found.name == key else found
    values = [value for value in found.views[key] if value is not None]
    if not values or len(found.views) > 1:
        return found
    return Choice(found.name, {key: (values[0],)})


def _in_arn(account: Pattern) -> Pattern:
    """The ARNs whose account an account pattern admits."""
    field = [(NO_COLON if token is ANY else token, many) for token, many in account.tokens]
    head = [(char, False) for char in "arn:"]
    mid: list[tuple[object, bool]] = [(NO_COLON, True), (":", False), (NO_COLON, True), (":", False), (":", False)]
    return tokenised([*head, *mid, *field, (":", False), STAR])  # type: ignore[list-item]
