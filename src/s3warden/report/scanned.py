"""What a scan found, as all forms of a report need it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from s3warden.model.bucket import BucketRef, Subject
from s3warden.model.finding import Finding, Severity, Verdict, fingerprint
from s3warden.model.framework import Framework
from s3warden.model.rule import RuleInfo
from s3warden.report.tally import Tally


class Outcome(StrEnum):
    """How a check came out, an accepted risk told apart."""

    FAIL = "fail"
    UNKNOWN = "unknown"
    EXEMPT = "exempt"
    PASS = "pass"  # noqa: S105 - an outcome, not a password
    NOT_APPLICABLE = "not_applicable"

    @property
    def words(self) -> str:
        """For people."""
        return self.replace("_", " ")


def outcome_of(finding: Finding) -> Outcome:
    """How the check came out that left this finding."""
    if finding.verdict is not Verdict.FAIL:
        return Outcome.UNKNOWN
    return Outcome.FAIL if finding.exempt is None else Outcome.EXEMPT


@dataclass(frozen=True, slots=True)
class Check:
    """One rule on one subject. `finding` is None where it passes."""

    subject: Subject
    rule: RuleInfo
    outcome: Outcome
    at: datetime
    finding: Finding | None = None

    @property
    def fingerprint(self) -> str:
        """The name of the check, which is that of its finding."""
        return fingerprint(self.rule.id, self.subject)

    @property
    def severity(self) -> Severity:
        """How bad it is, or would be."""
        return self.rule.severity if self.finding is None else self.finding.severity

    @property
    def summary(self) -> str:
        """One sentence."""
        return "The check passes." if self.finding is None else self.finding.evidence.summary


@dataclass(frozen=True, slots=True)
class Scanned:
    """What was found in so many accounts and buckets by `rules`, the worst first.

    `known` are all rules there are, applied or not. `partial`: it was interrupted. `listed`: every account and region
    could be listed. `framework` is the one whose controls are reported. `home_region` is where the scan was run from.
    """

    findings: tuple[Finding, ...]
    rules: Mapping[str, RuleInfo]
    tally: Tally = field(default_factory=Tally)
    known: Mapping[str, RuleInfo] = field(default_factory=dict)
    accounts: int = 0
    buckets: int = 0
    checks: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None
    failures: tuple[str, ...] = ()
    partial: bool = False
    listed: bool = True
    framework: Framework | None = None
    home_region: str = ""
    version: str = ""

    @property
    def unknown(self) -> tuple[Finding, ...]:
        """The checks that could not be decided."""
        return tuple(finding for finding in self.findings if finding.undecided)

    @property
    def failing(self) -> tuple[Finding, ...]:
        """What is wrong and not accepted."""
        return tuple(finding for finding in self.findings if outcome_of(finding) is Outcome.FAIL)

    @property
    def exempt(self) -> tuple[Finding, ...]:
        """What is wrong and accepted."""
        return tuple(finding for finding in self.findings if outcome_of(finding) is Outcome.EXEMPT)

    @property
    def unknown_by_cause(self) -> Counter[str]:
        """How many checks could not be decided, by cause."""
        return Counter(str(finding.cause) for finding in self.unknown)

    @property
    def complete(self) -> bool:
        """Whether everything was listed, read and decided."""
        return not self.partial and not self.unknown and self.listed

    @property
    def at(self) -> datetime:
        """When the report was true: the end of the scan, or its start where it has no end."""
        return self.ended_at or self.started_at or datetime.fromtimestamp(0, UTC)

    def region_of(self, check: Check) -> str:
        """The region of the bucket; for an account the one where the scan was run from."""
        return check.subject.region if isinstance(check.subject, BucketRef) else self.home_region

    def outcomes(self) -> Mapping[str, Counter[Outcome]]:
        """How often each rule came out how."""
        counted = {rule_id: Counter[Outcome]() for rule_id in self.rules}
        for rule_id, counts in self.tally.counts().items():
            its = counted.setdefault(rule_id, Counter())
            its[Outcome.PASS] += counts[Verdict.PASS]
            its[Outcome.NOT_APPLICABLE] += counts[Verdict.NOT_APPLICABLE]
        for finding in self.findings:
            counted.setdefault(finding.rule_id, Counter())[outcome_of(finding)] += 1
        return counted

    def each(self, *, passed: bool) -> Iterator[Check]:
        """The checks with a finding, and with `passed` those that pass after them."""
        for finding in self.findings:
            info = self.rules.get(finding.rule_id)
            if info is not None:
                yield Check(finding.subject, info, outcome_of(finding), finding.changed_at, finding)
        if passed:
            for subject, rule_id in self.tally.having(Verdict.PASS):
                if rule_id in self.rules:
                    yield Check(subject, self.rules[rule_id], Outcome.PASS, self.at)

    def controls_of(self, rule: RuleInfo) -> tuple[str, ...]:
        """The controls that a rule maps to: of the framework reported, or of all, each with its framework then."""
        if self.framework is not None:
            return tuple(control.id for control in rule.maps if control.framework is self.framework)
        return tuple(f"{control.framework.value}: {control.id}" for control in rule.maps)


def worst_first(finding: Finding) -> tuple[bool, bool, bool, int, str, str]:
    """The order in which people want to see findings: live exposure first, accepted risks and the unknown last."""
    return (
        outcome_of(finding) is not Outcome.FAIL,
        finding.exempt is not None,
        not finding.evidence.live,
        -finding.severity.rank,
        finding.subject.key,
        finding.rule_id,
    )
