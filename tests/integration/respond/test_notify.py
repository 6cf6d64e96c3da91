"""`s3warden notify test`, as a process, against real receivers."""

import asyncio
import os
import sys
from pathlib import Path

from support.receivers import Receiver, Reply, serving, slack_complaints

SETTINGS = """
[aws]
region = "eu-west-1"
[accounts]
ids = ["111122223333"]
[[destinations]]
type = "slack"
name = "oncall"
webhook_url = "env:SLACK"
[[destinations]]
type = "webhook"
name = "hook"
url = "env:HOOK"
"""
COMMAND = "from s3warden.cli.notify import app; app()"


async def notify_test(tmp_path: Path, slack: Receiver, hook: Receiver, *arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of the command."""
    config = tmp_path / "config.toml"
    config.write_text(SETTINGS)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", COMMAND, "test", "--config", str(config), *arguments,
        env=os.environ | {"SLACK": slack.url, "HOOK": hook.url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 30)
    return process.returncode or 0, out.decode(), err.decode()


async def test_every_destination_gets_one_message(tmp_path: Path) -> None:
    """Without a name all are told, and the answer of each is on standard output."""
    async with serving(Receiver()) as slack, serving(Receiver()) as hook:
        code, out, _ = await notify_test(tmp_path, slack, hook)
        assert (code, out.count("delivered; look")) == (0, 2)
        assert slack_complaints(slack.taken[0].json) == []
        assert hook.taken[0].json["data"]["alerts"][0]["rule_id"] == "notify-test"


async def test_failure_is_told_with_its_reason_and_exit_code(tmp_path: Path) -> None:
    """A dead hook ends in 1, with Slack's own word, without the address; the other destination is left alone."""
    async with serving(Receiver(otherwise=Reply(404, "no_service"))) as slack, serving(Receiver()) as hook:
        code, out, err = await notify_test(tmp_path, slack, hook, "--destination", "oncall")
        assert code == 1
        assert out == "oncall: not delivered (no_service, the daemon would give up): no_service\n"
        assert "canary" not in out + err
        assert hook.requests == []


async def test_unknown_destination_is_a_usage_error(tmp_path: Path) -> None:
    """The error lists what there is."""
    async with serving(Receiver()) as slack, serving(Receiver()) as hook:
        code, _, err = await notify_test(tmp_path, slack, hook, "--destination", "nobody")
        assert code == 2
        assert "no such destination: nobody (in the settings: oncall, hook)" in err
        assert slack.requests == []
