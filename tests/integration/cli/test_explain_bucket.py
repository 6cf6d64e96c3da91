"""`s3warden explain bucket`, as a process, against an emulated AWS."""

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from s3warden.aws.meter import Meter
from s3warden.aws.session import SessionConfig, Sessions
from s3warden.telemetry.metrics import Metrics
from support.moto import CREDENTIALS, HOME_ACCOUNT, start_moto

REGION = "eu-west-1"
OTHER = "444455556666"
ARN = "arn:aws:s3:::open-data"
READ = {"Sid": "PublicRead", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{ARN}/*"}
SHARED = {
    "Sid": "Partner",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::777788889999:root"},
    "Action": "s3:ListBucket",
    "Resource": ARN,
}


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """The URL of an emulated AWS with a public bucket in another account and a private one at home."""
    with start_moto() as url, pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        asyncio.run(_build(url))
        yield url


async def _build(url: str) -> None:
    config = SessionConfig(region=REGION, endpoint_url=url)
    async with Sessions(config, meter=Meter(Metrics(CollectorRegistry()))) as aws:
        await aws.identify()
        where = {"LocationConstraint": REGION}
        s3 = await aws.client("s3", region=REGION, account=OTHER)
        await s3.create_bucket(Bucket="open-data", CreateBucketConfiguration=where)
        policy = json.dumps({"Version": "2012-10-17", "Statement": [READ, SHARED]})
        await s3.put_bucket_policy(Bucket="open-data", Policy=policy)
        home = await aws.client("s3", region=REGION)
        await home.create_bucket(Bucket="shut-data", CreateBucketConfiguration=where)


async def explain(moto: str, tmp_path: Path, *arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of the command."""
    config = tmp_path / "config.toml"
    config.write_text(
        f'[aws]\nregion = "{REGION}"\nendpoint_url = "{moto}"\n[accounts]\nids = ["{HOME_ACCOUNT}", "{OTHER}"]\n'
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "s3warden", "explain", "bucket", *arguments, "--config", str(config),
        env=os.environ | CREDENTIALS | {"AWS_EC2_METADATA_DISABLED": "true"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, out.decode(), err.decode()


async def test_verdict_is_printed_with_proof(moto: str, tmp_path: Path) -> None:
    """The bucket is found in whichever account has it; request, statement and rules are told."""
    code, out, err = await explain(moto, tmp_path, "open-data")
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == f"open-data (account {OTHER}, {REGION}): PUBLIC to anyone: read, via policy"
    assert f"s3:GetObject on {ARN}/any-object by anyone, unsigned" in out
    assert "statement 0 (PublicRead)" in out
    assert "fail critical   bucket-public-effective: Anyone on the internet can read objects" in out


async def test_json_has_the_keys_of_the_vectors_and_proof(moto: str, tmp_path: Path) -> None:
    """For machines: the same document as for a file, with AWS's own status, every rule and what would close it."""
    code, out, _ = await explain(moto, tmp_path, "open-data", "--format", "json", "--what-if", "--account", OTHER)
    found: dict[str, Any] = json.loads(out)
    assert code == 0
    assert (found["id"], found["account"], found["region"]) == ("open-data", OTHER, REGION)
    assert (found["public"], found["public_actions"], found["via"]) == (True, ["read"], ["policy"])
    assert found["cross_account"] == ["777788889999"]
    assert found["witnesses"][0]["granted_by"] == ["statement 0 (PublicRead)"]
    assert found["smallest_change"]["change"] == ["remove statement 0 (PublicRead)"]
    assert found["smallest_change"]["cuts_off"] == []
    verdicts = {rule["rule_id"]: rule["verdict"] for rule in found["rules"]}
    assert verdicts["bucket-public-effective"] == verdicts["bucket-cross-account-access"] == "fail"


async def test_what_moves_severities_and_holds_findings_back_is_shown(moto: str, tmp_path: Path) -> None:
    """The circumstances with what tells them, the reasons under a finding, and the exemption by which it stands."""
    today = datetime.now(UTC).date()
    accepted = tmp_path / "accepted"
    accepted.mkdir()
    (accepted / "a.toml").write_text(
        f"""\
[[exemption]]
id = "agreed"
rules = ["bucket-public-effective"]
owner = "team-web"
reason = "meant for everybody"
ticket = "SEC-1"
approved_at = {today}
expires = {today + timedelta(days=30)}
scope = {{ arns = ["{ARN}"] }}
approved = {{ public = ["s3:GetObject"] }}
""",
        encoding="utf-8",
    )
    environ = {"S3WARDEN_EXEMPTIONS__DIRECTORY": str(accepted), "S3WARDEN_SEVERITY__SENSITIVE_NAMES": "open-*"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environ.items():
            patch.setenv(name, value)
        code, out, _ = await explain(moto, tmp_path, "open-data")
        _, text, _ = await explain(moto, tmp_path, "open-data", "--format", "json")
    lines = out.splitlines()
    assert code == 0
    context = lines.index("context")
    assert lines[context + 1 : context + 4] == [
        "  exposure     public",
        "  data         sensitive (the name open-data)",
        "  environment  any",
    ]
    leak = next(n for n, line in enumerate(lines) if "bucket-public-effective:" in line)
    assert lines[leak + 1].strip() == "severity: critical by itself; sensitive data: the name open-data (+1)"
    assert lines[leak + 2].strip().startswith("exempt by agreed until ")
    document = json.loads(text)
    assert document["context"]["sensitivity"] == "sensitive"
    rules = {rule["rule_id"]: rule for rule in document["rules"]}
    assert rules["bucket-public-effective"]["exemption"]["id"] == "agreed"
    assert rules["bucket-cross-account-access"]["severity"] == "critical"
    assert rules["bucket-cross-account-access"]["base_severity"] == "high"


async def test_private_bucket_is_told_as_such(moto: str, tmp_path: Path) -> None:
    """Named by account and region, nothing is listed."""
    code, out, _ = await explain(moto, tmp_path, "shut-data", "--account", HOME_ACCOUNT, "--region", REGION)
    assert code == 0
    assert out.startswith(f"shut-data (account {HOME_ACCOUNT}, {REGION}): not public")


@pytest.mark.parametrize("place", [(), ("--account", HOME_ACCOUNT, "--region", REGION)])
async def test_bucket_that_is_not_there_is_an_error(moto: str, tmp_path: Path, place: tuple[str, ...]) -> None:
    """One line on standard error, and exit code 1."""
    code, out, err = await explain(moto, tmp_path, "no-such-bucket", *place)
    assert (code, out) == (1, "")
    assert "no-such-bucket" in err
    assert "Traceback" not in err
