"""Takes a finding of IAM Access Analyzer and hands on the bucket it is about.

New, archived, resolved, deleted and failed findings alike: each says that something about the bucket may have changed.
"""

from s3warden.collect.envelope import Envelope
from s3warden.collect.fields import account_id, bucket_arn, mapping, region_name
from s3warden.collect.reasons import RefreshReason, SkipReason
from s3warden.collect.targets import whole_bucket
from s3warden.model.event import Refresh, Skip

KIND = "access_analyzer"
DETAIL_TYPE = "Access Analyzer Finding"


def parse(event: Envelope) -> Refresh | Skip:
    """The bucket of the finding; its account is in the detail, the envelope's is the analyser's."""
    detail = mapping(event.detail)
    trigger = event.trigger(DETAIL_TYPE)
    arn = bucket_arn(detail.get("resource"))
    if detail.get("resourceType", "AWS::S3::Bucket") != "AWS::S3::Bucket" or arn is None:
        return Skip(SkipReason.OTHER_RESOURCE, KIND, trigger)
    target = whole_bucket(
        arn[1],
        account=account_id(detail.get("accountId"), event.account),
        region=region_name(detail.get("region"), event.region),
        partition=arn[0],
    )
    return Refresh((target,), trigger, RefreshReason.FINDING, KIND)
