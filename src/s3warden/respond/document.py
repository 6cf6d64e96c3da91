"""A notification as JSON: the body that SNS subscribers and webhook receivers get. Pure.

The shape is described in docs/notifications.md and named by `SCHEMA`; a field may be added, none changes its meaning.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from s3warden.model.alert import Alert, AlertStatus, Digest, Notice, Notification
from s3warden.model.bucket import BucketRef, Subject
from s3warden.model.event import Trigger
from s3warden.model.exemption import Exempt
from s3warden.respond.render import clean, shorten, text

SCHEMA = "s3warden/notification/1"
CUT = 500
LINES = 50


def document(notification: Notification) -> dict[str, Any]:
    """The notification as plain data, in full."""
    return {
        "schema": SCHEMA,
        "id": notification.dedup_key,
        "group": notification.group_key,
        "type": kind(notification),
        "severity": notification.severity.value,
        "text": text(notification),
        "alerts": [_alert(alert) for alert in notification.alerts],
        "digest": _digest(notification.digest) if notification.digest else None,
        "notice": _notice(notification.notice) if notification.notice else None,
        "truncated": False,
        "alerts_omitted": 0,
    }


def kind(notification: Notification) -> str:
    """`digest`, `notice`, `alert.firing` or `alert.resolved`."""
    if notification.notice is not None:
        return "notice"
    return "digest" if notification.digest is not None else f"alert.{status(notification).value}"


def status(notification: Notification) -> AlertStatus:
    """Firing as long as anything in it fires."""
    firing = any(alert.status is AlertStatus.FIRING for alert in notification.alerts)
    return AlertStatus.FIRING if firing or not notification.alerts else AlertStatus.RESOLVED


def happened_at(notification: Notification) -> datetime:
    """When the news came up: the same over every repeat of the message."""
    if notification.digest is not None:
        return notification.digest.at
    if notification.notice is not None:
        return notification.notice.at
    return max(alert.at for alert in notification.alerts)


def encode(value: object) -> bytes:
    """Compact JSON in ASCII, which no encoding on the way can damage."""
    return json.dumps(value, separators=(",", ":")).encode("ascii")


def fitted(whole: dict[str, Any], limit: int) -> dict[str, Any]:
    """`whole` so that it takes at most `limit` bytes; `truncated` tells that something is missing.

    First long texts and lists are cut, then alerts are left out, the mildest first, since they come ordered. What is
    left names the message even where `limit` is smaller than that.
    """
    if len(encode(whole)) <= limit:
        return whole
    cut = {**_cut(whole), "truncated": True}
    digest = cut["digest"]
    if digest is not None:
        live, digest = digest["live"], {**digest, "live": []}
        room = limit - len(encode({**cut, "digest": digest}))
        cut["digest"] = {**digest, "live": _first(live, room)}
        return cut
    room = limit - len(encode({**cut, "alerts": []}))
    kept = _first(cut["alerts"], room)
    return {**cut, "alerts": kept, "alerts_omitted": len(whole["alerts"]) - len(kept)}


def _first(items: list[Any], room: int) -> list[Any]:
    kept = []
    for item in items:
        room -= len(encode(item)) + 1
        if room < 0:
            break
        kept.append(item)
    return kept


def _cut(value: Any) -> Any:
    """`value` with every text cut to `CUT` characters and every collection to `LINES` items."""
    if isinstance(value, str):
        return shorten(value, CUT)
    if isinstance(value, Mapping):
        return {shorten(key, CUT): _cut(item) for key, item in list(value.items())[:LINES]}
    if isinstance(value, list):
        return [_cut(item) for item in value[:LINES]]
    return value


def _alert(alert: Alert) -> dict[str, Any]:
    resolved = alert.status is AlertStatus.RESOLVED
    return {
        "fingerprint": alert.fingerprint,
        "sequence": alert.sequence,
        "status": alert.status.value,
        "reason": alert.reason,
        "rule_id": alert.rule_id,
        "category": alert.category,
        "incident": alert.incident or None,
        "links": [{"text": words, "url": url} for words, url in alert.links],
        "title": alert.title,
        "severity": alert.severity.value,
        "base_severity": (alert.base_severity or alert.severity).value,
        "severity_reasons": list(alert.reasons),
        "live": alert.live,
        "subject": _subject(alert.subject),
        "summary": clean(alert.summary),
        "details": {key: clean(value) for key, value in alert.details},
        "exemption": exemption(alert.exempt) if alert.exempt else None,
        "lapsed_exemptions": [clean(text) for text in alert.lapsed],
        "why": alert.why,
        "fix": {"cli": alert.fix.cli, "terraform": alert.fix.terraform},
        "runbook_url": alert.runbook_url,
        "starts_at": timestamp(alert.starts_at),
        "ends_at": timestamp(alert.at) if resolved else None,
        "at": timestamp(alert.at),
        "trigger": _trigger(alert.trigger) if alert.trigger else None,
    }


def exemption(exempt: Exempt) -> dict[str, Any]:
    """An exemption as the JSON of findings and alerts has it."""
    return {
        "id": exempt.id,
        "owner": exempt.owner,
        "reason": exempt.reason,
        "ticket": exempt.ticket,
        "ends_at": timestamp(exempt.ends_at) if exempt.ends_at else None,
    }


def _notice(notice: Notice) -> dict[str, Any]:
    return {"kind": notice.kind, "at": timestamp(notice.at), "title": notice.title, "lines": list(notice.lines)}


def _subject(subject: Subject) -> dict[str, Any]:
    bucket = subject if isinstance(subject, BucketRef) else None
    return {
        "kind": "bucket" if bucket else "account",
        "partition": subject.partition,
        "account_id": subject.account,
        "region": bucket.region if bucket else None,
        "bucket": bucket.name if bucket else None,
        "arn": bucket.arn if bucket else None,
    }


def _trigger(trigger: Trigger) -> dict[str, Any]:
    actor = trigger.actor
    return {
        "name": trigger.name,
        "source": trigger.source,
        "event_id": trigger.event_id,
        "event_time": timestamp(trigger.event_time) if trigger.event_time else None,
        "actor": {
            "principal": clean(actor.principal),
            "kind": actor.kind,
            "account_id": actor.account,
            "source_ip": actor.source_ip,
            "user_agent": clean(actor.user_agent) if actor.user_agent else None,
        }
        if actor
        else None,
    }


def _digest(digest: Digest) -> dict[str, Any]:
    return {
        "at": timestamp(digest.at),
        "accounts": digest.accounts,
        "buckets": digest.buckets,
        "new_rules": list(digest.new_rules),
        "exempt": digest.exempt,
        "live": [_alert(alert) for alert in digest.live],
        "rules": [
            {
                "rule_id": item.rule_id,
                "title": item.title,
                "severity": item.severity.value,
                "findings": item.findings,
                "examples": list(item.examples),
            }
            for item in digest.lines
        ],
        "coverage": {
            "checks": digest.checks,
            "checks_unknown": digest.checks_unknown,
            "unknown_by_cause": dict(digest.unknown_by_cause),
            "failures": [clean(failure) for failure in digest.failures],
        },
    }


def timestamp(at: datetime) -> str:
    """RFC 3339 in UTC, with microseconds."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
