"""Rules and a state in, verdicts out.

A verdict is UNKNOWN as soon as one needed aspect could not be read, unless what could be read proves FAIL by itself. A
rule that crashes is UNKNOWN too, and the others go on. This stage must never turn ignorance into PASS.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from s3warden.detect.rule import DEFAULT_OPTIONS, Rule, RuleFailedError, RuleOptions, UnreadableError
from s3warden.model.bucket import Aspect, BucketState, Cause, State, Unreadable, unreadable_parts
from s3warden.model.finding import Evidence, RuleResult, Verdict

# What a person has to repair comes before what passes by itself; the first one found names the whole verdict.
_WORST_FIRST = (
    Cause.ERROR,
    Cause.CREDENTIALS,
    Cause.ASSUME_ROLE,
    Cause.ROLE_PERMISSION,
    Cause.SCP,
    Cause.RCP,
    Cause.BUCKET_POLICY,
    Cause.DENIED,
    Cause.REGION_OFF,
    Cause.MALFORMED,
    Cause.UNREACHABLE,
    Cause.THROTTLED,
    Cause.NOT_READ,
    Cause.UNDECIDED,
)


def _ignore(_rule_id: str) -> None:
    return


def evaluate(
    rules: Sequence[Rule],
    state: State,
    on_error: Callable[[str], None] = _ignore,
    *,
    options: RuleOptions = DEFAULT_OPTIONS,
) -> tuple[RuleResult, ...]:
    """One result for each rule of the state's kind, in the order of `rules`; none for a bucket that is gone.

    `on_error` gets the id of each rule that crashed, while its exception is being handled.
    """
    if isinstance(state, BucketState) and not state.exists:
        return ()
    return tuple(_judge(rule, state, on_error, options) for rule in rules if rule.applies_to(state))


def _judge(rule: Rule, state: State, on_error: Callable[[str], None], options: RuleOptions) -> RuleResult:
    unread = {aspect: _worst(parts) for aspect in rule.info.needs if (parts := unreadable_parts(state.reading(aspect)))}
    try:
        judgement = rule.check(state, options)
    except UnreadableError as error:
        return _unknown(rule, unread or {error.aspect: error.reading})
    except RuleFailedError as error:
        on_error(rule.info.id)
        return _crashed(rule, error, str(error))
    except Exception as error:  # noqa: BLE001 - one crashing rule must not hide the verdicts of the others
        on_error(rule.info.id)
        return _crashed(rule, error, f"the rule itself failed ({type(error).__name__})")
    if unread and judgement.verdict is not Verdict.FAIL and not judgement.proven:
        return _unknown(rule, unread)
    severity = judgement.severity or rule.info.severity
    cause = Cause.UNDECIDED if judgement.verdict is Verdict.UNKNOWN else None
    return RuleResult(rule.info.id, judgement.verdict, severity, judgement.evidence, cause)


def _worst(readings: Iterable[Unreadable]) -> Unreadable:
    return min(readings, key=lambda reading: _WORST_FIRST.index(reading.cause))


def _unknown(rule: Rule, unread: Mapping[Aspect, Unreadable]) -> RuleResult:
    worst = _worst(unread.values())
    names = ", ".join(sorted(unread))
    why = worst.cause.replace("_", " ") + (f": {worst.detail}" if worst.detail else "")
    evidence = Evidence(
        f"Could not be read: {names.replace('_', ' ')} ({why}).",
        {"unreadable": names, "cause": worst.cause.value},
    )
    return RuleResult(rule.info.id, Verdict.UNKNOWN, rule.info.severity, evidence, worst.cause)


def _crashed(rule: Rule, error: Exception, why: str) -> RuleResult:
    evidence = Evidence(
        f"Not decided: {why}.",
        {"cause": Cause.ERROR.value, "error": type(error).__name__},
    )
    return RuleResult(rule.info.id, Verdict.UNKNOWN, rule.info.severity, evidence, Cause.ERROR)
