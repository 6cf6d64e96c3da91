"""Documents made ready for the symbolic evaluation: actions as sets, resources relative to the bucket, principals.

Takes normal forms, hands on `Compiled` rules that know nothing of callers yet. Also collects what the documents
mention: condition keys with their values, and account numbers.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from s3warden.detect.exposure import actions
from s3warden.detect.exposure.callers import ANONYMOUS, WEB, Caller, as_principal
from s3warden.detect.exposure.facts import Mention, mention_of
from s3warden.detect.exposure.glob import Pattern
from s3warden.detect.exposure.normal import Condition, Document, Principals, Statement
from s3warden.detect.exposure.templates import Variable, pattern, variables_of

_DELETED = re.compile(r"A[A-Z]{2}A[A-Z0-9]{8,}\Z")
_TWELVE = re.compile(r"[0-9]{12}\Z")


@dataclass(frozen=True, slots=True)
class Callees:
    """Whom a statement names, ready for membership tests."""

    everyone: bool
    accounts: frozenset[str]
    arns: frozenset[str]
    social: bool
    providers: frozenset[str]
    undecided: bool
    negated: bool

    def match(self, caller: Caller) -> bool | None:
        """Whether the statement speaks to `caller`; None if that cannot be said."""
        if self.everyone:
            found = True
        elif caller.kind == ANONYMOUS:
            found = False
        else:
            found = (
                caller.account in self.accounts
                or (
                    caller.listed is not None and not self.arns.isdisjoint((caller.listed, as_principal(caller.listed)))
                )
                or (
                    caller.kind == WEB and (self.social if caller.account is None else caller.account in self.providers)
                )
            )
        return None if self.undecided and not found else found != self.negated

    @property
    def open(self) -> bool:
        """Whether, at face value, the statement speaks to the whole world."""
        return self.everyone != self.negated or self.social


def callees(principals: Principals) -> Callees:
    """The principals of a statement, sorted by what they stand for."""
    accounts: set[str] = set()
    arns: set[str] = set()
    undecided = bool(principals.unknown)
    for name in principals.aws:
        fields = name.split(":", 5)
        if _TWELVE.match(name):
            accounts.add(name)
        elif len(fields) == 6 and fields[0] == "arn":
            (accounts if fields[5] == "root" else arns).add(fields[4] if fields[5] == "root" else name)
        elif name != "*" and not _DELETED.match(name):
            undecided = True
    providers = {account_of(name) for name in principals.federated if name.startswith("arn:")}
    social = any(not name.startswith("arn:") for name in principals.federated)
    return Callees(
        principals.everyone,
        frozenset(accounts),
        frozenset(arns),
        social,
        frozenset(filter(None, providers)),
        undecided,
        principals.negated,
    )


def account_of(arn: str) -> str | None:
    """The account number in an ARN, if there is one."""
    fields = arn.split(":", 5)
    return fields[4] if len(fields) == 6 and _TWELVE.match(fields[4]) else None


@dataclass(frozen=True, slots=True)
class Place:
    """What the resources of a document are relative to: a bucket, or an access point. Both forms are ARNs."""

    whole: str
    objects: str


@dataclass(frozen=True, eq=False, slots=True)
class Rule:
    """One statement made ready. `channel` names the document it stands in."""

    channel: str
    label: str
    statement: Statement | None
    allow: bool
    deny: bool
    actions: int
    principals: Callees
    place: Place
    resources: tuple[str, ...] | None
    not_resource: bool
    conditions: tuple[Condition, ...]
    variables: bool
    unknown: tuple[str, ...]

    @property
    def weight(self) -> float:
        """What it costs, in units of work, to look at this rule with one caller's eyes."""
        values = sum(len(condition.values) for condition in self.conditions)
        return 1 + len(self.conditions) + (values + len(self.resources or ())) / 4

    def patterns(self, on_object: bool, resolve: Callable[[Variable], str | None] | None) -> tuple[Pattern, ...] | None:
        """Which object keys the resources cover, or (for the bucket) any pattern if they cover it; None for all.

        Raises Unresolved where a variable of the resource has no settled value.
        """
        if self.resources is None:
            return None
        found: list[Pattern] = []
        for text in self.resources:
            whole = pattern("Resource", text, resolve)
            if whole is None:
                continue
            if on_object:
                found += whole.after(self.place.objects)
            elif whole.matches(self.place.whole):
                return (whole,)
        return tuple(found)

    def covers(self, on_object: bool) -> bool:
        """Whether the resources can cover the bucket, or any object in it, whoever asks."""
        try:
            patterns = self.patterns(on_object, None)
        except ValueError:
            return True
        return patterns is None or bool(patterns) != self.not_resource or (self.not_resource and on_object)


NOBODY = Callees(False, frozenset(), frozenset(), False, frozenset(), False, False)
EVERYBODY = Callees(True, frozenset(), frozenset(), False, frozenset(), False, False)


@dataclass(frozen=True, eq=False, slots=True)
class Compiled:
    """One document made ready."""

    rules: tuple[Rule, ...]
    document: Document

    @property
    def allows(self) -> tuple[Rule, ...]:
        """The rules that may grant."""
        return tuple(rule for rule in self.rules if rule.allow)

    @property
    def denies(self) -> tuple[Rule, ...]:
        """The rules that may refuse."""
        return tuple(rule for rule in self.rules if rule.deny)


MOST_ACTION_PATTERNS = 200


def compile_document(document: Document, channel: str, place: Place) -> Compiled:
    """The rules of a document. What makes the document itself undecided becomes a rule that might do anything."""
    wild = {name for statement in document.statements for name in statement.actions if "*" in name or "?" in name}
    if len(wild) > MOST_ACTION_PATTERNS:
        too_many = f"the policy has {len(wild)} action patterns, more than are looked into"
        document = replace(document, statements=(), unknown=(*document.unknown, too_many))
    rules = [_rule(statement, document, channel, place) for statement in document.statements]
    if document.unknown:
        rules.append(
            Rule(
                channel, "the document", None, True, True, actions.ALL, EVERYBODY, place, None, False, (), False,
                document.unknown,
            )
        )  # fmt: skip
    return Compiled(tuple(rules), document)


def _rule(statement: Statement, document: Document, channel: str, place: Place) -> Rule:
    unknown = list(statement.unknown)
    allow = statement.effect != "Deny"
    granted = _actions(statement)
    if allow and not statement.not_action:
        strange = [name for name in statement.actions if actions.might_be_new(name)]
        if strange:
            unknown.append(f"the action {strange[0]} is not known")
            granted = actions.ALL
    return Rule(
        channel,
        statement.label,
        statement,
        allow,
        statement.effect != "Allow",
        granted,
        callees(statement.principals),
        place,
        statement.resources or None,
        statement.not_resource,
        statement.conditions,
        document.variables,
        tuple(unknown),
    )


def _actions(statement: Statement) -> int:
    if not statement.actions:
        return actions.ALL
    found = 0
    for name in statement.actions:
        found |= actions.matching(name)
    return actions.ALL & ~found if statement.not_action else found


def granting(channel: str, label: str, granted: int, everyone: bool, place: Place) -> Rule:
    """A grant of an access control list as a rule: to everyone, or to everyone who signs."""
    who = EVERYBODY if everyone else SIGNED
    return Rule(channel, label, None, True, False, granted, who, place, None, False, (), False, ())


class _Signed(Callees):
    """Everyone who signs: only an access control list can say that."""

    __slots__ = ()

    def match(self, caller: Caller) -> bool | None:
        return caller.signed


SIGNED = _Signed(False, frozenset(), frozenset(), True, frozenset(), False, False)


def mentions(documents: Iterable[Compiled]) -> dict[str, Mention]:
    """What the documents say about each condition key, keys in policy variables included."""
    found: dict[str, list[Condition]] = {}
    for document in documents:
        for rule in document.rules:
            for condition in rule.conditions:
                found.setdefault(condition.key, []).append(condition)
            for key in referred(rule):
                found.setdefault(key, [])
    return {key: mention_of(conditions) for key, conditions in found.items()}


def referred(rule: Rule) -> Sequence[str]:
    """The keys that the variables of a rule refer to."""
    if not rule.variables:
        return ()
    texts = [*(rule.resources or ()), *(value for condition in rule.conditions for value in condition.values)]
    return [variable.key for text in texts for variable in variables_of(text, wild=True)]


_NAMING = frozenset(
    {"aws:principalaccount", "aws:principalarn", "aws:userid", "s3:dataaccesspointaccount", "s3:dataaccesspointarn"}
)


def named_accounts(documents: Iterable[Compiled]) -> dict[str, set[str]]:
    """The account numbers that principals and principal conditions name, with the principals listed by ARN."""
    found: dict[str, set[str]] = {}
    for document in documents:
        for rule in document.rules:
            for account in (*rule.principals.accounts, *rule.principals.providers):
                found.setdefault(account, set())
            for arn in rule.principals.arns:
                _name(found, arn)
            for condition in rule.conditions:
                if condition.key in _NAMING:
                    for value in condition.values:
                        _name(found, value)
    return found


def _name(found: dict[str, set[str]], value: str) -> None:
    account = value if _TWELVE.match(value) else account_of(value)
    if account is None:
        return
    listed = found.setdefault(account, set())
    spelled = not any(sign in value for sign in "*?$") and not value.endswith(":root")
    if spelled and (":iam:" in value or ":sts:" in value):
        listed.add(value)
