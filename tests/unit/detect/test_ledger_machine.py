"""The ledger under any sequence of looks, restarts, lost commits and clock jumps."""

from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from s3warden.detect.ledger import Ledger
from s3warden.model.bucket import BucketRef, Cause
from s3warden.model.event import Origin
from s3warden.model.exemption import Exempt
from s3warden.model.finding import ChangeKind, Evidence, Finding, FindingChange, Reason, RuleResult, Severity, Verdict

SUBJECTS = tuple(BucketRef("aws", "111122223333", "eu-west-1", name) for name in ("one", "two"))
RULES = ("a-rule", "b-rule", "c-rule")
VERDICTS = st.builds(
    RuleResult,
    rule_id=st.just(""),
    verdict=st.sampled_from(Verdict),
    severity=st.sampled_from([Severity.LOW, Severity.CRITICAL]),
    evidence=st.builds(
        Evidence, st.just("Because."), st.fixed_dictionaries({"fact": st.sampled_from("xy")}), st.booleans()
    ),
    cause=st.just(None),
    exempt=st.sampled_from([None, Exempt("a", "team-a", "agreed"), Exempt("b", "team-b", "agreed")]),
)
LOOKS = st.fixed_dictionaries({}, optional=dict.fromkeys(RULES, VERDICTS))


class LedgerMachine(RuleBasedStateMachine):
    """Plays AWS, the store and the clock, and keeps its own simple account of what must be open."""

    @initialize()
    def start(self) -> None:
        self.now = datetime(2026, 3, 1, tzinfo=UTC)
        self.ledger = Ledger()
        self.open: dict[tuple[BucketRef, str], Verdict] = {}
        self.exempt: dict[tuple[BucketRef, str], Exempt | None] = {}
        self.stored: dict[str, Finding] = {}
        self.ids: set[str] = set()
        self.last: tuple[BucketRef, tuple[RuleResult, ...], bool] | None = None

    @rule(
        subject=st.sampled_from(SUBJECTS), look=LOOKS, gone=st.just(False) | st.booleans(), cause=st.sampled_from(Cause)
    )
    def look(self, subject: BucketRef, look: dict[str, RuleResult], gone: bool, cause: Cause) -> None:
        results = tuple(
            RuleResult(
                rule_id,
                result.verdict,
                result.severity,
                result.evidence,
                cause if result.verdict is Verdict.UNKNOWN else None,
                exempt=result.exempt,
            )
            for rule_id, result in look.items()
        )
        self.last = (subject, results, gone)
        changes = self._compare()
        for change in changes:
            self._store(change)
        self.ledger.apply(changes)
        self._remember(subject, () if gone else results)

    @precondition(lambda self: self.last is not None)
    @rule()
    def look_again(self) -> None:
        """The same truth again is silent, or resumed after a restart."""
        changes = self._compare()
        for change in changes:
            assert change.kind is ChangeKind.RESUMED
            assert change.finding == self.stored[change.finding.fingerprint]
        self.ledger.apply(changes)
        assert self._compare() == ()

    @precondition(lambda self: self.last is not None)
    @rule(subject=st.sampled_from(SUBJECTS), look=LOOKS)
    def commit_is_lost(self, subject: BucketRef, look: dict[str, RuleResult]) -> None:
        """A comparison whose changes are never applied leaves no trace."""
        before = self.ledger.findings()
        self.ledger.compare(subject, tuple(look.values()), (), at=self.now, origin=Origin.SWEEP)
        assert self.ledger.findings() == before

    @rule()
    def restart(self) -> None:
        """Only what is stored and open comes back, and the highest number."""
        self.ledger = Ledger(self.stored.values(), max((int(id_.partition("/")[2]) for id_ in self.ids), default=0))

    @rule(seconds=st.integers(-3600, 3600))
    def clock_moves(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    def _compare(self) -> tuple[FindingChange, ...]:
        assert self.last is not None
        # Time passes between any two looks of one process; a clock that is set back is `clock_moves`.
        self.now += timedelta(microseconds=7919)
        subject, results, gone = self.last
        ended = Reason.BUCKET_DELETED if gone else None
        return self.ledger.compare(subject, results, (), at=self.now, origin=Origin.SWEEP, ended=ended)

    def _store(self, change: FindingChange) -> None:
        finding, known = change.finding, self.stored.get(change.finding.fingerprint)
        if change.kind is ChangeKind.RESUMED:
            assert finding == known
            return
        assert change.id not in self.ids
        self.ids.add(change.id)
        if change.kind is ChangeKind.RESOLVED:
            assert known is not None
            assert not finding.is_open
            del self.stored[finding.fingerprint]
            return
        assert finding.is_open
        assert (known is not None) or change.kind is ChangeKind.OPENED
        if known is not None:
            assert finding.sequence > known.sequence
            assert change.kind is ChangeKind.UPDATED or known.verdict is Verdict.UNKNOWN
        self.stored[finding.fingerprint] = finding

    def _remember(self, subject: BucketRef, results: tuple[RuleResult, ...]) -> None:
        verdicts = {result.rule_id: result.verdict for result in results}
        exempt = {result.rule_id: result.exempt for result in results}
        for rule_id in RULES:
            key = (subject, rule_id)
            fails, before = verdicts.get(rule_id) is Verdict.FAIL, self.exempt.get(key)
            # What could not be read makes nothing exempt: it leaves an exemption that still stands, or ends it.
            self.exempt[key] = exempt.get(rule_id) if fails or exempt.get(rule_id) == before else None
            match verdicts.get(rule_id), self.open.get(key):
                case Verdict.FAIL, _:
                    self.open[key] = Verdict.FAIL
                case Verdict.UNKNOWN, known:
                    self.open[key] = known or Verdict.UNKNOWN
                case _:
                    self.open.pop(key, None)
                    # What ends takes its exemption along: a finding that opens as unknown later has none to keep.
                    self.exempt[key] = None

    @invariant()
    def open_findings_are_the_last_known_truth(self) -> None:
        found = {(finding.subject, finding.rule_id): finding.verdict for finding in self.ledger.findings()}
        assert found == self.open
        assert len(self.ledger) == len(self.open)

    @invariant()
    def exempt_is_what_was_decided_last(self) -> None:
        for finding in self.ledger.findings():
            assert isinstance(finding.subject, BucketRef)
            assert finding.exempt == self.exempt[finding.subject, finding.rule_id]

    @invariant()
    def store_and_memory_agree(self) -> None:
        assert {finding.fingerprint: finding for finding in self.ledger.findings()} == self.stored

    @invariant()
    def indexes_agree(self) -> None:
        assert sorted(self.ledger.subjects()) == sorted({subject for subject, _ in self.open})
        assert sum(len(self.ledger.of(subject)) for subject in SUBJECTS) == len(self.ledger)


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
