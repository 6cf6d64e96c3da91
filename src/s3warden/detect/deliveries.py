"""Whether a bucket takes what an AWS service delivers: asked of its policy as one request of the service, word by word.

Takes the readings of the bucket, hands on whether the delivery gets in and what stands in its way. Pure.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from s3warden.detect.exposure.concrete import Decision, Request, decide
from s3warden.detect.exposure.inputs import ENFORCED
from s3warden.detect.exposure.memo import speaks_of_time
from s3warden.detect.exposure.parse import parse
from s3warden.model.bucket import Absent, Present, Reading, Unreadable
from s3warden.model.configuration import LOG_DELIVERY, Acl, Ownership, Policy

_STRINGS = re.compile(r'"([^"]*)"')
LOGGING_SERVICE = ".".join(("logging", "s3", "amazonaws", "com"))  # noqa: FLY002 - no host of AWS is spelled out
INVENTORY_SERVICE = LOGGING_SERVICE.removeprefix("logging.")


@dataclass(frozen=True, slots=True)
class Delivery:
    """An object that a service writes for somebody: for the account `account`, because of the resource `source`."""

    service: str
    bucket_arn: str
    key: str
    account: str
    source: str


def decided(policy: Reading[Policy], delivery: Delivery) -> Decision:
    """What the bucket policy says of the delivery; nothing granted where there is no policy."""
    match policy:
        case Present(value=Policy(text=text)):
            return _decided(text, delivery)
        case Absent():
            return Decision.NOT_GRANTED
    return Decision.UNDECIDED


def takes_all_alike(policy: Reading[object], bucket: str) -> bool:
    """Whether `decided` says the same of all deliveries to `bucket` for one account, whatever their source and key."""
    match policy:
        case Absent():
            return True
        case Present(value=Policy(text=text)):
            return _looks_at_no_source(text, bucket)
    return False


@lru_cache(maxsize=1024)
def _looks_at_no_source(text: str, bucket: str) -> bool:
    if any(word in text.lower() for word in ("\\", "$", "sourcearn")) or speaks_of_time(text):
        return False
    return all(_says_nothing_of_keys(value, bucket) for value in _STRINGS.findall(text))


def _says_nothing_of_keys(value: str, bucket: str) -> bool:
    whole = f":s3:::{bucket}/*"
    if value == "*" or value.startswith("s3:"):
        return True
    rest = value.removesuffix(whole)
    return not set("*?") & set(rest) and not (":s3:::" in rest and "/" in rest)


@lru_cache(maxsize=1024)
def _decided(text: str, delivery: Delivery) -> Decision:
    return decide(_request(delivery), parse(text).seen_by(delivery.service))


def _request(delivery: Delivery) -> Request:
    return Request(
        action="s3:PutObject",
        resource=f"{delivery.bucket_arn}/{delivery.key}",
        signed=True,
        account=None,
        principals=(),
        social=False,
        context={
            "aws:securetransport": ("true",),
            "s3:tlsversion": ("1.3",),
            "aws:principalisawsservice": ("true",),
            "aws:principalservicename": (delivery.service,),
            "aws:principalservicenameslist": (delivery.service,),
            "aws:sourceaccount": (delivery.account,),
            "aws:sourcearn": (delivery.source,),
        },
    )


def by_acl(acl: Reading[Acl], ownership: Reading[Ownership]) -> bool | None:
    """Whether the old grant lets log delivery in: WRITE to the group, while ACLs work; None if that is not known."""
    if isinstance(acl, Unreadable) or isinstance(ownership, Unreadable):
        return None
    if isinstance(ownership, Present) and ownership.value.object_ownership == ENFORCED:
        return False
    tail = LOG_DELIVERY.rpartition("/groups/")[2]
    given = acl.value.grants if isinstance(acl, Present) else ()
    return any(g.grantee.endswith(tail) and g.permission in {"WRITE", "FULL_CONTROL"} for g in given)
