"""The keys that buckets encrypt with: what AWS tells of them, asked once for all their buckets."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from s3warden.collect.keys import KeyReads, key_arn
from s3warden.collect.owners import Owners
from s3warden.model.bucket import ABSENT, AccountRef, BucketRef, Cause, Present, Reading, Unreadable
from s3warden.model.configuration import Encryption, EncryptionRule, Policy
from s3warden.model.keys import Key, KeyRotation
from support.services import REFUSED, THROTTLED, Services

REF = BucketRef("aws", "111122223333", "eu-west-1", "b")
ARN = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ELSEWHERE = "arn:aws:kms:eu-west-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def encrypted(key: str | None, algorithm: str = "aws:kms") -> Reading[object]:
    """A bucket that encrypts so."""
    return Present(Encryption((EncryptionRule(algorithm, key),)))


def metadata(**changes: Any) -> dict[str, Any]:
    """An answer of DescribeKey."""
    base = {
        "Arn": ARN,
        "KeyManager": "CUSTOMER",
        "KeyState": "Enabled",
        "Origin": "AWS_KMS",
        "KeySpec": "SYMMETRIC_DEFAULT",
    }
    return {"KeyMetadata": {**base, **changes}}


def reads(aws: Services, *guarded: AccountRef) -> KeyReads:
    """Key reads through `aws`."""
    owners = Owners()
    owners.guard((REF.owner, *guarded))
    return KeyReads(aws, owners)


@pytest.mark.parametrize(
    "encryption", [ABSENT, encrypted(None, "AES256"), Present(Encryption((EncryptionRule("AES256"),)))]
)
async def test_no_key_no_question(encryption: Reading[object]) -> None:
    """Buckets with S3's own encryption cost nothing."""
    aws = Services()
    keys = reads(aws)
    assert await keys.key(REF, encryption) == ABSENT
    assert await keys.rotation(REF, encryption) == ABSENT
    assert await keys.policy(REF, encryption) == ABSENT
    assert aws.asked == []


@pytest.mark.parametrize("name", [None, "alias/aws/s3", "arn:aws:kms:eu-west-1:111122223333:alias/aws/s3"])
async def test_key_that_aws_keeps_takes_no_call(name: str | None) -> None:
    """It can be neither ended, nor shared, nor rotated by anybody but AWS."""
    aws = Services()
    keys = reads(aws)
    key = await keys.key(REF, encrypted(name))
    rotation, policy = await keys.rotation(REF, encrypted(name)), await keys.policy(REF, encrypted(name))
    assert isinstance(key, Present)
    assert (key.value.manager, key.value.state) == ("AWS", "Enabled")
    assert (rotation, policy, aws.asked) == (ABSENT, ABSENT, [])


@pytest.mark.parametrize(
    ("name", "arn"),
    [
        (ARN, ARN),
        ("1234abcd-12ab-34cd-56ef-1234567890ab", ARN),
        ("mrk-1", "arn:aws:kms:eu-west-1:111122223333:key/mrk-1"),
        ("alias/data", "arn:aws:kms:eu-west-1:111122223333:alias/data"),
    ],
)
def test_names_of_keys_are_told_in_full(name: str, arn: str) -> None:
    """By ARN, id or alias, in the bucket's own account and region."""
    assert key_arn(REF, name) == arn


async def test_alias_is_resolved() -> None:
    """What is judged is the key; events may name either."""
    aws = Services({"kms DescribeKey": metadata()})
    alias = "arn:aws:kms:eu-west-1:111122223333:alias/data"
    assert await reads(aws).key(REF, encrypted("alias/data")) == Present(Key(alias, ARN))
    assert [(asked.params["KeyId"], asked.region) for asked in aws.asked] == [(alias, "eu-west-1")]


async def test_state_and_end_are_told() -> None:
    """A key that waits for its deletion has a day on which it is gone."""
    ends = datetime(2026, 12, 9, 3, tzinfo=UTC)
    aws = Services({"kms DescribeKey": metadata(KeyState="PendingDeletion", DeletionDate=ends)})
    assert await reads(aws).key(REF, encrypted(ARN)) == Present(
        Key(ARN, ARN, state="PendingDeletion", ends="2026-12-09")
    )


async def test_key_that_is_gone_is_a_fact() -> None:
    """Not found is an answer: nothing of the bucket can be read any more."""
    from s3warden.aws.errors import AwsError

    aws = Services({"kms DescribeKey": AwsError("NotFoundException", status=400)})
    keys = reads(aws)
    assert await keys.key(REF, encrypted(ARN)) == Present(Key(ARN, None, state="NotFound"))
    assert await keys.rotation(REF, encrypted(ARN)) == ABSENT


async def test_thousand_buckets_of_one_key_cost_what_one_does() -> None:
    """One call for the key, one for its rotation, one for its policy."""
    aws = Services(
        {
            "kms DescribeKey": metadata(),
            "kms GetKeyRotationStatus": {"KeyRotationEnabled": True, "RotationPeriodInDays": 180},
            "kms GetKeyPolicy": {"Policy": "{}"},
        }
    )
    keys = reads(aws)
    for n in range(1000):
        ref = BucketRef("aws", REF.account, REF.region, f"b{n}")
        assert await keys.key(ref, encrypted(ARN)) == Present(Key(ARN, ARN))
        assert await keys.rotation(ref, encrypted(ARN)) == Present(KeyRotation(enabled=True, days=180))
        assert await keys.policy(ref, encrypted(ARN)) == Present(Policy("{}"))
    assert len(aws.asked) == 3
    keys.forget()
    await keys.key(REF, encrypted(ARN))
    assert len(aws.asked) == 4


@pytest.mark.parametrize("changes", [{"Origin": "EXTERNAL"}, {"KeySpec": "RSA_2048"}, {"Origin": "AWS_CLOUDHSM"}])
async def test_keys_that_aws_cannot_rotate_are_not_asked_about(changes: Mapping[str, Any]) -> None:
    """Imported material is rotated by hand."""
    aws = Services({"kms DescribeKey": metadata(**changes)})
    assert await reads(aws).rotation(REF, encrypted(ARN)) == ABSENT
    assert aws.count("kms GetKeyRotationStatus") == 0


@pytest.mark.parametrize("guarded", [True, False])
async def test_key_of_another_account_is_asked_about_as_that_account_where_it_is_guarded(guarded: bool) -> None:
    """AWS shows a key's policy to its own account alone."""
    aws = Services({"kms DescribeKey": metadata(Arn=ELSEWHERE), "kms GetKeyPolicy": {"Policy": "{}"}})
    friend = AccountRef("aws", "444455556666")
    keys = reads(aws, *([friend] if guarded else []))
    await keys.policy(REF, encrypted(ELSEWHERE))
    assert {asked.account for asked in aws.asked} == {friend.account if guarded else REF.account}


@pytest.mark.parametrize("refusal", [REFUSED, THROTTLED])
async def test_what_is_refused_is_unreadable_in_all_parts(refusal: Exception) -> None:
    """Nothing is known of the key, so nothing of its rotation and policy."""
    aws = Services({"kms DescribeKey": refusal})
    keys = reads(aws)
    for read in (keys.key, keys.rotation, keys.policy):
        assert isinstance(await read(REF, encrypted(ARN)), Unreadable)
    # What passes is asked again.
    assert aws.count("kms DescribeKey") == (3 if refusal is THROTTLED else 1)


async def test_unreadable_encryption_leaves_the_key_unreadable() -> None:
    """Nobody knows which key it is."""
    why = Unreadable(Cause.SCP, "no")
    assert await reads(Services()).key(REF, why) == why


async def test_name_that_is_no_key_is_unreadable_and_asks_nobody() -> None:
    """S3 keeps what it was given."""
    aws = Services()
    reading = await reads(aws).key(REF, encrypted("arn:nonsense"))
    assert isinstance(reading, Unreadable)
    assert (reading.cause, aws.asked) == (Cause.MALFORMED, [])


@pytest.mark.parametrize(
    "answer",
    [
        {},
        metadata(Arn=None),
        metadata(Arn="arn:aws:kms"),
        metadata(KeyManager="SOMEBODY"),
        metadata(KeyState=""),
        metadata(DeletionDate="tomorrow"),
    ],
)
async def test_damaged_answer_is_unreadable(answer: Mapping[str, object]) -> None:
    """A key without a state is no sound key."""
    reading = await reads(Services({"kms DescribeKey": answer})).key(REF, encrypted(ARN))
    assert isinstance(reading, Unreadable)
    assert reading.cause is Cause.MALFORMED
