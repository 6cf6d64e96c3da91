"""What is known to be wrong, and what a fresh look changes about it.

Takes the verdicts on one subject, compares them with the open findings and hands on the changes; nothing is remembered
before `apply`, so that the store can commit first. Only open findings are kept. One subject must not be compared twice
at the same time. The ledger must never resolve a failure because it could not be read again.

The steps, by what is known of a rule and a subject, and by the new verdict:

| known   | FAIL                               | UNKNOWN                    | PASS, NOT_APPLICABLE, no result |
|---------|------------------------------------|----------------------------|---------------------------------|
| nothing | OPENED                             | OPENED, verdict UNKNOWN    | -                               |
| UNKNOWN | OPENED, `first_seen` is now        | UPDATED if cause differs   | RESOLVED                        |
| FAIL    | UPDATED if the facts differ        | UPDATED once, remains FAIL | RESOLVED                        |

A failure is exempt or not, and what a step says of that comes before what it says of the facts:

| known      | FAIL, exempt                | FAIL, not exempt        | UNKNOWN                                     |
|------------|-----------------------------|-------------------------|---------------------------------------------|
| nothing    | OPENED, exempt              | OPENED                  | OPENED, verdict UNKNOWN, not exempt         |
| exempt     | UPDATED if anything differs | UPDATED exemption_ended | as above; exemption_ended if it is over     |
| not exempt | UPDATED exempted            | UPDATED if facts differ | as above                                    |

What could not be read makes nothing exempt: an exemption that a failure had can only stand or end by it.

A finding that came from the store and is still the same gives RESUMED the first time it is seen again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import chain

from s3warden.model.bucket import Subject
from s3warden.model.event import SELF, Origin, Trigger
from s3warden.model.finding import ChangeKind, Finding, FindingChange, Reason, RuleResult, Verdict, fingerprint

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


# Only these say that AWS itself changed. The others come of what s3warden was able or asked to see.
_TRUTH = frozenset(
    {Reason.ESCALATED, Reason.EASED, Reason.CHANGED, Reason.FIXED, Reason.NOT_APPLICABLE, Reason.BUCKET_DELETED}
)


@dataclass(frozen=True, slots=True)
class _Look:
    """What all changes of one comparison share."""

    subject: Subject
    at: datetime
    sequence: int
    trigger: Trigger | None
    drift: bool

    def opened(self, result: RuleResult, reason: Reason | None, *, drift: bool) -> FindingChange:
        finding = Finding(
            fingerprint=fingerprint(result.rule_id, self.subject),
            rule_id=result.rule_id,
            subject=self.subject,
            verdict=result.verdict,
            severity=result.severity,
            evidence=result.evidence,
            first_seen=self.at,
            changed_at=self.at,
            cause=result.cause,
            trigger=self.trigger,
            sequence=self.sequence,
            base_severity=result.base_severity,
            reasons=result.reasons,
            exempt=result.exempt if result.verdict is Verdict.FAIL else None,
            lapsed=result.lapsed,
        )
        return FindingChange(ChangeKind.OPENED, finding, self.at, reason or "", drift and self.drift)

    def updated(self, finding: Finding, reason: Reason) -> FindingChange:
        after = replace(finding, subject=self.subject, sequence=self.sequence)
        return FindingChange(ChangeKind.UPDATED, after, self.at, reason, self.drift and reason in _TRUTH)

    def resumed(self, finding: Finding, result: RuleResult) -> FindingChange:
        # An equal finding, made of the parts that all findings of the subject and the rule share: what the store
        # loaded has copies of its own.
        evidence = result.evidence if result.evidence == finding.evidence else finding.evidence
        subject = self.subject if self.subject == finding.subject else finding.subject
        same = replace(finding, rule_id=result.rule_id, subject=subject, evidence=evidence)
        return FindingChange(ChangeKind.RESUMED, same, self.at)

    def resolved(self, finding: Finding, reason: Reason) -> FindingChange:
        # The trigger is now whoever ended it; naming the one who began it would thank the wrong person.
        after = replace(
            finding, subject=self.subject, sequence=self.sequence, resolved_at=self.at, trigger=self.trigger
        )
        drift = self.drift and reason in _TRUTH and finding.verdict is Verdict.FAIL
        return FindingChange(ChangeKind.RESOLVED, after, self.at, reason, drift)


def credited(change: FindingChange, fix: Trigger | None) -> FindingChange:
    """The change, in the name of the fix where that ended the finding and nobody acted later.

    The first look after a fix may be one that an older event asked for, of whoever opened the bucket.
    """
    told = change.finding.trigger
    if told is not None and told.source == SELF:
        return change
    if fix is None or change.reason != Reason.FIXED or _latest((fix,) if told is None else (told, fix)) is not fix:
        return change
    return replace(change, finding=replace(change.finding, trigger=fix), drift=False)


class Ledger:
    """The open findings, by subject. `findings` are those that the store knows from before, `sequence` the highest
    number that it has of any, the resolved ones included."""

    def __init__(self, findings: Iterable[Finding] = (), sequence: int = 0) -> None:
        self._open: dict[str, tuple[Finding, ...]] = {}
        self._unconfirmed: set[str] = set()
        self._sequence = sequence
        for finding in findings:
            self._put(finding)
            self._unconfirmed.add(finding.fingerprint)

    def __len__(self) -> int:
        return sum(map(len, self._open.values()))

    def findings(self) -> tuple[Finding, ...]:
        """Every open finding, failures and unknowns."""
        return tuple(chain.from_iterable(self._open.values()))

    def of(self, subject: Subject) -> tuple[Finding, ...]:
        """The open findings of one subject."""
        return self._open.get(subject.key, ())

    def subjects(self) -> tuple[Subject, ...]:
        """Every subject with an open finding, each once: those that a complete sweep must see again."""
        return tuple(findings[0].subject for findings in self._open.values())

    def compare(
        self,
        subject: Subject,
        results: Sequence[RuleResult],
        triggers: Sequence[Trigger] = (),
        *,
        at: datetime,
        origin: Origin,
        ended: Reason | None = None,
        known_before: bool = False,
    ) -> tuple[FindingChange, ...]:
        """What `results`, those of all enabled rules, change about `subject`. Remembers nothing.

        `ended`: why the subject is guarded no longer, and with it all its findings end. `known_before`: this process
        had looked at the subject before, so that a change without a trigger is drift.

        Sequence numbers are the microseconds of `at` since 1970, or one more than the highest number seen where the
        clock stands still or steps back. So the numbers of a finding rise, and one that opens again after a restart
        repeats none of its history.
        """
        look = _Look(
            subject=subject,
            at=at,
            sequence=max((at - _EPOCH) // _MICROSECOND, self._sequence + 1),
            trigger=_latest(triggers),
            drift=known_before and not triggers and origin in (Origin.SWEEP, Origin.RECHECK),
        )
        known = {finding.rule_id: finding for finding in self.of(subject)}
        changes = [] if ended else [self._step(known.pop(result.rule_id, None), result, look) for result in results]
        changes += [look.resolved(finding, ended or Reason.RULE_DISABLED) for finding in known.values()]
        return tuple(change for change in changes if change is not None)

    def apply(self, changes: Iterable[FindingChange]) -> None:
        """Remember changes that the store has committed. Applying them twice does no harm."""
        for change in changes:
            finding = change.finding
            self._unconfirmed.discard(finding.fingerprint)
            if change.kind is ChangeKind.RESOLVED:
                self._drop(finding)
            else:
                self._put(finding)

    def _step(self, known: Finding | None, result: RuleResult, look: _Look) -> FindingChange | None:
        if result.verdict in (Verdict.PASS, Verdict.NOT_APPLICABLE):
            return look.resolved(known, _solved(known, result)) if known else None
        if known is None:
            reason = Reason.UNREADABLE if result.verdict is Verdict.UNKNOWN else None
            return look.opened(result, reason, drift=result.verdict is Verdict.FAIL)
        change = _failing(known, result, look) if result.verdict is Verdict.FAIL else _unreadable(known, result, look)
        if change is None and known.fingerprint in self._unconfirmed:
            return look.resumed(known, result)
        return change

    def _put(self, finding: Finding) -> None:
        others = (other for other in self.of(finding.subject) if other.rule_id != finding.rule_id)
        self._open[finding.subject.key] = (*others, finding)
        self._sequence = max(self._sequence, finding.sequence)

    def _drop(self, finding: Finding) -> None:
        key = finding.subject.key
        left = tuple(other for other in self._open.pop(key, ()) if other.rule_id != finding.rule_id)
        if left:
            self._open[key] = left
        self._sequence = max(self._sequence, finding.sequence)


def _failing(known: Finding, result: RuleResult, look: _Look) -> FindingChange | None:
    if known.verdict is Verdict.UNKNOWN:
        return look.opened(result, Reason.READABLE, drift=False)
    reason = _exemption(known, result) or _difference(known, result)
    if reason is not None:
        after = replace(
            known,
            severity=result.severity,
            evidence=result.evidence,
            changed_at=look.at,
            cause=None,
            trigger=look.trigger or known.trigger,
            unknown_since=None,
            base_severity=result.base_severity,
            reasons=result.reasons,
            exempt=result.exempt,
            lapsed=_lapsed(known, result),
        )
        return look.updated(after, reason)
    if known.unknown_since is not None:
        return look.updated(replace(known, cause=None, unknown_since=None), Reason.READABLE)
    return None


def _unreadable(known: Finding, result: RuleResult, look: _Look) -> FindingChange | None:
    if known.verdict is Verdict.FAIL:
        if known.exempt is not None and result.exempt != known.exempt:
            ended = replace(known, exempt=None, lapsed=_lapsed(known, result), cause=result.cause)
            return look.updated(replace(ended, unknown_since=known.unknown_since or look.at), Reason.EXEMPTION_ENDED)
        if known.unknown_since is not None:
            return None
        return look.updated(replace(known, cause=result.cause, unknown_since=look.at), Reason.UNREADABLE)
    if known.cause == result.cause:
        return None
    after = replace(known, evidence=result.evidence, cause=result.cause, changed_at=look.at)
    return look.updated(after, Reason.CAUSE)


def _exemption(known: Finding, result: RuleResult) -> Reason | None:
    """What became of the exemption; None if nothing did."""
    if known.exempt == result.exempt:
        return None
    return Reason.EXEMPTED if result.exempt is not None else Reason.EXEMPTION_ENDED


def _lapsed(known: Finding, result: RuleResult) -> tuple[str, ...]:
    if known.exempt is None or result.exempt is not None or result.lapsed:
        return result.lapsed
    return (f"exemption {known.exempt.id} does not hold: it was withdrawn, or is for other buckets or rules now",)


def _difference(known: Finding, result: RuleResult) -> Reason | None:
    if known.severity is result.severity and known.evidence is result.evidence:
        return None
    before, after = (known.severity.rank, known.evidence.live), (result.severity.rank, result.evidence.live)
    if before != after:
        return Reason.ESCALATED if after[0] > before[0] or after[1] > before[1] else Reason.EASED
    return Reason.CHANGED if known.evidence.digest != result.evidence.digest else None


def _solved(known: Finding, result: RuleResult) -> Reason:
    if result.verdict is Verdict.NOT_APPLICABLE:
        return Reason.NOT_APPLICABLE
    return Reason.FIXED if known.verdict is Verdict.FAIL else Reason.READABLE


def _latest(triggers: Sequence[Trigger]) -> Trigger | None:
    """The last change that someone made; a trigger that names nobody only where no other is left."""

    def rank(trigger: Trigger) -> tuple[bool, datetime]:
        return trigger.actor is not None, trigger.event_time or _LONG_AGO

    # max() keeps the first of equals, and the last to arrive is wanted.
    return max(reversed(triggers), key=rank, default=None)
