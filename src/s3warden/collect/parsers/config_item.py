"""Takes a change that AWS Config recorded, also one too large to be sent whole, and hands on its bucket or account."""

from s3warden.collect.envelope import Envelope
from s3warden.collect.fields import account_id, bucket_arn, bucket_name, clean, mapping, partition_of, region_name
from s3warden.collect.reasons import RefreshReason, SkipReason
from s3warden.collect.targets import account_block, whole_bucket
from s3warden.model.event import Refresh, Skip, Target

KIND = "config_item"
DETAIL_TYPE = "Config Configuration Item Change"

_BUCKET = "AWS::S3::Bucket"
_ACCOUNT_BLOCK = "AWS::S3::AccountPublicAccessBlock"


def parse(event: Envelope) -> Refresh | Skip:
    """The bucket or account whose item changed; a deleted one too, since its state must go away."""
    detail = mapping(event.detail)
    item = mapping(detail.get("configurationItem")) or mapping(detail.get("configurationItemSummary"))
    trigger = event.trigger(clean(detail.get("messageType"), 64) or DETAIL_TYPE)
    target = _target(event, item)
    if isinstance(target, SkipReason):
        return Skip(target, KIND, trigger)
    return Refresh((target,), trigger, RefreshReason.CHANGE, KIND)


def _target(event: Envelope, item: object) -> Target | SkipReason:
    item = mapping(item)
    arn = item.get("ARN")
    kind = item.get("resourceType")
    if kind == _ACCOUNT_BLOCK:
        account = account_id(item.get("awsAccountId"), item.get("resourceId"), event.account)
        return SkipReason.NO_ACCOUNT if account is None else account_block(account, partition=partition_of(arn))
    if kind != _BUCKET:
        return SkipReason.OTHER_RESOURCE
    parts = bucket_arn(arn)
    name = bucket_name(item.get("resourceName")) or bucket_name(item.get("resourceId")) or (parts and parts[1])
    if not name:
        return SkipReason.NO_BUCKET
    return whole_bucket(
        name,
        account=account_id(item.get("awsAccountId"), event.account),
        region=region_name(item.get("awsRegion"), event.region),
        partition=partition_of(arn),
    )
