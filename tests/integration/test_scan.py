"""`s3warden scan` as a process over two emulated accounts, with a proxy that locks and throttles."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from s3warden.aws.session import SessionConfig, Sessions
from support.faults import FaultProxy, Rule
from support.moto import CREDENTIALS, HOME_ACCOUNT, reset_moto, start_moto

REGION = "eu-west-1"
OTHER = "444455556666"
BLOCK = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
RULES = "bucket-acl-public-read,bucket-versioning,account-public-access-block"


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """The URL of an emulated AWS."""
    with start_moto() as url:
        yield url


@pytest.fixture
async def proxy(moto: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FaultProxy]:
    """A fresh AWS behind a proxy: each account has its block and one sound bucket."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    reset_moto(moto)
    async with FaultProxy(moto) as running:
        await _account(running.url, HOME_ACCOUNT, "home-data")
        await _account(running.url, OTHER, "other-data")
        running.seen.clear()
        yield running


async def _account(url: str, account: str, *buckets: str) -> None:
    async with Sessions(SessionConfig(region=REGION, endpoint_url=url)) as sessions:
        s3 = await sessions.client("s3", account=account)
        for name in buckets:
            await s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
            await s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        control = await sessions.client("s3control", account=account)
        await control.put_public_access_block(AccountId=account, PublicAccessBlockConfiguration=BLOCK)


async def scan(proxy: FaultProxy, *words: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "S3WARDEN_"))}
    environment = (
        clean
        | CREDENTIALS
        | {
            "AWS_EC2_METADATA_DISABLED": "true",
            "S3WARDEN_AWS__ENDPOINT_URL": proxy.url,
            "S3WARDEN_AWS__REGION": REGION,
            "S3WARDEN_ACCOUNTS__IDS": f"{HOME_ACCOUNT},{OTHER}",
            "S3WARDEN_RULES__ENABLE": RULES,
        }
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "s3warden", "scan", *words),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def document(proxy: FaultProxy) -> tuple[int, Any]:
    """Exit code and result."""
    code, out, err = await scan(proxy, "--format", "json")
    assert err == ""
    return code, json.loads(out)


async def test_two_sound_accounts(proxy: FaultProxy) -> None:
    """Both are read, each as itself, and nothing is wrong."""
    code, found = await document(proxy)
    assert (code, found["findings"], found["complete"]) == (0, [], True)
    assert (found["accounts"], found["buckets"], found["coverage"]["checks"]) == (2, 2, 6)
    assert proxy.count("AssumeRole", text=OTHER) == 1


async def test_a_leak_is_found_in_the_account_it_is_in(proxy: FaultProxy) -> None:
    """With 3, in a table that names bucket and account."""
    await _open(proxy)
    code, out, err = await scan(proxy)
    assert (code, err) == (3, "")
    [row] = [line for line in out.splitlines() if "open-house" in line]
    assert row.split()[:4] == ["live", "critical", OTHER, "open-house"]


async def _open(proxy: FaultProxy) -> None:
    await _account(proxy.url, OTHER, "open-house")
    proxy.answer("GetPublicAccessBlock", status=200, body=_blocked("false"), account=OTHER)
    proxy.answer("GetBucketAcl", body=_PUBLIC, bucket="open-house")
    proxy.answer("GetBucketOwnershipControls", body=_WRITER, bucket="open-house")


def _blocked(value: str) -> bytes:
    flags = "".join(f"<{name}>{value}</{name}>" for name in BLOCK)
    return f"<PublicAccessBlockConfiguration>{flags}</PublicAccessBlockConfiguration>".encode()


_PUBLIC = b"""<AccessControlPolicy><Owner><ID>o</ID></Owner><AccessControlList><Grant>
<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group">
<URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee><Permission>READ</Permission>
</Grant></AccessControlList></AccessControlPolicy>"""
_WRITER = b"<OwnershipControls><Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule></OwnershipControls>"


async def test_a_bucket_that_cannot_be_read_is_unknown(proxy: FaultProxy) -> None:
    """Listed with its cause, and told with 4: never green."""
    proxy.deny("GetBucket*", bucket="other-data", message="denied with an explicit deny in a service control policy")
    code, found = await document(proxy)
    assert (code, found["complete"]) == (4, False)
    assert {(f["bucket"], f["rule_id"], f["verdict"], f["cause"]) for f in found["findings"]} == {
        ("other-data", "bucket-acl-public-read", "unknown", "scp"),
        ("other-data", "bucket-versioning", "unknown", "scp"),
    }
    assert found["coverage"] == {"checks": 6, "unknown": 2, "unknown_by_cause": {"scp": 2}}


async def test_an_account_block_that_cannot_be_read_lets_no_bucket_pass(proxy: FaultProxy) -> None:
    """Whether a grant works is unknown there, for all buckets of that account and for none of the other's."""
    await _open(proxy)
    # Only the account's: the bucket's own block is another operation of the same name.
    proxy.rules[0] = Rule("GetPublicAccessBlock", bucket="", account=OTHER, status=403, code="AccessDenied")
    code, found = await document(proxy)
    assert code == 4
    assert {(f["bucket"], f["rule_id"], f["verdict"]) for f in found["findings"]} == {
        (None, "account-public-access-block", "unknown"),
        ("open-house", "bucket-acl-public-read", "unknown"),
        ("other-data", "bucket-acl-public-read", "unknown"),
    }


async def test_an_account_out_of_reach_does_not_stop_the_other(proxy: FaultProxy) -> None:
    """It is named as a gap."""
    proxy.fail("AssumeRole", code="AccessDenied", text=OTHER)
    code, found = await document(proxy)
    assert code == 4
    assert found["failures"] == [f"account {OTHER}: assume_role"]
    assert found["buckets"] == 1


async def test_a_throttled_bucket_is_read_in_the_end(proxy: FaultProxy) -> None:
    """A few refusals cost time, not truth."""
    proxy.throttle("GetBucketVersioning", times=2)
    code, found = await document(proxy)
    assert (code, found["findings"]) == (0, [])


async def test_a_report_by_control_of_one_account(proxy: FaultProxy, tmp_path: Path) -> None:
    """Only that account is read, and the block that all its buckets are under maps to one control that fails."""
    await _account(proxy.url, OTHER, "open-house")
    proxy.answer("GetPublicAccessBlock", status=200, body=_blocked("false"), account=OTHER)
    proxy.seen.clear()
    path = tmp_path / "report.json"
    words = ("--framework", "cis-5.0", "--rules", "access", "--account", OTHER, "--format", "json", "-o", str(path))
    code, out, err = await scan(proxy, *words)
    assert (code, out, err) == (3, "", "")
    found = json.loads(path.read_text())
    (row,) = [each for each in found["framework"]["controls"] if each["id"] == "2.1.4"]
    counts = row["counts"]
    # One account and two buckets, none of which has a block of its own.
    assert (counts["fail"], counts["pass"] + counts["not_applicable"], counts["unknown"]) == (3, 0, 0)
    assert {each["bucket"] for each in row["concerned"]} == {None, "other-data", "open-house"}
    assert {each["account"] for each in found["findings"]} == {OTHER}
    assert not proxy.count("GetPublicAccessBlock", account=HOME_ACCOUNT)
