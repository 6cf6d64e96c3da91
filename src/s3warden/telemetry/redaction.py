"""What must not get into the log: by the name of the field, by the look of the value, and by heart.

Pure but for the list of secrets that the resolver hands in. It would rather blot out too much than too little.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

MASK = "***"
LENGTH_LIMIT = 8000
_DEPTH_LIMIT = 8
# Shorter texts are too likely to be part of something else; blotting out every `a` helps nobody.
_LEAST = 6

_NAMES = re.compile(
    r"(?i)(^|[_.-])(password|passwd|passphrase|secrets?|secret_?key|secret_?access_?key|session_?token|security_?token"
    r"|token|api_?key|access_?key|routing_key|authorization|credentials?|signature|signing_?(key|secret)|webhook_?url"
    r"|external_?id|cookie|set-cookie)$"
)
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    # The path of an incoming webhook is its password.
    (re.compile(r"(https?://(?:hooks\.slack(?:-gov)?\.com|[\w.-]*webhook\.office\.com))/[^\s\"'<>]+"), rf"\1/{MASK}"),
    (re.compile(r"(https?://(?:discord(?:app)?\.com)/api/webhooks)/[^\s\"'<>]+"), rf"\1/{MASK}"),
    # Presigned queries of AWS, and tokens in any query.
    (
        re.compile(
            r"(?i)([?&;](?:x-amz-(?:signature|credential|security-token)|awsaccesskeyid|signature|access_token|token"
            r"|api_?key|key|secret|password|sig)=)[^&\s\"'<>;]+"
        ),
        rf"\1{MASK}",
    ),
    (re.compile(r"(?i)\b(bearer|aws4-hmac-sha256)(\s+)[a-z0-9+/=._~:,-]{8,}[^\n\"']*"), rf"\1\2{MASK}"),
    # Words of prose follow `basic` and `AWS` too; what is secret has a digit or a sign of base64, or a colon, in it.
    (re.compile(r"(?i)\b(basic)(\s+)(?=[a-z+/]{0,64}[0-9=])[a-z0-9+/=]{8,}[^\n\"']*"), rf"\1\2{MASK}"),
    (re.compile(r"\b(AWS)(\s+)[A-Z0-9]{16,128}:[^\n\"']*"), rf"\1\2{MASK}"),
    # user:password in any URL, the database's above all.
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]{0,30}://[^\s/:@]*):[^\s/@]+@"), rf"\1:{MASK}@"),
    # Ids of access keys, their session tokens, Slack's own tokens.
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), MASK),
    (re.compile(r"\b(?:IQoJb3JpZ2lu|FwoGZXIvYXdz|FQoGZXIvYXdz)[A-Za-z0-9+/=%]{20,}"), MASK),
    (re.compile(r"\bxox[abeoprs]-[A-Za-z0-9-]{8,}"), MASK),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), MASK),
    (
        re.compile(
            r"(?i)((?:secret_?access_?key|session_?token|password|signature)[\"']?\s*[=:]\s*[\"']?)[^\s\"',&}]+"
        ),
        rf"\1{MASK}",
    ),
)
# Control characters, and those that turn the direction of text, would let a bucket's tag forge lines of the log.
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


class Redaction:
    """Blots secrets out of log values. `learn` adds a text that must never be seen."""

    def __init__(self) -> None:
        self._texts: set[str] = set()
        self._known: re.Pattern[str] | None = None

    def learn(self, text: str) -> None:
        """Never show `text` again, plain or percent-encoded. Texts of fewer than six characters are left alone."""
        forms = {form for form in (text, quote(text, safe=""), quote(text)) if len(form) >= _LEAST}
        if not forms <= self._texts:
            self._texts |= forms
            # The longest first, or the tail of a long secret would stay behind the short one it begins with.
            longest = sorted(self._texts, key=len, reverse=True)
            self._known = re.compile("|".join(map(re.escape, longest)))

    def text(self, value: str) -> str:
        """`value` without secrets and control characters, at most `LENGTH_LIMIT` long."""
        if self._known is not None:
            value = self._known.sub(MASK, value)
        if len(value) > LENGTH_LIMIT:
            value = value[:LENGTH_LIMIT] + "…"
        for pattern, replacement in _PATTERNS:
            value = pattern.sub(replacement, value)
        return _CONTROL.sub(_escaped, value)

    def value(self, value: Any, depth: int = 0) -> Any:
        """A value of any kind as plain data without secrets: numbers stay, all else becomes text, lists and tables."""
        if value is None or isinstance(value, bool | int | float):
            return value
        if depth >= _DEPTH_LIMIT:
            return "…"
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.field(str(key), item, depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(item, depth + 1) for item in value]
        return self.text(value if type(value) is str else str(value))

    def field(self, name: str, value: Any, depth: int = 0) -> Any:
        """The value of a field called `name`, which may tell by itself that nobody is to see it."""
        return MASK if value is not None and _NAMES.search(name) else self.value(value, depth)


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape", "surrogatepass").decode("ascii")
