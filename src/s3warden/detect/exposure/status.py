"""An estimate of GetBucketPolicyStatus: is the document public by S3's own definition?

Takes one policy's normal form, hands on true, false, or None where AWS does not publish the answer. A document is
public unless every Allow admits only fixed values of at least one key of a published list; see docs/exposure.md.
It says nothing of who gets in: public access blocks, access control lists and most Denies do not enter.
"""

from s3warden.detect.exposure.normal import Condition, Document, Principals, Statement
from s3warden.detect.exposure.values import PRIVATE, Span, is_broad

_FIXING = frozenset(
    {
        "aws:sourcearn", "aws:sourcevpc", "aws:sourcevpce", "aws:sourceowner", "aws:sourceaccount", "aws:userid",
        "s3:x-amz-server-side-encryption-aws-kms-key-id", "s3:dataaccesspointarn", "s3:dataaccesspointaccount",
        "aws:principalorgid", "aws:principalaccount", "aws:principalarn",
    }
)  # fmt: skip
_UNPUBLISHED = frozenset(
    {"aws:principalorgpaths", "aws:principalisawsservice", "aws:sourceorgid", "aws:sourceorgpaths",
     "aws:principalservicename", "aws:principalservicenameslist", "aws:vpceaccount", "aws:vpceorgid"}
)  # fmt: skip
_TIMES = frozenset({"aws:currenttime", "aws:epochtime"})
_STRINGS = frozenset({"StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnLike"})


def policy_is_public(document: Document, *, access_point: bool = False) -> bool | None:
    """Whether the Allow statements of `document` make it public; None where that is not published or not decidable."""
    found = [_statement(s, document.variables, access_point) for s in document.statements if s.effect != "Deny"]
    if True in found:
        return True
    return None if document.unknown or None in found else False


def _statement(statement: Statement, variables: bool, access_point: bool) -> bool | None:
    who = _principal(statement.principals)
    if who is False:
        return False if statement.effect == "Allow" else None
    fixed = [_fixes(condition, variables, access_point) for condition in statement.conditions]
    if True in fixed:
        return False if statement.effect == "Allow" else None
    if None in fixed or who is None or statement.unknown:
        return None
    return True


def _principal(listed: Principals) -> bool | None:
    if listed.everyone:
        return not listed.negated
    if listed.negated or any(not name.startswith("arn:") for name in listed.federated):
        return True
    return None if listed.unknown else False


def _fixes(condition: Condition, variables: bool, access_point: bool) -> bool | None:
    """Whether a condition admits only fixed values of a key that limits who calls."""
    key, operator = condition.key, condition.operator
    if key in _TIMES:
        return None  # whether an expired date makes a statement non-public is not published
    if operator.negated or operator.base == "Null" or operator.quantifier == "all":
        return False
    if key == "aws:sourceip":
        return _fixed_ranges(condition)
    if key in _UNPUBLISHED:
        return None
    if key not in _FIXING or operator.base not in _STRINGS:
        return False if key not in _FIXING or not operator.base.startswith("Binary") else None
    if operator.if_exists:
        return False
    values = [_fixed_value(condition, value, variables, access_point) for value in condition.values]
    return False if False in values else None if None in values else True


def _fixed_ranges(condition: Condition) -> bool | None:
    if condition.operator.base != "IpAddress":
        return None
    if any(is_broad(span) and not _private(span) for span in condition.spans):
        return False
    return None if condition.operator.if_exists else True


def _private(span: Span) -> bool:
    return any(span.family == own.family and own.low <= span.low and span.high <= own.high for own in PRIVATE)


def _fixed_value(condition: Condition, value: str, variables: bool, access_point: bool) -> bool | None:
    if "${" in value:
        return False if variables else None
    if "*" not in value and "?" not in value:
        return True
    key = condition.key
    if condition.operator.base in {"StringEquals", "StringEqualsIgnoreCase"}:
        return None  # a literal star: no such value exists, and what AWS makes of it is not published
    if key == "aws:userid":
        head, colon, tail = value.partition(":")
        return None if colon and tail == "*" and not _wild(head) else False
    fields = value.split(":", 5)
    account_fixed = len(fields) == 6 and len(fields[4]) == 12 and fields[4].isdigit()
    if key == "s3:dataaccesspointarn":
        name_only = account_fixed and not any(_wild(part) for part in fields[:5])
        return not access_point and (name_only or (None if account_fixed else False))
    if key in {"aws:principalarn", "aws:sourcearn"} and account_fixed:
        return None  # wildcards after a fixed account
    return False


def _wild(text: str) -> bool:
    return "*" in text or "?" in text
