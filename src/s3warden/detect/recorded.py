"""Which events on a bucket's objects CloudTrail's selectors select, and whether they select what changes S3's settings.

Takes selectors as they were read, hands on how much of a bucket they see. Pure.

Sources: "Logging data events" of the CloudTrail user guide for classic selectors; AdvancedFieldSelector in the
CloudTrail API reference, and the user guide on how several conditions on one field go together: any of those that
select is enough, any of those that deselect is too much.
"""

from collections.abc import Callable, Iterable, Mapping
from enum import IntEnum
from itertools import chain

from s3warden.model.trails import AdvancedSelector, BasicSelector, FieldSelector, Selectors

_OBJECTS = "AWS::S3::Object"
_S3 = ".".join(("s3", "amazonaws", "com"))  # noqa: FLY002 - no host of AWS is spelled out in code
_WRITES = (
    "CompleteMultipartUpload",
    "CopyObject",
    "CreateMultipartUpload",
    "DeleteObject",
    "DeleteObjects",
    "PutObject",
    "PutObjectAcl",
    "PutObjectTagging",
    "RestoreObject",
    "UploadPart",
)
_READS = ("GetObject", "GetObjectAcl", "GetObjectAttributes", "GetObjectTagging", "HeadObject", "ListParts")


class Share(IntEnum):
    """How much of something is seen."""

    NONE = 0
    PART = 1
    WHOLE = 2


def objects_seen(selectors: Selectors, bucket_arn: str, *, write: bool) -> Share:
    """How much of the writes to a bucket's objects, or of the reads of them, is recorded.

    What several selectors see in parts is a part, even if the parts should make up the whole.
    """
    root = f"{bucket_arn}/"
    basic = (_basic(selector, root) for selector in selectors.basic if (selector.writes if write else selector.reads))
    advanced = (_advanced(selector, root, write=write) for selector in selectors.advanced)
    return max((*basic, *advanced), default=Share.NONE)


def tells_names_apart(selectors: Selectors, partition: str) -> bool:
    """Whether some buckets are recorded and others not for how their names begin. A whole name ends in a slash."""
    head = f"arn:{partition}:s3:::"
    basic = chain.from_iterable(selector.objects for selector in selectors.basic)
    fields = chain.from_iterable(selector.fields for selector in selectors.advanced)
    advanced = chain.from_iterable((*each.starts_with, *each.not_starts_with) for each in fields)
    return any(each.startswith(head) and each != head and "/" not in each for each in (*basic, *advanced))


def settings_seen(selectors: Selectors) -> bool:
    """Whether calls that change buckets and their settings are recorded, all of them."""
    basic = any(selector.management and selector.writes for selector in selectors.basic)
    return basic or any(_manages(selector) for selector in selectors.advanced)


def _basic(selector: BasicSelector, root: str) -> Share:
    return max((_begins(value, root) for value in selector.objects), default=Share.NONE)


def _begins(value: str, root: str) -> Share:
    """How many of the ARNs that begin with `root` begin with `value`."""
    if root.startswith(value):
        return Share.WHOLE
    return Share.PART if value.startswith(root) else Share.NONE


def _advanced(selector: AdvancedSelector, root: str, *, write: bool) -> Share:
    names = _WRITES if write else _READS
    known: dict[str, Callable[[FieldSelector], Share]] = {
        "eventCategory": lambda field: _of("Data", field),
        "resources.type": lambda field: _of(_OBJECTS, field),
        "resources.ARN": lambda field: _of_arns(root, field),
        "readOnly": lambda field: _of("false" if write else "true", field),
        "eventName": lambda field: _of_all(names, field),
        "eventSource": lambda field: _of(_S3, field),
        "eventType": lambda field: _of("AwsApiCall", field),
    }
    if not {"eventCategory", "resources.type"} <= {field.field for field in selector.fields}:
        return Share.NONE
    # Any other field tells callers or ways apart: some are seen, others are not.
    return _all(selector, known)


def _manages(selector: AdvancedSelector) -> bool:
    known: dict[str, Callable[[FieldSelector], Share]] = {
        "eventCategory": lambda field: _of("Management", field),
        "readOnly": lambda field: _of("false", field),
        "eventSource": lambda field: _of(_S3, field),
        "eventType": lambda field: _of("AwsApiCall", field),
    }
    named = any(field.field == "eventCategory" for field in selector.fields)
    return named and _all(selector, known) is Share.WHOLE


def _all(selector: AdvancedSelector, known: Mapping[str, Callable[[FieldSelector], Share]]) -> Share:
    """What meets the conditions on all fields."""
    return min(known[field.field](field) if field.field in known else Share.PART for field in selector.fields)


def _of(value: str, field: FieldSelector) -> Share:
    """Whether an event with this very value is selected."""
    selects = field.equals or field.starts_with or field.ends_with
    selected = (
        value in field.equals
        or value.startswith(field.starts_with or ("\0",))
        or value.endswith(field.ends_with or ("\0",))
    )
    deselected = (
        value in field.not_equals
        or value.startswith(field.not_starts_with or ("\0",))
        or value.endswith(field.not_ends_with or ("\0",))
    )
    return Share.WHOLE if (selected or not selects) and not deselected else Share.NONE


def _of_all(values: Iterable[str], field: FieldSelector) -> Share:
    shares = {_of(value, field) for value in values}
    return shares.pop() if len(shares) == 1 else Share.PART


def _of_arns(root: str, field: FieldSelector) -> Share:
    """How many of a bucket's objects are selected by their ARN."""
    selects = [
        *(_one_of(value, root) for value in field.equals),
        *(_begins(value, root) for value in field.starts_with),
        *(Share.PART for _ in field.ends_with),
    ]
    left = [
        *(_without(_one_of(value, root)) for value in field.not_equals),
        *(_without(_begins(value, root)) for value in field.not_starts_with),
        *(Share.PART for _ in field.not_ends_with),
    ]
    return min((max(selects) if selects else Share.WHOLE, *left))


def _one_of(arn: str, root: str) -> Share:
    """The share of one object: a part of the bucket it is in."""
    return Share.PART if arn.startswith(root) else Share.NONE


def _without(share: Share) -> Share:
    """What is left of the whole."""
    return Share(Share.WHOLE - share) if share is not Share.PART else Share.PART
