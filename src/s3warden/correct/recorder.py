"""What AWS answered during a look, kept beside the state that is parsed from it.

Takes the place of the reader, hands on its answers, and keeps each by what was asked. Decides nothing.
"""

from collections.abc import Mapping
from typing import TypeAlias

from s3warden.collect.aspects import AspectRead
from s3warden.collect.fetch import BucketReader
from s3warden.collect.shapes import Answer, sequence
from s3warden.model.bucket import AccountRef, BucketRef
from s3warden.model.objects import ObjectName

Answers: TypeAlias = Mapping[tuple[str, str | None, str], Answer]
"""Answers of services by operation, region, and what they are about."""


class Recorder:
    """A reader that keeps what it was answered first, by the operation's name, of a bucket with the bucket's."""

    def __init__(self, reader: BucketReader) -> None:
        self._reader = reader
        self.of_buckets: dict[tuple[str, str], Answer] = {}
        self.more_of_buckets: dict[tuple[str, str], list[Answer]] = {}
        self.of_account: dict[str, Answer] = {}
        self.of_services: dict[tuple[str, str | None, str], Answer] = {}

    async def bucket(self, ref: BucketRef, operation: str, **parameters: object) -> Answer:
        """The answer about a bucket."""
        answer = await self._reader.bucket(ref, operation, **parameters)
        if not parameters:
            self.of_buckets.setdefault((ref.name, operation), answer)
        elif "ContinuationToken" in parameters:
            self.more_of_buckets.setdefault((ref.name, operation), []).append(answer)
        return answer

    async def account(
        self, ref: AccountRef, operation: str, *, region: str | None = None, **parameters: object
    ) -> Answer:
        """The answer about an account."""
        answer = await self._reader.account(ref, operation, region=region, **parameters)
        if parameters:
            self.of_services[operation, region, _about(parameters)] = answer
        else:
            self.of_account[operation] = answer
        return answer

    async def service(
        self, ref: AccountRef, service: str, operation: str, *, region: str | None = None, **parameters: object
    ) -> Answer:
        """The answer of another service."""
        answer = await self._reader.service(ref, service, operation, region=region, **parameters)
        self.of_services[operation, region, _about(parameters)] = answer
        return answer

    def answered(self, bucket: str, read: AspectRead[object]) -> Answer:
        """The answer about a bucket that was parsed: of a list in pages, with what stands on all of them."""
        answer = self.of_buckets[bucket, read.operation]
        more = self.more_of_buckets.get((bucket, read.operation))
        if read.paged is None or more is None:
            return answer
        name = read.paged
        return {name: [item for page in (answer, *more) for item in sequence(page.get(name, ()), name)]}


# The parameters by which a service is asked about one thing of several, or for one page of several.
_NAMES = (
    *("TrailName", "DetectorId", "KeyId", "Name", "logGroupName", "nextToken", "Namespace", "MetricName"),
    *("BackupPlanId", "SelectionId", "Bucket", "tableBucketARN", "vectorBucketName", "fileSystemId"),
)


def _about(parameters: Mapping[str, object]) -> str:
    if "Key" in parameters:
        return ObjectName(str(parameters["Key"]), str(parameters.get("VersionId", ""))).place
    return " ".join(str(parameters[name]) for name in _NAMES if name in parameters)
