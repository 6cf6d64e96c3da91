"""Evaluation: ignorance is never green, and one broken rule stops no other."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3warden.detect.evaluate import evaluate
from s3warden.detect.rule import Judgement, Kind, Rule, RuleOptions, fails, not_applicable, passes
from s3warden.detect.rules import RULES
from s3warden.detect.samples import DENIED, account, bucket
from s3warden.model.bucket import (
    ABSENT,
    ACCOUNT_ASPECTS,
    NOT_READ,
    AccountState,
    Aspect,
    BucketState,
    Cause,
    Present,
    Reading,
    State,
    Unreadable,
)
from s3warden.model.finding import Severity, Verdict
from s3warden.model.rule import Category
from support.alerts import rule as rule_info

NEEDS = frozenset({Aspect.ACL, Aspect.OWNERSHIP, Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK})
CASES = [
    (rule, aspect, example.state, example.options)
    for rule in RULES
    for aspect in sorted(rule.info.needs)
    for example in rule.examples
]


def rule(judgement: Judgement | Exception, *, rule_id: str = "test-rule", needs: frozenset[Aspect] = NEEDS) -> Rule:
    """A rule that always says the same, or always crashes."""

    def check(_state: State, _options: RuleOptions) -> Judgement:
        if isinstance(judgement, Exception):
            raise judgement
        return judgement

    info = rule_info(rule_id, Category.GOVERNANCE, Severity.LOW)
    return Rule(replace(info, needs=needs), Kind.BUCKET, check)


def blinded(state: State, aspect: Aspect, reading: Reading[object]) -> State:
    """`state` with another reading of one aspect."""
    if isinstance(state, BucketState) and aspect in ACCOUNT_ASPECTS:
        assert state.account is not None
        known = state.account
        return replace(state, account=replace(known, readings={**known.readings, aspect: reading}))
    return replace(state, readings={**state.readings, aspect: reading})


@pytest.mark.parametrize("cause", Cause)
@pytest.mark.parametrize(("rule", "aspect", "state", "options"), CASES)
def test_no_single_unreadable_need_gives_pass(
    rule: Rule, aspect: Aspect, state: State, options: RuleOptions, cause: Cause
) -> None:
    """Every rule, every state of its examples, every need and cause: FAIL or not concerned if proven, else UNKNOWN."""
    [result] = evaluate((rule,), blinded(state, aspect, Unreadable(cause, "why")), options=options)
    assert result.verdict is not Verdict.PASS
    if result.verdict is Verdict.NOT_APPLICABLE:
        assert rule.check(blinded(state, aspect, Unreadable(cause, "why")), options).proven
    if result.verdict is Verdict.UNKNOWN:
        assert result.cause is not None
        assert not result.evidence.live


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.info.needs])
def test_nothing_read_at_all_is_unknown(rule: Rule) -> None:
    """A state that nobody has filled yet passes no rule and fails none."""
    example = rule.examples[0].state
    blank: State = replace(example, readings={}, account=None) if isinstance(example, BucketState) else example
    if isinstance(blank, AccountState):
        blank = replace(blank, readings={})
    [result] = evaluate((rule,), blank)
    assert (result.verdict, result.cause) == (Verdict.UNKNOWN, NOT_READ.cause)


@given(data=st.data())
def test_more_ignorance_never_turns_into_pass(data: st.DataObject) -> None:
    """Whatever set of needs is unreadable, only what stood before survives: FAIL, or not concerned where proven."""
    # A bucket that refuses to be read is what this one rule finds.
    rule = data.draw(
        st.sampled_from([rule for rule in RULES if rule.info.needs and rule.info.id != "bucket-unreadable"])
    )
    example = data.draw(st.sampled_from(rule.examples))
    hidden = data.draw(st.sets(st.sampled_from(sorted(rule.info.needs)), min_size=1))
    state = example.state
    for aspect in hidden:
        state = blinded(state, aspect, Unreadable(data.draw(st.sampled_from(Cause))))
    [result] = evaluate((rule,), state, options=example.options)
    if result.verdict is Verdict.NOT_APPLICABLE:
        assert rule.check(state, example.options).proven
    assert result.verdict is Verdict.UNKNOWN or result.verdict is example.verdict is not Verdict.PASS


@pytest.mark.parametrize("judgement", [passes("fine"), not_applicable("nothing to say")])
def test_unread_need_overrules_a_check_that_did_not_look(judgement: Judgement) -> None:
    """A check that never asked for the unreadable aspect does not get away with PASS."""
    [result] = evaluate((rule(judgement),), bucket({Aspect.OWNERSHIP: DENIED}))
    assert (result.verdict, result.cause) == (Verdict.UNKNOWN, Cause.ROLE_PERMISSION)
    assert result.evidence.details == {"unreadable": "ownership", "cause": "role_permission"}
    assert result.evidence.summary == (
        "Could not be read: ownership (role permission: not authorized to perform this action)."
    )


def test_proven_failure_stands_although_a_need_is_unread() -> None:
    """FAIL is kept where the check did not need what could not be read."""
    [result] = evaluate((rule(fails("proven")),), bucket({Aspect.OWNERSHIP: DENIED}))
    assert (result.verdict, result.cause) == (Verdict.FAIL, None)


def test_worst_cause_names_the_verdict() -> None:
    """What a person must repair comes before what passes by itself."""
    state = bucket(
        {
            Aspect.ACL: Unreadable(Cause.THROTTLED, "slow down"),
            Aspect.OWNERSHIP: Unreadable(Cause.SCP, "explicit deny"),
            Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: NOT_READ,
        }
    )
    [result] = evaluate((rule(passes("")),), state)
    assert result.cause is Cause.SCP
    assert result.evidence.details["unreadable"] == "account_public_access_block, acl, ownership"


def test_undeclared_need_is_unknown_too() -> None:
    """A check that asks for an unreadable aspect it did not declare is unknown, not a crash."""
    [real] = [rule for rule in RULES if rule.info.id == "bucket-versioning"]
    undeclared = replace(real, info=replace(real.info, needs=frozenset()))
    crashed: list[str] = []
    [result] = evaluate((undeclared,), bucket({Aspect.VERSIONING: DENIED}), crashed.append)
    assert (result.verdict, result.cause, crashed) == (Verdict.UNKNOWN, Cause.ROLE_PERMISSION, [])


def test_crashing_rule_is_unknown_and_the_others_go_on() -> None:
    """A bug in one rule is told and hides no verdict of another."""
    crashed: list[str] = []
    rules = (rule(ZeroDivisionError(), rule_id="broken"), rule(passes("fine"), rule_id="sound"))
    results = evaluate(rules, bucket(), crashed.append)
    assert [(r.rule_id, r.verdict, r.cause) for r in results] == [
        ("broken", Verdict.UNKNOWN, Cause.ERROR),
        ("sound", Verdict.PASS, None),
    ]
    assert crashed == ["broken"]


def test_value_of_the_wrong_type_is_unknown() -> None:
    """A reading that a rule does not understand is its crash, never its PASS."""
    [versioning] = [rule for rule in RULES if rule.info.id == "bucket-versioning"]
    [result] = evaluate((versioning,), bucket({Aspect.VERSIONING: Present("Enabled")}))
    assert (result.verdict, result.cause) == (Verdict.UNKNOWN, Cause.ERROR)


def test_bucket_that_is_gone_has_no_results() -> None:
    """Nothing is said of a bucket that exists no longer."""
    assert evaluate(RULES, replace(bucket(), exists=False)) == ()


def test_only_rules_of_the_kind_of_the_state_are_asked() -> None:
    """An account is judged by account rules, a bucket by bucket rules, in their order."""
    buckets = [rule.info.id for rule in RULES if rule.kind is Kind.BUCKET]
    accounts = [rule.info.id for rule in RULES if rule.kind is Kind.ACCOUNT]
    assert [result.rule_id for result in evaluate(RULES, bucket())] == buckets
    assert [result.rule_id for result in evaluate(RULES, account(ABSENT))] == accounts


def test_severity_is_the_rules_own_or_that_of_the_evidence() -> None:
    """A judgement may weigh a failure differently."""
    rules = (rule(fails("a")), rule(fails("b", severity=Severity.HIGH)))
    assert [result.severity for result in evaluate(rules, bucket())] == [Severity.LOW, Severity.HIGH]
