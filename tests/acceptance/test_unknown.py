"""What cannot be read is never green: a sweep in which every twentieth read is refused."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from support.books import start_with_baseline
from support.cloud import ALL_ON, HOME, FakeCloud, keys
from support.daemon import Daemon, Settings, clean_environment
from support.receivers import Receiver

BUCKETS = 100
# What the rules below read of a bucket, and which of them is in doubt where that is refused.
RULES = {
    "bucket-default-encryption": "GetBucketEncryption",
    "bucket-versioning": "GetBucketVersioning",
    "bucket-required-tags": "GetBucketTagging",
    "bucket-access-logging": "GetBucketLogging",
    "bucket-acls-disabled": "GetBucketOwnershipControls",
}
SHARE = 0.05


def _doubtful(cloud: FakeCloud) -> set[tuple[str, str]]:
    """Rule and bucket of all checks that cannot be decided."""
    return {
        (rule, bucket)
        for bucket in cloud.world.buckets
        for rule, operation in RULES.items()
        if cloud.is_denied(operation, bucket)
    }


def _with_denied_reads(cloud: FakeCloud) -> set[tuple[str, str]]:
    """Make a clean estate and refuse a share of its reads."""
    cloud.world.accounts[HOME] = ALL_ON
    cloud.world.add(*(f"ledger-{number:03d}" for number in range(BUCKETS)), ownership="BucketOwnerEnforced")
    cloud.deny_share(SHARE)
    doubtful = _doubtful(cloud)
    assert 10 < len(doubtful) < 50
    return doubtful


async def _scan(folder: Path, settings: Settings) -> tuple[int, dict[str, Any]]:
    """Run `s3warden scan`; its exit code and its report."""
    # Writing the settings is all that is wanted of it.
    config = Daemon(folder, settings).config
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "s3warden", "scan", "--config", str(config), "--format", "json"),
        env=clean_environment() | keys(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, complaint = await process.communicate()
    assert process.returncode is not None
    assert out, complaint.decode()
    return process.returncode, json.loads(out)


async def test_a_scan_reports_each_refused_read_as_unknown(
    cloud: FakeCloud, settings: Settings, tmp_path: Path
) -> None:
    """Exactly the checks whose read was refused are unknown, with the cause; the exit code says incomplete."""
    doubtful = _with_denied_reads(cloud)
    code, report = await _scan(tmp_path, {**settings, "rules": {"enable": list(RULES)}})
    found = {(f["rule_id"], f["bucket"]): (f["verdict"], f["cause"]) for f in report["findings"]}
    assert found == dict.fromkeys(doubtful, ("unknown", "denied"))
    assert report["coverage"]["unknown"] == len(doubtful)
    assert report["coverage"]["checks"] == BUCKETS * len(RULES)
    assert report["coverage"]["unknown_by_cause"] == {"denied": len(doubtful)}
    assert not report["complete"]
    assert code == 4


async def test_a_finding_beside_the_unknown_decides_the_exit_code(
    cloud: FakeCloud, settings: Settings, tmp_path: Path
) -> None:
    """What is known to be wrong beats what is not known."""
    doubtful = _with_denied_reads(cloud)
    name = next(bucket for bucket in cloud.world.buckets if not cloud.is_denied("GetBucketVersioning", bucket))
    cloud.world.buckets[name].versioning = "Suspended"
    code, report = await _scan(tmp_path, {**settings, "rules": {"enable": list(RULES)}})
    assert code == 3
    assert [f["bucket"] for f in report["findings"] if f["verdict"] == "fail"] == [name]
    assert report["coverage"]["unknown"] == len(doubtful)


async def test_a_clean_estate_that_was_read_in_full_is_green(
    cloud: FakeCloud, settings: Settings, tmp_path: Path
) -> None:
    """The same estate without refusals: nothing found, exit code 0."""
    _with_denied_reads(cloud)
    cloud.deny_share(0.0)
    code, report = await _scan(tmp_path, {**settings, "rules": {"enable": list(RULES)}})
    assert (code, report["findings"], report["complete"]) == (0, [], True)


async def test_the_daemon_tells_how_much_it_does_not_know(
    cloud: FakeCloud, hook: Receiver, daemon: Daemon, settings: Settings
) -> None:
    """The digest of its first sweep has the same figures, and none of the unknown checks is told as fine or failed."""
    doubtful = _with_denied_reads(cloud)
    cloud.queue("events")
    daemon.write({**settings, "rules": {"enable": list(RULES)}})
    await start_with_baseline(daemon, hook)
    digest = hook.taken[0].json["data"]["digest"]
    assert digest["coverage"]["checks_unknown"] == len(doubtful)
    assert digest["coverage"]["unknown_by_cause"] == {"denied": len(doubtful)}
    assert digest["rules"] == []
    assert await daemon.stop() == 0
    assert daemon.complaints() == []
