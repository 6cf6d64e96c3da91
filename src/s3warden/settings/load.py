"""From a TOML file, the environment and flags to one checked tree, with the origin of every value.

Flags beat the environment, the environment beats the file, the file beats the defaults. Everything wrong is told at
once, each with its place. No complaint and no origin ever carries a value: it might be a secret.
"""

import difflib
import hashlib
import json
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import InitSettingsSource

from s3warden.detect.own.rule import rule_of
from s3warden.detect.rules import RULES
from s3warden.model.exemption import Exemption
from s3warden.model.secret import SecretRef
from s3warden.settings import exemptions, own_files
from s3warden.settings.complaint import Complaint, SettingsError
from s3warden.settings.environment import read_environment
from s3warden.settings.leaves import leaves, members, variable
from s3warden.settings.places import Path as KeyPath
from s3warden.settings.places import key_text, line_of
from s3warden.settings.sections import Settings

__all__ = ["Complaint", "Loaded", "SettingsError", "load", "secrets"]


DIRECTORY, OWN = "own_rules_directory", "own_rules"
# Flags and the environment.
_WITHOUT_FILE = 2


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings with their story: `origins` by path (what is missing is a default), `warnings` for the operator.

    `exemptions` are those of the files, then the built-in ones. `digest` is a short hash of all effective values but
    the secrets.
    """

    settings: Settings
    origins: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    warnings: tuple[Complaint, ...] = ()
    exemptions: tuple[Exemption, ...] = ()

    @property
    def digest(self) -> str:
        """12 hexadecimal digits that change with any value but a secret's."""
        text = json.dumps(self.settings.model_dump(mode="json"), sort_keys=True) + repr(self.exemptions)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class _Source:
    """One layer: `origin` tells people where it is; a file has its `text`, for the lines.

    A file of own rules holds those from the number `first` of all of them on.
    """

    kind: str
    tree: Mapping[str, Any]
    name: str = ""
    text: str = ""
    first: int = 0

    def holds(self, path: KeyPath) -> bool:
        node: Any = self.tree
        for part in path:
            if isinstance(part, int):
                if not isinstance(node, list) or part >= len(node):
                    return False
            elif not isinstance(node, dict) or part not in node:
                return False
            node = node[part]
        return True

    def place(self, path: KeyPath) -> str:
        if self.kind == "file":
            if self.first and len(path) > 1 and isinstance(path[1], int):
                path = (path[0], path[1] - self.first, *path[2:])
            line = line_of(self.text, path)
            return f"{self.name}:{line}" if line else self.name
        return self.origin(tuple(part for part in path if isinstance(part, str)))

    def origin(self, path: tuple[str, ...]) -> str:
        match self.kind:
            case "file":
                return f"file:{self.name}"
            case "env":
                leaf = next((path[:end] for end in range(1, len(path) + 1) if path[:end] in leaves()), path)
                return f"env:{variable(leaf)}"
            case _:
                return f"flag:{key_text(path)}"


def load(
    path: Path | None = None,
    *,
    flags: Mapping[tuple[str, ...], object] | None = None,
    environ: Mapping[str, str] | None = None,
    now: datetime | None = None,
) -> Loaded:
    """Read and check everything. `flags` are values by path, such as `("log", "level")`; None among them is not set.

    `now` is the moment for which exemptions are checked, default the present one.

    Raises SettingsError with all complaints.
    """
    complaints: list[Complaint] = []
    environment = read_environment(os.environ if environ is None else environ)
    complaints += (Complaint(f"env:{name}", "", message) for name, message in environment.complaints)
    sources = [_Source("flag", _tree(flags or {})), _Source("env", environment.tree)]
    if path is not None:
        try:
            text = path.read_text(encoding="utf-8")
            sources.append(_Source("file", tomllib.loads(text), str(path), text))
        except (OSError, ValueError) as error:
            complaints.append(Complaint(str(path), "", _unreadable(error)))
    trees, own, wrong = _with_own_files([*sources])
    sources += own
    complaints += wrong
    try:
        layers = tuple(InitSettingsSource(Settings, dict(tree)) for tree in trees)
        settings = Settings(_build_sources=(layers, {}))  # type: ignore[call-arg]  # mypy sees only the fields
    except ValidationError as error:
        complaints += (_complaint(details, sources) for details in error.errors(include_url=False, include_input=False))
        raise SettingsError(complaints) from None
    if complaints:
        raise SettingsError(complaints)
    rules = (*RULES, *(rule_of(own.written) for own in settings.own_rules))
    written = exemptions.read(settings.exemptions, rules, now or datetime.now(UTC))
    if written.complaints:
        raise SettingsError(written.complaints)
    origins = {leaf: source.origin(leaf) for leaf in leaves() for source in reversed(sources) if source.holds(leaf)}
    return Loaded(settings, origins, (*_warnings(settings, sources), *written.warnings), written.exemptions)


def _with_own_files(
    sources: list[_Source],
) -> tuple[list[Mapping[str, Any]], list[_Source], tuple[Complaint, ...]]:
    """The trees of the layers with the own rules of the directory behind those of the file.

    And with each of its files as a source of its own, for the places, and what is wrong with them.
    """
    trees = [source.tree for source in sources]
    named = next((tree[DIRECTORY] for tree in trees if DIRECTORY in tree), None)
    if not isinstance(named, str) or not named:
        return trees, [], ()
    if len(sources) == _WITHOUT_FILE:
        trees.append({})
    rules = list(trees[-1].get(OWN, ())) if isinstance(trees[-1].get(OWN, ()), list) else []
    files, wrong = own_files.read(Path(named))
    added = []
    for file in files:
        padded: list[Any] = [None] * len(rules) + list(file.rules)
        added.append(_Source("file", {OWN: padded}, file.name, file.text, first=len(rules)))
        rules += file.rules
    return [*trees[:-1], {**trees[-1], OWN: rules}], added, wrong


def _tree(flags: Mapping[tuple[str, ...], object]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path, value in flags.items():
        if value is not None:
            node = tree
            for name in path[:-1]:
                node = node.setdefault(name, {})
            node[path[-1]] = value
    return tree


def _unreadable(error: OSError | ValueError) -> str:
    if isinstance(error, OSError):
        return f"cannot be read: {error.strerror or type(error).__name__}"
    # A decode error quotes the bytes it stumbles over; only the TOML parser's own text is known to quote no value.
    return f"is not TOML: {error}" if isinstance(error, tomllib.TOMLDecodeError) else "is not UTF-8 text"


def _complaint(details: ErrorDetails, sources: list[_Source]) -> Complaint:
    path = _without_tags(details["loc"])
    holder, held = _holder(path, sources)
    return Complaint(holder.place(held) if holder else "", key_text(path), _message(details, path))


def _holder(path: KeyPath, sources: list[_Source]) -> tuple[_Source | None, KeyPath]:
    """The layer that counts for `path`, and the part of the path that it holds."""
    for end in range(len(path), 0, -1):
        for source in sources:
            if source.holds(path[:end]):
                return source, path[:end]
    return None, ()


def _without_tags(loc: KeyPath) -> KeyPath:
    """pydantic puts the kind of a list member behind its number: `("destinations", 0, "slack", "name")`."""
    field = Settings.model_fields.get(str(loc[0])) if loc else None
    tagged = len(loc) > 2 and field is not None and len(members(field)) > 1
    return loc[:2] + loc[3:] if tagged else loc


_TABLE = frozenset({"model_type", "model_attributes_type", "dict_type", "model_or_dataclass_type"})


def _message(details: ErrorDetails, path: KeyPath) -> str:
    kind, text = details["type"], details["msg"]
    if kind == "extra_forbidden":
        return _unknown(details["loc"], str(path[-1]))
    if kind == "missing":
        return "is required"
    if kind in _TABLE:
        return "must be a table"
    if kind == "tuple_type":
        return "must be a list"
    if kind.startswith("union_tag"):
        return "needs a `type`: sns, slack or webhook"
    return text.removeprefix("Value error, ").replace("Input should be", "must be")


def _unknown(loc: KeyPath, name: str) -> str:
    names = _siblings(loc)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return f"unknown setting; did you mean `{near[0]}`?" if near else f"unknown setting; known here: {', '.join(names)}"


def _siblings(loc: KeyPath) -> list[str]:
    """The settings that could stand where the last part of `loc` does."""
    models: tuple[type[BaseModel], ...] = (Settings,)
    for part in loc[:-1]:
        if isinstance(part, str):
            fields = [model.model_fields[part] for model in models if part in model.model_fields]
            tagged = tuple(model for model in models if model.__name__.lower() == part)
            models = tagged or tuple(member for field in fields for member in members(field))
    return sorted({name for model in models for name in model.model_fields})


def _warnings(settings: Settings, sources: list[_Source]) -> Iterable[Complaint]:
    if not settings.queues:
        yield Complaint("", "queues", "no queue is set: changes are found by the sweep only")
    if not settings.destinations:
        yield Complaint("", "destinations", "nobody is told: findings are only stored and counted")
    for path, ref in secrets(settings):
        holder, held = _holder(path, sources)
        if ref.secret and holder is not None and holder.kind == "file":
            message = "a secret stands in the file itself; better a reference: env:, file:, secretsmanager: or ssm:"
            yield Complaint(holder.place(held), key_text(path), message)


def secrets(value: object, path: KeyPath = ()) -> Iterable[tuple[KeyPath, SecretRef]]:
    """Every secret among the settings, with its path."""
    if isinstance(value, SecretRef):
        yield path, value
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from secrets(item, (*path, index))
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from secrets(getattr(value, name), (*path, name))
