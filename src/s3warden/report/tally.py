"""How every check of a scan came out, those that pass among them. Bounded by the estate: like rows are one object."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from s3warden.model.bucket import Subject
from s3warden.model.finding import RuleResult, Verdict

Row: TypeAlias = tuple[tuple[str, Verdict], ...]


class Tally:
    """The last verdicts on each subject. What was looked at twice counts once, as it was found last."""

    def __init__(self) -> None:
        self._rows: dict[Subject, Row] = {}
        self._shared: dict[Row, Row] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def judged(self, subject: Subject, results: Sequence[RuleResult]) -> None:
        """These are the verdicts on the subject now; none means that it is no more."""
        row = tuple((result.rule_id, result.verdict) for result in results)
        if row:
            self._rows[subject] = self._shared.setdefault(row, row)
        else:
            self._rows.pop(subject, None)

    def counts(self) -> Mapping[str, Counter[Verdict]]:
        """How often each rule said what."""
        counted: defaultdict[str, Counter[Verdict]] = defaultdict(Counter)
        for row, times in Counter(self._rows.values()).items():
            for rule_id, verdict in row:
                counted[rule_id][verdict] += times
        return counted

    def having(self, verdict: Verdict) -> Iterator[tuple[Subject, str]]:
        """Every check that came out so: the subject and the rule, subject by subject."""
        for subject in sorted(self._rows, key=lambda each: each.key):
            for rule_id, found in self._rows[subject]:
                if found is verdict:
                    yield subject, rule_id
