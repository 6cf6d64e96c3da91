"""Accepted risks: what an operator wrote down, and the part of it that a finding carries."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Allowance:
    """One thing that somebody may do: an action, in which `*` and `?` are wild, on objects whose keys match `keys`.

    No `keys` means the whole bucket, itself and every object in it.
    """

    action: str
    keys: str | None = None

    def __str__(self) -> str:
        return self.action if self.keys is None else f"{self.action} on {self.keys}"


@dataclass(frozen=True, slots=True)
class Approved:
    """What an exemption was given for: who may do what, or the very facts of a finding that is about something else.

    `public` is for anyone, unsigned too; `authenticated` for anyone who signs. `accounts` are by account number, IAM
    ARN or canonical user id, `organizations` by their id. `facts` are the details of the finding, all of them.
    """

    public: tuple[Allowance, ...] = ()
    authenticated: tuple[Allowance, ...] = ()
    accounts: tuple[tuple[str, tuple[Allowance, ...]], ...] = ()
    organizations: tuple[tuple[str, tuple[Allowance, ...]], ...] = ()
    facts: tuple[tuple[str, str], ...] = ()

    @property
    def grants_access(self) -> bool:
        """Whether it says who may do what."""
        return bool(self.public or self.authenticated or self.accounts or self.organizations)


@dataclass(frozen=True, slots=True)
class Scope:
    """What an exemption is about. Within a field one match is enough; every field that is not empty must match.

    `accounts` are numbers, `units` ids of organisational units or roots; `buckets` and `arns` are globs; `tags` are
    `Key=Value`, the value a glob. In globs `*` is any text and `?` one character; case counts.
    """

    accounts: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    buckets: tuple[str, ...] = ()
    arns: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Exemption:
    """One accepted risk. `place` is where it is written: `FILE:LINE`, or `preset`.

    `rules` are ids, globs over ids, or categories. `ends_at` is the first moment at which it has no effect any more;
    None for a preset, which is a statement about a platform and not about time. With `until_resolved` it is over for a
    finding as soon as that is resolved.
    """

    id: str
    place: str
    scope: Scope
    rules: tuple[str, ...]
    owner: str
    reason: str
    ticket: str = ""
    ends_at: datetime | None = None
    until_resolved: bool = False
    approved: Approved | None = None


@dataclass(frozen=True, slots=True)
class Exempt:
    """What a finding carries of the exemption that holds for it."""

    id: str
    owner: str
    reason: str
    ticket: str = ""
    ends_at: datetime | None = None
    until_resolved: bool = False

    def __str__(self) -> str:
        until = f" until {self.ends_at:%Y-%m-%d %H:%M %Z}" if self.ends_at else ""
        ticket = f", {self.ticket}" if self.ticket else ""
        return f"{self.id}{until} ({self.owner}{ticket}): {self.reason}"
