"""Reads the public zones of Route 53 for records that lead to S3.

Takes an account, hands on one reading; a zone that fails is unreadable by itself. Zone after zone and page after page,
since Route 53 answers five calls a second and account. A record with an alias or a CNAME at a host of S3 has S3 look
for a bucket that is called like the record, whatever bucket the host itself names.

Sources: ListHostedZones and ListResourceRecordSets of the Route 53 API reference and its "Quotas"; "Virtual hosting of
buckets" of the S3 user guide for which bucket a name leads to.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from types import MappingProxyType

from s3warden.aws.errors import AwsError
from s3warden.collect.aspects import AspectRead
from s3warden.collect.hosts import s3_host
from s3warden.collect.pages import Ask, TooLongError, follow
from s3warden.collect.services import ServiceReader
from s3warden.collect.shapes import Answer, ShapeError, flag, mapping, optional_text, sequence, text
from s3warden.model.bucket import ABSENT, AccountRef, Cause, Present, Reading, Unreadable
from s3warden.model.origins import DnsRecord, DnsRecords, DnsZone

HOMES: Mapping[str, str] = MappingProxyType(
    {"aws": "us-east-1", "aws-us-gov": "us-gov-west-1", "aws-cn": "cn-northwest-1"}
)
"""By partition, the region that Route 53 is asked in; where it is missing the home region is."""

_PAGES = 200
"""So many pages of 300 records are read of a zone, and no more."""


def _zones(answer: Answer) -> tuple[tuple[Answer, ...], dict[str, str]]:
    items = tuple(mapping(item, "HostedZone") for item in sequence(answer.get("HostedZones"), "HostedZones"))
    more = flag(answer.get("IsTruncated"), "IsTruncated")
    return items, {"Marker": text(answer.get("NextMarker"), "NextMarker")} if more else {}


def _records(answer: Answer) -> tuple[tuple[Answer, ...], dict[str, str]]:
    name = "ResourceRecordSets"
    items = tuple(mapping(item, name) for item in sequence(answer.get(name), name))
    if not flag(answer.get("IsTruncated"), "IsTruncated"):
        return items, {}
    following = {part: optional_text(answer.get(f"Next{part}"), part) for part in _FOLLOWING}
    if not following["RecordName"]:
        raise ShapeError("NextRecordName is missing")
    return items, {f"Start{part}": value for part, value in following.items() if value}


_FOLLOWING = ("RecordName", "RecordType", "RecordIdentifier")
ZONES = AspectRead("ListHostedZones", "route53:ListHostedZones", _zones)
RECORDS = AspectRead("ListResourceRecordSets", "route53:ListResourceRecordSets", _records)


async def of_account(reader: ServiceReader, ref: AccountRef) -> Reading[DnsRecords]:
    """What the account's public zones lead to S3; Absent if it has no public zone."""
    ask = partial(reader.service, ref, "route53", region=HOMES.get(ref.partition))
    found = []
    try:
        for zone in filter(_is_public, await follow(partial(ask, ZONES.operation), _zones)):
            name, id_ = _plain(text(zone.get("Name"), "Name")), text(zone.get("Id"), "Id").rpartition("/")[2]
            found.append(DnsZone(name, await _of_zone(partial(ask, RECORDS.operation, HostedZoneId=id_), name)))
    except ShapeError as error:
        return Unreadable(Cause.MALFORMED, f"{ZONES.operation}: {error}")
    except AwsError as error:
        return ZONES.failed(error)
    return Present(DnsRecords(tuple(sorted(found, key=lambda zone: zone.name)))) if found else ABSENT


async def _of_zone(ask: Ask, name: str) -> Reading[tuple[DnsRecord, ...]]:
    try:
        items = await follow(ask, _records, _PAGES)
        return Present(tuple(sorted({record for item in items for record in _leading_to_s3(item, name)})))
    except ShapeError as error:
        return Unreadable(Cause.MALFORMED, f"{RECORDS.operation}: {error}")
    except TooLongError as error:
        return Unreadable(Cause.NOT_READ, f"{name}: {error}")
    except AwsError as error:
        return RECORDS.failed(error)


def _leading_to_s3(item: Answer, zone: str) -> Iterator[DnsRecord]:
    name = _plain(text(item.get("Name"), "Name"))
    for target in _targets(item):
        if s3_host(target) is not None:
            yield DnsRecord(name, _plain(target), zone)


def _targets(item: Answer) -> Iterator[str]:
    """Where the record leads by an alias, or by another name."""
    if "AliasTarget" in item:
        yield text(mapping(item["AliasTarget"], "AliasTarget").get("DNSName"), "DNSName")
    elif item.get("Type") == "CNAME":
        for record in sequence(item.get("ResourceRecords", ()), "ResourceRecords"):
            yield text(mapping(record, "ResourceRecord").get("Value"), "Value")


def _is_public(zone: Answer) -> bool:
    return not flag(mapping(zone.get("Config", {}), "Config").get("PrivateZone", False), "PrivateZone")


def _plain(name: str) -> str:
    r"""A name without its last dot, in lower case; Route 53 writes the asterisk as \052."""
    return name.rstrip(".").lower().replace("\\052", "*")
