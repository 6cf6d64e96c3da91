"""How fast the store commits the findings of a first sweep, beside a plain executemany of the same rows in one go.

    python -m benchmarks.store [--findings 100000] [--callers 64] [--url sqlite:////tmp/bench.db]

Each commit holds the findings of one bucket, as in a sweep. The plain run knows neither callers nor durability per
bucket: its time is what the same rows cost the driver at least. Prints one line of JSON.
"""

import argparse
import asyncio
import json
import logging
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import structlog
from prometheus_client import CollectorRegistry

from s3warden.model.bucket import BucketRef
from s3warden.model.finding import ChangeKind, Evidence, Finding, FindingChange, Severity, Verdict, fingerprint
from s3warden.store.store import Store
from s3warden.store.writes import Step, commit_writes
from s3warden.telemetry.metrics import Metrics

AT = datetime(2026, 3, 14, 3, 10, tzinfo=UTC)
RULES = ("bucket-encryption", "bucket-versioning", "bucket-logging", "bucket-tags")


def buckets(findings: int) -> Iterator[list[FindingChange]]:
    """The changes of one bucket after the other, until there are as many as wanted."""
    every = (_change(rule, number) for number in range(findings) for rule in RULES)
    wanted = islice(every, findings)
    while chunk := list(islice(wanted, len(RULES))):
        yield chunk


async def through_the_store(url: str, work: Iterable[list[FindingChange]], callers: int) -> tuple[float, float]:
    """Seconds to commit everything, and the number of transactions that it took."""
    metrics = Metrics(CollectorRegistry())
    async with await Store.open(url, metrics=metrics) as store:

        async def caller() -> None:
            for changes in work:
                await store.commit(changes, [])

        began = time.perf_counter()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(callers):
                tasks.create_task(caller())
        took = time.perf_counter() - began
    return took, metrics.registry.get_sample_value("s3warden_store_commits_total") or 0.0


def plainly(path: Path, work: Iterable[list[FindingChange]]) -> float:
    """Seconds that sqlite3 itself needs for the same rows, with two executemany in one transaction."""
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE f (a PRIMARY KEY, b, c, d, e, f, g, h)")
        connection.execute("CREATE TABLE h (a, b, c, d, e, f, g, PRIMARY KEY (a, b))")
        rows = [commit_writes(changes, [], AT) for changes in work]
        began = time.perf_counter()
        for name, step, width in (("f", Step.FINDING, 8), ("h", Step.HISTORY, 7)):
            values = ([_plain(each) for each in row.values()] for writes in rows for row in writes[step])
            connection.executemany(f"INSERT INTO {name} VALUES ({','.join('?' * width)})", values)  # noqa: S608
        connection.commit()
        took = time.perf_counter() - began
    connection.close()
    return took


def main() -> None:
    """Measure once and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--findings", type=int, default=100_000)
    parser.add_argument("--callers", type=int, default=64)
    parser.add_argument("--url", help="an empty database; a temporary SQLite file if not given")
    options = parser.parse_args()
    # Standard output is for the result.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with tempfile.TemporaryDirectory() as directory:
        url = options.url or f"sqlite:///{directory}/store.db"
        work = list(buckets(options.findings))
        took, transactions = asyncio.run(through_the_store(url, iter(work), options.callers))
        plain = plainly(Path(directory) / "plain.db", work)
    result = {
        "engine": url.partition(":")[0],
        "findings": options.findings,
        "callers": options.callers,
        "seconds": round(took, 2),
        "findings_per_second": round(options.findings / took),
        "transactions": round(transactions),
        "plain_sqlite_seconds": round(plain, 2),
        "ratio": round(took / plain, 2),
    }
    sys.stdout.write(json.dumps(result) + "\n")


def _change(rule: str, number: int) -> FindingChange:
    ref = BucketRef("aws", "111122223333", "eu-west-1", f"bucket-{number}")
    evidence = Evidence(f"{rule} is not as it should be", {"expected": "on", "found": "off"})
    name = fingerprint(rule, ref)
    finding = Finding(name, rule, ref, Verdict.FAIL, Severity.MEDIUM, evidence, AT, AT)
    return FindingChange(ChangeKind.OPENED, finding, AT)


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


if __name__ == "__main__":
    main()
