"""One decision whether a finding is exempt, with a reason for each exemption that does not hold."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3warden.detect.context import NEUTRAL
from s3warden.detect.evaluate import evaluate
from s3warden.detect.exemptions.binding import is_bound
from s3warden.detect.exemptions.decision import Case, Why, exempted
from s3warden.detect.exemptions.presets import PRESETS
from s3warden.detect.exemptions.register import Register, spent_by
from s3warden.detect.house import House, exempt_now, in_house
from s3warden.detect.rule import DEFAULT_OPTIONS, Rule
from s3warden.detect.rules import RULES, find
from s3warden.detect.samples import DENIED, account, allow, bucket, by_policy, granting, unguarded
from s3warden.detect.selection import names
from s3warden.model.bucket import ABSENT, Aspect, BucketState, Present, State
from s3warden.model.configuration import ALL_USERS, Tags
from s3warden.model.exemption import Exemption, Scope
from s3warden.model.finding import ChangeKind, Finding, FindingChange, Reason, Severity, Verdict, fingerprint
from support.exempting import NOW, case, exemption, public

VERSIONING, LOGGING, LEAK = "bucket-versioning", "bucket-access-logging", "bucket-public-effective"
BARE = bucket({Aspect.VERSIONING: ABSENT, Aspect.LOGGING: ABSENT, Aspect.TAGGING: ABSENT})
UNTAGGED = bucket({Aspect.VERSIONING: ABSENT, Aspect.TAGGING: DENIED})
OPEN = unguarded(by_policy(allow()))
WIDER = unguarded(by_policy(allow(), allow(actions="s3:PutObject")))


def why(decided: Case, *exemptions: Exemption) -> list[Why]:
    """The codes of the reasons."""
    return [miss.why for miss in exempted(decided, exemptions).misses]


def test_the_first_that_holds_is_named() -> None:
    """With the reasons of those before it."""
    other, mine = exemption("other", rules=(LOGGING,)), exemption("mine", rules=(VERSIONING,))
    found = exempted(case(VERSIONING, BARE), (other, mine, exemption("later")))
    assert found.by is mine
    assert [(miss.exemption.id, miss.why) for miss in found.misses] == [("other", Why.RULE)]
    assert found.exempt is not None
    assert (found.exempt.id, found.exempt.owner, found.exempt.ends_at) == ("mine", "team-web", mine.ends_at)
    assert found.lapsed == ()


@pytest.mark.parametrize("patterns", [(VERSIONING,), ("bucket-ver*",), ("resilience",), (LOGGING, "resilience")])
def test_rules_are_named_by_id_glob_or_category(patterns: tuple[str, ...]) -> None:
    """One of them is enough."""
    assert exempted(case(VERSIONING, BARE), [exemption(rules=patterns)]).by is not None


def test_it_holds_to_the_last_moment_and_no_longer() -> None:
    """The end itself is outside."""
    ends = exemption(ends_at=NOW)
    assert exempted(case(VERSIONING, BARE, at=NOW - timedelta(microseconds=1)), [ends]).by is ends
    found = exempted(case(VERSIONING, BARE, at=NOW), [ends])
    assert found.by is None
    assert [miss.why for miss in found.misses] == [Why.EXPIRED]
    assert "it ended at 2026-03-01 12:00 UTC" in found.lapsed[0]


def test_a_bucket_that_opens_wider_is_exempt_no_more() -> None:
    """What goes beyond is named to whoever is paged."""
    agreed = exemption("assets", rules=("exposure",), approved=public("s3:GetObject"))
    assert exempted(case(LEAK, OPEN), [agreed]).by is agreed
    found = exempted(case(LEAK, WIDER), [agreed])
    assert found.by is None
    (told,) = found.lapsed
    assert told.startswith("exemption assets (exemptions/assets.toml:1) does not hold: more is open than was approved")
    assert "Anyone on the internet can put objects" in told


def test_without_approval_no_rule_about_who_gets_in_is_exempt() -> None:
    """Not even by an exemption that never came through the checks of the files."""
    assert why(case(LEAK, OPEN), exemption()) == [Why.WIDENED]


def test_it_is_over_once_the_finding_was_resolved() -> None:
    """Where it was given for as long as that takes; for this bucket, and no other."""
    once = exemption("once", until_resolved=True)
    spent = frozenset({("once", fingerprint(VERSIONING, BARE.ref))})
    assert exempted(case(VERSIONING, BARE), [once]).by is once
    assert why(case(VERSIONING, BARE, spent=spent), once) == [Why.RESOLVED]
    assert exempted(case(LOGGING, BARE, spent=spent), [once]).by is once
    assert exempted(case(VERSIONING, BARE, spent=spent), [exemption("once")]).by is not None


def test_unreadable_tags_never_exempt_by_tag() -> None:
    """And the reason is told to those who hear of the finding."""
    tagged = exemption(scope=Scope(tags=("Public=*",)))
    state = bucket({Aspect.VERSIONING: ABSENT, Aspect.TAGGING: DENIED})
    found = exempted(case(VERSIONING, state), [tagged])
    assert found.by is None
    assert [miss.why for miss in found.misses] == [Why.UNREADABLE]
    assert "no tag counts" in found.lapsed[0]


@pytest.mark.parametrize(
    ("rule_id", "state", "written"),
    [
        (VERSIONING, UNTAGGED, exemption(scope=Scope(tags=("A=b",)))),
        (
            "bucket-acl-public-read",
            unguarded({Aspect.ACL: granting((ALL_USERS, "READ")), Aspect.POLICY: DENIED}),
            exemption(approved=public("s3:*")),
        ),
    ],
)
def test_whoever_changes_something_takes_doubt_for_an_exemption(rule_id: str, state: State, written: Exemption) -> None:
    """The finding is told, since nothing unread may silence it, and nothing is changed, for the same reason."""
    house = House(NEUTRAL, Register((written,)))
    rule = find(rule_id)
    (judged,) = in_house(evaluate((rule,), state), (rule,), state, DEFAULT_OPTIONS, house, NOW)
    assert judged.exempt is None
    assert exempt_now(rule_id, (rule,), state, DEFAULT_OPTIONS, house, NOW) == "accepted"


def test_a_pass_has_nothing_to_exempt() -> None:
    """It says so, and nobody is told."""
    found = exempted(case(VERSIONING, bucket()), [exemption()])
    assert (found.by, found.lapsed) == (None, ())


def test_what_could_not_be_read_cannot_be_compared() -> None:
    """Of an unknown verdict the decision says that a known exemption may stand: scope and time decide."""
    state = unguarded({Aspect.POLICY: DENIED})
    agreed = exemption(approved=public("s3:GetObject"))
    assert exempted(case(LEAK, state), [agreed]).by is agreed
    assert why(case(LEAK, state, at=NOW + timedelta(days=31)), agreed) == [Why.EXPIRED]


# Every example of every rule is a state that some rule minds.
STATES = [(rule, example.state) for rule in RULES for example in rule.examples if example.verdict is Verdict.FAIL]
TAGGED = Present(Tags((("Public", "yes"),)))


def _with(state: State, reading: object) -> State:
    if not isinstance(state, BucketState):
        return state
    return BucketState(
        state.ref,
        state.read_at,
        {**state.readings, Aspect.TAGGING: reading},  # type: ignore[dict-item]
        state.account,
    )


@st.composite
def exemptions(draw: st.DrawFn) -> Exemption:
    """Exemptions of all kinds, those of no effect too."""
    scope = draw(
        st.sampled_from(
            [
                Scope(buckets=("*",)),
                Scope(accounts=("111122223333",)),
                Scope(tags=("Public=yes",)),
                Scope(units=("r-1",)),
            ]
        )
    )
    return exemption(
        draw(st.sampled_from(["a", "b", "c"])),
        scope=scope,
        rules=(draw(st.sampled_from(["*", "exposure", "access", "bucket-*"])),),
        ends_at=NOW + timedelta(hours=draw(st.integers(-48, 48))),
        until_resolved=draw(st.booleans()),
        approved=draw(st.sampled_from([None, public("s3:GetObject"), public("s3:*")])),
    )


@given(
    st.sampled_from(STATES),
    st.lists(exemptions(), max_size=4),
    st.sampled_from([TAGGED, ABSENT, DENIED]),
    st.sampled_from([None, {"111122223333": frozenset({"r-1"})}]),
    st.sets(st.sampled_from(["a", "b", "c"])),
)
def test_every_path_decides_alike(
    what: tuple[Rule, State],
    written: Sequence[Exemption],
    tags: object,
    units: dict[str, frozenset[str]] | None,
    over: set[str],
) -> None:
    """The daemon and a scan (`in_house`), the command line (`decide`) and the guard of fixes (`exempt_now`)."""
    rule, plain = what
    state = _with(plain, tags)
    spent = {(name, fingerprint(rule.info.id, state.ref)) for name in over}
    house = House(NEUTRAL, Register(tuple(written), set(spent), units))
    results = evaluate((rule,), state)
    (judged,) = in_house(results, (rule,), state, DEFAULT_OPTIONS, house, NOW)
    place = house.register.place(state)
    decision = house.register.decide(Case(rule, results[0], state, place, DEFAULT_OPTIONS, NOW))
    holds = decision.by.id if decision.by else None
    assert (judged.exempt.id if judged.exempt else None) == holds
    guarded = exempt_now(rule.info.id, (rule,), state, DEFAULT_OPTIONS, house, NOW)
    assert guarded == (holds or (decision.doubt.id if decision.doubt else None))
    assert judged.lapsed == decision.lapsed
    if decision.by is not None:
        assert decision.by.ends_at is not None
        assert decision.by.ends_at > NOW
        assert not (decision.by.until_resolved and decision.by.id in over)
        assert not (decision.by.scope.tags and tags is DENIED)
        assert not (decision.by.scope.units and units is None)
        assert decision.by.approved is not None or not is_bound(rule.info)


@given(st.lists(exemptions(), min_size=1, max_size=4), st.integers(0, 96))
def test_nothing_holds_after_its_end(written: Sequence[Exemption], hours: int) -> None:
    """Whatever it says, an exemption that has ended exempts nothing, on any path."""
    at = NOW + timedelta(hours=hours)
    register = Register(tuple(written))
    for rule_id, state in ((VERSIONING, BARE), (LEAK, OPEN)):
        decided = register.decide(case(rule_id, state, at=at))
        assert decided.by is None or (decided.by.ends_at is not None and decided.by.ends_at > at)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.id)
def test_presets_never_touch_who_gets_in(preset: Exemption) -> None:
    """Each names rules that exist, one by one, none of them about access; and says which buckets it means."""
    for pattern in preset.rules:
        rule = find(pattern)
        assert not is_bound(rule.info)
        assert rule.info.severity.rank < Severity.HIGH.rank
    assert preset.scope.buckets
    assert all(glob.strip("*?-") for glob in preset.scope.buckets)
    assert preset.approved is None
    assert not any(names(pattern, rule) for pattern in preset.rules for rule in RULES if is_bound(rule.info))


@pytest.mark.parametrize(
    ("name", "preset"),
    [
        ("aws-controltower-logs-111122223333-eu-west-1", "preset-control-tower"),
        ("cdk-hnb659fds-assets-111122223333-eu-west-1", "preset-cdk-bootstrap"),
        ("aws-cloudtrail-logs-111122223333-0a1b2c3d", "preset-cloudtrail"),
        ("config-bucket-111122223333", "preset-config"),
        ("aft-backend-111122223333-primary-region", "preset-account-factory-terraform"),
        ("aws-accelerator-elb-access-logs-111122223333-eu-west-1", "preset-load-balancer-logs"),
        ("shop-alb-logs", "preset-load-balancer-logs"),
    ],
)
def test_presets_know_the_buckets_of_platforms(name: str, preset: str) -> None:
    """By the names that the platforms give."""
    state = bucket({Aspect.LOGGING: ABSENT}, name=name)
    found = exempted(case(LOGGING, state), PRESETS)
    assert found.by is not None
    assert found.by.id == preset


def test_a_leak_of_a_platform_bucket_is_a_leak() -> None:
    """No preset holds for it."""
    state = unguarded({**by_policy(allow(resource="*"))})
    named = BucketState(
        bucket(name="aws-controltower-logs-111122223333-eu-west-1").ref, NOW, state.readings, state.account
    )
    assert exempted(case(LEAK, named), PRESETS).by is None


def test_an_account_can_be_exempt_too() -> None:
    """By its number; a scope of buckets is not about it."""
    rule_id, state = "account-public-access-block", account(ABSENT)
    assert exempted(case(rule_id, state), [exemption(scope=Scope(accounts=("111122223333",)))]).by is not None
    assert why(case(rule_id, state), exemption()) == [Why.SCOPE]


def test_the_register_knows_what_comes_next() -> None:
    """The next end after a moment; presets never end."""
    soon, later = exemption("a", ends_at=NOW + timedelta(days=1)), exemption("b", ends_at=NOW + timedelta(days=2))
    register = Register((later, soon, *PRESETS))
    assert register.next_end(NOW) == soon.ends_at
    assert register.next_end(NOW + timedelta(days=1)) == later.ends_at
    assert register.next_end(NOW + timedelta(days=2)) is None
    assert Register((exemption(scope=Scope(tags=("A=b",))),)).needs == {Aspect.TAGGING}
    assert Register(PRESETS).needs == frozenset()
    assert Register((exemption(approved=public("s3:GetObject")),)).needs >= {Aspect.POLICY, Aspect.ACL}


def test_what_may_have_changed_is_judged_again() -> None:
    """Subjects that an exemption names, and those that one held back; each once."""
    register = Register((exemption(scope=Scope(buckets=("named-*",)), rules=(VERSIONING,)),))

    def found(name: str, rule_id: str, *, exempt: bool = False) -> Finding:
        ref = bucket(name=name).ref
        held = exempted(case(VERSIONING, BARE), [exemption("gone")]).exempt if exempt else None
        (result,) = evaluate((find(rule_id),), BARE)
        return Finding(
            fingerprint(rule_id, ref),
            rule_id,
            ref,
            Verdict.FAIL,
            result.severity,
            result.evidence,
            NOW,
            NOW,
            exempt=held,
        )

    findings = [
        found("named-one", VERSIONING),
        found("named-one", LOGGING),
        found("named-two", LOGGING),
        found("other", VERSIONING),
        found("held", VERSIONING, exempt=True),
    ]
    assert [str(s) for s in register.concerned(findings, RULES)] == ["named-one", "held"]


@pytest.mark.parametrize(
    ("reason", "over"), [(Reason.FIXED, True), (Reason.BUCKET_DELETED, True), (Reason.RULE_DISABLED, False)]
)
def test_only_a_real_end_spends(reason: Reason, over: bool) -> None:
    """A rule that was switched off has resolved nothing."""
    held = exempted(case(VERSIONING, BARE), [exemption("once", until_resolved=True)]).exempt
    ref = BARE.ref
    (result,) = evaluate((find(VERSIONING),), BARE)
    finding = Finding(
        fingerprint(VERSIONING, ref),
        VERSIONING,
        ref,
        Verdict.FAIL,
        result.severity,
        result.evidence,
        NOW,
        NOW,
        exempt=held,
    )
    change = FindingChange(ChangeKind.RESOLVED, finding, NOW, reason)
    assert spent_by([change]) == ({("once", finding.fingerprint)} if over else frozenset())
