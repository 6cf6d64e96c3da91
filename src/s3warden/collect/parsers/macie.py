"""Takes a Macie finding and hands on the bucket it is about.

Sensitive-data findings come one an object and say nothing of the bucket's configuration: they are left alone.
"""

from s3warden.collect.envelope import Envelope
from s3warden.collect.fields import (
    account_id,
    bucket_arn,
    bucket_name,
    clean,
    is_true,
    mapping,
    partition_of,
    region_name,
)
from s3warden.collect.reasons import RefreshReason, SkipReason
from s3warden.collect.targets import whole_bucket
from s3warden.model.event import Refresh, Skip

KIND = "macie"
DETAIL_TYPE = "Macie Finding"


def parse(event: Envelope) -> Refresh | Skip:
    """The bucket of a policy finding; its account is in the detail, the envelope's may be the administrator's."""
    detail = mapping(event.detail)
    kind = clean(detail.get("type"), 128)
    trigger = event.trigger(kind or DETAIL_TYPE)
    if is_true(detail.get("archived")):
        return Skip(SkipReason.FINDING_ARCHIVED, KIND, trigger)
    if kind.startswith("SensitiveData:") or detail.get("category") == "CLASSIFICATION":
        return Skip(SkipReason.OBJECT_LEVEL, KIND, trigger)
    bucket = mapping(mapping(detail.get("resourcesAffected")).get("s3Bucket"))
    arn = bucket_arn(bucket.get("arn"))
    name = bucket_name(bucket.get("name")) or (arn and arn[1])
    if not name:
        return Skip(SkipReason.OTHER_RESOURCE, KIND, trigger)
    target = whole_bucket(
        name,
        account=account_id(detail.get("accountId"), event.account),
        region=region_name(detail.get("region"), event.region),
        partition=partition_of(bucket.get("arn")),
    )
    return Refresh((target,), trigger, RefreshReason.FINDING, KIND)
