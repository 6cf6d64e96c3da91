"""Own rules that take too long: noticed, counted, and switched off.

The form of an expression bounds what it can cost; this is for what the form does not show. Takes a clock of its caller,
and is the one thing about a rule that remembers. It must never let a rule that was switched off pass for a rule that
passes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from s3warden.detect.rule import Check, Judgement, Rule, RuleFailedError, RuleOptions
from s3warden.model.bucket import State

SLOW: Final = 0.1
"""Seconds of the processor from which one evaluation is slow. An ordinary one takes less than a thousandth of that."""
PATIENCE: Final = 3
"""So many slow evaluations in a row, and the rule is off until the settings are read again."""


@dataclass(slots=True)
class Watched:
    """A check under watch. `clock` gives seconds of processor time; `slow` hears of the rule, the time, and the end."""

    rule_id: str
    check: Check
    clock: Callable[[], float]
    slow: Callable[[str, float, bool], None]
    _in_a_row: int = field(default=0)

    def __call__(self, state: State, options: RuleOptions) -> Judgement:
        """The check's own judgement. Raises RuleFailedError once the rule is off."""
        if self._in_a_row >= PATIENCE:
            raise RuleFailedError(f"the rule is off: it took longer than {SLOW * 1000:g} ms {PATIENCE} times in a row")
        began = self.clock()
        try:
            return self.check(state, options)
        finally:
            self._count(self.clock() - began)

    def _count(self, seconds: float) -> None:
        if seconds < SLOW:
            self._in_a_row = 0
            return
        self._in_a_row += 1
        self.slow(self.rule_id, seconds, self._in_a_row >= PATIENCE)


def watched(rule: Rule, clock: Callable[[], float], slow: Callable[[str, float, bool], None]) -> Rule:
    """The rule, under watch."""
    return replace(rule, check=Watched(rule.info.id, rule.check, clock, slow))
