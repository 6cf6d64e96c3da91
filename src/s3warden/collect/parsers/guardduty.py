"""Takes a GuardDuty finding and hands on the buckets it names, or the account whose public access block it is about."""

from collections.abc import Iterator, Mapping

from s3warden.collect.envelope import Envelope
from s3warden.collect.fields import (
    account_id,
    bucket_arn,
    bucket_name,
    clean,
    is_true,
    items,
    mapping,
    partition_of,
    region_name,
)
from s3warden.collect.reasons import RefreshReason, SkipReason
from s3warden.collect.targets import account_block, unique, whole_bucket
from s3warden.model.event import Refresh, Skip, Target

KIND = "guardduty"
DETAIL_TYPE = "GuardDuty Finding"

_ACCOUNT_BLOCK = "Policy:S3/AccountBlockPublicAccessDisabled"


def parse(event: Envelope) -> Refresh | Skip:
    """The targets of the finding; their account is in the detail, the envelope's may be the administrator's."""
    detail = mapping(event.detail)
    kind = clean(detail.get("type"), 128)
    trigger = event.trigger(kind or DETAIL_TYPE)
    if is_true(mapping(detail.get("service")).get("archived")):
        return Skip(SkipReason.FINDING_ARCHIVED, KIND, trigger)
    account = account_id(detail.get("accountId"), event.account)
    targets = unique(_buckets(event, detail, account))
    if kind == _ACCOUNT_BLOCK and account is not None:
        targets = (account_block(account, partition=partition_of(detail.get("arn"))),)
    if not targets:
        return Skip(SkipReason.OTHER_RESOURCE, KIND, trigger)
    return Refresh(targets, trigger, RefreshReason.FINDING, KIND)


def _buckets(event: Envelope, detail: Mapping[str, object], account: str | None) -> Iterator[Target]:
    region = region_name(detail.get("region"), event.region)
    for item in items(mapping(detail.get("resource")).get("s3BucketDetails")):
        bucket = mapping(item)
        arn = bucket_arn(bucket.get("arn"))
        name = bucket_name(bucket.get("name")) or (arn and arn[1])
        if name:
            yield whole_bucket(name, account=account, region=region, partition=partition_of(bucket.get("arn")))
