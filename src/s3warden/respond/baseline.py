"""Which rules were told of in which accounts. Pure.

The first look of a rule at an account is a state, no news: what it finds there is told in one digest at the end of a
sweep, and pages only where it is live public exposure. Every rule is new to an account that joins, and a rule that is
switched on is new to every account. What an event changes in a subject that the rules have judged is news all the same.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from s3warden.model.bucket import AccountRef, Subject

_NOTHING: Mapping[AccountRef, frozenset[str]] = MappingProxyType({})


class Baseline:
    """`rules` are the enabled ones: their ids, each with the name under which it is remembered.

    The two differ where a rule may be changed under its id: changed, it is new. `told` are the names that were told of,
    by account.
    """

    def __init__(self, rules: Mapping[str, str], told: Mapping[AccountRef, frozenset[str]] = _NOTHING) -> None:
        self._rules = dict(rules)
        self._all = frozenset(rules)
        names = frozenset(rules.values())
        # A rule that was switched off meanwhile is new when it comes back.
        self.told: Mapping[AccountRef, frozenset[str]] = {account: known & names for account, known in told.items()}
        self._judged: set[Subject] = set()

    @property
    def accounts(self) -> frozenset[AccountRef]:
        """The accounts that had their first digest."""
        return frozenset(self.told)

    def new(self, account: AccountRef) -> frozenset[str]:
        """The ids of the rules that are new to the account."""
        told = self.told.get(account)
        if told is None:
            return self._all
        if len(told) == len(self._rules):
            return frozenset()
        return frozenset(rule_id for rule_id, name in self._rules.items() if name not in told)

    def quiet(self, subject: Subject, *, sweep: bool) -> frozenset[str]:
        """The ids of the rules whose findings about the subject wait for the digest."""
        new = self.new(subject.owner)
        return frozenset() if new and not sweep and subject in self._judged else new

    def judged(self, subject: Subject) -> None:
        """All rules have looked at the subject."""
        if self.new(subject.owner):
            self._judged.add(subject)

    def settle(self, accounts: Iterable[AccountRef]) -> None:
        """All that the rules found in these accounts is told: what they find from now on is news."""
        names = frozenset(self._rules.values())
        self.told = {**self.told, **dict.fromkeys(accounts, names)}
        self._judged = {subject for subject in self._judged if self.new(subject.owner)}


def dumps(told: Mapping[AccountRef, frozenset[str]]) -> str:
    """What was told, as a short text: accounts that know the same rules stand together."""
    groups: defaultdict[frozenset[str], list[str]] = defaultdict(list)
    for account, names in told.items():
        groups[names].append(account.key)
    rows = [{"accounts": sorted(accounts), "rules": sorted(names)} for names, accounts in groups.items()]
    return json.dumps(sorted(rows, key=lambda row: row["accounts"]))


def loads(text: str | None) -> dict[AccountRef, frozenset[str]]:
    """What `dumps` wrote; nothing where there is no text."""
    rows = json.loads(text) if text else []
    return {AccountRef(*key.split(":", 1)): frozenset(row["rules"]) for row in rows for key in row["accounts"]}
