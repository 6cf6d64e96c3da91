"""The symbolic evaluation: is there a request of this kind of caller that the documents allow?

Takes compiled documents and a caller, hands on an assignment (values of keys, an object key) or None. A statement
becomes a conjunction of literals over variables; an Allow is assumed whole, and of each Deny that meets it at least
one literal must be false. The search is exact for known conditions and bounded by a budget; what is undecided in a
document is taken as favourable to the caller in the `generous` reading and as hostile in the other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from s3warden.detect.exposure.budget import Exhausted
from s3warden.detect.exposure.compiled import Rule
from s3warden.detect.exposure.domains import Choice, Domain, TextLit, Values
from s3warden.detect.exposure.scene import KEY, Assignment, Lit, Scene, Term

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
