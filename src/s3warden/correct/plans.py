"""Looks and plans as the daemon does: with the rules' options of this moment and what the operator wants.

Joins `Looks`, which reads, with `planning`, which is pure. Tags are always read along, since the guard asks for them.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from s3warden.collect.derived import with_derived
from s3warden.correct import planning
from s3warden.correct.look import Looks
from s3warden.correct.remedy import Look, Wanted
from s3warden.detect.rule import Rule, RuleOptions
from s3warden.model.action import Planned
from s3warden.model.bucket import AccountRef, Aspect, BucketState, State, Subject
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
        owner = subject.owner
        needed = frozenset({Aspect.TAGGING}).union(*map(planning.aspects, rules))
        look = await self.looks.at(subject, needed, self.regions(owner))
        named = {planning.beside(rule, subject, self.wanted) for rule in rules}
        others = sorted(ref for ref in named if ref is not None)
        return replace(look, beside=tuple([await self.looks.at(ref, planning.aspects_beside(rules)) for ref in others]))

    async def again(self, look: Look, written: Iterable[Aspect]) -> State:
        """The state of `look`, with `written` and what is derived from that read anew."""
        before = look.state
        changed = with_derived(written) & _known(before)
        fresh = (await self.looks.at(before.ref, changed, self.regions(before.ref.owner))).state
        if isinstance(before, BucketState) and isinstance(fresh, BucketState):
            account = before.account
            if account is not None and fresh.account is not None:
                account = replace(account, readings={**account.readings, **fresh.account.readings})
            readings = {**before.readings, **fresh.readings}
            return replace(before, read_at=fresh.read_at, readings=readings, account=account, exists=fresh.exists)
        return replace(before, read_at=fresh.read_at, readings={**before.readings, **fresh.readings})

    def plan(self, finding: Finding, look: Look, rule: Rule, made_at: datetime) -> Planned:
        """What to do about the finding by this look."""
        return planning.plan(finding, look, rule=rule, made_at=made_at, options=self.options(), wanted=self.wanted)


def _known(state: State) -> frozenset[Aspect]:
    """What was read of the subject; of a bucket, of its account too."""
    account = state.account if isinstance(state, BucketState) else None
    return frozenset(state.readings) | frozenset(account.readings if account is not None else ())
