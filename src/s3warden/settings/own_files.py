"""Own rules in files of their own: a directory of TOML, so that teams can keep and review theirs apart.

Takes the directory, hands on the raw tables of `[[own_rules]]` with where they stand, and what is wrong with the files.
What a rule says is checked with the rest of the settings.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from s3warden.settings.complaint import Complaint

MAX_FILES: Final = 100
MAX_BYTES: Final = 1_000_000
_KEY = "own_rules"


@dataclass(frozen=True, slots=True)
class OwnFile:
    """One file: its own rules as they were written, and its text, for the lines."""

    name: str
    text: str
    rules: tuple[Mapping[str, Any], ...]


def read(directory: Path) -> tuple[tuple[OwnFile, ...], tuple[Complaint, ...]]:
    """The files of the directory in the order of their names, those below it included, and all complaints.

    Hidden files and directories are left out: a mounted ConfigMap has its files twice.
    """
    if not directory.is_dir():
        return (), (Complaint(str(directory), "", "is no directory that can be read"),)
    paths = sorted(
        path
        for path in directory.rglob("*.toml")
        if not any(part.startswith(".") for part in path.relative_to(directory).parts)
    )
    if len(paths) > MAX_FILES:
        return (), (Complaint(str(directory), "", f"has more than {MAX_FILES} files"),)
    read_one = [_read(path) for path in paths]
    files = tuple(each for each in read_one if isinstance(each, OwnFile))
    return files, tuple(each for each in read_one if isinstance(each, Complaint))


def _read(path: Path) -> OwnFile | Complaint:
    try:
        if path.stat().st_size > MAX_BYTES:
            return Complaint(str(path), "", f"is larger than {MAX_BYTES} bytes")
        text = path.read_text(encoding="utf-8")
        tree = tomllib.loads(text)
    except OSError as error:
        return Complaint(str(path), "", f"cannot be read: {error.strerror or type(error).__name__}")
    except ValueError as error:
        is_toml = isinstance(error, tomllib.TOMLDecodeError)
        return Complaint(str(path), "", f"is not TOML: {error}" if is_toml else "is not UTF-8 text")
    rules = tree.get(_KEY, [])
    if set(tree) - {_KEY} or not isinstance(rules, list) or not all(isinstance(each, dict) for each in rules):
        return Complaint(str(path), "", "may hold `[[own_rules]]` and nothing else")
    return OwnFile(str(path), text, tuple(rules))
