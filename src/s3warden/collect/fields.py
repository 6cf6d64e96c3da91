"""Takes single values out of untyped JSON and hands on what can be trusted: bounded, checked, printable.

Nothing here raises for any value that JSON can hold, and nothing is guessed: what has not the right form is None.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import NamedTuple

from s3warden.model.objects import ObjectName

_NOTHING: Mapping[str, object] = MappingProxyType({})

_ACCOUNT = re.compile(r"[0-9]{12}")
_SHORT_ACCOUNT = re.compile(r"[0-9]{1,11}")
_REGION = re.compile(r"[a-z0-9]{1,12}(?:-[a-z0-9]{1,16}){1,5}")
# Wider than today's naming rules: old names in us-east-1 hold capitals and underscores and go up to 255 characters.
# `%` is let through so that a strange name is a bucket that AWS says is not there, and no silent loss.
_BUCKET = re.compile(r"[._%-]*[A-Za-z0-9][A-Za-z0-9._%-]*")
_BUCKET_NAME_LIMIT = 255
# Bytes of UTF-8, by the S3 user guide on object keys; no version id is longer.
_KEY_LIMIT = 1024
# Security Hub findings in the wild lack the service (`arn:P:::name`), hence the optional parts. Account and region must
# be empty: filled, it is an access point or another store's bucket.
_BUCKET_ARN = re.compile(r"arn:([a-z][a-z0-9-]{0,31}):(?:s3)?:{2,3}([^:/]{1,255})(?:/.*)?", re.DOTALL)
# Today's rule for the names of access points of general purpose buckets.
_POINT = re.compile(r"[a-z0-9](?:[a-z0-9-]{1,48}[a-z0-9])")
_POINT_ARN = re.compile(r"arn:([a-z][a-z0-9-]{0,31}):s3:([a-z0-9-]{1,32}):([0-9]{12}):accesspoint/([^/:]{1,64})")
_ARN_PARTITION = re.compile(r"arn:([a-z][a-z0-9-]{0,31}):")


def mapping(value: object) -> Mapping[str, object]:
    """`value` if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else _NOTHING


def items(value: object) -> Sequence[object]:
    """The elements of a list; a lone object counts as a list of one, since XML turned JSON knows no lists of one."""
    if isinstance(value, list):
        return value
    return (value,) if isinstance(value, dict) else ()


def clean(value: object, limit: int) -> str:
    """`value` if it is text, at most `limit` characters, unprintable ones replaced by a space; else an empty string.

    Unprintable takes in controls, line separators, bidirectional overrides and lone surrogates.
    """
    if not isinstance(value, str):
        return ""
    value = value[:limit]
    if not value.isprintable():
        value = "".join(char if char.isprintable() else " " for char in value)
    return value.strip()


def first_text(value: object, limit: int) -> str:
    """Like `clean`, and a list counts as its first element: older records wrap single texts."""
    return clean(value[0] if isinstance(value, list) and value else value, limit)


def is_true(value: object) -> bool:
    """Whether `value` is JSON's true or the text of it."""
    return value is True or value == "true"


def is_false(value: object) -> bool:
    """Whether `value` is JSON's false or the text of it."""
    return value is False or value == "false"


def account_id(*candidates: object) -> str | None:
    """The first of `candidates` that is an account id, as 12 digits.

    A number has lost its leading zeros and gets them back. A short text of digits counts only if nothing better is
    there.
    """
    for value in candidates:
        if isinstance(value, str) and _ACCOUNT.fullmatch(value):
            return value
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**12:
            return f"{value:012d}"
    for value in candidates:
        if isinstance(value, str) and _SHORT_ACCOUNT.fullmatch(value):
            return value.zfill(12)
    return None


def region_name(*candidates: object) -> str | None:
    """The first of `candidates` that has the form of a region's name."""
    for value in candidates:
        if isinstance(value, str) and _REGION.fullmatch(value):
            return value
    return None


def bucket_name(value: object) -> str | None:
    """`value` if a bucket could ever have had that name, else None."""
    if isinstance(value, str) and len(value) <= _BUCKET_NAME_LIMIT and _BUCKET.fullmatch(value):
        return value
    return None


def object_name(key: object, version: object) -> ObjectName | None:
    """The object of that key, and of that version if one is named; None if there could be no such object."""
    if not isinstance(key, str) or not 0 < len(key.encode(errors="surrogatepass")) <= _KEY_LIMIT or not _whole(key):
        return None
    named = isinstance(version, str) and len(version) <= _KEY_LIMIT and version.isascii() and version.isprintable()
    return ObjectName(key, str(version) if named else "")


def _whole(text: str) -> bool:
    """Whether there is no lone surrogate in it, which no key can hold."""
    return not any("\ud800" <= char <= "\udfff" for char in text)


def bucket_arn(value: object) -> tuple[str, str] | None:
    """Partition and bucket name of a bucket's ARN, or of an object's in it; None for any other ARN and for no ARN."""
    found = _BUCKET_ARN.fullmatch(value) if isinstance(value, str) else None
    if found is None or bucket_name(found[2]) is None:
        return None
    return found[1], found[2]


class PointArn(NamedTuple):
    """What the ARN of an access point tells."""

    partition: str
    region: str
    account: str
    name: str


def point_name(value: object) -> str | None:
    """`value` if an access point could have that name, else None."""
    return value if isinstance(value, str) and _POINT.fullmatch(value) else None


def point_arn(value: object) -> PointArn | None:
    """The parts of an access point's ARN; None for any other ARN, a multi-region access point's too, and for no ARN."""
    found = _POINT_ARN.fullmatch(value) if isinstance(value, str) else None
    return None if found is None or point_name(found[4]) is None else PointArn(*found.groups())


def partition_of(*candidates: object) -> str | None:
    """The partition that the first ARN among `candidates` tells."""
    for value in candidates:
        found = _ARN_PARTITION.match(value) if isinstance(value, str) else None
        if found is not None:
            return found[1]
    return None


def moment(*candidates: object) -> datetime | None:
    """The first of `candidates` that is an ISO 8601 time, in UTC; a time without offset is taken as UTC."""
    for value in candidates:
        if not isinstance(value, str) or not 10 <= len(value) <= 40:
            continue
        try:
            at = datetime.fromisoformat(value)
            return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return None
