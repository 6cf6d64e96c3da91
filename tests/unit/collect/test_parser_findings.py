"""The events of the other services: Config, Access Analyzer, Macie, GuardDuty, Security Hub, and S3 itself."""

import json
from typing import Any

import pytest

from s3warden.collect.parser import parse
from s3warden.collect.parsers import s3_native
from s3warden.model.bucket import BUCKET_ASPECTS, Aspect
from s3warden.model.event import Level, Skip, Target
from support.cloudtrail import ADMINISTRATOR, BUCKET, CALLER, DROP, OWNER, REGION, envelope, finding, merged

BLOCK = frozenset({Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK})


def targets(body: str) -> tuple[Target, ...]:
    """What `body` wants refreshed; nothing if it is skipped."""
    parsed = parse(body)
    return () if isinstance(parsed, Skip) else parsed.targets  # type: ignore[union-attr]


def reason(body: str) -> str:
    """The reason given for `body`."""
    return parse(body).reason


def whole(bucket: str = BUCKET, account: str = OWNER, partition: str | None = "aws") -> Target:
    """The target that stands for everything of one bucket."""
    return Target(Level.BUCKET, account, REGION, bucket, BUCKET_ASPECTS, partition)


def config(key: str = "configurationItem", **changes: Any) -> str:
    """A recorded change of a bucket."""
    item = {
        "awsAccountId": OWNER,
        "awsRegion": REGION,
        "resourceType": "AWS::S3::Bucket",
        "resourceId": BUCKET,
        "resourceName": BUCKET,
        "ARN": f"arn:aws:s3:::{BUCKET}",
        "configurationItemStatus": "OK",
    }
    detail = {"messageType": "ConfigurationItemChangeNotification", key: merged(item, changes)}
    return finding("aws.config", "Config Configuration Item Change", detail)


@pytest.mark.parametrize("key", ["configurationItem", "configurationItemSummary"])
@pytest.mark.parametrize("status", ["OK", "ResourceDiscovered", "ResourceDeleted"])
def test_case_32_config_item_names_its_bucket(key: str, status: str) -> None:
    """Whole or, when too large, as a summary; a deleted bucket too."""
    assert targets(config(key, configurationItemStatus=status)) == (whole(),)
    assert reason(config(key)) == "change"


@pytest.mark.parametrize("key", ["configurationItem", "configurationItemSummary"])
def test_case_32_config_item_of_the_account_block_is_the_account(key: str) -> None:
    """Config knows the account's block as a resource of its own, whose id is the account."""
    body = config(key, resourceType="AWS::S3::AccountPublicAccessBlock", resourceId=OWNER, resourceName=DROP, ARN=DROP)
    assert targets(body) == (Target(Level.ACCOUNT, OWNER, aspects=BLOCK),)


def test_config_item_is_found_by_id_or_arn() -> None:
    """Any of its three names will do."""
    assert targets(config(resourceName=None)) == (whole(),)
    assert targets(config(resourceName=None, resourceId=None)) == (whole(),)
    assert reason(config(resourceName=None, resourceId=None, ARN=None)) == "no_bucket"


def test_config_item_of_another_resource_is_skipped() -> None:
    """Config records everything."""
    assert reason(config(resourceType="AWS::SQS::Queue")) == "other_resource"


def analyzer(**changes: Any) -> str:
    """An Access Analyzer finding."""
    detail = {
        "accountId": OWNER,
        "region": REGION,
        "resource": f"arn:aws:s3:::{BUCKET}",
        "resourceType": "AWS::S3::Bucket",
        "status": "ACTIVE",
        "isDeleted": False,
    }
    return finding("aws.access-analyzer", "Access Analyzer Finding", merged(detail, changes))


@pytest.mark.parametrize(
    "changes", [{}, {"status": "RESOLVED"}, {"status": "ARCHIVED"}, {"isDeleted": True}, {"error": "ACCESS_DENIED"}]
)
def test_case_30_access_analyzer_finding_of_any_state_is_a_hint(changes: dict[str, Any]) -> None:
    """Each says that something about the bucket may have changed; the account is the detail's, not the analyser's."""
    assert targets(analyzer(**changes)) == (whole(),)
    assert reason(analyzer(**changes)) == "finding"


@pytest.mark.parametrize(
    "changes",
    [
        {"resourceType": "AWS::IAM::Role", "resource": f"arn:aws:iam::{OWNER}:role/x"},
        {"resourceType": "AWS::S3Express::DirectoryBucket"},
        {"resource": None},
        {"resource": f"arn:aws:s3:{REGION}:{OWNER}:accesspoint/x"},
    ],
)
def test_access_analyzer_finding_of_another_resource_is_skipped(changes: dict[str, Any]) -> None:
    """Roles, keys and queues have findings too."""
    assert reason(analyzer(**changes)) == "other_resource"


def macie(**changes: Any) -> str:
    """A Macie policy finding."""
    detail = {
        "accountId": OWNER,
        "partition": "aws",
        "region": REGION,
        "type": "Policy:IAMUser/S3BucketPublic",
        "category": "POLICY",
        "archived": False,
        "resourcesAffected": {"s3Bucket": {"arn": f"arn:aws:s3:::{BUCKET}", "name": BUCKET}},
    }
    return finding("aws.macie", "Macie Finding", merged(detail, changes))


def test_case_31_macie_finding_points_at_the_members_account() -> None:
    """The envelope is the administrator's."""
    assert targets(macie()) == (whole(),)
    assert targets(macie(accountId=DROP)) == (whole(account=ADMINISTRATOR),)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"archived": True}, "finding_archived"),
        ({"type": "SensitiveData:S3Object/Personal", "category": "CLASSIFICATION"}, "object_level"),
        ({"resourcesAffected": {}}, "other_resource"),
        ({"resourcesAffected": {"s3Bucket": {"name": "a/b"}}}, "other_resource"),
    ],
)
def test_macie_finding_that_tells_of_no_change_is_skipped(changes: dict[str, Any], expected: str) -> None:
    """Archived by somebody, about an object, or about nothing that can be named."""
    assert reason(macie(**changes)) == expected


def guardduty(**changes: Any) -> str:
    """A GuardDuty finding about two buckets."""
    buckets = [{"arn": f"arn:aws:s3:::{name}", "name": name} for name in ("one", "two", "one")]
    detail = {
        "accountId": OWNER,
        "region": REGION,
        "type": "Policy:S3/BucketAnonymousAccessGranted",
        "resource": {"resourceType": "S3Bucket", "s3BucketDetails": buckets},
        "service": {"archived": False},
    }
    return finding("aws.guardduty", "GuardDuty Finding", merged(detail, changes))


def test_case_30_guardduty_finding_names_several_buckets() -> None:
    """Each of them once."""
    assert targets(guardduty()) == (whole("one"), whole("two"))


def test_guardduty_finding_on_the_account_block_is_the_account() -> None:
    """It has no buckets."""
    body = guardduty(type="Policy:S3/AccountBlockPublicAccessDisabled", resource={"resourceType": "AccessKey"})
    assert targets(body) == (Target(Level.ACCOUNT, OWNER, aspects=BLOCK),)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"service": {"archived": True}}, "finding_archived"),
        ({"resource": {"resourceType": "Instance"}}, "other_resource"),
        ({"resource": {"s3BucketDetails": "x"}}, "other_resource"),
    ],
)
def test_guardduty_finding_about_no_bucket_is_skipped(changes: dict[str, Any], expected: str) -> None:
    """Most findings are about something else."""
    assert reason(guardduty(**changes)) == expected


def hub_finding(bucket: str, account: str = OWNER, **changes: Any) -> dict[str, Any]:
    """One finding of Security Hub."""
    resource = {"Type": "AwsS3Bucket", "Id": f"arn:aws:s3:::{bucket}", "Region": REGION, "Partition": "aws"}
    base = {
        "AwsAccountId": account,
        "RecordState": "ACTIVE",
        "Compliance": {"Status": "FAILED"},
        "Resources": [{"Type": "AwsAccount", "Id": f"AWS::::Account:{account}"}, resource],
    }
    return merged(base, changes)


def hub(*findings: object, kind: str = "Imported") -> str:
    """A Security Hub event."""
    return finding("aws.securityhub", f"Security Hub Findings - {kind}", {"findings": list(findings)})


@pytest.mark.parametrize("kind", ["Imported", "Custom Action"])
def test_case_30_security_hub_event_names_buckets_of_many_accounts(kind: str) -> None:
    """Ten findings, ten accounts, ten buckets."""
    found = targets(hub(*(hub_finding(f"bucket-{n}", f"70000000001{n}") for n in range(10)), kind=kind))
    assert [(target.bucket, target.account) for target in found] == [
        (f"bucket-{n}", f"70000000001{n}") for n in range(10)
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"Compliance": {"Status": "PASSED"}}, "finding_passed"),
        ({"RecordState": "ARCHIVED"}, "finding_archived"),
        ({"Resources": [{"Type": "Other", "Id": "arn:aws:s3:::x"}]}, "other_resource"),
        ({"Resources": None}, "other_resource"),
    ],
)
def test_case_30_closed_security_hub_finding_is_left_out(changes: dict[str, Any], expected: str) -> None:
    """Alone it is skipped, beside an open one only the open one counts."""
    closed = hub_finding("closed", **changes)
    assert reason(hub(closed)) == expected
    assert targets(hub(closed, hub_finding("open"), None, 7)) == (whole("open"),)


def test_security_hub_bucket_is_found_by_a_malformed_arn_or_its_details() -> None:
    """A real product wrote the ARN without the service; the owner's account is in the details."""
    resource: dict[str, Any] = {"Type": "AwsS3Bucket", "Id": f"arn:aws:::{BUCKET}", "Region": REGION}
    assert targets(hub(hub_finding("x", Resources=resource))) == (whole(),)
    details = {"AwsS3Bucket": {"Name": BUCKET, "OwnerAccountId": CALLER}}
    resource |= {"Id": "odd", "Details": details}
    assert targets(hub(hub_finding("x", Resources=[resource]))) == (whole(account=CALLER, partition=None),)


@pytest.mark.parametrize("detail_type", sorted({*s3_native.DETAIL_TYPES} - {s3_native.ACL_UPDATED}))
def test_object_events_of_s3_are_skipped(detail_type: str) -> None:
    """They come at the rate of the objects and never speak of the bucket's configuration."""
    detail = {"bucket": {"name": BUCKET}, "object": {"key": "k"}}
    assert reason(json.dumps(envelope(detail, detail_type=detail_type))) == "object_level"
