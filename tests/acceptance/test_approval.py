"""Fixes that wait for people: links in the alert, the HTTP API, the command line, and the switch that stops all."""

import json
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from support.cloud import PUBLIC_READ, FakeCloud, change
from support.cloud.world import Bucket
from support.daemon import Daemon, Settings
from support.receivers import Receiver

ANN, BOB = "a" * 40, "b" * 40
API = "/api/v1/remediations"


@pytest.fixture
def settings(settings: Settings) -> dict[str, Any]:
    """Public ACL grants are removed once somebody agreed."""
    return {
        **settings,
        "fixes": [{"name": "acls", "rules": ["bucket-acl-*"], "mode": "approve"}],
        "remediation": {"role_name": "s3warden-remediation"},
        "approvals": {"base_url": "https://warden.example.com", "signing_key": "env:LINK_KEY"},
        "api_tokens": [{"name": "ann", "token": "env:ANN_TOKEN"}, {"name": "bob", "token": "env:BOB_TOKEN"}],
    }


async def leak(cloud: FakeCloud, daemon: Daemon) -> Bucket:
    """A bucket that somebody opens to everyone; the daemon holds its plan."""
    (bucket,) = cloud.world.add("invented-ledger")
    queue = cloud.queue("events")
    await daemon.start(LINK_KEY="k" * 40, ANN_TOKEN=ANN, BOB_TOKEN=BOB)
    await daemon.until_ready()
    bucket.grants.append(PUBLIC_READ)
    queue.send(change(bucket, "PutBucketAcl"))
    await daemon.until(lambda: bool(daemon.lines("remediation_held")), "the plan to be held")
    return bucket


async def call(daemon: Daemon, method: str, path: str, token: str = "", **more: Any) -> tuple[int, str]:
    """Status and body of a request to the daemon."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with (
        aiohttp.ClientSession() as client,
        client.request(method, f"{daemon.url}{path}", headers=headers, **more) as answer,
    ):
        return answer.status, await answer.text()


async def question(daemon: Daemon, hook: Receiver) -> dict[str, Any]:
    """The alert that asks people."""

    def asked() -> list[dict[str, Any]]:
        alerts = [alert for taken in hook.taken for alert in taken.json["data"]["alerts"]]
        return [alert for alert in alerts if alert["links"]]

    await daemon.until(lambda: bool(asked()), "the question")
    return asked()[-1]


async def test_a_link_in_the_alert_lets_the_fix_go_on(cloud: FakeCloud, hook: Receiver, daemon: Daemon) -> None:
    """Opening the link decides nothing; its button does, once; the end is told and everything is in the audit log."""
    bucket = await leak(cloud, daemon)
    alert = await question(daemon, hook)
    assert "PutBucketAcl" in alert["details"]["would_do"]
    approve, reject = (urlsplit(link["url"]) for link in alert["links"])
    page = f"{approve.path}?{approve.query}"
    for _ in range(2):
        status, text = await call(daemon, "GET", page)
        assert (status, "Approve this fix?" in text) == (200, True)
    assert bucket.grants == [PUBLIC_READ]
    form = {"link": approve.query.removeprefix("link=")}
    status, text = await call(daemon, "POST", approve.path, data=form)
    assert (status, "goes on now" in text) == (200, True)
    await daemon.until(lambda: bucket.grants == [], "the leak to be closed")
    await daemon.until(lambda: bool(daemon.lines("remediation_ended")), "the fix to end")
    status, text = await call(daemon, "POST", approve.path, data=form)
    assert (status, "used already" in text) == (410, True)
    status, _ = await call(daemon, "GET", f"{reject.path}?{reject.query}")
    assert status == 410
    (done,) = json.loads(await daemon.cli("remediations", "list", "--stage", "ended", "--format", "json"))
    assert (done["result"], done["approved_by"]) == ("fixed", ["link to hook"])
    assert "records hold together" in await daemon.cli("audit", "verify")
    kinds = [json.loads(line)["kind"] for line in (await daemon.cli("audit", "list")).splitlines()]
    assert [kind for kind in kinds if kind in ("held", "approved", "allowed", "written", "ended")] == [
        "held",
        "approved",
        "allowed",
        "written",
        "ended",
    ]
    assert daemon.complaints() == []


async def test_damaged_links_are_refused(cloud: FakeCloud, hook: Receiver, daemon: Daemon) -> None:
    """A link for another plan, a changed one, none at all: a page says so, and nothing happens."""
    bucket = await leak(cloud, daemon)
    approve = urlsplit((await question(daemon, hook))["links"][0]["url"])
    token = approve.query.removeprefix("link=")
    for wrong, status in ((token[:-2], 403), ("", 403), ("x" * 3000, 403)):
        assert (await call(daemon, "POST", approve.path, data={"link": wrong}))[0] == status
    assert (await call(daemon, "DELETE", approve.path))[0] == 405
    assert bucket.grants == [PUBLIC_READ]


async def test_the_api_wants_a_token_and_the_plan(cloud: FakeCloud, daemon: Daemon) -> None:
    """Who is there is known by the token; what is agreed to, by the digest of the plan."""
    bucket = await leak(cloud, daemon)
    for token in ("", "c" * 40, ANN[:-1]):
        assert (await call(daemon, "GET", API, token))[0] == 401
    status, text = await call(daemon, "GET", f"{API}?stage=held", ANN)
    (held,) = json.loads(text)["remediations"]
    assert (status, held["reason"]) == (200, "approval_needed")
    path = f"{API}/{held['id']}"
    assert json.loads((await call(daemon, "GET", path, ANN))[1])["plan"] == held["plan"]
    for body in ({}, {"plan": "0" * 64}, {"plan": held["plan"][:8]}):
        status, text = await call(daemon, "POST", f"{path}/approve", ANN, json=body)
        assert (status, json.loads(text)["ok"]) == (409, False)
    assert (await call(daemon, "POST", f"{path}/approve", ANN, data=b"\xff"))[0] == 409
    assert (await call(daemon, "POST", f"{path}/explode", ANN))[0] == 404
    assert (await call(daemon, "GET", f"{API}?stage=nonsense", ANN))[0] == 400
    assert bucket.grants == [PUBLIC_READ]
    status, text = await call(daemon, "POST", f"{path}/approve", ANN, json={"plan": held["plan"]})
    assert (status, json.loads(text)["ok"]) == (200, True)
    await daemon.until(lambda: bucket.grants == [], "the leak to be closed")


async def test_a_rejected_plan_stays_a_plan(cloud: FakeCloud, daemon: Daemon) -> None:
    """Somebody says no on the command line: nobody else's yes is enough as long as the no stands."""
    bucket = await leak(cloud, daemon)
    (held,) = json.loads(await daemon.cli("remediations", "list", "--format", "json"))
    told = await daemon.cli("remediations", "reject", held["id"], "--plan", held["plan"][:16])
    assert "will not be carried out" in told
    path = f"{API}/{held['id']}/approve"
    status, text = await call(daemon, "POST", path, BOB, json={"plan": held["plan"]})
    assert (status, "rejected it" in text) == (200, True)
    await daemon.until(
        lambda: any(line["reason"] == "rejected" for line in daemon.lines("remediation_held")), "the no to hold it"
    )
    assert bucket.grants == [PUBLIC_READ]


async def test_stop_holds_over_a_restart(cloud: FakeCloud, daemon: Daemon) -> None:
    """The switch by the API stops an approved fix; a restart does not turn it off, the command does."""
    bucket = await leak(cloud, daemon)
    assert (await call(daemon, "POST", f"{API}/stop", ANN))[0] == 200
    (held,) = json.loads(await daemon.cli("remediations", "list", "--format", "json"))
    await call(daemon, "POST", f"{API}/{held['id']}/approve", BOB, json={"plan": held["plan"]})
    await daemon.until(
        lambda: any(line["reason"] == "killed" for line in daemon.lines("remediation_held")), "the switch to hold it"
    )
    assert await daemon.stop() == 0
    await daemon.start(LINK_KEY="k" * 40, ANN_TOKEN=ANN, BOB_TOKEN=BOB)
    await daemon.until_ready()
    assert bucket.grants == [PUBLIC_READ]
    assert "go on" in await daemon.cli("remediations", "start")
    await daemon.until(lambda: bucket.grants == [], "the leak to be closed", 30)
