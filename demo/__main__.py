"""`python -m demo [--once] [--port N]`: an emulated AWS, a stand-in Slack, the real daemon, and the story."""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from demo.stage import Stage
from demo.story import play
from demo.world import CREDENTIALS


async def main() -> int:
    """Play and stay up until Ctrl-C; with --once leave after the story: 0 if every message came, else 1."""
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="leave after the story; exit 1 if a message is missing")
    parser.add_argument("--port", type=int, default=0, help="where the emulated AWS listens (default: a free port)")
    options = parser.parse_args()
    os.environ.update(CREDENTIALS)
    acting = asyncio.ensure_future(_act(options.once, options.port))
    for number in (signal.SIGINT, signal.SIGTERM):
        # A second Ctrl-C finds the handler gone and ends the demo at once.
        asyncio.get_running_loop().add_signal_handler(number, _cancel_once, number, acting)
    try:
        return await acting
    except asyncio.CancelledError:
        return 0


def _cancel_once(number: int, acting: "asyncio.Future[int]") -> None:
    asyncio.get_running_loop().remove_signal_handler(number)
    acting.cancel()


async def _act(once: bool, port: int) -> int:
    console = Console(width=118, highlight=False)
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="s3warden-demo-")))
        console.print("Setting up an emulated AWS (moto) with three accounts and some forty buckets …\n")
        stage = await stack.enter_async_context(Stage(console, folder, port))
        wrong = [*await play(stage.front, stage.slack, console), *await stage.check_inbox()]
        console.rule("[bold]The end")
        for line in wrong:
            console.print(f"[red]missing: {line}")
        if wrong:
            console.print((folder / "daemon.log").read_text()[-4000:], markup=False)
            return 1
        console.print("Every expected alert arrived, at Slack and at the queue behind the SNS topic.\n")
        if once:
            return 0
        stage.invite()
        return await stage.daemon_exit()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
