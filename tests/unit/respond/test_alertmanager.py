"""The shape of Alertmanager's webhook, version 4."""

from s3warden.model.finding import Severity
from s3warden.respond.alertmanager import body
from support.alerts import ACCOUNT, alert, digest_notification, notification, resolved


def test_firing_group_has_the_fields_that_receivers_expect() -> None:
    """Every top-level field of the format is there, with common labels and the group's labels."""
    found = body(notification(1, alert(), alert(rule_id="other", severity=Severity.LOW)), receiver="oncall")
    assert set(found) == {
        "version", "groupKey", "truncatedAlerts", "status", "receiver", "groupLabels", "commonLabels",
        "commonAnnotations", "externalURL", "alerts",
    }  # fmt: skip
    assert found["version"] == "4"
    assert (found["receiver"], found["status"], found["groupKey"]) == ("oncall", "firing", "s3warden/group-1")
    assert found["groupLabels"] == {
        "account_id": "111122223333",
        "partition": "aws",
        "bucket": "payroll-exports",
        "region": "eu-west-1",
    }
    assert found["commonLabels"] == {"category": "exposure", **found["groupLabels"]}
    first = found["alerts"][0]
    assert first["labels"]["alertname"] == "bucket-acl-public"
    assert (first["startsAt"], first["endsAt"]) == ("2026-03-14T03:10:00.000000Z", "0001-01-01T00:00:00Z")
    assert first["fingerprint"] == alert().fingerprint


def test_resolved_has_an_end() -> None:
    """The resolve has the same fingerprint and start, and an end."""
    found = body(notification(1, resolved(subject=ACCOUNT)), receiver="oncall")
    assert found["status"] == "resolved"
    assert found["alerts"][0]["endsAt"] == "2026-03-14T03:17:00.000000Z"
    assert "bucket" not in found["alerts"][0]["labels"]


def test_digest_is_one_alert() -> None:
    """The format knows no digest; its text goes as a description."""
    found = body(digest_notification(), receiver="oncall")
    (only,) = found["alerts"]
    assert only["labels"] == {"alertname": "s3warden-digest", "severity": "critical"}
    assert "Coverage: 594 of 600" in only["annotations"]["description"]
    assert found["groupLabels"] == {}
