"""A stand-in for AWS's services: answers by service and operation, refusals where nothing is scripted, and a record.

aws = Services({"kms DescribeKey": {"KeyMetadata": …}, "s3 HeadBucket": lambda ref, params: …})
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from s3warden.aws.errors import AwsError
from s3warden.model.bucket import AccountRef, BucketRef, Cause

MISSING = AwsError("404", "Not Found", status=404)
FORBIDDEN = AwsError("403", "Forbidden", status=403, cause=Cause.DENIED)
REFUSED = AwsError("AccessDenied", "no", status=403, cause=Cause.ROLE_PERMISSION)
THROTTLED = AwsError("ThrottlingException", "slow", status=400, cause=Cause.THROTTLED)


@dataclass(frozen=True)
class Asked:
    """One call."""

    what: str
    account: str
    region: str | None
    params: Mapping[str, Any]


@dataclass
class Services:
    """`answers` by "service Operation" are values, exceptions, or functions of the account and the parameters."""

    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    async def bucket(self, ref: BucketRef, operation: str, **params: object) -> Mapping[str, object]:
        """The answer of an S3 operation on a bucket: scripted as "bucket Operation"."""
        return await self._answer(f"bucket {operation}", ref.owner, ref.region, {"Bucket": ref.name, **params})

    async def account(
        self, ref: AccountRef, operation: str, *, region: str | None = None, **params: object
    ) -> Mapping[str, object]:
        """The answer of S3 Control."""
        return await self._answer(f"s3control {operation}", ref, region, params)

    async def service(
        self, ref: AccountRef, service: str, operation: str, *, region: str | None = None, **params: object
    ) -> Mapping[str, object]:
        """The answer of any service."""
        return await self._answer(f"{service} {operation}", ref, region, params)

    def count(self, what: str) -> int:
        """How often that was asked."""
        return sum(asked.what == what for asked in self.asked)

    async def _answer(
        self, what: str, ref: AccountRef, region: str | None, params: Mapping[str, Any]
    ) -> Mapping[str, object]:
        self.asked.append(Asked(what, ref.account, region, params))
        # Whoever asks gets the answer later, never in the same step.
        await asyncio.sleep(0)
        answer = self.answers.get(what, REFUSED)
        if callable(answer):
            answer = answer(ref, params)
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, Mapping), answer
        return answer
