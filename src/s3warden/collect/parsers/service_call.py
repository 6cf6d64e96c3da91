"""Takes a CloudTrail record of a watched service's call and hands on whom it concerns, or why it asks for nothing.

What is watched, and what a call changes, is said in `collect.watched`. As with S3's own calls a record only says where
to look: what is true now is read afresh.
"""

from s3warden.collect.envelope import Envelope
from s3warden.collect.fields import account_id, mapping, partition_of
from s3warden.collect.reasons import PoisonReason, SkipReason
from s3warden.collect.record import (
    call_name,
    has_failed,
    is_data_event,
    only_reads,
    reason_for,
    service_of,
    trigger_of,
)
from s3warden.collect.targets import unique
from s3warden.collect.watched import SERVICES, Service
from s3warden.model.event import Level, Parsed, Poison, Refresh, Skip, Target, Trigger

KIND = "service_call"


def parse(event: Envelope) -> Parsed:
    """The change in an account, or in several, that the record of a watched service tells of."""
    record = event.detail or {}
    service = SERVICES.get(service_of(event, record))
    if service is None:
        return Skip(SkipReason.OTHER_SERVICE, "other", event.trigger(event.detail_type))
    name = call_name(record)
    if not name:
        return Poison(PoisonReason.NO_EVENT_NAME, f"{event.detail_type} from {event.source}")
    return _change(event, service, name, trigger_of(event, record, name))


def _change(event: Envelope, service: Service, name: str, trigger: Trigger) -> Parsed:
    record = event.detail or {}
    reason = _idle(event, service, name)
    if reason is not None:
        return Skip(reason, KIND, trigger)
    account = account_id(record.get("recipientAccountId"), event.account)
    if account is None:
        return Skip(SkipReason.NO_ACCOUNT, KIND, trigger)
    call = service.call(name)
    partition = partition_of(mapping(record.get("userIdentity")).get("arn"))
    own = Target(Level.ACCOUNT, account, aspects=call.reads, partition=partition)
    targets = unique(service.reach(name, record, own))
    if not targets:
        return Skip(SkipReason.NO_EFFECT, KIND, trigger)
    return Refresh(targets, trigger, reason_for(record, known=name in service.calls), KIND, call.urgent)


def _idle(event: Envelope, service: Service, name: str) -> SkipReason | None:
    """Why the call cannot have changed what is read of the service, if so."""
    record = event.detail or {}
    known = name in service.calls
    if not known and only_reads(record, name):
        return SkipReason.READ_ONLY
    if name in service.idle or (not known and is_data_event(record)):
        return SkipReason.NO_EFFECT
    return SkipReason.CALL_FAILED if has_failed(record) else None
