"""Policy text or object to a frozen normal form that both evaluators read.

Takes what the API or a file delivers, hands on a `Document`. Never raises, and never drops anything silently: what
is not understood becomes an `unknown` note at the statement or at the document, and makes its meaning undecided.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from s3warden.detect.exposure.normal import Condition, Document, Operator, Principals, Statement
from s3warden.detect.exposure.values import Span, date, ip_range, number

MAX_TEXT: Final = 256 * 1024
"""Far beyond the 20 KB that S3 stores; longer texts are not looked into."""

MODERN, OLD = "2012-10-17", "2008-10-17"


class Pairs(dict[str, object]):
    """A JSON object that remembers which of its keys came twice."""

    __slots__ = ("doubled",)

    def __init__(self, pairs: Sequence[tuple[str, object]]) -> None:
        super().__init__(pairs)
        self.doubled: frozenset[str] = frozenset()
        if len(self) != len(pairs):
            self.doubled = frozenset(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)


def has_doubled(source: object) -> bool:
    """Whether some object in a JSON value read as `Pairs` has a key twice."""
    waiting = [source]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Pairs):
            if one.doubled:
                return True
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return False


def parse(source: object) -> Document:
    """The normal form of a policy given as JSON text or as the object it stands for."""
    if isinstance(source, str):
        if len(source) > MAX_TEXT:
            return Document((), unknown=(f"the policy is longer than {MAX_TEXT} characters",))
        try:
            source = json.loads(source, object_pairs_hook=Pairs)
        except (ValueError, RecursionError) as error:
            return Document((), unknown=(f"the policy is not JSON: {type(error).__name__}",))
    if not isinstance(source, Mapping):
        return Document((), unknown=("the policy is not a JSON object",))
    return _document(source)


def _document(source: Mapping[object, object]) -> Document:
    unknown = [f"the policy has the element {key!r}" for key in source if key not in {"Version", "Id", "Statement"}]
    unknown += [f"the policy has the element {key!r} twice" for key in _doubled(source)]
    version = source.get("Version", OLD)
    if version not in (MODERN, OLD):
        unknown.append(f"the policy version {version!r} is not known")
    listed = source.get("Statement")
    if isinstance(listed, Mapping):
        listed = [listed]
    if not isinstance(listed, list | tuple):
        return Document((), unknown=(*unknown, "the policy has no list of statements"))
    statements = tuple(_statement(index, item) for index, item in enumerate(listed))
    return Document(statements, version == MODERN, tuple(unknown))


def _doubled(source: object) -> frozenset[str]:
    return source.doubled if isinstance(source, Pairs) else frozenset()


_ELEMENTS = frozenset(
    {
        "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition",
    }
)  # fmt: skip


def _statement(index: int, source: object) -> Statement:
    if not isinstance(source, Mapping):
        return Statement(
            index, "", None, Principals(unknown=("?",)), (), False, (), False, (), ("it is not an object",)
        )
    unknown = [f"it has the element {key!r}" for key in source if key not in _ELEMENTS]
    unknown += [f"it has the element {key!r} twice" for key in _doubled(source)]
    effect = source.get("Effect")
    if effect not in ("Allow", "Deny"):
        unknown.append(f"its effect is {effect!r}")
        effect = None
    actions, not_action = _either(source, "Action", unknown)
    resources, not_resource = _either(source, "Resource", unknown)
    sid = source.get("Sid", "")
    return Statement(
        index,
        sid if isinstance(sid, str) else "",
        str(effect) if effect else None,
        _principals(source, unknown),
        tuple(action.lower() for action in actions),
        not_action,
        resources,
        not_resource,
        _conditions(source.get("Condition"), unknown),
        tuple(unknown),
    )


def _either(source: Mapping[object, object], name: str, unknown: list[str]) -> tuple[tuple[str, ...], bool]:
    """The texts of element `name` or of its negation, and whether it is the negation."""
    negated = f"Not{name}" in source
    if negated == (name in source):
        unknown.append(f"it has {'both' if negated else 'neither'} {name} and Not{name}")
    texts = _texts(source.get(f"Not{name}" if negated else name))
    if not texts:
        unknown.append(f"its {name} is not a text or a list of texts")
    return texts, negated


def _texts(value: object) -> tuple[str, ...]:
    """A text or a list of texts as a tuple; empty if it is anything else."""
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return tuple(value)
    return ()


def _principals(source: Mapping[object, object], unknown: list[str]) -> Principals:
    negated = "NotPrincipal" in source
    if negated == ("Principal" in source):
        unknown.append(f"it has {'both' if negated else 'neither'} Principal and NotPrincipal")
    value = source.get("NotPrincipal" if negated else "Principal")
    if not isinstance(value, Mapping):
        value = {"AWS": value}
    unknown += [f"its principal has the kind {kind!r} twice" for kind in _doubled(value)]
    found: dict[str, tuple[str, ...]] = {}
    strange: list[str] = []
    for kind, names in value.items():
        texts = _texts(names)
        if kind not in {"AWS", "Service", "Federated", "CanonicalUser"} or not texts:
            strange.append(f"{kind}: {names!r:.80}")
        elif kind in {"Service", "CanonicalUser"}:
            strange += [f"{kind}: {text}" for text in texts if "*" in text or "?" in text]
        found[str(kind)] = texts
    aws = found.get("AWS", ())
    strange += [text for text in aws if text != "*" and ("*" in text or "?" in text)]
    return Principals(
        "*" in aws,
        tuple(text for text in aws if "*" not in text and "?" not in text),
        found.get("Service", ()),
        found.get("Federated", ()),
        found.get("CanonicalUser", ()),
        tuple(strange) if value else ("nobody named",),
        negated,
    )


def _conditions(source: object, unknown: list[str]) -> tuple[Condition, ...]:
    if source is None or source == {}:
        return ()
    if not isinstance(source, Mapping):
        unknown.append("its Condition is not an object")
        return ()
    unknown += [f"its Condition has {name!r} twice" for name in _doubled(source)]
    found: list[Condition] = []
    for name, block in source.items():
        operator = operator_of(name) if isinstance(name, str) else None
        if operator is None:
            unknown.append(f"the condition operator {name!r} is not known")
        elif not isinstance(block, Mapping) or not block:
            unknown.append(f"the condition {name!r} is not an object with keys")
        else:
            unknown += [f"the condition {name!r} has the key {key!r} twice" for key in _doubled(block)]
            for key, values in block.items():
                condition = _condition(operator, key, values)
                if condition is None:
                    unknown.append(f"the values of {name} {key} are not understood")
                else:
                    found.append(condition)
    return tuple(found)


_BASES: Mapping[str, tuple[str, bool]] = MappingProxyType(
    {
        "stringequals": ("StringEquals", False), "stringnotequals": ("StringEquals", True),
        "stringequalsignorecase": ("StringEqualsIgnoreCase", False),
        "stringnotequalsignorecase": ("StringEqualsIgnoreCase", True),
        "stringlike": ("StringLike", False), "stringnotlike": ("StringLike", True),
        "numericequals": ("NumericEquals", False), "numericnotequals": ("NumericEquals", True),
        "numericlessthan": ("NumericLessThan", False), "numericlessthanequals": ("NumericLessThanEquals", False),
        "numericgreaterthan": ("NumericGreaterThan", False),
        "numericgreaterthanequals": ("NumericGreaterThanEquals", False),
        "dateequals": ("DateEquals", False), "datenotequals": ("DateEquals", True),
        "datelessthan": ("DateLessThan", False), "datelessthanequals": ("DateLessThanEquals", False),
        "dategreaterthan": ("DateGreaterThan", False), "dategreaterthanequals": ("DateGreaterThanEquals", False),
        "bool": ("Bool", False), "binaryequals": ("BinaryEquals", False),
        "ipaddress": ("IpAddress", False), "notipaddress": ("IpAddress", True),
        "arnequals": ("ArnLike", False), "arnlike": ("ArnLike", False),
        "arnnotequals": ("ArnLike", True), "arnnotlike": ("ArnLike", True),
        "null": ("Null", False),
    }
)  # fmt: skip


def operator_of(name: str) -> Operator | None:
    """The parts of a condition operator's name, any letter case; None if there is no such operator."""
    rest = name.lower()
    quantifier = ""
    for prefix, found in (("forallvalues:", "all"), ("foranyvalue:", "any")):
        if rest.startswith(prefix):
            quantifier, rest = found, rest.removeprefix(prefix)
    if_exists = rest.endswith("ifexists")
    base = _BASES.get(rest.removesuffix("ifexists"))
    if base is None or (base[0] == "Null" and (if_exists or quantifier)):
        return None
    return Operator(base[0], base[1], if_exists, quantifier)


def _condition(operator: Operator, key: object, source: object) -> Condition | None:
    """One condition; None if a value cannot be what the operator compares with."""
    values = _values(source)
    if not values or not isinstance(key, str):
        return None
    if operator.base in {"Bool", "Null"}:
        values = tuple(value.lower() for value in values)
        if not set(values) <= {"true", "false"}:
            return None
    spans: list[Span] = []
    parser = ip_range if operator.base == "IpAddress" else _PARSERS.get(operator.base[:4])
    for value in values if parser else ():
        span = parser(value) if parser else None
        if span is None:
            return None
        spans.append(span)
    return Condition(operator, key.lower(), values, tuple(spans))


_PARSERS = {"Nume": number, "Date": date}


_MOST = 10**300
"""Beyond what a number can be as a float; Python refuses to spell much longer ones."""


def _values(source: object) -> tuple[str, ...]:
    items = source if isinstance(source, list | tuple) else (source,)
    texts: list[str] = []
    for item in items:
        if isinstance(item, bool):
            texts.append("true" if item else "false")
        elif isinstance(item, str | float) or (isinstance(item, int) and abs(item) < _MOST):
            texts.append(str(item))
        else:
            return ()
    return tuple(texts)
