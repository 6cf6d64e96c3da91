"""The verdicts on states, with as little work as possible: what was judged before is not judged again.

A bucket of a known shape has the verdicts of that shape, with its own name put in. Else, where only some readings of a
bucket changed, only the rules that look at them are run, and the verdicts of the others stay. Both give what
`evaluate` would: a test holds them equal.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

from s3warden.detect.evaluate import evaluate
from s3warden.detect.exposed import time_of
from s3warden.detect.exposure.memo import PLACEHOLDER
from s3warden.detect.rule import DEFAULT_OPTIONS, Facts, Rule, RuleOptions, in_no_state
from s3warden.detect.shape import OWN, Shape, Shapes
from s3warden.model.bucket import Aspect, BucketState, Cause, State, Subject
from s3warden.model.finding import Evidence, RuleResult
from s3warden.model.readings import Readings

Results: TypeAlias = tuple[RuleResult, ...]

# Rules cut texts of others to some length; what is shorter than this is whole under every name.
_WHOLE = 160

# Buckets of one shape have few different facts; where they have many, to remember them is of no use.
_MOST_SEEN = 256


@dataclass(frozen=True, slots=True)
class _Judged:
    """Verdicts of the rules that do not look at the name. `named` are the places of those that tell a placeholder.

    `left` are the rules to be run for each bucket, `by_facts` those that look at little, with their verdicts by that.
    `shape` is whose they are, kept alive by that; None where they are one bucket's own.
    """

    results: Results
    left: tuple[Rule, ...]
    named: tuple[int, ...] = ()
    by_facts: tuple[tuple[Rule, Facts, dict[Hashable, RuleResult]], ...] = ()
    shape: Shape | None = None


class Verdicts:
    """Judges by `rules`. `on_error` gets the id of each rule that crashed; states must have shared readings.

    `ran` counts the checks that were run. Shapes, and results to be shared, are kept up to `size` each.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        options: RuleOptions = DEFAULT_OPTIONS,
        on_error: Callable[[str], None] = lambda _rule_id: None,
        *,
        size: int = 8192,
    ) -> None:
        self._rules = tuple(rules)
        self._options = options
        self._on_error = on_error
        self._size = size
        self._sort()
        self._known: dict[int, _Judged] = {}
        self._last: dict[str, tuple[BucketState, _Judged]] = {}
        self._shared: dict[Hashable, RuleResult] = {}
        self.ran = 0

    def suppose(self, options: RuleOptions) -> None:
        """Judge by these options from now on."""
        if options != self._options:
            self._options = options
            self._sort()
            self._known.clear()
            self._last.clear()

    def _sort(self) -> None:
        """Tell the rules that are run for each bucket from those of which one shape has one verdict."""
        self._by_name = tuple(rule for rule in self._rules if rule.by_name(self._options))
        others = (rule for rule in self._rules if not rule.by_name(self._options))
        self._others = tuple((rule, rule.looks) for rule in others)
        # No shape has a verdict of these; rules of an operator's own are among them.
        apart = {rule.info.id for rule in self._by_name if rule.facts is not None or rule.nameless is in_no_state}
        own = _looked_at(rule for rule in self._rules if rule.info.id in apart)
        self._shapes = Shapes(own=own - _looked_at(rule for rule in self._rules if rule.info.id not in apart))
        self._by_id = {rule.info.id: rule for rule in self._rules}
        # Rules are compared by their ids: to compare two of them takes as long as a check.
        self._fixed = frozenset(rule.info.id for rule, _ in self._others)

    def forget(self, subject: Subject) -> None:
        """The subject is no more."""
        self._last.pop(subject.key, None)

    def of(self, state: State) -> Results:
        """One result for each rule of the state's kind; none for a bucket that is gone."""
        if not isinstance(state, BucketState):
            return self._run(self._rules, state)
        if not state.exists:
            self.forget(state.ref)
            return ()
        key = state.ref.key
        last = self._last.get(key)
        if last is not None and last[0].ref != state.ref:
            # A bucket made anew in another region: nothing that was said of the old one stays.
            last = None
        known = last is not None and last[1].shape is not None and _same(last[0], state)
        judged = last[1] if last is not None and known else self._judged(state, last)
        self._last[key] = (state, judged)
        return self._named(judged, state) + self._by_facts(judged, state) + self._run(judged.left, state)

    def _by_facts(self, judged: _Judged, state: BucketState) -> Results:
        """The verdicts of the rules that look at a few facts of this very bucket."""
        results, options = [], self._options
        for rule, facts, seen in judged.by_facts:
            found = facts(state, options)
            result = seen.get(found)
            if result is None:
                (result,) = self._run((rule,), state)
                if result.cause is not Cause.ERROR and len(seen) < _MOST_SEEN:
                    seen[found] = result
            results.append(result)
        return tuple(results)

    def _named(self, judged: _Judged, state: BucketState) -> Results:
        """The verdicts on this very bucket."""
        if not judged.named:
            return judged.results
        results = list(judged.results)
        for at in judged.named:
            named = _with_name(results[at], state.ref.name)
            if named is None:
                (named,) = self._run([self._by_id[results[at].rule_id]], state)
            results[at] = named
        return tuple(results)

    def _judged(self, state: BucketState, last: tuple[BucketState, _Judged] | None) -> _Judged:
        shape = self._shapes.of(state)
        # What is known of a shape keeps it alive, so that no other can have taken its place.
        known = None if shape is None else self._known.get(id(shape))
        if known is not None:
            return known
        if last is not None:
            return self._again(state, *last)
        if shape is None:
            return _Judged(self._own(self._run([rule for rule, _ in self._others], state)), self._by_name)
        return self._learn(shape, state)

    def _learn(self, shape: Shape, state: BucketState) -> _Judged:
        bare = shape.state(state)
        left: list[Rule] = []
        nameless: list[Rule] = []
        own = {aspect for aspect, reading in bare.readings.items() if reading is OWN}
        for rule in self._by_name:
            alike = not rule.looks & own and rule.nameless(bare, self._options)
            (nameless if alike else left).append(rule)
        results = self._run([*(rule for rule, _ in self._others), *nameless], bare)
        named = tuple(at for at, result in enumerate(results) if _tells_name(result.evidence))
        by_facts = tuple((rule, rule.facts, dict[Hashable, RuleResult]()) for rule in left if rule.facts is not None)
        run = tuple(rule for rule in left if rule.facts is None)
        judged = _Judged(results, run, named, by_facts, shape=shape)
        # A rule that crashed is run, and counted, again the next time.
        if not any(result.cause is Cause.ERROR for result in results):
            if len(self._known) >= self._size:
                self._known.clear()
            self._known[id(shape)] = judged
        return judged

    def _again(self, state: BucketState, before: BucketState, judged: _Judged) -> _Judged:
        """Run the rules that look at what has changed, and those that crashed; the other verdicts stay."""
        changed = _changed(before, state)
        last = [result for result in self._named(judged, before) if result.rule_id in self._fixed]
        crashed = {result.rule_id for result in last if result.cause is Cause.ERROR}
        concerned = [rule for rule, looks in self._others if looks & changed or rule.info.id in crashed]
        fresh = {result.rule_id: result for result in self._run(concerned, state)}
        return _Judged(self._own([fresh.get(result.rule_id, result) for result in last]), self._by_name)

    def _own(self, results: Iterable[RuleResult]) -> Results:
        """The results of one bucket, each as the object that equal results share: most of them say the same."""
        if len(self._shared) >= 8 * self._size:
            self._shared.clear()
        return tuple([self._shared.setdefault(_identity(result), result) for result in results])

    def _run(self, rules: Sequence[Rule], state: State) -> Results:
        results = evaluate(rules, state, self._on_error, options=self._options)
        self.ran += len(results)
        return results


def _looked_at(rules: Iterable[Rule]) -> frozenset[Aspect]:
    return frozenset(chain.from_iterable(rule.looks for rule in rules))


def _same(before: BucketState, after: BucketState) -> bool:
    """Whether nothing was read but what was known."""
    around, now = before.account, after.account
    old, new = before.readings, after.readings
    if around is None or now is None or around.readings is not now.readings:
        return False
    return (
        isinstance(old, Readings)
        and isinstance(new, Readings)
        and old.positions is new.positions
        and old.cells == new.cells
    )


def _changed(before: BucketState, after: BucketState) -> frozenset[Aspect]:
    """The aspects of bucket and account that are other objects than before, or that mean another thing by now."""
    aspects = set() if time_of(after) is None else {Aspect.POLICY}
    for old, new in (
        (before.readings, after.readings),
        (before.account.readings if before.account else {}, after.account.readings if after.account else {}),
    ):
        if old is not new:
            aspects.update(aspect for aspect in chain(old, new) if old.get(aspect) is not new.get(aspect))
    return frozenset(aspects)


def _identity(result: RuleResult) -> Hashable:
    evidence = result.evidence
    facts = tuple(evidence.details.items())
    return (result.rule_id, result.verdict, result.severity, result.cause, evidence.summary, evidence.live, facts)


def _tells_name(evidence: Evidence) -> bool:
    return PLACEHOLDER in evidence.summary or any(PLACEHOLDER in text for text in evidence.details.values())


def _with_name(result: RuleResult, name: str) -> RuleResult | None:
    """The result with the name in it; None where a text may have been cut to its length, which the name changes."""
    evidence = result.evidence
    texts = [evidence.summary, *evidence.details.values()]
    for at, text in enumerate(texts):
        if PLACEHOLDER in text:
            texts[at] = named = text.replace(PLACEHOLDER, name)
            if len(named) > _WHOLE or "…" in text:
                return None
    summary, *others = texts
    details = dict(zip(evidence.details, others, strict=True))
    # As a rule makes it, whose context is weighed later; `replace` would cost as much as all the rest.
    return RuleResult(
        result.rule_id, result.verdict, result.severity, Evidence(summary, details, evidence.live), result.cause
    )
