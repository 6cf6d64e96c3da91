"""What must not be seen in a log line, error text, metric or dump: secret texts, and references to where they are."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

_MASK = "***"


@dataclass(frozen=True, slots=True)
class Secret:
    """Holds a secret text; `repr` and `str` hide it, only `reveal` gives it out."""

    _text: str = field(repr=False)

    def reveal(self) -> str:
        """The secret itself: for the wire only, never for people."""
        return self._text

    def __str__(self) -> str:
        return "Secret(***)"


class SecretPlace(StrEnum):
    """Where a secret is kept. LITERAL: in the settings themselves, which is not advised."""

    ENV = "env"
    FILE = "file"
    SECRETS_MANAGER = "secretsmanager"
    PARAMETER_STORE = "ssm"
    LITERAL = "literal"


@dataclass(frozen=True, slots=True)
class SecretRef:
    """Where to find a secret: `target` in `place`. `key` picks one field of a JSON document in Secrets Manager.

    For a literal, `target` is the secret itself. `repr` and `str` give `shown`, which never holds a secret.
    """

    place: SecretPlace
    target: str = field(repr=False)
    key: str = field(default="", repr=False)
    shown: str = _MASK

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `env:NAME`, `file:/path`, `secretsmanager:<ARN or name>[#key]` or `ssm:<name>`; else a literal."""
        scheme, colon, target = text.partition(":")
        if not colon or scheme not in _SCHEMES:
            return cls(SecretPlace.LITERAL, text)
        place = SecretPlace(scheme)
        key = ""
        if place is SecretPlace.SECRETS_MANAGER:
            target, _, key = target.partition("#")
        return cls(place, target, key, text)

    @property
    def secret(self) -> bool:
        """Whether the reference itself holds something to hide."""
        return self.place is SecretPlace.LITERAL and self.shown != self.target

    def __str__(self) -> str:
        return self.shown


_SCHEMES = frozenset(place.value for place in SecretPlace) - {SecretPlace.LITERAL.value}
