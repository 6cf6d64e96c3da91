"""Where a bucket is whose name a person typed."""

from collections.abc import Sequence

from s3warden import assembly
from s3warden.aws.errors import AwsError
from s3warden.model.bucket import AccountRef, BucketRef


class NotFoundError(Exception):
    """No guarded account has such a bucket, as far as its buckets could be listed."""


async def located(parts: assembly.Reading, accounts: Sequence[AccountRef], name: str) -> BucketRef:
    """The bucket of this name in the first account that lists it. Raises NotFoundError."""
    failures: list[str] = []
    for account in accounts:
        try:
            listing = await parts.estate.listing(account)
        except AwsError as error:
            failures.append(f"{account}: {error}")
            continue
        match = next((ref for ref in listing.buckets if ref.name == name), None)
        if match is not None:
            return match
        failures += [f"{account}, {place}: {why}" for place, why in listing.failures.items()]
    blind = f"; not listed: {'; '.join(failures)}" if failures else ""
    raise NotFoundError(f"none of {len(accounts)} guarded accounts has a bucket {name}{blind}")
