"""Every reason for which the guard stops a fix, with the daemon: in the log, the store, a metric, the command line.

Where people are told, in the message as well. Each table below is worked off by the test after it, and together they
have every reason there is.
"""

import json
import signal
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from s3warden.correct.guard import Stop
from s3warden.model.remediation import Remediation, Stage
from s3warden.store.journal import Filter
from s3warden.store.visit import Visit
from support.cloud import PUBLIC_READ, TAGS, FakeCloud, change
from support.daemon import Daemon, Settings
from support.receivers import Receiver

RULE = "bucket-public-effective"
VERSIONING = "bucket-versioning"
ENCRYPTION = "bucket-default-encryption"
ROLE = {"role_name": "s3warden-remediation"}


@dataclass(frozen=True)
class Hold:
    """A fix of `bucket` that is held for `stop`, and what its sentence says. `told`: people get a message of it."""

    bucket: str
    stop: Stop
    says: str
    rule: str = RULE
    told: bool = False


BY_SETTINGS = (
    Hold("plan-a", Stop.PLAN_ONLY, "The row plan asks for plans only. To mend it by hand: s3warden plan plan-a --rule"),
    Hold("approve-a", Stop.APPROVAL_NEEDED, "The row approve asks people first. 1 must approve it, 0 did", told=True),
    Hold("off-a", Stop.MODE_OFF, "The row off switches fixes off here. To mend it by hand: s3warden plan off-a"),
    Hold("locked-a", Stop.TAGS_UNREADABLE, "could not be read (denied), and they may refuse the fix"),
    Hold("mine", Stop.OPTED_OUT, "refuses fixes by its tag s3warden=hands-off. Ask who put it there"),
    Hold("shop", Stop.NOT_SAFE, "not safe: would cut off website the website of shop. 1 must approve it", told=True),
    Hold("veiled", Stop.EXPOSURE_UNKNOWN, "public now (the access control list could not be read: Acc", VERSIONING),
    Hold(
        "abroad", Stop.UNITS_UNKNOWN, "above account 700000000001 are not known. Let s3warden read AWS Org", ENCRYPTION
    ),
    Hold("busy", Stop.QUIET, "arn:aws:sts::700000000001:assumed-role/deployer/sam changed it at", VERSIONING),
)
BY_MOMENT = (
    Hold("invented-ledger", Stop.KILLED, "/stop exists. Nothing is changed until it is off."),
    Hold("invented-ledger", Stop.FREEZE, "Changes are frozen until 20"),
    Hold("invented-ledger", Stop.WINDOW, "Outside the change windows; the next one opens 20"),
    Hold("invented-ledger", Stop.BUDGET_ACCOUNT, "0 are allowed (remediation.account_per_hour)"),
    Hold("invented-ledger", Stop.BUDGET, "0 are allowed (remediation.per_hour)"),
    Hold("invented-ledger", Stop.BREAKER, "more than 0: one cause, for a person to find. Fixes go on once", told=True),
)
BY_HISTORY = (
    Hold("asked-a", Stop.REJECTED, "said no to this plan. It waits until"),
    Hold("asked-b", Stop.EXEMPT, "the exemption static-files holds for it, or may"),
    Hold("undone", Stop.UNDONE, "and the facts are as they were then. To mend it by hand: s3warden plan undone"),
    Hold("fought", Stop.FIGHT, "opened it again. Change it where that writer has it from", told=True),
    Hold("stuck", Stop.GAVE_UP, "Gave up, since every try failed (1); s3warden remediations show", told=True),
)


WEBSITE = "<WebsiteConfiguration><IndexDocument><Suffix>index.html</Suffix></IndexDocument></WebsiteConfiguration>"
EXEMPTION = """\
[[exemption]]
id = "static-files"
rules = ["exposure"]
owner = "team-web"
reason = "static files"
ticket = "SEC-1"
approved_at = {today}
expires = {then}
scope = {{ buckets = ["{bucket}"] }}
approved = {{ public = ["s3:GetObject"], facts = {{ IgnorePublicAcls = "off (account), off (bucket)", \
ownership = "ObjectWriter" }} }}
"""


def test_every_reason_is_shown() -> None:
    """A new reason needs a row in one of the tables above."""
    assert sorted(hold.stop for hold in (*BY_SETTINGS, *BY_MOMENT, *BY_HISTORY)) == sorted(Stop)


@pytest.fixture
def settings(settings: Settings) -> dict[str, Any]:
    """Few rules, and nothing may be mended yet."""
    return {**settings, "rules": {"enable": [RULE, VERSIONING, ENCRYPTION]}}


def row(mode: str, buckets: str = "*", rule: str = RULE, **more: Any) -> dict[str, Any]:
    """A row of fixes."""
    return {"name": mode, "rules": [rule], "mode": mode, "buckets": [buckets], **more}


def everyone_may(bucket: str, *actions: str) -> str:
    """A policy that allows it on all objects."""
    statement = {"Effect": "Allow", "Principal": "*", "Action": actions, "Resource": f"arn:aws:s3:::{bucket}/*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


async def until_ended(daemon: Daemon, *buckets: str) -> None:
    """Wait for the ends of so many remediations of these buckets."""

    def ended() -> bool:
        done = [line["subject"].rpartition(":")[2] for line in daemon.lines("remediation_ended")]
        return all(done.count(bucket) >= buckets.count(bucket) for bucket in buckets)

    await daemon.until(ended, f"the end of what is done about {', '.join(buckets)}")


async def seen(daemon: Daemon, hook: Receiver, settings: Settings, *holds: Hold) -> None:
    """Wait for the log to tell of each; then store, metric, command line and message have to, in the same words."""
    for hold in holds:
        await daemon.until(partial(_is_logged, daemon, hold), f"{hold.bucket} to be held: {hold.stop}")
    entries = [await _stored(settings, hold) for hold in holds]
    shown = (("remediations", "show", entry.id) for entry in entries)
    listed, *pages = await daemon.clis(("remediations", "list", "--stage", "held"), *shown)
    for hold, entry, page in zip(holds, entries, pages, strict=True):
        [logged, *_] = _logged(daemon, hold)
        assert hold.says in entry.detail
        assert (logged["detail"], logged["remediation_id"]) == (entry.detail, entry.id)
        assert (entry.retry_at is None) == ("retry_at" not in logged)
        assert await daemon.metric("s3warden_remediations_held_total", reason=hold.stop) >= 1
        [line] = [line for line in listed.splitlines() if line.startswith(entry.id)]
        assert f"held ({hold.stop})" in line
        assert line.endswith(f"{hold.rule}  bucket {hold.bucket}")
        assert f"held ({hold.stop})" in page
        assert entry.detail in page
        assert ("next look" in page) == (entry.retry_at is not None)
        if hold.told:
            await daemon.until(partial(_is_told, hook, hold), f"the message that {hold.bucket} is held: {hold.stop}")
        assert bool(_alerts(hook, hold)) == hold.told
        assert all(hold.says in alert["details"]["automation"] for alert in _alerts(hook, hold))


def _is_logged(daemon: Daemon, hold: Hold) -> bool:
    return bool(_logged(daemon, hold))


def _logged(daemon: Daemon, hold: Hold) -> list[dict[str, Any]]:
    wanted = (hold.stop, hold.rule, f":{hold.bucket}")
    lines = daemon.lines("remediation_held")
    return [each for each in lines if (each["reason"], each["rule_id"], each["subject"][-len(wanted[2]) :]) == wanted]


async def _stored(settings: Settings, hold: Hold) -> Remediation:
    async with await Visit.open(settings["store"]["url"]) as visit:
        found = await visit.journal.latest(50, Filter(stage=Stage.HELD, rule_id=hold.rule))
    (entry,) = (each for each in found if each.subject.key.endswith(f":{hold.bucket}"))
    assert entry.reason == hold.stop
    return entry


def _is_told(hook: Receiver, hold: Hold) -> bool:
    return bool(_alerts(hook, hold))


def _alerts(hook: Receiver, hold: Hold) -> list[dict[str, Any]]:
    alerts = (alert for taken in hook.taken for alert in taken.json["data"]["alerts"])
    return [each for each in alerts if (each["reason"], each["subject"]["bucket"]) == (hold.stop, hold.bucket)]


async def test_what_the_settings_and_the_bucket_say(
    cloud: FakeCloud, hook: Receiver, daemon: Daemon, settings: dict[str, Any]
) -> None:
    """Modes, tags, units, whom it would cut off, what cannot be told, who is not done: nothing is written."""
    add = cloud.world.add
    add("plan-a", "approve-a", "off-a", "locked-a", grants=[PUBLIC_READ])
    add("mine", grants=[PUBLIC_READ], tags=TAGS | {"s3warden": "hands-off"})
    add("shop", grants=[PUBLIC_READ], documents={"website": WEBSITE})
    add("veiled", versioning="Suspended")
    add("abroad", algorithm=None)
    (busy,) = add("busy")
    queue = cloud.queue("events")
    cloud.deny("GetBucketTagging", bucket="locked-*")
    cloud.deny("GetBucketAcl", bucket="veiled")
    opt_out = {"opt_out_tag": "s3warden=hands-off", "opt_out_accounts": [busy.account], "quiet": "1s"}
    rows = [row("plan", "plan-*"), row("approve", "approve-*"), row("off", "off-*"), row("auto_when_safe", "*")]
    rows.append(row("auto", rule=ENCRYPTION, units=["ou-ab12-cdefgh34"]) | {"name": "unit"})
    rows.append(row("auto", rule=VERSIONING))
    daemon.write({**settings, "fixes": rows, "remediation": ROLE | opt_out})
    await daemon.start()
    await daemon.until_ready()
    busy.versioning = "Suspended"
    # By a clock that is ahead of ours, so that there is time to look.
    queue.send(change(busy, "PutBucketVersioning", datetime.now(UTC) + timedelta(minutes=2)))
    await seen(daemon, hook, settings, *BY_SETTINGS)
    assert cloud.written == []
    assert await daemon.stop() == 0


async def test_moments_in_which_nothing_is_changed(
    cloud: FakeCloud, hook: Receiver, daemon: Daemon, settings: dict[str, Any], tmp_path: Path
) -> None:
    """The kill switch, a freeze, no open window, no budget, a storm; then all is lifted, and the leak is closed."""
    (bucket,) = cloud.world.add("invented-ledger", grants=[PUBLIC_READ])
    cloud.queue("events")
    now = datetime.now(UTC)
    freeze = {"start": (now - timedelta(days=1)).isoformat(), "end": (now + timedelta(days=1)).isoformat()}
    day = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[(now.weekday() + 3) % 7]
    window = {"days": [day], "start": "12:00", "end": "12:01"}
    stop = tmp_path / "stop"
    stop.touch()
    allowed = {**settings, "fixes": [row("auto")], "remediation": ROLE}
    always = ROLE | {"live_always": False}
    moments: dict[Stop, dict[str, Any]] = {
        Stop.KILLED: {"remediation": ROLE | {"kill_file": str(stop)}},
        Stop.FREEZE: {"change_freezes": [freeze | {"reason": "end of year"}], "remediation": always},
        Stop.WINDOW: {"change_windows": [window], "remediation": always},
        Stop.BUDGET_ACCOUNT: {"remediation": ROLE | {"account_per_hour": 0}},
        Stop.BUDGET: {"remediation": ROLE | {"per_hour": 0}},
        Stop.BREAKER: {"remediation": ROLE | {"breaker_share": 0, "breaker_least": 0}},
    }
    for hold in BY_MOMENT:
        daemon.write(allowed | moments[hold.stop])
        if daemon.running:
            daemon.signal(signal.SIGHUP)
        else:
            await daemon.start()
        await seen(daemon, hook, settings, hold)
    assert cloud.written == []
    daemon.write(allowed)
    daemon.signal(signal.SIGHUP)
    await daemon.until(lambda: bucket.grants == [], "the leak to be closed")
    await daemon.until_metric("s3warden_remediations_total", 1, result="fixed")
    assert await daemon.stop() == 0


async def test_what_went_before(
    cloud: FakeCloud, hook: Receiver, daemon: Daemon, settings: dict[str, Any], tmp_path: Path
) -> None:
    """A no, a fix that was taken back, a fight, a write that is refused, an exemption that holds again."""
    add = cloud.world.add
    add("asked-a", "undone", grants=[PUBLIC_READ])
    (wide,) = add("asked-b", policy=everyone_may("asked-b", "s3:GetObject", "s3:PutObject"))
    fought, stuck = add("fought", "stuck", grants=[PUBLIC_READ])
    queue = cloud.queue("events")
    cloud.deny("PutBucketAcl", bucket="stuck")
    (tmp_path / "exemptions").mkdir()
    today = datetime.now(UTC).date()
    text = EXEMPTION.format(today=today, then=today + timedelta(days=30), bucket=wide.name)
    (tmp_path / "exemptions" / "static.toml").write_text(text, encoding="utf-8")
    allowed = {"fixes": [row("approve", "asked-*"), row("auto")], "remediation": ROLE | {"attempts": 1}}
    daemon.write({**settings, **allowed, "exemptions": {"directory": str(tmp_path / "exemptions")}})
    await daemon.start()
    await until_ended(daemon, "undone", "fought", "stuck")
    await daemon.until(lambda: len(daemon.lines("remediation_held")) == 2, "the questions")
    listed = json.loads(await daemon.cli("remediations", "list", "--format", "json"))
    of = {each["subject"].rpartition(":")[2]: each for each in listed}
    wide.policy = everyone_may(wide.name, "s3:GetObject")
    await daemon.clis(
        ("undo", of["undone"]["id"], "--yes"),
        ("remediations", "reject", of["asked-a"]["id"], "--plan", of["asked-a"]["plan"]),
        ("remediations", "approve", of["asked-b"]["id"], "--plan", of["asked-b"]["plan"]),
    )
    stuck.grants.append(("AllUsers", "WRITE"))
    queue.send(change(stuck, "PutBucketAcl"))
    for fixes in (1, 2):
        await until_ended(daemon, *["fought"] * fixes)
        fought.grants.append(PUBLIC_READ)
        queue.send(change(fought, "PutBucketAcl"))
    await seen(daemon, hook, settings, *BY_HISTORY)
    assert await daemon.stop() == 0
