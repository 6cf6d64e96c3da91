"""Where in a TOML file a setting stands, so that a complaint can name the line. A reader's aid, no parser."""

import re
from collections import Counter
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?")
_KEY = re.compile(r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=""")
_WORD = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")


def key_text(path: Path) -> str:
    """The path as people write it: `destinations[0].webhook_url`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def line_of(text: str, path: Path) -> int | None:
    """The line (from 1) that sets `path`, or the nearest table around it; None where neither is seen."""
    best: tuple[int, int | None] = (0, None)
    for number, found in _marks(text):
        if len(found) > best[0] and path[: len(found)] == found:
            best = (len(found), number)
    return best[1]


def _marks(text: str) -> list[tuple[int, Path]]:
    marks: list[tuple[int, Path]] = []
    table: Path = ()
    seen: Counter[tuple[str, ...]] = Counter()
    for number, line in enumerate(text.splitlines(), 1):
        header = _HEADER.fullmatch(line)
        if header is not None:
            words = _words(header[2])
            table = _with_index(words, seen, new=header[1] == "[[")
            marks.append((number, table))
            continue
        key = _KEY.match(line)
        if key is not None:
            marks.append((number, table + _words(key[1])))
    return marks


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip("\"'") for word in _WORD.findall(text))


def _with_index(words: tuple[str, ...], seen: Counter[tuple[str, ...]], *, new: bool) -> Path:
    """The header's words, with the number of the latest element after each word that names a list of tables."""
    if new:
        seen[words] += 1
    path: list[str | int] = []
    for end, word in enumerate(words, 1):
        path.append(word)
        if words[:end] in seen:
            path.append(seen[words[:end]] - 1)
    return tuple(path)
