"""The AWS CLI as a user runs it, pointed at an emulated AWS."""

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from support.daemon import clean_environment

AWS = Path(sys.executable).with_name("aws")


class Cli:
    """`aws` with an endpoint and keys. Calling it gives what the command printed, as JSON."""

    def __init__(self, endpoint: str, keys: Mapping[str, str], region: str = "eu-west-1") -> None:
        self._options = ["--endpoint-url", endpoint, "--region", region, "--output", "json"]
        names = {"PYTHONPATH": str(Path(__file__).with_name("names"))}
        self._environment = clean_environment() | names | dict(keys)

    async def __call__(self, *arguments: str, within: float = 60.0) -> Any:
        """Run one command; fails with what it said if it fails."""
        process = await asyncio.create_subprocess_exec(
            str(AWS),
            *self._options,
            *arguments,
            env=self._environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(within):
                out, complaint = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise
        assert process.returncode == 0, f"aws {' '.join(arguments)}: {complaint.decode()}"
        return json.loads(out) if out.strip() else None
