"""What is cut out of a policy's text: whole statements, everyone out of a statement, single principals.

Takes a text and what is to go, hands on the text without it, None where nothing of the policy would be left. What is
not cut stays to the letter. Which part has to go is the remedies' business. Text that is no policy raises ValueError.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from s3warden.correct.policy_text import MAX_BYTES, replaced, statements_of, texts_of, without

EVERYONE = "*"
_KINDS = ("AWS", "CanonicalUser", "Federated")


@dataclass(frozen=True, slots=True)
class Cut:
    """What is left of a policy, None for nothing, and in words what was cut out."""

    left: str | None
    told: str


@dataclass(frozen=True, slots=True, order=True)
class Named:
    """Somebody whom a statement of a policy lets in; `place` tells the policy, where there are several."""

    place: str
    statement: int
    kind: str
    name: str


def whole(text: str, indexes: Collection[int]) -> Cut:
    """The policy without these statements."""
    listed = statements_of(text)
    left = without(text, indexes) if len(set(indexes)) < len(listed) else None
    return Cut(left, labels(listed, indexes))


def everyone(text: str, indexes: Collection[int]) -> Cut:
    """The policy without everyone in these statements: those that name others, too, stay for the others."""
    listed = statements_of(text)
    named = {at: rest for at in indexes if (rest := _for_named(listed[at])) is not None}
    for at, rest in named.items():
        text = replaced(text, at, rest)
    gone = set(indexes) - named.keys()
    told = [labels(listed, gone)] if gone else []
    told += [f'"{EVERYONE}" in {label(listed[at], at)}' for at in sorted(named)]
    left = None if len(gone) == len(listed) else without(text, gone) if gone else text
    return Cut(left, " and ".join(told))


def _for_named(statement: Mapping[str, object]) -> dict[str, object] | None:
    """The statement for those whom it names beside everyone; None where it names nobody else."""
    principal = statement.get("Principal")
    if not isinstance(principal, dict):
        return None
    listed = principal.get("AWS", [])
    names = [listed] if isinstance(listed, str) else list(listed)
    if EVERYONE not in names:
        return None
    rest = [name for name in names if name != EVERYONE]
    others = {kind: who for kind, who in principal.items() if kind != "AWS"}
    if not rest and not others:
        return None
    kept = {"AWS": rest, **others} if rest else others
    return {**statement, "Principal": kept}


def labels(listed: Sequence[Mapping[str, object]], chosen: Collection[int]) -> str:
    """Statements in words, by their place and their Sid."""
    return ", ".join(label(listed[at], at) for at in sorted(chosen))


def label(statement: Mapping[str, object], at: int) -> str:
    """One statement in words."""
    return f"statement {at}" + (f" ({statement['Sid']})" if statement.get("Sid") else "")


def named_in(text: str, place: str = "") -> Iterator[Named]:
    """Whom the policy lets in: accounts, users and identity providers by name, and everyone; services are not told."""
    for at, statement in enumerate(statements_of(text)):
        principal = statement.get("Principal")
        if statement.get("Effect") != "Allow":
            continue
        if not isinstance(principal, dict):
            # "*", or everyone but those in NotPrincipal.
            yield Named(place, at, EVERYONE, EVERYONE)
            continue
        for kind in _KINDS:
            yield from (Named(place, at, kind, name) for name in texts_of(principal.get(kind)))


def nobody_of(text: str, chosen: Collection[Named], most: int = MAX_BYTES) -> Cut:
    """The policy without those who are `chosen`; a statement that lets in nobody else goes with them."""
    listed, empty = statements_of(text), []
    for at in sorted({one.statement for one in chosen}):
        rest = _but(listed[at].get("Principal"), {(one.kind, one.name) for one in chosen if one.statement == at})
        if rest:
            text = replaced(text, at, {**listed[at], "Principal": rest}, most)
        else:
            empty.append(at)
    left = None if len(empty) == len(listed) else without(text, empty) if empty else text
    return Cut(left, ", ".join(sorted({one.name for one in chosen})))


def _but(principal: object, names: Collection[tuple[str, str]]) -> dict[str, object]:
    """The principals without those named; kinds of which nobody is left go."""
    kept: dict[str, object] = {}
    for kind, known in (principal if isinstance(principal, dict) else {}).items():
        rest = [name for name in texts_of(known) if (kind, name) not in names]
        if rest:
            kept[str(kind)] = known if len(rest) == len(texts_of(known)) else rest
    return kept
