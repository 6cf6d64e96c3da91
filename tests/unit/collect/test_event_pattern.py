"""What EventBridge lets through, judged by an emulator's matcher over sample events."""

import json
from pathlib import Path
from typing import Any

import pytest
from moto.events.models import EventPattern

from s3warden.collect.event_pattern import event_pattern
from s3warden.collect.watched import SERVICES
from s3warden.model.bucket import Aspect

EVENTS = Path(__file__).parent / "events"
WHOLE = event_pattern(frozenset(Aspect))
# AWS's quota: longer patterns are refused.
LONGEST = 2048


def matches(event: dict[str, Any], pattern: dict[str, Any] = WHOLE) -> bool:
    """Whether EventBridge would pass the event on."""
    return bool(EventPattern(json.dumps(pattern), pattern).matches_event(event))  # type: ignore[arg-type]


def call(source: str, name: str, **detail: object) -> dict[str, Any]:
    """A call that changed something, as EventBridge has it."""
    return {
        "source": source,
        "detail-type": "AWS API Call via CloudTrail",
        "detail": {"eventName": name, "readOnly": False, "managementEvent": True, **detail},
    }


@pytest.mark.parametrize(
    ("name", "passes"),
    [
        ("put-bucket-policy", True),
        ("put-access-point-policy", True),
        ("put-multi-region-access-point-policy", True),
        ("delete-account-block", True),
        ("create-access-point", True),
        ("unknown-call", True),
        ("access-analyzer-finding", True),
        ("macie-finding", True),
        ("guardduty-finding", True),
        ("config-item", True),
        ("config-item-account-block", True),
        ("read-only-call", False),
        ("denied-call", False),
        ("object-call", True),
        ("object-acl-updated", True),
    ],
)
def test_what_is_of_use_passes_and_the_rest_does_not(name: str, passes: bool) -> None:
    """Reads, refused calls and calls on objects never reach the queue, but for changes of the ACLs of objects."""
    assert matches(json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))) is passes


@pytest.mark.parametrize(
    ("service", "name"), [(service, name) for service, watched in SERVICES.items() for name in watched.calls]
)
def test_every_watched_call_passes_where_a_rule_looks_at_what_it_changes(service: str, name: str) -> None:
    """And only then: what no enabled rule reads is not paid for."""
    event = call(f"aws.{service}", name)
    assert matches(event)
    assert matches(event, event_pattern(SERVICES[service].calls[name].aspects))
    assert not matches(event, event_pattern({Aspect.VERSIONING}))


@pytest.mark.parametrize("name", ["CreateLogStream", "PutDashboard"])
def test_the_daily_calls_of_chatty_services_stay_out(name: str) -> None:
    """Every program that logs makes them."""
    assert not matches(call("aws.logs", name))
    assert not matches(call("aws.monitoring", name))


def test_new_calls_of_s3_pass_unnamed() -> None:
    """What they mean is decided by the daemon, which reads the whole bucket then."""
    assert matches(call("aws.s3", "PutBucketThatNobodyKnowsYet"), event_pattern({Aspect.VERSIONING}))


def test_pattern_is_not_longer_than_aws_takes() -> None:
    """As the command prints it, without the spaces."""
    assert len(json.dumps(WHOLE, separators=(",", ":"))) <= LONGEST
