"""Exemption files: from a directory of TOML to checked exemptions, with every complaint at once.

A field that is not known, a missing date, a rule that does not exist: each is a complaint with file and line, and with
one complaint none of the files counts. What has ended stays readable, since the calendar must not stop a daemon; it is
a warning, and has no effect.
"""

import difflib
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from s3warden.detect.exemptions.binding import is_bound
from s3warden.detect.exemptions.decision import is_for
from s3warden.detect.exemptions.presets import PRESETS
from s3warden.detect.exposure import actions
from s3warden.detect.rule import Rule
from s3warden.model.exemption import Allowance, Approved, Exemption, Scope
from s3warden.model.rule import Category
from s3warden.settings.complaint import Complaint
from s3warden.settings.house import Exempting, zone
from s3warden.settings.leaves import members
from s3warden.settings.places import Path as KeyPath
from s3warden.settings.places import key_text, line_of
from s3warden.settings.values import matching

MAX_FILES, MAX_BYTES = 1000, 1_000_000
_DAY = timedelta(days=1)


def _allowance(value: object) -> Allowance:
    if not isinstance(value, str):
        raise ValueError("must be a text, such as `s3:GetObject` or `s3:GetObject on public/*`")  # noqa: TRY004
    action, on, keys = value.partition(" on ")
    if not action.lower().startswith("s3:") or not actions.matching(action.lower()):
        raise ValueError(f"{action!r} is no action of S3 on a bucket or its objects")
    if on and (not keys.strip() or "$" in keys):
        raise ValueError("after ` on ` comes a pattern of object keys, without variables")
    return Allowance(action, keys.strip() if on else None)


def _date(value: object) -> object:
    if isinstance(value, datetime) or not isinstance(value, date):
        raise ValueError("must be a date without quotes, such as 2026-12-31")  # noqa: TRY004 - pydantic hears no other
    return value


def _end(value: object) -> object:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("must be a date, or a time with its offset, such as 2026-12-31T12:00:00+01:00")
        return value
    return _date(value)


def _tag(value: str) -> str:
    if not value.partition("=")[0] or "=" not in value:
        raise ValueError("must be a tag as `Key=Value`; `*` and `?` are wild in the value")
    return value


def _who(names: dict[str, tuple[Allowance, ...]], pattern: str, meaning: str) -> dict[str, tuple[Allowance, ...]]:
    check = matching(pattern, meaning).func
    for name in names:
        check(name)  # type: ignore[call-arg]  # a validator of one value
    return names


_PRINCIPAL = r"[0-9]{12}|arn:[a-z0-9-]+:(iam|sts)::[0-9]{12}:[^\s*?]+|[0-9a-f]{64}"
_UNIT = r"ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}|r-[0-9a-z]{4,32}"
_ID = matching(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", "letters, digits, `_`, `.`, `-`; at most 63")
_Line = Annotated[str, Field(min_length=1, max_length=500)]
_Allowances = Annotated[tuple[Annotated[Allowance, BeforeValidator(_allowance)], ...], Field(min_length=1)]
_Given = Annotated[tuple[_Line, ...], Field(min_length=1, max_length=500)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, strict=False)


class _Scope(_Table):
    accounts: Annotated[
        tuple[Annotated[str, matching(r"[0-9]{12}", "an account id: 12 digits, in quotes")], ...], Field(min_length=1)
    ] = ()
    units: Annotated[
        tuple[Annotated[str, matching(_UNIT, "the id of an organisational unit or a root")], ...], Field(min_length=1)
    ] = ()
    buckets: _Given = ()
    arns: Annotated[tuple[Annotated[str, matching(r"arn:.+", "an ARN")], ...], Field(min_length=1)] = ()
    tags: Annotated[tuple[Annotated[str, AfterValidator(_tag)], ...], Field(min_length=1)] = ()


class _Approved(_Table):
    public: _Allowances = ()
    authenticated: _Allowances = ()
    accounts: Annotated[
        dict[str, _Allowances],
        AfterValidator(lambda v: _who(v, _PRINCIPAL, "an account id, an IAM ARN or a canonical user id")),
    ] = {}
    organizations: Annotated[
        dict[str, _Allowances], AfterValidator(lambda v: _who(v, r"o-[a-z0-9]{10,32}", "the id of an organisation"))
    ] = {}
    facts: dict[str, str] = {}


class _Entry(_Table):
    id: Annotated[str, _ID]
    scope: _Scope
    rules: _Given
    owner: _Line
    reason: _Line
    ticket: _Line
    approved_at: Annotated[date, BeforeValidator(_date)]
    expires: Annotated[Any, BeforeValidator(_end)]
    until_resolved: bool = False
    approved: _Approved | None = None


class _File(_Table):
    exemption: tuple[_Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """What the files say. With `complaints` there are no exemptions; `warnings` are for people."""

    exemptions: tuple[Exemption, ...] = ()
    complaints: tuple[Complaint, ...] = ()
    warnings: tuple[Complaint, ...] = ()


@dataclass(frozen=True, slots=True)
class _Source:
    """One entry with where it stands."""

    entry: _Entry
    file: str
    text: str
    number: int

    def complaint(self, message: str, *path: str) -> Complaint:
        return _at(self.file, self.text, ("exemption", self.number, *path), message)


def read(options: Exempting, rules: Sequence[Rule], now: datetime) -> Written:
    """The exemptions of the directory of `options`, the presets that are not switched off behind them."""
    sources: list[_Source] = []
    complaints: list[Complaint] = []
    for file in _files(options, complaints):
        found, wrong = _parsed(file)
        sources += found
        complaints += wrong
    for source in sources:
        complaints += _wrong(source, options, rules, now)
    complaints += _doubled(sources)
    if complaints:
        return Written(complaints=tuple(complaints))
    own = tuple(_exemption(source, options) for source in sources)
    presets = tuple(preset for preset in PRESETS if preset.id not in options.presets_off)
    warnings = (w for source, each in zip(sources, own, strict=True) for w in _doubtful(source, each, options, now))
    return Written((*own, *presets), warnings=tuple(warnings))


def _files(options: Exempting, complaints: list[Complaint]) -> list[Path]:
    if options.directory is None:
        return []
    root = Path(options.directory)
    if not root.is_dir():
        complaints.append(Complaint(str(root), "", "is no directory; `exemptions.directory` must name one"))
        return []
    # What begins with a dot is none of ours: Kubernetes keeps the versions of a mounted directory there.
    found = sorted(
        path for path in root.rglob("*.toml") if not any(p.startswith(".") for p in path.relative_to(root).parts)
    )
    if len(found) > MAX_FILES:
        complaints.append(Complaint(str(root), "", f"has more than {MAX_FILES} files"))
        return []
    return found


def _parsed(file: Path) -> tuple[list[_Source], list[Complaint]]:
    try:
        if file.stat().st_size > MAX_BYTES:
            return [], [Complaint(str(file), "", f"is larger than {MAX_BYTES} bytes")]
        text = file.read_text(encoding="utf-8")
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return [], [Complaint(str(file), "", f"is not TOML: {error}")]
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        return [], [Complaint(str(file), "", f"cannot be read: {why}")]
    try:
        entries = _File.model_validate(tree).exemption
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        return [], [_at(str(file), text, _path(each), _message(each)) for each in details]
    return [_Source(entry, str(file), text, number) for number, entry in enumerate(entries)], []


def _at(file: str, text: str, path: KeyPath, message: str) -> Complaint:
    line = line_of(text, path)
    return Complaint(f"{file}:{line}" if line else file, key_text(path), message)


def _path(details: ErrorDetails) -> KeyPath:
    # A tuple's length is complained of at the tuple itself; `[key]` is how pydantic names a key of a table.
    return tuple(part for part in details["loc"] if part != "[key]")


def _message(details: ErrorDetails) -> str:
    match details["type"]:
        case "extra_forbidden":
            names = _siblings(details["loc"])
            near = difflib.get_close_matches(str(details["loc"][-1]), names, n=1, cutoff=0.6)
            return f"unknown field; did you mean `{near[0]}`?" if near else f"unknown field; known: {', '.join(names)}"
        case "missing":
            return "is required"
        case "tuple_type":
            return "must be a list"
        case "model_type" | "dict_type" | "model_attributes_type":
            return "must be a table"
        case "too_short":
            return "must not be empty"
    return details["msg"].removeprefix("Value error, ").replace("Input should be", "must be")


def _siblings(loc: KeyPath) -> list[str]:
    model: type[BaseModel] = _File
    for part in loc[:-1]:
        field = model.model_fields.get(str(part)) if isinstance(part, str) else None
        model = next(iter(members(field)), model) if field is not None else model
    return sorted(model.model_fields)


def _wrong(source: _Source, options: Exempting, rules: Sequence[Rule], now: datetime) -> Iterator[Complaint]:
    entry = source.entry
    if entry.id.startswith("preset-"):
        yield source.complaint("must not begin with `preset-`, as those that are built in do", "id")
    if not entry.scope.model_fields_set:
        yield source.complaint('must name something; `buckets = ["*"]` is every bucket', "scope")
    known = {*Category, *(rule.info.id for rule in rules)}
    for pattern in entry.rules:
        if pattern not in known and not ("*" in pattern and any(_means(pattern, rule) for rule in rules)):
            near = difflib.get_close_matches(pattern, [str(each) for each in known], n=1, cutoff=0.7)
            meant = f"; did you mean {near[0]}?" if near else ""
            yield source.complaint(f"no rule or category is called {pattern!r}{meant}", "rules")
    yield from _unbound(source, rules)
    yield from _too_long(source, options, now)


def _means(pattern: str, rule: Rule) -> bool:
    return is_for(_probe((pattern,)), rule)


def _probe(patterns: tuple[str, ...]) -> Exemption:
    return Exemption("", "", Scope(), patterns, "", "")


def _unbound(source: _Source, rules: Sequence[Rule]) -> Iterator[Complaint]:
    entry = source.entry
    bound = [rule.info.id for rule in rules if is_bound(rule.info) and is_for(_probe(entry.rules), rule)]
    given = _approved(entry.approved)
    if bound and (given is None or not (given.grants_access or given.facts)):
        told = ", ".join(bound[:3]) + (f" and {len(bound) - 3} more" if len(bound) > 3 else "")
        yield source.complaint(f"must say who may do what, since it exempts from {told}", "approved")
    if entry.approved is not None and not bound:
        yield source.complaint("has no effect: none of its rules is about who gets in from outside", "approved")


def _too_long(source: _Source, options: Exempting, now: datetime) -> Iterator[Complaint]:
    entry = source.entry
    local = zone(options.time_zone)
    last = entry.expires.astimezone(local).date() if isinstance(entry.expires, datetime) else entry.expires
    longest = timedelta(seconds=options.max_length)
    if last < entry.approved_at:
        yield source.complaint("is before `approved_at`", "expires")
    elif last - entry.approved_at > longest:
        yield source.complaint(
            f"is {(last - entry.approved_at).days} days after `approved_at`; at most {longest.days} are allowed, "
            f"that is {entry.approved_at + longest}",
            "expires",
        )
    # A day of grace: those who write it may live further east.
    if entry.approved_at > now.astimezone(local).date() + _DAY:
        yield source.complaint("lies in the future", "approved_at")


def _doubled(sources: Iterable[_Source]) -> Iterator[Complaint]:
    by_id: defaultdict[str, list[_Source]] = defaultdict(list)
    for source in sources:
        by_id[source.entry.id].append(source)
    for same in by_id.values():
        for source in same[1:]:
            first = same[0].complaint("", "id").place
            yield source.complaint(f"{source.entry.id!r} is also the id of the exemption at {first}", "id")


def _doubtful(source: _Source, exemption: Exemption, options: Exempting, now: datetime) -> Iterator[Complaint]:
    ends_at = exemption.ends_at
    if ends_at is None:
        return
    if ends_at <= now:
        yield source.complaint(f"{exemption.id} has ended and has no effect: remove it, or have it approved anew", "id")
        return
    last = (ends_at - timedelta(microseconds=1)).astimezone(zone(options.time_zone))
    following = ends_at.astimezone(zone(options.time_zone))
    if following.weekday() not in options.weekdays:
        yield source.complaint(
            f"{exemption.id} ends on {last:%A}, {last:%Y-%m-%d}, and what it holds back then pages on a day off",
            "expires",
        )


def _exemption(source: _Source, options: Exempting) -> Exemption:
    entry = source.entry
    scope = {name: getattr(entry.scope, name) for name in entry.scope.model_fields_set}
    return Exemption(
        id=entry.id,
        place=source.complaint("").place,
        scope=Scope(**scope),
        rules=entry.rules,
        owner=entry.owner,
        reason=entry.reason,
        ticket=entry.ticket,
        ends_at=_ends_at(entry.expires, options),
        until_resolved=entry.until_resolved,
        approved=_approved(entry.approved),
    )


def _ends_at(expires: date | datetime, options: Exempting) -> datetime:
    """The first moment after: a date holds to its end."""
    if isinstance(expires, datetime):
        return expires.astimezone(UTC)
    return datetime.combine(expires + _DAY, time.min, tzinfo=zone(options.time_zone)).astimezone(UTC)


def _approved(given: _Approved | None) -> Approved | None:
    if given is None:
        return None
    return Approved(
        public=given.public,
        authenticated=given.authenticated,
        accounts=tuple(sorted(given.accounts.items())),
        organizations=tuple(sorted(given.organizations.items())),
        facts=tuple(sorted(given.facts.items())),
    )
