"""What is written down when an exposure ends. Pure.

Takes the finding as it was before its end, the change that ended it and the bucket's last known state; hands on the
record, or None where the end is none of an exposure.
"""

from s3warden.detect.recorded import Share
from s3warden.detect.rule import UnreadableError
from s3warden.detect.rules.trails import recorded
from s3warden.model.bucket import Absent, Aspect, BucketRef, Present, Reading, State
from s3warden.model.configuration import Logging
from s3warden.model.finding import ChangeKind, Finding, FindingChange
from s3warden.model.incident import Coverage, Incident, Log, Source, incident_id


def incident(before: Finding | None, change: FindingChange, state: State | None) -> Incident | None:
    """The record of the exposure that `change` ends."""
    name = incident_id(change.finding)
    bucket = change.finding.subject
    if change.kind is not ChangeKind.RESOLVED or name is None or not isinstance(bucket, BucketRef):
        return None
    opening = before.trigger if before is not None else None
    finding = change.finding
    return Incident(
        id=name,
        fingerprint=finding.fingerprint,
        rule_id=finding.rule_id,
        bucket=bucket,
        summary=finding.evidence.summary,
        possible=finding.evidence.details.get("actions", ""),
        facts=tuple(finding.evidence.details.items()),
        found_at=finding.first_seen,
        closed_at=change.at,
        reason=change.reason,
        opened_at=opening.event_time if opening is not None else None,
        opened_by=opening,
        closed_by=finding.trigger,
        sources=(access_logs(state.reading(Aspect.LOGGING) if state is not None else None), data_events(state)),
    )


def access_logs(reading: Reading[object] | None) -> Source:
    """Whether server access logs were kept. What nobody read is not known, never "not logged"."""
    match reading:
        case Present(value=Logging(target_bucket=bucket, target_prefix=prefix)):
            return Source(Log.ACCESS, Coverage.LOGGED, f"s3://{bucket}/{prefix}")
        case Absent():
            return Source(Log.ACCESS, Coverage.NOT_LOGGED)
    return Source(Log.ACCESS, Coverage.NOT_KNOWN)


def data_events(state: State | None) -> Source:
    """Whether CloudTrail recorded reads of the objects: all of them, or it cannot be told from here."""
    try:
        seen = recorded(state, write=False) if state is not None else Share.PART
    except UnreadableError:
        return Source(Log.DATA_EVENTS, Coverage.NOT_KNOWN)
    known = {Share.WHOLE: Coverage.LOGGED, Share.NONE: Coverage.NOT_LOGGED}
    return Source(Log.DATA_EVENTS, known.get(seen, Coverage.NOT_KNOWN))
