"""Secrets by reference: from the environment, a file, Secrets Manager or the Parameter Store.

Takes references, hands on secrets that hide themselves. What was read is believed for five minutes, and longer while
its place does not answer: a throttled Secrets Manager must not silence an alert. No error carries a secret.
"""

import asyncio
import json
import os
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import structlog

from s3warden.aws.errors import AwsError, translated
from s3warden.model.secret import Secret, SecretPlace, SecretRef

log = structlog.get_logger("s3warden.secrets")

TTL = 300.0
_FILE_LIMIT = 65_536


class SecretError(Exception):
    """A secret cannot be had. The text names the reference and the reason, never what was found."""

    def __init__(self, ref: SecretRef, reason: str) -> None:
        self.ref = ref
        self.reason = reason
        super().__init__(f"{ref.shown}: {reason}")


class Clients(Protocol):
    """What is needed of `session.Sessions`."""

    async def client(self, service: str, *, region: str | None = None, account: str | None = None) -> Any:
        """The SDK's client."""


@dataclass(frozen=True, slots=True)
class _Known:
    secret: Secret
    until: float


class SecretResolver:
    """Reads secrets as the own identity. `seen` is told every secret text, so that the log can blot it out."""

    def __init__(
        self,
        clients: Clients,
        *,
        seen: Callable[[str], None] = lambda _text: None,
        environ: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
        ttl: float = TTL,
    ) -> None:
        self._clients = clients
        self._seen = seen
        self._environ = os.environ if environ is None else environ
        self._clock = clock
        self._ttl = ttl
        self._known: dict[SecretRef, _Known] = {}
        self._locks: defaultdict[SecretRef, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def resolve(self, ref: SecretRef) -> Secret:
        """The secret that `ref` names, at most `ttl` seconds old while its place answers. Raises SecretError."""
        async with self._locks[ref]:
            known = self._known.get(ref)
            if known is not None and self._clock() < known.until:
                return known.secret
            try:
                secret = await self._read(ref)
            except SecretError as error:
                if known is None:
                    raise
                log.warning("secret_not_renewed", reference=ref.shown, reason=error.reason)
                secret = known.secret
            self._known[ref] = _Known(secret, self._clock() + self._ttl)
            return secret

    async def _read(self, ref: SecretRef) -> Secret:
        text = await self._text(ref)
        if not text:
            raise SecretError(ref, "is not set or empty")
        self._seen(text)
        return Secret(text)

    async def _text(self, ref: SecretRef) -> str:
        match ref.place:
            case SecretPlace.LITERAL:
                return ref.target
            case SecretPlace.ENV:
                return self._environ.get(ref.target, "")
            case SecretPlace.FILE:
                return await asyncio.to_thread(_file, ref)
            case SecretPlace.SECRETS_MANAGER:
                return _field(ref, await self._secrets_manager(ref))
            case SecretPlace.PARAMETER_STORE:
                return await self._parameter(ref)

    async def _secrets_manager(self, ref: SecretRef) -> str:
        answer = await self._ask(ref, "secretsmanager", "get_secret_value", SecretId=ref.target)
        text = answer.get("SecretString")
        if not isinstance(text, str):
            raise SecretError(ref, "holds binary data, not text")
        return text

    async def _parameter(self, ref: SecretRef) -> str:
        answer = await self._ask(ref, "ssm", "get_parameter", Name=ref.target, WithDecryption=True)
        return str((answer.get("Parameter") or {}).get("Value") or "")

    async def _ask(self, ref: SecretRef, service: str, operation: str, **params: object) -> Mapping[str, Any]:
        try:
            client = await self._clients.client(service, region=_region(ref.target))
            with translated(operation):
                answer: Mapping[str, Any] = await getattr(client, operation)(**params)
        except AwsError as error:
            raise SecretError(ref, f"{error.code}: {error.message}") from error
        return answer


def _file(ref: SecretRef) -> str:
    """The text of a file without the line break at its end, which editors and `echo` add."""
    try:
        with Path(ref.target).open("rb") as file:
            data = file.read(_FILE_LIMIT + 1)
    except OSError as error:
        raise SecretError(ref, error.strerror or type(error).__name__) from error
    if len(data) > _FILE_LIMIT:
        raise SecretError(ref, "is too large for a secret")
    try:
        return data.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise SecretError(ref, "is not UTF-8 text") from None


def _field(ref: SecretRef, text: str) -> str:
    """`text`, or where the reference names a key, that field of the JSON object in it."""
    if not ref.key:
        return text
    try:
        document = json.loads(text)
    except ValueError:
        raise SecretError(ref, "is not JSON, so it has no keys") from None
    value = document.get(ref.key) if isinstance(document, dict) else None
    if not isinstance(value, str):
        raise SecretError(ref, "has no text under this key")
    return value


def _region(target: str) -> str | None:
    """The region that an ARN names; None for a plain name, which is looked up at home."""
    parts = target.split(":", 5)
    return parts[3] or None if len(parts) == 6 and parts[0] == "arn" else None
