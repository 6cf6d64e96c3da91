"""Takes the body of a queue message and hands on the EventBridge envelopes in it, or says why there are none.

Knows the wrappings (SNS, CloudTrail log files, S3 notifications) and nothing of what an event means. It never raises
and never follows a URL that a message names.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from s3warden.collect.fields import account_id, clean, mapping, moment, region_name
from s3warden.collect.reasons import PoisonReason, SkipReason
from s3warden.model.event import Actor, Poison, Skip, Trigger

MAX_BODY = 1_100_000
"""Characters. SQS and EventBridge take 1 MiB; the slack is for a body that grew a little on its way."""

API_CALL = "AWS API Call via CloudTrail"

_EXCERPT = 200
_NAME_LIMIT = 128
_Json: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Envelope:
    """One EventBridge event. What the sender left out is empty or None; `detail` is None unless it is an object."""

    source: str
    detail_type: str
    id: str
    account: str | None
    region: str | None
    time: datetime | None
    detail: _Json | None
    replay: bool = False

    def trigger(
        self, name: str, *, event_id: str = "", event_time: datetime | None = None, actor: Actor | None = None
    ) -> Trigger:
        """A trigger called `name`; what the event's detail does not know better comes from the envelope."""
        return Trigger(
            name=name,
            source=self.source,
            event_id=event_id or self.id,
            event_time=event_time or self.time,
            actor=actor,
            replay=self.replay,
        )


def open_body(body: str) -> tuple[Envelope, ...] | Skip | Poison:
    """The envelopes in a message body: one, but for a CloudTrail log file sent whole."""
    message = _object(body)
    if isinstance(message, Poison):
        return message
    if message.get("Type") == "Notification" and "Message" in message:
        inner = message["Message"]
        message = _object(inner) if isinstance(inner, str) else mapping(inner)
        if isinstance(message, Poison):
            return message
    wrapping = _wrapping(message)
    if wrapping is not None:
        return Skip(wrapping, "wrapping")
    if isinstance(message.get("Records"), list):
        return _records(message["Records"])
    event = _envelope(message, body)
    return event if isinstance(event, Poison) else (event,)


def _object(text: str) -> _Json | Poison:
    if len(text) > MAX_BODY:
        return Poison(PoisonReason.TOO_LARGE, f"{len(text)} characters")
    text = text.lstrip("\ufeff")
    if not text or text.isspace():
        return Poison(PoisonReason.EMPTY)
    try:
        value = json.loads(text)
    except RecursionError:
        return Poison(PoisonReason.TOO_DEEP, clean(text, _EXCERPT))
    except ValueError:  # more than JSONDecodeError: integers of more than 4,300 digits
        return Poison(PoisonReason.NOT_JSON, clean(text, _EXCERPT))
    if not isinstance(value, dict):
        return Poison(PoisonReason.NOT_AN_OBJECT, clean(text, _EXCERPT))
    return value


def _wrapping(message: _Json) -> SkipReason | None:
    if message.get("Type") in ("SubscriptionConfirmation", "UnsubscribeConfirmation"):
        return SkipReason.SUBSCRIPTION
    if message.get("Event") == "s3:TestEvent":
        return SkipReason.TEST_EVENT
    if "s3Bucket" in message and "s3ObjectKey" in message:
        return SkipReason.LOG_FILE_NOTICE
    records = message.get("Records")
    if not isinstance(records, list):
        return None
    if not records:
        return SkipReason.NO_RECORDS
    return SkipReason.S3_NOTIFICATION if mapping(records[0]).get("eventSource") == "aws:s3" else None


def _records(records: object) -> tuple[Envelope, ...] | Poison:
    found = tuple(_bare(mapping(item)) for item in (records if isinstance(records, list) else ()) if _is_record(item))
    return found or Poison(PoisonReason.NOT_AN_EVENT, "Records without a CloudTrail record")


def _envelope(message: _Json, body: str) -> Envelope | Poison:
    if _is_record(message):
        return _bare(message)
    source = clean(message.get("source"), _NAME_LIMIT)
    detail_type = clean(message.get("detail-type"), _NAME_LIMIT)
    detail = _detail(message.get("detail"))
    if not detail_type and _is_record(detail):
        detail_type = API_CALL
    if not source or not detail_type:
        return Poison(PoisonReason.NOT_AN_EVENT, clean(body, _EXCERPT))
    return Envelope(
        source=source,
        detail_type=detail_type,
        id=clean(message.get("id"), _NAME_LIMIT) or _digest(body),
        account=account_id(message.get("account")),
        region=region_name(message.get("region")),
        time=moment(message.get("time")),
        detail=detail,
        replay=bool(message.get("replay-name")),
    )


def _bare(record: _Json) -> Envelope:
    """The envelope around a CloudTrail record that came without: a rule's input path can strip it.

    Without an envelope there is no `source` to tell AWS from a look-alike. That is bearable, since a refresh only ever
    looks, and only at accounts that are guarded.
    """
    service, _, domain = str(record["eventSource"]).partition(".")
    return Envelope(
        source=clean(f"aws.{service}" if domain.startswith("amazonaws.") else record["eventSource"], _NAME_LIMIT),
        detail_type=API_CALL,
        id=_digest(f"{record.get('eventTime')} {record.get('requestID')} {record['eventName']}"),
        account=None,
        region=None,
        time=None,
        detail=record,
    )


def _is_record(value: object) -> bool:
    return (
        isinstance(value, dict)
        and "detail" not in value
        and isinstance(value.get("eventSource"), str)
        and isinstance(value.get("eventName"), str)
    )


def _detail(value: object) -> _Json | None:
    if isinstance(value, str):
        inner = _object(value)
        return None if isinstance(inner, Poison) else inner
    return value if isinstance(value, dict) else None


def _digest(text: str) -> str:
    # Only for messages without any id of their own: two of them must not pass for the same event.
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).hexdigest()
