"""The state of the estate in one message per destination. Pure.

Takes the open findings and the figures of a sweep, hands on a digest and its notifications. A digest is filtered for
nobody: what a destination does not hear one by one, it must still find here.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from s3warden.model.alert import Alert, Digest, DigestLine, Notification
from s3warden.model.finding import Finding, Severity, Verdict
from s3warden.model.rule import RuleInfo
from s3warden.respond.inhibition import inhibited

EXAMPLES = 3
LIVE = 100


@dataclass(frozen=True, slots=True)
class Coverage:
    """The figures of a sweep. `unknown_by_cause` counts checks by why they could not be decided.

    `failures` are accounts and regions that could not be listed, each with its reason, as text for people.
    """

    accounts: int
    buckets: int
    checks: int
    checks_unknown: int = 0
    unknown_by_cause: Mapping[str, int] | None = None
    failures: Sequence[str] = ()


def compose(
    findings: Iterable[Finding],
    coverage: Coverage,
    *,
    at: datetime,
    rules: Mapping[str, RuleInfo],
    alert: Callable[[Finding], Alert],
    new_rules: Sequence[str] = (),
) -> Digest:
    """The digest of these open findings: live exposure first, each cause once, then one line a rule, the worst first.

    `new_rules` are the ids of the rules that it is about, where it is not about all. At most `LIVE` live exposures are
    told one by one; the lines count all of them.
    """
    wrong = [finding for finding in findings if finding.verdict is Verdict.FAIL]
    failing = [finding for finding in wrong if finding.exempt is None]
    by_subject: defaultdict[str, list[Finding]] = defaultdict(list)
    for finding in failing:
        by_subject[finding.subject.key].append(finding)
    causes_of_live = (f for f in failing if f.evidence.live and not inhibited(f, by_subject[f.subject.key]))
    live = sorted(causes_of_live, key=lambda f: (-f.severity.rank, f.subject.key, f.rule_id))
    causes = (coverage.unknown_by_cause or {}).items()
    return Digest(
        at=at,
        accounts=coverage.accounts,
        buckets=coverage.buckets,
        live=tuple(alert(finding) for finding in live[:LIVE]),
        lines=_lines(failing, rules),
        checks=coverage.checks,
        checks_unknown=coverage.checks_unknown,
        unknown_by_cause=tuple(sorted(causes, key=lambda item: (-item[1], item[0]))),
        failures=tuple(coverage.failures),
        new_rules=tuple(new_rules),
        exempt=len(wrong) - len(failing),
    )


def notifications(digest: Digest, destinations: Iterable[str], *, kind: str) -> tuple[Notification, ...]:
    """One message for each destination. `kind` (`baseline`, `daily`, …) keeps digests of one moment apart."""
    severities = [line.severity for line in digest.lines]
    severity = max(severities, key=lambda severity: severity.rank, default=Severity.INFO)
    group = f"s3warden/digest/{kind}"
    key = f"{group}/{digest.at.isoformat()}"
    return tuple(Notification(name, group, key, severity, digest=digest) for name in destinations)


def _lines(failing: Iterable[Finding], rules: Mapping[str, RuleInfo]) -> tuple[DigestLine, ...]:
    by_rule: defaultdict[str, list[Finding]] = defaultdict(list)
    for finding in failing:
        by_rule[finding.rule_id].append(finding)
    ranked = sorted(by_rule.items(), key=lambda item: _rank(item[0], item[1]))
    return tuple(_line(rule_id, found, rules) for rule_id, found in ranked)


def _rank(rule_id: str, found: Sequence[Finding]) -> tuple[int, int, int, str]:
    live = sum(finding.evidence.live for finding in found)
    return -live, -_worst(found).rank, -len(found), rule_id


def _line(rule_id: str, found: Sequence[Finding], rules: Mapping[str, RuleInfo]) -> DigestLine:
    info = rules.get(rule_id)
    worst_first = sorted(found, key=lambda f: (not f.evidence.live, -f.severity.rank, f.subject.key))
    return DigestLine(
        rule_id=rule_id,
        title=info.title if info else rule_id,
        severity=_worst(found),
        findings=len(found),
        examples=tuple(str(finding.subject) for finding in worst_first[:EXAMPLES]),
    )


def _worst(found: Iterable[Finding]) -> Severity:
    return max((finding.severity for finding in found), key=lambda severity: severity.rank)
