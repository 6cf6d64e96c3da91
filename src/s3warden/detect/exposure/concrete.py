"""The second opinion: would AWS allow this one request?

Takes normal forms and one request with every context value spelled out, hands on a decision. It follows the
published evaluation order word by word and shares nothing with the symbolic evaluation but the parser's normal form:
no code for operators, wildcards, principals or actions. It must stay small enough to check by reading.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from fractions import Fraction

from s3warden.detect.exposure.normal import Condition, Document, Principals, Statement


class Decision(StrEnum):
    """What becomes of a request. `UNDECIDED` where a document is not understood well enough."""

    ALLOWED = "allowed"
    DENIED = "explicitly denied"
    NOT_GRANTED = "not granted"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `principals` are the ARNs the caller answers to; `context` holds lower-case keys.

    `point_resource` is the ARN under the access point through which the request comes, if any.
    """

    action: str
    resource: str
    signed: bool
    account: str | None
    principals: tuple[str, ...]
    social: bool
    context: Mapping[str, tuple[str, ...]]
    point_resource: str | None = None


def decide(request: Request, bucket: Document, point: Document | None = None) -> Decision:
    """The decision of the bucket policy, and of the access point's policy where the request comes through one."""
    decisions = [judge(request, request.resource, bucket)]
    if request.point_resource is not None:
        decisions.append(judge(request, request.point_resource, point or Document(())))
    for worst in (Decision.DENIED, Decision.UNDECIDED, Decision.NOT_GRANTED):
        if worst in decisions:
            return worst
    return Decision.ALLOWED


def judge(request: Request, resource: str, document: Document) -> Decision:
    """The decision of one document: an explicit Deny wins, then an Allow is needed."""
    allowed: set[bool | None] = set()
    denied: set[bool | None] = set()
    for statement in document.statements:
        matched = _matches(statement, request, resource, document.variables)
        if statement.effect is None and matched is not False:
            matched = None
        if statement.effect != "Allow":
            denied.add(matched)
        if statement.effect != "Deny":
            allowed.add(matched)
    if True in denied:
        return Decision.DENIED
    if document.unknown or None in denied:
        return Decision.UNDECIDED
    if True in allowed:
        return Decision.ALLOWED
    return Decision.UNDECIDED if None in allowed else Decision.NOT_GRANTED


def _matches(statement: Statement, request: Request, resource: str, variables: bool) -> bool | None:
    parts = [
        _principal(statement.principals, request),
        _action(statement, request.action.lower()),
        _resource(statement, request, resource, variables),
        *(_condition(condition, request, variables) for condition in statement.conditions),
    ]
    if False in parts:
        return False
    return None if None in parts or statement.unknown else True


def _principal(listed: Principals, request: Request) -> bool | None:
    found = listed.everyone
    if request.signed and not found:
        own = {f"arn:{part}:iam::{request.account}:root" for part in _PARTITIONS}
        found = any(name == request.account or name in own or name in request.principals for name in listed.aws)
        found = found or (request.social and any(_provides(name, request.account) for name in listed.federated))
    if not found and (listed.unknown or any(_odd(name) for name in listed.aws)):
        return None
    return found != listed.negated


_PARTITIONS = ("aws", "aws-cn", "aws-us-gov", "aws-eusc", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f")


def _provides(provider: str, account: str | None) -> bool:
    """Whether a login provider serves everyone, or belongs to the caller's account."""
    return not provider.startswith("arn:") or provider.split(":")[4:5] == [account or ""]


def _odd(name: str) -> bool:
    whole = re.fullmatch(r"\*|[0-9]{12}|arn:[^:]*:[^:]*:[^:]*:[^:]*:.*|A[A-Z]{2}A[A-Z0-9]{8,}", name, re.DOTALL)
    return whole is None


def _action(statement: Statement, action: str) -> bool | None:
    if not statement.actions:
        return None
    return any(_like(pattern, action) for pattern in statement.actions) != statement.not_action


def _resource(statement: Statement, request: Request, resource: str, variables: bool) -> bool | None:
    if not statement.resources:
        return None
    found = False
    for text in statement.resources:
        filled = _fill(text, request, variables)
        if filled is _BROKEN:
            return None
        found = found or (filled is not None and _like(filled, resource))
    return found != statement.not_resource


def _condition(condition: Condition, request: Request, variables: bool) -> bool | None:
    operator = condition.operator
    present = request.context.get(condition.key)
    if operator.base == "Null":
        return ("true" if present is None else "false") in condition.values
    if present is None:
        if operator.if_exists or operator.quantifier == "all":
            return True
        return operator.negated and not operator.quantifier
    wanted = [_fill(value, request, variables) for value in condition.values]
    if any(value is _BROKEN for value in wanted):
        return None
    texts = [value for value in wanted if value is not None]
    try:
        each = [any(_OPERATORS[operator.base](text, value) for text in texts) != operator.negated for value in present]
    except (ValueError, OverflowError):
        return None
    return any(each) if operator.quantifier == "any" else all(each)


_BROKEN = "\0broken"
_ESCAPED = {"*": "\ue000", "?": "\ue001", "$": "$"}


def _fill(text: str, request: Request, variables: bool) -> str | None:
    """`text` with its variables filled in, values protected from wildcard reading; None if one is missing."""
    if not variables or "${" not in text:
        return text
    filled = []
    rest = text
    while rest:
        plain, opened, rest = rest.partition("${")
        filled.append(plain)
        if not opened:
            break
        name, closed, rest = rest.partition("}")
        if not closed:
            return _BROKEN
        value = _variable(name, request)
        if value is None or value is _BROKEN:
            return value
        filled.append(value)
    return "".join(filled)


def _variable(name: str, request: Request) -> str | None:
    if name in _ESCAPED:
        return _ESCAPED[name]
    key, comma, default = name.partition(",")
    if not key.strip() or (comma and re.fullmatch(r"\s*'.*'\s*", default, re.DOTALL) is None):
        return _BROKEN
    present = request.context.get(key.strip().lower())
    value = present[0] if present is not None else default.strip()[1:-1] if comma else None
    return None if value is None else value.replace("*", "\ue000").replace("?", "\ue001")


def _plain(text: str) -> str:
    return text.replace("\ue000", "*").replace("\ue001", "?")


def _like(pattern: str, text: str) -> bool:
    """Wildcard matching by the textbook: on a mismatch, let the last star take one character more."""
    at = mark = held = 0
    star = -1
    while mark < len(text):
        if at < len(pattern) and pattern[at] == "*":
            star, held, at = at, mark, at + 1
        elif at < len(pattern) and (pattern[at] == "?" or _plain(pattern[at]) == text[mark]):
            at, mark = at + 1, mark + 1
        elif star >= 0:
            held += 1
            at, mark = star + 1, held
        else:
            return False
    return not pattern[at:].strip("*")


def _arn_like(pattern: str, text: str) -> bool:
    if pattern == "*":
        return True
    wanted, found = pattern.split(":", 5), text.split(":", 5)
    if len(wanted) != 6:
        raise ValueError
    return len(found) == 6 and all(map(_like, wanted, found))


def _number(text: str) -> Fraction:
    return Fraction(text)


def _instant(text: str) -> Fraction:
    try:
        return Fraction(text)
    except ValueError:
        found = datetime.fromisoformat(text)
        return Fraction((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())


def _in_network(text: str, value: str) -> bool:
    return ipaddress.ip_address(value) in ipaddress.ip_network(text, strict=False)


_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda text, value: _plain(text) == value,
    "StringEqualsIgnoreCase": lambda text, value: _plain(text).lower() == value.lower(),
    "StringLike": _like,
    "ArnLike": _arn_like,
    "BinaryEquals": lambda text, value: text == value,
    "Bool": lambda text, value: text == value.lower(),
    "IpAddress": _in_network,
    "NumericEquals": lambda text, value: _number(value) == _number(text),
    "NumericLessThan": lambda text, value: _number(value) < _number(text),
    "NumericLessThanEquals": lambda text, value: _number(value) <= _number(text),
    "NumericGreaterThan": lambda text, value: _number(value) > _number(text),
    "NumericGreaterThanEquals": lambda text, value: _number(value) >= _number(text),
    "DateEquals": lambda text, value: _instant(value) == _instant(text),
    "DateLessThan": lambda text, value: _instant(value) < _instant(text),
    "DateLessThanEquals": lambda text, value: _instant(value) <= _instant(text),
    "DateGreaterThan": lambda text, value: _instant(value) > _instant(text),
    "DateGreaterThanEquals": lambda text, value: _instant(value) >= _instant(text),
}
