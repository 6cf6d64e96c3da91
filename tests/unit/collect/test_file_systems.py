"""File systems of S3 Files: each with its bucket and its policy, and silence where the service may be is no answer."""

from typing import Any

import pytest

from s3warden.aws.errors import AwsError
from s3warden.collect import file_systems
from s3warden.model.bucket import ABSENT, AccountRef, Cause, Present, Unreadable
from s3warden.model.configuration import Policy
from s3warden.model.other_buckets import FileSystem, FileSystems
from support.services import REFUSED, THROTTLED, Services

ACCOUNT = AccountRef("aws", "111122223333")
LIST, READ = "s3files ListFileSystems", "s3files GetFileSystemPolicy"
NONE = AwsError("ResourceNotFoundException", status=404)
NOWHERE = AwsError("NoSuchEndpoint", "nothing answers there", cause=Cause.REGION_OFF)
SILENT = AwsError("EndpointConnectionError", "nothing answers there", cause=Cause.UNREACHABLE)


def arn(name: str) -> str:
    """The ARN of an own file system."""
    return f"arn:aws:s3files:eu-west-1:111122223333:file-system/{name}"


def listed(*names: str, bucket: str = "arn:aws:s3:::invented-ledger") -> dict[str, Any]:
    """The answer of the list."""
    return {"fileSystems": [{"fileSystemId": each, "fileSystemArn": arn(each), "bucket": bucket} for each in names]}


async def read(aws: Services, region: str = "eu-west-1") -> Any:
    """The reading of one region."""
    found = await file_systems.of_account(aws, ACCOUNT, [region])
    [(place, reading)] = found.value
    assert place == region
    return reading


async def test_each_file_system_has_its_bucket_and_policy() -> None:
    """One call for each, beside the list."""

    def answer(_ref: object, params: Any) -> Any:
        return {"fileSystemId": "fs-1", "policy": "{}"} if params["fileSystemId"] == "fs-1" else NONE

    aws = Services({LIST: listed("fs-2", "fs-1"), READ: answer})
    found = (
        FileSystem("fs-1", arn("fs-1"), "invented-ledger", Present(Policy("{}"))),
        FileSystem("fs-2", arn("fs-2"), "invented-ledger", ABSENT),
    )
    assert await read(aws) == Present(FileSystems(found))
    assert [asked.what for asked in aws.asked] == [LIST, READ, READ]
    assert await read(Services({LIST: listed()})) == ABSENT


@pytest.mark.parametrize("refused", [REFUSED, THROTTLED])
async def test_refusals_are_told(refused: AwsError) -> None:
    """Of the list as a whole, of one policy as a part."""
    assert isinstance(await read(Services({LIST: refused})), Unreadable)
    reading = await read(Services({LIST: listed("fs-1"), READ: refused}))
    assert [part.cause for part in reading.value.unreadable] == [refused.cause]


@pytest.mark.parametrize("answer", [{}, {"policy": None}, {"policy": ""}, {"policy": {}}])
async def test_damaged_policies_are_unreadable(answer: dict[str, Any]) -> None:
    """A file system without a policy is told by an error, never by an empty answer."""
    reading = await read(Services({LIST: listed("fs-1"), READ: answer}))
    assert [part.cause for part in reading.value.unreadable] == [Cause.MALFORMED]


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"fileSystems": [{}]},
        listed("fs-1", bucket="invented-ledger"),
        listed("fs-1", bucket="arn:aws:s3:::"),
        {"fileSystems": [{"fileSystemArn": arn("fs-1"), "bucket": "arn:aws:s3:::invented-ledger"}]},
    ],
)
async def test_damaged_lists_are_unreadable(answer: dict[str, Any]) -> None:
    """As a whole: what an item is cannot be guessed."""
    reading = await read(Services({LIST: answer}))
    assert isinstance(reading, Unreadable)
    assert reading.cause is Cause.MALFORMED


@pytest.mark.parametrize("silence", [NOWHERE, SILENT])
async def test_silence_is_no_answer_where_there_is_the_service(silence: AwsError) -> None:
    """Elsewhere there is none of it."""
    aws = Services({LIST: silence})
    assert isinstance(await read(aws, "us-east-1"), Unreadable)
    assert await read(aws, "eu-south-1") == ABSENT


@pytest.mark.parametrize("silence", [NOWHERE, SILENT])
async def test_silence_after_an_answer_is_no_end_of_the_list(silence: AwsError) -> None:
    """There is the service, whatever is known of the region."""

    def answer(_ref: object, params: Any) -> Any:
        return silence if "nextToken" in params else {**listed("fs-1"), "nextToken": "more"}

    assert isinstance(await read(Services({LIST: answer, READ: NONE}), "eu-south-1"), Unreadable)
