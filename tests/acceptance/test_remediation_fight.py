"""What the automation must not do: fight a deploy tool, or change an estate in a storm."""

import time
from typing import Any

import pytest

from support.cloud import PUBLIC_READ, FakeCloud, change
from support.daemon import Daemon, Settings
from support.receivers import Receiver

RULE = "bucket-public-effective"
MOST = 30
TERRAFORM: dict[str, Any] = {
    "userAgent": "APN/1.0 HashiCorp/1.0 Terraform/1.9.5 (+https://www.terraform.io) aws-sdk-go-v2/1.30",
    "userIdentity": {
        "type": "AssumedRole",
        "principalId": "AROAINVENTED:run-7",
        "arn": "arn:aws:sts::700000000001:assumed-role/pipeline/run-7",
        "accountId": "700000000001",
    },
}


@pytest.fixture
def settings(settings: Settings) -> dict[str, Any]:
    """Public buckets are closed without asking, in any number until the breaker trips."""
    return {
        **settings,
        "rules": {"enable": [RULE]},
        "fixes": [{"name": "all", "rules": [RULE], "mode": "auto"}],
        "remediation": {
            "role_name": "s3warden-remediation",
            "breaker_share": 0,
            "breaker_least": MOST,
            "account_per_minute": 10_000,
            "account_per_hour": 10_000,
            "per_minute": 10_000,
            "per_hour": 10_000,
        },
    }


def about(hook: Receiver, reason: str) -> list[dict[str, Any]]:
    """The alerts with this reason."""
    alerts = (alert for taken in hook.taken for alert in taken.json["data"]["alerts"])
    return [alert for alert in alerts if alert["reason"] == reason]


async def test_terraform_is_not_fought(cloud: FakeCloud, hook: Receiver, daemon: Daemon) -> None:
    """Closed twice, opened a third time: it stays open, and one alert names both sides and carries the patch."""
    (bucket,) = cloud.world.add("invented-ledger")
    queue = cloud.queue("events")
    await daemon.start()
    await daemon.until_ready()
    for fixes in (1, 2):
        bucket.grants.append(PUBLIC_READ)
        queue.send(change(bucket, "PutBucketAcl", **TERRAFORM))
        await daemon.until(lambda n=fixes: len(daemon.lines("remediation_ended")) == n, f"fix {fixes}")  # type: ignore[misc]
        assert bucket.grants == []
    bucket.grants.append(PUBLIC_READ)
    queue.send(change(bucket, "PutBucketAcl", **TERRAFORM))
    await daemon.until(lambda: bool(about(hook, "fight")), "the alert about the fight")
    queue.send(change(bucket, "PutBucketAcl", **TERRAFORM))
    await daemon.until(lambda: len(daemon.lines("event_received")) == 4, "the fourth event")
    assert bucket.grants == [PUBLIC_READ]
    [alert] = about(hook, "fight")
    for words in (
        "s3warden closed",
        "2 times within a day",
        "terraform (arn:aws:sts::700000000001:assumed-role/pipeline",
    ):
        assert words in alert["details"]["automation"]
    assert "aws_s3_bucket" in alert["fix"]["terraform"]
    assert len(daemon.lines("remediation_ended")) == 2
    assert daemon.complaints() == []


@pytest.mark.parametrize("size", [120, pytest.param(1000, marks=pytest.mark.long)])
async def test_a_storm_trips_the_breaker_and_pages_once(
    cloud: FakeCloud, hook: Receiver, daemon: Daemon, size: int
) -> None:
    """Many buckets are opened at once: some are closed, then it stops, and one message says so."""
    buckets = cloud.world.add(*(f"storm-{number}" for number in range(size)))
    queue = cloud.queue("events")
    await daemon.start()
    await daemon.until_ready(120)
    for bucket in buckets:
        bucket.grants.append(PUBLIC_READ)
        queue.send(change(bucket, "PutBucketAcl"))

    def all_decided() -> bool:
        decided = (*daemon.lines("remediation_ended"), *daemon.lines("remediation_held"))
        return len({line["subject"] for line in decided}) == size

    began = time.monotonic()
    await daemon.until(all_decided, "every bucket to be decided about", 300)
    closed = [bucket for bucket in buckets if not bucket.grants]
    held = {line["reason"] for line in daemon.lines("remediation_held")}
    assert held == {"breaker"}
    assert len(closed) <= MOST
    await daemon.until(lambda: bool(about(hook, "breaker")), "the page about the storm")
    assert len(about(hook, "breaker")) == 1
    assert await daemon.stop() == 0
    assert len(about(hook, "breaker")) == 1
    print(f"{size} buckets decided in {time.monotonic() - began:.0f} s, {len(closed)} closed")
