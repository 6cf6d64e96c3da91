"""What the daemon's store and a webhook receiver hold at the end, laid side by side."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from prometheus_client import CollectorRegistry

from s3warden.model.bucket import BucketRef
from s3warden.model.finding import ChangeKind, Finding, FindingChange, fingerprint
from s3warden.store.store import Store
from s3warden.telemetry.metrics import Metrics
from support.cloud import Bucket
from support.daemon import Daemon
from support.receivers import Receiver, Request


@dataclass(frozen=True)
class Books:
    """What a store holds: the open findings and every step of the history of all findings."""

    findings: tuple[Finding, ...]
    history: tuple[FindingChange, ...]
    pending: dict[str, int]

    @property
    def wrong(self) -> set[tuple[str, str]]:
        """Rule and bucket of the open findings."""
        return {(f.rule_id, str(f.subject)) for f in self.findings}


async def books(url: str, rules: Iterable[str], buckets: Iterable[Bucket]) -> Books:
    """Read the store at `url`, which no daemon uses any more."""
    subjects = [BucketRef("aws", bucket.account, bucket.region, bucket.name) for bucket in buckets]
    names = [fingerprint(rule, subject) for rule in rules for subject in subjects]
    async with await Store.open(url, metrics=Metrics(CollectorRegistry())) as store:
        steps = [step for name in names for step in await store.history(name)]
        return Books(tuple(await store.load_open()), tuple(steps), dict(await store.pending()))


def told(requests: Sequence[Request]) -> dict[tuple[str, int], set[str]]:
    """The messages in which each step of a finding was told: fingerprint and sequence to `webhook-id`s."""
    found: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
    for request in requests:
        for alert in request.json["data"]["alerts"]:
            found[alert["fingerprint"], alert["sequence"]].add(request.headers["webhook-id"])
    return dict(found)


async def start_with_baseline(daemon: Daemon, hook: Receiver) -> None:
    """Start, and wait until the first sweep was told in a digest and the daemon is ready: then all is news."""
    await daemon.start()
    await daemon.until(lambda: bool(digests(hook.taken)), "the digest")
    await daemon.until_ready()


def digests(requests: Sequence[Request]) -> list[Any]:
    """The digests among the messages."""
    return [request.json["data"] for request in requests if request.json["type"] == "digest"]


def news(history: Iterable[FindingChange], since: datetime) -> list[FindingChange]:
    """The steps since then that somebody must have been told of: what was only resumed is news to nobody."""
    return [
        step
        for step in history
        if step.at > since
        and step.kind is not ChangeKind.RESUMED
        and (step.kind is not ChangeKind.RESOLVED or step.finding.notified)
    ]
