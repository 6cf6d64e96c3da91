"""What the environment says: the `S3WARDEN_` variables as a tree, and complaints about those that mean nothing."""

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from s3warden.settings.leaves import PREFIX, is_structured, leaves, variables

# Read by the command line and by the image, not part of the tree.
CONFIG = "S3WARDEN_CONFIG"
REVISION = "S3WARDEN_REVISION"
_OTHERS = frozenset({CONFIG, REVISION})

# Kubernetes puts such variables into every pod beside a service whose name begins with `s3warden`.
_SERVICE_LINK = re.compile(r"S3WARDEN_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_\w+)?)")
_LINK_URL = re.compile(r"(tcp|udp|sctp)://.*")


@dataclass(frozen=True, slots=True)
class Environment:
    """`tree` holds the values as given, `complaints` (variable, message) what is wrong with the others."""

    tree: dict[str, Any]
    complaints: tuple[tuple[str, str], ...]


def read_environment(environ: Mapping[str, str]) -> Environment:
    """The settings among `environ`. An empty variable counts as not set, as deployment templates leave them."""
    known, fields = variables(), leaves()
    tree: dict[str, Any] = {}
    complaints: list[tuple[str, str]] = []
    for name, text in sorted(environ.items()):
        if not name.startswith(PREFIX) or not text or name in _OTHERS:
            continue
        path = known.get(name)
        if path is None:
            if not _is_service_link(name, text):
                complaints.append((name, _unknown(name)))
            continue
        try:
            value = _decode(text) if is_structured(fields[path]) else text
        except ValueError as error:
            complaints.append((name, str(error)))
            continue
        _put(tree, path, value)
    return Environment(tree, tuple(complaints))


def _is_service_link(name: str, text: str) -> bool:
    return bool(_SERVICE_LINK.fullmatch(name) or (name.endswith("_PORT") and _LINK_URL.fullmatch(text)))


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, variables(), n=1, cutoff=0.8)
    return f"unknown setting; did you mean `{near[0]}`?" if near else "unknown setting"


def _decode(text: str) -> Any:
    """JSON where it looks like it; else the text, which stands for a list with commas."""
    if text.lstrip()[:1] not in {"[", "{"}:
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"is not valid JSON: {error.msg} at character {error.pos + 1}") from None


def _put(tree: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for name in path[:-1]:
        tree = tree.setdefault(name, {})
    tree[path[-1]] = value
