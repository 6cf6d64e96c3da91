"""How many calls to AWS a sweep makes: what other readings tell is not asked, and nothing is asked twice."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest

from s3warden.settings.sections import Settings
from support.cloud import FakeCloud
from support.cloud.server import keys

BUCKETS = 100
# Of a hundred buckets: those with ACLs enabled, without a policy, with one that only denies, never versioned.
WITH_ACLS, NO_POLICY, DENY_ONLY, UNVERSIONED = 30, 42, 35, 31
# The goal of a cold sweep with the default rules, all calls counted.
GOAL = 11.0


@pytest.fixture
async def cloud() -> AsyncIterator[FakeCloud]:
    """An estate of which the settings are mixed like those of a large one."""
    async with FakeCloud() as running:
        for at, bucket in enumerate(running.world.add(*(f"invented-{at:03}" for at in range(BUCKETS)))):
            bucket.ownership = "ObjectWriter" if at < WITH_ACLS else "BucketOwnerEnforced"
            bucket.versioning = "" if at % 100 < UNVERSIONED else "Enabled"
            if at >= BUCKETS - DENY_ONLY:
                bucket.policy = _policy(bucket.arn, "Deny")
            elif at >= NO_POLICY:
                bucket.policy = _policy(bucket.arn, "Allow")
        yield running


def _policy(arn: str, effect: str) -> str:
    principal = "*" if effect == "Deny" else {"AWS": "arn:aws:iam::700000000001:role/reader"}
    statement = {"Effect": effect, "Principal": principal, "Action": "s3:GetObject", "Resource": f"{arn}/*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


async def scan(cloud: FakeCloud, enable: str) -> Any:
    """What one sweep with these rules prints, as a process of its own."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "S3WARDEN_"))}
    own = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/nonexistent", "AWS_ENDPOINT_URL": cloud.url}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "s3warden", "scan", "--format", "json"),
        env=clean | own | keys() | {"S3WARDEN_RULES__ENABLE": enable},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    return json.loads(out)


async def test_a_cold_sweep_keeps_to_its_budget(cloud: FakeCloud) -> None:
    """With the default rules a bucket costs at most eleven calls, and each is made at most once a bucket."""
    report = await scan(cloud, "default")
    assert (report["buckets"], report["failures"]) == (BUCKETS, [])
    assert cloud.calls.total() / BUCKETS <= GOAL
    reads = {name: count for name, count in cloud.calls.items() if name.startswith("Get")}
    # The account's own block goes by the same name as that of a bucket.
    reads["GetPublicAccessBlock"] -= 1
    assert max(reads.values()) == BUCKETS


async def test_a_sweep_asks_nothing_that_follows(cloud: FakeCloud) -> None:
    """ACLs where they count, the status of policies that allow something, copies and locks of versioned buckets."""
    await scan(cloud, "all")
    assert cloud.calls["GetBucketAcl"] == WITH_ACLS
    assert cloud.calls["GetBucketPolicyStatus"] == BUCKETS - NO_POLICY - DENY_ONLY
    assert cloud.calls["GetBucketReplication"] == BUCKETS - UNVERSIONED
    assert cloud.calls["GetObjectLockConfiguration"] == BUCKETS - UNVERSIONED


async def test_what_hides_behind_a_refusal_is_asked(cloud: FakeCloud) -> None:
    """Without the ownership of a bucket its ACL is read; without its versioning, what versioning would rule out."""
    cloud.deny("GetBucketOwnershipControls")
    cloud.deny("GetBucketVersioning")
    await scan(cloud, "all")
    assert cloud.calls["GetBucketAcl"] == BUCKETS
    assert cloud.calls["GetBucketReplication"] == BUCKETS
    assert cloud.calls["GetObjectLockConfiguration"] == BUCKETS


def test_the_default_rules_are_the_default() -> None:
    """Who says nothing gets the rules whose calls are counted here."""
    assert Settings().rules.enable == ("default",)
