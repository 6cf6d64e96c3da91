"""Who is told what about the changes of one commit. Pure: no I/O, no clock.

Takes the finding changes of one subject, hands on the same changes with `notified` set where somebody is told, and
the notifications for the outbox. It must never drop a change, and never tell the end of what it did not tell the
beginning of.

A destination has heard of a finding when the finding is marked `notified` and the destination accepts its severity
and category. Whatever moves a finding across that line is news for this destination: `_news`. An exempt finding is told
to nobody; one that becomes exempt has ended for those who heard of it, and one that is exempt no more begins.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from s3warden.model.alert import Alert, AlertStatus, Fix, Notification
from s3warden.model.bucket import BucketRef, Subject
from s3warden.model.finding import ChangeKind, Finding, FindingChange, Severity, Verdict
from s3warden.model.incident import incident_id
from s3warden.model.rule import Category, RuleInfo
from s3warden.respond.inhibition import INHIBITIONS, Inhibition, inhibited

# Updates that come of AWS itself; the others (unreadable, readable, …) only of what s3warden could see.
_ESCALATED = "escalated"
_TELLING = frozenset({_ESCALATED, "eased", "changed"})
# Updates by which a finding that nobody has heard of becomes news.
_OPENING = frozenset({_ESCALATED, "exemption_ended"})

Known: TypeAlias = Callable[[Subject], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class Destination:
    """What one destination wants to hear. No `categories` means all of them."""

    name: str
    min_severity: Severity = Severity.INFO
    send_resolved: bool = True
    categories: frozenset[Category] = frozenset()

    def accepts(self, severity: Severity, category: Category | None) -> bool:
        """Whether findings of this severity and category are told here. A rule without metadata has no category."""
        if severity.rank < self.min_severity.rank:
            return False
        return not self.categories or category in self.categories


@dataclass(frozen=True, slots=True)
class Plan:
    """What to commit in one transaction: the changes, and the messages about them."""

    changes: tuple[FindingChange, ...]
    notifications: tuple[Notification, ...]


@dataclass(frozen=True, slots=True)
class _Step:
    """One change with what is needed to decide who hears of it."""

    change: FindingChange
    before: Finding | None
    heard: bool
    hears: bool


class Routing:
    """Decides, per destination, which changes are news. `rules` are the metadata of the enabled rules, by id."""

    def __init__(
        self,
        destinations: Sequence[Destination],
        rules: Mapping[str, RuleInfo],
        *,
        inhibitions: Sequence[Inhibition] = INHIBITIONS,
        runbook_url: str = "",
    ) -> None:
        self._destinations = tuple(destinations)
        self._rules = rules
        self._inhibitions = tuple(inhibitions)
        self._runbook_url = runbook_url

    def plan(self, changes: Sequence[FindingChange], *, baseline: Collection[str] = (), known: Known) -> Plan:
        """Changes and messages to commit. `known` gives the open findings of a subject as they were before.

        `baseline` are the ids of rules whose findings a digest will tell: only live and critical ones are told now.
        """
        opening = {change.finding.fingerprint for change in changes if self._opens(change, baseline=baseline)}
        # What nobody was told of, such as a line of the first digest, can speak for nothing.
        speakers = [f for f in _after(changes, known).values() if f.notified or f.fingerprint in opening]
        steps = [self._step(change, baseline=baseline, known=known, speakers=speakers) for change in changes]
        notifications = [
            notification
            for destination in self._destinations
            for status in AlertStatus
            if (notification := self._notification(destination, status, steps)) is not None
        ]
        return Plan(tuple(step.change for step in steps), tuple(notifications))

    def alert(self, change: FindingChange, status: AlertStatus) -> Alert:
        """The news of one change, for people."""
        told = self.describe(change.finding, status, at=change.at, reason=change.reason)
        record = incident_id(change.finding) if change.kind is ChangeKind.RESOLVED else None
        return told if record is None else replace(told, incident=record)

    def alarm(
        self,
        finding: Finding,
        reason: str,
        facts: Sequence[tuple[str, str]],
        key: str,
        links: Callable[[str], tuple[tuple[str, str], ...]] = lambda _destination: (),
    ) -> tuple[Notification, ...]:
        """Messages about a fix that is left to people, to all who hear of such a finding.

        `reason` is a stable code, `facts` are what is told beyond the finding's own, `key` is the same over every
        repeat. `links` gives what one destination's readers may do at once.
        """
        alert = self.describe(finding, AlertStatus.FIRING, at=finding.changed_at, reason=reason)
        alert = replace(alert, details=(*facts, *alert.details))
        group = group_key(finding.subject)
        triggers = (finding.trigger.event_id,) if finding.trigger is not None else ()
        return tuple(
            Notification(
                destination=destination.name,
                group_key=group,
                dedup_key=f"s3warden/remediation/{key}",
                severity=finding.severity,
                alerts=(replace(alert, links=links(destination.name)),),
                correlation=triggers,
            )
            for destination in self._destinations
            if self._accepts(destination, finding)
        )

    def describe(self, finding: Finding, status: AlertStatus, *, at: datetime, reason: str = "") -> Alert:
        """A finding as people are told of it, with what its rule says about risk and fix."""
        info = self._rules.get(finding.rule_id)
        return Alert(
            fingerprint=finding.fingerprint,
            sequence=finding.sequence,
            status=status,
            rule_id=finding.rule_id,
            title=info.title if info else finding.rule_id,
            severity=finding.severity,
            subject=finding.subject,
            summary=finding.evidence.summary,
            details=tuple(finding.evidence.details.items()),
            why=info.why if info else "",
            fix=info.fix(finding.subject) if info else Fix(),
            starts_at=finding.first_seen,
            at=at,
            live=finding.evidence.live,
            trigger=finding.trigger,
            reason=reason,
            runbook_url=self._runbook_url.replace("{rule_id}", finding.rule_id),
            category=info.category.value if info else "",
            base_severity=finding.base_severity,
            reasons=finding.reasons,
            exempt=finding.exempt,
            lapsed=finding.lapsed,
        )

    def _step(
        self, change: FindingChange, *, baseline: Collection[str], known: Known, speakers: Sequence[Finding]
    ) -> _Step:
        finding = change.finding
        before = next((f for f in known(finding.subject) if f.fingerprint == finding.fingerprint), None)
        heard = finding.notified
        hears = heard and finding.exempt is None
        if heard and not hears:
            change = replace(change, finding=replace(finding, notified=False))
        if not heard and self._opens(change, baseline=baseline) and not self._inhibited(change, known, speakers):
            hears = any(self._accepts(destination, finding) for destination in self._destinations)
        if hears and not heard:
            change = replace(change, finding=replace(finding, notified=True))
        return _Step(change, before, heard, hears)

    def _opens(self, change: FindingChange, *, baseline: Collection[str]) -> bool:
        """Whether a finding that nobody has heard of is to be told now."""
        finding = change.finding
        if finding.verdict is not Verdict.FAIL or finding.exempt is not None:
            return False
        # What the context plays down is told at a first look all the same: a leak is a leak.
        own = finding.base_severity or finding.severity
        urgent = finding.evidence.live and Severity.CRITICAL in (own, finding.severity)
        if finding.rule_id in baseline and not urgent:
            return False
        return change.kind is ChangeKind.OPENED or (change.kind is ChangeKind.UPDATED and change.reason in _OPENING)

    def _inhibited(self, change: FindingChange, known: Known, speakers: Sequence[Finding]) -> bool:
        heard = [speaker for speaker in speakers if self._reaches(speaker, change.finding)]
        return inhibited(change.finding, heard, self._inhibitions) or self._by_account(change, known)

    def _reaches(self, source: Finding, target: Finding) -> bool:
        """Whether every destination that would hear of `target` hears of `source`: they may differ in category."""
        return all(self._accepts(each, source) for each in self._destinations if self._accepts(each, target))

    def _by_account(self, change: FindingChange, known: Known) -> bool:
        subject = change.finding.subject
        if not isinstance(subject, BucketRef) or change.finding.evidence.live:
            return False
        sources = {i.source for i in self._inhibitions if i.account and change.finding.rule_id in i.targets}
        return bool(sources) and any(
            source.rule_id in sources
            and source.verdict is Verdict.FAIL
            and source.notified
            and self._reaches(source, change.finding)
            and _same_cause(source, change.finding)
            for source in known(subject.owner)
        )

    def _accepts(self, destination: Destination, finding: Finding) -> bool:
        info = self._rules.get(finding.rule_id)
        return destination.accepts(finding.severity, info.category if info else None)

    def _news(self, destination: Destination, step: _Step) -> AlertStatus | None:
        """What `destination` hears of this step: that something fires, that it ended, or nothing."""
        change = step.change
        heard = step.heard and self._accepts(destination, step.before or change.finding)
        hears = step.hears and self._accepts(destination, change.finding)
        if change.kind is ChangeKind.RESOLVED:
            return AlertStatus.RESOLVED if heard else None
        if heard and not hears:
            return AlertStatus.RESOLVED
        if hears and not heard:
            return AlertStatus.FIRING
        return AlertStatus.FIRING if hears and change.reason in _TELLING else None

    def _notification(
        self, destination: Destination, status: AlertStatus, steps: Sequence[_Step]
    ) -> Notification | None:
        if status is AlertStatus.RESOLVED and not destination.send_resolved:
            return None
        told = [step.change for step in steps if self._news(destination, step) is status]
        if not told:
            return None
        alerts = sorted((self.alert(change, status) for change in told), key=lambda a: (not a.live, -a.severity.rank))
        triggers = (alert.trigger.event_id for alert in alerts if alert.trigger is not None)
        group = group_key(told[0].finding.subject)
        return Notification(
            destination=destination.name,
            group_key=group,
            dedup_key=f"{group}/{_digest(status, *sorted(change.id for change in told))}",
            severity=max((alert.severity for alert in alerts), key=lambda severity: severity.rank),
            alerts=tuple(alerts),
            correlation=tuple(dict.fromkeys(triggers)),
        )


def _after(changes: Sequence[FindingChange], known: Known) -> Mapping[str, Finding]:
    """The findings of the subjects of `changes` as they will be, by fingerprint; those that end are not open."""
    subjects = dict.fromkeys(change.finding.subject for change in changes)
    before = {finding.fingerprint: finding for subject in subjects for finding in known(subject)}
    return before | {change.finding.fingerprint: change.finding for change in changes}


def group_key(subject: Subject) -> str:
    """The key that all messages about one subject share, for ever."""
    return f"s3warden/{_digest(subject.key)}"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _same_cause(source: Finding, target: Finding) -> bool:
    """Whether the account's finding explains the bucket's: no if someone made another kind of call on the bucket.

    Compared by the name of the call: both AWS and the queue may deliver one call more than once, under other ids.
    """
    if target.trigger is None:
        return True
    return source.trigger is not None and source.trigger.name == target.trigger.name
