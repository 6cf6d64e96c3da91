"""The normal form of a policy: frozen, and the one thing that both evaluators share."""

from dataclasses import dataclass, replace

from s3warden.detect.exposure.values import Span

_SHOWN_NEGATED = {
    "StringEquals": "StringNotEquals", "StringEqualsIgnoreCase": "StringNotEqualsIgnoreCase",
    "StringLike": "StringNotLike", "NumericEquals": "NumericNotEquals", "DateEquals": "DateNotEquals",
    "IpAddress": "NotIpAddress", "ArnLike": "ArnNotLike",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Operator:
    """A condition operator taken apart. `quantifier` is `all`, `any` or empty."""

    base: str
    negated: bool = False
    if_exists: bool = False
    quantifier: str = ""

    @property
    def when_absent(self) -> bool:
        """The result for a request that does not carry the key. `Null` is asked elsewhere."""
        if self.if_exists or self.quantifier == "all":
            return True
        return self.negated and not self.quantifier


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator and key with its values. `spans` are the parsed values of address and number operators."""

    operator: Operator
    key: str
    values: tuple[str, ...]
    spans: tuple[Span, ...] = ()

    def show(self) -> str:
        """The condition as one line for people."""
        listed = ", ".join(self.values[:3]) + (", …" if len(self.values) > 3 else "")
        op = self.operator
        prefix = {"all": "ForAllValues:", "any": "ForAnyValue:", "": ""}[op.quantifier]
        return f"{prefix}{_shown_base(op)}{'IfExists' if op.if_exists else ''} {self.key} [{listed}]"


def _shown_base(operator: Operator) -> str:
    return _SHOWN_NEGATED[operator.base] if operator.negated else operator.base


@dataclass(frozen=True, slots=True)
class Principals:
    """Whom a statement names; `negated` for NotPrincipal. `unknown` holds what S3 would not accept."""

    everyone: bool = False
    aws: tuple[str, ...] = ()
    service: tuple[str, ...] = ()
    federated: tuple[str, ...] = ()
    canonical: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement; `index` is its place in the document. `effect` is None where it is neither Allow nor Deny."""

    index: int
    sid: str
    effect: str | None
    principals: Principals
    actions: tuple[str, ...]
    not_action: bool
    resources: tuple[str, ...]
    not_resource: bool
    conditions: tuple[Condition, ...]
    unknown: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """How messages name this statement."""
        return f"statement {self.index}" + (f" ({self.sid})" if self.sid else "")


@dataclass(frozen=True, slots=True)
class Document:
    """One policy. `unknown` says what stands in the way of trusting the list of statements; empty if nothing."""

    statements: tuple[Statement, ...]
    variables: bool = False
    unknown: tuple[str, ...] = ()

    def seen_by(self, service: str) -> "Document":
        """The policy as a service meets it, which is no account's principal: what names it speaks to everyone."""

        def seen(statement: Statement) -> Statement:
            who = statement.principals
            return replace(statement, principals=replace(who, everyone=who.everyone or service in who.service))

        return replace(self, statements=tuple(map(seen, self.statements)))


NO_DOCUMENT = Document(())
"""The normal form of no policy at all."""
