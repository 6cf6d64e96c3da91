"""A reader of services that answers by service, operation and region, and records what it was asked."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from s3warden.aws.errors import AwsError
from s3warden.model.bucket import AccountRef, BucketRef, Cause

ACCOUNT = AccountRef("aws", "111122223333")
OTHER = AccountRef("aws", "444455556666")
HERE, THERE = "eu-west-1", "us-east-1"
DENIED = AwsError("AccessDeniedException", "not authorized", status=403, cause=Cause.DENIED)
Answer = Mapping[str, Any] | AwsError | Callable[..., Any]


def bucket(name: str, region: str = HERE) -> BucketRef:
    """A bucket of the account."""
    return BucketRef(ACCOUNT.partition, ACCOUNT.account, region, name)


class FakeServices:
    """Answers are looked up by `operation`, or `account:operation` first; a function gets the call's parameters."""

    def __init__(self, **answers: Answer) -> None:
        self.answers: dict[str, Answer] = dict(answers)
        self.asked: list[tuple[str, str, str | None]] = []
        self.parameters: list[dict[str, object]] = []

    async def service(
        self, ref: AccountRef, service: str, operation: str, *, region: str | None = None, **parameters: object
    ) -> Mapping[str, Any]:
        """The answer; refused where there is none."""
        self.asked.append((service, operation, region))
        self.parameters.append(parameters)
        await asyncio.sleep(0)
        answer = self.answers.get(f"{ref.account}:{operation}", self.answers.get(operation, DENIED))
        if callable(answer):
            answer = answer(region=region, **parameters)
        if isinstance(answer, AwsError):
            raise answer
        return answer

    async def bucket(self, ref: BucketRef, operation: str, **parameters: object) -> Mapping[str, Any]:
        """The same for S3, of one bucket."""
        return await self.service(ref.owner, "s3", operation, region=ref.region, **parameters, Bucket=ref.name)

    async def account(
        self, ref: AccountRef, operation: str, *, region: str | None = None, **parameters: object
    ) -> Mapping[str, Any]:
        """The same for S3 Control."""
        return await self.service(ref, "s3control", operation, region=region, **parameters)

    def count(self, operation: str) -> int:
        """How often an operation was asked for."""
        return sum(asked == operation for _, asked, _ in self.asked)
