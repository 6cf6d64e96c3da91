"""Patterns over text: what a policy's `*` and `?` admit.

Takes pattern texts, hands on matches and remainders. A pattern is a tiny automaton whose states are the positions in
its tokens, kept as the bits of one integer.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import takewhile

FEW = 4


class Chars:
    """A set of characters: those listed, or all but those listed."""

    __slots__ = ("chars", "excluded", "few")

    def __init__(self, chars: str, *, excluded: bool) -> None:
        self.chars: frozenset[str] = frozenset(chars)
        self.excluded = excluded
        self.few = "" if excluded or len(chars) > FEW else "".join(sorted(self.chars))
        """All characters of the set, where they are few enough to be tried one by one."""

    def __contains__(self, char: str) -> bool:
        return (char in self.chars) != self.excluded

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Chars) and (self.chars, self.excluded) == (other.chars, other.excluded)

    def __hash__(self) -> int:
        return hash((self.chars, self.excluded))


ANY = Chars("", excluded=True)
DIGIT = Chars("0123456789", excluded=False)
NO_COLON = Chars(":", excluded=True)
NO_SLASH = Chars("/", excluded=True)

Token = tuple[str | Chars, bool]
"""One character (literal or set), and whether it repeats any number of times."""

STAR: Token = (ANY, True)
ONE: Token = (ANY, False)


class Pattern:
    """One pattern. `pieces` is set where it consists of literal text around stars only: the fast form."""

    __slots__ = ("_accepts", "_forced", "_hash", "_prefix", "_starred", "_tokens", "pieces")

    def __init__(self, *, pieces: tuple[str, ...] | None = None, tokens: tuple[Token, ...] | None = None) -> None:
        self.pieces = pieces
        self._tokens = tokens
        self._accepts: dict[str, int] = {}
        self._forced: dict[int, tuple[str, ...] | None] = {}
        self._prefix: str | None = None if pieces is None else pieces[0]
        self._starred = -1
        self._hash: int | None = None

    @property
    def literal(self) -> str | None:
        """The one text this pattern admits, if it is one."""
        return self.pieces[0] if self.pieces is not None and len(self.pieces) == 1 else None

    @property
    def prefix(self) -> str:
        """The literal text that every match begins with."""
        if self._prefix is None:
            literal = takewhile(lambda token: isinstance(token[0], str) and not token[1], self.tokens)
            self._prefix = "".join(char for char, _ in literal if isinstance(char, str))
        return self._prefix

    @property
    def universal(self) -> bool:
        """Whether every text matches."""
        return self.pieces is not None and len(self.pieces) > 1 and not any(self.pieces)

    @property
    def tokens(self) -> tuple[Token, ...]:
        """The pattern as tokens, one for each character or star."""
        if self._tokens is None:
            assert self.pieces is not None  # noqa: S101 - one of the two forms is always there
            found: list[Token] = [(char, False) for char in self.pieces[0]]
            for piece in self.pieces[1:]:
                if not found or found[-1] != STAR:
                    found.append(STAR)
                found.extend((char, False) for char in piece)
            self._tokens = tuple(found)
        return self._tokens

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Pattern) and self.tokens == other.tokens)

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(self.show())
        return self._hash

    def __repr__(self) -> str:
        return f"Pattern({self.show()!r})"

    def show(self) -> str:
        """The pattern as a policy would spell it, with sets of characters shown as `?` or `*`."""
        return "".join(
            token if isinstance(token, str) and not many else "*" if many else "?" for token, many in self.tokens
        )

    def matches(self, text: str) -> bool:
        """Whether the whole of `text` matches."""
        if self.pieces is not None:
            return _match_pieces(self.pieces, text)
        state = self.start()
        for char in text:
            state = self.step(state, char)
            if not state:
                return False
        return self.accepts(state)

    def start(self) -> int:
        """The state before the first character."""
        return self._close(1)

    def accepts(self, state: int) -> bool:
        """Whether `state` is after the last token."""
        return bool(state >> len(self.tokens) & 1)

    def step(self, state: int, char: str) -> int:
        """The state after `char`; 0 is the dead state."""
        mask = self._accepts.get(char)
        if mask is None:
            mask = 0
            for position, (token, _) in enumerate(self.tokens):
                if char == token if isinstance(token, str) else char in token:
                    mask |= 1 << position
            self._accepts[char] = mask
        live = state & mask
        starred = self._stars()
        return self._close(live & starred | (live & ~starred) << 1)

    def forced(self, state: int) -> tuple[str, ...] | None:
        """The only characters that may follow in `state`; None where it may be one of a set."""
        if state not in self._forced:
            live = [token for at, (token, _) in enumerate(self.tokens) if state >> at & 1]
            few = [token if isinstance(token, str) else token.few for token in live]
            self._forced[state] = tuple(dict.fromkeys("".join(few))) if all(few) else None
        return self._forced[state]

    def _stars(self) -> int:
        if self._starred < 0:
            self._starred = sum(1 << position for position, (_, many) in enumerate(self.tokens) if many)
        return self._starred

    def _close(self, state: int) -> int:
        starred = self._stars()
        while True:
            wider = state | (state & starred) << 1
            if wider == state:
                return state
            state = wider

    def after(self, prefix: str) -> tuple["Pattern", ...]:
        """What may follow `prefix`: patterns whose union admits exactly the texts t with prefix + t admitted here."""
        if self.pieces is not None:
            first = self.pieces[0]
            if first.startswith(prefix):
                return (Pattern(pieces=(first[len(prefix) :], *self.pieces[1:])),)
            if len(self.pieces) == 1 or not prefix.startswith(first):
                return ()
            if self.pieces[1:] == ("",):
                return (EVERYTHING,)
        state = self.start()
        for char in prefix:
            state = self.step(state, char)
        state &= ~((state & self._stars()) << 1)  # what follows a star is admitted by the star already
        rest = [tokenised(self.tokens[at:]) for at in range(len(self.tokens) + 1) if state >> at & 1]
        return (EVERYTHING,) if any(pattern.universal for pattern in rest) else tuple(rest)


EVERYTHING = Pattern(pieces=("", ""))


def _match_pieces(pieces: tuple[str, ...], text: str) -> bool:
    first = pieces[0]
    if len(pieces) == 1:
        return text == first
    last = pieces[-1]
    if not text.startswith(first) or len(text) < len(first) + len(last) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for piece in pieces[1:-1]:
        found = text.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


@lru_cache(maxsize=4096)
def exact(text: str) -> Pattern:
    """The pattern that admits `text` only."""
    return Pattern(pieces=(text,))


@lru_cache(maxsize=1024)
def folded(text: str) -> Pattern:
    """The pattern that admits `text` in any mixture of upper and lower case."""
    return Pattern(tokens=tuple((_either_case(char), False) for char in text))


def _either_case(char: str) -> str | Chars:
    both = {char, char.lower(), char.upper()}
    return char if len(both) == 1 else Chars("".join(c for c in both if len(c) == 1), excluded=False)


@lru_cache(maxsize=8192)
def glob(text: str) -> Pattern:
    """The pattern `text` with `*` for any run of characters and `?` for any one."""
    while "**" in text:
        text = text.replace("**", "*")
    if "?" not in text:
        return Pattern(pieces=tuple(text.split("*")))
    return tokenised((STAR if char == "*" else ONE if char == "?" else (char, False)) for char in text)


def tokenised(tokens: Iterable[Token]) -> Pattern:
    """The pattern of `tokens`, repeated stars folded into one, in the fast form where that is possible."""
    found: list[Token] = []
    for token in tokens:
        if not (found and token[1] and found[-1] == token):
            found.append(token)
    if all(isinstance(token, str) or (token, many) == STAR for token, many in found):
        text = "".join(token if isinstance(token, str) else "\0*" for token, _ in found)
        if text.count("\0") == text.count("\0*") and "\0" not in "".join(t for t, _ in found if isinstance(t, str)):
            return Pattern(pieces=tuple(text.split("\0*")))
    return Pattern(tokens=tuple(found))


ARN_FIELDS = 6


def arn_like(parts: Sequence[str | Token]) -> Pattern | None:
    """A pattern for ARNs, whose six fields are matched one by one; None where there are fewer than six.

    `parts` are literal texts and wildcard tokens. Wildcards before the fifth colon do not reach over a colon.
    """
    found: list[Token] = []
    colons = 0
    for part in parts:
        if isinstance(part, str):
            colons += part.count(":")
            found.extend((char, False) for char in part)
        elif colons < ARN_FIELDS - 1:
            found.append((NO_COLON, part[1]))
        else:
            found.append(part)
    return tokenised(found) if colons >= ARN_FIELDS - 1 else None
