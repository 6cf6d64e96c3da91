"""What a decision about a plan rests on: what the operator allows, and the circumstances of the moment. Data."""

from dataclasses import dataclass, field
from datetime import datetime

from s3warden.correct.budget import Limits, Spent
from s3warden.correct.fights import Fight
from s3warden.correct.permits import Permit
from s3warden.correct.windows import Freeze, Window
from s3warden.correct.writers import Writer
from s3warden.model.bucket import ABSENT, Reading
from s3warden.model.configuration import Tags
from s3warden.model.remediation import Approval, Rejection


@dataclass(frozen=True, slots=True)
class GuardRules:
    """What the operator has set. Times in seconds.

    `opt_out` is a tag by which a bucket's owner may refuse fixes, honoured in `opt_out_accounts` alone. `quiet` is how
    long a deploy tool must have been silent on the bucket. `windows` and `freezes` bind live public exposure too unless
    `live_always`. After `attempts` failed tries of one finding the automation gives it up.
    """

    permits: tuple[Permit, ...] = ()
    opt_out: tuple[str, str] | None = None
    opt_out_accounts: frozenset[str] = frozenset()
    windows: tuple[Window, ...] = ()
    freezes: tuple[Freeze, ...] = ()
    live_always: bool = True
    quiet: float = 60.0
    limits: Limits = field(default_factory=Limits)
    attempts: int = 3


@dataclass(frozen=True, slots=True)
class LastWrite:
    """The latest change to the subject by anybody but s3warden. `at` is UTC."""

    at: datetime
    writer: Writer


@dataclass(frozen=True, slots=True)
class Circumstances:
    """All that the guard looks at, read just now. `at` is UTC.

    `live`: the finding is a live public exposure. `tags` of the bucket. `units` above the account, the nearest first;
    None where that could not be told. `exemption` is the id of one that holds on the fresh data. `killed` names the
    switch that is on. `failed` are the ids of the tries of this finding that failed, the latest first. `undone_by`
    took the same fix back. `requester` asked for the fix by hand, `approvals` and `rejection` are what people answered.
    """

    at: datetime
    live: bool = False
    tags: Reading[Tags] = ABSENT
    units: tuple[str, ...] | None = ()
    exemption: str | None = None
    killed: str | None = None
    spent: Spent = field(default_factory=Spent)
    last_write: LastWrite | None = None
    fight: Fight | None = None
    failed: tuple[str, ...] = ()
    undone_by: str | None = None
    approvals: tuple[Approval, ...] = ()
    rejection: Rejection | None = None
    requester: str | None = None
