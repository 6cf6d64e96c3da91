"""A rule of one's own is switched on in a settled estate: one digest, not a page a bucket."""

import signal
from typing import Any

from support.books import digests, start_with_baseline
from support.cloud import FakeCloud, change
from support.daemon import Daemon, Settings
from support.receivers import Receiver

OWN: dict[str, Any] = {
    "id": "own-labelled",
    "title": "A bucket has no label",
    "severity": "high",
    "category": "governance",
    "pass_when": '"Label" in bucket.tags',
    "message": "{{ bucket.name }} has no label.",
    "examples": [{"title": "none", "verdict": "fail", "bucket": {"name": "a"}}],
}


def _alerts(hook: Receiver) -> list[tuple[str, str]]:
    """Rule and bucket of every alert that was told by itself."""
    alerts = [alert for request in hook.taken for alert in request.json["data"]["alerts"]]
    return [(alert["rule_id"], alert["subject"]["bucket"]) for alert in alerts]


async def test_a_new_rule_is_told_in_one_digest_and_then_bucket_by_bucket(
    cloud: FakeCloud, hook: Receiver, daemon: Daemon, settings: Settings
) -> None:
    """Twelve buckets break it from the start; what an event changes afterwards is told by itself, a restart nothing."""
    cloud.world.add(*(f"invented-{n}" for n in range(12)))
    queue = cloud.queue("events")
    await start_with_baseline(daemon, hook)
    daemon.write({**settings, "own_rules": [OWN]})
    daemon.signal(signal.SIGHUP)
    await daemon.until(lambda: len(digests(hook.taken)) == 2, "the digest of the new rule")
    found = digests(hook.taken)[1]["digest"]
    assert found["new_rules"] == ["own-labelled"]
    assert [(line["rule_id"], line["findings"]) for line in found["rules"]] == [("own-labelled", 12)]
    assert _alerts(hook) == []

    (late,) = cloud.world.add("invented-late")
    queue.send(change(late, "CreateBucket"))
    await daemon.until(lambda: ("own-labelled", "invented-late") in _alerts(hook), "news of the late bucket")
    assert await daemon.stop() == 0
    await daemon.start()
    await daemon.until_ready()
    assert len(digests(hook.taken)) == 2
    assert {bucket for rule, bucket in _alerts(hook) if rule == "own-labelled"} == {"invented-late"}
    assert await daemon.stop() == 0
