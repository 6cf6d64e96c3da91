"""Whose a bucket is that something points at, in the words of the rules: ours, trusted, a stranger's, nobody's.

Takes a standing, hands on a judgement about the one name. Existing is not health: a name that was taken by a stranger
exists. Where an account was named as the owner and AWS does not confirm it, nothing is decided.
"""

from collections.abc import Iterable
from enum import StrEnum

from s3warden.detect.rule import RuleOptions
from s3warden.model.bucket import Present
from s3warden.model.references import Destination, Reference, Standing


class Whose(StrEnum):
    """Whose a name is. `UNPROVEN`: it exists, and is said to be somebody's, which AWS does not confirm."""

    OURS = "ours"
    TRUSTED = "a trusted account's"
    STRANGER = "a stranger's"
    NOBODY = "nobody's"
    UNPROVEN = "not proven to be whose it is said to be"
    UNKNOWN = "not known"


def whose(destination: Destination, account: str, options: RuleOptions) -> Whose:
    """Whose the destination is, as `account` sees it."""
    if not isinstance(destination.standing, Present):
        return Whose.UNKNOWN
    standing = destination.standing.value
    if not standing.exists:
        return Whose.NOBODY
    said = said_owner(destination)
    if standing.owner is None:
        return Whose.STRANGER if said is None else Whose.UNPROVEN
    if said not in (None, standing.owner):
        return Whose.STRANGER
    if standing.owner == account:
        return Whose.OURS
    return Whose.TRUSTED if standing.owner in options.trusted_accounts else Whose.STRANGER


def said_owner(destination: Destination) -> str | None:
    """The account that the references say owns it, None where they do not say."""
    return next((each.owner for each in destination.references if each.owner is not None), None)


def told(destination: Destination, found: Whose) -> str:
    """The destination for people: name, whose it is, and what points at it."""
    standing = destination.standing.value if isinstance(destination.standing, Present) else Standing("", exists=False)
    owner = f" (account {standing.owner})" if found is Whose.STRANGER and standing.owner else ""
    return f"{destination.name} is {found}{owner}: {pointing(destination.references)}"


def pointing(references: Iterable[Reference], limit: int = 3) -> str:
    """What points at a name, at most `limit` of it by name."""
    texts = [f"{each}" + (f" at {each.detail}" if each.detail else "") for each in references]
    more = f" and {len(texts) - limit} more" if len(texts) > limit else ""
    return ", ".join(texts[:limit]) + more
