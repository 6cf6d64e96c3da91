"""A value that must not be seen: in no log line, error text, metric or dump."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Secret:
    """Holds a secret text; `repr` and `str` hide it, only `reveal` gives it out."""

    _text: str = field(repr=False)

    def reveal(self) -> str:
        """The secret itself: for the wire only, never for people."""
        return self._text

    def __str__(self) -> str:
        return "Secret(***)"
