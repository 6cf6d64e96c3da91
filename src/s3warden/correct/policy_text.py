"""Changes single statements of a policy's text and leaves every other character of it as it stands.

Takes the text as S3 gave it, hands on a new text. Never reads meaning into a statement: which one to take out, and what
to put in, is the remedies' business. Text that is no JSON with statements raises ValueError.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

MAX_BYTES = 20 * 1024
"""The largest bucket policy that S3 takes ("Bucket policies for Amazon S3" in the S3 user guide)."""

_DECODER = json.JSONDecoder()


class NoPolicyError(ValueError):
    """The text is no policy, or would be none afterwards."""


class TooLargeError(ValueError):
    """AWS would refuse the policy for its size."""


@dataclass(frozen=True, slots=True)
class _Span:
    """A value within a text: from `start` up to `end`."""

    start: int
    end: int

    def of(self, text: str) -> str:
        return text[self.start : self.end]


def without(text: str, indexes: Collection[int]) -> str:
    """The policy without the statements at `indexes`. One has to stay: S3 takes no policy without a statement."""
    _, spans = _statements(text)
    kept = [at for at in range(len(spans)) if at not in indexes]
    if not kept:
        raise NoPolicyError("a policy cannot be without statements")
    # What stands between two statements goes with the second of them, and before the first it stays.
    gaps = [text[left.end : right.start] for left, right in pairwise(spans)]
    pieces = [spans[at].of(text) if at == kept[0] else gaps[at - 1] + spans[at].of(text) for at in kept]
    return text[: spans[0].start] + "".join(pieces) + text[spans[-1].end :]


def texts_of(value: object) -> list[str]:
    """The texts of an element that may hold one or a list of them; none for anything else."""
    if isinstance(value, list):
        return [str(item) for item in value]
    return [value] if isinstance(value, str) else []


def with_statement(text: str | None, statement: Mapping[str, object]) -> str:
    """The policy with `statement` as its last, in place of one with the same Sid. Raises TooLargeError."""
    if text is None:
        return _fitting(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    for at, known in enumerate(statements_of(text)):
        if known.get("Sid") == statement["Sid"]:
            return replaced(text, at, statement)
    place, spans = _statements(text)
    if place.of(text).startswith("{"):
        return _fitting(_cut(text, place, f"[{place.of(text)},{_written(statement, text)}]"))
    if not spans:
        return _fitting(_cut(text, place, f"[{_written(statement, text)}]"))
    last = spans[-1]
    gap = text[spans[-2].end : last.start] if len(spans) > 1 else f",{text[place.start + 1 : spans[0].start]}"
    return _fitting(text[: last.end] + gap + _written(statement, text) + text[last.end :])


def replaced(text: str, index: int, statement: Mapping[str, object], most: int = MAX_BYTES) -> str:
    """The policy with `statement` in the place of the one at `index`, in `most` bytes. Raises TooLargeError."""
    return _fitting(_cut(text, _statements(text)[1][index], _written(statement, text)), most)


def statements_of(text: str) -> list[dict[str, object]]:
    """The statements as JSON has them, in order."""
    _, spans = _statements(text)
    return [dict(json.loads(span.of(text))) for span in spans]


def also(statement: Mapping[str, object], operator: str, key: str, value: object) -> dict[str, object]:
    """The statement with one condition more; beside conditions of the same operator, all of which have to hold."""
    condition = statement.get("Condition")
    conditions = dict(condition) if isinstance(condition, dict) else {}
    keys = conditions.get(operator)
    known = {name: one for name, one in keys.items() if name.lower() != key.lower()} if isinstance(keys, dict) else {}
    return {**statement, "Condition": {**conditions, operator: {**known, key: value}}}


def _fitting(text: str, most: int = MAX_BYTES) -> str:
    """The text, without its spaces if only so it fits."""
    if len(text.encode()) <= most:
        return text
    short = json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=text.isascii())
    if len(short.encode()) > most:
        raise TooLargeError(f"the policy would have {len(short.encode())} bytes, and AWS takes {most}")
    return short


def _written(statement: Mapping[str, object], beside: str) -> str:
    """A statement in the manner of the text that it goes into: spaced or not, ASCII or not."""
    spaced = '": ' in beside
    return json.dumps(statement, separators=(", ", ": ") if spaced else (",", ":"), ensure_ascii=beside.isascii())


def _cut(text: str, span: _Span, by: str) -> str:
    return text[: span.start] + by + text[span.end :]


def _statements(text: str) -> tuple[_Span, list[_Span]]:
    """Where the value of Statement stands, and where each statement."""
    try:
        whole = json.loads(text)
    except RecursionError as error:
        raise NoPolicyError("the policy is nested too deeply") from error
    if not isinstance(whole, dict) or not isinstance(whole.get("Statement"), list | dict):
        raise NoPolicyError("the policy has no statements")
    place = dict(_members(text))["Statement"]
    listed = whole["Statement"]
    if not all(isinstance(item, dict) for item in (listed if isinstance(listed, list) else [listed])):
        raise NoPolicyError("a statement is no object")
    return place, list(_items(text, place)) if isinstance(listed, list) else [place]


def _members(text: str) -> Iterator[tuple[str, _Span]]:
    """The keys of the outermost object, each with the place of its value. For text that is JSON."""
    at = _next(text, text.index("{") + 1)
    while text[at] != "}":
        key, at = _DECODER.raw_decode(text, at)
        start = _next(text, _next(text, at) + 1)
        _, end = _DECODER.raw_decode(text, start)
        yield key, _Span(start, end)
        at = _after_comma(text, end)


def _items(text: str, place: _Span) -> Iterator[_Span]:
    at = _next(text, place.start + 1)
    while text[at] != "]":
        _, end = _DECODER.raw_decode(text, at)
        yield _Span(at, end)
        at = _after_comma(text, end)


def _after_comma(text: str, at: int) -> int:
    at = _next(text, at)
    return _next(text, at + 1) if text[at] == "," else at


def _next(text: str, at: int) -> int:
    """The next character that is no space."""
    while text[at] in " \t\r\n":
        at += 1
    return at
