"""What a commit writes, as rows."""

from dataclasses import replace
from datetime import timedelta

import pytest

from s3warden.model.finding import ChangeKind, Severity
from s3warden.store.writes import Step, commit_writes, meta_writes, postpone_writes, settle_writes
from support.alerts import ACCOUNT, NIGHT, change, finding, notification


@pytest.mark.parametrize("kind", list(ChangeKind))
def test_only_news_become_history(kind: ChangeKind) -> None:
    """What is merely seen again after a restart is no step in a finding's history."""
    writes = commit_writes([change(kind, finding())], [], NIGHT)
    assert len(writes[Step.FINDING]) == 1
    assert len(writes[Step.HISTORY]) == (0 if kind is ChangeKind.RESUMED else 1)


def test_a_finding_is_open_until_it_is_resolved() -> None:
    """The columns tell whether a finding stands, and whose it is."""
    over = finding("account-block", ACCOUNT, resolved_at=NIGHT + timedelta(hours=1), severity=Severity.LOW)
    row = commit_writes([change(ChangeKind.RESOLVED, over)], [], NIGHT)[Step.FINDING][0]
    assert (row["open"], row["resolved_at"]) == (False, over.resolved_at)
    assert (row["subject"], row["rule_id"], row["severity"]) == ("aws:111122223333", "account-block", "low")
    assert commit_writes([change(ChangeKind.OPENED, finding())], [], NIGHT)[Step.FINDING][0]["open"] is True


def test_a_message_is_due_when_it_is_written() -> None:
    """A new message waits for nothing, and what waits before it in its group is raised to its rank."""
    writes = commit_writes([], [notification(7)], NIGHT)
    row = writes[Step.MESSAGE][0]
    assert (row["enqueued_at"], row["next_attempt_at"], row["attempts"], row["rank"]) == (NIGHT, NIGHT, 0, 4)
    keys = {"of_destination": "oncall", "of_group": "s3warden/group-7", "of_dedup": "s3warden/group-7/step"}
    assert writes[Step.RAISE] == [{**keys, "new_rank": 4}]


def test_keys_hold_nothing_that_a_database_refuses() -> None:
    """Keys and reasons made of foreign text are spelt out where they must be."""
    odd = replace(notification(), group_key="g\0", dedup_key="d\ud800")
    row = commit_writes([], [odd], NIGHT)[Step.MESSAGE][0]
    assert (row["group_key"], row["dedup_key"]) == ("g\\u0000", "d\\ud800")
    assert meta_writes("k\0", "v\0")[Step.META] == [{"key": "k\\u0000", "value": "v\\u0000"}]
    assert postpone_writes([1], NIGHT, "\0")[Step.POSTPONE][0]["new_reason"] == "\\u0000"
    assert settle_writes([1], "refused", NIGHT, "\0")[Step.SETTLE][0]["new_reason"] == "\\u0000"
