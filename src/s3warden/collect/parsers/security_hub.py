"""Takes the findings of a Security Hub event and hands on the buckets they name, of whatever account each is.

Findings that passed or are archived say that nothing is wrong, and come by the thousand: they are left alone.
"""

from collections.abc import Iterator, Mapping

from s3warden.collect.envelope import Envelope
from s3warden.collect.fields import account_id, bucket_arn, bucket_name, items, mapping, region_name
from s3warden.collect.reasons import RefreshReason, SkipReason
from s3warden.collect.targets import unique, whole_bucket
from s3warden.model.event import Refresh, Skip, Target

KIND = "security_hub"
DETAIL_TYPES = ("Security Hub Findings - Imported", "Security Hub Findings - Custom Action")


def parse(event: Envelope) -> Refresh | Skip:
    """The buckets of the findings that are open."""
    trigger = event.trigger(event.detail_type)
    targets: list[Target] = []
    reason = SkipReason.OTHER_RESOURCE
    for item in items(mapping(event.detail).get("findings")):
        finding = mapping(item)
        buckets = tuple(_buckets(event, finding))
        closed = _closed(finding) if buckets else None
        if closed is None:
            targets += buckets
        else:
            reason = closed
    if not targets:
        return Skip(reason, KIND, trigger)
    return Refresh(unique(targets), trigger, RefreshReason.FINDING, KIND)


def _closed(finding: Mapping[str, object]) -> SkipReason | None:
    if finding.get("RecordState") == "ARCHIVED":
        return SkipReason.FINDING_ARCHIVED
    passed = mapping(finding.get("Compliance")).get("Status") == "PASSED"
    return SkipReason.FINDING_PASSED if passed else None


def _buckets(event: Envelope, finding: Mapping[str, object]) -> Iterator[Target]:
    for item in items(finding.get("Resources")):
        resource = mapping(item)
        if resource.get("Type") != "AwsS3Bucket":
            continue
        details = mapping(mapping(resource.get("Details")).get("AwsS3Bucket"))
        arn = bucket_arn(resource.get("Id"))
        name = arn[1] if arn is not None else bucket_name(details.get("Name"))
        if name:
            yield whole_bucket(
                name,
                account=account_id(details.get("OwnerAccountId"), finding.get("AwsAccountId"), event.account),
                region=region_name(resource.get("Region"), finding.get("Region"), event.region),
                partition=arn[0] if arn is not None else None,
            )
