"""Reads the configuration of buckets and accounts, one sub-resource at a time, through the SDK.

Takes a reference and an operation by AWS's name for it, hands on the parsed answer. It never interprets what it read:
a leaner reader may take its place.
"""

from collections.abc import Mapping

from s3warden.aws.calls import Calls
from s3warden.model.bucket import AccountRef, BucketRef


class S3Reader:
    """The reading half of S3, S3 Control and other services. Every method raises AwsError and nothing else."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def bucket(self, ref: BucketRef, operation: str, **parameters: object) -> Mapping[str, object]:
        """The answer of the S3 operation, e.g. `GetBucketAcl`, from the bucket's own region.

        The expected owner is sent along: a bucket of the same name in another account is not ours to judge.
        """
        return await self._calls.ask(
            ref.owner,
            "s3",
            operation,
            region=ref.region,
            Bucket=ref.name,
            ExpectedBucketOwner=ref.account,
            **parameters,
        )

    async def account(
        self, ref: AccountRef, operation: str, *, region: str | None = None, **parameters: object
    ) -> Mapping[str, object]:
        """The answer of the S3 Control operation, e.g. `GetPublicAccessBlock`, asked as the account itself.

        Without a `region` the home region's endpoint is asked, which knows the settings of the whole account.
        """
        return await self._calls.ask(ref, "s3control", operation, region=region, AccountId=ref.account, **parameters)

    async def service(
        self, ref: AccountRef, service: str, operation: str, *, region: str | None = None, **parameters: object
    ) -> Mapping[str, object]:
        """The answer of another service, e.g. `kms`, asked as the account, in `region` or the home region."""
        return await self._calls.ask(ref, service, operation, region=region, **parameters)
