"""Object Lambda access points: each with its policy, and a refusal is never taken for an account without any."""

from typing import Any

import pytest

from s3warden.aws.errors import AwsError
from s3warden.collect import object_lambda
from s3warden.model.bucket import ABSENT, AccountRef, Cause, Present, Unreadable
from s3warden.model.configuration import Policy
from s3warden.model.other_buckets import ObjectLambdaPoint, ObjectLambdaPoints
from support.services import REFUSED, THROTTLED, Services

ACCOUNT = AccountRef("aws", "111122223333")
LIST, READ = "s3control ListAccessPointsForObjectLambda", "s3control GetAccessPointPolicyForObjectLambda"
NONE = AwsError("NoSuchAccessPointPolicy", status=404)
CLOSED = AwsError("MethodNotAllowed", "not open to new customers", status=405)


def arn(name: str) -> str:
    """The ARN of an own access point."""
    return f"arn:aws:s3-object-lambda:eu-west-1:111122223333:accesspoint/{name}"


def listed(*names: str) -> dict[str, Any]:
    """The answer of the list."""
    return {"ObjectLambdaAccessPointList": [{"Name": name} for name in names]}


async def read(aws: Services) -> Any:
    """The reading of one region."""
    found = await object_lambda.of_account(aws, ACCOUNT, ["eu-west-1"])
    [(region, reading)] = found.value
    assert region == "eu-west-1"
    return reading


async def test_each_point_has_its_policy() -> None:
    """One call for each, in the region of the list."""

    def answer(_ref: object, params: Any) -> Any:
        return {"Policy": "{}"} if params["Name"] == "a" else NONE

    aws = Services({LIST: listed("b", "a"), READ: answer})
    found = (ObjectLambdaPoint("a", arn("a"), Present(Policy("{}"))), ObjectLambdaPoint("b", arn("b"), ABSENT))
    assert await read(aws) == Present(ObjectLambdaPoints(found))
    assert [asked.what for asked in aws.asked] == [LIST, READ, READ]
    assert {asked.region for asked in aws.asked} == {"eu-west-1"}
    assert await read(Services({LIST: listed()})) == ABSENT


@pytest.mark.parametrize("refused", [REFUSED, THROTTLED, CLOSED])
async def test_refusals_are_told(refused: AwsError) -> None:
    """Also where the service may be closed to the account: AWS documents no answer that says so."""
    reading = await read(Services({LIST: refused}))
    assert isinstance(reading, Unreadable)
    assert reading.cause is refused.cause
    reading = await read(Services({LIST: listed("a"), READ: refused}))
    assert [part.cause for part in reading.value.unreadable] == [refused.cause]


@pytest.mark.parametrize("answer", [{}, {"Policy": ""}, {"Policy": {}}])
async def test_damaged_policies_are_unreadable(answer: dict[str, Any]) -> None:
    """A missing policy is told by an error."""
    reading = await read(Services({LIST: listed("a"), READ: answer}))
    assert [part.cause for part in reading.value.unreadable] == [Cause.MALFORMED]


@pytest.mark.parametrize("answer", [{}, {"ObjectLambdaAccessPointList": [{}]}])
async def test_damaged_lists_are_unreadable(answer: dict[str, Any]) -> None:
    """As a whole."""
    reading = await read(Services({LIST: answer}))
    assert isinstance(reading, Unreadable)
    assert reading.cause is Cause.MALFORMED
