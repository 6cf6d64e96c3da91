"""Newer kinds of buckets, Lake Formation's places and predictable names: read region by region, and never guessed."""

from collections.abc import Mapping
from typing import Any

import pytest

from s3warden.aws.errors import AwsError
from s3warden.collect import claims, foreign_points, other_buckets
from s3warden.collect.owners import Owners
from s3warden.collect.standings import Standings
from s3warden.model.bucket import ABSENT, AccountRef, BucketRef, Cause, Present, Unreadable
from s3warden.model.configuration import Policy
from s3warden.model.event import Listing
from s3warden.model.other_buckets import OtherBucket, OtherBuckets
from s3warden.model.references import Destinations, Standing, Use
from support.services import FORBIDDEN, MISSING, REFUSED, THROTTLED, Services

ACCOUNT = AccountRef("aws", "111122223333")
NOWHERE = AwsError("NoSuchEndpoint", "nothing answers there", cause=Cause.REGION_OFF)
SILENT = AwsError("EndpointConnectionError", "nothing answers there", cause=Cause.UNREACHABLE)
NOT_FOUND = AwsError("NotFoundException", status=404)
KMS = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]}


def arn(service: str, name: str) -> str:
    """The ARN of a bucket of a newer kind."""
    return f"arn:aws:{service}:eu-west-1:111122223333:bucket/{name}"


TABLES = {
    "s3tables ListTableBuckets": {"tableBuckets": [{"arn": arn("s3tables", "t"), "name": "t"}]},
    "s3tables GetTableBucketPolicy": {"resourcePolicy": "{}"},
    "s3tables GetTableBucketEncryption": {"encryptionConfiguration": {"sseAlgorithm": "AES256"}},
}
VECTORS = {
    "s3vectors ListVectorBuckets": {"vectorBuckets": [{"vectorBucketName": "v"}]},
    "s3vectors GetVectorBucketPolicy": NOT_FOUND,
    "s3vectors GetVectorBucket": {"vectorBucket": {"encryptionConfiguration": {"sseType": "aws:kms"}}},
}
DIRECTORIES = {
    "s3 ListDirectoryBuckets": {"Buckets": [{"Name": "d--euw1-az1--x-s3"}]},
    "s3 GetBucketPolicy": AwsError("NoSuchBucketPolicy", status=404),
    "s3 GetBucketEncryption": {"ServerSideEncryptionConfiguration": KMS},
    "s3 GetBucketLifecycleConfiguration": {"Rules": [{"Status": "Disabled"}, {"Status": "Enabled"}]},
}
KINDS = [
    pytest.param(other_buckets.DIRECTORY, DIRECTORIES, id="directory"),
    pytest.param(other_buckets.TABLE, TABLES, id="table"),
    pytest.param(other_buckets.VECTOR, VECTORS, id="vector"),
]


async def read(kind: Any, aws: Services, region: str = "eu-west-1") -> Any:
    """The reading of one region."""
    found = await other_buckets.of_account(kind, aws, ACCOUNT, [region])
    [(place, reading)] = found.value
    assert place == region
    return reading


async def test_table_bucket_has_policy_and_encryption() -> None:
    """Its ARN names it in every call."""
    aws = Services(dict(TABLES))
    reading = await read(other_buckets.TABLE, aws)
    bucket = OtherBucket(
        other_buckets.TABLE.kind, "t", arn("s3tables", "t"), Present(Policy("{}")), Present("AES256"), ABSENT
    )
    assert reading == Present(OtherBuckets((bucket,)))
    assert {asked.region for asked in aws.asked} == {"eu-west-1"}
    assert {asked.params.get("tableBucketARN") for asked in aws.asked[1:]} == {arn("s3tables", "t")}


async def test_vector_bucket_without_a_policy() -> None:
    """Absent is an answer."""
    reading = await read(other_buckets.VECTOR, Services(dict(VECTORS)))
    [bucket] = reading.value
    assert (bucket.name, bucket.arn) == ("v", arn("s3vectors", "v"))
    assert (bucket.policy, bucket.encryption, bucket.unreadable) == (ABSENT, Present("aws:kms"), ())


async def test_directory_bucket_has_a_lifecycle_too() -> None:
    """A rule that is switched on counts."""
    reading = await read(other_buckets.DIRECTORY, Services(dict(DIRECTORIES)))
    [bucket] = reading.value
    assert (bucket.name, bucket.lifecycle) == ("d--euw1-az1--x-s3", Present(value=True))
    assert bucket.arn == arn("s3express", "d--euw1-az1--x-s3")


@pytest.mark.parametrize(("kind", "answers"), KINDS)
async def test_each_refused_call_is_told(kind: Any, answers: Mapping[str, Any]) -> None:
    """The list as a whole, the other calls as parts of the bucket."""
    for what in answers:
        reading = await read(kind, Services({**answers, what: REFUSED}))
        if "List" in what:
            assert isinstance(reading, Unreadable)
        else:
            assert [part.cause for part in reading.value.unreadable] == [Cause.ROLE_PERMISSION]


@pytest.mark.parametrize(("kind", "answers"), KINDS)
@pytest.mark.parametrize("silence", [NOWHERE, SILENT])
async def test_silence_is_no_answer_where_there_is_the_service(
    kind: Any, answers: Mapping[str, Any], silence: AwsError
) -> None:
    """Where the kind is known to be, nobody answering is a failure; elsewhere there is none of it."""
    listing = next(what for what in answers if "List" in what)
    aws = Services({**answers, listing: silence})
    assert isinstance(await read(kind, aws, "us-east-1"), Unreadable)
    assert await read(kind, aws, "eu-south-1") == ABSENT
    assert isinstance(await read(kind, Services({**answers, listing: THROTTLED}), "eu-south-1"), Unreadable)


@pytest.mark.parametrize(("kind", "answers"), KINDS)
async def test_damaged_list_is_unreadable_and_an_empty_one_is_none(kind: Any, answers: Mapping[str, Any]) -> None:
    """A list without its items says nothing."""
    listing = next(what for what in answers if "List" in what)
    [items] = answers[listing]
    damaged = await read(kind, Services({**answers, listing: {}}))
    assert isinstance(damaged, Unreadable)
    assert damaged.cause is Cause.MALFORMED
    assert await read(kind, Services({**answers, listing: {items: []}})) == ABSENT


def standings(aws: Services, *names: str) -> Standings:
    """Whose names are, as far as the account's listing tells."""
    owners = Owners()
    owners.guard([ACCOUNT])
    owners.listed(Listing(ACCOUNT, tuple(BucketRef("aws", ACCOUNT.account, "eu-west-1", name) for name in names)))
    return Standings(aws, owners)


async def test_places_of_lake_formation_have_their_bucket_and_whose_it_is() -> None:
    """Two prefixes of a bucket are one place to ask about."""
    items = [{"ResourceArn": f"arn:aws:s3:::{name}"} for name in ("lake/raw", "lake/clean", "theirs/x")]
    aws = Services(
        {
            "lakeformation ListResources": {"ResourceInfoList": items},
            "s3 HeadBucket": FORBIDDEN,
            "s3 ListBuckets": {"Buckets": []},
        }
    )
    found = await claims.lake_locations(aws, standings(aws, "lake"), ACCOUNT, ["eu-west-1"])
    [(_, reading)] = found.value
    assert isinstance(reading, Present)
    assert isinstance(reading.value, Destinations)
    standing = {each.name: each.standing for each in reading.value}
    assert standing["lake"] == Present(Standing("lake", True, ACCOUNT.account, "eu-west-1"))
    assert standing["theirs"] == Present(Standing("theirs", exists=True))


@pytest.mark.parametrize("answer", [REFUSED, {"ResourceInfoList": [{"ResourceArn": "lake"}]}])
async def test_places_that_cannot_be_read_are_told(answer: Any) -> None:
    """Refused or damaged."""
    aws = Services({"lakeformation ListResources": answer})
    found = await claims.lake_locations(aws, standings(aws), ACCOUNT, ["eu-west-1"])
    assert len(found.value.unreadable) == 1


async def test_predictable_names_are_asked_for_once_a_region() -> None:
    """One call for each name that is not the account's own."""
    aws = Services({"s3 HeadBucket": MISSING})
    own = f"cdk-hnb659fds-assets-{ACCOUNT.account}-eu-west-1"
    reading = await claims.shadow_names(standings(aws, own), ACCOUNT, ["eu-west-1"])
    assert isinstance(reading, Present)
    assert len(reading.value.used_as(Use.SHADOW)) == len(claims.SHADOWS)
    assert aws.count("s3 HeadBucket") == len(claims.SHADOWS) - 1
    assert await claims.shadow_names(standings(aws), ACCOUNT, []) == ABSENT


async def test_access_points_for_buckets_of_others_are_told_by_region() -> None:
    """Those of own buckets are read with the bucket."""
    items = [
        {"Name": "own", "Bucket": "ours", "BucketAccountId": ACCOUNT.account},
        {"Name": "old", "Bucket": "ours"},
        {"Name": "data", "Bucket": "theirs", "BucketAccountId": "444455556666"},
    ]
    aws = Services({"s3control ListAccessPoints": {"AccessPointList": items}})
    found = await foreign_points.of_account(aws, ACCOUNT, ["eu-west-1"])
    [(_, reading)] = found.value
    assert isinstance(reading, Present)
    assert [(each.holder, each.target, each.owner) for each in reading.value] == [("data", "theirs", "444455556666")]
    refused = await foreign_points.of_account(Services(), ACCOUNT, ["eu-west-1"])
    assert len(refused.value.unreadable) == 1
    none = Services({"s3control ListAccessPoints": {"AccessPointList": items[:2]}})
    assert (await foreign_points.of_account(none, ACCOUNT, ["eu-west-1"])).value.regions == (("eu-west-1", ABSENT),)
