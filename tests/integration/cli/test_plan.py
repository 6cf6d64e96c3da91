"""`s3warden plan`, as a process, against an emulated AWS."""

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from s3warden.aws.meter import Meter
from s3warden.aws.session import SessionConfig, Sessions
from s3warden.telemetry.metrics import Metrics
from support.moto import CREDENTIALS, HOME_ACCOUNT, start_moto

REGION = "eu-west-1"
ARN = "arn:aws:s3:::open-data"
READ = {"Sid": "PublicRead", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{ARN}/*"}
SHARED = {**READ, "Sid": "Partner", "Principal": {"AWS": "arn:aws:iam::777788889999:root"}}
RULE = "bucket-public-effective"


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """The URL of an emulated AWS with a public bucket."""
    with start_moto() as url, pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        asyncio.run(_build(url))
        yield url


async def _build(url: str) -> None:
    config = SessionConfig(region=REGION, endpoint_url=url)
    async with Sessions(config, meter=Meter(Metrics(CollectorRegistry()))) as aws:
        await aws.identify()
        s3 = await aws.client("s3", region=REGION)
        await s3.create_bucket(Bucket="open-data", CreateBucketConfiguration={"LocationConstraint": REGION})
        await s3.put_bucket_policy(Bucket="open-data", Policy=_policy(READ, SHARED))
        await s3.put_object(Bucket="open-data", Key="shut.txt", Body=b"x")
        await s3.put_object(Bucket="open-data", Key="open.txt", Body=b"x", ACL="public-read")


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


async def plan(moto: str, tmp_path: Path, *arguments: str) -> tuple[int, str, str]:
    """Run the command; gives its exit code and what it printed."""
    config = tmp_path / "config.toml"
    config.write_text(
        f'[aws]\nregion = "{REGION}"\nendpoint_url = "{moto}"\n[accounts]\nids = ["{HOME_ACCOUNT}"]\n'
        f'regions = ["{REGION}"]\n[rules]\nenable = ["{RULE}", "account-public-access-block", "bucket-name"]\n'
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "s3warden", "plan", *arguments, "--config", str(config),
        env=os.environ | CREDENTIALS | {"AWS_EC2_METADATA_DISABLED": "true"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 90)
    return process.returncode or 0, out.decode(), err.decode()


async def test_change_is_shown_with_what_it_does(moto: str, tmp_path: Path) -> None:
    """The statement that goes, and that nobody who is named loses by it."""
    code, out, err = await plan(moto, tmp_path, "open-data")
    assert (code, err) == (0, "")
    assert out.startswith(f"bucket open-data (account {HOME_ACCOUNT}, {REGION}): {RULE}\n")
    assert "public (read) now, private afterwards" in out
    assert "cut off  nobody who is known" in out
    assert '-        "Sid": "PublicRead"' in out
    assert "Partner" not in out.split("1. ")[0]


async def test_whole_estate_and_its_accounts(moto: str, tmp_path: Path) -> None:
    """Without a name every guarded account and bucket is planned; as JSON with exact calls."""
    code, out, err = await plan(moto, tmp_path, "--format", "json")
    assert (code, err) == (0, "")
    found: list[dict[str, Any]] = json.loads(out)
    assert {each["rule_id"] for each in found} == {RULE, "account-public-access-block"}
    [closing] = [each for each in found if each["rule_id"] == RULE]
    assert closing["steps"][0]["call"]["parameters"]["Policy"] == _policy(SHARED)


async def test_other_forms_and_a_single_rule(moto: str, tmp_path: Path) -> None:
    """Commands and code; a rule that is not enabled may be asked for by name."""
    code, out, _ = await plan(moto, tmp_path, "open-data", "--rule", RULE, "--format", "cli")
    assert code == 0
    assert "aws s3api put-bucket-policy \\\n" in out
    assert "# To take it back:" in out
    code, out, _ = await plan(moto, tmp_path, "open-data", "--rule", "bucket-versioning", "--format", "terraform")
    assert code == 0
    assert 'resource "aws_s3_bucket_versioning" "open-data" {' in out
    code, out, _ = await plan(
        moto, tmp_path, "open-data", "--rule", "bucket-name", "--account", HOME_ACCOUNT, "--region", REGION
    )
    assert (code, out) == (0, "Nothing to change.\n")


async def test_what_is_wrong_and_not_planned_has_its_reason(moto: str, tmp_path: Path) -> None:
    """In a line, with a stable code at its end."""
    code, out, _ = await plan(moto, tmp_path, "open-data", "--rule", "bucket-access-logging")
    assert code == 0
    assert out.splitlines()[0].endswith("(no_log_bucket)")


@pytest.mark.parametrize(
    ("arguments", "code"), [(("no-such-bucket",), 1), (("open-data", "--rule", "no-such-rule"), 2)]
)
async def test_what_is_not_there_is_an_error(moto: str, tmp_path: Path, arguments: tuple[str, ...], code: int) -> None:
    """One line on standard error, no traceback."""
    exit_code, out, err = await plan(moto, tmp_path, *arguments)
    assert (exit_code, out) == (code, "")
    assert arguments[-1] in err
    assert "Traceback" not in err


async def test_object_that_its_acl_makes_public(moto: str, tmp_path: Path) -> None:
    """By its key; what strangers were granted goes, and nothing else."""
    code, out, _ = await plan(moto, tmp_path, "open-data", "--object", "open.txt", "--format", "json")
    assert code == 0
    [found] = json.loads(out)
    [step] = found["steps"]
    assert step["attribute"] == "object_acl:open.txt"
    assert [grant["Permission"] for grant in step["call"]["parameters"]["AccessControlPolicy"]["Grants"]] == [
        "FULL_CONTROL"
    ]
    code, out, _ = await plan(moto, tmp_path, "open-data", "--object", "shut.txt")
    assert (code, out.splitlines()[0][-12:]) == (0, "(not_needed)")
    code, _, err = await plan(moto, tmp_path, "--object", "open.txt")
    assert code == 2
    assert "name the bucket" in err
