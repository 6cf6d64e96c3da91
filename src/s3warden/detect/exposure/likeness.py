"""Named accounts that the documents treat alike: one analysis serves them all.

A policy may list a thousand accounts. Two accounts are alike where every rule and every condition on the account
number answers the same for both, and nothing else in the documents can tell them apart.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from s3warden.detect.exposure.compiled import Rule
from s3warden.detect.exposure.facts import Facts
from s3warden.detect.exposure.glob import Pattern
from s3warden.detect.exposure.proof import Witness
from s3warden.detect.exposure.templates import Unresolved, pattern

_TELLING = frozenset(
    {
        "aws:principalarn", "aws:userid", "aws:username", "s3:dataaccesspointaccount", "s3:dataaccesspointarn",
        "aws:vpceaccount", "s3:x-amz-server-side-encryption-aws-kms-key-id",
    }
)  # fmt: skip
_ACCOUNT = "aws:principalaccount"


class Asked(Protocol):
    """The part of a channel that matters here."""

    @property
    def grants(self) -> tuple[tuple[Rule, ...], ...]:
        """The rules that grant."""

    @property
    def denies(self) -> tuple[Rule, ...]:
        """The rules that refuse."""

    @property
    def facts(self) -> Facts:
        """What is known beside the documents."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """One account, with what the documents answer about it."""

    account: str
    listed: str | None
    signature: object

    def adopt(self, other: "Likeness", answer: Witness | str | None) -> Witness | str | None:
        """The answer for `other`, told of this account."""
        if not isinstance(answer, Witness):
            return answer
        caller = answer.caller
        if other.listed is not None and self.listed is not None:
            caller = caller.replace(other.listed, self.listed)
        context = tuple((key, (self.account,)) if key == _ACCOUNT else (key, values) for key, values in answer.context)
        return replace(
            answer, account=self.account, caller=caller.replace(other.account, self.account), context=context
        )


class Likenesses:
    """The documents' answers about accounts, prepared once for a channel."""

    def __init__(self, channel: Asked) -> None:
        self._rules = [rule for rules in (*channel.grants, channel.denies) for rule in rules]
        self._tests = _tests(self._rules) if channel.facts.mentions.keys().isdisjoint(_TELLING) else None

    def of(self, account: str, listed: frozenset[str]) -> Likeness | None:
        """The likeness of an account; None where more than these answers may matter."""
        if self._tests is None or len(listed) > 1:
            return None
        arn = next(iter(listed), None)
        signature = (
            arn is None,
            tuple(account in rule.principals.accounts or account in rule.principals.providers for rule in self._rules),
            tuple(arn in rule.principals.arns for rule in self._rules) if arn else (),
            tuple(test(account) for test in self._tests),
        )
        return Likeness(account, arn, signature)


def _tests(rules: Sequence[Rule]) -> list[Callable[[str], bool]] | None:
    """A test for each condition on the account number; None where one cannot be told beforehand."""
    tests: list[Callable[[str], bool]] = []
    for rule in rules:
        for condition in rule.conditions:
            if any("${" in value for value in condition.values) and rule.variables:
                return None
            if condition.key != _ACCOUNT:
                continue
            if condition.operator.base == "StringEquals":
                tests.append(frozenset(condition.values).__contains__)
                continue
            try:
                found = [pattern(condition.operator.base, value, None) for value in condition.values]
            except Unresolved:
                return None
            tests.append(partial(_any_matches, tuple(one for one in found if one is not None)))
    return tests


def _any_matches(patterns: Sequence[Pattern], account: str) -> bool:
    return any(one.matches(account) for one in patterns)
