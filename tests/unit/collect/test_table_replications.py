"""Where table buckets are replicated to: read from each of them, and never guessed."""

from typing import Any

import pytest

from s3warden.aws.errors import AwsError
from s3warden.collect import table_replications
from s3warden.model.bucket import ABSENT, AccountRef, Cause, Present, Unreadable
from s3warden.model.other_buckets import TableReplication, TableReplications
from support.services import REFUSED, THROTTLED, Services

ACCOUNT = AccountRef("aws", "111122223333")
LIST, READ = "s3tables ListTableBuckets", "s3tables GetTableBucketReplication"
NOT_FOUND = AwsError("NotFoundException", status=404)
COPY = "arn:aws:s3tables:us-east-1:444455556666:bucket/copy"


def arn(name: str) -> str:
    """The ARN of an own table bucket."""
    return f"arn:aws:s3tables:eu-west-1:111122223333:bucket/{name}"


def listed(*names: str) -> dict[str, Any]:
    """The answer of the list."""
    return {"tableBuckets": [{"arn": arn(name), "name": name} for name in names]}


def copied(*destinations: object) -> dict[str, Any]:
    """The answer about one table bucket."""
    rules = [{"destinations": [{"destinationTableBucketARN": each} for each in destinations]}]
    return {"versionToken": "1", "configuration": {"role": "arn:aws:iam::111122223333:role/r", "rules": rules}}


async def read(aws: Services) -> Any:
    """The reading of one region."""
    found = await table_replications.of_account(aws, ACCOUNT, ["eu-west-1"])
    [(region, reading)] = found.value
    assert region == "eu-west-1"
    return reading


async def test_each_table_bucket_is_asked_once() -> None:
    """One without a configuration is replicated nowhere."""

    def answer(_ref: object, params: Any) -> Any:
        return copied(COPY) if params["tableBucketARN"] == arn("a") else NOT_FOUND

    aws = Services({LIST: listed("b", "a"), READ: answer})
    found = TableReplications(
        (TableReplication("a", arn("a"), Present((COPY,))), TableReplication("b", arn("b"), ABSENT))
    )
    assert await read(aws) == Present(found)
    assert [asked.what for asked in aws.asked] == [LIST, READ, READ]
    assert {asked.region for asked in aws.asked} == {"eu-west-1"}


async def test_no_table_bucket_is_no_replication() -> None:
    """One list is all that it costs."""
    aws = Services({LIST: listed()})
    assert await read(aws) == ABSENT
    assert len(aws.asked) == 1


@pytest.mark.parametrize("refused", [REFUSED, THROTTLED])
async def test_refusals_are_told(refused: AwsError) -> None:
    """Of the list as a whole, of one table bucket as a part."""
    assert isinstance(await read(Services({LIST: refused})), Unreadable)
    reading = await read(Services({LIST: listed("a"), READ: refused}))
    assert [part.cause for part in reading.value.unreadable] == [refused.cause]


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"configuration": {}},
        {"configuration": {"rules": [{}]}},
        {"configuration": {"rules": [{"destinations": [{}]}]}},
        copied("copy"),
        copied("arn:aws:s3tables:us-east-1::bucket/copy"),
        copied(7),
    ],
)
async def test_damaged_answers_are_unreadable(answer: dict[str, Any]) -> None:
    """A configuration that names no account is nobody's to trust."""
    reading = await read(Services({LIST: listed("a"), READ: answer}))
    assert [part.cause for part in reading.value.unreadable] == [Cause.MALFORMED]
