"""Looks and plans: the reading half and the pure half together, as the daemon and the command line use them."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime

from s3warden.correct import planning
from s3warden.correct.look import Looks
from s3warden.correct.remedies import logging
from s3warden.correct.remedy import DEFAULT_WANTED, Look, Wanted
from s3warden.detect.rule import Rule, RuleOptions
from s3warden.model.action import Planned
from s3warden.model.bucket import AccountRef, Subject
from s3warden.model.finding import Finding


def _nowhere(_account: AccountRef) -> Collection[str]:
    return ()


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans from fresh looks. `options` are asked for each time, since guarded accounts come and go.

    `regions` tells where an account has buckets.
    """

    looks: Looks
    options: Callable[[], RuleOptions]
    wanted: Wanted = DEFAULT_WANTED
    regions: Callable[[AccountRef], Collection[str]] = _nowhere

    async def look(self, subject: Subject, rule: Rule) -> Look:
        """The subject as it is now, with all that a plan for `rule` rests on. Raises nothing of AWS's."""
        owner = subject if isinstance(subject, AccountRef) else subject.owner
        found = await self.looks.at(subject, planning.aspects(rule), self.regions(owner))
        other = planning.beside(rule, subject, self.wanted)
        return found if other is None else replace(found, beside=await self.looks.at(other, logging.TARGET))

    def plan(self, finding: Finding, look: Look, rule: Rule, made_at: datetime) -> Planned:
        """What to do about the finding, by this look."""
        return planning.plan(finding, look, rule=rule, made_at=made_at, options=self.options(), wanted=self.wanted)
