"""Findings and messages as JSON texts, and back.

A text of an older version still reads as long as new fields of the model have defaults. Any text of the model goes in:
NUL is escaped by JSON itself; half a surrogate pair, which no database takes, is spelt out as `\\ud800` (in a key
of details, which are our own words, it may become U+FFFD).
"""

import hashlib
import re
from dataclasses import replace
from typing import Final, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, to_json

from s3warden.model.action import RemediationPlan
from s3warden.model.alert import Notification
from s3warden.model.finding import Finding
from s3warden.model.incident import Incident
from s3warden.model.remediation import Remediation, Request

T = TypeVar("T")

_FINDING: Final = TypeAdapter(Finding)
_INCIDENT: Final = TypeAdapter(Incident)
_NOTIFICATION: Final = TypeAdapter(Notification)
_PLAN: Final = TypeAdapter(RemediationPlan)
_REMEDIATION: Final = TypeAdapter(Remediation)
_REQUEST: Final = TypeAdapter(Request)

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")


class UndecodableError(ValueError):
    """The text in the store is not what it should be."""


def storable(text: str) -> str:
    """The text for a column of its own: what no database takes is spelt out, NUL as `\\u0000`."""
    return _UNSTORABLE.sub(_spelt, text)


def encode_finding(finding: Finding) -> str:
    """A finding as JSON."""
    return _encode(_FINDING, finding)


def decode_finding(text: str) -> Finding:
    """The finding again. Raises UndecodableError."""
    return _decode(_FINDING, text)


def encode_notification(notification: Notification) -> str:
    """A message as JSON."""
    return _encode(_NOTIFICATION, notification)


def decode_notification(text: str) -> Notification:
    """The message again. Raises UndecodableError."""
    return _decode(_NOTIFICATION, text)


def encode_incident(incident: Incident) -> str:
    """The record of an incident as JSON."""
    return _encode(_INCIDENT, incident)


def decode_incident(text: str) -> Incident:
    """The record again. Raises UndecodableError."""
    return _decode(_INCIDENT, text)


def encode_remediation(remediation: Remediation) -> str:
    """An entry of the journal as JSON, without its plan."""
    return _encode(_REMEDIATION, replace(remediation, plan=None))


def encode_plan(plan: RemediationPlan) -> str:
    """A plan as JSON."""
    return _encode(_PLAN, plan)


def checksum(text: str) -> str:
    """SHA-256 of an encoded plan."""
    return hashlib.sha256(text.encode()).hexdigest()


def decode_remediation(body: str, plan: str | None, check: str | None) -> Remediation:
    """The entry again, with its plan. Raises UndecodableError, also where the plan is not the one that was written."""
    entry = _decode(_REMEDIATION, body)
    if plan is None:
        return entry
    if checksum(plan) != check:
        raise UndecodableError("the plan was changed after it was written: its checksum does not agree")
    return replace(entry, plan=_decode(_PLAN, plan))


def encode_request(request: Request) -> str:
    """A request as JSON."""
    return _encode(_REQUEST, request)


def decode_request(text: str) -> Request:
    """The request again. Raises UndecodableError."""
    return _decode(_REQUEST, text)


def _encode(adapter: TypeAdapter[T], value: T) -> str:
    try:
        return adapter.dump_json(value).decode()
    except PydanticSerializationError:
        return to_json(_without_surrogates(adapter.dump_python(value))).decode()


def _decode(adapter: TypeAdapter[T], text: str) -> T:
    try:
        return adapter.validate_json(text)
    except ValidationError as error:
        raise UndecodableError(f"{error.error_count()} errors, the first: {error.errors()[0]['msg']}") from None


def _without_surrogates(value: object) -> object:
    match value:
        case str():
            return _SURROGATE.sub(_spelt, value)
        case dict():
            return {_without_surrogates(key): _without_surrogates(each) for key, each in value.items()}
        case list() | tuple():
            return [_without_surrogates(each) for each in value]
        case _:
            return value


def _spelt(match: re.Match[str]) -> str:
    return f"\\u{ord(match.group()):04x}"
