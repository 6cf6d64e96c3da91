"""A framework's controls, each with how the checks came out that map to it.

A mapping is a pointer: that all checks of a control pass does not say that the control is met.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from s3warden.model.bucket import Subject
from s3warden.model.framework import Framework
from s3warden.report.scanned import Outcome, Scanned, outcome_of

CAVEAT: Final = (
    "s3warden's checks map to these controls. That they pass is no statement that a control, or the framework, is met."
)
NOT_CHECKED: Final = "not checked"


@dataclass(frozen=True, slots=True)
class ControlRow:
    """One control. `rules` were applied, `off` map to it too and are not enabled; `concerned` fail or are unknown."""

    id: str
    rules: tuple[str, ...]
    off: tuple[str, ...]
    counts: Mapping[Outcome, int]
    concerned: tuple[tuple[Subject, Outcome], ...]

    @property
    def status(self) -> str:
        """The worst that a check says, as a word; unknown is worse than pass."""
        return next((outcome.words for outcome in Outcome if self.counts.get(outcome)), NOT_CHECKED)


def controls(framework: Framework, scanned: Scanned) -> tuple[ControlRow, ...]:
    """Every control of the framework that some rule maps to, in the framework's own order."""
    mapped: defaultdict[str, list[str]] = defaultdict(list)
    for rule_id, info in {**scanned.known, **scanned.rules}.items():
        for control in info.maps:
            if control.framework is framework and rule_id not in mapped[control.id]:
                mapped[control.id].append(rule_id)
    outcomes = scanned.outcomes()
    return tuple(_row(id_, mapped[id_], outcomes, scanned) for id_ in sorted(mapped, key=_natural))


def _row(id_: str, rule_ids: list[str], outcomes: Mapping[str, Counter[Outcome]], scanned: Scanned) -> ControlRow:
    applied = tuple(rule_id for rule_id in rule_ids if rule_id in scanned.rules)
    counts: Counter[Outcome] = Counter()
    for rule_id in applied:
        counts.update(outcomes[rule_id])
    concerned: dict[Subject, Outcome] = {}
    for finding in scanned.findings:
        if finding.rule_id in applied:
            outcome = outcome_of(finding)
            worst = min(outcome, concerned.get(finding.subject, outcome), key=list(Outcome).index)
            concerned[finding.subject] = worst
    named = sorted(concerned.items(), key=lambda item: (list(Outcome).index(item[1]), item[0].key))
    return ControlRow(id_, applied, tuple(each for each in rule_ids if each not in applied), counts, tuple(named))


def _natural(id_: str) -> tuple[tuple[bool, int, str], ...]:
    """2.9 before 2.10, S3.8 before S3.12."""
    parts = re.findall(r"\d+|\D+", id_)
    return tuple((part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts)
