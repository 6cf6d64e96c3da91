"""Is any text left that some patterns admit and others do not?

Takes patterns, hands on a witness or None. The search is exact and bounded: past the bound it raises `Exhausted`, it
must never answer "empty" because it was tired.
"""

from collections.abc import Iterable, Sequence

from s3warden.detect.exposure.budget import Budget
from s3warden.detect.exposure.glob import ANY, Chars, Pattern


def witness(wanted: Sequence[Pattern], barred: Sequence[Pattern], sample: str, budget: Budget) -> str | None:
    """A text that every pattern of `wanted` and none of `barred` admits, or None if there is none.

    `sample` is what to try first. Raises Exhausted.
    """
    budget.spend(1 + len(wanted) + len(barred) / 3)
    for pattern in wanted:
        text = pattern.literal
        if text is not None:
            return text if _fits(text, wanted, barred) else None
    longest = max((pattern.prefix for pattern in wanted), key=len, default="")
    if not all(longest.startswith(pattern.prefix) for pattern in wanted):
        return None
    for text in _guesses(wanted, sample):
        budget.spend(len(text) * (1 + len(barred)) / 500)
        if _fits(text, wanted, barred):
            return text
    if any(bar.universal or any(_covers(bar, want) for want in wanted) for bar in barred):
        return None
    return _walk(wanted, barred, budget)


def _fits(text: str, wanted: Sequence[Pattern], barred: Sequence[Pattern]) -> bool:
    return all(pattern.matches(text) for pattern in wanted) and not any(pattern.matches(text) for pattern in barred)


def _guesses(wanted: Sequence[Pattern], sample: str) -> Iterable[str]:
    yield sample
    narrowest = max(wanted, key=lambda pattern: len(pattern.tokens), default=None)
    if narrowest is None:
        return
    for fill in (sample, "x", "7", ""):
        if narrowest.pieces is not None:
            yield fill.join(narrowest.pieces)
        else:
            yield "".join(
                token if isinstance(token, str) else fill if many and token is ANY else _some(token, fill)
                for token, many in narrowest.tokens
            )


def _some(chars: Chars, preferred: str) -> str:
    for char in preferred[:1] + "x7":
        if char in chars:
            return char
    return "_" if chars.excluded else next(iter(sorted(chars.chars)), "_")


def _covers(bar: Pattern, want: Pattern) -> bool:
    """Whether everything `want` admits is admitted by `bar`; False where that is not plain to see."""
    if bar.pieces is not None and bar.pieces[1:] == ("",):
        return want.prefix.startswith(bar.pieces[0])
    if bar.pieces is None or want.pieces is None:
        return bar == want
    if len(bar.pieces) == 2:
        return (
            want.pieces[0].startswith(bar.pieces[0]) and want.pieces[-1].endswith(bar.pieces[1]) and _apart(bar, want)
        )
    return bar.pieces == want.pieces


def _apart(bar: Pattern, want: Pattern) -> bool:
    """Whether prefix and suffix of `bar` cannot overlap in a text that `want` admits."""
    assert bar.pieces is not None  # noqa: S101 - the caller has looked
    assert want.pieces is not None  # noqa: S101 - the caller has looked
    return not all(bar.pieces) or len("".join(want.pieces)) >= len("".join(bar.pieces))


def _walk(wanted: Sequence[Pattern], barred: Sequence[Pattern], budget: Budget) -> str | None:
    """Depth-first search of the product automaton, one representative for all characters nobody tells apart."""
    alphabet = _alphabet((*wanted, *barred))
    start = (tuple(p.start() for p in wanted), tuple(p.start() for p in barred))
    seen = {start}
    stack = [(start, "")]
    budget.spend(len(alphabet) * sum(len(pattern.tokens) for pattern in (*wanted, *barred)) / 60)
    cost = 0.5 + (len(wanted) + len(barred)) / 4
    while stack:
        (inside, outside), text = stack.pop()
        if all(p.accepts(s) for p, s in zip(wanted, inside, strict=True)) and not any(
            p.accepts(s) for p, s in zip(barred, outside, strict=True)
        ):
            return text
        for char in _next(wanted, inside) or alphabet:
            budget.spend(cost)
            step = tuple(p.step(s, char) for p, s in zip(wanted, inside, strict=True))
            if not all(step):
                continue
            state = (step, tuple(p.step(s, char) if s else 0 for p, s in zip(barred, outside, strict=True)))
            if state not in seen:
                seen.add(state)
                stack.append((state, text + char))
    return None


def _next(wanted: Sequence[Pattern], inside: Sequence[int]) -> tuple[str, ...]:
    """The fewest characters that some wanted pattern leaves open; none where each allows a set."""
    choices = [chars for p, s in zip(wanted, inside, strict=True) if (chars := p.forced(s)) is not None]
    return min(choices, key=len, default=())


_REPRESENTATIVES = ("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789", "_-.~!+@=,;")


def _alphabet(patterns: Iterable[Pattern]) -> tuple[str, ...]:
    named: set[str] = set()
    for pattern in patterns:
        for token, _ in pattern.tokens:
            if isinstance(token, str):
                named.add(token)
            elif token.excluded or token.few:
                named |= token.chars
    others = [next((char for char in row if char not in named), None) for row in _REPRESENTATIVES]
    if not any(others[:2]):
        others.append(next(char for char in map(chr, range(0x4E00, 0x20000)) if char not in named))
    return (*sorted(named, reverse=True), *(char for char in reversed(others) if char is not None))
