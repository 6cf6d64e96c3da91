"""Every reason to stop a plan stops it, in its order, and nothing that is not known lets one through."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import combinations
from zoneinfo import ZoneInfo

import pytest

from s3warden.correct.budget import Limits, Spent
from s3warden.correct.fights import Fight
from s3warden.correct.guard import Stop, decide
from s3warden.correct.permits import Permit, Place
from s3warden.correct.situation import Circumstances, GuardRules, LastWrite
from s3warden.correct.windows import Freeze, Window
from s3warden.correct.writers import Writer, WriterKind
from s3warden.detect.samples import DENIED
from s3warden.model.action import (
    Allowed,
    Call,
    Effect,
    Held,
    Loss,
    LossKind,
    Mode,
    RemediationPlan,
    Risk,
    Step,
    canonical,
)
from s3warden.model.bucket import BucketRef, Present
from s3warden.model.configuration import Tags
from s3warden.model.finding import Verdict
from s3warden.model.remediation import Approval, Rejection

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
BUCKET = BucketRef("aws", "111122223333", "eu-west-1", "example-data")
RULE = "bucket-acl-public-read"
CALL = Call("s3", "PutBucketAcl", canonical({"Bucket": BUCKET.name}), BUCKET.region)
STEP = Step("acl", "remove the grant READ to AllUsers", CALL, CALL, CALL, "{}", "{}", "{}")
SAFE = Effect(True, False, ("s3:ListBucket",), (), Verdict.PASS)
PLAN = RemediationPlan(
    "remove-public-grants", RULE, "f" * 32, "e" * 16, BUCKET, (STEP,), Risk.LOW, "Listings stop.", SAFE, NOW
)
UNSAFE = replace(PLAN, effect=replace(SAFE, losses=(Loss(LossKind.ACCOUNT, "444455556666"),)))
ALL = frozenset({RULE})
AUTO = GuardRules(permits=(Permit("remediation.permits[0]", ALL, Mode.AUTO),))
CALM = Circumstances(at=NOW)
NIGHT = Window(frozenset(range(7)), time(22), time(4), ZoneInfo("Europe/Berlin"))
FREEZE = Freeze(NOW - timedelta(days=1), NOW + timedelta(days=1), "year end")
TERRAFORM = Writer(WriterKind.TERRAFORM, "arn:aws:sts::111122223333:assumed-role/ci/run-7")


def with_mode(mode: Mode) -> GuardRules:
    """Rules with one row of this mode for everything."""
    return replace(AUTO, permits=(Permit("remediation.permits[0]", ALL, mode),))


def tagged(**tags: str) -> Circumstances:
    """A calm moment, with these tags on the bucket."""
    return replace(CALM, tags=Present(Tags(tuple(sorted(tags.items())))))


def approval(by: str, plan: RemediationPlan = PLAN, minutes: int = 0) -> Approval:
    """An approval of `plan` given so many minutes ago, good for half an hour."""
    at = NOW - timedelta(minutes=minutes)
    return Approval(by, plan.digest, at, at + timedelta(minutes=30))


OPT_OUT = replace(AUTO, opt_out=("s3warden", "hands-off"), opt_out_accounts=frozenset({BUCKET.account}))
FIGHT = Fight(BUCKET.key, ("acl",), ("r1", "r2"), TERRAFORM)

STOPS = [
    pytest.param(PLAN, AUTO, replace(CALM, killed="the file /run/stop is there"), Stop.KILLED, id="kill switch"),
    pytest.param(PLAN, GuardRules(), CALM, Stop.MODE_OFF, id="no row"),
    pytest.param(PLAN, with_mode(Mode.OFF), CALM, Stop.MODE_OFF, id="off"),
    pytest.param(
        PLAN,
        replace(AUTO, permits=(Permit("p", ALL, Mode.AUTO, Place(units=frozenset({"ou-ab12-cdefgh34"}))),)),
        replace(CALM, units=None),
        Stop.UNITS_UNKNOWN,
        id="units unknown",
    ),
    pytest.param(PLAN, AUTO, replace(CALM, tags=DENIED), Stop.TAGS_UNREADABLE, id="tags unreadable"),
    pytest.param(PLAN, OPT_OUT, tagged(s3warden="hands-off"), Stop.OPTED_OUT, id="opted out"),
    pytest.param(PLAN, AUTO, replace(CALM, exemption="ex-1"), Stop.EXEMPT, id="exempt"),
    pytest.param(
        PLAN, AUTO, replace(CALM, rejection=Rejection("ann", PLAN.digest, NOW)), Stop.REJECTED, id="somebody said no"
    ),
    pytest.param(PLAN, AUTO, replace(CALM, undone_by="ann (r2)"), Stop.UNDONE, id="taken back"),
    pytest.param(
        replace(PLAN, effect=replace(SAFE, public_before=None)), AUTO, CALM, Stop.EXPOSURE_UNKNOWN, id="unknown before"
    ),
    pytest.param(
        replace(PLAN, effect=replace(SAFE, public_after=None)), AUTO, CALM, Stop.EXPOSURE_UNKNOWN, id="unknown after"
    ),
    pytest.param(PLAN, AUTO, replace(CALM, fight=FIGHT), Stop.FIGHT, id="fight"),
    pytest.param(PLAN, AUTO, replace(CALM, failed=("r3", "r2", "r1")), Stop.GAVE_UP, id="gave up"),
    pytest.param(PLAN, replace(AUTO, freezes=(FREEZE,)), CALM, Stop.FREEZE, id="freeze"),
    pytest.param(PLAN, replace(AUTO, windows=(NIGHT,)), CALM, Stop.WINDOW, id="window"),
    pytest.param(
        PLAN,
        AUTO,
        replace(CALM, last_write=LastWrite(NOW - timedelta(seconds=59), TERRAFORM)),
        Stop.QUIET,
        id="deploy tool still writing",
    ),
    pytest.param(PLAN, AUTO, replace(CALM, spent=Spent(asking=26, estate=100)), Stop.BREAKER, id="breaker"),
    pytest.param(PLAN, AUTO, replace(CALM, spent=Spent(account_minute=5)), Stop.BUDGET_ACCOUNT, id="account, minute"),
    pytest.param(PLAN, AUTO, replace(CALM, spent=Spent(account_hour=30)), Stop.BUDGET_ACCOUNT, id="account, hour"),
    pytest.param(PLAN, AUTO, replace(CALM, spent=Spent(minute=20)), Stop.BUDGET, id="minute"),
    pytest.param(PLAN, AUTO, replace(CALM, spent=Spent(hour=100)), Stop.BUDGET, id="hour"),
    pytest.param(PLAN, with_mode(Mode.PLAN), CALM, Stop.PLAN_ONLY, id="plan only"),
    pytest.param(
        PLAN,
        with_mode(Mode.PLAN),
        replace(CALM, spent=Spent(asking=26, estate=100)),
        Stop.PLAN_ONLY,
        id="plan only, in a storm",
    ),
    pytest.param(PLAN, with_mode(Mode.APPROVE), CALM, Stop.APPROVAL_NEEDED, id="nobody approved"),
    pytest.param(UNSAFE, with_mode(Mode.AUTO_WHEN_SAFE), CALM, Stop.NOT_SAFE, id="somebody would be cut off"),
    pytest.param(
        replace(PLAN, effect=replace(SAFE, unknown=("who reads through the CDN",))),
        with_mode(Mode.AUTO_WHEN_SAFE),
        CALM,
        Stop.NOT_SAFE,
        id="effect not known",
    ),
    pytest.param(
        replace(PLAN, effect=replace(SAFE, verdict_after=Verdict.UNKNOWN)),
        with_mode(Mode.AUTO_WHEN_SAFE),
        CALM,
        Stop.NOT_SAFE,
        id="rule would not pass",
    ),
]


@pytest.mark.parametrize(("plan", "rules", "now", "reason"), STOPS)
def test_each_reason_stops(plan: RemediationPlan, rules: GuardRules, now: Circumstances, reason: Stop) -> None:
    """Each reason stops a plan that would else go on, with its own code and a sentence."""
    permission = decide(plan, rules, now)
    assert isinstance(permission, Held)
    assert permission.reason == reason
    assert permission.detail.endswith(".")


def test_every_reason_is_shown() -> None:
    """No reason exists that the table above does not show."""
    assert {case.values[3] for case in STOPS} == set(Stop)


@pytest.mark.parametrize("mode", [Mode.AUTO, Mode.AUTO_WHEN_SAFE])
def test_a_calm_moment_lets_a_safe_plan_through(mode: Mode) -> None:
    """With nothing in the way both automatic modes go on."""
    assert isinstance(decide(PLAN, with_mode(mode), CALM), Allowed)


def test_auto_does_not_ask_who_is_cut_off() -> None:
    """The operator who says auto has decided that."""
    assert isinstance(decide(UNSAFE, AUTO, CALM), Allowed)


def test_live_exposure_waits_for_nothing() -> None:
    """Quiet, windows and freezes do not hold back the closing of a live leak, unless the operator wants them to."""
    last = LastWrite(NOW, TERRAFORM)
    rules = replace(AUTO, windows=(NIGHT,), freezes=(FREEZE,))
    live = replace(CALM, live=True, last_write=last)
    assert isinstance(decide(PLAN, rules, live), Allowed)
    held = decide(PLAN, replace(rules, live_always=False), live)
    assert isinstance(held, Held)
    assert held.reason == Stop.FREEZE


def test_when_to_try_again() -> None:
    """What passes by itself says when."""
    frozen = decide(PLAN, replace(AUTO, freezes=(FREEZE,)), CALM)
    closed = decide(PLAN, replace(AUTO, windows=(NIGHT,)), CALM)
    assert isinstance(frozen, Held)
    assert frozen.retry_at == FREEZE.end
    assert isinstance(closed, Held)
    assert closed.retry_at == datetime(2026, 11, 25, 21, 0, tzinfo=UTC)


def test_the_first_row_that_fits_decides() -> None:
    """Rows are read like a firewall's: an exception stands before the general case."""
    place = Place(buckets=("example-*",))
    rows = (Permit("first", ALL, Mode.PLAN, place), Permit("second", ALL, Mode.AUTO))
    held = decide(PLAN, replace(AUTO, permits=rows), CALM)
    assert isinstance(held, Held)
    assert held.reason == Stop.PLAN_ONLY
    other = replace(PLAN, subject=replace(BUCKET, name="other"))
    assert isinstance(decide(other, replace(AUTO, permits=rows), CALM), Allowed)


@pytest.mark.parametrize(
    ("place", "fits"),
    [
        (Place(accounts=frozenset({BUCKET.account})), True),
        (Place(accounts=frozenset({"999999999999"})), False),
        (Place(units=frozenset({"ou-ab12-cdefgh34"})), True),
        (Place(units=frozenset({"ou-ab12-xxxxxxxx"})), False),
        (Place(tags=(("Environment", "dev*"),)), True),
        (Place(tags=(("Environment", "prod"),)), False),
        (Place(buckets=("nothing-*", "*-data")), True),
        (Place(accounts=frozenset({BUCKET.account}), buckets=("nothing",)), False),
    ],
)
def test_places(place: Place, *, fits: bool) -> None:
    """Fields of a place all have to agree; one entry of each is enough."""
    rules = replace(AUTO, permits=(Permit("p", ALL, Mode.AUTO, place),))
    now = replace(tagged(Environment="dev-1"), units=("ou-ab12-cdefgh34", "r-ab12"))
    assert isinstance(decide(PLAN, rules, now), Allowed) is fits


def test_opting_out_needs_the_account_to_permit_it() -> None:
    """In an account that does not honour the tag, anyone who may tag could else switch the guard off."""
    rules = replace(OPT_OUT, opt_out_accounts=frozenset())
    assert isinstance(decide(PLAN, rules, tagged(s3warden="hands-off")), Allowed)


def test_one_approval_is_enough_for_a_low_risk() -> None:
    """Somebody else's approval of exactly this plan, in time, lets it go on."""
    rules = with_mode(Mode.APPROVE)
    now = replace(CALM, approvals=(approval("ann"),), requester="bob")
    permission = decide(PLAN, rules, now)
    assert permission == Allowed("Approved by ann.")


@pytest.mark.parametrize(
    "approvals",
    [
        (approval("bob"),),
        (approval("ann", UNSAFE), approval("eve", replace(PLAN, rule_id="bucket-acl-public-write"))),
        (approval("ann", minutes=30),),
    ],
    ids=["the requester's own", "of other plans", "too old"],
)
def test_approvals_that_do_not_count(approvals: tuple[Approval, ...]) -> None:
    """Whoever asked may not agree, another plan is another question, and an old answer is none."""
    changed = replace(PLAN, steps=(replace(STEP, after='{"x":1}'),))
    held = decide(changed, with_mode(Mode.APPROVE), replace(CALM, approvals=approvals, requester="bob"))
    assert isinstance(held, Held)
    assert held.reason == Stop.APPROVAL_NEEDED


def test_high_risk_needs_two_people() -> None:
    """One person twice is still one person."""
    risky = replace(PLAN, risk=Risk.HIGH)
    rules = with_mode(Mode.APPROVE)
    once = replace(CALM, approvals=(approval("ann", risky), approval("ann", risky, 1)))
    held = decide(risky, rules, once)
    assert isinstance(held, Held)
    twice = replace(CALM, approvals=(approval("ann", risky), approval("eve", risky)))
    assert decide(risky, rules, twice) == Allowed("Approved by ann, eve.")


def test_a_rejection_is_of_one_plan() -> None:
    """Who refused one plan was not asked about the next."""
    no = replace(CALM, rejection=Rejection("ann", "another plan", NOW))
    assert isinstance(decide(PLAN, AUTO, no), Allowed)


def test_an_approval_does_not_lift_a_stop() -> None:
    """People agree to a plan, not to carrying it out against a fight, a freeze or the kill switch."""
    now = replace(CALM, approvals=(approval("ann"),))
    for stop in (replace(now, killed="x"), replace(now, fight=FIGHT), replace(now, tags=DENIED)):
        assert isinstance(decide(PLAN, with_mode(Mode.APPROVE), stop), Held)
    assert isinstance(decide(PLAN, with_mode(Mode.PLAN), now), Held)


def test_breaker_follows_the_estate() -> None:
    """The breaker is a share of the estate, with a floor for small ones."""
    limits = Limits(breaker_share=0.02, breaker_least=25)
    assert [limits.breaker_at(size) for size in (10, 1250, 1300, 10_000)] == [25, 25, 26, 200]
    rules = replace(AUTO, limits=limits)
    assert isinstance(decide(PLAN, rules, replace(CALM, spent=Spent(asking=200, estate=10_000))), Allowed)
    assert isinstance(decide(PLAN, rules, replace(CALM, spent=Spent(asking=201, estate=10_000))), Held)


BY_CIRCUMSTANCE = [
    (now, reason)
    for plan, rules, now, reason in (case.values for case in STOPS)
    if (plan, rules) == (PLAN, AUTO) and isinstance(now, Circumstances) and isinstance(reason, Stop)
]
# Two budgets that are spent would be two values of the same field.
PAIRS = [
    (one, other) for one, other in combinations(BY_CIRCUMSTANCE, 2) if CALM.spent in (one[0].spent, other[0].spent)
]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_of_two_reasons_the_first_is_told(one: tuple[Circumstances, Stop], other: tuple[Circumstances, Stop]) -> None:
    """No circumstance lifts the stop of another; the order is that of the reasons."""
    (now, reason), (then, second) = one, other
    more = {name: value for name in Circumstances.__slots__ if (value := getattr(then, name)) != getattr(CALM, name)}
    held = decide(PLAN, AUTO, replace(now, **more))
    assert isinstance(held, Held)
    assert held.reason == min(reason, second, key=list(Stop).index)
