"""Accepted risks in the running daemon: silent while they hold, paged as soon as they do not, whatever ends them."""

import json
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from support.books import start_with_baseline
from support.cloud import Bucket, FakeCloud, change
from support.daemon import Daemon, Settings
from support.receivers import Receiver

LEAK = "bucket-public-effective"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Where the exemption files lie."""
    found = tmp_path / "exemptions"
    found.mkdir()
    return found


@pytest.fixture
def settings(settings: Settings, directory: Path) -> Settings:
    """The settings, with that directory, and the rules about exposure alone."""
    return {**settings, "exemptions": {"directory": str(directory)}, "rules": {"enable": ["exposure"]}}


def written(directory: Path, bucket: str, expires: str) -> Path:
    """Put an exemption there: everyone may read the objects of the bucket."""
    today = datetime.now(UTC).date()
    path = directory / f"{bucket}.toml"
    path.write_text(
        f"""\
[[exemption]]
id = "{bucket}"
rules = ["exposure"]
owner = "team-web"
reason = "static files"
ticket = "SEC-1"
approved_at = {today}
expires = {expires}
scope = {{ buckets = ["{bucket}"] }}
approved = {{ public = ["s3:GetObject"], facts = {{ IgnorePublicAcls = "off (account), off (bucket)", \
ownership = "ObjectWriter" }} }}
""",
        encoding="utf-8",
    )
    return path


def in_days(days: int) -> str:
    """A date as it stands in a file."""
    return str(datetime.now(UTC).date() + timedelta(days=days))


def heard(hook: Receiver, bucket: Bucket) -> list[dict[str, Any]]:
    """The alerts about the leak of a bucket, in order."""
    alerts = [alert for request in hook.taken for alert in request.json["data"]["alerts"]]
    return [a for a in alerts if a["subject"]["bucket"] == bucket.name and a["rule_id"] == LEAK]


def says(hook: Receiver, bucket: Bucket) -> list[tuple[str, str]]:
    """Status and reason of these alerts."""
    return [(alert["status"], alert["reason"]) for alert in heard(hook, bucket)]


async def opened(cloud: FakeCloud, daemon: Daemon, bucket: Bucket) -> None:
    """Somebody lets everyone read the objects; wait until the daemon has counted it as exempt."""
    before = await daemon.metric("s3warden_exempt_exposed_buckets")
    bucket.publish_by_policy()
    cloud.queues["events"].send(change(bucket, "PutBucketPolicy"))
    await daemon.until_metric("s3warden_exempt_exposed_buckets", before + 1)


async def test_an_accepted_leak_is_silent_and_pages_when_it_widens(
    cloud: FakeCloud, hook: Receiver, daemon: Daemon, directory: Path
) -> None:
    """It is counted and in no alert; the statement that goes beyond what was approved is named in the page."""
    (bucket,) = cloud.world.add("invented-assets")
    cloud.queue("events")
    written(directory, bucket.name, in_days(30))
    await start_with_baseline(daemon, hook)
    await opened(cloud, daemon, bucket)
    assert await daemon.metric("s3warden_exposed_buckets") == 0
    assert await daemon.metric("s3warden_rule_findings", rule_id=LEAK, status="exempt") == 1
    assert await daemon.metric("s3warden_exemptions", state="in_force") == 1
    assert heard(hook, bucket) == []
    document = json.loads(bucket.policy or "")
    document["Statement"].append({**document["Statement"][0], "Sid": "Upload", "Action": "s3:PutObject"})
    bucket.policy = json.dumps(document)
    cloud.queues["events"].send(change(bucket, "PutBucketPolicy"))
    await daemon.until(lambda: bool(heard(hook, bucket)), "the page")
    (alert,) = heard(hook, bucket)
    assert (alert["status"], alert["reason"], alert["live"]) == ("firing", "exemption_ended", True)
    (lapsed,) = alert["lapsed_exemptions"]
    assert "more is open than was approved: Anyone on the internet can put objects" in lapsed
    assert f"{bucket.name}.toml:1" in lapsed
    assert await daemon.metric("s3warden_exempt_exposed_buckets") == 0
    document["Statement"].pop()
    bucket.policy = json.dumps(document)
    cloud.queues["events"].send(change(bucket, "PutBucketPolicy"))
    await daemon.until(lambda: len(heard(hook, bucket)) > 1, "the end of the page")
    assert says(hook, bucket)[1:] == [("resolved", "exempted")]
    assert await daemon.stop() == 0
    assert daemon.complaints() == []


async def test_a_file_that_is_taken_away_pages_at_the_reload(
    cloud: FakeCloud, hook: Receiver, daemon: Daemon, directory: Path
) -> None:
    """And a file that is put back ends the page; a file that cannot be read changes nothing."""
    (bucket,) = cloud.world.add("invented-assets")
    cloud.queue("events")
    path = written(directory, bucket.name, in_days(30))
    await start_with_baseline(daemon, hook)
    await opened(cloud, daemon, bucket)
    good = path.read_text(encoding="utf-8")
    path.write_text(good + 'more = "x"\n', encoding="utf-8")
    daemon.signal(signal.SIGHUP)
    await daemon.until(lambda: bool(daemon.lines("settings_refused")), "the refusal")
    (line,) = daemon.lines("settings_refused")
    assert f"{path}:11: exemption[0].more: unknown field" in str(line["complaints"])
    assert heard(hook, bucket) == []
    path.unlink()
    daemon.signal(signal.SIGHUP)
    await daemon.until(lambda: bool(heard(hook, bucket)), "the page")
    assert says(hook, bucket) == [("firing", "exemption_ended")]
    assert "it was withdrawn" in heard(hook, bucket)[0]["lapsed_exemptions"][0]
    path.write_text(good, encoding="utf-8")
    daemon.signal(signal.SIGHUP)
    await daemon.until(lambda: len(heard(hook, bucket)) > 1, "the end of the page")
    assert says(hook, bucket)[1:] == [("resolved", "exempted")]
    assert heard(hook, bucket)[1]["exemption"]["ticket"] == "SEC-1"
    assert await daemon.stop() == 0


async def test_the_end_of_an_exemption_pages_by_itself(
    cloud: FakeCloud, hook: Receiver, daemon: Daemon, directory: Path
) -> None:
    """No event, no reload: the clock is enough; and nobody is told twice after a restart."""
    (bucket,) = cloud.world.add("invented-assets")
    cloud.queue("events")
    ends = datetime.now(UTC) + timedelta(seconds=25)
    written(directory, bucket.name, ends.isoformat(timespec="seconds"))
    await start_with_baseline(daemon, hook)
    await opened(cloud, daemon, bucket)
    assert heard(hook, bucket) == []
    await daemon.until(lambda: bool(heard(hook, bucket)), "the page", 60)
    assert datetime.now(UTC) >= ends.replace(microsecond=0)
    (alert,) = heard(hook, bucket)
    assert (alert["status"], alert["reason"]) == ("firing", "exemption_ended")
    assert "it ended at" in alert["lapsed_exemptions"][0]
    assert await daemon.metric("s3warden_exemptions", state="ended") == 1
    assert await daemon.stop() == 0
    await daemon.start()
    await daemon.until_ready()
    assert len(heard(hook, bucket)) == 1
    assert await daemon.stop() == 0
