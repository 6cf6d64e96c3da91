"""Which changes of a bucket's configuration are remembered, whose are expected, and how a finding names them.

Nothing else remembers them: after a restart those of an open finding are taken from its evidence, and others are
forgotten. Pure.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from s3warden.detect.exposure.callers import as_principal
from s3warden.detect.rule import RuleOptions
from s3warden.model.bucket import NOT_READ, Absent, Aspect, BucketState, Present
from s3warden.model.changes import Change, Changes
from s3warden.model.finding import Finding

RULE = "bucket-config-changed"
"""The rule whose findings name changes."""
LIMIT = 5
"""So many changes of one bucket are remembered."""
_FACT = "changes"
_NONE = Changes(())


def expected(change: Change, account: str, options: RuleOptions) -> bool:
    """Whether the operator expects the caller to change buckets of `account`.

    A name without an ARN is that of a role of this account: in others strangers may choose it.
    """
    role = as_principal(change.principal)
    fields = role.split(":", 5)
    names = {change.principal, role}
    if len(fields) == 6 and fields[4] == account and fields[5].startswith("role/"):
        names.add(fields[5].rpartition("/")[2])
    return any(fnmatchcase(name, pattern) for pattern in options.expected_changers for name in names)


def recent(known: Changes, at: datetime, options: RuleOptions) -> tuple[Change, ...]:
    """Those of `known` that are not over yet."""
    return tuple(change for change in known.items if at - change.at <= options.changes_within)


def remembered(known: Changes, made: Sequence[Change], after: BucketState, options: RuleOptions) -> Changes:
    """What is to be known of a bucket after a look that was asked for by the calls that `made` these changes.

    A change that is over stays as long as a later one is not, so that a finding is no other one because time passes.
    """
    at, account = after.read_at, after.ref.account
    seen_again = {change.event_id: change for change in made}
    items = [_joined(change, seen_again.get(change.event_id)) for change in known.items]
    ids = {change.event_id for change in items}
    others = (change for change in made if change.event_id not in ids and not expected(change, account, options))
    new = recent(Changes(tuple(others)), at, options)
    still = recent(Changes(tuple(items)), at, options)
    if not new:
        return Changes(tuple(items)) if still else _NONE
    # What s3warden did itself is written down elsewhere.
    kept = sorted((*still, *new), key=lambda change: (not change.own, change.at, change.event_id))[-LIMIT:]
    return Changes(tuple(sorted(kept, key=lambda change: (change.at, change.event_id))))


def _joined(known: Change, again: Change | None) -> Change:
    """A change with what a later look shows of it: S3 may answer with the old configuration for a while."""
    if again is None or set(again.aspects) <= set(known.aspects):
        return known
    return replace(known, aspects=tuple(sorted({*known.aspects, *again.aspects})))


def facts(known: Changes) -> dict[str, str]:
    """What evidence says of changes: all of them exactly, as JSON in plain ASCII."""
    return {_FACT: json.dumps([_told(change) for change in known.items])}


def known_changes(before: BucketState | None, findings: Iterable[Finding]) -> Changes:
    """What was known of a bucket; where nobody has looked at it since the start, what its open `findings` name."""
    match NOT_READ if before is None else before.reading(Aspect.CHANGES):
        case Present(value=Changes() as known):
            return known
        case Absent():
            return _NONE
    return _recalled(findings)


def _recalled(findings: Iterable[Finding]) -> Changes:
    found = next((finding for finding in findings if finding.rule_id == RULE), None)
    try:
        named = json.loads(found.evidence.details[_FACT]) if found is not None else []
        return Changes(tuple(map(_change, named)))
    except (AttributeError, KeyError, TypeError, ValueError):
        return _NONE


def _told(change: Change) -> dict[str, object]:
    whole = {
        "at": change.at.isoformat(),
        "call": change.call,
        "by": change.principal,
        "from": change.source_ip,
        "with": change.user_agent,
        "changed": list(change.aspects),
        "own": change.own,
        "event": change.event_id,
    }
    return {key: value for key, value in whole.items() if value}


def _change(told: Mapping[str, Any]) -> Change:
    """The reverse of `_told`."""
    return Change(
        call=str(told.get("call", "")),
        at=datetime.fromisoformat(told["at"]),
        event_id=str(told.get("event", "")),
        principal=str(told.get("by", "")),
        source_ip=str(told.get("from", "")),
        user_agent=str(told.get("with", "")),
        aspects=tuple(map(Aspect, told.get("changed", ()))),
        own=bool(told.get("own", False)),
    )
