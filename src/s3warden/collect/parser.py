"""Takes the body of a queue message and hands on what it asks for: a refresh, nothing, or that nobody can read it.

It never raises, whatever the text, and does no I/O. Adding a source means one module in `parsers` and its lines in
`PARSERS`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TypeAlias

from s3warden.collect.envelope import Envelope, open_body
from s3warden.collect.parsers import (
    access_analyzer,
    cloudtrail,
    config_item,
    guardduty,
    macie,
    s3_native,
    security_hub,
    service_call,
)
from s3warden.collect.reasons import PoisonReason, SkipReason
from s3warden.collect.record import API_CALLS
from s3warden.collect.targets import unique
from s3warden.model.event import Parsed, Poison, Refresh, Skip

Parse: TypeAlias = Callable[[Envelope], Parsed]

PARSERS: Mapping[tuple[str, str], Parse] = MappingProxyType(
    {
        **{("aws.s3", name): cloudtrail.parse for name in API_CALLS},
        **{("aws.s3", name): s3_native.parse for name in s3_native.DETAIL_TYPES},
        ("aws.config", config_item.DETAIL_TYPE): config_item.parse,
        ("aws.access-analyzer", access_analyzer.DETAIL_TYPE): access_analyzer.parse,
        ("aws.macie", macie.DETAIL_TYPE): macie.parse,
        ("aws.guardduty", guardduty.DETAIL_TYPE): guardduty.parse,
        **{("aws.securityhub", name): security_hub.parse for name in security_hub.DETAIL_TYPES},
    }
)
"""Who reads what, by source and detail-type. CloudTrail's records of other services than S3 go by the record alone."""


def parse(body: str) -> Parsed:
    """What the message with this `body` asks for. Every text gives an answer."""
    opened = open_body(body)
    if isinstance(opened, Skip | Poison):
        return opened
    if len(opened) == 1:
        return _dispatch(opened[0])
    return _together([_dispatch(event) for event in opened])


def _dispatch(event: Envelope) -> Parsed:
    # Nobody but AWS can put events with such a source on a bus, so all others are look-alikes or somebody's own.
    if not event.source.startswith("aws."):
        return Skip(SkipReason.FOREIGN_SOURCE, "other", event.trigger(event.detail_type))
    parser = PARSERS.get((event.source, event.detail_type))
    if parser is None and event.detail_type in API_CALLS:
        parser = service_call.parse
    if parser is None:
        return Skip(SkipReason.OTHER_EVENT, "other", event.trigger(event.detail_type))
    if event.detail is None:
        return Poison(PoisonReason.NO_DETAIL, f"{event.detail_type} from {event.source}")
    return parser(event)


def _together(results: Sequence[Parsed]) -> Parsed:
    """One answer for the records of a log file: one bad record sinks none of the others."""
    refreshes = [result for result in results if isinstance(result, Refresh)]
    if not refreshes:
        return next((result for result in results if isinstance(result, Skip)), results[0])
    first = refreshes[0]
    if len(refreshes) == 1:
        return first
    return Refresh(
        targets=unique(target for refresh in refreshes for target in refresh.targets),
        # Many calls by many people: to blame the first of them would be a lie.
        trigger=replace(first.trigger, name="CloudTrail records", actor=None),
        reason=first.reason,
        kind=first.kind,
        urgent=any(refresh.urgent for refresh in refreshes),
    )
