"""Looks and plans as the daemon does: with the rules' options of this moment and what the operator wants.

Joins `Looks`, which reads, with `planning`, which is pure. Tags are always read along, since the guard asks for them.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime

from s3warden.correct import planning
from s3warden.correct.look import Looks
from s3warden.correct.remedy import Look, Wanted
from s3warden.detect.rule import Rule, RuleOptions
from s3warden.model.action import Planned
from s3warden.model.bucket import AccountRef, Aspect, Subject
from s3warden.model.finding import Finding


def _nowhere(_account: AccountRef) -> Collection[str]:
    return ()


@dataclass(frozen=True, slots=True)
class Plans:
    """The planner of the daemon and of the command line. `regions` tells where an account has buckets."""

    looks: Looks
    options: Callable[[], RuleOptions]
    wanted: Wanted
    regions: Callable[[AccountRef], Collection[str]] = _nowhere

    async def look(self, subject: Subject, *rules: Rule) -> Look:
        """The subject as it is now, with all that plans for `rules` need. Raises nothing of AWS's."""
        owner = subject if isinstance(subject, AccountRef) else subject.owner
        needed = frozenset({Aspect.TAGGING}).union(*map(planning.aspects, rules))
        look = await self.looks.at(subject, needed, self.regions(owner))
        others = (planning.beside(rule, subject, self.wanted) for rule in rules)
        other = next((ref for ref in others if ref is not None), None)
        return look if other is None else replace(look, beside=await self.looks.at(other, planning.BESIDE))

    def plan(self, finding: Finding, look: Look, rule: Rule, made_at: datetime) -> Planned:
        """What to do about the finding by this look."""
        return planning.plan(finding, look, rule=rule, made_at=made_at, options=self.options(), wanted=self.wanted)
