"""The kinds of values that settings hold: durations, accounts, queue addresses, references to secrets.

Takes what a TOML file or an environment variable gives, hands on checked values. No message says what the refused
value was: it may have been a secret in the wrong place.
"""

import difflib
import json
import re
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, PlainValidator, StringConstraints

from s3warden.detect.own.rule import PREFIX
from s3warden.detect.rules import RULES
from s3warden.detect.selection import select
from s3warden.model.secret import SecretPlace, SecretRef

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")
_DURATION = re.compile(rf"(?:{_PART.pattern})+")


class Duration(float):
    """Seconds, written with units: `500ms`, `30s`, `5m`, `6h`, `1d`, or several together as in `1h30m`."""

    __slots__ = ()

    @classmethod
    def parse(cls, value: object) -> Self:
        """Read a duration; ValueError for anything without a unit, since nobody can tell what `30` means."""
        if isinstance(value, cls):
            return value
        text = value.strip() if isinstance(value, str) else ""
        if not _DURATION.fullmatch(text):
            raise ValueError("must be a duration with a unit, such as 30s, 5m, 6h or 1d")
        return cls(sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text)))

    def __str__(self) -> str:
        rest = round(self * 1000)
        parts = []
        for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
            count, rest = divmod(rest, size)
            if count:
                parts.append(f"{count}{unit}")
        return "".join(parts) or "0s"

    __repr__ = __str__


def between(low: str, high: str) -> AfterValidator:
    """The bounds of a duration, both included."""
    least, most = Duration.parse(low), Duration.parse(high)

    def check(value: Duration) -> Duration:
        if not least <= value <= most:
            raise ValueError(f"must be between {least} and {most}")
        return value

    return AfterValidator(check)


def matching(pattern: str, meaning: str) -> AfterValidator:
    """A text that matches `pattern` as a whole; `meaning` tells the user what that is."""
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(f"must be {meaning}")
        return value

    return AfterValidator(check)


def _not_a_number(value: object) -> object:
    if isinstance(value, int):
        # pydantic makes a complaint of a ValueError only.
        raise ValueError("must be written as text, in quotes: a number loses its leading zeros")  # noqa: TRY004
    return value


def split(value: object) -> object:
    """One bare text, or several with commas between them, as environment variables give lists."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _one_or_many(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _http_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise ValueError("must be a URL that begins with http:// or https://")
    return value


AccountId = Annotated[str, BeforeValidator(_not_a_number), matching(r"[0-9]{12}", "an account id: 12 digits")]
AccountOrUnit = Annotated[
    str,
    BeforeValidator(_not_a_number),
    matching(r"[0-9]{12}|ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}|r-[0-9a-z]{4,32}", "an account id, an OU id or a root id"),
]
Region = Annotated[str, matching(r"[a-z]{2,}(-[a-z]+)+-[0-9]+", "a region name such as eu-west-1")]
Name = Annotated[
    str, matching(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", "a name: letters, digits, `_`, `.`, `-`; at most 63")
]
TopicArn = Annotated[
    str, matching(r"arn:[a-z0-9-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?", "the ARN of an SNS topic")
]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
Text = Annotated[str, StringConstraints(min_length=1)]

Accounts = Annotated[tuple[AccountId, ...], BeforeValidator(split)]
AccountsOrUnits = Annotated[tuple[AccountOrUnit, ...], BeforeValidator(split)]
Regions = Annotated[tuple[Region, ...], BeforeValidator(split)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(split)]


def _names_a_rule(value: str) -> str:
    # Own rules are known only once all settings are.
    if not value.startswith(PREFIX):
        select(RULES, (value,))
    return value


RulePatterns = Annotated[tuple[Annotated[str, AfterValidator(_names_a_rule)], ...], BeforeValidator(split)]
Port = Annotated[int, Field(ge=0, le=65535)]


def _regular_expression(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"must be a regular expression: {error.msg}") from None
    return value


Pattern = Annotated[str, AfterValidator(_regular_expression)]


def _object(value: str) -> dict[str, object]:
    try:
        found = json.loads(value)
    except ValueError as error:
        raise ValueError(f"must be JSON: {error}") from None
    if not isinstance(found, dict):
        raise ValueError("must be a JSON object")  # noqa: TRY004 - pydantic makes a complaint of a ValueError only
    return found


_STATEMENT = frozenset(
    {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
)


def _part(value: str) -> str:
    strange = sorted(_object(value).keys() - _STATEMENT)
    if strange or not _object(value):
        raise ValueError(f"must be elements of a policy statement{f', not {strange[0]!r}' if strange else ''}")
    return value


def _policy(value: str) -> str:
    if not isinstance(_object(value).get("Statement"), list):
        raise ValueError("must be a policy: a JSON object with a list called Statement")  # noqa: TRY004 - see above
    return value


PolicyText = Annotated[str, AfterValidator(_policy)]
StatementParts = Annotated[tuple[Annotated[str, AfterValidator(_part)], ...], BeforeValidator(_one_or_many)]


def _near(scheme: str) -> str | None:
    places = [place.value for place in SecretPlace if place is not SecretPlace.LITERAL]
    return next(iter(difflib.get_close_matches(scheme, places, n=1, cutoff=0.6)), None)


def _secret(value: object) -> SecretRef:
    if isinstance(value, SecretRef):
        return value
    if not isinstance(value, str) or not value:
        raise ValueError("must be a text: a secret, or better a reference to one such as env:NAME or file:/path")
    ref = SecretRef.parse(value)
    scheme, colon, rest = value.partition(":")
    near = _near(scheme)
    if ref.place is SecretPlace.LITERAL and colon and near and not rest.startswith("//"):
        raise ValueError(f"looks like a reference to a secret, misspelt: did you mean `{near}:`?")
    if not ref.target:
        raise ValueError("is a reference to a secret that names nothing")
    return ref


def store_url(value: object) -> SecretRef:
    """A database URL or a reference to one. Shown with its password masked."""
    ref = _secret(value)
    if ref.place is not SecretPlace.LITERAL or ref.shown == ref.target:
        return ref
    scheme, separator, _ = ref.target.partition("://")
    if not separator or scheme.partition("+")[0] not in {"sqlite", "postgresql", "postgres"}:
        raise ValueError("must be a database URL that begins with sqlite:// or postgresql://, or a reference to one")
    shown = re.sub(r"(://[^:@]*:).*@", r"\1***@", ref.target)
    shown = re.sub(r"(?i)([?&](?:password|passwd|pass)=)[^&]*", r"\1***", shown)
    return SecretRef(ref.place, ref.target, shown=shown)


SecretSetting = Annotated[SecretRef, PlainValidator(_secret), PlainSerializer(str)]
StoreUrl = Annotated[SecretRef, PlainValidator(store_url), PlainSerializer(str)]
Span = Annotated[Duration, PlainValidator(Duration.parse), PlainSerializer(str)]
