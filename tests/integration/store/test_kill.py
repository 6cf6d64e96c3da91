"""Killed at any moment: what was acknowledged is there, and what is there is whole."""

import asyncio
import os
import random
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from s3warden.store.store import Store
from s3warden.telemetry.metrics import Metrics
from support.committer import ACKNOWLEDGED
from support.stores import run_sql

TESTS = Path(__file__).parents[2]
HISTORY = "SELECT fingerprint, sequence FROM finding_history"


@pytest.mark.parametrize("kills", [4, pytest.param(60, marks=pytest.mark.long)])
async def test_every_acknowledged_commit_survives_a_kill(url: str, metrics: Metrics, kills: int) -> None:
    """After SIGKILL at random moments, no acknowledged step or message is missing, and none is there by half."""
    draw = random.Random(kills)
    acknowledged: set[str] = set()
    for number in range(kills):
        news = await _run_and_kill(url, number * 1_000_000, draw.uniform(0.05, 0.6))
        assert news, "killed before anything was committed"
        acknowledged |= news
        async with await Store.open(url, metrics=metrics) as store:
            told = [entry.notification.dedup_key for entry in await store.due("oncall", datetime.now(UTC), 1_000_000)]
            standing = {each.fingerprint for each in await store.load_open()}
        history = [f"{fingerprint}/{step}" for fingerprint, step in await run_sql(url, HISTORY)]
        assert acknowledged <= set(told)
        assert sorted(told) == sorted(history)
        assert standing == _open_after(history)


def _open_after(history: list[str]) -> set[str]:
    """The findings whose first step is there and whose second is not."""
    steps = [step.split("/") for step in history]
    return {name for name, step in steps if step == "1"} - {name for name, step in steps if step == "2"}


async def _run_and_kill(url: str, first: int, seconds: float) -> set[str]:
    """Let the program run, `seconds` from its first acknowledgement on; gives the steps that it acknowledged."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "support.committer", url, str(first)),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(TESTS), os.environ.get("PYTHONPATH", "")))},
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            line = await process.stdout.readuntil(b"/1\n")
        rest = asyncio.create_task(process.stdout.read())
        await asyncio.sleep(seconds)
    finally:
        process.kill()
        await process.wait()
    lines = (line + await rest).decode().splitlines()
    return {each.removeprefix(ACKNOWLEDGED) for each in lines if each.startswith(ACKNOWLEDGED)}
