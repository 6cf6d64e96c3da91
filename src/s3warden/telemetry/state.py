"""The metrics of state: what is known at the moment of the scrape, computed anew each time.

Takes one function that gives a view of what is known, hands metric families to the registry. What is gone, a bucket,
an account, a finding, is gone from the next scrape. It never keeps anything between two scrapes.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from s3warden.model.bucket import AccountRef, BucketRef, Cause
from s3warden.model.finding import Finding, Severity, Verdict

# The worst first: a bucket counts once, under the first kind that fits.
EXPOSURES = (
    "public_admin",
    "public_write",
    "public_read",
    "public_list",
    "any_account",
    "public_policy",
    "public_acl",
)
# Whose findings say that AWS and the estimate differ on whether a policy is public.
_DISAGREEMENT = "bucket-policy-status-differs"
_BY_PERMISSION = {
    "FULL_CONTROL": "public_admin",
    "WRITE": "public_write",
    "WRITE_ACP": "public_admin",
    "READ": "public_list",
    "READ_ACP": "public_acl",
}

_EXEMPT = "exempt"

_Row: TypeAlias = tuple[tuple[str, ...], float]
_Counts: TypeAlias = Counter[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class View:
    """What is known right now.

    `findings` are the open ones, `buckets` how many are known in each guarded account. `bucket_rules` and
    `account_rules` are the ids of the enabled rules. `named` is how many exposed buckets may be named one by one;
    0 names none. `exemptions` counts those of the files by what they are: in_force, unused, ended.
    """

    findings: Sequence[Finding] = ()
    buckets: Mapping[AccountRef, int] = field(default_factory=dict)
    bucket_rules: Sequence[str] = ()
    account_rules: Sequence[str] = ()
    named: int = 0
    exemptions: Mapping[str, int] = field(default_factory=dict)


class StateCollector(Collector):
    """Computes the metrics of state from `view`; `clock` in seconds measures how long that takes."""

    def __init__(self, view: Callable[[], View], clock: Callable[[], float] = time.perf_counter) -> None:
        self._view = view
        self._clock = clock

    def describe(self) -> Iterable[Metric]:
        """The families without their values, so that registering computes nothing."""
        return (*_families(View()), _gauge(*_DURATION))

    def collect(self) -> Iterator[Metric]:
        """The families of this moment."""
        started = self._clock()
        yield from _families(self._view())
        yield _gauge(*_DURATION, (), [((), self._clock() - started)])


_DURATION = ("collector_duration_seconds", "How long it took to compute the metrics of state.")


def _families(view: View) -> Iterator[Metric]:
    wrong = [finding for finding in view.findings if finding.verdict is Verdict.FAIL]
    failing = [finding for finding in wrong if finding.exempt is None]
    yield _gauge(
        "buckets",
        "Buckets known.",
        ("account_id",),
        [((account.account,), count) for account, count in sorted(view.buckets.items())],
    )
    yield from _findings(view, failing)
    yield from _exempt(view, [finding for finding in wrong if finding.exempt is not None])
    yield from _exposure(view, [finding for finding in failing if finding.evidence.live])
    yield from _coverage(view)


def _findings(view: View, failing: Sequence[Finding]) -> Iterator[Metric]:
    counts: _Counts = Counter((finding.subject.account, finding.severity.value) for finding in failing)
    yield _gauge(
        "findings",
        "Open findings, unknowns and exempt ones not counted.",
        ("account_id", "severity"),
        _filled(counts, ((account, severity.value) for account in _accounts(view) for severity in Severity)),
    )
    by_rule: _Counts = Counter(
        (finding.rule_id, finding.verdict.value if finding.exempt is None else _EXEMPT) for finding in view.findings
    )
    ids = (*view.bucket_rules, *view.account_rules)
    yield _gauge(
        "rule_findings",
        "Subjects that break a rule (fail), may do so (exempt), or of which it cannot be told (unknown).",
        ("rule_id", "status"),
        _filled(by_rule, ((rule_id, status) for rule_id in ids for status in (Verdict.FAIL, Verdict.UNKNOWN, _EXEMPT))),
    )


def _exempt(view: View, exempt: Sequence[Finding]) -> Iterator[Metric]:
    yield _gauge(
        "exempt_findings",
        "Open findings that an exemption holds back.",
        ("account_id",),
        _filled(Counter((finding.subject.account,) for finding in exempt), ((a,) for a in _accounts(view))),
    )
    live = {finding.subject for finding in exempt if finding.evidence.live and isinstance(finding.subject, BucketRef)}
    yield _gauge(
        "exempt_exposed_buckets",
        "Buckets open to the outside as an exemption allows.",
        ("account_id",),
        _filled(Counter((subject.account,) for subject in live), ((a,) for a in _accounts(view))),
    )
    yield _gauge(
        "exemptions",
        "Exemptions in the files: in force, unused (in force, and hold back nothing) or ended.",
        ("state",),
        [((state,), count) for state, count in view.exemptions.items()],
    )


def _exposure(view: View, live: Sequence[Finding]) -> Iterator[Metric]:
    worst: dict[BucketRef, str] = {}
    oldest: dict[tuple[str, ...], float] = {}
    for finding in live:
        since = finding.first_seen.timestamp()
        oldest[finding.severity.value,] = min(since, oldest.get((finding.severity.value,), since))
        if isinstance(finding.subject, BucketRef):
            kinds = {_kind(finding), worst.get(finding.subject, EXPOSURES[-1])}
            worst[finding.subject] = min(kinds, key=EXPOSURES.index)
    counts: _Counts = Counter((bucket.account, kind) for bucket, kind in worst.items())
    yield _gauge(
        "exposed_buckets",
        "Buckets open to the outside right now and not exempt, each under its worst kind of exposure.",
        ("account_id", "exposure"),
        _filled(counts, ((account, kind) for account in _accounts(view) for kind in EXPOSURES)),
    )
    yield _gauge(
        "oldest_exposure_timestamp_seconds",
        "When the oldest exposure that is still open and not exempt was first seen.",
        ("severity",),
        sorted(oldest.items()),
    )
    yield _gauge(
        "policy_status_disagreements",
        "Bucket policies that AWS calls public and the estimate does not, or the other way round.",
        (),
        [((), sum(f.rule_id == _DISAGREEMENT and f.verdict is Verdict.FAIL for f in view.findings))],
    )
    if view.named:
        yield from _named(view.named, worst)


def _named(limit: int, worst: Mapping[BucketRef, str]) -> Iterator[Metric]:
    ranked = sorted(worst.items(), key=lambda item: (EXPOSURES.index(item[1]), item[0]))
    yield _gauge(
        "bucket_exposed_info",
        "Always 1: a bucket open to the outside. Only where the settings ask for it, the worst first.",
        ("account_id", "bucket", "bucket_region", "exposure"),
        [((ref.account, ref.name, ref.region, kind), 1) for ref, kind in ranked[:limit]],
    )
    yield _gauge(
        "bucket_exposed_info_truncated",
        "Exposed buckets left out of s3warden_bucket_exposed_info by its limit.",
        (),
        [((), max(0, len(ranked) - limit))],
    )


def _coverage(view: View) -> Iterator[Metric]:
    checks = {
        (account.account,): float(count * len(view.bucket_rules) + len(view.account_rules))
        for account, count in view.buckets.items()
    }
    unknown = [finding for finding in view.findings if finding.undecided]
    yield _gauge("coverage_checks", "Checks: enabled rules times subjects.", ("account_id",), sorted(checks.items()))
    yield _gauge(
        "coverage_checks_unknown",
        "Checks whose truth is not known, since something could not be read.",
        ("account_id",),
        _filled(Counter((finding.subject.account,) for finding in unknown), checks),
    )
    yield _gauge(
        "unknown_checks",
        "Checks whose truth is not known, by the reason.",
        ("reason",),
        _filled(
            Counter(((finding.cause or Cause.ERROR).value,) for finding in unknown), ((cause.value,) for cause in Cause)
        ),
    )


def _kind(finding: Finding) -> str:
    """The kind of exposure that the finding's decisive facts tell; a public policy may allow anything."""
    told = finding.evidence.details.get("exposure", "")
    if told in EXPOSURES:
        return told
    permissions = finding.evidence.details.get("permission", "")
    kinds = {_BY_PERMISSION[name] for name in permissions.split(", ") if name in _BY_PERMISSION}
    return min(kinds, key=EXPOSURES.index, default="public_policy")


def _accounts(view: View) -> list[str]:
    return sorted({account.account for account in view.buckets})


def _filled(counts: Mapping[tuple[str, ...], int], expected: Iterable[tuple[str, ...]]) -> list[_Row]:
    """The counts in order, with 0 for what is expected and not there: a series that comes and goes hides its rises."""
    return [(key, counts.get(key, 0)) for key in sorted({*counts, *expected})]


def _gauge(name: str, text: str, labels: tuple[str, ...] = (), rows: Iterable[_Row] = ()) -> Metric:
    family = GaugeMetricFamily(f"s3warden_{name}", text, labels=labels)
    for values, value in rows:
        family.add_metric(values, value)
    return family
