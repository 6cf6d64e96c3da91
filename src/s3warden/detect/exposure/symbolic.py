"""The symbolic evaluation: is there a request of this kind of caller that the documents allow?

Takes compiled documents and a caller, hands on an assignment (values of keys, an object key) or None. A statement
becomes a conjunction of literals over variables; an Allow is assumed whole, and of each Deny that meets it at least
one literal must be false. The search is exact for known conditions and bounded by a budget; what is undecided in a
document is taken as favourable to the caller in the `generous` reading and as hostile in the other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from s3warden.detect.exposure.callers import Caller
from s3warden.detect.exposure.compiled import Rule
from s3warden.detect.exposure.domains import Choice, Domain, Text, TextLit, Values, mask_of
from s3warden.detect.exposure.facts import Ask, Facts
from s3warden.detect.exposure.glob import ANY, EVERYTHING, NO_COLON, STAR, Budget, Exhausted, Pattern, glob, tokenised
from s3warden.detect.exposure.parse import Condition
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


State = dict[str, int | tuple[TextLit, ...]]


def search(
    scene: Scene, alternatives: Sequence[Sequence[Term]], denies: Sequence[Term], on_object: bool
) -> Assignment | None:
    """A request that one term of each alternative allows and no term of `denies` refuses. Raises Exhausted."""
    start: State = {KEY: ()} if on_object else {}
    pending = sorted((_ways_out(term, scene) for term in denies if _counts(term, scene)), key=len)
    if pending and not pending[0]:
        return None
    forced = [ways[0] for ways in pending if len(ways) == 1]
    return _allow(scene, start, alternatives, (), Denies(tuple(forced), tuple(pending[len(forced) :])))


@dataclass(frozen=True, slots=True)
class Denies:
    """What it takes to escape every Deny: literals without a choice, and for the others the ways out."""

    forced: tuple[Lit, ...]
    ways: tuple[tuple[Lit, ...], ...]


def _counts(term: Term, scene: Scene) -> bool:
    """Whether a Deny is to be reckoned with in this reading."""
    return not (scene.generous and term.undecided)


def _ways_out(term: Term, scene: Scene) -> tuple[Lit, ...]:
    """The literals of which one must hold for a Deny not to match, those that are easiest to grant first."""
    ways = [(name, _negated(lit, scene.variable(name))) for name, lit in term.lits]
    return tuple(sorted(ways, key=lambda way: 0 if isinstance(way[1], int) else 1 + way[1].inside))


def _negated(lit: int | TextLit, variable: Domain) -> int | TextLit:
    if isinstance(lit, int):
        assert isinstance(variable, Choice)  # noqa: S101 - masks belong to choices
        return variable.full & ~lit
    return lit.negated()


def _allow(
    scene: Scene,
    state: State,
    alternatives: Sequence[Sequence[Term]],
    chosen: tuple[Rule, ...],
    denies: Denies,
) -> Assignment | None:
    if not alternatives:
        freed = _assume_all(scene, state, denies.forced)
        final = None if freed is None else _escape(scene, freed, denies.ways, 0)
        return None if final is None else _assignment(scene, final, chosen)
    for term in alternatives[0]:
        if term.undecided and not scene.generous:
            continue
        assumed = _assume_all(scene, state, term.lits)
        if assumed is not None:
            found = _allow(scene, assumed, alternatives[1:], (*chosen, term.rule), denies)
            if found is not None:
                return found
    return None


def _assume(scene: Scene, state: State, lit: Lit) -> State | None:
    """The state with one more literal, or None if nothing is left."""
    scene.budget.spend()
    name, wanted = lit
    held = state.get(name)
    if isinstance(wanted, int):
        mask = wanted if held is None else wanted & held  # type: ignore[operator]
        return {**state, name: mask} if mask else None
    lits = (*(held or ()), wanted)  # type: ignore[misc]
    return {**state, name: lits} if scene.solve(name, lits) is not None else None


def _assume_all(scene: Scene, state: State, lits: Sequence[Lit]) -> State | None:
    """The state with all of `lits`, each text solved once, or None if nothing is left."""
    if not lits:
        return state
    scene.budget.spend(len(lits) / 4)
    narrowed = dict(state)
    texts: set[str] = set()
    for name, wanted in lits:
        if isinstance(wanted, int):
            narrowed[name] = mask = wanted & narrowed.get(name, -1)  # type: ignore[operator]
            if not mask:
                return None
        else:
            narrowed[name] = (*narrowed.get(name, ()), wanted)  # type: ignore[misc]
            texts.add(name)
    for name in texts:
        if scene.solve(name, narrowed[name]) is None:  # type: ignore[arg-type]
            return None
    return narrowed


def _escape(scene: Scene, state: State, pending: Sequence[tuple[Lit, ...]], at: int) -> State | None:
    """The state narrowed so that every Deny from `at` on fails to match."""
    while at < len(pending) and _escaped(state, pending[at]):
        at += 1
    if at == len(pending):
        return state
    for lit in pending[at]:
        narrowed = _assume(scene, state, lit)
        if narrowed is not None:
            found = _escape(scene, narrowed, pending, at + 1)
            if found is not None:
                return found
    return None


def _escaped(state: State, ways_out: tuple[Lit, ...]) -> bool:
    """Whether one of the ways out of a Deny is taken already."""
    for name, lit in ways_out:
        held = state.get(name)
        if held is None:
            continue
        if isinstance(lit, int):
            if isinstance(held, int) and not held & ~lit:
                return True
        elif isinstance(held, tuple) and lit in held:
            return True
    return False


def _assignment(scene: Scene, state: State, allows: tuple[Rule, ...]) -> Assignment:
    values: dict[str, Values] = {}
    object_key = None
    for name, held in state.items():
        variable = scene.variable(name)
        if isinstance(held, int):
            assert isinstance(variable, Choice)  # noqa: S101 - masks belong to choices
            values |= {key: None if value is None else (value,) for key, value in variable.pick(held).items()}
            continue
        solved = scene.solve(name, held)
        assert solved is not None  # noqa: S101 - every state was found solvable
        if name == KEY:
            object_key = solved[0][0] if solved[0] else None
        else:
            values[name] = solved[0]
    return Assignment(scene, allows, values, object_key)


Decision = Assignment | str | None
"""A request found, or why it cannot be said, or None: there is none."""


TOO_MUCH = "the question costs more work than is allowed"


def decide(
    scenes: Callable[[bool], Scene],
    alternatives: Sequence[Sequence[Rule]],
    denies: Sequence[Rule],
    on_object: bool,
) -> Decision:
    """Whether one of the rules of each alternative allows a request that no rule of `denies` refuses."""
    scene = scenes(True)
    try:
        allowing = [_terms(scene, rules, on_object) for rules in alternatives]
        if not all(allowing):
            return None
        denying = _terms(scene, denies, on_object)
        found = search(scene, allowing, denying, on_object)
        if found is None:
            return None
        doubts = [term for terms in (*allowing, denying) for term in terms if term.undecided]
        if not doubts:
            return found
        strict = scenes(False)
        allowing = [_terms(strict, rules, on_object) for rules in alternatives]
        sure = search(strict, allowing, _terms(strict, denies, on_object), on_object) if all(allowing) else None
    except Exhausted:
        return TOO_MUCH
    return sure or f"{doubts[0].rule.label}: {doubts[0].undecided[0]}"


def _terms(scene: Scene, rules: Sequence[Rule], on_object: bool) -> list[Term]:
    return [term for rule in rules if (term := scene.term(rule, on_object=on_object)) is not None]
