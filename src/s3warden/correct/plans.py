"""Looks and plans as the daemon does: with the rules' options of this moment and what the operator wants.

Joins `Looks`, which reads, with `planning`, which is pure. Tags are always read along, since the guard asks for them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from s3warden.correct import planning
from s3warden.correct.look import Looks
from s3warden.correct.remedy import Look, Wanted
from s3warden.detect.rule import Rule, RuleOptions
from s3warden.model.action import Planned
from s3warden.model.bucket import Aspect, Subject
from s3warden.model.finding import Finding


@dataclass(frozen=True, slots=True)
class Plans:
    """The planner of the daemon."""

    looks: Looks
    options: Callable[[], RuleOptions]
    wanted: Wanted

    async def look(self, subject: Subject, rule: Rule) -> Look:
        """The subject as it is now, with all that a plan for `rule` needs. Raises nothing of AWS's."""
        needed = planning.aspects(rule) | {Aspect.TAGGING}
        look = await self.looks.at(subject, needed)
        other = planning.beside(rule, subject, self.wanted)
        return look if other is None else replace(look, beside=await self.looks.at(other, needed))

    def plan(self, finding: Finding, look: Look, rule: Rule, made_at: datetime) -> Planned:
        """What to do about the finding by this look."""
        return planning.plan(finding, look, rule=rule, made_at=made_at, options=self.options(), wanted=self.wanted)
