"""The JSON that machines get, and how it is cut to size."""

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from s3warden.model.alert import AlertStatus
from s3warden.respond.document import document, encode, fitted, happened_at, kind, status
from support.alerts import ACCOUNT, NIGHT, alert, digest, digest_notification, notification, resolved


def test_document_tells_everything() -> None:
    """All of an alert, under names that are part of the published schema."""
    found = document(notification(1, alert()))
    assert set(found) == {
        "schema", "id", "group", "type", "severity", "text", "alerts", "digest", "notice", "truncated",
        "alerts_omitted",
    }  # fmt: skip
    assert found["schema"] == "s3warden/notification/1"
    assert found["type"] == "alert.firing"
    assert found["alerts"] == [
        {
            "fingerprint": alert().fingerprint,
            "sequence": 1,
            "status": "firing",
            "reason": "",
            "rule_id": "bucket-acl-public",
            "category": "exposure",
            "incident": None,
            "links": [],
            "title": "Bucket is public by ACL",
            "severity": "critical",
            "base_severity": "critical",
            "severity_reasons": [],
            "live": True,
            "subject": {
                "kind": "bucket",
                "partition": "aws",
                "account_id": "111122223333",
                "region": "eu-west-1",
                "bucket": "payroll-exports",
                "arn": alert().subject.arn,  # type: ignore[union-attr]
            },
            "summary": "anyone can list it",
            "details": {"grant": "AllUsers READ"},
            "exemption": None,
            "lapsed_exemptions": [],
            "why": "Anyone can list the names of all objects.",
            "fix": {
                "cli": "aws s3api put-bucket-acl --bucket payroll-exports --acl private",
                "terraform": "acl = private",
            },
            "runbook_url": "",
            "starts_at": "2026-03-14T03:10:00.000000Z",
            "ends_at": None,
            "at": "2026-03-14T03:10:00.000000Z",
            "trigger": {
                "name": "PutBucketAcl",
                "source": "aws.s3",
                "event_id": "event-1",
                "event_time": "2026-03-14T03:09:56.000000Z",
                "actor": {
                    "principal": "arn:aws:sts::111122223333:assumed-role/Admin/alice",
                    "kind": "AssumedRole",
                    "account_id": "111122223333",
                    "source_ip": "203.0.113.9",
                    "user_agent": "APN/1.0 HashiCorp/1.0 Terraform/1.9.5 aws-sdk-go-v2/1.30",
                },
            },
        }
    ]


def test_resolved_has_an_end_and_an_account_has_no_bucket() -> None:
    """The fields that do not apply are null, not missing."""
    (found,) = document(notification(1, resolved(subject=ACCOUNT, trigger=None)))["alerts"]
    assert found["ends_at"] == "2026-03-14T03:17:00.000000Z"
    assert found["trigger"] is None
    assert found["subject"]["kind"] == "account"
    assert found["subject"]["bucket"] is None


def test_digest_has_figures_and_no_alerts() -> None:
    """The digest's own part carries live exposure, rules and coverage."""
    found = document(digest_notification())
    assert (found["type"], found["alerts"]) == ("digest", [])
    assert found["digest"]["rules"][1]["findings"] == 32
    assert found["digest"]["coverage"]["unknown_by_cause"] == {"scp": 4, "bucket_policy": 2}
    assert [one["status"] for one in found["digest"]["live"]] == ["firing"]


def test_status_and_time_of_a_group() -> None:
    """A group fires while any of it fires; its time is that of its latest news."""
    both = notification(1, alert(), resolved())
    assert status(both) is AlertStatus.FIRING
    assert happened_at(both) == resolved().at
    assert status(notification(1, resolved())) is AlertStatus.RESOLVED
    assert kind(digest_notification()) == "digest"
    assert happened_at(digest_notification()) == NIGHT


def test_small_document_is_left_alone() -> None:
    """Nothing is cut that fits."""
    whole = document(notification(1, alert()))
    assert fitted(whole, 100_000) is whole


def test_long_texts_are_cut_before_alerts_are_left_out() -> None:
    """A giant policy statement costs its own end, not a neighbour."""
    giant = alert(details=(("statement", "x" * 100_000),))
    found = fitted(document(notification(1, giant, alert())), 50_000)
    assert found["truncated"]
    assert (len(found["alerts"]), found["alerts_omitted"]) == (2, 0)
    assert found["alerts"][0]["details"]["statement"].endswith("…")


@given(
    st.lists(st.text(max_size=200), min_size=1, max_size=60),
    st.integers(8_192, 65_536),
    st.booleans(),
)
def test_document_always_fits(texts: list[str], limit: int, as_digest: bool) -> None:
    """Whatever the texts, the size is kept, it stays JSON, and it says how much is missing."""
    alerts = [alert(summary=text, why=text * 20, details=(("a", text * 50), (text, "b"))) for text in texts]
    whole = document(digest_notification(live=tuple(alerts))) if as_digest else document(notification(1, *alerts))
    body = encode(fitted(whole, limit))
    found = json.loads(body)
    assert len(body) <= limit
    assert found["truncated"] == (len(encode(whole)) > limit)
    assert len(found["alerts"]) + found["alerts_omitted"] == len(whole["alerts"])


def test_digest_cut_to_size_keeps_its_figures() -> None:
    """Live alerts go first, counts stay."""
    found = fitted(document(digest_notification(live=(alert(why="x" * 5000),) * 100)), 20_000)
    assert found["digest"]["buckets"] == digest().buckets
    assert 0 < len(found["digest"]["live"]) < 100
    assert found["truncated"]


def test_lone_surrogates_do_not_stop_a_message() -> None:
    """Text that no encoder takes is made harmless on the way."""
    found = document(notification(1, replace(alert(), summary="\ud800", details=(("k", "\udfff"),))))
    json.loads(encode(found))
    assert found["alerts"][0]["summary"] == "�"
