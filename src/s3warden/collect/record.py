"""What all CloudTrail records have in common, whichever service they are of: who, when, and whether the call worked.

Takes a record, hands on values that can be trusted. It decides nothing about what the call changed.
"""

import re
from collections.abc import Mapping

from s3warden.collect.envelope import Envelope
from s3warden.collect.fields import clean, is_false, is_true, mapping, moment
from s3warden.collect.identity import actor
from s3warden.collect.reasons import RefreshReason
from s3warden.collect.triggers import READ_VERBS, UNKNOWN_OUTCOMES
from s3warden.model.event import Trigger

API_CALLS = frozenset(
    {"AWS API Call via CloudTrail", "AWS Service Event via CloudTrail", "AWS Console Action via CloudTrail"}
)
"""The detail-types under which EventBridge hands CloudTrail records on."""

_NAME_LIMIT = 128
# Some services write the date of their API behind the name: UpdateDistribution2020_05_31, DeleteFunction20150331.
_API_DATE = re.compile(r"(?<=[a-z])(?:20\d{2}_\d{2}_\d{2}|20\d{6})(?:v\d+)?$")


def call_name(record: Mapping[str, object]) -> str:
    """What was called, without the date of the API that some services add; empty where the record does not say."""
    return _API_DATE.sub("", clean(record.get("eventName"), _NAME_LIMIT))


def trigger_of(event: Envelope, record: Mapping[str, object], name: str) -> Trigger:
    """The trigger called `name`, with what the record tells of it."""
    # Caller and owner get a record each, with two eventIDs and one sharedEventID.
    shared = clean(record.get("sharedEventID"), _NAME_LIMIT)
    return event.trigger(
        name,
        event_id=shared or clean(record.get("eventID"), _NAME_LIMIT),
        event_time=moment(record.get("eventTime")),
        actor=actor(record),
    )


def service_of(event: Envelope, record: Mapping[str, object]) -> str:
    """The service whose call it is, as CloudTrail names it before the first dot: `s3`, `macie2`, `organizations`.

    The domain behind the dot differs by partition. The envelope is the last resort: its source may be another name.
    """
    source = record.get("eventSource")
    return source.partition(".")[0] if isinstance(source, str) else event.source.removeprefix("aws.")


def only_reads(record: Mapping[str, object], name: str) -> bool:
    """Whether the call changes nothing, by its name or by what CloudTrail says of it."""
    return name.startswith(READ_VERBS) or is_true(record.get("readOnly"))


def is_data_event(record: Mapping[str, object]) -> bool:
    """Whether the record is of a call on data, not on configuration."""
    return record.get("eventCategory") == "Data" or is_false(record.get("managementEvent"))


def has_failed(record: Mapping[str, object]) -> bool:
    """Whether the call surely had no effect."""
    code = record.get("errorCode")
    return bool(code) and not (isinstance(code, str) and code in UNKNOWN_OUTCOMES)


def reason_for(record: Mapping[str, object], *, known: bool) -> RefreshReason:
    """Why to look again after a call that may have worked; `known` whether it is in one of our tables."""
    if record.get("errorCode"):
        return RefreshReason.OUTCOME_UNKNOWN
    return RefreshReason.CHANGE if known else RefreshReason.UNKNOWN_CALL


def parameters(record: Mapping[str, object]) -> Mapping[str, object]:
    """What was asked for; empty where the record does not say."""
    return mapping(record.get("requestParameters"))


def answer(record: Mapping[str, object]) -> Mapping[str, object]:
    """What the service answered; empty where the record does not say."""
    return mapping(record.get("responseElements"))
