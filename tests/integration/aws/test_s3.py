"""Reading buckets and accounts against a real wire."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from s3warden.aws.calls import Backoff, Calls
from s3warden.aws.errors import AwsError
from s3warden.aws.limiter import Limiter
from s3warden.aws.s3 import S3Reader
from s3warden.aws.session import Sessions
from s3warden.collect.aspects import ASPECTS
from s3warden.collect.fetch import Fetch
from s3warden.model.bucket import (
    ABSENT,
    ACCOUNT_ASPECTS,
    BUCKET_ASPECTS,
    AccountRef,
    Aspect,
    BucketRef,
    Cause,
    Present,
    Unreadable,
)
from s3warden.model.configuration import (
    ALL_USERS,
    Encryption,
    EncryptionRule,
    Grant,
    GranteeKind,
    Logging,
    Ownership,
    PolicyStatus,
    PublicAccessBlock,
    Tags,
    Versioning,
    Website,
)
from support.faults import FaultProxy

PUBLIC_POLICY = '{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"}]}'
# What S3 and S3 Control tell of a bucket; what hangs on it, and what other services know, has tests of its own.
OWN = BUCKET_ASPECTS & (ASPECTS.keys() | {Aspect.ACCESS_POINTS})
# moto answers these with something else than AWS does; what matters is that they are never taken for absent.
_NOT_EMULATED = {Aspect.REQUEST_PAYMENT, Aspect.ABAC}


@pytest.fixture
def reader(calls: Calls) -> S3Reader:
    """The reader under test."""
    return S3Reader(calls)


@pytest.fixture
async def bucket(sessions: Sessions, fresh_account: Callable[[], str]) -> BucketRef:
    """A new empty bucket of an account of its own."""
    account = fresh_account()
    ref = BucketRef("aws", account, "eu-west-1", f"bucket-{account}")
    s3 = await sessions.client("s3", account=account)
    await s3.create_bucket(Bucket=ref.name, CreateBucketConfiguration={"LocationConstraint": ref.region})
    return ref


async def test_a_new_bucket_has_nothing_configured(reader: S3Reader, bucket: BucketRef) -> None:
    """Every aspect that the emulator knows is absent, but for the ACL that each bucket has."""
    state = await Fetch(reader).bucket(bucket, OWN)
    assert state.exists
    assert set(state.readings) == OWN
    absent = {aspect for aspect, reading in state.readings.items() if reading == ABSENT}
    assert absent == OWN - _NOT_EMULATED - {Aspect.ACL}
    assert isinstance(state.reading(Aspect.ACL), Present)


async def test_what_is_configured_comes_back_as_values(sessions: Sessions, reader: S3Reader, bucket: BucketRef) -> None:
    """Each aspect that the emulator keeps is read as the value it was set to."""
    s3 = await sessions.client("s3", account=bucket.account)
    await _configure(s3, bucket.name)
    state = await Fetch(reader).bucket(bucket, OWN)
    expected = {
        Aspect.POLICY_STATUS: PolicyStatus(is_public=True),
        Aspect.PUBLIC_ACCESS_BLOCK: PublicAccessBlock(True, False, True, False),
        Aspect.OWNERSHIP: Ownership("BucketOwnerPreferred"),
        Aspect.ENCRYPTION: Encryption((EncryptionRule("aws:kms", "alias/mine", bucket_key=True),)),
        Aspect.VERSIONING: Versioning("Enabled"),
        Aspect.TAGGING: Tags((("Empty", ""), ("Name", "x"))),
        Aspect.WEBSITE: Website(),
        Aspect.LOGGING: Logging(bucket.name, "logs/"),
    }
    assert {aspect: state.reading(aspect) for aspect in expected} == {k: Present(v) for k, v in expected.items()}
    acl = state.reading(Aspect.ACL)
    assert isinstance(acl, Present)
    assert Grant(GranteeKind.GROUP, ALL_USERS, "READ") in acl.value.grants  # type: ignore[attr-defined]
    documents = {Aspect.LIFECYCLE, Aspect.CORS, Aspect.NOTIFICATION}
    assert all(isinstance(state.reading(aspect), Present) for aspect in documents | {Aspect.POLICY})


async def test_the_account_is_asked_in_its_own_name(
    sessions: Sessions, reader: S3Reader, proxy: FaultProxy, fresh_account: Callable[[], str]
) -> None:
    """The account's block is absent, then read as set; the emulator refuses it to any other account."""
    ref = AccountRef("aws", fresh_account())
    fetch = Fetch(reader)
    before = await fetch.account(ref, ACCOUNT_ASPECTS)
    control = await sessions.client("s3control", account=ref.account)
    await control.put_public_access_block(
        AccountId=ref.account, PublicAccessBlockConfiguration={"IgnorePublicAcls": True}
    )
    after = await fetch.account(ref, ACCOUNT_ASPECTS, before)
    assert before.reading(Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK) == ABSENT
    assert after.reading(Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK) == Present(PublicAccessBlock(False, True, False, False))
    assert proxy.count("GetPublicAccessBlock", account=ref.account) == 2


async def test_a_bucket_that_is_gone_is_a_state(reader: S3Reader, fresh_account: Callable[[], str]) -> None:
    """NoSuchBucket is no error."""
    ref = BucketRef("aws", fresh_account(), "eu-west-1", "never-made")
    state = await Fetch(reader).bucket(ref, OWN)
    assert not state.exists
    assert not state.readings


async def test_each_read_names_the_expected_owner(reader: S3Reader, proxy: FaultProxy, bucket: BucketRef) -> None:
    """Every bucket read carries the account that ought to own the bucket."""
    await Fetch(reader).bucket(bucket, OWN)
    reads = [seen for seen in proxy.seen if seen.bucket == bucket.name and seen.method == "GET"]
    # Access points are the account's, and are listed by S3 Control.
    assert len(reads) == len(OWN - {Aspect.ACCESS_POINTS})
    assert {seen.account for seen in reads} == {bucket.account}


async def test_one_denied_read_is_unreadable_and_the_others_are_read(
    reader: S3Reader, proxy: FaultProxy, bucket: BucketRef
) -> None:
    """A refusal is neither an error of the whole nor an absence, and is not tried again."""
    refusal = (
        "User: arn:aws:sts::1:assumed-role/s3warden/x is not authorized to perform: s3:GetBucketPolicy on resource: "
        '"arn:aws:s3:::b" with an explicit deny in a resource control policy'
    )
    proxy.deny("GetBucketPolicy", bucket=bucket.name, message=refusal)
    state = await Fetch(reader).bucket(bucket, [Aspect.ACL, Aspect.POLICY, Aspect.POLICY_STATUS])
    policy = state.reading(Aspect.POLICY)
    assert isinstance(policy, Unreadable)
    assert policy.cause is Cause.RCP
    assert "resource control policy" in policy.detail
    assert isinstance(state.reading(Aspect.ACL), Present)
    assert state.reading(Aspect.POLICY_STATUS) == ABSENT
    assert proxy.count("GetBucketPolicy", bucket=bucket.name) == 1


async def test_a_throttled_read_is_tried_again_and_slows_the_account_down(
    calls: Calls, proxy: FaultProxy, bucket: BucketRef
) -> None:
    """Two SlowDowns are ridden out."""
    proxy.throttle("GetBucketAcl", bucket=bucket.name, times=2)
    answer = await S3Reader(calls).bucket(bucket, "GetBucketAcl")
    assert "Grants" in answer
    assert "ResponseMetadata" not in answer
    assert proxy.count("GetBucketAcl", bucket=bucket.name) == 3


async def test_throttling_without_end_is_given_up(reader: S3Reader, proxy: FaultProxy, bucket: BucketRef) -> None:
    """After the last try the caller hears that AWS throttles."""
    proxy.throttle("GetBucketAcl", bucket=bucket.name)
    with pytest.raises(AwsError) as caught:
        await reader.bucket(bucket, "GetBucketAcl")
    assert caught.value.cause is Cause.THROTTLED
    assert proxy.count("GetBucketAcl", bucket=bucket.name) == 4


async def test_an_endpoint_that_hangs_up_is_unreachable(reader: S3Reader, proxy: FaultProxy, bucket: BucketRef) -> None:
    """A closed connection is tried again; closed every time, it is told as unreachable."""
    proxy.drop("GetBucketAcl", bucket=bucket.name, times=1)
    assert "Grants" in await reader.bucket(bucket, "GetBucketAcl")
    proxy.drop("GetBucketTagging", bucket=bucket.name)
    with pytest.raises(AwsError) as caught:
        await reader.bucket(bucket, "GetBucketTagging")
    assert caught.value.cause is Cause.UNREACHABLE
    # aiohttp tries a closed connection once more by itself.
    assert 4 <= proxy.count("GetBucketTagging", bucket=bucket.name) <= 8


async def test_an_endpoint_that_hangs_is_unreachable(sessions: Sessions, proxy: FaultProxy, bucket: BucketRef) -> None:
    """No answer within the read timeout is no answer."""
    proxy.delay("GetBucketAcl", bucket=bucket.name, seconds=3)
    impatient = S3Reader(Calls(sessions, Limiter(), backoff=Backoff(attempts=1)))
    with pytest.raises(AwsError) as caught:
        await impatient.bucket(bucket, "GetBucketAcl")
    assert caught.value.cause is Cause.UNREACHABLE


@pytest.mark.parametrize("body", [b"<AccessControlPolicy><Owner><ID>x</ID>", b"not xml at all", b""])
async def test_a_damaged_answer_is_malformed(
    reader: S3Reader, proxy: FaultProxy, bucket: BucketRef, body: bytes
) -> None:
    """An answer cut short, of another kind, or empty never passes for a reading."""
    proxy.answer("GetBucketAcl", bucket=bucket.name, body=body)
    state = await Fetch(reader).bucket(bucket, [Aspect.ACL])
    reading = state.reading(Aspect.ACL)
    assert isinstance(reading, Unreadable)
    # The SDK takes a 200 that it cannot parse for an error of the server, status 500, which is tried again.
    assert reading.cause is (Cause.UNREACHABLE if body else Cause.MALFORMED)


async def test_a_bucket_elsewhere_is_followed_to_its_region(
    reader: S3Reader, proxy: FaultProxy, bucket: BucketRef
) -> None:
    """A redirect of S3 is followed with a signature for the other region."""
    wrong = BucketRef(bucket.partition, bucket.account, "us-west-2", bucket.name)
    proxy.fail(
        "GetBucketAcl", status=301, code="PermanentRedirect", times=1, headers={"x-amz-bucket-region": bucket.region}
    )
    assert "Grants" in await reader.bucket(wrong, "GetBucketAcl")
    assert [seen.region for seen in proxy.seen if seen.operation == "GetBucketAcl"] == ["us-west-2", "eu-west-1"]


async def test_an_unknown_identity_abroad_means_that_the_region_is_off(
    reader: S3Reader, proxy: FaultProxy, bucket: BucketRef
) -> None:
    """Keys that are good at home and unknown in another region belong to a region that is switched off."""
    abroad = BucketRef(bucket.partition, bucket.account, "me-south-1", bucket.name)
    proxy.fail("GetBucketAcl", code="InvalidAccessKeyId")
    for ref, cause in ((bucket, Cause.CREDENTIALS), (abroad, Cause.REGION_OFF)):
        with pytest.raises(AwsError) as caught:
            await reader.bucket(ref, "GetBucketAcl")
        assert caught.value.cause is cause


async def test_a_stray_missing_bucket_is_not_believed(reader: S3Reader, proxy: FaultProxy, bucket: BucketRef) -> None:
    """One NoSuchBucket among good answers is checked, and leaves that aspect unreadable."""
    proxy.fail("GetBucketPolicy", status=404, code="NoSuchBucket", bucket=bucket.name)
    state = await Fetch(reader).bucket(bucket, [Aspect.ACL, Aspect.POLICY])
    assert state.exists
    assert isinstance(state.reading(Aspect.ACL), Present)
    assert isinstance(state.reading(Aspect.POLICY), Unreadable)
    assert proxy.count("HeadBucket", bucket.name) == 1


async def test_many_buckets_of_many_accounts_are_read_at_once(
    sessions: Sessions, reader: S3Reader, fresh_account: Callable[[], str]
) -> None:
    """A locked account among good ones keeps its trouble to itself."""
    refs = []
    for account in (fresh_account(), fresh_account(), fresh_account()):
        s3 = await sessions.client("s3", account=account)
        for number in range(3):
            ref = BucketRef("aws", account, "eu-west-1", f"many-{account}-{number}")
            await s3.create_bucket(Bucket=ref.name, CreateBucketConfiguration={"LocationConstraint": ref.region})
            refs.append(ref)
    states = await asyncio.gather(*(Fetch(reader).bucket(ref, [Aspect.ACL, Aspect.POLICY]) for ref in refs))
    assert [state.ref for state in states] == refs
    assert all(state.reading(Aspect.POLICY) == ABSENT for state in states)


async def _configure(client: Any, name: str) -> None:
    """Set everything that the emulator keeps."""
    await client.put_bucket_acl(Bucket=name, ACL="log-delivery-write")
    await client.put_bucket_logging(
        Bucket=name, BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": name, "TargetPrefix": "logs/"}}
    )
    await client.put_bucket_acl(Bucket=name, ACL="public-read")
    await client.put_bucket_policy(Bucket=name, Policy=PUBLIC_POLICY)
    await client.put_public_access_block(
        Bucket=name, PublicAccessBlockConfiguration={"BlockPublicAcls": True, "BlockPublicPolicy": True}
    )
    await client.put_bucket_ownership_controls(
        Bucket=name, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}
    )
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/mine"}
    rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}
    await client.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
    await client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    await client.put_bucket_tagging(
        Bucket=name, Tagging={"TagSet": [{"Key": "Name", "Value": "x"}, {"Key": "Empty", "Value": ""}]}
    )
    await client.put_bucket_website(Bucket=name, WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}})
    lifecycle = {"ID": "x", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
    await client.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": [lifecycle]})
    cors = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}
    await client.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": [cors]})
    await client.put_bucket_notification_configuration(
        Bucket=name,
        NotificationConfiguration={
            "QueueConfigurations": [
                {"QueueArn": "arn:aws:sqs:eu-west-1:123456789012:q", "Events": ["s3:ObjectCreated:*"]}
            ]
        },
        SkipDestinationValidation=True,
    )
