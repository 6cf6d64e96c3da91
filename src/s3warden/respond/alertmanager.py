"""A notification in the shape of Alertmanager's webhook, version "4", for receivers that speak it already. Pure.

The fingerprint names the alert over its life; of the labels only `severity` may change. A digest has no place in this
shape but as one alert without an end, nor has a notice.
"""

from typing import Any

from s3warden.model.alert import Alert, AlertStatus, Notification
from s3warden.model.bucket import BucketRef
from s3warden.respond.document import happened_at, status, timestamp
from s3warden.respond.render import digest_title, headline, text, where, who

# What Go prints for a time that is not set; receivers of this shape know it as "not ended".
NEVER = "0001-01-01T00:00:00Z"


def body(notification: Notification, *, receiver: str) -> dict[str, Any]:
    """The JSON body. `receiver` is the destination's name."""
    alerts = [_alert(alert) for alert in notification.alerts] or [_no_alert(notification)]
    return {
        "version": "4",
        "groupKey": notification.group_key,
        "truncatedAlerts": 0,
        "status": status(notification).value,
        "receiver": receiver,
        "groupLabels": _common([_group_labels(alert) for alert in notification.alerts]),
        "commonLabels": _common([alert["labels"] for alert in alerts]),
        "commonAnnotations": _common([alert["annotations"] for alert in alerts]),
        "externalURL": "",
        "alerts": alerts,
    }


def _alert(alert: Alert) -> dict[str, Any]:
    resolved = alert.status is AlertStatus.RESOLVED
    return {
        "status": alert.status.value,
        "labels": {
            "alertname": alert.rule_id,
            "severity": alert.severity.value,
            "category": alert.category,
            **_group_labels(alert),
        },
        "annotations": {
            "summary": headline(alert),
            "description": alert.why,
            "actor": who(alert),
            "where": where(alert.subject),
            "fix": alert.fix.cli,
            "runbook_url": alert.runbook_url,
        },
        "startsAt": timestamp(alert.starts_at),
        "endsAt": timestamp(alert.at) if resolved else NEVER,
        "generatorURL": "",
        "fingerprint": alert.fingerprint,
    }


def _group_labels(alert: Alert) -> dict[str, str]:
    subject = alert.subject
    labels = {"account_id": subject.account, "partition": subject.partition}
    if isinstance(subject, BucketRef):
        labels |= {"bucket": subject.name, "region": subject.region}
    return labels


def _no_alert(notification: Notification) -> dict[str, Any]:
    """A digest or a notice."""
    digest, notice = notification.digest, notification.notice
    name = "s3warden-digest" if notice is None else f"s3warden-{notice.kind}"
    title = digest_title(digest) if digest else notice.title if notice else ""
    return {
        "status": AlertStatus.FIRING.value,
        "labels": {"alertname": name, "severity": notification.severity.value},
        "annotations": {"summary": title, "description": text(notification)},
        "startsAt": timestamp(happened_at(notification)),
        "endsAt": NEVER,
        "generatorURL": "",
        "fingerprint": notification.group_key,
    }


def _common(items: list[dict[str, str]]) -> dict[str, str]:
    """The pairs that all of `items` share."""
    if not items:
        return {}
    return {key: value for key, value in items[0].items() if all(item.get(key) == value for item in items)}
