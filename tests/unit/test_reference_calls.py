"""What the rules about references cost in calls: keys and targets are shared, so the price is the account's."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from s3warden.collect.fetch import Fetch
from s3warden.detect.rules import RULES, needs
from s3warden.model.bucket import ACCOUNT_ASPECTS, Aspect
from s3warden.model.event import Listing
from support.services import MISSING, Services
from support.spine import ACCOUNT, HOME, bucket

OURS = {
    "bucket-kms-key-usable", "bucket-kms-key-policy-public", "bucket-log-target-valid", "bucket-log-bucket-not-public",
    "bucket-replication-external", "bucket-replication-destination-hijackable", "account-origin-bucket-missing",
    "account-dns-bucket-missing", "account-bucket-name-released", "account-shadow-resource",
    "account-directory-bucket-external", "account-table-bucket-external", "account-vector-bucket-external",
    "account-access-point-foreign-bucket",
}  # fmt: skip
DERIVED = frozenset(
    {Aspect.REFERRERS, Aspect.DEFAULT_KEY, Aspect.KEY_POLICY, Aspect.LOG_TARGET, Aspect.REPLICATION_DESTINATIONS}
)
BUCKETS, KEYS = 300, 3


def _encryption(_ref: object, params: Mapping[str, Any]) -> dict[str, Any]:
    key = f"arn:aws:kms:eu-west-1:{HOME}:key/{int(params['Bucket'][1:]) % KEYS}" if params["Bucket"] != "logs" else ""
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key} if key else {"SSEAlgorithm": "AES256"}
    return {"ServerSideEncryptionConfiguration": {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}}


def estate() -> Services:
    """300 buckets under three keys that log to one bucket and are copied to two, one of them nobody's."""
    copies = [
        {"Status": "Enabled", "Priority": n, "Filter": {}, "Destination": {"Bucket": f"arn:aws:s3:::{name}"}}
        for n, name in enumerate(("replica", "gone"))
    ]
    metadata = {"KeyManager": "CUSTOMER", "KeyState": "Enabled"}
    return Services(
        {
            "bucket GetBucketEncryption": _encryption,
            "bucket GetBucketLogging": {"LoggingEnabled": {"TargetBucket": "logs", "TargetPrefix": ""}},
            "bucket GetBucketReplication": {"ReplicationConfiguration": {"Role": "r", "Rules": copies}},
            "kms DescribeKey": lambda _, params: {"KeyMetadata": {**metadata, "Arn": params["KeyId"]}},
            "kms GetKeyPolicy": {"Policy": '{"Version": "2012-10-17", "Statement": []}'},
            "s3 HeadBucket": MISSING,
            "cloudfront ListDistributions": {"DistributionList": {"IsTruncated": False}},
            "route53 ListHostedZones": {"HostedZones": [], "IsTruncated": False},
            "s3 ListDirectoryBuckets": {"Buckets": []},
            "s3tables ListTableBuckets": {"tableBuckets": []},
            "s3control ListAccessPoints": {"AccessPointList": []},
            "s3vectors ListVectorBuckets": {"vectorBuckets": []},
        }
    )


def test_these_are_the_rules_of_the_default_profile_that_look_at_references() -> None:
    """A new one has its cost counted here, too."""
    ours = {rule.info.id for rule in RULES if rule.info.default and rule.info.needs & DERIVED}
    assert ours <= OURS | {rule.info.id for rule in RULES if "-trail-" in rule.info.id}
    assert all(rule.info.default for rule in RULES if rule.info.id in OURS)


async def test_buckets_share_what_they_point_at() -> None:
    """Beside the settings themselves: two calls a key, seven a log target, one a name that nobody is known to have."""
    aws = estate()
    fetch = Fetch(aws)
    names = [f"b{n}" for n in range(BUCKETS)]
    fetch.neighbours.owners.guard([ACCOUNT])
    fetch.neighbours.owners.listed(Listing(ACCOUNT, tuple(map(bucket, (*names, "logs", "replica")))))
    for name in names:
        await fetch.bucket(bucket(name), DERIVED | {Aspect.ENCRYPTION, Aspect.LOGGING, Aspect.REPLICATION})
    asked = Counter(each.what for each in aws.asked if each.params.get("Bucket") not in names)
    assert asked == Counter(
        {
            "kms DescribeKey": KEYS,
            "kms GetKeyPolicy": KEYS,
            "s3 HeadBucket": 1,
            **dict.fromkeys(
                (
                    "bucket GetBucketAcl",
                    "bucket GetBucketPolicy",
                    "bucket GetBucketOwnershipControls",
                    "bucket GetBucketEncryption",
                    "bucket GetObjectLockConfiguration",
                    "bucket GetBucketRequestPayment",
                    "bucket GetBucketLogging",
                ),
                1,
            ),
        }
    )
    assert sum(asked.values()) / BUCKETS < 0.05


async def test_account_of_one_region_costs_eleven_calls_and_no_more_within_the_hour() -> None:
    """Distributions and zones, five predictable names, a list for each newer kind and of points."""
    aws = estate()
    fetch = Fetch(aws)
    fetch.neighbours.owners.guard([ACCOUNT])
    fetch.neighbours.owners.listed(Listing(ACCOUNT, ()))
    wanted = needs(rule for rule in RULES if rule.info.id in OURS) & ACCOUNT_ASPECTS
    own = wanted - {Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK, Aspect.MULTI_REGION_ACCESS_POINTS}
    await fetch.account(ACCOUNT, own, regions=["eu-west-1"])
    assert Counter(each.what for each in aws.asked) == {
        "cloudfront ListDistributions": 1,
        "route53 ListHostedZones": 1,
        "s3 HeadBucket": 5,
        "s3 ListDirectoryBuckets": 1,
        "s3control ListAccessPoints": 1,
        "s3tables ListTableBuckets": 1,
        "s3vectors ListVectorBuckets": 1,
    }
