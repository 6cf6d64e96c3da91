"""A part of the estate: only some accounts and buckets of it, by what the caller of a scan asks for."""

from collections.abc import Collection
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Protocol

from s3warden.model.bucket import AccountRef
from s3warden.model.event import Listing


class Estate(Protocol):
    """What a sweep asks of the estate."""

    async def accounts(self) -> tuple[AccountRef, ...]:
        """The accounts that are guarded."""

    async def listing(self, account: AccountRef) -> Listing:
        """The buckets of one."""


@dataclass(frozen=True, slots=True)
class Only:
    """`buckets` are globs over names, `accounts` are numbers; none means all."""

    buckets: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()

    def missed(self, accounts: Collection[AccountRef], buckets: int) -> tuple[str, ...]:
        """What was asked for and is not there, for people: a misspelt name must not look like a sound bucket."""
        known = {each.account for each in accounts}
        texts = [f"account {each} is not guarded" for each in self.accounts if each not in known]
        if self.buckets and not buckets:
            texts.append(f"no bucket is called {' or '.join(self.buckets)}")
        return tuple(texts)


@dataclass(frozen=True, slots=True)
class Narrowed:
    """`estate` as far as `only` goes."""

    estate: Estate
    only: Only

    async def accounts(self) -> tuple[AccountRef, ...]:
        """Those asked for."""
        wanted = self.only.accounts
        return tuple(each for each in await self.estate.accounts() if not wanted or each.account in wanted)

    async def listing(self, account: AccountRef) -> Listing:
        """The buckets asked for, and whatever could not be listed."""
        listing = await self.estate.listing(account)
        globs = self.only.buckets
        buckets = (b for b in listing.buckets if not globs or any(fnmatchcase(b.name, glob) for glob in globs))
        return Listing(account, tuple(buckets), listing.failures)
