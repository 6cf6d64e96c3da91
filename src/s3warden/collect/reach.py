"""Whom the calls of the security services concern: some are made in one account and change what holds for others.

Takes the name and the record of a call and the account where it was recorded, hands on accounts. Pure.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from s3warden.collect.fields import account_id, clean, items, mapping
from s3warden.collect.record import answer, parameters
from s3warden.model.event import Level, Target

_NAME_LIMIT = 256
_ANALYZER_OF_ALL = "ORGANIZATION"


def here(_name: str, _record: Mapping[str, object], own: Target) -> tuple[Target, ...]:
    """The account where the call was recorded, and no other."""
    return (own,)


def of_trails(name: str, record: Mapping[str, object], own: Target) -> tuple[Target, ...]:
    """The account itself, and all under the trail: everybody for one that is made the organisation's.

    Where the record does not say whose trail it is, those are meant who are known to be under it.
    """
    asked = parameters(record)
    told = (part.get("isOrganizationTrail") for part in (answer(record), asked))
    if any(each is True for each in told):
        return (own, replace(own, level=Level.ORGANIZATION, account=None))
    trail = clean(asked.get("name") or asked.get("trailName"), _NAME_LIMIT)
    # Nobody was under a trail that is new.
    return (own, replace(own, trail=trail)) if trail and name != "CreateTrail" else (own,)


def of_analyzers(name: str, record: Mapping[str, object], own: Target) -> tuple[Target, ...]:
    """Everybody for an analyzer of the organisation; who deletes one does not say of what kind it was."""
    kind = parameters(record).get("type")
    if name == "DeleteAnalyzer" or (isinstance(kind, str) and kind.startswith(_ANALYZER_OF_ALL)):
        return (replace(own, level=Level.ORGANIZATION, account=None),)
    return (own,)


def of_members(_name: str, record: Mapping[str, object], own: Target) -> tuple[Target, ...]:
    """The account itself, and the member accounts that an administrator names."""
    return (own, *(replace(own, account=account) for account in _members(parameters(record))))


def _members(asked: Mapping[str, object]) -> Iterator[str]:
    named = [mapping(each).get("accountId") for each in (*items(asked.get("accounts")), *items(asked.get("account")))]
    details = [mapping(each).get("accountId") for each in items(asked.get("accountDetails"))]
    listed = asked.get("accountIds")
    ids = listed if isinstance(listed, list) else []
    for value in (asked.get("id"), asked.get("adminAccountId"), *named, *details, *ids):
        account = account_id(value) if isinstance(value, str) else None
        if account is not None:
            yield account
