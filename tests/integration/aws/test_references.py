"""Keys, log targets, distributions, zones and newer kinds of buckets against a real wire, by two accounts."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from s3warden.aws.calls import Calls
from s3warden.aws.s3 import S3Reader
from s3warden.aws.session import Sessions
from s3warden.collect.fetch import Fetch
from s3warden.model.bucket import ABSENT, AccountRef, Aspect, BucketRef, Present, Reading
from s3warden.model.event import Listing
from s3warden.model.keys import Key
from s3warden.model.origins import DnsRecord
from s3warden.model.references import Standing

REGION = "eu-west-1"
PLACE = {"LocationConstraint": REGION}


@pytest.fixture
def account(fresh_account: Callable[[], str]) -> AccountRef:
    """An account with nothing in it."""
    return AccountRef("aws", fresh_account())


@pytest.fixture
def friend(fresh_account: Callable[[], str]) -> AccountRef:
    """Another one."""
    return AccountRef("aws", fresh_account())


@pytest.fixture
def fetch(calls: Calls, account: AccountRef) -> Fetch:
    """Reads of an estate of that one account, with no bucket known yet."""
    found = Fetch(S3Reader(calls))
    found.neighbours.owners.guard([account])
    found.neighbours.owners.listed(Listing(account, ()))
    return found


async def client(sessions: Sessions, service: str, account: AccountRef) -> Any:
    """The SDK's client of a service, as the account."""
    return await sessions.client(service, account=account.account)


def bucket(account: AccountRef, name: str) -> BucketRef:
    """A bucket of the account."""
    return BucketRef("aws", account.account, REGION, f"{name}-{account.account}")


def value(reading: Reading[object]) -> Any:
    """The value that was read."""
    assert isinstance(reading, Present), reading
    return reading.value


async def test_key_of_a_bucket_by_alias_with_rotation_and_policy(
    sessions: Sessions, account: AccountRef, fetch: Fetch
) -> None:
    """As it is, and as it is once it is switched off; the emulator schedules no deletion."""
    kms, s3 = await client(sessions, "kms", account), await client(sessions, "s3", account)
    key = (await kms.create_key())["KeyMetadata"]
    arn = key["Arn"]
    await kms.create_alias(AliasName="alias/data", TargetKeyId=arn)
    ref = bucket(account, "keyed")
    await s3.create_bucket(Bucket=ref.name, CreateBucketConfiguration=PLACE)
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/data"}
    rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}
    await s3.put_bucket_encryption(Bucket=ref.name, ServerSideEncryptionConfiguration=rules)
    aspects = [Aspect.ENCRYPTION, Aspect.DEFAULT_KEY, Aspect.KEY_ROTATION, Aspect.KEY_POLICY]
    state = await fetch.bucket(ref, aspects)
    alias = f"arn:aws:kms:{REGION}:{account.account}:alias/data"
    assert value(state.reading(Aspect.DEFAULT_KEY)) == Key(alias, arn)
    assert not value(state.reading(Aspect.KEY_ROTATION)).enabled
    assert json.loads(value(state.reading(Aspect.KEY_POLICY)).text)["Statement"]
    await kms.disable_key(KeyId=key["KeyId"])
    assert value((await fetch.bucket(ref, aspects)).reading(Aspect.DEFAULT_KEY)).state == "Enabled"
    fetch.neighbours.keys.forget()
    assert value((await fetch.bucket(ref, aspects)).reading(Aspect.DEFAULT_KEY)).state == "Disabled"


async def test_log_target_and_names_of_others(
    sessions: Sessions, account: AccountRef, friend: AccountRef, fetch: Fetch
) -> None:
    """A target of the account with its settings; names beyond the scope, and nobody's.

    The emulator asks nobody for the owner that is expected, so whose a bucket is, other tests show.
    """
    own, other = await client(sessions, "s3", account), await client(sessions, "s3", friend)
    source, target, theirs = bucket(account, "source"), bucket(account, "logs"), bucket(friend, "theirs")
    for ref in (source, target):
        await own.create_bucket(Bucket=ref.name, CreateBucketConfiguration=PLACE)
    await other.create_bucket(Bucket=theirs.name, CreateBucketConfiguration=PLACE)
    grants = {"Owner": (await own.get_bucket_acl(Bucket=target.name))["Owner"], "Grants": []}
    uri = "http://acs.amazonaws.com/groups/s3/LogDelivery"
    for permission in ("WRITE", "READ_ACP"):
        grants["Grants"].append({"Grantee": {"Type": "Group", "URI": uri}, "Permission": permission})
    await own.put_bucket_acl(Bucket=target.name, AccessControlPolicy=grants)
    enabled = {"LoggingEnabled": {"TargetBucket": target.name, "TargetPrefix": "s/"}}
    await own.put_bucket_logging(Bucket=source.name, BucketLoggingStatus=enabled)
    fetch.neighbours.owners.found(target)
    state = await fetch.bucket(source, [Aspect.LOGGING, Aspect.LOG_TARGET])
    found = value(state.reading(Aspect.LOG_TARGET))
    assert value(found.standing) == Standing(target.name, True, account.account, REGION)
    assert dict(found.settings.items)[Aspect.OBJECT_LOCK] == ABSENT
    # The emulator does not know who pays.
    assert [part.detail.partition(":")[0] for part in found.unreadable] == ["GetBucketRequestPayment"]
    standings = fetch.neighbours.standings
    assert value(await standings.of(account, source.name)).owner == account.account
    assert value(await standings.of(account, theirs.name)).exists
    assert value(await standings.of(account, "nobody-has-this-name")) == Standing("nobody-has-this-name", exists=False)


async def test_distributions_with_their_origins(sessions: Sessions, account: AccountRef, fetch: Fetch) -> None:
    """The bucket behind the host of an origin, and whose it is."""
    cloudfront = await client(sessions, "cloudfront", account)
    origin = {
        "Id": "o",
        "DomainName": f"gone-{account.account}.s3.{REGION}.amazonaws.com",
        "S3OriginConfig": {"OriginAccessIdentity": ""},
    }
    await cloudfront.create_distribution(
        DistributionConfig={
            "CallerReference": "x",
            "Comment": "",
            "Enabled": True,
            "Origins": {"Quantity": 1, "Items": [origin]},
            "DefaultCacheBehavior": {"TargetOriginId": "o", "ViewerProtocolPolicy": "allow-all", "MinTTL": 0},
        }
    )
    state = await fetch.account(account, [Aspect.DISTRIBUTIONS, Aspect.OUTSIDE_NAMES])
    [distribution] = value(state.reading(Aspect.DISTRIBUTIONS))
    assert [each.bucket for each in distribution.origins] == [f"gone-{account.account}"]
    [outside] = value(state.reading(Aspect.OUTSIDE_NAMES))
    assert value(outside.standing) == Standing(f"gone-{account.account}", exists=False)


async def test_records_that_lead_to_s3(sessions: Sessions, account: AccountRef, fetch: Fetch) -> None:
    """Of public zones alone."""
    route53 = await client(sessions, "route53", account)
    zone = (await route53.create_hosted_zone(Name="example.test", CallerReference="x"))["HostedZone"]["Id"]
    website = f"s3-website.{REGION}.amazonaws.com"
    alias = {"HostedZoneId": "Z1BKCTXD74EZPE", "DNSName": website, "EvaluateTargetHealth": False}
    records: list[dict[str, Any]] = [
        {"Name": "www.example.test", "Type": "A", "AliasTarget": alias},
        {"Name": "cdn.example.test", "Type": "CNAME", "TTL": 60, "ResourceRecords": [{"Value": f"cdn.{website}"}]},
        {"Name": "mail.example.test", "Type": "CNAME", "TTL": 60, "ResourceRecords": [{"Value": "mail.test"}]},
    ]
    changes = [{"Action": "CREATE", "ResourceRecordSet": record} for record in records]
    await route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})
    state = await fetch.account(account, [Aspect.DNS_RECORDS, Aspect.OUTSIDE_NAMES])
    found = value(state.reading(Aspect.DNS_RECORDS))
    assert found.records == (
        DnsRecord("cdn.example.test", f"cdn.{website}", "example.test"),
        DnsRecord("www.example.test", website, "example.test"),
    )
    outside = value(state.reading(Aspect.OUTSIDE_NAMES))
    assert [each.name for each in outside] == ["cdn.example.test", "www.example.test"]
    assert not any(value(each.standing).exists for each in outside)


async def test_vector_buckets_are_listed(sessions: Sessions, account: AccountRef, fetch: Fetch) -> None:
    """By name, with their encryption; what the emulator does not know is unreadable and nothing else."""
    vectors = await sessions.client("s3vectors", account=account.account, region=REGION)
    await vectors.create_vector_bucket(vectorBucketName="embeddings")
    state = await fetch.account(account, [Aspect.VECTOR_BUCKETS], regions=[REGION])
    [(region, reading)] = value(state.reading(Aspect.VECTOR_BUCKETS))
    [found] = value(reading)
    assert (region, found.name, found.arn.endswith(":bucket/embeddings")) == (REGION, "embeddings", True)
