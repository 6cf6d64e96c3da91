"""Who outside an account gets in by the policy of another resource than a bucket: a key, a table bucket, a file system.

Takes a policy and the account that owns the resource, hands on the strangers it lets in, with one request as proof.
The exposure engine reads S3's own policies with all that surrounds them; here only what all policies share is used:
its parser, and its concrete evaluator, which is asked about single requests of a stranger and of each account that the
policy names. What a caller may choose himself is chosen in his favour.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from functools import lru_cache
from itertools import chain

from s3warden.detect.exposure.concrete import Decision, Request, decide
from s3warden.detect.exposure.normal import Condition, Document, Statement
from s3warden.detect.exposure.parse import parse
from s3warden.detect.proofs import STATEMENT, cut, some
from s3warden.detect.rule import Judgement, RuleOptions, fails, passes, undecided

STRANGER = "999999999900"
_CALLER = frozenset({"aws:principalaccount", "aws:principalarn", "kms:calleraccount"})
# What a caller is, or where he calls from, is not his to choose.
_GIVEN = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalisawsservice",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:principalservicename",
        "aws:resourceaccount",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceip",
        "aws:sourceorgid",
        "aws:sourceorgpaths",
        "aws:sourceowner",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:userid",
        "aws:username",
        "kms:calleraccount",
    }
)


# A pattern of nothing else fits everybody who has such a thing at all, as `o-*` every organisation.
_NOBODYS = frozenset("o-*?/")


@dataclass(frozen=True, slots=True)
class Resource:
    """What the policy protects. `actions` are those that matter, in the words of its service."""

    arn: str
    account: str
    partition: str
    actions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outsiders:
    """Who gets in: everyone who has an account, or `accounts` by name. `proof` and `statement` show how.

    `unclear` says what of the policy cannot be decided, None where all is.
    """

    everyone: bool = False
    accounts: tuple[str, ...] = ()
    proof: str = ""
    statement: str = ""
    unclear: str | None = None

    def __bool__(self) -> bool:
        return self.everyone or bool(self.accounts)

    def __str__(self) -> str:
        return "everyone" if self.everyone else ", ".join(self.accounts[:5])


def outsiders(text: str, resource: Resource, options: RuleOptions) -> Outsiders:
    """Whom the policy lets in, of those that are neither the owner nor trusted."""
    return _outsiders(text, resource, frozenset({resource.account, *options.trusted_accounts}))


def judged(found: Mapping[str, Outsiders], what: str, fact: str) -> Judgement:
    """What follows from whom each of the resources lets in, by name: who gets in comes before what is not decided.

    `what` is one of them with its article, `fact` the name under which the evidence lists them.
    """
    open_ = {name: who for name, who in found.items() if who}
    if open_:
        first = next(iter(open_.values()))
        facts = {
            fact: some([f"{name} to {who}" for name, who in open_.items()]),
            "request": first.proof,
            "statement": first.statement,
        }
        return fails(f"Others are let into {what}: {facts[fact]}.", facts)
    unclear = {name: who.unclear for name, who in found.items() if who.unclear is not None}
    if unclear:
        facts = {fact: some(list(unclear)), "because": next(iter(unclear.values()))}
        return undecided(f"Who is let into {what} cannot be decided.", facts)
    return passes(f"No {what.partition(' ')[2]} lets in anybody but own and trusted accounts.")


@lru_cache(maxsize=1024)
def _outsiders(text: str, resource: Resource, friends: frozenset[str]) -> Outsiders:
    document = parse(text)
    # Whose a canonical user is the policy does not tell.
    canonical = (each.label for each in document.statements if each.effect == "Allow" and each.principals.canonical)
    unclear = next(chain(document.unknown, canonical), None)
    found: dict[str, tuple[str, Statement]] = {}
    for caller in (STRANGER, *sorted(_named(document) - friends)):
        for request, statement in _requests(document, resource, caller):
            decision = decide(request, document)
            if decision is Decision.ALLOWED:
                found[caller] = (f"{request.action} on {request.resource} by account {caller}", statement)
                break
            if decision is Decision.UNDECIDED:
                unclear = unclear or statement.label
    if not found:
        return Outsiders(unclear=unclear)
    everyone = STRANGER in found
    proof, statement = found[STRANGER] if everyone else next(iter(found.values()))
    named = () if everyone else tuple(found)
    return Outsiders(everyone, named, proof, _shown(text, statement), unclear)


def _requests(document: Document, resource: Resource, caller: str) -> Iterator[tuple[Request, Statement]]:
    """Requests of the caller that may be let in, each with the statement that would."""
    for statement in document.statements:
        if statement.effect == "Deny":
            continue
        listed = tuple(name for name in statement.principals.aws if account_of(name) == caller)
        context = favourable(statement.conditions, resource, caller, listed)
        literal = [] if statement.not_action else [_filled(name, "") for name in statement.actions]
        for action in dict.fromkeys((*resource.actions, *literal)):
            for target in _targets(statement, resource):
                yield Request(action, target, True, caller, listed, False, context), statement


def _targets(statement: Statement, resource: Resource) -> Iterator[str]:
    """The resource itself, and something in it where the statement speaks of that."""
    yield resource.arn
    depth = resource.arn.count("/") + 1
    for pattern in statement.resources:
        parts = pattern.split("/")
        if len(parts) > depth and fnmatchcase(resource.arn, "/".join(parts[:depth])):
            yield "/".join((resource.arn, *(_filled(part) for part in parts[depth:])))


def _filled(pattern: str, star: str = "x") -> str:
    return pattern.replace("*", star).replace("?", "x")


def favourable(
    conditions: Sequence[Condition], resource: Resource, caller: str, listed: tuple[str, ...]
) -> dict[str, tuple[str, ...]]:
    """A request's context in which the caller has chosen all that is his to choose as the conditions want it."""
    wanted = (name.split(":", 5) for name in callers_of(conditions))
    fitting = (each for each in wanted if len(each) == 6 and fnmatchcase(caller, each[4]))
    own = (":".join((*each[:4], caller, each[5])) for each in fitting)
    visitor = _filled(next(own, f"arn:{resource.partition}:iam::{caller}:role/visitor"))
    context: dict[str, tuple[str, ...]] = {
        "aws:securetransport": ("true",),
        "aws:principalaccount": (caller,),
        "kms:calleraccount": (caller,),
        "aws:principalarn": (listed[0] if listed else visitor,),
        "aws:principalisawsservice": ("false",),
        "aws:sourceip": ("203.0.113.99",),
        "aws:userid": ("AROASTRANGER0000000:visitor",),
        "aws:resourceaccount": (resource.account,),
    }
    for condition in conditions:
        free = condition.key not in _GIVEN or set(condition.values[0]) <= _NOBODYS
        if condition.key not in context and free and not condition.operator.negated:
            context[condition.key] = (_chosen(condition),)
    return context


def _chosen(condition: Condition) -> str:
    """A value that the condition takes; one next to the limit where the limit itself is left out."""
    value = _filled(condition.values[0])
    step = {"LessThan": -1, "GreaterThan": 1}.get(condition.operator.base.removeprefix("Numeric").removeprefix("Date"))
    if step is None:
        return value
    with suppress(ValueError):
        return str(int(value) + step)
    with suppress(ValueError, OverflowError):
        return (datetime.fromisoformat(value) + timedelta(days=step)).isoformat()
    return value


def _named(document: Document) -> set[str]:
    """The accounts that the policy names: as principals, or in conditions on who calls."""
    named = (name for statement in document.statements for name in statement.principals.aws)
    told = (name for statement in document.statements for name in callers_of(statement.conditions))
    return {account for account in map(account_of, chain(named, told)) if account}


def callers_of(conditions: Sequence[Condition]) -> Iterator[str]:
    """The accounts and principals that conditions want the caller to be."""
    for condition in conditions:
        if condition.key in _CALLER and not condition.operator.negated:
            yield from condition.values


def account_of(name: str) -> str:
    """The account of a principal that a policy names; empty where the name tells none."""
    parts = name.split(":", 5)
    account = parts[4] if len(parts) == 6 else name
    return account if len(account) == 12 and account.isdigit() else ""


def _shown(text: str, statement: Statement) -> str:
    listed = json.loads(text)["Statement"]
    found = listed[statement.index] if isinstance(listed, list) else listed
    return cut(json.dumps(found, separators=(",", ":")), STATEMENT)
