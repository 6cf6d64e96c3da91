"""Severities in their context: what moves them, what bounds them, and that nothing is silenced."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3warden.detect.context import (
    MOST,
    NEUTRAL,
    Circumstances,
    Context,
    Environment,
    Exposure,
    Sensitivity,
    circumstances,
    in_context,
)
from s3warden.detect.evaluate import evaluate
from s3warden.detect.rules import RULES
from s3warden.detect.samples import ACCOUNT, DENIED, account, allow, bucket, by_policy, unguarded
from s3warden.model.bucket import ABSENT, Aspect, BucketState, Cause, Present, Reading, State
from s3warden.model.configuration import Tags
from s3warden.model.finding import Evidence, RuleResult, Severity, Verdict
from s3warden.model.services import MacieCoverage
from s3warden.settings.house import Weights

OPEN = (Aspect.PUBLIC_ACCESS_BLOCK, Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK, Aspect.OWNERSHIP)
BY_ID = {rule.info.id: rule for rule in RULES}
USUAL = Context(**Weights().model_dump(exclude={"production_accounts", "development_accounts"}))
PUBLIC = by_policy(allow(resource="*"))
PARTNER = by_policy(allow({"AWS": "444455556666"}), public=False)


def tags(**pairs: str) -> Reading[object]:
    """These tags."""
    return Present(Tags(tuple(sorted(pairs.items()))))


def known(state: State, context: Context = USUAL, units: frozenset[str] | None = None) -> Circumstances:
    """The circumstances of a state, all rules applied."""
    return circumstances(evaluate(RULES, state), state, BY_ID, context, units)


def judged(rule_id: str, state: State, context: Context = USUAL) -> RuleResult:
    """The verdict of one rule, in context of all."""
    results = in_context(evaluate(RULES, state), state, BY_ID, context)
    return next(result for result in results if result.rule_id == rule_id)


def test_a_log_bucket_and_the_customer_data_do_not_page_alike() -> None:
    """Open to everyone, both; one is critical whatever happens, the other is less, and both say why."""
    logs = judged("bucket-public-effective", _named("shop-access-logs", PUBLIC))
    data = judged("bucket-public-effective", _named("customer-exports", PUBLIC))
    assert (logs.severity, logs.base_severity) == (Severity.HIGH, Severity.CRITICAL)
    assert logs.reasons == ("harmless data: the name shop-access-logs (-1)",)
    assert (data.severity, data.base_severity) == (Severity.CRITICAL, Severity.CRITICAL)
    assert data.reasons == ("sensitive data: the name customer-exports (+1)",)


def _named(name: str, readings: dict[Aspect, Reading[object]], **pairs: str) -> BucketState:
    state = unguarded({**readings, Aspect.TAGGING: tags(**pairs)})
    return replace(state, ref=bucket(name=name).ref)


@pytest.mark.parametrize(
    ("state", "exposure"),
    [
        (bucket(), Exposure.PRIVATE),
        (unguarded(PUBLIC), Exposure.PUBLIC),
        (bucket(PUBLIC), Exposure.LATENT),
        (bucket(PARTNER), Exposure.CROSS_ACCOUNT),
        (unguarded({Aspect.POLICY: DENIED}), Exposure.LATENT),
        (bucket({Aspect.POLICY: DENIED, Aspect.ACCESS_POINTS: DENIED}), Exposure.UNKNOWN),
        (account(ABSENT), Exposure.UNKNOWN),
    ],
)
def test_who_gets_in_is_what_the_rules_say(state: State, exposure: Exposure) -> None:
    """Strangers now, strangers after one change, accounts by name, nobody; not known where they cannot tell."""
    assert known(state).exposure is exposure


@pytest.mark.parametrize(
    ("name", "reading", "sensitivity", "by"),
    [
        (
            "example",
            tags(DataClassification="Confidential"),
            Sensitivity.SENSITIVE,
            "tag DataClassification=Confidential",
        ),
        ("example", tags(**{"data-classification": "PII"}), Sensitivity.SENSITIVE, "tag data-classification=PII"),
        ("example", tags(Sensitivity="public"), Sensitivity.HARMLESS, "tag Sensitivity=public"),
        ("customer-data", tags(Classification="public"), Sensitivity.HARMLESS, "tag Classification=public"),
        ("example", tags(A="public", Sensitivity="secret", Classification="public"), Sensitivity.SENSITIVE, ""),
        ("customer-data", tags(), Sensitivity.SENSITIVE, "the name customer-data"),
        ("customer-access-logs", tags(), Sensitivity.SENSITIVE, "the name customer-access-logs"),
        ("shop-access-logs", tags(), Sensitivity.HARMLESS, "the name shop-access-logs"),
        ("example", tags(), Sensitivity.ORDINARY, ""),
        ("example", DENIED, Sensitivity.UNKNOWN, ""),
        ("customer-data", DENIED, Sensitivity.SENSITIVE, "the name customer-data"),
        ("shop-access-logs", DENIED, Sensitivity.UNKNOWN, ""),
    ],
)
def test_what_the_data_is(name: str, reading: Reading[object], sensitivity: Sensitivity, by: str) -> None:
    """Tags before the name, the worse before the better; what is unreadable is never taken for harmless."""
    found = known(replace(bucket({Aspect.TAGGING: reading}), ref=bucket(name=name).ref))
    assert found.sensitivity is sensitivity
    assert found.sensitivity_by == by or not by


@pytest.mark.parametrize(
    ("score", "sensitivity"), [(99, "sensitive"), (51, "sensitive"), (50, "harmless"), (-1, "harmless")]
)
def test_macie_makes_worse_and_never_better(score: int, sensitivity: str) -> None:
    """What it found counts more than a tag that says otherwise; what it did not find proves nothing."""
    coverage = Present(MacieCoverage(error="", monitored=True, in_job=False, sensitivity=score))
    state = bucket({Aspect.TAGGING: tags(Classification="public"), Aspect.MACIE_COVERAGE: coverage})
    assert known(state).sensitivity.value == sensitivity


LOGS_IN_DEVELOPMENT = {"Classification": "public", "Environment": "dev"}


@pytest.mark.parametrize(
    ("rule_id", "readings", "severities"),
    [
        ("bucket-public-effective", {**PUBLIC, **dict.fromkeys(OPEN, ABSENT)}, "critical critical high high"),
        ("bucket-public-latent", {**PUBLIC, Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: ABSENT}, "high medium low low"),
        ("bucket-cross-account-access", PARTNER, "critical high medium low"),
        ("bucket-tls-required", {Aspect.POLICY: ABSENT, Aspect.POLICY_STATUS: ABSENT}, "medium medium low low"),
    ],
)
def test_the_table_of_the_page_is_true(rule_id: str, readings: dict[Aspect, Reading[object]], severities: str) -> None:
    """docs/severity.md: customer data, ordinary, access logs, access logs in development."""
    kinds: list[dict[str, str]] = [{"Classification": "pii"}, {}, {"Classification": "public"}, LOGS_IN_DEVELOPMENT]
    found = [judged(rule_id, bucket({**readings, Aspect.TAGGING: tags(**kind)})).severity.value for kind in kinds]
    assert found == severities.split()
    assert " | ".join(severities.split()) in Path("docs/severity.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("reading", "more", "environment"),
    [
        (tags(Environment="prod"), {}, Environment.PRODUCTION),
        (tags(env="Sandbox"), {}, Environment.DEVELOPMENT),
        (tags(env="dev", stage="live"), {}, Environment.PRODUCTION),
        (tags(), {"development_places": (ACCOUNT.account,)}, Environment.DEVELOPMENT),
        (tags(), {"development_places": ("ou-1",)}, Environment.DEVELOPMENT),
        (tags(env="prod"), {"development_places": ("ou-1",)}, Environment.PRODUCTION),
        (tags(env="dev"), {"production_places": ("r-1",)}, Environment.PRODUCTION),
        (tags(), {}, Environment.ANY),
    ],
)
def test_what_it_serves(reading: Reading[object], more: dict[str, Any], environment: Environment) -> None:
    """By tag, account or unit; production wins over development."""
    context = replace(USUAL, **more)
    found = known(bucket({Aspect.TAGGING: reading}), context, frozenset({"ou-1", "r-1"}))
    assert found.environment is environment


def test_places_are_not_guessed_while_units_are_unknown() -> None:
    """Then only the account's own number counts."""
    context = replace(USUAL, development_places=("ou-1",))
    assert known(bucket({Aspect.TAGGING: tags()}), context, None).environment is Environment.ANY


def test_sensitive_data_raises_only_what_somebody_may_reach() -> None:
    """Latent exposure of it is worse than medium; a private bucket without versioning is not."""
    secret = tags(Classification="secret")
    latent = judged("bucket-public-latent", unguarded({**PUBLIC, Aspect.TAGGING: secret, **_restricted()}))
    private = judged("bucket-versioning", bucket({Aspect.VERSIONING: ABSENT, Aspect.TAGGING: secret}))
    assert (latent.severity, latent.base_severity) == (Severity.HIGH, Severity.MEDIUM)
    assert private.base_severity is None


def _restricted() -> dict[Aspect, Reading[object]]:
    return {Aspect.PUBLIC_ACCESS_BLOCK: bucket().reading(Aspect.PUBLIC_ACCESS_BLOCK)}


def test_a_leak_in_development_is_high_at_least() -> None:
    """However harmless: it works now."""
    state = unguarded({**PUBLIC, Aspect.TAGGING: tags(Classification="public", Environment="dev")})
    found = judged("bucket-public-effective", state)
    assert found.severity is Severity.HIGH
    assert found.reasons[-1] == "not below high: the exposure works now"


def test_an_unreadable_tag_lowers_nothing() -> None:
    """It might have said that the data is secret: the account is development, the leak stays critical."""
    context = replace(USUAL, development_places=(ACCOUNT.account,))
    found = judged("bucket-public-effective", unguarded({**PUBLIC, Aspect.TAGGING: DENIED}), context)
    assert found.severity is Severity.CRITICAL
    assert "tags could not be read" in found.reasons[-1]


def test_the_neutral_context_changes_nothing() -> None:
    """Verdicts come back as they are."""
    results = evaluate(RULES, unguarded(PUBLIC))
    assert in_context(results, unguarded(PUBLIC), BY_ID, NEUTRAL) == results


def test_what_is_read_for_it_is_said() -> None:
    """Tags as soon as any of them counts; units as soon as a place is no account."""
    assert USUAL.needs == {Aspect.TAGGING}
    assert NEUTRAL.needs == frozenset()
    assert not USUAL.asks_for_units
    assert replace(USUAL, production_places=("ou-ab12-cdefgh34",)).asks_for_units


STEPS = st.integers(-2, 2)
CONTEXTS = st.builds(
    replace,
    st.just(USUAL),
    public=STEPS,
    latent=STEPS,
    cross_account=STEPS,
    private=STEPS,
    sensitive=st.integers(0, 2),
    harmless=st.integers(-2, 0),
    production=st.integers(0, 2),
    development=st.integers(-2, 0),
)
READINGS = st.sampled_from(
    [DENIED, ABSENT, *(tags(Classification=c, Env=e) for c in ("secret", "public", "x") for e in ("prod", "dev", "x"))]
)
RESULTS = st.lists(
    st.builds(
        RuleResult,
        st.sampled_from(sorted(BY_ID)),
        st.sampled_from([Verdict.FAIL, Verdict.UNKNOWN, Verdict.PASS]),
        st.sampled_from(Severity),
        st.builds(Evidence, st.just("Because."), live=st.booleans()),
        st.just(Cause.SCP),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda result: result.rule_id,
)


@given(RESULTS, READINGS, CONTEXTS)
def test_no_context_silences_or_plays_down_a_leak(
    results: Sequence[RuleResult], reading: Reading[object], context: Context
) -> None:
    """Whatever is set: a live exposure of sensitive data keeps its severity, nothing falls below low by context."""
    state = bucket({Aspect.TAGGING: reading})
    found = circumstances(results, state, BY_ID, context)
    for before, after in zip(results, in_context(results, state, BY_ID, context), strict=True):
        assert replace(after, severity=before.severity, base_severity=None, reasons=()) == before
        assert abs(after.severity.rank - before.severity.rank) <= MOST
        assert after.severity.rank >= min(before.severity.rank, Severity.LOW.rank)
        assert (after.severity is before.severity) or after.reasons
        if before.verdict is not Verdict.FAIL:
            assert after == before
        elif before.evidence.live:
            assert after.severity.rank >= min(before.severity.rank, Severity.HIGH.rank)
            if found.sensitivity in (Sensitivity.SENSITIVE, Sensitivity.UNKNOWN):
                assert after.severity.rank >= before.severity.rank
