"""What leads the public to buckets: CloudFront distributions with S3 origins, and DNS records that point at S3."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain

from s3warden.model.bucket import Reading, Unreadable, unreadable_parts


class Signed(StrEnum):
    """As whom CloudFront asks S3: by origin access control, by the older origin access identity, or as nobody."""

    OAC = "origin access control"
    OAI = "origin access identity"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Origin:
    """One origin of a distribution. `bucket` is the bucket behind `domain`, None where that is none by its name.

    `website` for a bucket's website endpoint, which answers over plain HTTP and knows no signatures. `identity` is the
    id of the origin access control or identity.
    """

    domain: str
    bucket: str | None = None
    website: bool = False
    signed: Signed = Signed.NOBODY
    identity: str = ""


@dataclass(frozen=True, slots=True)
class Distribution:
    """A CloudFront distribution. `aliases` are its own domain names beside the one of CloudFront.

    `restricted`: whether every path asks viewers for a signed URL or cookie. `firewall` is the id of its web ACL.
    """

    id: str
    arn: str
    domain: str
    enabled: bool
    aliases: tuple[str, ...] = ()
    origins: tuple[Origin, ...] = ()
    restricted: bool = False
    firewall: str = ""

    def __str__(self) -> str:
        return f"{self.id} ({', '.join(self.aliases[:2]) or self.domain})"


@dataclass(frozen=True, slots=True)
class Distributions:
    """The distributions of an account, by id."""

    items: tuple[Distribution, ...]

    def __iter__(self) -> Iterator[Distribution]:
        return iter(self.items)


@dataclass(frozen=True, slots=True, order=True)
class DnsRecord:
    """A name in public DNS that leads to S3 at `leads_to`. S3 looks for a bucket called like the name."""

    name: str
    leads_to: str
    zone: str

    @property
    def wild(self) -> bool:
        """Whether the record answers for every name below another."""
        return self.name.startswith("*")


@dataclass(frozen=True, slots=True)
class DnsZone:
    """What a public zone of Route 53 leads to S3."""

    name: str
    records: Reading[tuple[DnsRecord, ...]]


@dataclass(frozen=True, slots=True)
class DnsRecords:
    """The public zones of an account, by name."""

    zones: tuple[DnsZone, ...]

    @property
    def records(self) -> tuple[DnsRecord, ...]:
        """All records that lead to S3."""
        return tuple(chain.from_iterable(getattr(zone.records, "value", ()) for zone in self.zones))

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """Why some zones are not known."""
        return tuple(chain.from_iterable(unreadable_parts(zone.records) for zone in self.zones))
