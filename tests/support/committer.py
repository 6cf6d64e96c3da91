"""A program that commits without end and says what was acknowledged: to be killed.

`python committer.py URL FIRST`: sixteen callers share the numbers from FIRST on. Each number is a finding with two
steps, each told in a message of its own; a line on standard output is written after the commit was acknowledged.
"""

import asyncio
import itertools
import os
import sys
from dataclasses import replace
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry

from s3warden.model.alert import Notification
from s3warden.model.bucket import BucketRef
from s3warden.model.finding import ChangeKind, FindingChange, Severity
from s3warden.store.store import Store
from s3warden.telemetry.metrics import Metrics
from support.alerts import NIGHT, change, finding

ACKNOWLEDGED = "acknowledged "


def steps(number: int) -> tuple[FindingChange, FindingChange]:
    """The two steps of finding `number`: opened, and resolved an hour later."""
    opened = finding(subject=BucketRef("aws", "111122223333", "eu-west-1", f"bucket-{number}"))
    at: datetime = NIGHT + timedelta(hours=1)
    over = replace(opened, sequence=2, resolved_at=at)
    return change(ChangeKind.OPENED, opened), change(ChangeKind.RESOLVED, over, "fixed", at)


def message(step: FindingChange) -> Notification:
    """What is told of a step."""
    return Notification("oncall", step.finding.subject.key, step.id, Severity.HIGH)


async def main(url: str, first: int) -> None:
    """Commit until killed."""
    numbers = itertools.count(first)
    async with await Store.open(url, metrics=Metrics(CollectorRegistry())) as store:

        async def caller() -> None:
            for number in numbers:
                for step in steps(number):
                    await store.commit([step], [message(step)])
                    # One system call: a line is there or not, whenever the kill comes.
                    os.write(1, f"{ACKNOWLEDGED}{step.id}\n".encode())

        await asyncio.gather(*(caller() for _ in range(16)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
