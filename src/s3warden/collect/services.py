"""What asks AWS services other than S3 and S3 Control."""

from typing import Protocol

from s3warden.collect.shapes import Answer
from s3warden.model.bucket import AccountRef


class ServiceReader(Protocol):
    """The part of `fetch.BucketReader` that asks any other service. Raises AwsError and nothing else."""

    async def service(
        self, ref: AccountRef, service: str, operation: str, *, region: str | None = None, **parameters: object
    ) -> Answer:
        """The parsed answer of a service's operation, as the account, from `region` or the home region."""
