"""Buckets that are opened by the AWS CLI in each way: closed, verified and told, and taken back to the letter."""

import asyncio
import copy
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from support.awscli import Cli
from support.cloud import ALL_ON, HOME, PUBLIC_READ, Bucket, FakeCloud, change, keys
from support.cloudtrail import DROP
from support.daemon import Daemon, Settings
from support.receivers import Receiver

STATEMENTS: list[dict[str, Any]] = [
    {"Sid": "App", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{HOME}:role/app"}, "Action": "s3:*"},
    {"Sid": "Open", "Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject"]},
]


@pytest.fixture
def settings(settings: Settings) -> dict[str, Any]:
    """What lets strangers in is closed without asking."""
    return {
        **settings,
        "fixes": [{"name": "leaks", "rules": ["bucket-public-effective"], "mode": "auto"}],
        "remediation": {"role_name": "s3warden-remediation"},
    }


@pytest.fixture
def cli(cloud: FakeCloud) -> Cli:
    """The AWS CLI of somebody in the account."""
    return Cli(cloud.url, keys())


async def _by_acl(cli: Cli, bucket: Bucket) -> str:
    await cli("s3api", "put-bucket-acl", "--bucket", bucket.name, "--acl", "public-read")
    return change(bucket, "PutBucketAcl")


async def _by_policy(cli: Cli, bucket: Bucket) -> str:
    statements = [{**each, "Resource": f"{bucket.arn}/*"} for each in STATEMENTS]
    text = json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=2)
    await cli("s3api", "put-bucket-policy", "--bucket", bucket.name, "--policy", text)
    return change(bucket, "PutBucketPolicy")


async def _by_its_block(cli: Cli, bucket: Bucket) -> str:
    await cli("s3api", "delete-public-access-block", "--bucket", bucket.name)
    return change(bucket, "DeleteBucketPublicAccessBlock")


async def _by_the_accounts_block(cli: Cli, bucket: Bucket) -> str:
    await cli("s3control", "delete-public-access-block", "--account-id", HOME)
    parameters = {"Host": f"{HOME}.s3-control.eu-west-1.amazonaws.com", "publicAccessBlock": ""}
    return change(bucket, "DeleteAccountPublicAccessBlock", requestParameters=parameters, resources=DROP)


Open = Callable[[Cli, Bucket], Awaitable[str]]


@pytest.mark.parametrize(
    ("opened_by", "hidden"),
    [
        pytest.param(_by_acl, None, id="acl"),
        pytest.param(_by_policy, None, id="policy"),
        pytest.param(_by_its_block, "bucket", id="block"),
        pytest.param(_by_the_accounts_block, "account", id="account block"),
    ],
)
async def test_an_opened_bucket_is_closed_told_and_taken_back(
    opened_by: Open, hidden: str | None, cloud: FakeCloud, hook: Receiver, daemon: Daemon, cli: Cli
) -> None:
    """Within two seconds of the message; then `undo` restores every setting to the letter."""
    (bucket,) = cloud.world.add("invented-ledger", users=[("friend", "READ")])
    if hidden is not None:
        bucket.grants.append(PUBLIC_READ)
        bucket.block = ALL_ON if hidden == "bucket" else None
        cloud.world.accounts[HOME] = ALL_ON if hidden == "account" else None
    queue = cloud.queue("events")
    await daemon.start()
    await daemon.until_ready()
    body = await opened_by(cli, bucket)
    opened, written = copy.deepcopy(bucket), len(cloud.written)
    before = len(hook.taken)
    began = time.monotonic()
    queue.send(body)
    await daemon.until(lambda: len(_about(hook, "alert.resolved")) == 1, "the end to be told")
    assert time.monotonic() - began < 2
    assert len(_about(hook, "alert.firing")) == 1
    assert len(hook.taken) - before >= 2
    assert bucket != opened
    assert bucket.users == opened.users
    (done,) = daemon.lines("remediation_ended")
    assert done["result"] == "fixed"
    assert len(cloud.written) - written == len(daemon.lines("step_written"))
    assert all("s3warden/" in each.user_agent for each in cloud.written[written:])

    await daemon.cli("undo", done["remediation_id"], "--yes")
    assert bucket == opened
    await daemon.until(lambda: len(_about(hook, "alert.firing")) == 2, "the leak to be told again")
    await daemon.until(lambda: bool(daemon.lines("remediation_held")), "the automation to leave it to people")
    await asyncio.sleep(1)
    assert bucket == opened
    assert await daemon.stop() == 0
    assert daemon.complaints() == []


def _about(hook: Receiver, kind: str) -> list[dict[str, Any]]:
    """The messages of one kind about the leak."""
    told = [request.json["data"] for request in hook.taken]
    rule = "bucket-public-effective"
    return [each for each in told if each["type"] == kind and any(a["rule_id"] == rule for a in each["alerts"])]
