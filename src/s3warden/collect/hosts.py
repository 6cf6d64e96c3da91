"""Tells the bucket behind a host name of S3, and other hosts from S3's.

Takes a domain name, hands on what S3 serves there. Pure. Sources: "Virtual hosting of buckets", "Website endpoints" and
"Amazon S3 dual-stack endpoints" of the S3 user guide; the suffixes of the partitions are those of their endpoints.
"""

import re
from typing import NamedTuple

_DOMAINS = tuple(
    ".".join(labels)
    for labels in (
        ("amazonaws", "com"),
        ("amazonaws", "com", "cn"),
        ("amazonaws", "eu"),
    )
)
_S3 = re.compile(
    r"(?:(?P<bucket>.+)\.)?s3(?P<website>-website)?"
    r"(?:[.-](?:fips\.|fips-)?(?:dualstack\.)?(?P<region>[a-z]{2,4}(?:-[a-z]+){1,3}-[0-9]{1,2}))?"
)
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]", re.IGNORECASE)
# Aliases of access points stand where a bucket's name would, and are nobody's to take: AWS makes them up.
_ALIASES = ("-s3alias", "--ol-s3", "--x-s3", "--table-s3")


class S3Host(NamedTuple):
    """A host of S3. `bucket` None where its name does not say which, as behind an access point's alias."""

    bucket: str | None
    website: bool


def s3_host(domain: str) -> S3Host | None:
    """What S3 serves at `domain`, None if that is no host of S3."""
    host = domain.rstrip(".").lower()
    suffix = next((suffix for suffix in _DOMAINS if host.endswith("." + suffix)), None)
    found = _S3.fullmatch(host[: -len(suffix) - 1]) if suffix is not None else None
    if found is None:
        return None
    bucket = found["bucket"]
    named = bucket is not None and _NAME.fullmatch(bucket) is not None and not bucket.endswith(_ALIASES)
    return S3Host(bucket if named else None, bool(found["website"]))


def could_be_bucket(name: str) -> bool:
    """Whether a bucket may have this name, as those of today may: 3 to 63 characters, lower case, no underscore."""
    return 3 <= len(name) <= 63 and _TODAY.fullmatch(name) is not None


_TODAY = re.compile(r"(?!xn--)[a-z0-9](?:[a-z0-9-]|\.(?!\.))*[a-z0-9]")
