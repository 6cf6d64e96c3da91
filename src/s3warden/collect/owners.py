"""Which guarded account owns which bucket name, as listings and looks tell.

Takes the guarded accounts, their listings, and each bucket as it is found or gone; hands on the owner of a name. What
it does not know belongs to none of the accounts listed so far; `unlisted` are those that may still own it.
"""

from collections.abc import Collection
from sys import intern
from typing import Protocol

from s3warden.model.bucket import AccountRef, BucketRef
from s3warden.model.event import Listing


class Known(Protocol):
    """What is needed of `cache.Cache`: buckets that were read before, as by the life before a reload."""

    def find(self, partition: str | None, name: str) -> BucketRef | None:
        """The bucket of this name."""


class Owners:
    """Owners by name; bounded by the buckets of the guarded accounts."""

    def __init__(self) -> None:
        self._guarded: frozenset[AccountRef] = frozenset()
        self._complete: set[AccountRef] = set()
        self._owners: dict[str, dict[str, BucketRef]] = {}
        self._known: Known | None = None

    def beside(self, known: Known) -> None:
        """Look up there what no listing of this life has named."""
        self._known = known

    def guard(self, accounts: Collection[AccountRef]) -> None:
        """These accounts are guarded, and no others any more."""
        self._guarded = frozenset(accounts)
        self._complete &= self._guarded
        for names in self._owners.values():
            for name in [name for name, ref in names.items() if ref.owner not in self._guarded]:
                del names[name]

    def listed(self, listing: Listing) -> None:
        """An account was listed; what a complete listing does not name is not the account's."""
        names = self._owners.setdefault(listing.account.partition, {})
        if listing.complete:
            self._complete.add(listing.account)
            listed = {bucket.name for bucket in listing.buckets}
            for name in [name for name, ref in names.items() if ref.owner == listing.account and name not in listed]:
                del names[name]
        names.update((bucket.name, _lean(bucket)) for bucket in listing.buckets)

    def found(self, ref: BucketRef) -> None:
        """A look found the bucket."""
        self._owners.setdefault(ref.partition, {})[ref.name] = _lean(ref)

    def gone(self, ref: BucketRef) -> None:
        """The account has no such bucket any more."""
        names = self._owners.get(ref.partition, {})
        known = names.get(ref.name)
        if known is not None and known.owner == ref.owner:
            del names[ref.name]

    def of(self, partition: str, name: str) -> BucketRef | None:
        """The bucket of this name in a guarded account, None if none is known to have it."""
        listed = self._owners.get(partition, {}).get(name)
        return self._known.find(partition, name) if listed is None and self._known is not None else listed

    def unlisted(self, partition: str) -> tuple[AccountRef, ...]:
        """Guarded accounts of which not every bucket is known, in order."""
        return tuple(sorted(a for a in self._guarded - self._complete if a.partition == partition))

    def is_guarded(self, account: AccountRef) -> bool:
        """Whether the account is guarded."""
        return account in self._guarded


def _lean(ref: BucketRef) -> BucketRef:
    """The same with the texts that most buckets share held once."""
    return BucketRef(intern(ref.partition), intern(ref.account), intern(ref.region), ref.name)
