"""Reads the CloudFront distributions of an account, as far as they concern S3.

Takes an account, hands on one reading. A list that breaks off makes the whole of it unreadable. Sources:
ListDistributions of the CloudFront API reference, which answers at one endpoint for all regions.
"""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

from s3warden.aws.errors import AwsError
from s3warden.collect.aspects import AspectRead
from s3warden.collect.hosts import s3_host
from s3warden.collect.pages import follow
from s3warden.collect.services import ServiceReader
from s3warden.collect.shapes import Answer, ShapeError, flag, mapping, optional_text, sequence, text
from s3warden.model.bucket import ABSENT, AccountRef, Cause, Present, Reading, Unreadable
from s3warden.model.origins import Distribution, Distributions, Origin, Signed

HOMES: Mapping[str, str] = MappingProxyType({"aws": "us-east-1", "aws-cn": "cn-northwest-1"})
"""By partition, the region that CloudFront is asked in; other partitions have no CloudFront of their own."""
_PAGE = "100"


def _page(answer: Answer) -> tuple[tuple[Distribution, ...], dict[str, str]]:
    listed = mapping(answer.get("DistributionList"), "DistributionList")
    items = [mapping(item, "DistributionSummary") for item in sequence(listed.get("Items", ()), "Items")]
    more = flag(listed.get("IsTruncated"), "IsTruncated")
    following = {"Marker": text(listed.get("NextMarker"), "NextMarker")} if more else {}
    return tuple(map(_distribution, items)), following


LIST = AspectRead("ListDistributions", "cloudfront:ListDistributions", _page)


async def of_account(reader: ServiceReader, ref: AccountRef) -> Reading[Distributions]:
    """The account's distributions; Absent if it has none."""
    region = HOMES.get(ref.partition)
    if region is None:
        return ABSENT
    ask = partial(reader.service, ref, "cloudfront", LIST.operation, region=region, MaxItems=_PAGE)
    try:
        found = await follow(ask, _page)
    except ShapeError as error:
        return Unreadable(Cause.MALFORMED, f"{LIST.operation}: {error}")
    except AwsError as error:
        return LIST.failed(error)
    return Present(Distributions(tuple(sorted(found, key=lambda each: each.id)))) if found else ABSENT


def _distribution(item: Answer) -> Distribution:
    behaviors = [mapping(item.get("DefaultCacheBehavior"), "DefaultCacheBehavior"), *_items(item, "CacheBehaviors")]
    return Distribution(
        id=text(item.get("Id"), "Id"),
        arn=text(item.get("ARN"), "ARN"),
        domain=text(item.get("DomainName"), "DomainName"),
        enabled=flag(item.get("Enabled"), "Enabled"),
        aliases=tuple(sorted(text(alias, "Alias") for alias in _list(item, "Aliases"))),
        origins=tuple(map(_origin, _items(item, "Origins"))),
        restricted=all(map(_is_restricted, behaviors)),
        firewall=optional_text(item.get("WebACLId"), "WebACLId") or "",
    )


def _origin(item: Answer) -> Origin:
    domain = text(item.get("DomainName"), "DomainName")
    host = s3_host(domain)
    control = optional_text(item.get("OriginAccessControlId"), "OriginAccessControlId")
    config = mapping(item.get("S3OriginConfig", {}), "S3OriginConfig")
    identity = optional_text(config.get("OriginAccessIdentity"), "OriginAccessIdentity")
    signed = Signed.OAC if control else Signed.OAI if identity else Signed.NOBODY
    return Origin(
        domain=domain,
        bucket=None if host is None else host.bucket,
        website=host is not None and host.website,
        signed=signed,
        identity=control or (identity or "").rpartition("/")[2],
    )


def _is_restricted(behavior: Answer) -> bool:
    trusted = (mapping(behavior.get(name, {}), name) for name in ("TrustedKeyGroups", "TrustedSigners"))
    return any(flag(each.get("Enabled", False), "Enabled") for each in trusted)


def _items(item: Answer, name: str) -> list[Answer]:
    return [mapping(each, name) for each in _list(item, name)]


def _list(item: Answer, name: str) -> list[object] | tuple[object, ...]:
    # CloudFront leaves the list of an empty part out, or the part.
    return sequence(mapping(item.get(name, {}), name).get("Items", ()), name)
