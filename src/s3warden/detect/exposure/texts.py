"""Keys whose value is a text the caller fills in, and the values that are beyond a stranger's reach.

A document that spells out a value (an account, an endpoint, an organisation, a role id) thereby names somebody: a
stranger can have any value of the right shape but that one.
"""

from collections.abc import Callable

from s3warden.detect.exposure.domains import Bar, Domain, Shape, Text, choice, fits
from s3warden.detect.exposure.facts import Ask, Facts, Mention
from s3warden.detect.exposure.glob import Pattern, exact, folded, glob

MANY = frozenset(
    {
        "aws:calledvia", "aws:principalorgpaths", "aws:principalservicenameslist", "aws:tagkeys",
        "s3:requestobjecttagkeys", "aws:resourceorgpaths", "aws:vpceorgpaths", "aws:sourceorgpaths",
    }
)  # fmt: skip
"""Keys with many values in one request."""


UNKNOWN_ORGANISATION = "o-theowners0"
"""Stands for the owner's organisation where it is not known: a stranger is not in it."""


def text(ask: Ask, sample: str, *, optional: bool, shape: Shape = None, fixed: "Fixed | None" = None) -> Domain:
    """A key the caller fills in: any text, or any of `shape`, except what `fixed` says only others can have."""
    key, mention = ask.key, ask.mention
    if mention.wild or any(c.operator.quantifier for c in mention.conditions if key in MANY):
        return Text(key, sample, optional, shape, fixed(mention, ask.facts) if fixed else None)
    while sample in mention.literals:
        sample += "0"
    known = () if fixed else tuple(v for v in sorted(mention.literals) if fits(shape, v))
    values: tuple[str | None, ...] = (sample, *known)
    return choice(key, *((None, *values) if optional and key not in _SENT else (*values, None) if optional else values))


# Keys for which a proof is easier to read when they are there.
_SENT = frozenset({"aws:referer", "aws:useragent"})

Fixed = Callable[[Mention, Facts], Bar]


def own(mention: Mention, facts: Facts) -> Bar:
    """Values that a document spells out belong to somebody else."""

    organisation = facts.organisation or UNKNOWN_ORGANISATION

    def bar(value: str) -> Pattern | None:
        if value in mention.literals or value == organisation:
            return exact(value)
        return folded(value) if value.casefold() in mention.folded else None

    return bar


def own_head(separator: str) -> Fixed:
    """Values whose part before `separator` a document spells out belong to somebody else."""

    def fixed(mention: Mention, facts: Facts) -> Bar:
        texts = [value for condition in mention.conditions for value in condition.values if "${" not in value]
        heads = {text.partition(separator)[0] for text in texts}
        heads = {head for head in heads if "*" not in head and "?" not in head}
        heads.add(facts.organisation or UNKNOWN_ORGANISATION)
        plain = own(mention, facts)

        def bar(value: str) -> Pattern | None:
            head, found, _ = value.partition(separator)
            return glob(head + separator + "*") if found and head in heads else plain(value)

        return bar

    return fixed


def own_account(mention: Mention, facts: Facts) -> Bar:
    """ARNs of an account that a document names belong to somebody else."""
    plain = own(mention, facts)
    values = (value.split(":", 5) for condition in mention.conditions for value in condition.values)
    named = facts.named | {fields[4] for fields in values if len(fields) == 6 and fields[4].isdigit()}

    def bar(value: str) -> Pattern | None:
        fields = value.split(":", 5)
        if len(fields) == 6 and fields[4] in named:
            return glob(f"*:*:*:*:{fields[4]}:*")
        return plain(value)

    return bar
