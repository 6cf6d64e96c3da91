"""`s3warden exemptions list` beside a daemon's store."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from prometheus_client import CollectorRegistry
from typer.testing import CliRunner, Result

from s3warden.cli.exemptions import app
from s3warden.detect.exemptions.decision import carried
from s3warden.model.finding import ChangeKind
from s3warden.store.store import Store
from s3warden.telemetry.metrics import Metrics
from support.alerts import change, finding
from support.exempting import exemption

TODAY = datetime.now(UTC).date()


def _written(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / f"{name}.toml").write_text(
            f"""\
[[exemption]]
id = "{name}"
rules = ["bucket-versioning"]
owner = "team-web"
reason = "agreed"
ticket = "SEC-1"
approved_at = {TODAY}
expires = {TODAY + timedelta(days=30)}
scope = {{ buckets = ["*"] }}
""",
            encoding="utf-8",
        )
    return folder


async def test_list_counts_what_each_holds_back(tmp_path: Path) -> None:
    """From the store of the daemon, which runs meanwhile; what holds back nothing is unused."""
    folder = tmp_path / "exemptions"
    folder.mkdir()
    config = tmp_path / "config.toml"
    url = f"sqlite:///{tmp_path}/s3warden.db"
    config.write_text(
        f'[exemptions]\ndirectory = "{_written(folder, "assets", "idle")}"\n[store]\nurl = "{url}"\n', encoding="utf-8"
    )
    held = finding(exempt=carried(exemption("assets")))

    def listed() -> Result:
        return CliRunner().invoke(app, ["list", "--config", str(config), "--format", "json"])

    async with await Store.open(url, metrics=Metrics(CollectorRegistry())) as store:
        await store.commit([change(ChangeKind.OPENED, held), change(ChangeKind.OPENED, finding("other"))], ())
        result = await asyncio.to_thread(listed)
    assert result.exit_code == 0
    rows = {row["id"]: (row["state"], row["findings"]) for row in json.loads(result.stdout)}
    assert rows["assets"] == ("in force", 1)
    assert rows["idle"] == ("unused", 0)
    assert rows["preset-cloudtrail"] == ("built in", 0)
