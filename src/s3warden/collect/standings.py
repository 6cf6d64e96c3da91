"""Whose a bucket name is, as an account that refers to it can find out.

Takes an account and a name, hands on a standing, shared by all who ask. What is known of guarded accounts takes no
call. Otherwise HeadBucket tells whether the name is anybody's, and with an expected owner whether it is a certain
account's; a refusal says only that it exists. An account that was not listed yet is asked for its buckets of that
name, since nobody may be called a stranger before all friends were asked.

Sources: HeadBucket and ListBuckets of the S3 API reference; "Verifying bucket ownership" of the S3 user guide.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from s3warden.aws.errors import AwsError, shorten
from s3warden.collect.aspects import AspectRead
from s3warden.collect.owners import Owners
from s3warden.collect.services import ServiceReader
from s3warden.collect.shapes import Answer, ShapeError, mapping, optional_text, sequence
from s3warden.collect.shared import Shared
from s3warden.model.bucket import AccountRef, Cause, Present, Reading, Unreadable
from s3warden.model.references import Standing

HEAD, LIST = "HeadBucket", "ListBuckets"
READS: tuple[AspectRead[object], ...] = (
    AspectRead(HEAD, "s3:ListBucket", lambda answer: answer),
    AspectRead(LIST, "s3:ListAllMyBuckets", lambda answer: answer),
)
_ASKED = 100
"""So many accounts are asked one by one whether a name is theirs; a larger estate is listed first."""


class Standings:
    """Asks through `reader` what `owners` does not know. `clock` gives UTC."""

    def __init__(
        self,
        reader: ServiceReader,
        owners: Owners,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._reader = reader
        self._owners = owners
        self._shared: Shared[tuple[str, str, str | None], Standing] = Shared(clock=clock)

    async def of(self, asking: AccountRef, name: str, said: str | None = None) -> Reading[Standing]:
        """The standing of a name. `said` is the account that is said to own it, if one is."""
        owner = self._owners.of(asking.partition, name)
        if owner is not None:
            return Present(Standing(name, exists=True, owner=owner.account, region=owner.region))

        return await self._shared.reading((asking.account, name, said), lambda: self._read(asking, name, said))

    def forget(self, name: str) -> None:
        """The name may have been taken or released."""
        self._shared.forget(lambda key: key[1] == name)

    async def _read(self, asking: AccountRef, name: str, said: str | None) -> Reading[Standing]:
        try:
            for account in dict.fromkeys((asking.account, said or asking.account)):
                answer = await self._head(asking, name, account)
                if answer is not None:
                    return Present(answer)
            return await self._friends(asking, name, said)
        except AwsError as error:
            return Unreadable(error.cause, shorten(f"{error.code}: {error.message}"))
        except ShapeError as error:
            return Unreadable(Cause.MALFORMED, f"{HEAD} or {LIST}: {error}")

    async def _head(self, asking: AccountRef, name: str, owner: str) -> Standing | None:
        """The standing if `owner` owns the bucket, or if nobody does; None if it exists and that is all S3 says."""
        try:
            answer = await self._reader.service(asking, "s3", HEAD, Bucket=name, ExpectedBucketOwner=owner)
        except AwsError as error:
            if error.gone or error.status == 404:
                return Standing(name, exists=False)
            if error.status in (301, 403):
                return None
            raise
        return Standing(
            name, exists=True, owner=owner, region=optional_text(answer.get("BucketRegion"), "BucketRegion")
        )

    async def _friends(self, asking: AccountRef, name: str, said: str | None) -> Reading[Standing]:
        """The guarded account that has the bucket, of those that may; a stranger's if none has."""
        others = [account for account in self._owners.unlisted(asking.partition) if account != asking]
        others.sort(key=lambda account: account.account != said)
        if len(others) > _ASKED:
            return Unreadable(Cause.NOT_READ, f"the buckets of {len(others)} accounts are not listed yet")
        for account in (asking, *others):
            region = _region(name, await self._reader.service(account, "s3", LIST, Prefix=name))
            if region is not None:
                return Present(Standing(name, exists=True, owner=account.account, region=region or None))
        return Present(Standing(name, exists=True))


def _region(name: str, answer: Answer) -> str | None:
    """The region of the bucket if the list has it, empty where the list does not say."""
    for each in sequence(answer.get("Buckets"), "Buckets"):
        bucket = mapping(each, "Bucket")
        if bucket.get("Name") == name:
            return optional_text(bucket.get("BucketRegion"), "BucketRegion") or ""
    return None
