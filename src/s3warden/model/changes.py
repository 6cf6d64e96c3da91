"""Changes of a bucket's configuration, as events told of them."""

from dataclasses import dataclass
from datetime import datetime

from s3warden.model.bucket import Aspect


@dataclass(frozen=True, slots=True)
class Change:
    """One call that changed a bucket's configuration. `at` is UTC; what the event does not tell is empty.

    `principal`, `source_ip` and `user_agent` are those of `Actor`. `aspects` are those that were read before and after
    it and differ, so far as s3warden reads them at all. `own`: the call was s3warden's.
    """

    call: str
    at: datetime
    event_id: str
    principal: str = ""
    source_ip: str = ""
    user_agent: str = ""
    aspects: tuple[Aspect, ...] = ()
    own: bool = False


@dataclass(frozen=True, slots=True)
class Changes:
    """The latest changes of one bucket, the last one last; of those before nothing is known."""

    items: tuple[Change, ...]
