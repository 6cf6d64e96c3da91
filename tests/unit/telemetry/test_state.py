"""The metrics of state, computed at the scrape."""

from datetime import UTC, datetime, timedelta
from typing import Any

from prometheus_client import CollectorRegistry

from s3warden.model.bucket import AccountRef, BucketRef, Cause
from s3warden.model.exemption import Exempt
from s3warden.model.finding import Evidence, Finding, Severity, Verdict, fingerprint
from s3warden.telemetry.state import StateCollector, View

ONE, TWO = AccountRef("aws", "111111111111"), AccountRef("aws", "222222222222")
START = datetime(2026, 3, 1, tzinfo=UTC)


def _bucket(name: str, account: AccountRef = ONE) -> BucketRef:
    return BucketRef("aws", account.account, "eu-west-1", name)


def _finding(subject: BucketRef | AccountRef, rule: str = "rule", **more: Any) -> Finding:
    values: dict[str, Any] = {
        "verdict": Verdict.FAIL,
        "severity": Severity.HIGH,
        "evidence": Evidence("It is so."),
        "first_seen": START,
        "changed_at": START,
    }
    return Finding(fingerprint(rule, subject), rule, subject, **{**values, **more})


def _live(subject: BucketRef, permission: str = "", **more: Any) -> Finding:
    details = {"permission": permission} if permission else {}
    return _finding(subject, f"rule-{permission}", evidence=Evidence("Open.", details, live=True), **more)


def _scrape(view: View) -> dict[tuple[str, ...], float]:
    """Samples by name and label values."""
    registry = CollectorRegistry()
    registry.register(StateCollector(lambda: view, clock=lambda: 0.0))
    return {
        (sample.name.removeprefix("s3warden_"), *sample.labels.values()): sample.value
        for family in registry.collect()
        for sample in family.samples
    }


def test_nothing_known_is_nothing_shown() -> None:
    """Before the first sweep there is no account, and no reason for doubt."""
    samples = _scrape(View())
    names = {"unknown_checks", "policy_status_disagreements", "collector_duration_seconds"}
    assert {name for name, *_ in samples} == names
    assert set(samples.values()) == {0}


def test_buckets_and_findings_by_account() -> None:
    """Known accounts have all their severities from the start, so that a first finding is a rise from 0."""
    samples = _scrape(View(findings=[_finding(_bucket("a")), _finding(ONE)], buckets={ONE: 3, TWO: 0}))
    assert samples["buckets", ONE.account] == 3
    assert samples["findings", ONE.account, "high"] == 2
    assert samples["findings", ONE.account, "critical"] == 0
    assert samples["findings", TWO.account, "high"] == 0


def test_unknown_is_no_finding_and_no_pass() -> None:
    """It has its own numbers: by account, by rule, by reason; a failure that cannot be read again counts as both."""
    findings = [
        _finding(_bucket("a"), "r1", verdict=Verdict.UNKNOWN, cause=Cause.SCP),
        _finding(_bucket("b"), "r1", verdict=Verdict.UNKNOWN),
        _finding(_bucket("c"), "r1", unknown_since=START, cause=Cause.THROTTLED),
    ]
    samples = _scrape(View(findings=findings, buckets={ONE: 3}, bucket_rules=["r1", "r2"], account_rules=["r3"]))
    assert samples["findings", ONE.account, "high"] == 1
    assert samples["rule_findings", "r1", "unknown"] == 2
    assert samples["rule_findings", "r1", "fail"] == 1
    assert samples["rule_findings", "r2", "fail"] == samples["rule_findings", "r3", "unknown"] == 0
    assert samples["coverage_checks", ONE.account] == 3 * 2 + 1
    assert samples["coverage_checks_unknown", ONE.account] == 3
    assert [samples["unknown_checks", reason] for reason in ("scp", "error", "throttled", "denied")] == [1, 1, 1, 0]


def test_an_exposed_bucket_counts_once_under_the_worst() -> None:
    """The sum over all kinds is the number of exposed buckets."""
    findings = [
        _live(_bucket("a"), "READ"),
        _live(_bucket("a"), "WRITE_ACP"),
        _live(_bucket("b"), "READ, READ_ACP"),
        _live(_bucket("c"), "READ_ACP"),
        _live(_bucket("d")),
        _finding(_bucket("e"), "latent"),
        _live(_bucket("f"), "WRITE"),
    ]
    samples = _scrape(View(findings=findings, buckets={ONE: 6}))
    kinds = ("public_admin", "public_write", "public_list", "public_policy", "public_acl")
    assert [samples["exposed_buckets", ONE.account, kind] for kind in kinds] == [1, 1, 1, 1, 1]


def test_the_verdict_on_the_whole_says_how_a_bucket_is_exposed() -> None:
    """The rules by name beside it add no bucket, and make it no other kind."""

    def exposed(subject: BucketRef, kind: str) -> Finding:
        return _finding(subject, "effective", evidence=Evidence("Open.", {"exposure": kind}, live=True))

    findings = [
        exposed(_bucket("a"), "public_read"),
        _live(_bucket("a")),
        _live(_bucket("a"), "READ"),
        exposed(_bucket("b"), "any_account"),
        exposed(_bucket("c"), "no such kind"),
    ]
    samples = _scrape(View(findings=findings, buckets={ONE: 3}))
    kinds = ("public_read", "any_account", "public_policy", "public_list")
    assert [samples["exposed_buckets", ONE.account, kind] for kind in kinds] == [1, 1, 1, 0]


def test_disagreements_with_aws_are_counted() -> None:
    """One for each policy; a check that could not be decided is none."""
    differs = "bucket-policy-status-differs"
    findings = [_finding(_bucket("a"), differs), _finding(_bucket("b"), differs, verdict=Verdict.UNKNOWN)]
    assert _scrape(View(findings=findings))["policy_status_disagreements",] == 1


def test_the_oldest_exposure_by_severity() -> None:
    """A time, not an age; none where nothing is exposed."""
    day = timedelta(days=1)
    findings = [
        _live(_bucket("a"), first_seen=START + day),
        _live(_bucket("b"), first_seen=START),
        _finding(_bucket("c"), first_seen=START - day),
    ]
    samples = _scrape(View(findings=findings))
    assert samples["oldest_exposure_timestamp_seconds", "high"] == START.timestamp()
    assert ("oldest_exposure_timestamp_seconds", "critical") not in samples


def test_buckets_are_named_only_on_demand_and_up_to_a_limit() -> None:
    """The worst first; what is left out is counted."""
    findings = [_live(_bucket("a"), "READ"), _live(_bucket("b"), "READ"), _live(_bucket("c"), "WRITE")]
    assert not [key for key in _scrape(View(findings=findings)) if key[0].startswith("bucket_exposed")]
    samples = _scrape(View(findings=findings, named=2))
    assert [key[2] for key in samples if key[0] == "bucket_exposed_info"] == ["c", "a"]
    assert samples["bucket_exposed_info", ONE.account, "c", "eu-west-1", "public_write"] == 1
    assert samples["bucket_exposed_info_truncated",] == 1


def test_what_is_gone_vanishes() -> None:
    """The collector keeps nothing between two scrapes."""
    views = [View(findings=[_live(_bucket("a"))], buckets={ONE: 1}, named=5), View(named=5)]
    registry = CollectorRegistry()
    registry.register(StateCollector(lambda: views[0]))
    assert any(ONE.account in sample.labels.values() for family in registry.collect() for sample in family.samples)
    del views[0]
    assert not any(ONE.account in sample.labels.values() for family in registry.collect() for sample in family.samples)


def test_registering_computes_nothing() -> None:
    """The parts that give the view may not be there yet."""

    def too_early() -> View:
        raise AssertionError("asked before the first scrape")

    CollectorRegistry(auto_describe=True).register(StateCollector(too_early))


def test_what_is_exempt_is_counted_apart() -> None:
    """In figures of its own, so that alert rules on findings and exposure stay silent; exemptions by their state."""
    held = Exempt("assets", "team-web", "static files")
    findings = [
        _live(_bucket("accepted"), "READ", exempt=held),
        _finding(_bucket("accepted"), exempt=held),
        _finding(_bucket("b")),
    ]
    counts = {"in_force": 1, "unused": 0, "ended": 2}
    samples = _scrape(View(findings, {ONE: 2}, ["rule", "rule-READ"], exemptions=counts))
    assert sum(samples["findings", ONE.account, severity.value] for severity in Severity) == 1
    assert samples["exempt_findings", ONE.account] == 2
    assert samples["exempt_exposed_buckets", ONE.account] == 1
    assert sum(value for key, value in samples.items() if key[0] == "exposed_buckets") == 0
    assert (samples["rule_findings", "rule", "fail"], samples["rule_findings", "rule", "exempt"]) == (1, 1)
    assert not [key for key in samples if key[0] == "oldest_exposure_timestamp_seconds"]
    assert {state: samples["exemptions", state] for state in counts} == counts


def test_the_budget_holds() -> None:
    """200 accounts, 40 rules, 10,000 buckets with a finding each: fewer than 3,200 series of state."""
    accounts = [AccountRef("aws", f"{number:012}") for number in range(200)]
    rules = [f"rule-{number}" for number in range(40)]
    findings = [
        _finding(_bucket(f"b{number}", accounts[number % 200]), rules[number % 40], severity=severity)
        for number, severity in zip(range(10_000), list(Severity) * 2_000, strict=True)
    ]
    view = View(findings, dict.fromkeys(accounts, 50), rules, named=0)
    assert 2_000 < len(_scrape(view)) < 3_700
