"""What points at a bucket: other buckets, trails, distributions, records and access points that rely on its name."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from s3warden.model.bucket import Aspect, Reading, Unreadable, unreadable_parts


class Use(StrEnum):
    """What a bucket is used for by who points at it. The value is the word for people."""

    ACCESS_LOGS = "access logs"
    TRAIL = "CloudTrail trail"
    REPLICATION = "replication"
    INVENTORY = "inventory"
    ANALYTICS = "storage class analysis"
    ORIGIN = "CloudFront origin"
    DNS = "DNS record"
    MULTI_REGION = "multi-region access point"
    KEY = "default key"
    LAKE = "Lake Formation location"
    SHADOW = "predictable name"
    ACCESS_POINT = "access point"


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """One thing that relies on the bucket called `target`, or on the key of that ARN.

    `account` holds it, `holder` names it there: a bucket, the ARN of a trail, the id of a distribution, a DNS name.
    `owner` is the account that the reference itself says owns the bucket, None where it does not say. `detail` is what
    people need to find it: a domain, a prefix, a zone.
    """

    use: Use
    target: str
    account: str
    holder: str
    owner: str | None = None
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.use} of {self.holder}"


@dataclass(frozen=True, slots=True)
class References:
    """What points at one bucket, as far as the guarded accounts were read, in order; `gaps` say what is missing."""

    items: tuple[Reference, ...]
    gaps: tuple[Unreadable, ...] = ()

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """Why there may be more."""
        return self.gaps

    def __iter__(self) -> Iterator[Reference]:
        return iter(self.items)

    def used_as(self, *uses: Use) -> tuple[Reference, ...]:
        """Those of these uses."""
        return tuple(each for each in self.items if each.use in uses)


@dataclass(frozen=True, slots=True)
class Standing:
    """Whose a bucket name is. `exists` False: nobody's, so anybody may register it.

    `owner` is the account that AWS has shown to own the bucket; None where it exists and belongs to none of the
    guarded accounts, nor to the account that was said to own it.
    """

    name: str
    exists: bool
    owner: str | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """Readings of another bucket, by aspect and in order."""

    items: tuple[tuple[Aspect, Reading[object]], ...] = ()

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """Why parts of them are not known."""
        return tuple(part for _, reading in self.items for part in unreadable_parts(reading))


def settings(readings: Mapping[Aspect, Reading[object]]) -> Settings:
    """Readings as a value that can be shared and compared."""
    return Settings(tuple(sorted(readings.items())))


@dataclass(frozen=True, slots=True)
class LogTarget:
    """The bucket that a bucket's access logs go to: whose it is, and how it is set up.

    The settings are empty where the target is not the account's own.
    """

    name: str
    standing: Reading[Standing]
    settings: Settings = Settings()

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """Why it is not known whose it is, or how it is set up."""
        return (*unreadable_parts(self.standing), *self.settings.unreadable)


@dataclass(frozen=True, slots=True)
class Destination:
    """A bucket that something is sent to, or comes from: who refers to it, and whose it is."""

    name: str
    references: tuple[Reference, ...]
    standing: Reading[Standing]


@dataclass(frozen=True, slots=True)
class Destinations:
    """Buckets by name, each with its standing; `gaps` say why there may be more."""

    items: tuple[Destination, ...]
    gaps: tuple[Unreadable, ...] = ()

    def __iter__(self) -> Iterator[Destination]:
        return iter(self.items)

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """Why it is not known whose some of them are."""
        return (*self.gaps, *(part for each in self.items for part in unreadable_parts(each.standing)))

    def used_as(self, *uses: Use) -> "tuple[Destination, ...]":
        """Those that something refers to for one of these uses."""
        return tuple(each for each in self.items if any(ref.use in uses for ref in each.references))


def described(references: Iterable[Reference], limit: int = 5) -> str:
    """References for people, at most `limit` of them by name."""
    texts = [str(each) for each in references]
    more = len(texts) - limit
    return ", ".join(texts[:limit]) + (f" and {more} more" if more > 0 else "")
