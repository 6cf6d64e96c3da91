"""Second looks: what S3 answers right after a change may still be the old configuration.

Takes requests for a look that showed nothing of the change that an event told of, and puts them to the refresh queue a
while later, at most one for each subject. It keeps nobody waiting; what has not come due at the end is dropped, since
the next start sweeps.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from s3warden.collect.derived import COMPUTED
from s3warden.collect.spared import ACLS_DISABLED
from s3warden.collect.triggers import CALLS
from s3warden.model.bucket import Aspect, State
from s3warden.model.event import Origin, Outcome, RefreshRequest, Trigger

log = structlog.get_logger(__name__)

Submit = Callable[[RefreshRequest], Awaitable["asyncio.Future[Outcome]"]]
# After that time what S3 answers is what was set: a look that finds nothing new needs no second one.
_SETTLES = timedelta(minutes=15)


def doubtful(
    request: RefreshRequest, asked: frozenset[Aspect], before: State | None, after: State, *, at: datetime
) -> frozenset[Aspect]:
    """The aspects of `asked` that a recent event told had changed, while the look shows all that it told as before.

    A subject that nothing was known of could have had any reading before, and so could an ACL that was only inferred.
    """
    if request.origin is not Origin.EVENT:
        return frozenset()
    same = frozenset(a for a in asked if before is None or before.reading(a) in (after.reading(a), ACLS_DISABLED))
    recent = (t for t in request.triggers if t.event_time is None or at - t.event_time < _SETTLES)
    # What takes no call cannot be late.
    told = (_told(trigger, asked - COMPUTED) for trigger in recent)
    return frozenset[Aspect]().union(*(aspects for aspects in told if aspects <= same))


def _told(trigger: Trigger, asked: frozenset[Aspect]) -> frozenset[Aspect]:
    # Other services have calls of the same names.
    call = CALLS.get(trigger.name) if trigger.source == "aws.s3" else None
    return asked if call is None else asked & call.aspects


@dataclass(slots=True)
class _Planned:
    request: RefreshRequest
    timer: asyncio.TimerHandle


class Recheck:
    """Hands requests to `submit` after `delay` seconds; 0 means never. At most `capacity` of them wait."""

    def __init__(self, submit: Submit, *, delay: float, capacity: int = 10_000) -> None:
        self._submit = submit
        self._delay = delay
        self._capacity = capacity
        self._planned: dict[str, _Planned] = {}
        self._tasks: set[asyncio.Task[object]] = set()
        self._stopped = delay <= 0

    def __len__(self) -> int:
        return len(self._planned)

    def plan(self, request: RefreshRequest) -> None:
        """Look at the subject once more, a while from now; what is planned for it already grows by `request`."""
        key = request.subject.key
        known = self._planned.pop(key, None)
        if known is not None:
            # The latest change sets the time: the earlier one is visible by then.
            known.timer.cancel()
            request = known.request.merge(request)
        if self._stopped or len(self._planned) >= self._capacity:
            return
        timer = asyncio.get_running_loop().call_later(self._delay, self._start, key)
        self._planned[key] = _Planned(request, timer)

    async def stop(self) -> None:
        """Drop what is planned; nothing is put to the queue any more."""
        self._stopped = True
        for planned in self._planned.values():
            planned.timer.cancel()
        self._planned.clear()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, key: str) -> None:
        request = self._planned.pop(key).request
        log.debug("rechecking", subject=key)
        task = asyncio.ensure_future(self._submit(request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
