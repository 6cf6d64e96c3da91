"""Which accounts an organisation has.

Takes ids of accounts, organisational units and roots to include and exclude, hands on account ids. Asked as the own
account, which must be the management account or a delegated administrator. Never caches and never decides what to do
when the answer fails: it raises AwsError.
"""

from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from s3warden.aws.calls import Calls
from s3warden.aws.errors import malformed
from s3warden.model.bucket import AccountRef

_CLOSED = frozenset({"SUSPENDED", "PENDING_CLOSURE", "CLOSED"})


@dataclass(frozen=True, slots=True)
class Accounts:
    """Ids of accounts, sorted: the active ones of those that were chosen, and all that AWS closed or suspended."""

    active: tuple[str, ...]
    closed: tuple[str, ...]


class Organization:
    """The organisation that `home` belongs to."""

    def __init__(self, calls: Calls, home: AccountRef) -> None:
        self._calls = calls
        self._home = home

    async def accounts(self, include: Collection[str] = (), exclude: Collection[str] = ()) -> Accounts:
        """The accounts of the organisation.

        An id of an organisational unit or root stands for every account below it. Nothing included means all; what is
        excluded stays out even when it is included too.
        """
        states = {str(account["Id"]): _state(account) async for account in self._list("ListAccounts", "Accounts")}
        active = {account for account, state in states.items() if state == "ACTIVE"}
        if include:
            active &= await self._members(include)
        if exclude:
            active -= await self._members(exclude)
        closed = (account for account, state in states.items() if state in _CLOSED)
        return Accounts(tuple(sorted(active)), tuple(sorted(closed)))

    async def units(self) -> Mapping[str, frozenset[str]]:
        """For each account the ids of everything it is below: its unit, those above it, and the root."""
        above: dict[str, frozenset[str]] = {}
        waiting = [(str(root["Id"]), frozenset({str(root["Id"])})) async for root in self._list("ListRoots", "Roots")]
        while waiting:
            parent, chain = waiting.pop()
            async for account in self._list("ListAccountsForParent", "Accounts", ParentId=parent):
                above[str(account["Id"])] = chain
            units = self._list("ListOrganizationalUnitsForParent", "OrganizationalUnits", ParentId=parent)
            async for unit in units:
                id_ = str(unit["Id"])
                if id_ not in chain:
                    waiting.append((id_, chain | {id_}))
        return above

    async def _members(self, ids: Collection[str]) -> set[str]:
        """The accounts among `ids` and those below its units and roots, at any depth."""
        members = {id_ for id_ in ids if not _is_parent(id_)}
        parents = [id_ for id_ in ids if _is_parent(id_)]
        seen = set(parents)
        while parents:
            parent = parents.pop()
            members |= {str(a["Id"]) async for a in self._list("ListAccountsForParent", "Accounts", ParentId=parent)}
            below = self._list("ListOrganizationalUnitsForParent", "OrganizationalUnits", ParentId=parent)
            units = {str(unit["Id"]) async for unit in below} - seen
            seen |= units
            parents.extend(units)
        return members

    async def _list(self, operation: str, key: str, **params: str) -> AsyncIterator[Mapping[str, Any]]:
        while True:
            answer = await self._calls.ask(self._home, "organizations", operation, **params)
            if key not in answer:
                raise malformed(operation, f"the answer has no {key}")
            for item in answer[key]:
                if not item.get("Id"):
                    raise malformed(operation, "an item has no id")
                yield item
            if not answer.get("NextToken"):
                return
            params["NextToken"] = answer["NextToken"]


def _state(account: Mapping[str, Any]) -> object:
    # Organizations is replacing Status by State; during the change an answer may carry either.
    return account.get("State") or account.get("Status")


def _is_parent(id_: str) -> bool:
    return id_.startswith(("ou-", "r-"))
