"""Which calls changed a bucket's configuration: those that events told of, with what a look shows of them.

Takes a request with the states before and after it, hands on changes. It asks AWS for nothing: what nobody reads for
another reason is not compared.
"""

from collections.abc import Callable

from s3warden.collect.aspects import ASPECTS
from s3warden.collect.spared import ACLS_DISABLED
from s3warden.collect.triggers import CALLS
from s3warden.model.bucket import BUCKET_ASPECTS, Aspect, BucketState, Reading, unreadable_parts
from s3warden.model.changes import Change
from s3warden.model.event import SELF, Actor, RefreshRequest, Trigger

# AWS's verdict on a policy follows from the policy.
_CONFIGURED = (ASPECTS.keys() & BUCKET_ASPECTS | {Aspect.ACCESS_POINTS}) - {Aspect.POLICY_STATUS}
# The tool stands at the beginning of a user agent.
_AGENT = 80
_NOBODY = Actor("")


def made(
    request: RefreshRequest, before: BucketState | None, after: BucketState, wrote: Callable[[Actor | None], bool]
) -> tuple[Change, ...]:
    """The changes that the calls of `request` made. `wrote` knows s3warden's own calls by their actor.

    Of its own calls s3warden has told already, under the name of the remediation, when their events come.
    """
    differing = _differing(before, after)
    return tuple(_change(call, differing, after) for call in request.calls if not wrote(call.actor))


def _change(trigger: Trigger, differing: frozenset[Aspect], after: BucketState) -> Change:
    known = CALLS.get(trigger.name)
    actor = trigger.actor or _NOBODY
    return Change(
        call=trigger.name,
        # A time that is still to come would never be over.
        at=min(trigger.event_time or after.read_at, after.read_at),
        event_id=trigger.event_id,
        principal=actor.principal,
        source_ip=actor.source_ip or "",
        user_agent=(actor.user_agent or "")[:_AGENT],
        aspects=tuple(sorted(differing if known is None else differing & known.aspects)),
        own=trigger.source == SELF,
    )


def _differing(before: BucketState | None, after: BucketState) -> frozenset[Aspect]:
    if before is None:
        return frozenset()
    pairs = ((aspect, before.reading(aspect), after.reading(aspect)) for aspect in _CONFIGURED)
    return frozenset(aspect for aspect, old, new in pairs if old != new and _known(old) and _known(new))


def _known(reading: Reading[object]) -> bool:
    """Whether AWS has said all of it; an ACL that was only inferred lacks the owner."""
    return not unreadable_parts(reading) and reading != ACLS_DISABLED
