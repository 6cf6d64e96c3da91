"""An object that is opened by its own ACL: S3's event of it, then closed, verified, told, and taken back."""

import asyncio
import copy
import json
import time
from typing import Any

import pytest

from support.awscli import Cli
from support.cloud import HOME, Bucket, FakeCloud, StoredObject, keys, object_acl_updated
from support.daemon import Daemon, Settings
from support.receivers import Receiver

RULE = "bucket-object-acl-public"
KEY = "reports/q1 ü.csv"


@pytest.fixture
def settings(settings: Settings) -> dict[str, Any]:
    """The fix of public objects, where a test asks for it."""
    return {
        **settings,
        "fixes": [{"name": "objects", "rules": [RULE], "mode": "auto"}],
        "remediation": {"role_name": "s3warden-remediation"},
    }


@pytest.fixture
def cli(cloud: FakeCloud) -> Cli:
    """The AWS CLI of somebody in the account."""
    return Cli(cloud.url, keys())


async def opened(cloud: FakeCloud, cli: Cli) -> Bucket:
    """A bucket with an object that the AWS CLI has just opened to everyone, beside a friend."""
    (bucket,) = cloud.world.add("invented-ledger")
    bucket.objects[KEY] = StoredObject(users=[("friend", "READ")])
    bucket.objects["other"] = StoredObject(users=[("friend", "READ")])
    who = [
        ({"Type": "CanonicalUser", "ID": HOME}, "FULL_CONTROL"),
        ({"Type": "CanonicalUser", "ID": "friend"}, "READ"),
        ({"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"}, "READ"),
    ]
    grants = [{"Grantee": grantee, "Permission": permission} for grantee, permission in who]
    acl = json.dumps({"Owner": {"ID": HOME}, "Grants": grants})
    await cli("s3api", "put-object-acl", "--bucket", bucket.name, "--key", KEY, "--access-control-policy", acl)
    return bucket


async def test_an_opened_object_is_closed_told_and_taken_back(
    cloud: FakeCloud, hook: Receiver, daemon: Daemon, cli: Cli
) -> None:
    """Within two seconds of the message; then `undo` restores its ACL to the letter."""
    queue = cloud.queue("events")
    bucket = await opened(cloud, cli)
    before = copy.deepcopy(bucket)
    await daemon.start()
    await daemon.until_ready()
    assert cloud.calls["GetObjectAcl"] == 0
    began = time.monotonic()
    queue.send(object_acl_updated(bucket, KEY))
    await daemon.until(lambda: len(_about(hook, "alert.resolved")) == 1, "the end to be told")
    assert time.monotonic() - began < 2
    (told,) = _about(hook, "alert.firing")
    assert KEY in str(told)
    assert bucket.objects[KEY] == StoredObject(users=[("friend", "READ")])
    (done,) = daemon.lines("remediation_ended")
    assert done["result"] == "fixed"

    await daemon.cli("undo", done["remediation_id"], "--yes")
    assert bucket == before
    await daemon.until(lambda: len(_about(hook, "alert.firing")) == 2, "the leak to be told again")
    await daemon.until(lambda: bool(daemon.lines("remediation_held")), "the automation to leave it to people")
    await asyncio.sleep(1)
    assert bucket == before
    assert await daemon.stop() == 0
    assert daemon.complaints() == []


def _about(hook: Receiver, kind: str) -> list[dict[str, Any]]:
    """The messages of one kind about the object."""
    told = [request.json["data"] for request in hook.taken]
    return [each for each in told if each["type"] == kind and any(a["rule_id"] == RULE for a in each["alerts"])]


class TestWithoutAFix:
    """What is known of an object over a restart."""

    @pytest.fixture
    def settings(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Nothing is mended."""
        return {**settings, "fixes": []}

    async def test_a_restart_keeps_the_finding_until_the_object_is_closed(
        self, cloud: FakeCloud, hook: Receiver, daemon: Daemon, cli: Cli
    ) -> None:
        """The sweep at the start reads the object again by the finding's evidence, and tells nobody twice."""
        queue = cloud.queue("events")
        bucket = await opened(cloud, cli)
        await daemon.start()
        await daemon.until_ready()
        queue.send(object_acl_updated(bucket, KEY))
        await daemon.until(lambda: len(_about(hook, "alert.firing")) == 1, "the leak to be told")
        assert await daemon.stop() == 0
        asked = cloud.calls["GetObjectAcl"]
        await daemon.start()
        await daemon.until_ready()
        await daemon.until(lambda: cloud.calls["GetObjectAcl"] > asked, "the object to be read again")
        await daemon.until(lambda: bool(daemon.lines("sweep_judged")), "the sweep to end")
        assert _about(hook, "alert.resolved") == []
        bucket.objects[KEY].grants.clear()
        queue.send(object_acl_updated(bucket, KEY))
        await daemon.until(lambda: len(_about(hook, "alert.resolved")) == 1, "the end to be told")
        assert len(_about(hook, "alert.firing")) == 1
        assert await daemon.stop() == 0
